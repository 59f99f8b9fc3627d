import Diagnostics

/// A Keras model as its file describes it, Sequential or functional: layers, and the calls between them.
struct KerasNetwork: Sendable {
  /// A layer, or a model used as one.
  enum Member: Sendable {
    case layer(KerasLayer)
    case network(KerasNetwork)

    var name: String {
      switch self {
      case .layer(let layer): layer.name
      case .network(let network): network.name
      }
    }
  }

  /// One result of one call of one member.
  struct Tensor: Hashable, Sendable {
    var member: Int
    var node: Int
    var result: Int
  }

  enum Argument: Sendable {
    case tensor(Tensor)
    case literal(JSONValue)
  }

  /// One use of a member; a shared layer has several, numbered by `node`.
  struct Call: Sendable {
    var member: Int
    var node: Int
    var arguments: [Argument]
    /// The names of the arguments, as far as they are given by name.
    var argumentNames: [String?] = []
    /// The arguments given by name that are no tensors, such as `training`.
    var keywords: [(name: String, value: JSONValue)]

    var operands: [Tensor] {
      arguments.compactMap { if case .tensor(let tensor) = $0 { tensor } else { nil } }
    }
  }

  var name: String
  var members: [Member]
  /// Every call, operands first.
  var calls: [Call]
  var inputs: [Tensor]
  var outputs: [Tensor]
}

extension KerasNetwork {
  /// Parses a model from `{"class_name": …, "config": …}`.
  ///
  /// - Parameters:
  ///   - prefix: the names of the models around this one, each with a `/` behind it.
  /// - Throws: I100 for a class that is neither Sequential nor functional, I101 for connections that make
  ///   no sense, I102 for a cycle, I103 where no input shape is given.
  init(_ model: JSONValue, prefix: String = "", address: WeightAddress = WeightAddress())
    throws(CompilationFailed)
  {
    let kind = try KerasLayer.kind(of: model)
    switch kind {
    case "Sequential": self = try .sequential(model, prefix, address)
    case "Model", "Functional": self = try .functional(model, prefix, address)
    default:
      throw model.failure(
        "I100", "the model's class is '\(kind)', expected a Sequential or functional model",
        notes: ["a subclassed model keeps its computation in Python code, which is never executed"])
    }
  }

  /// Whether a layer entry is a model.
  static func isModel(_ kind: String) -> Bool { ["Sequential", "Model", "Functional"].contains(kind) }

  /// The members of a list of layers, with the keys of their weights.
  private static func members(_ entries: JSONArray, _ prefix: String, _ address: WeightAddress)
    throws(CompilationFailed) -> [Member]
  {
    var uses: [String: Int] = [:]
    var members: [Member] = []
    for entry in entries {
      let kind = try KerasLayer.kind(of: entry)
      let config = try entry.require("config")
      let name = config["name"]?.string ?? entry["name"]?.string ?? KerasLayer.snakeCase(kind)
      // Keras' own name of the class, by which archives number layers.
      var key = KerasLayer.snakeCase(kind == "GroupQueryAttention" ? "GroupedQueryAttention" : kind)
      // Operators are no layers and have no weights.
      if entry["module"]?.string?.hasPrefix("keras.src.ops") != true {
        let use = uses[key, default: 0]
        uses[key] = use + 1
        if use > 0 { key += "_\(use)" }
      }
      let place = address.appending(name: name, key: key)
      if isModel(kind) {
        members.append(.network(try KerasNetwork(entry, prefix: "\(prefix)\(name)/", address: place)))
        if case .network(var network)? = members.last {
          network.name = prefix + name
          members[members.count - 1] = .network(network)
        }
      } else {
        _ = try config.requireObject()
        members.append(.layer(KerasLayer(name: prefix + name, kind: kind, config: config, address: place)))
      }
    }
    return members
  }
}

// MARK: Sequential

extension KerasNetwork {
  private static func sequential(_ model: JSONValue, _ prefix: String, _ address: WeightAddress)
    throws(CompilationFailed) -> KerasNetwork
  {
    let config = try model.require("config")
    // Keras before 2.2 writes the bare list of layers as configuration.
    let entries = if let array = config.array { array } else { try config.requireArray("layers") }
    var members = try members(entries, prefix, address)
    if members.isEmpty { throw config.failure("I101", "the model has no layers") }
    if !isInput(members[0]) {
      members.insert(.layer(try impliedInput(members[0], config, prefix)), at: 0)
    }
    var calls: [Call] = []
    for member in members.indices {
      if member > 0 && isInput(members[member]) {
        throw config.failure("I101", "an InputLayer stands inside a Sequential model, expected it first")
      }
      let argument = Argument.tensor(Tensor(member: member - 1, node: 0, result: 0))
      calls.append(Call(member: member, node: 0, arguments: member == 0 ? [] : [argument], keywords: []))
    }
    return KerasNetwork(
      name: config["name"]?.string ?? "sequential", members: members, calls: calls,
      inputs: [Tensor(member: 0, node: 0, result: 0)],
      outputs: [Tensor(member: members.count - 1, node: 0, result: 0)])
  }

  private static func isInput(_ member: Member) -> Bool {
    if case .layer(let layer) = member { layer.kind == "InputLayer" } else { false }
  }

  /// The input layer that Keras adds before a first layer which carries the input shape itself.
  private static func impliedInput(_ first: Member, _ config: JSONValue, _ prefix: String)
    throws(CompilationFailed) -> KerasLayer
  {
    var candidates: [JSONValue] = []
    var name = "\(first.name)_input"
    var member = first
    while case .network(let network) = member {
      member = network.members[0]
      name = member.name
    }
    if case .layer(let layer) = member { candidates.append(layer.config) }
    candidates.append(config)
    for candidate in candidates {
      for key in ["batch_input_shape", "batch_shape", "build_input_shape"] where candidate[key]?.array != nil
      {
        return KerasLayer(name: name, kind: "InputLayer", config: candidate, address: WeightAddress())
      }
    }
    throw config.failure(
      "I103", "no input shape is given",
      notes: ["save the model after it was built: give its first layer an input_shape, or call it once"])
  }
}

// MARK: Functional

extension KerasNetwork {
  private static func functional(_ model: JSONValue, _ prefix: String, _ address: WeightAddress)
    throws(CompilationFailed) -> KerasNetwork
  {
    let config = try model.require("config")
    let entries = try config.requireArray("layers")
    let members = try members(entries, prefix, address)
    var indices: [String: Int] = [:]
    for (index, entry) in entries.enumerated() {
      let name = entry["name"]?.string ?? entry["config"]?["name"]?.string ?? String(members[index].name)
      guard indices.updateValue(index, forKey: name) == nil else {
        throw entry.failure("I101", "two layers are named '\(name)'")
      }
    }
    let references = ReferenceParser(indices: indices)
    var calls: [Call] = []
    for (member, entry) in entries.enumerated() {
      var number = 0
      if let nodes = try entry["inbound_nodes"]?.requireArray() {
        for node in nodes {
          var call = try references.call(node, member: member, number: number)
          if case .layer(let layer) = members[member], let function = layer.function {
            call.takeOperands(of: function)
          }
          calls.append(call)
          number += 1
        }
      }
      if number == 0 { calls.append(Call(member: member, node: 0, arguments: [], keywords: [])) }
    }
    var network = KerasNetwork(
      name: config["name"]?.string ?? "model", members: members, calls: calls,
      inputs: try references.tensors(config.require("input_layers")),
      outputs: try references.tensors(config.require("output_layers")))
    network.renumberCalls()
    network.calls = try ordered(network.calls, members, config)
    return network
  }

  /// Makes the calls of nested models start at 0: Keras 2 counts a model's own construction as call 0, which
  /// it does not write.
  private mutating func renumberCalls() {
    var counts: [Int: Int] = [:]
    for call in calls { counts[call.member, default: 0] += 1 }
    var starts: Set<Int> = []
    for tensor in outputs + calls.flatMap(\.operands) {
      if case .network = members[tensor.member], tensor.node == counts[tensor.member] {
        starts.insert(tensor.member)
      }
    }
    func renumbered(_ tensor: Tensor) -> Tensor {
      guard starts.contains(tensor.member), tensor.node > 0 else { return tensor }
      return Tensor(member: tensor.member, node: tensor.node - 1, result: tensor.result)
    }
    outputs = outputs.map(renumbered)
    for i in calls.indices {
      calls[i].arguments = calls[i].arguments.map { argument in
        if case .tensor(let tensor) = argument { .tensor(renumbered(tensor)) } else { argument }
      }
    }
  }

  /// The calls with operands first (Kahn's algorithm).
  private static func ordered(_ calls: [Call], _ members: [Member], _ config: JSONValue)
    throws(CompilationFailed) -> [Call]
  {
    var index: [Tensor: Int] = [:]
    for (i, call) in calls.enumerated() { index[Tensor(member: call.member, node: call.node, result: 0)] = i }
    var users = Array(repeating: [Int](), count: calls.count)
    var pending = Array(repeating: 0, count: calls.count)
    for (i, call) in calls.enumerated() {
      for tensor in call.operands {
        guard let source = index[Tensor(member: tensor.member, node: tensor.node, result: 0)] else {
          throw config.failure(
            "I101",
            "layer '\(members[call.member].name)' uses call \(tensor.node) of layer "
              + "'\(members[tensor.member].name)', which there is not")
        }
        users[source].append(i)
        pending[i] += 1
      }
    }
    var result: [Call] = []
    var isDone = Array(repeating: false, count: calls.count)
    var ready = calls.indices.filter { pending[$0] == 0 }
    var next = 0
    while next < ready.count {
      let i = ready[next]
      next += 1
      isDone[i] = true
      result.append(calls[i])
      for user in users[i] {
        pending[user] -= 1
        if pending[user] == 0 { ready.append(user) }
      }
    }
    if result.count < calls.count {
      let names = calls.indices.filter { !isDone[$0] }.prefix(5).map { "'\(members[calls[$0].member].name)'" }
      throw config.failure("I102", "the connections form a cycle through \(names.joined(separator: ", "))")
    }
    return result
  }
}

/// Reads references to tensors, which each generation of Keras spells in its own way.
private struct ReferenceParser {
  let indices: [String: Int]

  /// `["fc1", 0, 0]`, a list of those, or an object of those by name.
  func tensors(_ value: JSONValue) throws(CompilationFailed) -> [KerasNetwork.Tensor] {
    var result: [KerasNetwork.Tensor] = []
    if let object = value.object {
      for (_, member) in object { result += try tensors(member) }
      return result
    }
    let array = try value.requireArray()
    if array.first?.string != nil { return [try tensor(value)] }
    for element in array { result += try tensors(element) }
    if result.isEmpty { throw value.failure("I101", "expected at least one layer") }
    return result
  }

  /// `["fc1", 0, 0]`, perhaps with keyword arguments behind it.
  private func tensor(_ value: JSONValue) throws(CompilationFailed) -> KerasNetwork.Tensor {
    let array = try value.requireArray()
    guard array.count >= 3 else {
      throw value.failure("I101", "expected a reference [layer, call, result]")
    }
    let name = try array[0].requireString()
    let node = try array[1].requireInt()
    let result = try array[2].requireInt()
    guard let member = indices[name] else { throw value.failure("I101", "there is no layer '\(name)'") }
    guard node >= 0, result >= 0 else { throw value.failure("I101", "call and result are numbered from 0") }
    return KerasNetwork.Tensor(member: member, node: node, result: result)
  }

  /// One entry of `inbound_nodes`.
  func call(_ node: JSONValue, member: Int, number: Int) throws(CompilationFailed) -> KerasNetwork.Call {
    var call = KerasNetwork.Call(member: member, node: number, arguments: [], keywords: [])
    if node.object != nil {
      for argument in try node.requireArray("args") { try add(argument, to: &call) }
      for (name, value) in try node.requireObject("kwargs") {
        if Self.holdsTensor(value) {
          try add(value, to: &call, name: name)
        } else {
          call.keywords.append((name, value))
        }
      }
    } else {
      let array = try node.requireArray()
      if array.first?.string != nil {
        try addLegacy(node, to: &call)
      } else {
        for reference in array { try addLegacy(reference, to: &call) }
      }
    }
    return call
  }

  /// Keras 2's `[layer, call, result, keywords]`.
  private func addLegacy(_ reference: JSONValue, to call: inout KerasNetwork.Call) throws(CompilationFailed) {
    if reference[0]?.string == "_CONSTANT_VALUE", let value = reference[2] {
      call.arguments.append(.literal(value))
    } else {
      call.arguments.append(.tensor(try tensor(reference)))
    }
    call.argumentNames.append(nil)
    guard let keywords = reference[3] else { return }
    for (name, value) in try keywords.requireObject() {
      if isReference(value) {
        call.arguments.append(.tensor(try tensor(value)))
        call.argumentNames.append(name)
      } else {
        call.keywords.append((name, value))
      }
    }
  }

  /// Keras 3's arguments: tensors as objects, in lists or not, literals among them.
  private func add(_ value: JSONValue, to call: inout KerasNetwork.Call, name: String? = nil)
    throws(CompilationFailed)
  {
    // A list without tensors, such as the parts of an index, is one argument.
    if let array = value.array, Self.holdsTensor(value) {
      for element in array { try add(element, to: &call, name: name) }
      return
    }
    call.argumentNames.append(name)
    if value["class_name"]?.string == "__keras_tensor__" {
      call.arguments.append(.tensor(try tensor(value.require("config").require("keras_history"))))
    } else {
      call.arguments.append(.literal(value))
    }
  }

  /// Whether a keyword's value is a reference `["fc1", 0, 0]`.
  private func isReference(_ value: JSONValue) -> Bool {
    guard value.array?.count == 3, let name = value[0]?.string else { return false }
    return indices[name] != nil && value[1]?.int != nil && value[2]?.int != nil
  }

  private static func holdsTensor(_ value: JSONValue) -> Bool {
    if let array = value.array { return array.contains(where: holdsTensor) }
    return value["class_name"]?.string == "__keras_tensor__"
  }
}
