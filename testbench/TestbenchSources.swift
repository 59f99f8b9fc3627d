/// The files of the test bench that are the same for every design, embedded in the binary.
public enum TestbenchSources {
  /// Those for the RTL: their names and contents, in alphabetical order.
  public static let files: [(name: String, contents: String)] = [
    ("design.cpp", text(PackageResources.design_cpp)),
    ("harness.cpp", text(PackageResources.harness_cpp)),
    ("harness.h", text(PackageResources.harness_h)),
    ("primitives.v", text(PackageResources.primitives_v)),
  ]

  /// `hls_harness.h`: the program that runs an HLS model over a file of samples.
  public static var hlsHarness: String { text(PackageResources.hls_harness_h) }

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
