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
    for (name, port) in zip(node.arguments, node.circuit.inputs) {
      let index = try tensor(name, readBy: reader)
      guard tensors[index].tensor.fits(port) else {
        throw inconsistent("\(reader) reads '\(name)' at port '\(port.name)' in other formats than it has")
      }
      arguments.append(index)
    }
    let functionName = names.unique(node.name)
    var results: [Int] = []
    for (name, port) in zip(node.results, node.circuit.outputs) {
      let index = try add(HLSTensor(port, name: name))
      nameTensor(index)
      results.append(index)
    }
    let tables = node.circuit.tables.map { names.unique("\($0.name)_table") }
    nodes.append(
      Node(node: node, name: functionName, arguments: arguments, results: results, tables: tables))
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
    guard node.arguments.count == node.circuit.inputs.count, node.results.count == node.circuit.outputs.count,
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
