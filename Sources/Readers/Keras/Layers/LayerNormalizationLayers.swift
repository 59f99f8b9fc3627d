import Diagnostics
import FixedPoint
import Functions
import Graph

extension LayerImporter {
  static let layerNormalizationLayers = [
    LayerImporter(
      ["LayerNormalization"], attributes: ["axis", "epsilon", "center", "scale", "rms_scaling"],
      emit: emitLayerNormalization),
    LayerImporter(["RMSNormalization"], attributes: ["axis", "epsilon"]) {
      (call, builder) throws(CompilationFailed) in
      let x = try call.input()
      let axes = try axes(call, rank: builder.rank(x))
      let shape = axes.map { builder.shape(x)[$0] }
      let scale = try call.weights(["scale"], builder).array("scale", shape)
      let form = NormalizationForm(isCentred: false, epsilon: try call.double("epsilon", default: 1e-6))
      return [try builder.normalize(x, axes, form, scale: scale, shift: nil, call)]
    },
    LayerImporter(
      ["GroupNormalization"], attributes: ["groups", "axis", "epsilon", "center", "scale"],
      emit: emitGroupNormalization),
    LayerImporter(["UnitNormalization"], attributes: ["axis"]) { (call, builder) throws(CompilationFailed) in
      let x = try call.input()
      let form = NormalizationForm(isCentred: false, isAveraged: false, epsilon: 0, least: 1e-12)
      return [
        try builder.normalize(x, try axes(call, rank: builder.rank(x)), form, scale: nil, shift: nil, call)
      ]
    },
  ]

  /// The axes of a normalisation, ascending: the last one where none is given.
  private static func axes(_ call: LayerCall, rank: Int) throws(CompilationFailed) -> [Int] {
    guard let value = call.attribute("axis") else { return [rank - 1] }
    var axes: Set<Int> = []
    for element in value.array.map({ Array($0) }) ?? [value] {
      axes.insert(try call.axis(element, rank: rank))
    }
    if axes.isEmpty { throw value.failure("I114", "expected at least one axis") }
    return axes.sorted()
  }

  private static func emitLayerNormalization(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let x = try call.input()
    let axes = try axes(call, rank: builder.rank(x))
    let isRoot = try call.bool("rms_scaling", default: false)
    let hasScale = try call.bool("scale", default: true) || isRoot
    let hasShift = try call.bool("center", default: true) && !isRoot
    let shape = axes.map { builder.shape(x)[$0] }
    let names = (hasScale ? ["gamma"] : []) + (hasShift ? ["beta"] : [])
    let weights = names.isEmpty ? [:] : try call.weights(names, builder)
    let scale = hasScale ? try weights.array("gamma", shape) : nil
    let shift = hasShift ? try weights.array("beta", shape) : nil
    let form = NormalizationForm(isCentred: !isRoot, epsilon: try call.double("epsilon", default: 0.001))
    return [try builder.normalize(x, axes, form, scale: scale, shift: shift, call)]
  }

  private static func emitGroupNormalization(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let x = try call.input()
    let axes = try axes(call, rank: builder.rank(x))
    guard axes.count == 1 else { throw call.failure("I114", "expected one axis of channels") }
    let channels = builder.shape(x)[axes[0]]
    var groups = 32
    if let value = call.attribute("groups") { groups = try value.requireInt() }
    if groups == -1 { groups = channels }
    let names =
      (try call.bool("scale", default: true) ? ["gamma"] : [])
      + (try call.bool("center", default: true) ? ["beta"] : [])
    let weights = names.isEmpty ? [:] : try call.weights(names, builder)
    let scale = names.contains("gamma") ? try weights.array("gamma", [channels]) : nil
    let shift = names.contains("beta") ? try weights.array("beta", [channels]) : nil
    let epsilon = try call.double("epsilon", default: 0.001)
    return [
      try builder.normalizeGroups(
        x, axis: axes[0], groups: groups, epsilon: epsilon, scale: scale, shift: shift, call)
    ]
  }
}

extension GraphBuilder {
  /// A normalisation over some axes together, then a factor and an offset for each of their indices.
  mutating func normalize(
    _ x: NodeID, _ axes: [Int], _ form: NormalizationForm, scale: [Double]?, shift: [Double]?,
    _ call: some LayerSite
  ) throws(CompilationFailed) -> NodeID {
    let isPlain = scale == nil && shift == nil
    let y = try onAxes(axes, x, call) {
      (builder: inout GraphBuilder, x: NodeID) throws(CompilationFailed) -> NodeID in
      try builder.normalize(x, form, call, isPlain ? nil : "normalized")
    }
    return try affine(y, axes: axes, scale: scale, shift: shift, call, nil)
  }

  /// A normalisation over the positions and a group of channels, then a factor and an offset for each channel.
  ///
  /// - Throws: I114 where the groups do not divide the channels.
  mutating func normalizeGroups(
    _ x: NodeID, axis: Int, groups: Int, epsilon: Double, scale: [Double]?, shift: [Double]?,
    _ call: some LayerSite
  ) throws(CompilationFailed) -> NodeID {
    let shape = shape(x)
    guard groups > 0, shape[axis] % groups == 0 else {
      throw call.failure("I114", "\(groups) groups do not divide \(shape[axis]) channels")
    }
    let split = shape[..<axis] + [groups, shape[axis] / groups] + shape[(axis + 1)...]
    let parts = try reshape(x, Array(split), call, "groups")
    let within = split.indices.filter { $0 != axis }
    let y = try onAxes(within, parts, call) {
      (builder: inout GraphBuilder, x: NodeID) throws(CompilationFailed) -> NodeID in
      try builder.normalize(x, NormalizationForm(epsilon: epsilon), call, "normalized")
    }
    let whole = try reshape(y, shape, call, "whole")
    return try affine(whole, axes: [axis], scale: scale, shift: shift, call, nil)
  }
}
