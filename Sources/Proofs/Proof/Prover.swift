import Diagnostics
import FixedPoint
import Graph

/// Proves that Verilog computes a typed graph: for all inputs in their ranges, with the promised registers.
///
/// The Verilog is read back by a reader that shares no code with the printer. Node by node, in order, the signals that
/// carry a tensor's elements are looked for with the values of some samples, which proves nothing; that a signal found
/// carries the element is then proved for all values of the node's operands:
///
/// - sums by their coefficients, through every adder, modulo the width of each word;
/// - everything else as Boolean functions of the operands' bits.
///
/// What is proved of a signal is used where it is read on. An element without a signal of its own (passes merge and drop
/// what nobody reads) is proved where its readers are. Nothing counts as proved that is not, down to the outputs.
public struct Prover {
  typealias Element = GraphElements.Element

  /// What is known of an element.
  enum Status: Hashable {
    /// Nothing by itself: it follows from its readers.
    case open
    /// A signal carries it.
    case proved
    /// A signal has its values in the samples.
    case assumed
  }

  /// A signal that has an element's values in the samples, but not always.
  struct Refutation {
    var net: Net
    /// The lowest bit of the element in the signal.
    var low: Int
    var message: String
    /// Whether inputs are known for which it differs.
    var isCertain: Bool
  }

  /// A word at an output port, and the element that it must be.
  struct OutputWord {
    var port: String
    var index: Int
    var element: Element
    /// Nil for an element of no bits.
    var net: Net?
    var width: Int
  }

  let interface: DesignInterface
  let elements: GraphElements
  let signals: SignalIndex
  let maximumNodes: Int
  var forms: NetForms
  /// The integer that each element is, where that has a form.
  var values: [BoundedForm?]
  var status: [Status]
  var refutations: [Element: Refutation] = [:]
  /// Elements that are taken to be where they were refuted, to see whether their readers take them from there.
  var granted: [Element: (net: Net, low: Int)] = [:]
  /// What those signals carry by that: not followed back, since who does not read it there says nothing about it.
  var grantedAtoms: Set<Atom> = []
  /// Why elements are not proved.
  var reasons: [Element: String] = [:]
  let outputs: [OutputWord]
  var isOutputProved: [Bool]
  var cache: [ConeKey: ConeOutcome] = [:]
  /// How many more refutations are followed back to what the operands are made of.
  var deeper = 8
  /// The nodes of diagrams that were given up.
  var wastedNodes = 0
  /// What was given a name, by its form.
  var named: [Form: BoundedForm] = [:]
  /// The signals that carry each atom, or what is made of it.
  var locations: [Atom: [Net: BoundedForm]] = [:]
  /// What signals turn out to carry in the current node.
  var found: [Net: BoundedForm] = [:]

  var netlist: Netlist { forms.netlist }
  var graph: Graph { elements.graph }

  /// The proofs of a design.
  ///
  /// - Parameters:
  ///   - files: the design's modules, without those of the part's cells.
  ///   - graph: what it must compute.
  ///   - samples: raw inputs, each with the tensors of all inputs; some dozens. Signals are looked for with them.
  ///   - maximumNodes: functions with diagrams of more nodes are not proved; bounds time and memory.
  /// - Throws: V030 for Verilog that is not of the form that is read; T010 for graphs of too many bits.
  public static func prove(
    _ files: [VerilogFile], _ graph: Graph, _ interface: DesignInterface, samples: [[[Int128]]],
    maximumNodes: Int = 1 << 18
  ) throws(CompilationFailed) -> ProofResult {
    var netlist: Netlist
    do throws(VerilogError) {
      netlist = try Elaboration.netlist(files, interface)
    } catch {
      throw error.failure(in: files)
    }
    do throws(WidthOverflow) {
      let elements = try GraphElements(graph)
      let outputs = outputWords(&netlist, elements, interface)
      let signals = try SignalIndex(netlist, elements, samples: samples)
      let timing = TimingProof(netlist, interface)
      let fresh = Prover(netlist, elements, signals, interface, outputs, maximumNodes)
      var prover = fresh
      prover.run()
      prover.confirmRefutations(fresh)
      return prover.result(timing, files)
    } catch {
      throw CompilationFailed("T010", "'\(graph.name)' needs more than \(FixedType.maximumWidth) bits inside")
    }
  }

  private init(
    _ netlist: Netlist, _ elements: GraphElements, _ signals: SignalIndex, _ interface: DesignInterface,
    _ outputs: [OutputWord], _ maximumNodes: Int
  ) {
    self.interface = interface
    self.maximumNodes = maximumNodes
    self.elements = elements
    self.signals = signals
    self.outputs = outputs
    forms = NetForms(netlist)
    values = Array(repeating: nil, count: elements.count)
    status = Array(repeating: .open, count: elements.count)
    isOutputProved = Array(repeating: false, count: outputs.count)
  }

  /// The words at the output ports.
  private static func outputWords(
    _ netlist: inout Netlist, _ elements: GraphElements, _ interface: DesignInterface
  ) -> [OutputWord] {
    var words: [OutputWord] = []
    for (output, port) in zip(elements.graph.outputs, interface.outputs) {
      var offset = 0
      for (index, (element, width)) in zip(elements.elements(output.node.index), port.widths).enumerated() {
        let bits = netlist.outputs[port.name]
        let net = width > 0 ? bits.map { netlist.word($0.slice(low: offset, count: width)) } : nil
        words.append(OutputWord(port: port.name, index: index, element: element, net: net, width: width))
        offset += width
      }
    }
    return words
  }

  /// All nodes in order, then the outputs.
  mutating func run() {
    fixInputs()
    for node in graph.nodes.indices {
      found = [:]
      for element in elements.elements(node) { prove(element, node) }
      forms.fix(found)
    }
    for (index, output) in outputs.enumerated() { isOutputProved[index] = prove(output) }
  }

  private mutating func fixInputs() {
    let inputs = graph.inputs.flatMap { elements.elements($0.index) }
    for element in inputs { values[element] = forms.table.value(.element(element), elements.ranges[element]) }
    for net in netlist.nets {
      guard case .element(let number) = netlist.operations[net], let value = values[inputs[number]] else {
        continue
      }
      found[Net(net)] = value
    }
    forms.fix(found)
  }

  private mutating func prove(_ element: Element, _ node: Int) {
    if case .input = elements.rules[node] { return }
    let range = elements.ranges[element]
    if range.isConstant {
      values[element] = BoundedForm(constant: range.lower)
      return
    }
    if case .sources(let sources) = elements.rules[node] {
      if case .element(let source) = sources[element - elements.firsts[node]] {
        values[element] = values[source]
      }
      return
    }
    if let value = linearValue(element, node) {
      locateLinear(element, BoundedForm(value.form, FormTable.narrower(range, value.bounds)))
    } else {
      locateFunction(element, node)
    }
  }
}
