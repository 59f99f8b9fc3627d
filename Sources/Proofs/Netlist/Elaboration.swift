/// What the design's top module must look like from outside.
public struct DesignInterface: Hashable, Sendable {
  /// A port and the widths of the elements in it, the first lowest.
  public struct Port: Hashable, Sendable {
    public var name: String
    public var widths: [Int]

    public init(name: String, widths: [Int]) {
      self.name = name
      self.widths = widths
    }

    var width: Int { widths.reduce(0, +) }
  }

  public var module: String
  public var inputs: [Port]
  public var outputs: [Port]
  /// Register ranks on every path from input to output.
  public var latency: Int
  /// `rst`, `in_valid` and `out_valid` beside clock and data.
  public var hasValid: Bool
  /// A port `ce`.
  public var hasEnable: Bool

  public init(
    module: String, inputs: [Port], outputs: [Port], latency: Int, hasValid: Bool, hasEnable: Bool
  ) {
    self.module = module
    self.inputs = inputs
    self.outputs = outputs
    self.latency = latency
    self.hasValid = hasValid
    self.hasEnable = hasEnable
  }

  /// The input ports that carry no data.
  var controls: [String] { ["clk"] + (hasValid ? ["rst", "in_valid"] : []) + (hasEnable ? ["ce"] : []) }
}

/// Turns modules into a flat netlist: parameters and generate blocks worked out, instances put in place, every driver in
/// the order of its dependencies.
struct Elaboration {
  var netlist = Netlist()
  let names: VerilogNames
  let modules: [VerilogName: VerilogModule]
  var scopes: [ModuleScope] = []
  var drivers: [SignalDriver] = []
  /// What a module made of cells computes; shared by all its instances.
  var blocks: [BlockKey: [Bool]] = [:]
  /// The drivers that are registers with a reset.
  var states: [Int] = []

  struct BlockKey: Hashable {
    var module: VerilogName
    var parameters: [VerilogName: Int128]
  }

  init(_ modules: [VerilogModule], names: VerilogNames) throws(VerilogError) {
    self.names = names
    var known: [VerilogName: VerilogModule] = [:]
    for module in modules where known.updateValue(module, forKey: module.name) != nil {
      throw VerilogError("a second module '\(names[module.name])'", at: module.place)
    }
    self.modules = known
  }

  /// The netlist of a design.
  static func netlist(_ files: [VerilogFile], _ interface: DesignInterface) throws(VerilogError) -> Netlist {
    let (modules, names) = try VerilogParser.parse(files)
    var elaboration = try Elaboration(modules, names: names)
    guard let top = modules.first(where: { names[$0.name] == interface.module }) else {
      throw VerilogError("no module '\(interface.module)'", at: VerilogPlace(file: 0, offset: 0))
    }
    try elaboration.run(top, interface)
    return elaboration.netlist
  }

  private mutating func run(_ top: VerilogModule, _ interface: DesignInterface) throws(VerilogError) {
    var scope = ModuleScope(module: top, prefix: "")
    scope.isTop = true
    let index = try open(scope, parameters: [:])
    try checkPorts(of: top, index, interface)
    var element = 0
    for port in interface.inputs {
      var bits = NetBits()
      for width in port.widths {
        if width > 0 {
          bits.append(NetPiece(net: netlist.add(.element(element), width: width), low: 0, count: width))
        }
        element += 1
      }
      drive(port.name, with: bits, index, top.place)
    }
    for control in interface.controls {
      drive(control, with: NetBits(netlist.add(.control(control), width: 1), width: 1), index, top.place)
    }
    let results =
      interface.outputs.filter { $0.width > 0 }.map(\.name) + (interface.hasValid ? ["out_valid"] : [])
    for result in results {
      guard let name = name(result), let signal = scopes[index].signals[name] else { continue }
      netlist.outputs[result] = try bits(of: name, 0, signal.width, index, top.place)
    }
    try finishStates()
    nameSignals()
  }

  func name(_ text: String) -> VerilogName? {
    var names = names
    let name = names.name(text)
    return names.texts.count == self.names.texts.count ? name : nil
  }

  private mutating func drive(_ port: String, with bits: NetBits, _ scope: Int, _ place: VerilogPlace) {
    guard bits.width > 0, let name = name(port) else { return }
    drivers.append(
      SignalDriver(scope: scope, signal: name, low: 0, count: bits.width, source: .bits(bits), place: place))
    scopes[scope].signals[name]?.drivers.append(drivers.count - 1)
  }

  /// Names and widths of the module's ports against those that it must have.
  private func checkPorts(
    of module: VerilogModule, _ scope: Int, _ interface: DesignInterface
  ) throws(VerilogError) {
    var expected: [String: (isInput: Bool, width: Int)] = [:]
    for control in interface.controls { expected[control] = (true, 1) }
    if interface.hasValid { expected["out_valid"] = (false, 1) }
    for port in interface.inputs where port.width > 0 { expected[port.name] = (true, port.width) }
    for port in interface.outputs where port.width > 0 { expected[port.name] = (false, port.width) }
    for port in module.ports {
      let text = names[port.name]
      guard let known = expected.removeValue(forKey: text) else {
        throw VerilogError("port '\(text)' is none of the design's", at: module.place)
      }
      let width = scopes[scope].signals[port.name]?.width ?? 0
      if known.isInput != port.isInput || known.width != width {
        throw VerilogError(
          "port '\(text)' is an \(port.isInput ? "input" : "output") of \(width) bits instead of an "
            + "\(known.isInput ? "input" : "output") of \(known.width)", at: module.place)
      }
    }
    if let missing = expected.keys.min() {
      throw VerilogError("port '\(missing)' is missing", at: module.place)
    }
  }

  /// The words of the top module's signals, as far as outputs depend on them.
  private mutating func nameSignals() {
    var named: [(name: String, net: Net)] = []
    for scope in scopes {
      for name in scope.order {
        guard let net = scope.signals[name]?.net else { continue }
        named.append((scope.prefix + names[name], net))
      }
    }
    netlist.signals = named
  }
}

/// One instance of a module.
struct ModuleScope {
  var module: VerilogModule
  /// Before the names of its signals in messages, such as `sum1.`.
  var prefix: String
  /// Whether its ports are the design's.
  var isTop = false
  /// Whether it is made of cells, so that single bits of signals may depend on other bits of them.
  var isBitwise = false
  var parameters: [VerilogName: Int128] = [:]
  var signals: [VerilogName: Signal] = [:]
  /// The signals as they are declared.
  var order: [VerilogName] = []
  var functions: [VerilogName: TableFunction] = [:]

  struct Signal {
    var width: Int
    var isRegister: Bool
    var place: VerilogPlace
    var drivers: [Int] = []
    /// Whether readers take the driver's bits instead of a word of the signal.
    var isTransparent: Bool
    var net: Net?
  }

  struct TableFunction {
    var table: Int
    var argumentWidth: Int
    var width: Int
  }

  init(module: VerilogModule, prefix: String) {
    self.module = module
    self.prefix = prefix
  }
}

/// What drives some bits of a signal.
struct SignalDriver {
  indirect enum Source {
    case bits(NetBits)
    case expression(VerilogExpression, [VerilogName: Int128])
    case register(VerilogExpression, clock: VerilogName, enable: VerilogExpression?)
    case state(
      VerilogExpression, clock: VerilogName, enable: VerilogExpression?, reset: VerilogExpression, UInt128?)
    /// An input port of an instance: what the scope around it connects.
    case input(VerilogExpression, [VerilogName: Int128], outer: Int)
    /// An output port of an instance.
    case output(VerilogName, inner: Int)
    /// A result of a module of cells, Σ ± of its inputs.
    case block([VerilogExpression], [VerilogName: Int128], signs: [Bool], width: Int)
    /// A result of a cell: its name, and the expressions at its inputs.
    case cell(VerilogCell, output: String, [String: VerilogExpression], [VerilogName: Int128])
  }
  var scope: Int
  var signal: VerilogName
  var low: Int
  var count: Int
  var source: Source
  var place: VerilogPlace
  var result: NetBits?
  var isVisited = false
}

/// The cells of the part that are instantiated by name (UG953: LUT6_2, CARRY4).
enum VerilogCell {
  case lut6x2(contents: UInt64)
  case carry4

  static let names = ["LUT6_2", "CARRY4"]
}
