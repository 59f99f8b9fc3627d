import Diagnostics
import FixedPoint
import Graph

extension LayerImporter {
  static let mergeLayers = [
    merge("Add", .add), merge("Subtract", .subtract), merge("Multiply", .multiply), merge("Maximum", .maximum),
    merge("Minimum", .minimum),
    LayerImporter(["Average"], emit: emitAverage),
    LayerImporter(["Concatenate", "HGQ>PConcatenate"], attributes: ["axis"], emit: emitConcatenate),
  ]

  private static func merge(_ kind: String, _ combination: Combination) -> LayerImporter {
    LayerImporter([kind]) { (call, builder) throws(CompilationFailed) in
      [try builder.merge(combination, try call.inputs(), call)]
    }
  }

  private static func emitAverage(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let inputs = try call.inputs()
    let sum = try builder.merge(.add, inputs, call, "sum")
    return [try builder.affine(sum, factor: Rational(1, Int128(inputs.count)), call)]
  }

  static func emitConcatenate(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let inputs = try call.inputs()
    guard let first = inputs.first else { throw call.failure("I113", "expected operands") }
    if inputs.count == 1 { return inputs }
    let shapes = inputs.map { builder.shape($0) }
    let axis = try call.attribute("axis").map { (value) throws(CompilationFailed) in
      try call.axis(value, rank: builder.rank(first))
    } ?? builder.rank(first) - 1
    for shape in shapes {
      var expected = shapes[0]
      if shape.count == expected.count { expected[axis] = shape[axis] }
      guard shape == expected else {
        throw call.failure("I116", "operands of shapes \(shapes[0]) and \(shape) do not fit")
      }
    }
    return [try builder.add(.rearrange(.concatenate(axis: axis)), inputs, call)]
  }
}

extension GraphBuilder {
  /// Combines two or more operands; `subtract` takes exactly two.
  mutating func merge(_ combination: Combination, _ inputs: [NodeID], _ call: LayerCall, _ role: String? = nil)
    throws(CompilationFailed) -> NodeID
  {
    guard inputs.count >= 2, combination != .subtract || inputs.count == 2 else {
      throw call.failure("I113", "a merge of \(inputs.count) operands is not possible")
    }
    return try combine(combination, inputs, call, role)
  }
}
