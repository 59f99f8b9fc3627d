import FixedPoint
import Graph

/// What the user says about types, in the order of DESIGN section 3, "Where a type comes from".
///
/// Quantizers of the model stand between entries for a layer's name and the rest; they are nodes of the graph, so the
/// typer asks the policy only about tensors that have none.
public struct TypePolicy: Sendable {
  public var configuration: Configuration?
  /// `--precision`: the type of every tensor that nothing else decides.
  public var precision: FixedType?
  /// Ranges seen in calibration data.
  public var calibration: Calibration?
  /// Whether tensors without a quantizer are exact because the model was trained with quantizers everywhere
  /// (HGQ, HGQ2), so that only entries for a layer's name apply.
  public var isFullyQuantized = false
  /// Whether the tensors are those inside a recurrent layer with hls4ml's arithmetic.
  var isRecurrent = false

  public init(
    configuration: Configuration? = nil, precision: FixedType? = nil, calibration: Calibration? = nil
  ) {
    self.configuration = configuration
    self.precision = precision
    self.calibration = calibration
  }

  /// The tensors of a layer that can be given a type; raw values are hls4ml's names in a configuration.
  public enum Role: String, Hashable, Sendable, CaseIterable {
    case input, weight, bias, result
    case accumulator = "accum"
  }

  /// A type and what decided it.
  public struct Decision: Hashable, Sendable {
    public var type: FixedType
    public var source: TypeSource
    /// A type for each channel, where they differ: of a result the last axis; of weights groups times outputs.
    public var channels: [FixedType] = []
  }

  /// What the user says about a tensor.
  enum Choice: Hashable, Sendable {
    case type(Decision)
    /// `auto`: the exact type.
    case exact
  }

  /// What configuration or `--precision` say about a tensor, if anything.
  func choice(_ role: Role, of node: Node) -> Choice? {
    var entry = configuration?.entry(role, of: node)
    if isRecurrent, entry?.isForLayerName != true || role != .result {
      guard let tensor = recurrentTensor(role, of: node) else { return .exact }
      entry = configuration?.entry(tensor, of: node)
    }
    if let entry, !isFullyQuantized || entry.isForLayerName {
      guard let type = entry.type else { return .exact }
      return .type(Decision(type: type, source: .configuration(entry.key), channels: entry.channels))
    }
    if isFullyQuantized && role != .input { return nil }
    if let precision, role != .accumulator { return .type(Decision(type: precision, source: .option)) }
    return nil
  }

  /// The type that a layer's own entry in the configuration gives a tensor.
  func layerChoice(_ role: Role, of node: Node) -> Decision? {
    guard let entry = configuration?.entry(role, of: node), entry.isForLayerName, let type = entry.type else {
      return nil
    }
    return Decision(type: type, source: .configuration(entry.key), channels: entry.channels)
  }

  /// hls4ml's rules for what a configuration leaves to `auto`; nil where `auto` means the exact type: without a
  /// configuration, in models with quantizers everywhere, and by `Implementation: fpgaml`.
  func inference(_ node: Node) -> HLS4MLInference? {
    guard let configuration, !isFullyQuantized, !configuration.asksForOwnTables(node) else { return nil }
    let standard = configuration.model.types["default"] ?? nil
    return HLS4MLInference(
      standard: standard ?? TypePolicy.defaultInput, maximum: configuration.model.types["maximum"] ?? nil)
  }

  /// The model's default, which `auto` gives every tensor that no rule of hls4ml's speaks of.
  func standard(_ node: Node) -> Decision? {
    inference(node).map { Decision(type: $0.standard, source: .configuration("Model.Precision.default")) }
  }

  /// Whether a configuration says `auto` of a tensor.
  func isAutomatic(_ role: Role, of node: Node) -> Bool { choice(role, of: node) == .exact }

  /// The type of a model input.
  func input(_ node: Node) -> Decision {
    switch choice(.input, of: node) {
    case .type(let said)?: return said
    case .exact?: if let standard = standard(node) { return standard }
    case nil: break
    }
    if let found = calibration?.chosen.decision(.input, of: node) { return found }
    if let type = calibration?.type(of: node) { return Decision(type: type, source: .calibration) }
    return Decision(type: TypePolicy.defaultInput, source: .byDefault)
  }

  /// The type of real weights.
  func weights(_ role: Role, _ values: [Double], of node: Node) -> Decision {
    switch choice(role, of: node) {
    case .type(let said)?: return said
    case .exact?: if let standard = standard(node) { return standard }
    case nil: if let found = calibration?.chosen.decision(role, of: node) { return found }
    }
    return Decision(type: TypePolicy.covering(values, width: 8), source: .byDefault)
  }

  /// The type of a layer's accumulator, or nil where sums are exact.
  func accumulator(of node: Node) -> Decision? {
    // Of hls4ml's layers only those that sum have one.
    if inference(node) != nil, !node.hls4mlAccumulates { return nil }
    if case .type(let said)? = choice(.accumulator, of: node) { return said }
    return nil
  }

  /// The type into which a result is converted, or nil where it stays exact.
  func result(of node: Node) -> Decision? {
    if case .map = node.primitive { return activation(of: node) }
    switch choice(.result, of: node) {
    case .type(let said)?: return said
    // These have no rule.
    case .exact? where node.layer.kind.hasPrefix("Global") || node.layer.kind == "PReLU":
      return standard(node)
    case .exact?: return nil
    case nil: return isFullyQuantized ? nil : calibration?.chosen.decision(.result, of: node)
    }
  }

  /// The type into which the result of an activation is converted, or nil where it stays exact.
  func activation(of node: Node) -> Decision? {
    switch choice(.result, of: node) {
    case .type(let said): return said
    case .exact: return standard(node)
    case nil: break
    }
    if isFullyQuantized { return nil }
    if let found = calibration?.chosen.decision(.result, of: node) { return found }
    if let type = calibration?.type(of: node) { return Decision(type: type, source: .calibration) }
    return Decision(type: TypePolicy.defaultActivation, source: .byDefault)
  }

  /// `fixed<16,6>`: what the field's tools take when nothing is said.
  static let defaultInput = FixedType(width: 16, integerBits: 6)
  static let defaultActivation = FixedType(width: 16, integerBits: 6, rounding: .rnd, overflow: .sat)

  /// The narrowest fixed-point type of a width that covers all values, rounding to nearest.
  public static func covering(_ values: [Double], width: Int) -> FixedType {
    let isSigned = values.contains { $0 < 0 }
    let largest = values.map(\.magnitude).max() ?? 0
    if largest == 0 {
      return FixedType(width: 1, integerBits: 1, isSigned: false, rounding: .rndConv, overflow: .sat)
    }
    // The binade of the largest value, one more where rounding or the sign's asymmetry reaches the next power of two.
    var integerBits = Int(largest.exponent) + 1 + (isSigned ? 1 : 0)
    for _ in 0..<2 {
      let type = FixedType(
        width: width, integerBits: integerBits, isSigned: isSigned, rounding: .rndConv, overflow: .sat)
      let step = Double(sign: .plus, exponent: type.exponent, significand: 1)
      let converter = RealConverter(type)
      let isCovering = values.allSatisfy { value in
        abs(type.value(converter.convert(value)?.raw ?? 0) - value) <= step / 2
      }
      if isCovering { return type }
      integerBits += 1
    }
    return FixedType(
      width: width, integerBits: integerBits, isSigned: isSigned, rounding: .rndConv, overflow: .sat)
  }
}
