extension Part {
  /// Lattice iCE40 HX8K.
  static let iCE40HX8K = Part(
    name: "iCE40HX8K-CT256", aliases: ["ice40-hx8k", "hx8k"], vendor: .lattice, family: "iCE40 HX",
    capacity: Resources(lut: 7680, ff: 7680, carryBits: 7680, bram18: 7),
    lutInputs: 4, hasTernaryAdders: false, hasShiftRegisters: false, multiplier: nil, delays: .iCE40HX,
    sources: [
      "LUT, FF, carry": "FPGA-DS-02029, iCE40 LP/HX Family Data Sheet: 7680 logic cells of a LUT4, a carry "
        + "bit and a FF",
      "BRAM": "FPGA-DS-02029: 32 memories of 4 kbit, 128 kbit in all, counted as 7 of 18 kbit",
    ])
}
