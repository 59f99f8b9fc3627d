import Diagnostics
import FixedPoint
import Graph

// HGQ 0.2 writes two files: the proxy, whose FixedPointQuantizer layers carry finished types, and the model
// as it is trained, which knows fraction bits only.
extension LayerImporter {
  private static let trainedAttributes = [
    "kq_conf", "paq_conf", "beta", "parallel_factor", "activation", "use_bias",
  ]

  static let hgq1Layers =
    [
      LayerImporter(
        ["HGQ>FixedPointQuantizer"], attributes: ["RND", "SAT", "shape", "overrides", "fusible"],
        emit: emitFixedPointQuantizer),
      LayerImporter(["HGQ>HQuantize"], attributes: trainedAttributes, emit: emitHQuantize),
      LayerImporter(["HGQ>HActivation"], attributes: trainedAttributes, emit: emitHActivation),
      LayerImporter(["HGQ>HAdd"], attributes: trainedAttributes, emit: emitHAdd),
      LayerImporter(["HGQ>HDense"], attributes: trainedAttributes + ["units"], emit: emitHDense),
    ]
    + [1, 2].map { rank in
      LayerImporter(["HGQ>HConv\(rank)D"], attributes: trainedAttributes + convolutionAttributes) {
        (call, builder) throws(CompilationFailed) in try emitHConvolution(call, &builder, rank: rank)
      }
    }

  /// A quantizer of the proxy: `bits` counts the sign, as `integers` does.
  private static func emitFixedPointQuantizer(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let x = try call.input()
    let rounding = try Rounding(call.config.require("RND"))
    let overflow = try Overflow(call.config.require("SAT"))
    let weights = try call.weights(["keep_negative", "bits", "integers"], builder)
    guard let bits = weights["bits"] else { throw call.failure("I105", "there is no variable 'bits'") }
    let integers = try weights.array("integers", bits.shape)
    let signs = try weights.array("keep_negative", bits.shape)
    var elements: [ElementType] = []
    for (i, total) in bits.values.enumerated() {
      guard let total = Int(exactly: total), let integer = Int(exactly: integers[i]), total >= 0,
        signs[i] == 0 || signs[i] == 1
      else { throw CompilationFailed("I250", "element \(i) has \(total) bits", at: bits.location) }
      let sign = total == 0 ? 0 : Int(signs[i])
      elements.append(
        ElementType(
          isSigned: sign == 1, integer: total == 0 ? 0 : integer - sign,
          fraction: total == 0 ? 0 : total - integer))
    }
    let types = try call.types(
      elements, shape: bits.shape, to: builder.shape(x), rounding, overflow, at: bits.location)
    return [try builder.quantize(x, types, call)]
  }

  private static func emitHQuantize(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let trained = try TrainedTypes(call, builder, [])
    return [try trained.quantize(try call.input(), &builder, nil)]
  }

  private static func emitHActivation(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let trained = try TrainedTypes(call, builder, [])
    let y = try builder.activate(try call.input(), call)
    return [try trained.quantize(y, &builder, nil)]
  }

  private static func emitHAdd(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let trained = try TrainedTypes(call, builder, [])
    let sum = try builder.merge(.add, try call.inputs(), call, "sum")
    return [try trained.quantize(sum, &builder, nil)]
  }

  private static func emitHDense(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let x = try call.input()
    let usesBias = try call.bool("use_bias", default: true)
    let trained = try TrainedTypes(call, builder, ["kernel"] + (usesBias ? ["bias"] : []))
    let inputs = builder.shape(x).last ?? 1
    let units = try call.count("units")
    let kernel = try trained.weights.array("kernel", [inputs, units])
    let bias = usesBias ? try trained.weights.array("bias", [units]) : nil
    let weights = try trained.convert(LayerVariable(name: "kernel", values: kernel, shape: [inputs, units]))
    let shift = try bias.map { (values) throws(CompilationFailed) in
      try trained.convert(LayerVariable(name: "bias", values: values, shape: [units]))
    }
    let linear = Linear(
      inputs: inputs, outputs: units, weights: weights.reshaped([1, inputs, units]),
      bias: shift.map { $0.reshaped([1, units]) })
    let y = try builder.add(.linear(linear), [x], call)
    return [try builder.activate(try trained.quantize(y, &builder, "quantizer"), call)]
  }

  private static func emitHConvolution(_ call: LayerCall, _ builder: inout GraphBuilder, rank: Int)
    throws(CompilationFailed) -> [NodeID]
  {
    let usesBias = try call.bool("use_bias", default: true)
    let trained = try TrainedTypes(call, builder, ["kernel"] + (usesBias ? ["bias"] : []))
    let y = try builder.convolve(
      try call.input(), rank: rank, call, trained.weights, usesBias: usesBias, trained.convert)
    return [try builder.activate(try trained.quantize(y, &builder, "quantizer"), call)]
  }
}

/// The quantizers of a layer of a trained HGQ model, which round to a trained number of fraction bits and
/// know no range.
private struct TrainedTypes {
  let call: LayerCall
  let weights: [String: WeightArray]
  /// Fraction bits after rounding.
  private let kernelBits: WeightArray?
  private let activationBits: WeightArray

  /// The integer bits that stand for "unbounded"; proven intervals make the circuit's types narrower.
  private static let integerBits = 32

  init(_ call: LayerCall, _ builder: GraphBuilder, _ variables: [String]) throws(CompilationFailed) {
    self.call = call
    let hasKernel = variables.contains("kernel")
    let names = variables + (hasKernel ? ["kernel_bw"] : []) + ["activation_bw", "beta", "bops"]
    let arrays = try call.weights(names, builder)
    weights = arrays
    func bits(_ name: String, _ conf: String) throws(CompilationFailed) -> WeightArray {
      guard var array = arrays[name] else { throw call.failure("I105", "there is no variable '\(name)'") }
      let range = try call.config[conf]?["bw_clip"].map { (value) throws(CompilationFailed) in
        try value.requireDoubles()
      }
      array.values = array.values.map { value in
        let clipped = range.map { $0.count == 2 ? min(max(value, $0[0]), $0[1]) : value } ?? value
        return clipped.rounded(.toNearestOrEven)
      }
      guard array.values.allSatisfy({ abs($0) <= 32 }) else {
        throw CompilationFailed("I250", "more than 32 fraction bits are not supported", at: array.location)
      }
      return array
    }
    kernelBits = hasKernel ? try bits("kernel_bw", "kq_conf") : nil
    activationBits = try bits("activation_bw", "paq_conf")
  }

  /// How the layer rounds its results.
  private func rounding() throws(CompilationFailed) -> Rounding {
    guard let value = call.config["paq_conf"]?["rnd_strategy"] else { return .rnd }
    if value.string == "floor" || value.int == 3 { return .trn }
    if value.string != "auto" { return .rnd }
    // `auto` rounds where the bias can hide it: one width, or one for each channel, with a bias.
    let shape = activationBits.shape
    let isCovered =
      weights["bias"].map { bias in
        shape.elementCount == 1
          || (shape.dropLast().allSatisfy { $0 == 1 } && [shape.last ?? 1] == bias.shape)
      } ?? false
    return isCovered ? .rnd : .trn
  }

  /// Rounds a tensor to the trained bits.
  func quantize(_ x: NodeID, _ builder: inout GraphBuilder, _ role: String?) throws(CompilationFailed)
    -> NodeID
  {
    let elements = activationBits.values.map {
      ElementType(isSigned: true, integer: TrainedTypes.integerBits, fraction: Int($0))
    }
    let types = try call.types(
      elements, shape: activationBits.shape, to: builder.shape(x), try rounding(), .sat,
      at: activationBits.location)
    return try builder.quantize(x, types, call, role)
  }

  /// Rounds the kernel to its own bits, the bias to those of its channel's results.
  func convert(_ variable: LayerVariable) throws(CompilationFailed) -> Weights {
    var bits = variable.name == "kernel" ? kernelBits ?? activationBits : activationBits
    if variable.name == "bias" {
      let channels = bits.shape.last ?? 1
      var greatest = Array(repeating: -Double.infinity, count: channels)
      for (i, value) in bits.values.enumerated() {
        greatest[i % channels] = max(greatest[i % channels], value)
      }
      bits = WeightArray(values: greatest, shape: [channels], location: bits.location)
    }
    let isFloor = call.config["kq_conf"]?["rnd_strategy"].map { $0.string == "floor" || $0.int == 3 } ?? false
    let rounding = variable.name == "kernel" ? (isFloor ? .trn : .rnd) : try rounding()
    let elements = bits.values.map {
      ElementType(isSigned: true, integer: TrainedTypes.integerBits, fraction: Int($0))
    }
    let types = try call.types(
      elements, shape: bits.shape, to: variable.shape, rounding, .sat, at: bits.location)
    return try call.quantized(variable, types)
  }
}

extension GraphBuilder {
  /// The conversion of each element into its type.
  mutating func quantize(
    _ x: NodeID, _ types: PerElement<FixedType>, scales: PerElement<Rational>? = nil, _ call: LayerCall,
    _ role: String? = nil
  ) throws(CompilationFailed) -> NodeID {
    let one = PerElement(repeating: Rational.one, count: types.count)
    return try add(.quantize(.fixed(types, scales: scales ?? one)), [x], call, role)
  }
}

extension Rounding {
  /// The mode that HGQ and HGQ2 name; `S_` stands for stochastic rounding in training, which inference does
  /// not have.
  init(_ value: JSONValue) throws(CompilationFailed) {
    let name = try value.requireString().uppercased()
    guard let rounding = Rounding(rawValue: name.hasPrefix("S_") ? String(name.dropFirst(2)) : name) else {
      throw value.failure("I252", "'\(name)' is not a rounding mode that is supported")
    }
    self = rounding
  }
}

extension Overflow {
  /// The mode that HGQ and HGQ2 name.
  init(_ value: JSONValue) throws(CompilationFailed) {
    let name = try value.requireString().uppercased()
    guard let overflow = Overflow(rawValue: name) else {
      throw value.failure("I252", "'\(name)' is not an overflow mode that is supported")
    }
    self = overflow
  }
}
