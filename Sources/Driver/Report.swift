import FixedPoint
import Foundation
import Graph
import Planning
import VerilogBackend

/// What `compile` and `estimate` say about a design: `report.json`, and a table for the terminal.
public struct Report: Sendable {
  public var compilation: Compilation
  public var verdict: Verdict?
  public var accuracy: Accuracy?

  public init(_ compilation: Compilation, verdict: Verdict? = nil, accuracy: Accuracy? = nil) {
    self.compilation = compilation
    self.verdict = verdict
    self.accuracy = accuracy
  }

  /// The layers that computed something, with their share of everything.
  var layers: [LayerReport] {
    let plan = compilation.plan
    let all = compilation.model.graph.nodesWithBodies
    return plan.circuit.origins.indices.compactMap { origin in
      let nodes = all.filter {
        $0.layer.name == plan.circuit.origins[origin] && !$0.primitive.isInput
      }
      guard let last = nodes.last, let type = last.type else { return nil }
      let main =
        ["scan", "linear"].lazy.compactMap { kind in nodes.first { $0.primitive.kind == kind } }.first ?? last
      return LayerReport(
        name: last.layer.name, kind: main.primitive.kind, shape: last.shape, type: type,
        stages: plan.stageSpans[origin], resources: plan.estimate.byOrigin[origin])
    }
  }
}

/// One row of the report.
struct LayerReport {
  var name: String
  var kind: String
  var shape: [Int]
  /// Of the layer's result.
  var type: TensorType
  var stages: ClosedRange<Int>?
  var resources: Resources
}

extension Report {
  /// report.json (INTERFACES).
  public var json: JSONOutput {
    let plan = compilation.plan
    let model = compilation.model
    return [
      "schema": 1, "fpgaml": .string(Version.current),
      "model": [
        "name": .string(model.graph.name), "framework": .string(model.graph.framework),
        "sha256": model.sha256.map { .string($0) } ?? .null, "parameters": .integer(model.parameters),
      ],
      "target": ["part": .string(plan.part.name), "clock_mhz": .number(plan.clockMHz)],
      "verilog": [
        "ports": .string(compilation.request.verilog.ports.rawValue),
        "clock_enable": .bool(compilation.request.verilog.clockEnable),
        "primitives": .bool(compilation.request.verilog.primitives),
      ],
      "latency": latency,
      "interval": [
        "cycles": .integer(plan.interval), "ns": .number(plan.period.doubleValue * Double(plan.interval)),
        "budget_ns": .optional(compilation.request.plan.interval?.nanoseconds(period: plan.period)),
      ],
      "resources": [
        "estimate": resources(plan.estimate.total, band: plan.estimate.band),
        "flow": .string(plan.estimate.flow),
        "register_bits": .integer(plan.registerBits), "yosys": .null, "vivado": .null,
      ],
      "timing": [
        "critical_path_ns": .number(Double(plan.slowestStage.delay) / 1000),
        "band": .number(plan.part.delays.band), "source": "modelled",
      ],
      "layers": .array(layers.map(json)),
      "ports": .array(ports),
      "verification": verification, "precision": compilation.model.search?.json ?? .null,
      "accuracy": accuracy.map {
        [
          "max_abs_error": .number($0.maximumError), "argmax_agreement": .optional($0.argmaxAgreement),
          "wrapped_samples": .integer($0.wrappedSamples),
        ]
      } ?? .null,
    ]
  }

  private var latency: JSONOutput {
    let plan = compilation.plan
    let budget = compilation.request.plan.latency
    return [
      "cycles": .integer(plan.latency), "ns": .number(plan.latencyTime.doubleValue),
      "budget_ns": .optional(budget?.nanoseconds(period: plan.period)),
      "met": .bool(budget.map { plan.latency <= $0.cycles(period: plan.period) } ?? true),
      "first_in_first_out": .integer(plan.latency), "last_in_last_out": .integer(plan.latency),
      "io_registers": .string(compilation.request.plan.ioRegisters.rawValue),
    ]
  }

  private func json(_ layer: LayerReport) -> JSONOutput {
    let types = layer.type.formats.distinct.map(\.type)
    let narrowest = types.min { $0.width < $1.width }
    let widest = types.max { $0.width < $1.width }
    return [
      "name": .string(layer.name), "kind": .string(layer.kind),
      "type": [
        "min": .string(narrowest.map(String.init) ?? ""), "max": .string(widest.map(String.init) ?? ""),
        "distinct": .integer(types.count),
      ],
      "first_stage": .optional(layer.stages?.lowerBound), "last_stage": .optional(layer.stages?.upperBound),
      "lut": .integer(layer.resources.allLUTs), "ff": .integer(layer.resources.ff),
      "dsp": .integer(layer.resources.dsp), "bram18": .integer(layer.resources.bram18),
    ]
  }

  private func resources(_ total: Resources, band: Double) -> JSONOutput {
    [
      "lut": .integer(total.lut), "lut_ram": .integer(total.lutRAM), "srl": .integer(total.srl),
      "ff": .integer(total.ff), "carry_bits": .integer(total.carryBits), "dsp": .integer(total.dsp),
      "bram18": .integer(total.bram18), "uram": .integer(total.uram), "band": ["lut": .number(band)],
    ]
  }

  private var ports: [JSONOutput] {
    let interface = ModuleInterface(compilation.plan.circuit, options: compilation.request.verilog)
    return interface.inputs.map { port($0, "in") } + interface.outputs.map { port($0, "out") }
  }

  private func port(_ layout: PortLayout, _ direction: String) -> JSONOutput {
    [
      "name": .string(layout.name), "direction": .string(direction),
      "shape": .array(layout.shape.map { .integer($0) }), "bits": .integer(layout.bits), "beats": 1,
      "elements": .array(
        layout.elements.map {
          [
            "offset": .integer($0.offset), "width": .integer($0.width), "fraction": .integer($0.fraction),
            "signed": .bool($0.signed),
          ]
        }),
    ]
  }

  private var verification: JSONOutput { verdict?.json ?? ["verdict": "skipped"] }
}

extension Verdict {
  /// The verdict as report.json and `verify --json` have it.
  public var json: JSONOutput {
    [
      "verdict": passed ? "pass" : "fail", "samples": .integer(samples), "seed": .integer(Int(seed)),
      "proved": .array((proof?.proved ?? []).map { .string($0) }), "proof": proof?.json ?? .null,
      "rtl": rtl.map {
        [
          "mismatches": .integer($0.mismatches), "latency_cycles": .optional($0.latencyCycles),
          "interval_cycles": .optional($0.intervalCycles), "simulator": .string($0.simulator),
        ]
      } ?? .null,
      "hls": hls.map {
        [
          "mismatches": .integer($0.mismatches), "compiler": .string($0.compiler),
          "types": .string($0.types.rawValue),
        ]
      } ?? .null,
      "problems": .array(problems.map { .string($0.message) }),
    ]
  }
}

extension Report {
  /// The report for the terminal.
  public var text: String {
    let plan = compilation.plan
    var table = TextTable(["layer", "computes", "shape", "type", "stages", "LUT", "FF", "DSP"])
    for layer in layers {
      table.add([
        layer.name, layer.kind, layer.shape.map(String.init).joined(separator: "x"), "\(layer.type.union)",
        layer.stages.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" } ?? "",
        "\(layer.resources.allLUTs)", "\(layer.resources.ff)", "\(layer.resources.dsp)",
      ])
    }
    let total = plan.estimate.total
    let capacity = plan.part.capacity
    func share(_ used: Int, _ available: Int) -> String {
      available == 0 ? "\(used)" : "\(used) (\(percent(used, available)))"
    }
    let budget = compilation.request.plan.latency.map { " of \($0) asked" } ?? ""
    let latency = "\(plan.latency) \(plan.latency == 1 ? "cycle" : "cycles")"
    return """
      \(compilation.model.graph.name) on \(plan.part.name) at \(number(plan.clockMHz)) MHz
      \(table.text)
      latency   \(latency) = \(number(plan.latencyTime.doubleValue)) ns\(budget)
      interval  \(plan.interval) cycle = \(number(plan.period.doubleValue * Double(plan.interval))) ns
      estimate  LUT \(share(total.allLUTs, capacity.lut)), FF \(share(total.ff, capacity.ff)), \
      DSP \(share(total.dsp, capacity.dsp)), BRAM18 \(share(total.bram18, capacity.bram18)); \
      \(plan.estimate.flow), ±\(Int((plan.estimate.band * 100).rounded())) %
      slowest   stage \(number(Double(plan.slowestStage.delay) / 1000)) ns, modelled \
      ±\(Int((plan.part.delays.band * 100).rounded())) %
      """ + accuracyText + (compilation.model.search.map { "\n\($0.text)" } ?? "")
  }

  private var accuracyText: String {
    guard let accuracy else { return "" }
    let agreement = accuracy.argmaxAgreement.map { ", argmax agrees in \(number($0 * 100)) %" } ?? ""
    let wrapped = accuracy.wrappedSamples > 0 ? ", \(accuracy.wrappedSamples) samples wrapped" : ""
    return "\naccuracy  largest difference to the float model \(accuracy.maximumError)\(agreement)\(wrapped)"
  }

  private func percent(_ used: Int, _ available: Int) -> String {
    let share = 100 * Double(used) / Double(available)
    return share < 0.1 && used > 0 ? "<0.1 %" : "\(number((share * 10).rounded() / 10)) %"
  }

  /// A number with at most two decimals.
  private func number(_ value: Double) -> String {
    let rounded = (value * 100).rounded() / 100
    return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
  }
}
