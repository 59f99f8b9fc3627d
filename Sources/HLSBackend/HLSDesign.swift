import Circuit
import Diagnostics
import FixedPoint

/// A model as HLS C++ sees it: tensors at the ports, and a function for each node in between.
public struct HLSDesign: Hashable, Sendable {
  /// The model's name, from which the top function's name is made.
  public var name: String
  /// The initiation interval requested from the synthesis tool, in cycles.
  public var interval: Int
  /// The latency requested from the synthesis tool, in cycles; nil requests none.
  public var latency: Int?
  public var inputs: [HLSTensor]
  /// In an order in which every node reads inputs and tensors of earlier nodes alone.
  public var nodes: [HLSNode]
  public var outputs: [HLSOutput]

  public init(
    name: String, interval: Int, latency: Int?, inputs: [HLSTensor], nodes: [HLSNode], outputs: [HLSOutput]
  ) {
    self.name = name
    self.interval = interval
    self.latency = latency
    self.inputs = inputs
    self.nodes = nodes
    self.outputs = outputs
  }
}

/// A tensor: its elements in row-major order, each in its own format.
public struct HLSTensor: Hashable, Sendable {
  /// Unique in the design.
  public var name: String
  public var shape: [Int]
  public var formats: [Format]

  public init(name: String, shape: [Int], formats: [Format]) {
    self.name = name
    self.shape = shape
    self.formats = formats
  }

  init(_ port: Port, name: String) {
    self.init(name: name, shape: port.shape, formats: port.elements.map(\.format))
  }

  /// The type of the array that holds the tensor: the narrowest that holds every element's format. Elements of width 0
  /// take part with their value, 0, alone.
  ///
  /// - Throws: E101 where the type would need more than `FixedType.maximumWidth` bits.
  public func arrayType() throws(CompilationFailed) -> FixedType {
    let exponent = self.exponent
    do throws(WidthOverflow) {
      var range = Interval.zero
      for format in formats where format.width > 0 {
        range = range.union(try format.range.shifted(left: format.exponent - exponent))
      }
      // C++ has no type of width 0.
      if range == .zero { range = .bit }
      guard range.width <= FixedType.maximumWidth else { throw WidthOverflow() }
      return Format(range, exponent: exponent).type
    } catch {
      throw CompilationFailed(
        "E101",
        "the elements of '\(name)' have no common type of at most \(FixedType.maximumWidth) bits, which an array in "
          + "C++ needs",
        at: .layer(name), notes: ["give the elements types whose binary points are closer together"])
    }
  }

  /// The exponent of the array's type.
  var exponent: Int { formats.filter { $0.width > 0 }.map(\.exponent).min() ?? 0 }

  /// How far each element's raw integer is shifted left in the array.
  public var shifts: [Int] {
    let exponent = self.exponent
    return formats.map { $0.width > 0 ? $0.exponent - exponent : 0 }
  }
}

/// A node of the model as a function.
public struct HLSNode: Hashable, Sendable {
  /// The layer's name, from which the function's name is made.
  public var name: String
  /// What the function computes, such as `linear, 16 -> 64`; printed above it.
  public var comment: String
  /// The function, pure. It reads a tensor at every input port and writes one at every output port.
  public var circuit: Circuit
  /// The tensor that each input port reads.
  public var arguments: [String]
  /// The name of the tensor that each output port makes; of a repeated step there is one.
  public var results: [String]
  /// How a step repeats, where the circuit is one.
  public var repetition: HLSRepetition?

  /// A node that reads and writes tensors with the names of its ports where none are given.
  public init(
    name: String, comment: String, circuit: Circuit, arguments: [String]? = nil, results: [String]? = nil,
    repetition: HLSRepetition? = nil
  ) {
    self.repetition = repetition
    self.name = name
    self.comment = comment
    self.circuit = circuit
    self.arguments = arguments ?? circuit.inputs.map(\.name)
    self.results = results ?? circuit.outputs.map(\.name)
  }
}

/// A step that is repeated. Its first input ports read slices of the arguments along their first axis, the others states,
/// which start as the arguments; its first output port writes a slice of the result, the others the next states, in the
/// formats of the ports that read them.
public struct HLSRepetition: Hashable, Sendable {
  public var steps: Int
  /// How many of the arguments are sliced.
  public var sequences: Int

  public init(steps: Int, sequences: Int) {
    self.steps = steps
    self.sequences = sequences
  }
}

/// An output port of the model.
public struct HLSOutput: Hashable, Sendable {
  public var name: String
  /// The tensor that leaves through the port.
  public var tensor: String

  public init(name: String, tensor: String) {
    self.name = name
    self.tensor = tensor
  }
}
