import Circuit
import FixedPoint

/// The generated module as its users see it: names, ports, latency. `report.json` and the C header are made from it.
public struct ModuleInterface: Hashable, Sendable {
  /// The module's name.
  public var name: String
  /// Register ranks on every path from input to output.
  public var latency: Int
  public var options: VerilogOptions
  public var inputs: [PortLayout]
  public var outputs: [PortLayout]

  /// The interface of the module that `VerilogBackend.emit` prints for a timed circuit.
  public init(_ circuit: Circuit, options: VerilogOptions = VerilogOptions()) {
    name = VerilogName.sanitized(circuit.name)
    latency = circuit.latency ?? 0
    self.options = options
    var names = NameScope(reserved: ModuleInterface.controlPorts)
    inputs = circuit.inputs.map { PortLayout($0, name: names.unique(VerilogName.sanitized($0.name))) }
    outputs = circuit.outputs.map { PortLayout($0, name: names.unique(VerilogName.sanitized($0.name))) }
  }

  /// The module of a part that repeats, by its file's path in the build folder; nil for other files.
  public func part(in path: String) -> String? {
    let start = "rtl/\(name)_"
    guard path.hasPrefix(start), path.hasSuffix(".v") else { return nil }
    let module = path.dropFirst("rtl/".count).dropLast(".v".count)
    var stem = module
    while stem.last == "_" { stem.removeLast() }
    while let last = stem.last, last.isNumber { stem.removeLast() }
    return stem.hasSuffix(ModuleInterface.partMark) ? String(module) : nil
  }

  /// The name of the module of a layer's part: short, since it is a file's name too.
  static func partName(model: String, layer: String, number: Int) -> String {
    "\(model)_\(VerilogName.prefix(layer).prefix(64))\(partMark)\(number)"
  }

  private static let partMark = "_part"

  /// Names that no data port has, whichever of these ports there are.
  static let controlPorts = ["clk", "rst", "in_valid", "out_valid", "ce"]
}

/// Where the elements of one tensor lie in its packed port: element 0 lowest, row-major, each in its own width.
public struct PortLayout: Hashable, Sendable {
  /// The port's name in the Verilog.
  public var name: String
  /// The tensor's name in the model.
  public var tensor: String
  public var shape: [Int]
  /// The port's width; a port of 0 bits is omitted from the module.
  public var bits: Int
  public var elements: [Element]

  public struct Element: Hashable, Sendable {
    /// The lowest bit's place in the port.
    public var offset: Int
    /// Bits of the element; 0 for an element that is always 0 and takes none.
    public var width: Int
    /// Bits after the binary point; may be negative or exceed the width.
    public var fraction: Int
    public var signed: Bool
  }

  init(_ port: Port, name: String) {
    self.name = name
    tensor = port.name
    shape = port.shape
    elements = []
    bits = 0
    for element in port.elements {
      let format = element.format
      elements.append(
        Element(offset: bits, width: format.width, fraction: -format.exponent, signed: format.isSigned))
      bits += format.width
    }
  }
}
