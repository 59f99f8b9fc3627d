import Diagnostics

/// An FPGA: what it has and how fast it is.
///
/// A part is a file of its own in this folder and a line in `known`.
public struct Part: Hashable, Sendable {
  /// The full name, as the vendor's tool takes it.
  public var name: String
  /// Shorter names that mean this part.
  public var aliases: [String]
  public var vendor: Vendor
  public var family: String
  public var capacity: Resources
  /// Inputs of a look-up table.
  public var lutInputs: Int
  /// Whether a sum of three terms takes one look-up table a bit.
  public var hasTernaryAdders: Bool
  /// Whether look-up tables serve as shift registers.
  public var hasShiftRegisters: Bool
  /// The multiplier block; nil where there is none.
  public var multiplier: Multiplier?
  public var delays: DelayModel
  /// Where each figure comes from.
  public var sources: [Source]

  public enum Vendor: String, Sendable { case amd = "AMD", intel = "Intel", lattice = "Lattice" }

  /// The widths of a multiplier block's two signed operands, the wider first.
  public struct Multiplier: Hashable, Sendable {
    public var wide: Int
    public var narrow: Int
  }

  /// The origin of some of a part's figures.
  public struct Source: Hashable, Sendable {
    public var figures: String
    public var text: String
  }

  init(
    name: String, aliases: [String], vendor: Vendor, family: String, capacity: Resources, lutInputs: Int,
    hasTernaryAdders: Bool, hasShiftRegisters: Bool, multiplier: Multiplier?, delays: DelayModel,
    sources: KeyValuePairs<String, String>
  ) {
    self.name = name
    self.aliases = aliases
    self.vendor = vendor
    self.family = family
    self.capacity = capacity
    self.lutInputs = lutInputs
    self.hasTernaryAdders = hasTernaryAdders
    self.hasShiftRegisters = hasShiftRegisters
    self.multiplier = multiplier
    self.delays = delays
    self.sources =
      sources.map { Source(figures: $0.key, text: $0.value) } + [
        Source(figures: "delays", text: delays.source)
      ]
  }
}

extension Part {
  /// The part that is planned for where none is named.
  public static let standard = xcvu13p

  /// Every part that the compiler knows.
  public static let known: [Part] = [
    xcvu13p, xcvu9p, xcku115, xc7vx690t, xczu9eg, alveoU50, alveoU250, xc7z020, agilex7, stratix10, arria10,
    ecp5,
    iCE40HX8K, iCE40UP5K,
  ]

  /// The part of that name or alias; letter case does not matter, and a longer name of the same device in another
  /// package or speed grade (`xcvu9p-flgc2104-1-e`) is the device's part.
  ///
  /// - Throws: C007 for any other name, with the known ones.
  public static func named(_ name: String) throws(CompilationFailed) -> Part {
    let lower = name.lowercased()
    for part in known where ([part.name] + part.aliases).contains(where: { $0.lowercased() == lower }) {
      return part
    }
    for part in known where part.vendor == .amd && lower.hasPrefix(part.aliases[0]) && lower.contains("-") {
      var other = part
      other.name = lower
      return other
    }
    throw CompilationFailed(
      "C007", "part '\(name)' is not known", at: .option("--part"),
      notes: ["known parts: " + known.map { "\($0.aliases[0]) (\($0.name))" }.joined(separator: ", ")])
  }
}

extension Part {
  /// Picoseconds through a sum of two terms of so many bits, the net to it included: what clients that design adder
  /// graphs reckon with.
  public func adderDelay(width: Int) -> Int {
    delays.net + delays.lut + delays.carryEntry + delays.carry(width)
  }

  /// Picoseconds through a sum of three terms: two look-up tables in a row before the carry chain where the part has
  /// ternary adders, else two chains.
  public func ternaryAdderDelay(width: Int) -> Int {
    let second = delays.lut + delays.net + (hasTernaryAdders ? 0 : delays.carryEntry)
    return adderDelay(width: width) + second
  }
}
