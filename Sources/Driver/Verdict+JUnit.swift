extension Verdict {
  /// The verdict as a test case each for RTL and HLS C++.
  public func junit(build: String) -> JUnitSuite {
    let cases = [("RTL", rtl != nil), ("HLS", hls != nil)].filter(\.1).map { name, _ in
      JUnitSuite.Case(
        className: build, name: "\(name) equals the reference simulator",
        failures: problems.filter { $0.message.hasPrefix(name) })
    }
    return JUnitSuite(name: "fpgaml verify", cases: cases)
  }
}
