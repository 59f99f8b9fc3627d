import Circuit
import Diagnostics
import FixedPoint

/// A design with its references followed and checked, and C++ names for everything.
struct ResolvedDesign {
  /// A tensor inside the model, an array of raw integers.
  struct Tensor {
    var tensor: HLSTensor
    /// The fixed-point type whose raw integers the array holds.
    var type: FixedType
    /// The C++ name of the array's element type, in the model's namespace.
    var typeName: String
    /// The name of the array in the top function.
    var arrayName: String

    var count: Int { tensor.formats.count }
  }

  struct Node {
    var node: HLSNode
    var name: String
    /// Indices into `tensors`.
    var arguments: [Int]
    var results: [Int]
    /// C++ names of the circuit's tables.
    var tables: [String]
    /// One step, where the node repeats it.
    var step: Step?
  }

  /// The function of a step that a node repeats: its ports are arrays of their own.
  struct Step {
    struct Array {
      var tensor: HLSTensor
      var type: FixedType
      var count: Int { tensor.formats.count }

      init(_ tensor: HLSTensor) throws(CompilationFailed) {
        self.tensor = tensor
        type = try tensor.arrayType()
      }

      /// By how many bits the raw integers of an array are shifted left to become those of this one.
      func shift(of other: HLSTensor) -> Int {
        other.formats.allSatisfy { $0.width == 0 } ? 0 : other.exponent - tensor.exponent
      }
    }

    var name: String
    var inputs: [Array] = []
    var outputs: [Array] = []

    init(_ circuit: Circuit, name: String) throws(CompilationFailed) {
      self.name = name
      for port in circuit.inputs { inputs.append(try Array(HLSTensor(port, name: port.name))) }
      for port in circuit.outputs { outputs.append(try Array(HLSTensor(port, name: port.name))) }
    }
  }

  struct Port {
    var name: String
    var typeName: String
    var tensor: Int
  }

  let design: HLSDesign
  let top: String
  var namespace: String { "\(top)_hls" }
  private(set) var tensors: [Tensor] = []
  private(set) var inputs: [Port] = []
  private(set) var nodes: [Node] = []
  private(set) var outputs: [Port] = []

  /// Names in the model's namespace and in the top function.
  private var names = CPPNames()
  private var localNames = CPPNames()
  private var indexOfTensor: [String: Int] = [:]

  init(_ design: HLSDesign) throws(CompilationFailed) {
    self.design = design
    top = HLSBackend.topName(of: design.name)
    // Ports first: theirs are the names that a user's program sees.
    for input in design.inputs {
      let tensor = try add(input)
      inputs.append(makePort(input.name, tensor: tensor))
    }
    let outputPorts = design.outputs.map { makePort($0.name, tensor: 0) }
    for index in inputs.indices { nameTensor(inputs[index].tensor) }
    for node in design.nodes { try add(node) }
    for (port, output) in zip(outputPorts, design.outputs) {
      var port = port
      port.tensor = try tensor(output.tensor, readBy: "output '\(output.name)'")
      outputs.append(port)
    }
  }

  private mutating func makePort(_ name: String, tensor: Int) -> Port {
    Port(name: localNames.unique(name), typeName: names.unique("\(name)_t"), tensor: tensor)
  }

  private mutating func add(_ tensor: HLSTensor) throws(CompilationFailed) -> Int {
    guard tensor.shape.reduce(1, *) == tensor.formats.count, !tensor.formats.isEmpty else {
      throw inconsistent(
        "tensor '\(tensor.name)' of shape \(tensor.shape) has \(tensor.formats.count) elements")
    }
    guard indexOfTensor.updateValue(tensors.count, forKey: tensor.name) == nil else {
      throw inconsistent("two tensors have the name '\(tensor.name)'")
    }
    tensors.append(Tensor(tensor: tensor, type: try tensor.arrayType(), typeName: "", arrayName: ""))
    return tensors.count - 1
  }

  private mutating func nameTensor(_ index: Int) {
    tensors[index].typeName = names.unique("\(tensors[index].tensor.name)_raw_t")
    tensors[index].arrayName = localNames.unique("\(tensors[index].tensor.name)_raw")
  }

  private mutating func add(_ node: HLSNode) throws(CompilationFailed) {
    try check(node)
    let reader = "node '\(node.name)'"
    var arguments: [Int] = []
    for (position, (name, port)) in zip(node.arguments, node.circuit.inputs).enumerated() {
      let index = try tensor(name, readBy: reader)
      let tensor = tensors[index].tensor
      var fits = tensor.fits(port)
      if let repetition = node.repetition { fits = try repetition.fits(tensor, port, at: position) }
      guard fits else {
        throw inconsistent("\(reader) reads '\(name)' at port '\(port.name)' in other formats than it has")
      }
      arguments.append(index)
    }
    let functionName = names.unique(node.name)
    var results: [Int] = []
    for (name, port) in zip(node.results, node.circuit.outputs) {
      let tensor = HLSTensor(port, name: name)
      let index = try add(node.repetition.map { tensor.repeated($0.steps) } ?? tensor)
      nameTensor(index)
      results.append(index)
    }
    let tables = node.circuit.tables.map { names.unique("\($0.name)_table") }
    nodes.append(
      Node(
        node: node, name: functionName, arguments: arguments, results: results, tables: tables,
        step: node.repetition == nil
          ? nil : try Step(node.circuit, name: names.unique("\(node.name)_step"))))
  }

  private func check(_ node: HLSNode) throws(CompilationFailed) {
    let errors = node.circuit.verify().filter { $0.severity == .error }
    if !errors.isEmpty { throw CompilationFailed(errors, status: .internalError) }
    let location = Location.layer(node.name)
    guard node.circuit.latency == nil else {
      throw CompilationFailed(
        "E103", "HLS C++ is printed from pure circuits, but that of '\(node.name)' has registers",
        at: location,
        status: .internalError)
    }
    let results = node.repetition == nil ? node.circuit.outputs.count : 1
    guard node.arguments.count == node.circuit.inputs.count, node.results.count == results,
      !node.results.isEmpty
    else { throw inconsistent("node '\(node.name)' does not name a tensor for each port") }
    for table in node.circuit.tables
    where table.entries.contains(where: { Int64(exactly: $0) == nil }) {
      throw CompilationFailed(
        "E104", "table '\(table.name)' has entries of more than 64 bits, which HLS C++ cannot hold",
        at: location,
        notes: ["give the function's result a narrower type"])
    }
  }

  private func tensor(_ name: String, readBy reader: String) throws(CompilationFailed) -> Int {
    guard let index = indexOfTensor[name] else {
      throw inconsistent("\(reader) reads '\(name)', which no input or earlier node makes")
    }
    return index
  }

  private func inconsistent(_ message: String) -> CompilationFailed {
    CompilationFailed("E102", message, status: .internalError)
  }
}

extension HLSTensor {
  /// Whether a port that reads the tensor sees its values: every element with the tensor's binary point, in a range that
  /// holds the tensor's.
  fileprivate func fits(_ port: Port) -> Bool {
    port.elements.count == formats.count
      && zip(port.elements, formats).allSatisfy { element, format in
        element.format.range.contains(format.range)
          && (element.format.exponent == format.exponent || format.width == 0)
      }
  }
}

extension HLSTensor {
  /// The tensor's elements so many times, along a new first axis.
  fileprivate func repeated(_ count: Int) -> HLSTensor {
    HLSTensor(
      name: name, shape: [count] + shape, formats: Array(repeating: formats, count: count).flatMap { $0 })
  }
}

extension HLSRepetition {
  /// Whether an argument of a step fits its port: slices share the array's type, an initial state fits into that of the
  /// state.
  fileprivate func fits(_ tensor: HLSTensor, _ port: Port, at position: Int) throws(CompilationFailed) -> Bool
  {
    let own = HLSTensor(port, name: port.name)
    if position < sequences {
      let (whole, slice) = (try tensor.arrayType(), try own.arrayType())
      return tensor.formats.count == own.formats.count * steps && whole == slice
    }
    return tensor.formats.count == own.formats.count
      && (tensor.formats.allSatisfy { $0.width == 0 } || tensor.exponent >= own.exponent)
  }
}
