/// Boolean functions as reduced ordered binary decision diagrams: equal functions are the same node (Bryant, IEEE Trans.
/// Computers C-35, 1986).
///
/// A node asks for one variable, lower-numbered ones first. Work is bounded by a count of nodes.
struct DecisionDiagrams: Sendable {
  /// A function by its node.
  typealias Function = Int32

  static let never: Function = 0
  static let always: Function = 1

  /// The diagrams would need more nodes than they may have.
  struct LimitExceeded: Error {}

  private var variables: [Int32] = [.max, .max]
  private var lows: [Int32] = [0, 1]
  private var highs: [Int32] = [0, 1]
  private let limit: Int
  /// Open addressing, from a node's contents to the node; -1 for a free place.
  private var places: [Int32]
  /// The latest results of `choose`, one for each hash.
  private var cache: [CacheEntry]

  private struct CacheEntry {
    var condition: Int32 = -1
    var then: Int32 = 0
    var otherwise: Int32 = 0
    var result: Int32 = 0
  }

  init(limit: Int) {
    self.limit = limit
    places = Array(repeating: -1, count: 1 << 10)
    cache = Array(repeating: CacheEntry(), count: 1 << 12)
  }

  var count: Int { variables.count }

  private static func hash(_ a: Int32, _ b: Int32, _ c: Int32) -> Int {
    var h = UInt64(UInt32(bitPattern: a)) &* 0x9E37_79B9_7F4A_7C15
    h ^= UInt64(UInt32(bitPattern: b)) &* 0xC2B2_AE3D_27D4_EB4F
    h = (h ^ (h >> 29)) &* 0xBF58_476D_1CE4_E5B9
    h ^= UInt64(UInt32(bitPattern: c)) &* 0x94D0_49BB_1331_11EB
    h = (h ^ (h >> 32)) &* 0x9E37_79B9_7F4A_7C15
    return Int(truncatingIfNeeded: h >> 20)
  }

  /// A variable as a function.
  mutating func variable(_ index: Int) throws(LimitExceeded) -> Function {
    try node(Int32(index), DecisionDiagrams.never, DecisionDiagrams.always)
  }

  private mutating func node(_ variable: Int32, _ low: Int32, _ high: Int32) throws(LimitExceeded) -> Int32 {
    if low == high { return low }
    var place = DecisionDiagrams.hash(variable, low, high) & (places.count - 1)
    while places[place] >= 0 {
      let known = Int(places[place])
      if variables[known] == variable && lows[known] == low && highs[known] == high { return places[place] }
      place = (place + 1) & (places.count - 1)
    }
    if count >= limit { throw LimitExceeded() }
    let new = Int32(count)
    variables.append(variable)
    lows.append(low)
    highs.append(high)
    places[place] = new
    if count * 2 > places.count { grow() }
    return new
  }

  private mutating func grow() {
    places = Array(repeating: -1, count: places.count * 2)
    for index in 2..<count {
      var place = DecisionDiagrams.hash(variables[index], lows[index], highs[index]) & (places.count - 1)
      while places[place] >= 0 { place = (place + 1) & (places.count - 1) }
      places[place] = Int32(index)
    }
    cache = Array(repeating: CacheEntry(), count: min(places.count * 2, 1 << 20))
  }

  /// `then` where the condition holds, else `otherwise`.
  mutating func choose(
    _ condition: Function, _ then: Function, _ otherwise: Function
  ) throws(LimitExceeded) -> Function {
    if condition == DecisionDiagrams.always || then == otherwise { return then }
    if condition == DecisionDiagrams.never { return otherwise }
    if then == DecisionDiagrams.always && otherwise == DecisionDiagrams.never { return condition }
    let place = DecisionDiagrams.hash(condition, then, otherwise) & (cache.count - 1)
    let entry = cache[place]
    if entry.condition == condition && entry.then == then && entry.otherwise == otherwise {
      return entry.result
    }
    let top = min(variables[Int(condition)], variables[Int(then)], variables[Int(otherwise)])
    func branch(_ function: Int32, _ isHigh: Bool) -> Int32 {
      let index = Int(function)
      return variables[index] == top ? (isHigh ? highs[index] : lows[index]) : function
    }
    let (c1, t1, o1) = (branch(condition, true), branch(then, true), branch(otherwise, true))
    let (c0, t0, o0) = (branch(condition, false), branch(then, false), branch(otherwise, false))
    let high = try choose(c1, t1, o1)
    let low = try choose(c0, t0, o0)
    let result = try node(top, low, high)
    cache[DecisionDiagrams.hash(condition, then, otherwise) & (cache.count - 1)] =
      CacheEntry(condition: condition, then: then, otherwise: otherwise, result: result)
    return result
  }

  /// Which variables must have which values for a function to be 1: one such assignment, or nil.
  func example(_ function: Function) -> [Int: Bool]? {
    if function == DecisionDiagrams.never { return nil }
    var values: [Int: Bool] = [:]
    var node = function
    while node != DecisionDiagrams.always {
      let isHigh = lows[Int(node)] == DecisionDiagrams.never
      values[Int(variables[Int(node)])] = isHigh
      node = isHigh ? highs[Int(node)] : lows[Int(node)]
    }
    return values
  }

  /// The value of a function.
  func value(_ function: Function, _ isSet: (Int) -> Bool) -> Bool {
    var node = function
    while node > 1 { node = isSet(Int(variables[Int(node)])) ? highs[Int(node)] : lows[Int(node)] }
    return node == DecisionDiagrams.always
  }
}

extension DecisionDiagrams {
  mutating func not(_ a: Function) throws(LimitExceeded) -> Function {
    try choose(a, DecisionDiagrams.never, DecisionDiagrams.always)
  }

  mutating func and(_ a: Function, _ b: Function) throws(LimitExceeded) -> Function {
    a < b ? try choose(a, b, DecisionDiagrams.never) : try choose(b, a, DecisionDiagrams.never)
  }

  mutating func or(_ a: Function, _ b: Function) throws(LimitExceeded) -> Function {
    a < b ? try choose(a, DecisionDiagrams.always, b) : try choose(b, DecisionDiagrams.always, a)
  }

  mutating func xor(_ a: Function, _ b: Function) throws(LimitExceeded) -> Function {
    a < b ? try choose(a, try not(b), b) : try choose(b, try not(a), a)
  }
}
