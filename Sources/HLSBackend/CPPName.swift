/// Hands out C++ identifiers that are unique in one scope.
struct CPPNames {
  private var taken: Set<String> = []

  /// The identifier for a name: characters outside [A-Za-z0-9_] become `_`, a leading digit gets `p` before it, and
  /// words that C++ or the scope already uses get a trailing `_` (INTERFACES, "Names").
  mutating func unique(_ name: String) -> String {
    var result = CPPNames.identifier(name)
    while !taken.insert(result).inserted { result += "_" }
    return result
  }

  static func identifier(_ name: String) -> String {
    var result = ""
    for scalar in name.unicodeScalars {
      switch scalar {
      case "a"..."z", "A"..."Z", "0"..."9", "_": result.unicodeScalars.append(scalar)
      default: result += "_"
      }
    }
    if result.isEmpty || result.first?.isNumber == true { result = "p" + result }
    return reserved.contains(result) ? result + "_" : result
  }

  /// C++17's keywords, and names that generated files or the headers below them use at file scope or as macros.
  private static let reserved: Set<String> = [
    "alignas", "alignof", "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break", "case",
    "catch", "char", "char16_t", "char32_t", "class", "compl", "const", "const_cast", "constexpr",
    "continue", "decltype", "default", "delete", "do", "double", "dynamic_cast", "else", "enum",
    "explicit", "export", "extern", "false", "float", "for", "friend", "goto", "if", "inline", "int",
    "long", "mutable", "namespace", "new", "noexcept", "not", "not_eq", "nullptr", "operator", "or",
    "or_eq", "private", "protected", "public", "register", "reinterpret_cast", "return", "short",
    "signed", "sizeof", "static", "static_assert", "static_cast", "struct", "switch", "template", "this",
    "thread_local", "throw", "true", "try", "typedef", "typeid", "typename", "union", "unsigned",
    "using", "virtual", "void", "volatile", "wchar_t", "while", "xor", "xor_eq",
    "EOF", "FPGAML_TRACE", "FPGAML_USE_AP", "FPGAML_W_H", "NULL", "ap_fixed", "ap_int", "ap_ufixed",
    "ap_uint", "assert", "errno", "fpgaml", "harness", "linux", "main", "std", "stderr", "stdin",
    "stdout", "u", "unix", "w",
  ]
}
