import Diagnostics
import Foundation

extension Profile {
  /// For the terminal.
  public var text: String {
    var table = TextTable([
      "layer", "class", "type", "source", "least", "greatest", "over", "to 0", "max error", "mean error",
      "bits",
    ])
    for layer in layers {
      table.add([
        layer.name, layer.kind, layer.typeText, layer.source?.description ?? "",
        Profile.number(layer.range.lowerBound), Profile.number(layer.range.upperBound),
        Profile.share(layer.overflowing, layer.count), Profile.share(layer.underflowing, layer.count),
        Profile.number(layer.maximumError), Profile.number(layer.meanError),
        layer.signalBits.map { Profile.number(($0 * 10).rounded() / 10) } ?? "exact",
      ])
    }
    var lines = [
      "\(model.graph.name) on \(samples) samples: the float model's values, and how far the integers are from them",
      table.text,
    ]
    if let first = firstDeviating {
      lines.append(
        "first deviating layer: '\(first.name)', relative error \(Profile.percent(first.relativeError)) "
          + "of \(Profile.percent(threshold)) allowed")
    } else {
      let worst = layers.max { $0.relativeError < $1.relativeError }
      let place = worst.map { "; most in '\($0.name)', \(Profile.percent($0.relativeError))" } ?? ""
      lines.append("no layer deviates by more than \(Profile.percent(threshold))\(place)")
    }
    if let search = model.search { lines.append(search.text) }
    return lines.joined(separator: "\n")
  }

  public var json: JSONOutput {
    [
      "schema": 1, "name": .string(model.graph.name), "samples": .integer(samples),
      "threshold": .number(threshold),
      "first_deviating": firstDeviating.map { .string($0.name) } ?? .null,
      "layers": .array(layers.map(json)), "search": model.search?.json ?? .null,
    ]
  }

  private func json(_ layer: LayerProfile) -> JSONOutput {
    let widths = layer.types.distinct.map(\.width)
    return [
      "name": .string(layer.name), "class": .string(layer.kind),
      "type": .string(layer.types.uniform.map { "\($0)" } ?? FixedTypeUnion.text(layer.types.distinct)),
      "min_width": .integer(widths.min() ?? 0), "max_width": .integer(widths.max() ?? 0),
      "source": .string(layer.source?.description ?? "none"),
      "min": .number(layer.range.lowerBound), "max": .number(layer.range.upperBound),
      "values": .integer(layer.count), "zeros": .integer(layer.zeros),
      "overflowing": .integer(layer.overflowing), "underflowing": .integer(layer.underflowing),
      "max_abs_error": .number(layer.maximumError), "mean_abs_error": .number(layer.meanError),
      "relative_error": .number(layer.relativeError), "signal_bits": .optional(layer.signalBits),
    ]
  }

  /// Three significant digits.
  static func number(_ value: Double) -> String {
    if value == 0 { return "0" }
    if value == value.rounded(), value.magnitude < 1000 { return "\(Int(value))" }
    let text = String(format: "%.3g", value)
    return text
  }

  static func percent(_ share: Double) -> String { "\(number(100 * share)) %" }

  /// A share of a count; empty for none, so that what matters stands out.
  static func share(_ part: Int, _ whole: Int) -> String {
    part == 0 ? "" : percent(Double(part) / Double(max(1, whole)))
  }
}
