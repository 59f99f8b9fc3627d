import FixedPoint

/// Finds parts that two sums have in common, up to shift and sign, and makes each a sum of its own.
///
/// Two-term sharing finds what many sums have a little of; this finds what two sums have much of. A sum of L operands
/// takes ⌈(L-1)/2⌉ three-operand adders, so that parts of odd size waste nothing, and a part of two or four operands
/// pays where its users have an operand too many. In each step the part that saves most adders is taken; ties fall to
/// the smallest part, then by a hash of the seed.
struct PartSharing {
  private var network: SumNetwork
  private let target: AdderTarget
  private let seed: UInt64
  /// When each signal is ready, and each sum needed; empty without a time limit.
  private var times: [Int]
  /// The sums in which a signal occurs, or once did.
  private var users: [[Int32]]
  /// How often each sum has changed: candidates found before are void.
  private var versions: [Int32]
  private var queue = Heap<Candidate>()

  /// Terms of sum i that sum j has too, shifted by `offset` and perhaps negated.
  private struct Candidate: HeapElement {
    var gain: Int32
    var size: Int32
    var i: Int32
    var j: Int32
    var versionI: Int32
    var versionJ: Int32
    var offset: Int32
    var isNegated: Bool
    var order: UInt64

    @inline(__always)
    func precedes(_ other: Candidate) -> Bool {
      if gain != other.gain { return gain > other.gain }
      return size != other.size ? size < other.size : order < other.order
    }
  }

  /// - Requires: the network's sums in topological order.
  init(_ network: SumNetwork, problem: MatrixProblem, seed: UInt64) {
    self.network = network
    self.seed = seed
    target = problem.target
    times = Deadlines(network, problem: problem)?.signals ?? []
    users = Array(repeating: [], count: network.inputCount + network.sums.count)
    versions = Array(repeating: 0, count: network.sums.count)
    for (i, sum) in network.sums.enumerated() { note(sum.terms, in: i) }
  }

  /// The network with parts appended: no longer in topological order.
  mutating func run() -> SumNetwork {
    for i in network.sums.indices { enqueue(i) { $0 < i } }
    while let candidate = queue.removeFirst() {
      let (i, j) = (Int(candidate.i), Int(candidate.j))
      if versions[i] == candidate.versionI && versions[j] == candidate.versionJ { share(candidate) }
    }
    return network
  }

  private mutating func note(_ terms: [PackedTerm], in sum: Int) {
    for term in terms where users[term.signal].last != Int32(sum) { users[term.signal].append(Int32(sum)) }
  }

  // MARK: Candidates

  private func adders(_ operands: Int) -> Int { target.hasTernaryAdders ? operands / 2 : operands - 1 }

  /// Adders saved when sums i and j share `size` terms; a part that is all of a sum is that sum.
  private func gain(_ size: Int, _ i: Int, _ j: Int) -> Int {
    let (a, b) = (network.sums[i].operandCount, network.sums[j].operandCount)
    let saved = (adders(a) - adders(a - size + 1), adders(b) - adders(b - size + 1))
    if size == a { return saved.1 }
    if size == b { return saved.0 }
    return saved.0 + saved.1 - adders(size)
  }

  /// Enqueues what sum i has in common with the wanted others.
  private mutating func enqueue(_ i: Int, where isWanted: (Int) -> Bool) {
    // One key for each term that i has in common with a sum at an offset and sign.
    var keys: [UInt64] = []
    for term in network.sums[i].terms {
      for user in users[term.signal] where Int(user) != i && isWanted(Int(user)) {
        for match in network.sums[Int(user)].terms where match.signal == term.signal {
          let offset = UInt64(match.shift + 256 - term.shift)
          keys.append(UInt64(user) << 20 | offset << 1 | (match.isNegative != term.isNegative ? 1 : 0))
        }
      }
    }
    keys.sort()
    var start = 0
    while start < keys.count {
      let key = keys[start]
      var end = start + 1
      while end < keys.count && keys[end] == key { end += 1 }
      let common = end - start
      start = end
      if common >= 2 { enqueue(i, Int(key >> 20), key: key, common: common) }
    }
  }

  private mutating func enqueue(_ i: Int, _ j: Int, key: UInt64, common: Int) {
    var (best, size) = (gain(common, i, j), common)
    if common > 2 {
      let smaller = gain(common - 1, i, j)
      if smaller >= best { (best, size) = (smaller, common - 1) }
    }
    if best <= 0 { return }
    queue.insert(
      Candidate(
        gain: Int32(best), size: Int32(size), i: Int32(i), j: Int32(j), versionI: versions[i],
        versionJ: versions[j],
        offset: Int32(key >> 1 & 0x3FF) - 256, isNegated: key & 1 != 0,
        order: SplitMix64.mixed((UInt64(i) << 40 | key) ^ seed)))
  }

  // MARK: Sharing

  /// Terms to be replaced in a sum by one.
  private struct Replacement {
    var sum: Int
    var old: [PackedTerm]
    var new: PackedTerm
  }

  private mutating func share(_ candidate: Candidate) {
    let (i, j) = (Int(candidate.i), Int(candidate.j))
    let offset = Int(candidate.offset)
    let place = PackedTerm(0, shift: max(offset, 0), isNegative: candidate.isNegated)
    let reverse = PackedTerm(0, shift: max(-offset, 0), isNegative: candidate.isNegated)
    let (inI, inJ) = commonTerms(candidate)
    let isShared: Bool
    if inI.count == network.sums[i].operandCount {
      isShared = replace([Replacement(sum: j, old: inJ, new: place.renamed(network.inputCount + i))])
    } else if inJ.count == network.sums[j].operandCount {
      isShared = replace([Replacement(sum: i, old: inI, new: reverse.renamed(network.inputCount + j))])
    } else {
      isShared = sharePart(candidate, inI, inJ)
    }
    // What has been found to be late stays so: nothing is sought anew.
    if isShared {
      enqueue(i) { _ in true }
      enqueue(j) { $0 != i }
    }
  }

  /// Makes common terms a sum of their own, unless that would be late.
  private mutating func sharePart(_ candidate: Candidate, _ inI: [PackedTerm], _ inJ: [PackedTerm]) -> Bool {
    let (i, j) = (Int(candidate.i), Int(candidate.j))
    let base = inI.reduce(Int.max) { min($0, $1.shift) }
    let isNegative = inI.allSatisfy { $0.isNegative || $0.shift != base }
    let part = SumNetwork.Sum(
      terms: inI.map {
        PackedTerm($0.signal, shift: $0.shift - base, isNegative: $0.isNegative != isNegative)
      })
    let signal = network.inputCount + network.sums.count
    if !times.isEmpty { times.append(Deadlines.earliest(part, arrivals: times, step: target.adderDelay)) }
    users.append([])
    let isShared = replace([
      Replacement(sum: i, old: inI, new: PackedTerm(signal, shift: base, isNegative: isNegative)),
      Replacement(
        sum: j, old: inJ,
        new: PackedTerm(
          signal, shift: base + Int(candidate.offset), isNegative: isNegative != candidate.isNegated)),
    ])
    if !isShared {
      users.removeLast()
      if !times.isEmpty { times.removeLast() }
      return false
    }
    _ = network.append(part)
    versions.append(0)
    note(part.terms, in: signal - network.inputCount)
    enqueue(signal - network.inputCount) { _ in true }
    return true
  }

  /// The candidate's terms in i and in j, the highest left out if there is one too many.
  private func commonTerms(_ candidate: Candidate) -> ([PackedTerm], [PackedTerm]) {
    let theirs = Set(network.sums[Int(candidate.j)].terms)
    var pairs: [(PackedTerm, PackedTerm)] = []
    for term in network.sums[Int(candidate.i)].terms {
      let shift = term.shift + Int(candidate.offset)
      if shift < 0 { continue }
      let match = PackedTerm(term.signal, shift: shift, isNegative: term.isNegative != candidate.isNegated)
      if theirs.contains(match) { pairs.append((term, match)) }
    }
    if pairs.count > Int(candidate.size),
      let highest = pairs.indices.max(by: { pairs[$0].0.shift < pairs[$1].0.shift })
    {
      pairs.remove(at: highest)
    }
    return (pairs.map(\.0), pairs.map(\.1))
  }

  /// Replaces terms in some sums, or in none if one of them would be late.
  private mutating func replace(_ replacements: [Replacement]) -> Bool {
    var results: [SumNetwork.Sum] = []
    for replacement in replacements {
      var sum = network.sums[replacement.sum]
      let old = Set(replacement.old)
      sum.terms.removeAll(where: old.contains)
      sum.terms.append(replacement.new)
      if !times.isEmpty {
        let limit = times[network.inputCount + replacement.sum]
        let kraftSum = Kraft.sum(sum, times: times, limit: limit, step: target.adderDelay)
        if kraftSum > Kraft.room(positiveCount: sum.positiveCount) { return false }
      }
      results.append(sum)
    }
    for (replacement, result) in zip(replacements, results) {
      network.sums[replacement.sum] = result
      versions[replacement.sum] += 1
      note([replacement.new], in: replacement.sum)
    }
    return true
  }
}
