extension Part {
  /// Intel Arria 10 GX 1150.
  static let arria10 = Part(
    name: "10AX115S2F45I1SG", aliases: ["arria10", "10ax115"], vendor: .intel, family: "Arria 10",
    capacity: Resources(lut: 854400, ff: 1708800, carryBits: 854400, dsp: 1518, bram18: 2713),
    lutInputs: 6, hasTernaryAdders: true, hasShiftRegisters: false,
    multiplier: Multiplier(wide: 27, narrow: 27), delays: .arria10,
    sources: [
      "LUT, FF, carry": "Arria 10 Device Overview, GX 1150: 427,200 ALMs, each counted as two LUTs, four "
        + "FF, two carry bits",
      "DSP, BRAM": "Arria 10 Device Overview, GX 1150; a M20K memory is counted as one of 18 kbit",
      "ternary adders": "Arria 10 Core Fabric and General Purpose I/Os Handbook: shared arithmetic mode "
        + "adds three operands",
    ])
}
