import Diagnostics

extension FixedType: CustomStringConvertible {
  /// The type as `fixed<16,6,RND,SAT>`; the default modes TRN and WRAP are not printed.
  public var description: String {
    let modes = rounding == .trn && overflow == .wrap ? "" : ",\(rounding.rawValue),\(overflow.rawValue)"
    return "\(isSigned ? "" : "u")fixed<\(width),\(integerBits)\(modes)>"
  }

  /// The type as the ap_types headers spell it.
  public var apSpelling: String {
    "ap_\(isSigned ? "" : "u")fixed<\(width),\(integerBits),AP_\(rounding.rawValue),AP_\(overflow.rawValue)>"
  }

  /// Reads a type as hls4ml and the ap_types headers spell it: `fixed<16,6>`, `ap_ufixed<8,0,AP_RND_CONV,AP_SAT,0>`,
  /// `ap_int<8>`, `uint<4>`, `ac_fixed<16,6,true>`; letter case and white space around the parts do not matter.
  ///
  /// - Throws: T001 for anything else; T002 for `AP_WRAP_SM`, `AC_RND_CONV_ODD`, saturation bits other than 0, widths
  ///   beyond 120 bits, and more than 1024 integer bits.
  public init(parsing text: String) throws(CompilationFailed) {
    var parser = try TypeParser(text)
    self = try parser.parse()
  }
}

/// Takes the arguments of a type's text one by one.
private struct TypeParser {
  let text: String
  let family: String
  let isAlgorithmic: Bool
  var arguments: ArraySlice<String>

  /// Splits `family<argument, …>`.
  init(_ text: String) throws(CompilationFailed) {
    self.text = text
    let trimmed = TypeParser.trim(text[...])
    guard let open = trimmed.firstIndex(of: "<"), trimmed.hasSuffix(">") else {
      throw TypeParser.malformed(text)
    }
    let name = TypeParser.trim(trimmed[..<open]).lowercased()
    isAlgorithmic = name.hasPrefix("ac_")
    family = String(name.dropFirst(isAlgorithmic || name.hasPrefix("ap_") ? 3 : 0))
    arguments =
      trimmed[trimmed.index(after: open)...].dropLast()
      .split(separator: ",", omittingEmptySubsequences: false).map { String(TypeParser.trim($0)) }[...]
  }

  mutating func parse() throws(CompilationFailed) -> FixedType {
    let isInteger = family == "int" || family == "uint"
    guard isInteger || family == "fixed" || (family == "ufixed" && !isAlgorithmic) else { throw malformed }
    let width = try integer()
    guard width >= 0 else { throw malformed }
    let integerBits = isInteger ? width : try integer()
    var isSigned = !family.hasPrefix("u")
    if isAlgorithmic, let sign = arguments.first {
      guard family != "uint", let value = Bool(sign.lowercased()) else { throw malformed }
      isSigned = value
      arguments.removeFirst()
    }
    let modes = isAlgorithmic ? 2 : 3
    guard arguments.count <= (isInteger ? 0 : modes) else { throw malformed }
    let rounding = try mode(default: Rounding.trn, unsupported: "RND_CONV_ODD", "rounding")
    let overflow = try mode(default: Overflow.wrap, unsupported: "WRAP_SM", "overflow")
    let saturationBits = arguments.isEmpty ? 0 : try integer()
    if saturationBits != 0 { throw unsupported("\(saturationBits) saturation bits") }
    if width > FixedType.maximumWidth {
      throw unsupported("a width of more than \(FixedType.maximumWidth) bits")
    }
    guard (-1024...1024).contains(integerBits) else {
      throw unsupported("more than 1024 integer or fraction bits")
    }
    return FixedType(
      width: width, integerBits: integerBits, isSigned: isSigned, rounding: rounding, overflow: overflow)
  }

  private mutating func integer() throws(CompilationFailed) -> Int {
    guard let first = arguments.popFirst(), let value = Int(first) else { throw malformed }
    return value
  }

  /// The next argument as a mode, with or without `AP_` or `AC_`.
  private mutating func mode<Mode: RawRepresentable>(
    default value: Mode, unsupported name: String, _ kind: String
  ) throws(CompilationFailed) -> Mode where Mode.RawValue == String {
    guard let first = arguments.popFirst() else { return value }
    let upper = first.uppercased()
    let plain = String(upper.dropFirst(upper.hasPrefix("AP_") || upper.hasPrefix("AC_") ? 3 : 0))
    if plain == name { throw unsupported("\(kind) mode '\(first)'") }
    guard let mode = Mode(rawValue: plain) else { throw malformed }
    return mode
  }

  private var malformed: CompilationFailed { TypeParser.malformed(text) }

  private static func malformed(_ text: String) -> CompilationFailed {
    CompilationFailed(
      "T001", "'\(text)' is not a fixed-point type",
      notes: [
        "write fixed<W,I>, ufixed<W,I>, fixed<W,I,RND,SAT>, int<W> or uint<W>; I includes the sign bit",
        "rounding modes: \(Rounding.allCases.map(\.rawValue).joined(separator: ", "))",
        "overflow modes: \(Overflow.allCases.map(\.rawValue).joined(separator: ", "))",
      ])
  }

  private func unsupported(_ what: String) -> CompilationFailed {
    CompilationFailed("T002", "'\(text)' has \(what), which fpgaml does not support")
  }

  private static func trim(_ text: Substring) -> Substring {
    var text = text
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }
}
