extension Part {
  /// Intel Stratix 10 GX 2800.
  static let stratix10 = Part(
    name: "1SG280HU2F50E2VG", aliases: ["stratix10", "s10gx2800"], vendor: .intel, family: "Stratix 10",
    capacity: Resources(lut: 1866240, ff: 3732480, carryBits: 1866240, dsp: 5760, bram18: 11721),
    lutInputs: 6, hasTernaryAdders: false, hasShiftRegisters: false,
    multiplier: Multiplier(wide: 27, narrow: 27), delays: .stratix10,
    sources: [
      "LUT, FF, carry": "Stratix 10 GX/SX Device Overview, GX 2800: 933,120 ALMs, each counted as two LUTs, "
        + "four FF, two carry bits",
      "DSP, BRAM": "Stratix 10 GX/SX Device Overview, GX 2800; a M20K memory is counted as one of 18 kbit",
      "ternary adders": "no shared arithmetic mode is documented for this family's ALM",
    ])
}
