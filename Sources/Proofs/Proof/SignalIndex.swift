import FixedPoint
import Graph

/// The values of signals and elements in some samples, and signals by their values: where to look for an element.
struct SignalIndex: Sendable {
  let samples: Int
  /// Value of word n in sample s at n · samples + s.
  let words: [UInt128]
  /// Value of element e in sample s at e · samples + s.
  let values: [Int128]
  private var signals: [Key: [Net]] = [:]
  /// Widths of signals, ascending.
  private var widths: [Int] = []

  private struct Key: Hashable {
    var width: Int
    var hash: UInt64
  }

  /// - Throws: `WidthOverflow` never for a graph that the typer made.
  init(_ netlist: Netlist, _ elements: GraphElements, samples: [[[Int128]]]) throws(WidthOverflow) {
    self.samples = samples.count
    words = netlist.evaluated(samples.map { $0.flatMap { $0 } })
    let simulator = try ReferenceSimulator(elements.graph)
    var values = [Int128](repeating: 0, count: elements.count * samples.count)
    for (s, sample) in samples.enumerated() {
      let tensors = try simulator.run(sample)
      for (node, tensor) in tensors.enumerated() {
        for (element, value) in zip(elements.elements(node), tensor) {
          values[element * samples.count + s] = value
        }
      }
    }
    self.values = values
    index(netlist)
  }

  private mutating func index(_ netlist: Netlist) {
    var isKnown = Array(repeating: false, count: netlist.count)
    for signal in netlist.signals.sorted(by: { $0.net < $1.net }) {
      // A delayed signal carries what the signal does.
      if isKnown[signal.net.index] || isDelay(signal.net, isKnown, netlist) { continue }
      isKnown[signal.net.index] = true
      let width = netlist.width(signal.net)
      var hash: UInt64 = 0
      for s in 0..<samples { hash = SignalIndex.mixed(hash, words[signal.net.index * samples + s]) }
      signals[Key(width: width, hash: hash), default: []].append(signal.net)
    }
    widths = Set(signals.keys.map(\.width)).sorted()
  }

  private func isDelay(_ net: Net, _ isKnown: [Bool], _ netlist: Netlist) -> Bool {
    var net = net
    while case .register(let operand) = netlist.operation(net) {
      if isKnown[operand.index] { return true }
      net = operand
    }
    return false
  }

  private static func mixed(_ hash: UInt64, _ value: UInt128) -> UInt64 {
    let low = UInt64(truncatingIfNeeded: value)
    let high = UInt64(truncatingIfNeeded: value >> 64)
    let mixed = (hash ^ low ^ (high &* 0x9E37_79B9)) &* 0xBF58_476D_1CE4_E5B9
    return mixed ^ (mixed >> 29)
  }

  /// Whether an element has more than one value in the samples.
  func isVaried(_ element: Int) -> Bool {
    (1..<max(samples, 1)).contains { values[element * samples + $0] != values[element * samples] }
  }

  /// The signals whose values are bits `low` ... of an element's and an offset's sum, as many as they have.
  func signals(_ element: Int, plus offset: Int128 = 0, low: Int, width: Int) -> [Net] {
    let mask = UInt128.ones(width)
    var hash: UInt64 = 0
    for s in 0..<samples {
      let value = (values[element * samples + s] &+ offset) >> Int128(low)
      hash = SignalIndex.mixed(hash, UInt128(truncatingIfNeeded: value) & mask)
    }
    return signals[Key(width: width, hash: hash)] ?? []
  }

  /// Signals that may carry all bits of an element's and an offset's sum, which has a range, or all but one.
  func wholeCandidates(_ element: Int, plus offset: Int128 = 0, _ range: Interval) -> [(net: Net, low: Int)] {
    let width = range.width
    var result: [(net: Net, low: Int)] = []
    for count in [width, width + 1, width - 1] where count > 0 {
      for net in signals(element, plus: offset, low: 0, width: count).prefix(8) { result.append((net, 0)) }
    }
    return result
  }

  /// Signals that may carry some bits of such a sum, the widest of each lowest bit first.
  func partialCandidates(_ element: Int, plus offset: Int128 = 0, _ range: Interval) -> [(net: Net, low: Int)]
  {
    let width = range.width
    var result: [(net: Net, low: Int)] = []
    for low in 0..<width {
      for count in widths.reversed()
      where count <= width - low && (count > 1 || width == 1 || count == width - low) {
        for net in signals(element, plus: offset, low: low, width: count).prefix(4) {
          result.append((net, low))
        }
        if result.count > 16 { return result }
      }
    }
    return result
  }

  /// The first sample in which bits `low` ... of an element are not what a word has.
  func firstDifference(_ element: Int, low: Int, _ net: Net, width: Int) -> Int? {
    let mask = UInt128.ones(width)
    return (0..<samples).first { s in
      let value = values[element * samples + s] >> Int128(low)
      return UInt128(truncatingIfNeeded: value) & mask != words[net.index * samples + s]
    }
  }
}
