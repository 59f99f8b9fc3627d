import FixedPoint
import Graph

/// What is compared, as numbers: the same for the elements of a tensor whose signals are built alike, so that they are
/// compared once.
struct ConeKey: Hashable, Sendable { var numbers: [Int128] }

struct ConeEncoder {
  private let table: FormTable
  private let elements: GraphElements
  private var numbers: [Int128] = []
  /// Atoms in the order in which they occur.
  private var atoms: [Atom: Int] = [:]
  private var nets: [Net: Int] = [:]

  init(_ table: FormTable, _ elements: GraphElements) {
    self.table = table
    self.elements = elements
    numbers.reserveCapacity(128)
  }

  var key: ConeKey { ConeKey(numbers: numbers) }

  private mutating func add(_ values: Int128...) { numbers += values }

  private mutating func encode(_ range: Interval) { add(range.lower, range.upper) }

  // MARK: Forms

  private mutating func encode(_ form: Form) {
    add(form.constant, Int128(form.terms.count))
    for term in form.terms {
      add(term.coefficient)
      encode(term.atom)
    }
  }

  private mutating func encode(_ atom: Atom) {
    if let known = atoms[atom] { return add(0, Int128(known)) }
    switch table.kind(atom) {
    case .element(let element):
      atoms[atom] = atoms.count
      let bounds = table.bounds(atom) ?? .zero
      add(1, bounds.lower, bounds.upper, Int128(elements.exponents[element]))
    case .word(let net): add(2, Int128(net.index))
    case .floor(let form, let shift):
      add(3, Int128(shift))
      encode(form)
    case .product(let a, let b):
      add(4)
      encode(a)
      encode(b)
    }
  }

  // MARK: Functions

  mutating func encode(_ function: ElementFunction) {
    switch function {
    case .value(let form, let bounds):
      add(10)
      encode(form)
      encode(bounds)
    case .sum(let terms, let constant):
      add(11, constant, Int128(terms.count))
      for term in terms {
        add(term.factor)
        encode(term.operand)
      }
    case .product(let operands): encode(operands, tag: 12)
    case .quantize(let quantizer, let range, let operand):
      add(13)
      encode(quantizer)
      encode(range)
      encode(operand)
    case .rectify(let rectifier, let operand):
      add(14, rectifier.threshold, rectifier.gain, rectifier.slope, rectifier.offset)
      add(rectifier.maximum == nil ? 0 : 1, rectifier.maximum ?? 0)
      encode(operand)
    case .table(let node, let table, let operand):
      add(15, Int128(node), Int128(table))
      encode(operand)
    case .entry(let entries, let operand):
      add(19, Int128(entries.count))
      numbers += entries
      encode(operand)
    case .comparison(let kind, let a, let b):
      add(Int128(Combination.allCases.firstIndex(of: kind) ?? 0))
      encode([a, b], tag: 22)
    case .selection(let a, let b, let c): encode([a, b, c], tag: 23)
    case .extreme(let isMaximum, let operands): encode(operands, tag: isMaximum ? 16 : 17)
    case .argmax(let operands): encode(operands, tag: 18)
    }
  }

  private mutating func encode(_ operands: [ElementFunction], tag: Int128) {
    add(tag, Int128(operands.count))
    for operand in operands { encode(operand) }
  }

  private mutating func encode(_ quantizer: ElementQuantizer) {
    switch quantizer {
    case .fixed(let type, let unit):
      add(20, Int128(type.width), Int128(type.integerBits), type.isSigned ? 1 : 0)
      add(Int128(Rounding.allCases.firstIndex(of: type.rounding) ?? 0))
      add(Int128(Overflow.allCases.firstIndex(of: type.overflow) ?? 0))
      add(Int128(unit.exponent), unit.factor.numerator, unit.factor.denominator)
    case .steps(let thresholds, let levels):
      add(21, Int128(thresholds.count))
      numbers += thresholds
      numbers += levels
    }
  }

  // MARK: Words

  mutating func encode(_ cone: Cone, _ netlist: Netlist) {
    for net in cone.nets {
      nets[net] = nets.count
      add(Int128(netlist.width(net)))
      if let form = cone.border[net] {
        add(30)
        encode(form)
      } else {
        encode(netlist.operation(net))
      }
    }
  }

  mutating func encode(net: Net, low: Int, range: Interval) {
    add(40, number(net), Int128(low))
    encode(range)
  }

  private func number(_ net: Net) -> Int128 { Int128(nets[net] ?? -1) }

  private func code(_ kind: NetLogic) -> Int128 {
    switch kind {
    case .and: 0
    case .or: 1
    case .xor: 2
    }
  }

  private mutating func encode(_ operation: NetOperation) {
    switch operation {
    case .element(let element): add(50, Int128(element))
    case .control: add(51)
    case .state(let state): add(52, Int128(state))
    case .constant(let value): add(53, Int128(truncatingIfNeeded: value))
    case .concatenation(let pieces):
      add(54, Int128(pieces.count))
      for piece in pieces { add(number(piece.net), Int128(piece.low), Int128(piece.count)) }
    case .sum(let terms):
      add(55, Int128(terms.count))
      for term in terms { add(number(term.net), term.isNegative ? 1 : 0) }
    case .product(let a, let b): add(56, number(a), number(b))
    case .not(let a): add(57, number(a))
    case .logic(let kind, let a, let b): add(58, code(kind), number(a), number(b))
    case .reduce(let kind, let a): add(59, code(kind), number(a))
    case .equal(let a, let b): add(60, number(a), number(b))
    case .less(let a, let b): add(61, number(a), number(b))
    case .choice(let condition, let then, let otherwise):
      add(62, number(condition), number(then), number(otherwise))
    case .lookup(let table, let a): add(63, Int128(table), number(a))
    case .cell(let contents, let inputs):
      add(64, Int128(contents), Int128(inputs.count))
      for input in inputs { add(number(input)) }
    case .register(let a): add(65, number(a))
    }
  }
}
