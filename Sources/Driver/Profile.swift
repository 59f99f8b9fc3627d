import Diagnostics
import FixedPoint
import Graph

/// `profile`: what values the tensors of a model take over samples, against the types that they have.
public struct Profile: Sendable {
  /// One tensor of the typed model.
  struct Tensor: Hashable, Sendable {
    var name: String
    var type: FixedType
    var source: TypeSource
    /// The least and the greatest value in the typed model, and in the float model where it has the tensor.
    var typed: ClosedRange<Double>?
    var float: ClosedRange<Double>?
    /// Elements of all samples that were converted to the tensor's types, and those that did not fit.
    var converted = 0
    var overflowed = 0
    /// The greatest difference between the two models.
    var maximumError = 0.0
  }

  var name: String
  var samples: Int
  var tensors: [Tensor]

  /// Runs both models over samples.
  ///
  /// - Throws: C024 for a graph.json, which has no float model; T012 where a simulation needs too many bits.
  public init(_ model: TypedModel, _ samples: InputSamples) throws(CompilationFailed) {
    if model.source.isTyped {
      throw CompilationFailed(
        "C024", "a graph.json holds integers only", notes: ["name the model file instead"])
    }
    name = model.graph.name
    self.samples = samples.count
    tensors = model.graph.nodes.map { node in
      Tensor(
        name: node.name, type: node.type?.union ?? FixedType(width: 0, integerBits: 0),
        source: node.typeSource ?? .exact)
    }
    var run = ProfileRun(model)
    let simulator = try ReferenceSimulator.checked(model.graph)
    let converted = samples.converted(for: model.graph)
    for (real, raw) in zip(samples.values, converted.raw) {
      run.add(real, try simulator.checkedRun(raw), to: &tensors)
    }
  }

  /// Tensors with an element that overflowed.
  public var hasOverflow: Bool { tensors.contains { $0.overflowed > 0 } }
}

/// What profiling needs beside the tensors.
private struct ProfileRun {
  let typed: Graph
  let interpreter: FloatInterpreter
  /// For each node of the typed graph the node of the float graph that it stands for.
  let counterparts: [NodeID?]

  init(_ model: TypedModel) {
    typed = model.graph
    interpreter = FloatInterpreter(model.source)
    var indices: [String: NodeID] = [:]
    for (index, node) in model.source.nodes.enumerated() { indices[node.name] = NodeID(index) }
    counterparts = model.graph.nodes.map { node in
      let name = node.name.hasSuffix("_result") ? String(node.name.dropLast(7)) : node.name
      guard let id = indices[node.name] ?? indices[name], model.source[id].count == node.count else {
        return nil
      }
      return id
    }
  }

  mutating func add(_ real: [[Double]], _ raw: [[Int128]], to tensors: inout [Profile.Tensor]) {
    let float = interpreter.run(real)
    var input = 0
    for (index, node) in typed.nodes.enumerated() {
      guard let type = node.type else { continue }
      let values = raw[index].enumerated().map { type.value($1, element: $0) }
      tensors[index].typed = union(tensors[index].typed, values)
      if let id = counterparts[index] {
        let expected = float[id.index]
        tensors[index].float = union(tensors[index].float, expected)
        for (a, b) in zip(values, expected) {
          tensors[index].maximumError = max(tensors[index].maximumError, abs(a - b))
        }
      }
      switch node.primitive {
      case .input:
        if let types = node.inputTypes {
          count(real[input].indices, in: &tensors[index]) { overflows(real[input][$0], types[$0]) }
        }
        input += 1
      case .quantize(.fixed(let types, _)):
        let operand = raw[node.operands[0].index]
        guard case .quantize(let quantizer) = node.primitive, let source = typed[node.operands[0]].type else {
          continue
        }
        count(operand.indices, in: &tensors[index]) { element in
          guard case .fixed(_, let unit)? = try? quantizer.element(element, unit: source.unit(element)) else {
            return false
          }
          return overflows(operand[element], unit, types[element])
        }
      default: break
      }
    }
  }

  private func count(_ elements: Range<Int>, in tensor: inout Profile.Tensor, _ overflows: (Int) -> Bool) {
    tensor.converted += elements.count
    for element in elements where overflows(element) { tensor.overflowed += 1 }
  }

  private func union(_ range: ClosedRange<Double>?, _ values: [Double]) -> ClosedRange<Double>? {
    guard let low = values.min(), let high = values.max(), low <= high else { return range }
    guard let range else { return low...high }
    return min(range.lowerBound, low)...max(range.upperBound, high)
  }

  /// Whether rounding alone leaves the type's range.
  private func overflows(_ value: Double, _ type: FixedType) -> Bool {
    type.unbounded.convert(value).map { !type.reachableRange.contains($0) } ?? true
  }

  private func overflows(_ raw: Int128, _ unit: Unit, _ type: FixedType) -> Bool {
    guard let rounded = try? type.unbounded.convert(raw, unit: unit) else { return true }
    return !type.reachableRange.contains(rounded)
  }
}

extension FixedType {
  /// As many bits as there are, in the same unit and with the same rounding.
  fileprivate var unbounded: FixedType {
    FixedType(
      width: FixedType.maximumWidth, integerBits: FixedType.maximumWidth + exponent, rounding: rounding,
      overflow: .sat)
  }
}

extension Profile {
  /// For the terminal. A range is the typed model's, and the float model's below it where that differs.
  public var text: String {
    var table = TextTable([
      "tensor", "type", "source", "least", "greatest", "float least", "float greatest", "overflows",
      "max error",
    ])
    for tensor in tensors {
      table.add([
        tensor.name, "\(tensor.type)", "\(tensor.source)", Profile.number(tensor.typed?.lowerBound),
        Profile.number(tensor.typed?.upperBound), Profile.number(tensor.float?.lowerBound),
        Profile.number(tensor.float?.upperBound),
        tensor.overflowed > 0
          ? "\(tensor.overflowed) of \(tensor.converted)" : tensor.converted > 0 ? "0" : "",
        tensor.float == nil ? "" : Profile.number(tensor.maximumError),
      ])
    }
    let overflowing = tensors.filter { $0.overflowed > 0 }.map { "'\($0.name)'" }
    let last =
      overflowing.isEmpty
      ? "no value of \(samples) samples overflowed its type"
      : "overflows in \(overflowing.joined(separator: ", "))"
    return [name, table.text, last].joined(separator: "\n")
  }

  /// Four significant digits are enough to choose a type by.
  private static func number(_ value: Double?) -> String {
    guard let value else { return "" }
    if value == 0 { return "0" }
    let digits = max(0, 3 - Int(log10Floor(abs(value))))
    var scale = 1.0
    for _ in 0..<min(digits, 12) { scale *= 10 }
    let rounded = (value * scale).rounded() / scale
    return rounded == rounded.rounded() && abs(rounded) < 1e15 ? "\(Int(rounded))" : "\(rounded)"
  }

  private static func log10Floor(_ value: Double) -> Double {
    var (value, power) = (value, 0.0)
    while value >= 10 && power < 300 { (value, power) = (value / 10, power + 1) }
    while value < 1 && power > -300 { (value, power) = (value * 10, power - 1) }
    return power
  }

  public var json: JSONOutput {
    func range(_ range: ClosedRange<Double>?) -> JSONOutput {
      guard let range else { return .null }
      return ["min": .number(range.lowerBound), "max": .number(range.upperBound)]
    }
    return [
      "schema": 1, "model": .string(name), "samples": .integer(samples),
      "tensors": .array(
        tensors.map { tensor in
          [
            "name": .string(tensor.name), "type": .string("\(tensor.type)"),
            "source": .string("\(tensor.source)"), "typed": range(tensor.typed), "float": range(tensor.float),
            "converted": .integer(tensor.converted), "overflowed": .integer(tensor.overflowed),
            "max_abs_error": tensor.float == nil ? .null : .number(tensor.maximumError),
          ]
        }),
    ]
  }
}
