import FixedPoint
import Graph

// Verdicts and failures.
extension Prover {
  func result(_ timing: TimingProof, _ files: [VerilogFile]) -> ProofResult {
    let isProved = provedElements
    let mismatch = outputMismatch()
    var nodes: [ProofResult.NodeVerdict] = []
    var failures = timing.failures
    // Values that may not occur prove nothing, but where samples differ they tell where that starts.
    let isWrong = { (refutation: Refutation) in refutation.isCertain || mismatch != nil }
    let refuted = refutations.filter { !isProved[$0.key] && isWrong($0.value) }.keys.sorted()
    for node in graph.nodes.indices {
      if case .input = elements.rules[node] { continue }
      let open = elements.elements(node).filter { !isProved[$0] }
      var verdict = ProofResult.Verdict.proved
      if !open.isEmpty {
        let isFailed =
          open.contains { refutations[$0].map(isWrong) == true } || refuted.isEmpty && mismatch?.node == node
        verdict = isFailed ? .failed : .simulated(samples: signals.samples)
      }
      nodes.append(
        ProofResult.NodeVerdict(
          name: graph.nodes[node].name, verdict: verdict,
          reason: verdict == .proved ? nil : reason(open)))
    }
    for element in refuted.prefix(4) {
      guard let refutation = refutations[element] else { continue }
      failures.append(failure(element, refutation.message, refutation.net))
    }
    if let mismatch, refuted.isEmpty { failures.append(mismatch.failure) }
    return ProofResult(
      nodes: nodes, failures: failures, isTimingProved: timing.failures.isEmpty, adders: netlist.adderCount,
      samples: signals.samples, files: files)
  }

  /// Why the first of some elements is not proved, where that is known.
  private func reason(_ open: [Element]) -> String? {
    for element in open {
      if let refutation = refutations[element] {
        return "\(name(element)) is \(refutation.message); whether that occurs is not known"
      }
      if let reason = reasons[element] { return reason }
    }
    return nil
  }

  private func failure(_ element: Element, _ message: String, _ net: Net?) -> ProofFailure {
    let node = elements.node(element)
    return ProofFailure(
      kind: .value, node: graph.nodes[node].name, element: element - elements.firsts[node],
      signal: net.flatMap { netlist.name(of: $0) }, message: message,
      place: net.flatMap { netlist.places[$0.index] })
  }

  /// Keeps the refutations of signals that the element's readers read as the element: where, with it taken for granted,
  /// all of them are proved. Other signals only happen to have its values in the samples, before a wrap for one.
  mutating func confirmRefutations(_ fresh: Prover) {
    let isProved = provedElements
    let refuted = refutations.filter { !isProved[$0.key] }
    if refuted.isEmpty { return }
    var second = fresh
    second.granted = refuted.mapValues { (net: $0.net, low: $0.low) }
    second.run()
    let isRight = second.provedElements
    var isConfirmed = isRight
    for (index, output) in outputs.enumerated() where !second.isOutputProved[index] {
      isConfirmed[output.element] = false
    }
    for reader in 0..<elements.count where !isRight[reader] {
      for operand in elements.operands(reader) { isConfirmed[operand] = false }
    }
    for element in refuted.keys where !isConfirmed[element] {
      reasons[element] = reasons[element] ?? "no signal was found that carries \(name(element)) always"
      refutations[element] = nil
    }
  }

  /// Elements that are proved: a signal carries them, or all that reads them is proved.
  private var provedElements: [Bool] {
    var isProved = status.map { $0 != .assumed }
    for element in granted.keys { isProved[element] = true }
    for (index, output) in outputs.enumerated()
    where !isOutputProved[index] && status[output.element] == .open {
      isProved[output.element] = false
    }
    for element in (0..<elements.count).reversed() where !isProved[element] {
      for operand in elements.operands(element) where status[operand] == .open { isProved[operand] = false }
    }
    return isProved
  }

  /// The first output that has another value in some sample, and the node at which that starts.
  private func outputMismatch() -> (failure: ProofFailure, node: Int)? {
    for (index, output) in outputs.enumerated() where !isOutputProved[index] {
      guard let net = output.net,
        let sample = signals.firstDifference(output.element, low: 0, net, width: output.width)
      else { continue }
      let got = signals.words[net.index * signals.samples + sample]
      let value = signals.values[output.element * signals.samples + sample]
      let wanted = UInt128(truncatingIfNeeded: value) & UInt128.ones(output.width)
      let place = "\(output.port)[\(output.index)] is \(got) instead of \(wanted) in sample \(sample)"
      let origin = firstUnlocated(output.element) ?? output.element
      let node = elements.node(origin)
      let near = nearest(origin)
      var result = failure(
        origin, origin == output.element ? place : "no signal carries it; \(place)", near)
      if result.signal == nil { result.signal = output.port }
      return (result, node)
    }
    return nil
  }

  /// The first element that an output depends on and that no signal carries, as far as elements have signals at all.
  private func firstUnlocated(_ output: Element) -> Element? {
    var isNeeded: Set<Element> = [output]
    var stack = [output]
    while let next = stack.popLast() {
      if status[next] == .proved { continue }
      for operand in elements.operands(next) where isNeeded.insert(operand).inserted { stack.append(operand) }
    }
    return isNeeded.sorted().first { element in
      guard status[element] == .open, !elements.ranges[element].isConstant else { return false }
      switch elements.rules[elements.node(element)] {
      case .input, .sources: return false
      // What is a form of one element alone is wiring.
      default: return (values[element]?.form.terms.count ?? 2) > 1
      }
    }
  }

  /// The signal of the element's width that has its value in most samples.
  private func nearest(_ element: Element) -> Net? {
    let width = elements.ranges[element].width
    let mask = UInt128.ones(width)
    var best: (net: Net, count: Int)?
    for signal in netlist.signals where netlist.width(signal.net) == width {
      if case .register = netlist.operation(signal.net) { continue }
      let count = (0..<signals.samples).count { s in
        let value = signals.values[element * signals.samples + s]
        return UInt128(truncatingIfNeeded: value) & mask
          == signals.words[signal.net.index * signals.samples + s]
      }
      if count > (best?.count ?? signals.samples / 4) { best = (signal.net, count) }
    }
    return best?.net
  }
}

extension Netlist {
  /// The sums of two or more variable words.
  var adderCount: Int {
    operations.count { operation in
      guard case .sum(let terms) = operation else { return false }
      return terms.count { constantValue($0.net) == nil } > 1
    }
  }
}
