// swift-tools-version: 6.1
import PackageDescription

let swiftSettings: [SwiftSetting] = [.enableUpcomingFeature("ExistentialAny")]

/// A target of ours under `Sources/`.
func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

/// The tests of one module, with the fixtures that it names.
func tests(
  _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = [], resources: [Resource] = []
) -> Target {
  .testTarget(
    name: name, dependencies: dependencies, exclude: exclude, resources: resources,
    swiftSettings: swiftSettings)
}

let package = Package(
  name: "fpgaml",
  products: [.executable(name: "fpgaml", targets: ["fpgaml"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/attaswift/BigInt", from: "6.0.1"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
  ],
  // Arrows point down this list only (docs/architecture.md).
  targets: [
    .executableTarget(
      name: "fpgaml",
      dependencies: [
        "Driver", "Readers", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "simulator-benchmark", dependencies: ["Driver", "Readers"], path: "Benchmarks/simulator",
      exclude: ["README.md", "run.py"],
      sources: ["main.swift"], swiftSettings: swiftSettings),
    .executableTarget(
      name: "reading-benchmark", dependencies: ["Readers"], path: "Benchmarks/reading",
      exclude: ["README.md", "forest.py", "models.py", "onnx_files.py", "run.py"], sources: ["main.swift"],
      swiftSettings: swiftSettings),
    module(
      "Driver",
      [
        "Verification", "Proofs", "VerilogBackend", "HLSBackend", "Lowering", "Planning", "Precision",
        "Readers",
      ]),
    module(
      "Verification",
      ["VerilogBackend", "HLSBackend", "Lowering", "Circuit", "Graph", "TestbenchSources"]),
    module("Proofs", ["Graph"]),
    module("VerilogBackend", ["Circuit"]),
    module("HLSBackend", ["Circuit", "HLSTemplates", "TestbenchSources"]),
    .target(
      name: "HLSTemplates", path: "templates/hls", exclude: ["tests"], sources: ["HLSTemplates.swift"],
      resources: [.embedInCode("fpgaml_w.h")], swiftSettings: swiftSettings),
    .target(
      name: "TestbenchSources", path: "testbench", sources: ["TestbenchSources.swift"],
      resources: [
        .embedInCode("design.cpp"), .embedInCode("harness.cpp"), .embedInCode("harness.h"),
        .embedInCode("hls_harness.h"), .embedInCode("primitives.v"),
      ], swiftSettings: swiftSettings),
    module("Lowering", ["AdderGraphs", "Circuit", "Graph"]),
    module("Planning", ["Circuit"]),
    module("AdderGraphs", ["FixedPoint"]),
    module("Circuit", ["FixedPoint", "Diagnostics"]),
    module("Precision", ["Graph", .product(name: "Yams", package: "Yams")]),
    module("Readers", ["Graph", "ONNXProto", "CHDF5", "CZlib", "CLibXML2", "CRapidJSON"]),
    module("Graph", ["Functions", "FixedPoint", "Diagnostics"]),
    module("Functions", ["FixedPoint", .product(name: "BigInt", package: "BigInt")]),
    module("FixedPoint", ["Diagnostics"]),
    module("Diagnostics", []),
    .target(
      name: "ONNXProto", dependencies: [.product(name: "SwiftProtobuf", package: "swift-protobuf")],
      exclude: ["onnx.proto"], swiftSettings: swiftSettings),
    .target(name: "CRapidJSON", path: "Sources/CRapidJSON"),
    .systemLibrary(name: "CHDF5", pkgConfig: "hdf5", providers: [.apt(["libhdf5-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CLibXML2", pkgConfig: "libxml-2.0", providers: [.apt(["libxml2-dev"])]),
    .target(
      name: "CircuitTestSupport", dependencies: ["Circuit"], path: "Tests/CircuitTestSupport",
      swiftSettings: swiftSettings),
    .target(
      name: "GraphTestSupport", dependencies: ["Graph", "CircuitTestSupport"], path: "Tests/GraphTestSupport",
      swiftSettings: swiftSettings),
    tests("CircuitTests", ["Circuit", "CircuitTestSupport"]),
    tests("PlanningTests", ["Planning", "CircuitTestSupport"]),
    tests("DriverTests", ["Driver", "Planning", "Readers", "GraphTestSupport", "CircuitTestSupport"]),
    tests("LoweringTests", ["Lowering", "GraphTestSupport"]),
    tests("PrecisionTests", ["Precision", "Lowering"]),
    tests("FunctionsTests", ["Functions"], exclude: ["Scripts"], resources: [.copy("Fixtures")]),
    tests("ForestTests", ["Readers", "Precision", "Lowering"]),
    tests("ReadersTests", ["Readers", "Precision", "ONNXProto", "CZlib"], resources: [.copy("Fixtures")]),
    tests(
      "VerilogBackendTests", ["VerilogBackend", "Verification", "TestbenchSources", "CircuitTestSupport"],
      resources: [.copy("Golden")]),
    tests(
      "HLSBackendTests",
      ["HLSBackend", "HLSTemplates", "TestbenchSources", "Verification", "CircuitTestSupport"],
      resources: [.copy("Golden")]),
    tests("VerificationTests", ["Verification", "VerilogBackend", "CircuitTestSupport"]),
    tests(
      "ProofsTests",
      ["Proofs", "Lowering", "Verification", "VerilogBackend", "CircuitTestSupport", "GraphTestSupport"]),
    tests("AdderGraphsTests", ["AdderGraphs"]),
    tests("ExamplesTests", ["Driver", "Readers", "Graph"]),
    tests(
      "FixedPointTests", ["FixedPoint", "Diagnostics"], exclude: ["Scripts"],
      resources: [.copy("Fixtures")]),
  ],
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx17
)
