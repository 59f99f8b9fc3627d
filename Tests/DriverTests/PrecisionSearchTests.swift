import Diagnostics
import FixedPoint
import Foundation
import Functions
import Graph
import Readers
import Testing

@testable import Driver
@testable import Precision

@Suite("Types for an accuracy target")
struct PrecisionSearchTests {
  private static let targets = [
    AccuracyTarget(.argmax, limit: 0.05), AccuracyTarget(.argmax, limit: 0.01),
    AccuracyTarget(.auc, limit: 0.002),
    AccuracyTarget(.error, limit: 0.05, isRelative: true),
    AccuracyTarget(.error, limit: 0.01, isRelative: true),
    AccuracyTarget(.error, limit: 0.01),
  ]

  private func policy(_ graph: Graph, _ samples: [[[Double]]]) -> TypePolicy {
    TypePolicy(calibration: Calibration(graph, samples: samples))
  }

  private func search(
    _ graph: Graph, _ target: AccuracyTarget, _ samples: [[[Double]]]
  ) throws(CompilationFailed) -> TypeSearch.Result {
    try TypeSearch(source: graph, target: target, samples: InputSamples(values: samples))
      .run(policy(graph, samples))
  }

  /// The loss by other code than the search's: predictions, sample by sample.
  private func measured(
    _ target: AccuracyTarget, _ source: Graph, _ typed: Graph, _ samples: [[[Double]]]
  ) throws -> Double {
    let inputs = InputSamples(values: samples)
    let float = try Prediction.float(source, inputs, trace: []).vectors.arrays[0]
    let exact = try Prediction.exact(typed, inputs, trace: []).vectors.arrays[0]
    func output(_ array: NamedArray) -> OutputValues {
      OutputValues(source, samples: samples.count, arrays: [array.values])
    }
    return target.loss(output(exact), from: output(float))
  }

  @Test("a reached target is true when it is measured again", arguments: targets)
  func isTrue(target: AccuracyTarget) throws {
    try checkReached(target, FloatModels.dense())
    if target == Self.targets[0] || target == Self.targets[4] {
      try checkReached(target, FloatModels.convolution())
    }
  }

  private func checkReached(_ target: AccuracyTarget, _ graph: Graph) throws {
    let samples = FloatModels.samples(graph, 100)
    let found = try search(graph, target, samples)
    #expect(found.report.loss <= target.limit)
    #expect(try measured(target, graph, found.typed, samples) == found.report.loss)
    // The policy that is handed on gives the same types.
    #expect(try Typer.type(graph, found.policy).graph.nodes == found.typed.nodes)
  }

  @Test("types cover what was seen to half a step, weights to half a step of their column's type")
  func covers() throws {
    for graph in [FloatModels.dense(), FloatModels.convolution(), FloatModels.regression()] {
      let samples = FloatModels.samples(graph, 100)
      let found = try search(graph, AccuracyTarget(.error, limit: 0.02, isRelative: true), samples)
      let chosen = try #require(found.policy.calibration?.chosen)
      #expect(!chosen.types.isEmpty)
      let interpreter = FloatInterpreter(graph)
      let values = samples.map { interpreter.run($0) }
      for (index, node) in graph.nodes.enumerated() {
        let role: TypePolicy.Role = node.primitive.isInput ? .input : .result
        if let types = chosen[ChosenTypes.Key(node: node.name, role: role)] {
          #expect(types.count == node.shape.last)
          let all = values.allSatisfy { sample in
            sample[index].enumerated().allSatisfy { isHeld($1, types[$0 % types.count]) }
          }
          #expect(all, "\(node.name)")
        }
        guard case .linear(let linear) = node.primitive else { continue }
        let columns = try #require(chosen[ChosenTypes.Key(node: node.name, role: .weight)])
        for (i, weight) in linear.weights.values.enumerated() {
          let type = columns[i / (linear.inputs * linear.outputs) * linear.outputs + i % linear.outputs]
          #expect(isHeld(weight, type), "\(node.name) \(weight) in \(type)")
        }
      }
    }
  }

  private func isHeld(_ x: Double, _ type: FixedType) -> Bool {
    let step = Double(sign: .plus, exponent: type.exponent, significand: 1)
    guard let raw = type.convert(x) else { return false }
    return abs(type.value(raw) - x) <= step / 2
  }

  @Test("a stricter target never costs less", arguments: AccuracyTarget.Measure.allCases)
  func monotone(measure: AccuracyTarget.Measure) throws {
    let graph = FloatModels.dense()
    let samples = FloatModels.samples(graph, 100)
    var last = 0.0
    for limit in [0.2, 0.05, 0.01, 0.003] {
      let target = AccuracyTarget(measure, limit: limit)
      let candidates = PrecisionSearch(graph, policy(graph, samples), target, samples: samples).candidates
      guard let cheapest = candidates.first(where: \.isReached) else { continue }
      #expect(cheapest.cost >= last, "\(target)")
      last = cheapest.cost
    }
    #expect(last > 0)
  }

  @Test("the same search finds the same")
  func deterministic() throws {
    let graph = FloatModels.dense()
    let samples = FloatModels.samples(graph, 60)
    let target = AccuracyTarget(.argmax, limit: 0.02)
    let (first, second) = (try search(graph, target, samples), try search(graph, target, samples))
    #expect(first.typed == second.typed && first.report == second.report)
  }

  @Test("what the search computes in binary64 is what the typed graph computes, bit for bit")
  func fastIsExact() throws {
    for graph in [FloatModels.dense(), FloatModels.convolution()] {
      let samples = FloatModels.samples(graph, 40)
      let target = AccuracyTarget(.error, limit: 0.01)
      let all = PrecisionSearch(graph, policy(graph, samples), target, samples: samples).candidates
      let interpreter = BatchInterpreter(graph)
      for candidate in stride(from: 0, to: all.count, by: max(1, all.count / 8)).map({ all[$0] }) {
        var chosen = policy(graph, samples)
        chosen.calibration?.chosen = candidate.types
        let typed = try Typer.type(graph, chosen).graph
        let exact = try Prediction.exact(typed, InputSamples(values: samples), trace: []).vectors.arrays[0]
        let values = interpreter.run(samples[...], candidate.types.changes(of: graph))
        #expect(values[graph.outputs[0].node.index] == exact.values)
      }
    }
  }

  @Test("written as a configuration and read back, types by channel are the same")
  func roundTrip() throws {
    for graph in [FloatModels.dense(), FloatModels.convolution(), FloatModels.regression()] {
      let samples = FloatModels.samples(graph, 100)
      let found = try search(graph, AccuracyTarget(.error, limit: 0.03, isRelative: true), samples)
      for granularity in ConfigurationGranularity.allCases {
        let text = ConfigurationWriter(graph, found.policy).text(granularity)
        let read = try Configuration.read(yaml: text, file: "config.yml")
        #expect(read.notices.isEmpty)
        let again = try Typer.type(graph, TypePolicy(configuration: read.configuration)).graph
        #expect(again.nodes.map(\.name) == found.typed.nodes.map(\.name))
        for (a, b) in zip(again.nodes, found.typed.nodes) {
          #expect(a.type == b.type && a.primitive == b.primitive, "\(granularity): '\(a.name)'")
        }
      }
    }
  }

  @Test("a tanh has one type for all channels, and its table's error counts")
  func tables() throws {
    let graph = FloatModels.regression()
    let samples = FloatModels.samples(graph, 100)
    let found = try search(graph, AccuracyTarget(.error, limit: 0.01, isRelative: true), samples)
    #expect(found.policy.calibration?.chosen[ChosenTypes.Key(node: "fc_tanh", role: .result)]?.uniform != nil)
    #expect(AccuracyTarget.standard(for: graph) == AccuracyTarget(.error, limit: 0.01, isRelative: true))
    #expect(AccuracyTarget.standard(for: FloatModels.dense()) == AccuracyTarget(.argmax, limit: 0.005))
  }

  @Test("a target beyond all types is infeasible, and the message names the best")
  func unreachable() throws {
    let graph = FloatModels.regression()
    let samples = FloatModels.samples(graph, 50)
    let failure = try #require(throws: CompilationFailed.self) {
      try search(graph, AccuracyTarget(.error, limit: 1e-9), samples)
    }
    #expect(failure.status == .infeasible && failure.diagnostics[0].code == "T050")
    #expect(failure.diagnostics[0].message.contains("mean error of"))
  }

  @Test("one sample, samples that are all alike, and too few to tell")
  func fewSamples() throws {
    let graph = FloatModels.dense()
    for samples in [
      FloatModels.samples(graph, 1), Array(repeating: FloatModels.samples(graph, 1)[0], count: 9),
    ] {
      let found = try search(graph, AccuracyTarget(.argmax, limit: 0.005), samples)
      #expect(found.report.loss == 0)
      #expect(found.report.notices.map(\.code) == ["T051"])
      #expect(found.typed.verify().isEmpty)
    }
    let zeros = [[[Double]]](repeating: [[0, 0, 0, 0]], count: 20)
    #expect(try search(graph, AccuracyTarget(.error, limit: 0.01), zeros).report.loss <= 0.01)
  }

  @Test("types that a configuration gives stay; with all types given, the loss is only measured")
  func givenTypes() throws {
    let graph = FloatModels.dense()
    let samples = FloatModels.samples(graph, 100)
    let yaml =
      "Model:\n  Implementation: fpgaml\nLayerName:\n  fc2_relu:\n    Precision:\n      result: ufixed<7,3,RND,SAT>\n"
    var policy = policy(graph, samples)
    policy.configuration = try Configuration.read(yaml: yaml, file: "c.yml").configuration
    let inputs = InputSamples(values: samples)
    let found = try TypeSearch(source: graph, target: AccuracyTarget(.argmax, limit: 0.1), samples: inputs)
      .run(policy)
    let node = try #require(found.typed.nodes.first { $0.name == "fc2_relu_result" })
    #expect(
      node.primitive
        == .quantize(.fixed(PerElement(repeating: try FixedType(parsing: "ufixed<7,3,RND,SAT>"), count: 6))))

    let given = TypePolicy(
      precision: FixedType(width: 16, integerBits: 6, rounding: .rnd, overflow: .sat),
      calibration: Calibration(graph, samples: samples))
    let measured = try TypeSearch(source: graph, target: AccuracyTarget(.argmax, limit: 0.1), samples: inputs)
      .run(given)
    #expect(measured.policy.calibration?.chosen == ChosenTypes())
    #expect(throws: CompilationFailed.self) {
      try TypeSearch(source: graph, target: AccuracyTarget(.error, limit: 1e-9), samples: inputs).run(given)
    }
  }

  @Test(
    "the jet tagger's decisions stay, at fewer look-up tables than fixed<16,6>",
    .enabled(if: ProcessInfo.processInfo.environment["FPGAML_LONG_TESTS"] != nil))
  func jetTagger() throws {
    let models = packageRoot.appendingPathComponent("examples/models")
    func luts(_ change: (inout ModelRequest) -> Void) throws -> Int {
      var model = ModelRequest(
        path: models.appendingPathComponent("jet_tagger_float.h5").path, output: .logits)
      change(&model)
      var request = CompileRequest(model: model)
      request.plan.effort = .fast
      return try Compilation(request).plan.estimate.total.allLUTs
    }
    let found = try luts {
      $0.inputs = models.appendingPathComponent("jet_tagger_inputs.h5").path
      $0.target = .target(AccuracyTarget(.argmax, limit: 0.005))
    }
    let byHand = try luts { $0.precision = FixedType(width: 16, integerBits: 6) }
    #expect(found * 2 < byHand)
  }
}

@Suite("Accuracy targets")
struct AccuracyTargetTests {
  @Test("are read and printed")
  func parsing() throws {
    for (text, target) in [
      ("argmax=99.5%", AccuracyTarget(.argmax, limit: 1 - 0.995)),
      ("argmax=0.99", AccuracyTarget(.argmax, limit: 1 - 0.99)),
      ("auc=0.001", AccuracyTarget(.auc, limit: 0.001)), ("error=0.01", AccuracyTarget(.error, limit: 0.01)),
      ("error=1%", AccuracyTarget(.error, limit: 0.01, isRelative: true)),
    ] {
      #expect(try AccuracyTarget(parsing: text) == target)
      let printed = try AccuracyTarget(parsing: target.description)
      #expect(abs(printed.limit - target.limit) < 1e-12 && printed.measure == target.measure)
    }
    for text in [
      "", "argmax", "argmax=", "argmax=99.5", "argmax=40%", "loss=1", "error=-1", "error=nan", "auc=x%",
    ] {
      #expect(throws: CompilationFailed.self, "\(text)") { try AccuracyTarget(parsing: text) }
    }
    #expect(try TargetSelection(parsing: "auto") == .automatic)
  }

  @Test("the area under the curve is the share of pairs in order, ties half")
  func area() {
    var random = Seeded(state: 3)
    for count in [2, 3, 10, 60] {
      let scores = (0..<count).map { _ in Double(Int.random(in: 0..<8, using: &random)) }
      let truth = (0..<count).map { $0 == 0 || $0 != 1 && Bool.random(using: &random) }
      var (pairs, order) = (0.0, 0.0)
      for i in 0..<count where truth[i] {
        for j in 0..<count where !truth[j] {
          pairs += 1
          order += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0
        }
      }
      #expect(abs((areaUnderCurve(scores, truth) ?? -1) - order / pairs) < 1e-12)
    }
    #expect(areaUnderCurve([1, 2], [true, true]) == nil)
  }

  @Test("losses count what they say; numbers that are not finite lose all")
  func losses() {
    let graph = FloatModels.dense()
    func output(_ values: [Double]) -> OutputValues {
      OutputValues(graph, samples: values.count / 3, arrays: [values])
    }
    let float = output([1, 2, 3, 3, 2, 1, 0, 5, 0, 7, 7, 1])
    // Ties go to the lower index: the last sample agrees, the first does not.
    let other = output([4, 2, 3, 3, 2, 1, 0, 5, 0, 8, 7, 1])
    #expect(AccuracyTarget(.argmax, limit: 0).loss(other, from: float) == 0.25)
    #expect(AccuracyTarget(.error, limit: 0).loss(other, from: float) == 4.0 / 12)
    for measure in AccuracyTarget.Measure.allCases {
      #expect(AccuracyTarget(measure, limit: 0).loss(float, from: float) == 0)
    }
    #expect(
      AccuracyTarget(.error, limit: 1).loss(output([.nan, 0, 0]), from: output([0, 0, 0])) == .infinity)
    #expect(AccuracyTarget(.argmax, limit: 0.01).isReached(by: 0, samples: 10))
    #expect(!AccuracyTarget(.argmax, limit: 0.01).isReached(by: 0.009, samples: 1000))
  }
}

@Suite("Lists of types by channel in a configuration")
struct ChannelTypesTests {
  private func type(_ yaml: String, _ graph: Graph) throws -> Graph {
    let configuration = try Configuration.read(yaml: yaml, file: "c.yml").configuration
    return try Typer.type(graph, TypePolicy(configuration: configuration)).graph
  }

  @Test("give each column of weights, each bias and each result its type")
  func channels() throws {
    let yaml = """
      Model: {Implementation: fpgaml, Precision: {default: auto}}
      LayerName:
        output:
          Precision:
            weight: ["fixed<4,1,RND,SAT>", "fixed<6,1,RND,SAT>", "fixed<3,1,RND,SAT>"]
            bias: ["fixed<4,0>", "fixed<5,0>", "fixed<6,0>"]
            result: ["fixed<8,4,RND,SAT>", "fixed<9,4,RND,SAT>", "ufixed<3,2,RND,SAT>"]
      """
    let source = FloatModels.dense()
    let graph = try type(yaml, source)
    let node = try #require(graph.nodes.first { $0.name == "output" })
    guard case .linear(let linear) = node.primitive,
      case .linear(let real) = try #require(source.nodes.first { $0.name == "output" }).primitive
    else { return #expect(Bool(false)) }
    for (i, (weight, exact)) in zip(real.weights.values, linear.weights.values).enumerated() {
      let column = FixedType(width: [4, 6, 3][i % 3], integerBits: 1, rounding: .rnd, overflow: .sat)
      #expect(column.convert(weight).map(column.value) == exact)
    }
    let result = try #require(graph.nodes.first { $0.name == "output_result" })
    guard case .quantize(.fixed(let types, _)) = result.primitive else { return #expect(Bool(false)) }
    #expect(
      types.array.map(\.description) == ["fixed<8,4,RND,SAT>", "fixed<9,4,RND,SAT>", "ufixed<3,2,RND,SAT>"])
  }

  @Test("of the wrong length or place are errors with a location")
  func errors() throws {
    func failure(_ yaml: String, _ graph: Graph) throws -> Diagnostic {
      try #require(try #require(throws: CompilationFailed.self) { try type(yaml, graph) }.diagnostics.first)
    }
    func entry(_ name: String, _ tensor: String, _ list: String) -> String {
      "LayerName: {\(name): {Precision: {\(tensor): [\(list)]}}}"
    }
    let two = "\"fixed<4,1>\", \"fixed<5,1>\""
    for tensor in ["weight", "bias", "result"] {
      let found = try failure(entry("output", tensor, two), FloatModels.dense())
      #expect(found.code == "T034" && found.message.contains("2 types for 3 channels"))
      #expect(found.location == .layer("output"))
    }
    #expect(try failure(entry("fc_tanh", "result", two), FloatModels.regression()).code == "T034")
    #expect(try failure(entry("output", "result", ""), FloatModels.dense()).code == "T031")
    #expect(
      try failure(entry("output", "result", "\"fixed<4,1>\", \"auto\""), FloatModels.dense()).code == "T031")
    #expect(try failure("Model: {Precision: {result: [\(two)]}}", FloatModels.dense()).code == "T031")
    #expect(
      try failure(entry("output", "result", "\"fixed<4,100>\", \"fixed<4,1>\""), FloatModels.dense()).code
        == "T031")
  }
}
