import Diagnostics
import Graph

/// One call of a layer, as an importer sees it.
struct LayerCall: LayerSite, Sendable {
  enum Operand: Sendable {
    case node(NodeID)
    case literal(JSONValue)
  }

  let layer: KerasLayer
  /// The name of the node that ends the layer: the layer's own, and for its second call `dense_call2`.
  let name: String
  let operands: [Operand]
  /// Whether the layer goes through its sequence the other way than its configuration says.
  var isFlipped = false
  /// The names of the operands, as far as they are given by name.
  var operandNames: [String?] = []
  /// The arguments by name that are no tensors.
  var keywords: [(name: String, value: JSONValue)] = []
  /// Whether operands that the file has with channels before positions were turned round.
  var isTurned = false

  var origin: Layer { layer.origin }
  var config: JSONValue { layer.config }
  var location: Location { layer.location }

  /// An error about the layer as a whole.
  func failure(_ code: DiagnosticCode, _ message: String, notes: [String]) -> CompilationFailed {
    CompilationFailed(code, "layer '\(layer.name)' (\(layer.kind)): \(message)", at: location, notes: notes)
  }

  /// The operands, all of which must be tensors.
  func inputs() throws(CompilationFailed) -> [NodeID] {
    var result: [NodeID] = []
    for operand in operands {
      guard case .node(let node) = operand else {
        throw failure("I113", "expected tensors as operands, found a number")
      }
      result.append(node)
    }
    return result
  }

  /// The only operand.
  func input() throws(CompilationFailed) -> NodeID {
    let inputs = try inputs()
    guard inputs.count == 1 else { throw failure("I113", "expected one operand, found \(inputs.count)") }
    return inputs[0]
  }
}

// MARK: Attributes

extension LayerCall {
  /// The attribute, unless it is absent or null; of a function of TensorFlow, the argument that stands for it.
  func attribute(_ name: String) -> JSONValue? {
    if let value = config[name], !value.isNull { return value }
    guard let argument = layer.function?.arguments[name] else { return nil }
    return keywords.first { $0.name == argument && !$0.value.isNull }?.value
  }

  /// The attribute.
  ///
  /// - Throws: where it is absent or null.
  func require(_ name: String) throws(CompilationFailed) -> JSONValue {
    if let value = attribute(name) { return value }
    return try config.require(name)
  }

  /// The attribute, or nil where it is absent and has a default.
  private func attribute(_ name: String, orDefault fallback: Int?) throws(CompilationFailed) -> JSONValue? {
    if let value = attribute(name) { return value }
    return fallback == nil ? try config.require(name) : nil
  }

  func bool(_ name: String, default fallback: Bool) throws(CompilationFailed) -> Bool {
    guard let value = attribute(name) else { return fallback }
    // Old files spell flags as numbers.
    if let number = value.int, number == 0 || number == 1 { return number == 1 }
    return try value.requireBool()
  }

  func double(_ name: String, default fallback: Double) throws(CompilationFailed) -> Double {
    guard let value = attribute(name) else { return fallback }
    let number = try value.requireDouble()
    guard number.isFinite else { throw value.failure("I114", "'\(name)' is not finite") }
    return number
  }

  /// An integer from 1 on.
  func count(_ name: String, default fallback: Int? = nil) throws(CompilationFailed) -> Int {
    guard let value = try attribute(name, orDefault: fallback) else { return fallback ?? 1 }
    let number = try value.requireInt()
    guard number > 0, number < 1 << 31 else {
      throw value.failure("I114", "'\(name)' is \(number), expected at least 1")
    }
    return number
  }

  /// An integer for each of some axes, which may be given as one for all.
  func extents(_ name: String, rank: Int, default fallback: Int? = nil) throws(CompilationFailed) -> [Int] {
    guard let value = try attribute(name, orDefault: fallback) else {
      return Array(repeating: fallback ?? 1, count: rank)
    }
    let numbers =
      try value.array == nil ? Array(repeating: value.requireInt(), count: rank) : value.requireInts()
    guard numbers.count == rank, numbers.allSatisfy({ $0 > 0 && $0 < 1 << 31 }) else {
      throw value.failure("I114", "'\(name)' is \(numbers), expected \(rank) integers from 1 on")
    }
    return numbers
  }

  /// The value of an attribute out of a list; the first one is the default.
  func choice(_ name: String, _ choices: [String]) throws(CompilationFailed) -> String {
    guard let value = attribute(name) else { return choices[0] }
    let text = try value.requireString()
    guard choices.contains(text) else {
      let list = choices.map { "'\($0)'" }.joined(separator: " or ")
      throw value.failure("I114", "'\(name)' is '\(text)', expected \(list)")
    }
    return text
  }

  /// Refuses tensors with channels before positions.
  func requireChannelsLast() throws(CompilationFailed) {
    if !isTurned, let value = attribute("data_format"), let text = value.string, text != "channels_last" {
      throw value.failure(
        "I114", "'data_format' is '\(text)', expected 'channels_last'",
        notes: ["convert the model to channels_last, Keras's default"])
    }
  }

  /// The axis of a tensor of that rank (batch not counted) that an attribute counts with the batch as axis 0.
  func axis(_ value: JSONValue, rank: Int) throws(CompilationFailed) -> Int {
    let axis = try value.requireInt()
    let position = axis < 0 ? axis + rank : axis - 1
    guard position >= 0, position < rank else {
      throw value.failure("I114", "axis \(axis) is not one of the \(rank) axes behind the batch")
    }
    return position
  }
}

// MARK: Weights

/// A tensor of numbers as the weights' file has it.
struct WeightArray: Sendable {
  var values: [Double]
  var shape: [Int]
  var location: Location
}

extension LayerCall {
  /// The variables of the layer, all of them named in the order in which Keras creates them, or of one of its
  /// parts.
  ///
  /// - Throws: I105, I106 where they are missing; I107 where one is not finite; I108 where there are no
  ///   weights at all.
  func weights(
    _ names: [String], part: [String] = [], inner: (name: String, variables: [String])? = nil,
    _ builder: GraphBuilder
  ) throws(CompilationFailed) -> [String: WeightArray] {
    guard let store = builder.weights else {
      throw failure("I108", "there are no weights", notes: ["give the file of weights with --weights"])
    }
    return try arrays(store.variables(of: layer.address, part: part, names, inner: inner))
  }

  /// The variables of a layer inside of the layer.
  ///
  /// - Parameters:
  ///   - sublayer: the attribute by which archives know it, and its name.
  func weights(
    _ names: [String], sublayer: (attribute: String, name: String), _ builder: GraphBuilder
  ) throws(CompilationFailed) -> [String: WeightArray] {
    guard let store = builder.weights else {
      throw failure("I108", "there are no weights", notes: ["give the file of weights with --weights"])
    }
    return try arrays(
      store.variables(of: layer.address, part: [sublayer.attribute], sublayer: sublayer.name, names))
  }

  private func arrays(_ variables: [String: HDF5Dataset]) throws(CompilationFailed) -> [String: WeightArray] {
    var result: [String: WeightArray] = [:]
    for (name, dataset) in variables {
      let values = try dataset.doubles()
      // What HGQ counts of operations is read by training alone.
      if let position = values.firstIndex(where: { !$0.isFinite }), !["bops", "ebops"].contains(name) {
        throw CompilationFailed(
          "I107", "element \(position) of '\(name)' is \(values[position])", at: dataset.location)
      }
      result[name] = WeightArray(values: values, shape: dataset.shape, location: dataset.location)
    }
    return result
  }
}

extension [String: WeightArray] {
  /// The variable of that name, of that shape.
  ///
  /// - Throws: I109 for another shape.
  func array(_ name: String, _ shape: [Int]) throws(CompilationFailed) -> [Double] {
    guard let array = self[name] else {
      throw CompilationFailed("I105", "there is no variable '\(name)'")
    }
    guard array.shape == shape else {
      throw CompilationFailed(
        "I109", "'\(name)' has the shape \(array.shape), expected \(shape)", at: array.location)
    }
    return array.values
  }
}
