extension Part {
  /// Intel Agilex 7 AGI 027, of the I-series development kit.
  static let agilex7 = Part(
    name: "AGIB027R29A1E1VB", aliases: ["agilex7", "agilex", "agi027"], vendor: .intel, family: "Agilex 7",
    capacity: Resources(lut: 1825600, ff: 3651200, carryBits: 1825600, dsp: 8528, bram18: 13272),
    lutInputs: 6, hasTernaryAdders: false, hasShiftRegisters: false,
    multiplier: Multiplier(wide: 27, narrow: 27), delays: .agilex,
    sources: [
      "LUT, FF, carry": "Intel FPGA Product Catalog, Agilex 7 I-series, AGI 027: 912,800 ALMs, each counted "
        + "as two LUTs, four FF, two carry bits",
      "DSP, BRAM": "Intel FPGA Product Catalog, Agilex 7 I-series, AGI 027; a M20K memory is counted as one "
        + "of 18 kbit",
      "ternary adders": "no shared arithmetic mode is documented for this family's ALM",
    ])
}
