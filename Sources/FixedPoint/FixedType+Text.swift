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
  /// `ap_int<8>`, `uint<4>`, `ac_fixed<16,6,true>`; white space and letter case do not matter.
  ///
  /// - Throws: T001 for anything else; T002 for `AP_WRAP_SM`, saturation bits other than 0, and widths beyond 120 bits.
  public init(parsing text: String) throws(CompilationFailed) {
    func malformed() -> CompilationFailed {
      CompilationFailed(
        "T001", "'\(text)' is not a fixed-point type",
        notes: [
          "write fixed<W,I>, ufixed<W,I>, fixed<W,I,RND,SAT>, int<W> or uint<W>; I includes the sign bit"
        ])
    }
    let compact = text.filter { !$0.isWhitespace }
    guard let open = compact.firstIndex(of: "<"), compact.hasSuffix(">") else { throw malformed() }
    var family = compact[..<open].lowercased()
    let isAlgorithmic = family.hasPrefix("ac_")
    for prefix in ["ap_", "ac_"] where family.hasPrefix(prefix) { family.removeFirst(3) }
    var arguments = compact[compact.index(after: open)...].dropLast()
      .split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    var isSigned = !family.hasPrefix("u")
    let isInteger = ["int", "uint"].contains(family)
    guard isInteger || ["fixed", "ufixed"].contains(family) else { throw malformed() }
    guard let first = arguments.first, let width = Int(first), width > 0 else { throw malformed() }
    arguments.removeFirst()
    var integerBits = width
    if !isInteger {
      guard let text = arguments.first, let bits = Int(text) else { throw malformed() }
      integerBits = bits
      arguments.removeFirst()
    }
    if isAlgorithmic, let sign = arguments.first {
      guard let value = Bool(sign) else { throw malformed() }
      isSigned = value
      arguments.removeFirst()
    }
    guard arguments.count <= (isInteger ? 0 : 3) else { throw malformed() }
    var modes = arguments.map { $0.uppercased() }
      .map { name in ["AP_", "AC_"].contains(where: name.hasPrefix) ? String(name.dropFirst(3)) : name }
    func unsupported(_ what: String) -> CompilationFailed {
      CompilationFailed("T002", "'\(text)' has \(what), which fpgaml does not support")
    }
    if modes.count == 3 {
      guard let saturationBits = Int(modes.removeLast()) else { throw malformed() }
      if saturationBits != 0 { throw unsupported("\(saturationBits) saturation bits") }
    }
    if modes.count > 1, modes[1] == "WRAP_SM" { throw unsupported("overflow mode AP_WRAP_SM") }
    if width > FixedType.maximumWidth {
      throw unsupported("a width of more than \(FixedType.maximumWidth) bits")
    }
    guard abs(integerBits) <= 1024 else { throw unsupported("more than 1024 integer bits") }
    let rounding = modes.isEmpty ? .trn : Rounding(rawValue: modes[0])
    let overflow = modes.count < 2 ? .wrap : Overflow(rawValue: modes[1])
    guard let rounding, let overflow else { throw malformed() }
    self.init(
      width: width, integerBits: integerBits, isSigned: isSigned, rounding: rounding, overflow: overflow)
  }
}
