/// The files of the test bench that are the same for every design, embedded in the binary.
public enum TestbenchSources {
  /// Their names and contents, in alphabetical order.
  public static let files: [(name: String, contents: String)] = [
    ("design.cpp", text(PackageResources.design_cpp)),
    ("harness.cpp", text(PackageResources.harness_cpp)),
    ("harness.h", text(PackageResources.harness_h)),
    ("primitives.v", text(PackageResources.primitives_v)),
  ]

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
