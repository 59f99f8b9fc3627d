import Circuit
import FixedPoint

/// Parts of a timed circuit that occur more than once, such as a convolution's kernel at its positions. Each is printed as
/// one module with several instances, so that the text, and the work of tools that read it, grow with the kernel.
///
/// Lowering says which operations were made for one instance (`Operation.instance`). What later passes and the pipeliner
/// made of them decides which instances are alike: those with the same operations in the same ranges, with registers in
/// the same places, of which the same results are used outside. Others stay in place.
struct RepeatedParts {
  /// What several instances compute.
  struct Part {
    /// Its operations; each operand and each result is a port.
    var circuit: Circuit
    /// The register ranks between its earliest operand and each operation.
    var stages: [Int?]
    /// The layer that it starts with, as an index into the whole circuit's `origins`.
    var origin: Int
    var instances: Int

    var isClocked: Bool {
      circuit.operations.contains { if case .register = $0.kind { true } else { false } }
    }
  }

  struct Instance {
    /// An index into `parts`.
    var part: Int
    /// Operands and results in the whole circuit, in the order of the part's ports.
    var inputs: [Value]
    var outputs: [Value]
  }

  private(set) var parts: [Part] = []
  /// What is printed, each after what it reads.
  private(set) var statements: [Statement] = []
  /// Whether an operation is inside an instance, where nothing outside reads it.
  private(set) var isHidden: [Bool] = []

  enum Statement {
    case operation(Value)
    case instance(Instance)
  }

  init() {}

  /// - Parameters:
  ///   - isLive: The operations that are printed; constants are not.
  ///   - stages: The register ranks between the inputs and each operation.
  init(_ circuit: Circuit, isLive: [Bool], stages: [Int?]) {
    isHidden = Array(repeating: false, count: circuit.operations.count)
    statements = circuit.values.filter { isLive[$0.index] }.map(Statement.operation)
    var candidates = Membership(circuit, isLive: isLive).candidates
    var order: PrintOrder
    var isOrdered = false
    repeat {
      if candidates.isEmpty { return }
      order = PrintOrder(circuit, isLive: isLive, candidates.map(\.members))
      isOrdered = order.circular.isEmpty
      candidates =
        candidates.enumerated().filter { !order.circular.contains($0.offset) }.map(\.element).repeated
    } while !isOrdered
    var numbers: [Circuit: Int] = [:]
    var instances: [Instance] = []
    for candidate in candidates {
      let number = numbers[candidate.part] ?? parts.count
      if number == parts.count {
        numbers[candidate.part] = number
        let first = candidate.inputs.compactMap { stages[$0.index] }.min() ?? 0
        var part = candidate.part
        part.tables = circuit.tables
        parts.append(
          Part(
            circuit: part, stages: candidate.values.map { stages[$0.index].map { $0 - first } },
            origin: circuit[candidate.members[0]].origin, instances: 0))
      }
      parts[number].instances += 1
      instances.append(Instance(part: number, inputs: candidate.inputs, outputs: candidate.outputs))
      for member in candidate.members { isHidden[member.index] = true }
      for output in candidate.outputs { isHidden[output.index] = false }
    }
    statements = order.sequence.map { entry in
      switch entry {
      case .operation(let value): .operation(value)
      case .group(let group): .instance(instances[group])
      }
    }
  }
}

/// What one instance computes, and from what.
private struct Candidate {
  /// Its operations, in order.
  var members: [Value]
  /// They as a circuit of its own, equal for instances that are alike; its tables are the whole circuit's.
  var part: Circuit
  /// What the part's operations are in the whole circuit: constants and operands too.
  var values: [Value] = []
  /// What it reads and what is read of it, in the whole circuit.
  var inputs: [Value] = []
  var outputs: [Value] = []
}

extension [Candidate] {
  /// Those of which others are alike.
  fileprivate var repeated: [Candidate] {
    var counts: [Circuit: Int] = [:]
    for candidate in self { counts[candidate.part, default: 0] += 1 }
    return filter { counts[$0.part, default: 0] > 1 }
  }
}

/// Which operations of a circuit make an instance.
private struct Membership {
  let circuit: Circuit
  /// The instance that an operation is inside, 0 for none.
  private var owner: [Int]
  /// Whether something outside the operation's instance reads it.
  private var isRead: [Bool]

  init(_ circuit: Circuit, isLive: [Bool]) {
    self.circuit = circuit
    owner = circuit.operations.map(\.instance)
    isRead = Array(repeating: false, count: circuit.operations.count)
    for value in circuit.values {
      if case .input = circuit[value].kind { owner[value.index] = 0 }
      if !isLive[value.index] { owner[value.index] = 0 }
    }
    releaseOuterRegisters(isLive)
    for value in circuit.values where isLive[value.index] {
      for operand in circuit[value].kind.operands where owner[operand.index] != owner[value.index] {
        isRead[operand.index] = true
      }
    }
    for port in circuit.outputs { for element in port.elements { isRead[element.value.index] = true } }
  }

  /// Registers that only delay a result belong to whoever waits for it: how many there are differs between instances.
  private mutating func releaseOuterRegisters(_ isLive: [Bool]) {
    var isNeeded = Array(repeating: false, count: owner.count)
    for value in circuit.values.reversed() where isLive[value.index] {
      if case .register = circuit[value].kind, !isNeeded[value.index] { owner[value.index] = 0 }
      for operand in circuit[value].kind.operands where owner[operand.index] == owner[value.index] {
        isNeeded[operand.index] = true
      }
    }
  }

  /// Instances of parts that are worth a module: with more operations than ports, and others alike.
  var candidates: [Candidate] {
    var groups: [[Value]] = []
    var places: [Int: Int] = [:]
    for value in circuit.values where owner[value.index] != 0 {
      if let place = places[owner[value.index]] {
        groups[place].append(value)
      } else {
        places[owner[value.index]] = groups.count
        groups.append([value])
      }
    }
    return groups.map(candidate).filter { $0.members.count > $0.inputs.count + $0.outputs.count }.repeated
  }

  private func candidate(_ members: [Value]) -> Candidate {
    var part = Circuit(name: "")
    part.origins = [""]
    var candidate = Candidate(members: members, part: part)
    var places: [Value: Value] = [:]
    func append(_ kind: Operation.Kind, like value: Value) {
      places[value] = Value(part.operations.count)
      candidate.values.append(value)
      part.operations.append(Operation(kind, Format(circuit[value].format.range, exponent: 0), origin: 0))
    }
    for member in members {
      for operand in circuit[member].kind.operands where places[operand] == nil {
        let range = circuit[operand].format.range
        if range.isConstant {
          append(.constant(range.lower), like: operand)
        } else {
          append(.input(port: candidate.inputs.count, element: 0), like: operand)
          candidate.inputs.append(operand)
        }
      }
      append(circuit[member].kind.mapOperands { places[$0] ?? $0 }, like: member)
      if isRead[member.index] { candidate.outputs.append(member) }
    }
    func ports(_ values: [Value], _ prefix: String) -> [Port] {
      values.enumerated().map { number, value in
        let place = places[value] ?? Value(0)
        return Port(
          name: "\(prefix)\(number)", shape: [], elements: [Port.Element(part[place].format, value: place)])
      }
    }
    part.inputs = ports(candidate.inputs, "x")
    part.outputs = ports(candidate.outputs, "y")
    candidate.part = part
    return candidate
  }
}

/// Live operations and groups of them in an order in which each stands after what it reads, as far as there is one.
private struct PrintOrder {
  enum Entry {
    case operation(Value)
    /// An index into the groups.
    case group(Int)
  }

  private(set) var sequence: [Entry] = []
  /// Groups that may read what is made from their own results.
  private(set) var circular: Set<Int> = []

  private enum Progress { case new, entered, done }

  init(_ circuit: Circuit, isLive: [Bool], _ groups: [[Value]]) {
    // Operations are numbered as they are, groups after them.
    let count = circuit.operations.count
    var numbers = Array(0..<count)
    for (group, members) in groups.enumerated() {
      for member in members { numbers[member.index] = count + group }
    }
    var progress = Array(repeating: Progress.new, count: count + groups.count)
    var stack: [Int] = []
    for value in circuit.values where isLive[value.index] {
      stack.append(numbers[value.index])
      while let number = stack.last {
        switch progress[number] {
        case .done: stack.removeLast()
        case .entered:
          progress[number] = .done
          sequence.append(number < count ? .operation(Value(number)) : .group(number - count))
        case .new:
          progress[number] = .entered
          for member in number < count ? [Value(number)] : groups[number - count] {
            for operand in circuit[member].kind.operands where isLive[operand.index] {
              let other = numbers[operand.index]
              if other == number || progress[other] == .done { continue }
              if progress[other] == .new {
                stack.append(other)
              } else {
                circular.formUnion(
                  stack.lazy.filter { $0 >= count && progress[$0] == .entered }.map { $0 - count })
              }
            }
          }
        }
      }
    }
  }
}
