import FixedPoint
import Functions
import Graph

/// Fits that were made before, by what they depend on.
struct PiecewiseFits {
  private struct Key: Hashable {
    var function: Function
    var format: Format
    var spread: Double
    var lowerEnd: Int128?
    var upperEnd: Int128?
    var type: FixedType
  }

  private var known: [Key: (pieces: PiecewiseLinear, errorBound: Double)?] = [:]

  /// `PiecewiseFit.fit`, once for each function, operand and type.
  mutating func fit(
    _ function: Function, _ operand: NarrowedOperand, result type: FixedType
  ) throws(WidthOverflow) -> (pieces: PiecewiseLinear, errorBound: Double)? {
    let key = Key(
      function: function, format: operand.format, spread: operand.spread, lowerEnd: operand.lowerEnd,
      upperEnd: operand.upperEnd, type: type)
    if let fit = known[key] { return fit }
    let fit = try PiecewiseFit.fit(function, operand, result: type)
    known[key] = .some(fit)
    return fit
  }
}

/// Fits straight pieces to a function on a grid of operands, and bounds what they are away from it.
///
/// Blocks of a power of two of raw integers are halved until a line with the middle of its error on 0 stays within a
/// quarter of a step; neighbours of one size make a section. The bound is the largest distance over every raw integer,
/// between the pieces' own integer and an enclosure of the function.
struct PiecewiseFit {
  /// In steps of the result, before it is rounded: for the line, and with its coefficients rounded.
  private static let tolerance = 0.2
  /// Sections cost a comparison and multiplexers each.
  private static let mostSections = 8
  private static let mostSegments = 1 << 12

  private let first: Int64
  private let samples: FunctionSamples
  private let type: FixedType

  /// The pieces over the operand's format of at most 2^18 raw integers, and their error bound in steps of the result; nil
  /// where more than 2^12 segments would be needed, or results wrap.
  static func fit(
    _ function: Function, _ operand: NarrowedOperand, result type: FixedType
  ) throws(WidthOverflow) -> (pieces: PiecewiseLinear, errorBound: Double)? {
    let samples = try function.samples(over: operand.format, spread: operand.spread, result: type)
    let range = type.reachableRange
    let limits = max(Double(range.lower), -0x1p40)...min(Double(range.upper), 0x1p40)
    guard samples.middles.allSatisfy({ limits.contains($0) }) else { return nil }
    let fit = PiecewiseFit(first: Int64(operand.format.range.lower), samples: samples, type: type)
    var shift = 0
    while fit.last >> Int64(shift) - fit.first >> Int64(shift) > 1 { shift += 1 }
    var blocks: [Block] = []
    for index in (fit.first >> Int64(shift))...(fit.last >> Int64(shift)) {
      fit.divide(Block(index: index, shift: shift), into: &blocks)
    }
    let sections = PiecewiseFit.sections(blocks)
    guard sections.reduce(0, { $0 + $1.count }) <= mostSegments else { return nil }
    let pieces = fit.pieces(sections)
    let results = samples.middles.indices.map { pieces.value(Int128(fit.first) + Int128($0)) }
    return (pieces, operand.errorBound(results, samples, type))
  }

  private var last: Int64 { first + Int64(samples.middles.count - 1) }

  /// The raw integers whose bits above `shift` are `index`.
  private struct Block {
    var index: Int64
    var shift: Int
  }

  /// `count` blocks from `first` on.
  private struct BlockRow {
    var first: Int64
    var shift: Int
    var count: Int
  }

  /// The positions among the samples that a block covers, or nil.
  private func positions(_ block: Block) -> ClosedRange<Int>? {
    let low = max(block.index << Int64(block.shift), first)
    let high = min(((block.index + 1) << Int64(block.shift)) - 1, last)
    return low <= high ? Int(low - first)...Int(high - first) : nil
  }

  private func divide(_ block: Block, into blocks: inout [Block]) {
    guard let range = positions(block) else { return }
    if block.shift == 0 || spreadAroundLine(range) <= 2 * PiecewiseFit.tolerance {
      blocks.append(block)
      return
    }
    for half in 0...1 {
      divide(Block(index: 2 * block.index + Int64(half), shift: block.shift - 1), into: &blocks)
    }
  }

  private func slope(_ range: ClosedRange<Int>) -> Double {
    range.count == 1
      ? 0
      : (samples.middles[range.upperBound] - samples.middles[range.lowerBound]) / Double(range.count - 1)
  }

  /// The least and the greatest distance above a line through 0 at the block's start.
  private func residues(_ range: ClosedRange<Int>, slope: Double) -> (low: Double, high: Double) {
    var low = Double.infinity
    var high = -Double.infinity
    var line = 0.0
    for i in range {
      let rest = samples.middles[i] - line
      low = min(low, rest)
      high = max(high, rest)
      line += slope
    }
    return (low, high)
  }

  private func spreadAroundLine(_ range: ClosedRange<Int>) -> Double {
    let (low, high) = residues(range, slope: slope(range))
    return high - low
  }
}

// MARK: - Sections

extension PiecewiseFit {
  /// Rows of blocks of one size, at most `mostSections` of them: the row that costs fewest segments more joins the finer
  /// of its neighbours.
  private static func sections(_ blocks: [Block]) -> [BlockRow] {
    var rows: [BlockRow] = []
    for block in blocks {
      if let previous = rows.last, previous.shift == block.shift {
        rows[rows.count - 1].count += 1
      } else {
        rows.append(BlockRow(first: block.index, shift: block.shift, count: 1))
      }
    }
    while rows.count > 1 {
      /// What row i costs at the size of row j.
      func cost(_ i: Int, _ j: Int) -> Int {
        rows[i].shift < rows[j].shift ? .max : rows[i].count * (1 << (rows[i].shift - rows[j].shift) - 1)
      }
      var best = (cost: Int.max, row: 0, neighbour: 0)
      for i in rows.indices {
        for j in [i - 1, i + 1] where rows.indices.contains(j) && cost(i, j) < best.cost {
          best = (cost(i, j), i, j)
        }
      }
      if rows.count <= mostSections && best.cost > 8 || best.cost > mostSegments { break }
      let (row, neighbour) = (rows[best.row], rows[best.neighbour])
      let lift = row.shift - neighbour.shift
      let left = min(best.row, best.neighbour)
      rows[left] = BlockRow(
        first: best.row < best.neighbour ? row.first << Int64(lift) : neighbour.first,
        shift: neighbour.shift, count: row.count << lift + neighbour.count)
      rows.remove(at: left + 1)
    }
    return rows
  }

  /// Coefficients rounded so that the line moves by less than 1/16 of a step within its segment.
  private func pieces(_ rows: [BlockRow]) -> PiecewiseLinear {
    let isSloped = rows.map { row in
      (0..<row.count).contains { i in
        positions(Block(index: row.first + Int64(i), shift: row.shift)).map { slope($0) != 0 } ?? false
      }
    }
    let widest = zip(rows, isSloped).map { $1 ? $0.shift : 0 }.max() ?? 0
    let bits = widest + 3
    let scale = Double(sign: .plus, exponent: bits, significand: 1)
    let rounding = type.rounding.isToNearest ? 0.5 : 0
    let sections = rows.map { row in
      var section = PiecewiseLinear.Section(
        first: row.first << Int64(row.shift), shift: row.shift, constants: [], slopes: [])
      for i in 0..<row.count {
        let block = Block(index: row.first + Int64(i), shift: row.shift)
        guard let range = positions(block) else {
          // Beyond the operand's range.
          section.constants.append(section.constants.last ?? 0)
          section.slopes.append(0)
          continue
        }
        let slope = (slope(range) * scale).rounded()
        let (low, high) = residues(range, slope: slope / scale)
        // Operands from the block's start on, which may lie before the first sample.
        let before = Double(first + Int64(range.lowerBound) - block.index << Int64(block.shift))
        section.constants.append(
          Int64((((low + high) / 2 + rounding) * scale - slope * before).rounded()))
        section.slopes.append(Int64(slope))
      }
      return section
    }
    return PiecewiseLinear(sections: sections, fractionBits: bits, type: type)
  }
}

extension Rounding {
  var isToNearest: Bool {
    switch self {
    case .trn, .trnZero: false
    case .rnd, .rndZero, .rndInf, .rndMinInf, .rndConv: true
    }
  }
}
