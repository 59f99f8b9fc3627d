extension ModuleInterface {
  /// The C header: latency, interval, and for each port its width and its elements' places and binary points.
  var header: String {
    let prefix = name.uppercased()
    var lines = [
      "/* Ports of the Verilog module \(name).",
      "   Element 0 lies in a port's lowest bits. An element's integer r stands for r * 2^-fraction. */",
      "#ifndef FPGAML_\(prefix)_H",
      "#define FPGAML_\(prefix)_H",
      "",
      "#ifndef FPGAML_ELEMENT",
      "#define FPGAML_ELEMENT",
      "typedef struct {",
      "  int offset;    /* the lowest bit's place in the port */",
      "  int width;     /* 0: always 0, takes no bits */",
      "  int fraction;  /* bits after the binary point */",
      "  int is_signed; /* two's complement */",
      "} fpgaml_element;",
      "#endif",
      "",
      "#define \(prefix)_LATENCY_CYCLES \(latency)",
      "#define \(prefix)_INTERVAL_CYCLES 1",
    ]
    for (direction, ports) in [("input", inputs), ("output", outputs)] {
      for port in ports {
        let macro = "\(prefix)_\(port.name.uppercased())"
        let shape = port.shape.map(String.init).joined(separator: " x ")
        let omitted = port.bits == 0 ? "; it has no bits and is omitted from the module" : ""
        lines += [
          "", "/* \(direction) '\(commented(port.tensor))' of shape [\(shape)]\(omitted) */",
          "#define \(macro)_BITS \(port.bits)", "#define \(macro)_ELEMENTS \(port.elements.count)",
        ]
        guard !port.elements.isEmpty else { continue }
        lines.append("static const fpgaml_element \(name)_\(port.name)[\(port.elements.count)] = {")
        lines += port.elements.map { "  {\($0.offset), \($0.width), \($0.fraction), \($0.signed ? 1 : 0)}," }
        lines.append("};")
      }
    }
    lines += ["", "#endif", ""]
    return lines.joined(separator: "\n")
  }
}

/// A name of the user's as it may stand inside a comment of C or Verilog.
func commented(_ name: String) -> String {
  String(
    String.UnicodeScalarView(name.unicodeScalars.map { $0.isASCII && $0.value >= 32 && $0 != "*" ? $0 : "_" })
  )
}
