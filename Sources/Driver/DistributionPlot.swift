import Foundation

/// The distribution of each layer's values against its type, as SVG: a histogram over log2 of the magnitude, with the
/// range that the type holds behind it. All layers share one axis, so that widths and places of types can be compared.
struct DistributionPlot {
  let profile: Profile
  private let exponents: ClosedRange<Int>

  private let left = 230.0
  private let right = 150.0
  private let top = 64.0
  private let bottom = 44.0
  private let rowHeight = 64.0
  private let barHeight = 44.0
  private let binWidth = 15.0

  init(_ profile: Profile) {
    self.profile = profile
    var low = 0
    var high = 0
    for layer in profile.layers {
      let ends = layer.exponents
      low = min(low, ends.finest, layer.histogram.keys.min() ?? 0)
      high = max(high, ends.top, layer.histogram.keys.max().map { $0 + 1 } ?? 0)
    }
    // Values near 0 reach down without end.
    exponents = max(low, -26)...min(high + 1, 40)
  }

  private var plotWidth: Double { Double(exponents.count) * binWidth }
  private var width: Double { left + plotWidth + right }
  private var height: Double { top + Double(profile.layers.count) * rowHeight + bottom }

  private func x(_ exponent: Int) -> Double {
    left + Double(min(max(exponent, exponents.lowerBound), exponents.upperBound + 1) - exponents.lowerBound)
      * binWidth
  }

  var text: String {
    var lines = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(n(width)) \(n(height))\" "
        + "width=\"\(n(width))\" height=\"\(n(height))\" font-family=\"sans-serif\" font-size=\"11\">",
      "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>",
      label(
        16, 24, "\(profile.model.graph.name): values of \(profile.samples) samples against types", size: 14,
        bold: true),
    ]
    lines += legend
    for (row, layer) in profile.layers.enumerated() {
      lines += panel(layer, top + Double(row) * rowHeight)
    }
    lines += axis
    return (lines + ["</svg>"]).joined(separator: "\n") + "\n"
  }

  private static let (held, partly, values, over, under) = (
    "#dcefe0", "#eef7f0", "#3b6fb6", "#c8322b", "#e69f00"
  )

  private var legend: [String] {
    let entries = [
      (Self.held, "held by the type"), (Self.partly, "by some channels' types"), (Self.values, "values"),
      (Self.over, "beyond the type"), (Self.under, "become 0"),
    ]
    var x = 16.0
    var lines: [String] = []
    for (color, text) in entries {
      lines.append(rect(x, 38, 12, 12, color, stroke: "#999999"))
      lines.append(label(x + 17, 48, text))
      x += 34 + Double(text.count) * 6
    }
    return lines
  }

  /// One layer: its name and type at the left, the histogram, what is lost at the right.
  private func panel(_ layer: LayerProfile, _ y: Double) -> [String] {
    let base = y + 10 + barHeight
    let ends = layer.exponents
    var lines = [
      label(16, y + 30, layer.name, size: 12, bold: true),
      label(16, y + 46, layer.typeText, color: "#555555", limit: 36),
      rect(x(ends.finest), y + 10, x(ends.top) - x(ends.finest), barHeight, Self.partly),
    ]
    if ends.coarsest < ends.lowestTop {
      lines.append(rect(x(ends.coarsest), y + 10, x(ends.lowestTop) - x(ends.coarsest), barHeight, Self.held))
    }
    let tallest = Double(max(1, layer.histogram.values.map(\.all).max() ?? 1))
    for exponent in layer.histogram.keys.sorted() where exponents.contains(exponent) {
      guard let bin = layer.histogram[exponent] else { continue }
      let kept = bin.all - bin.overflowing - bin.underflowing
      var bottom = base
      for (count, color) in [
        (kept, Self.values), (bin.underflowing, Self.under), (bin.overflowing, Self.over),
      ]
      where count > 0 {
        let height = max(0.7, Double(count) / tallest * (barHeight - 3))
        lines.append(rect(x(exponent) + 1, bottom - height, binWidth - 2, height, color))
        bottom -= height
      }
    }
    lines.append(line(left, base, left + plotWidth, base, "#999999"))
    lines += notes(layer, y)
    return lines
  }

  private func notes(_ layer: LayerProfile, _ y: Double) -> [String] {
    var notes: [(String, String)] = []
    if layer.overflowing > 0 {
      notes.append((Self.over, "beyond: \(Profile.share(layer.overflowing, layer.count))"))
    }
    if layer.underflowing > 0 {
      notes.append(("#a06a00", "become 0: \(Profile.share(layer.underflowing, layer.count))"))
    }
    if layer.zeros > 0 { notes.append(("#555555", "are 0: \(Profile.share(layer.zeros, layer.count))")) }
    let bits = layer.signalBits.map { "\(Profile.number(($0 * 10).rounded() / 10)) bits correct" }
    notes.append(("#555555", bits ?? "exact"))
    return notes.enumerated().map { i, note in
      label(left + plotWidth + 12, y + 20 + Double(i) * 13, note.1, color: note.0)
    }
  }

  private var axis: [String] {
    let y = height - bottom
    var lines: [String] = []
    for exponent in exponents where exponent % 4 == 0 {
      lines.append(line(x(exponent), top, x(exponent), y + 5, exponent == 0 ? "#888888" : "#e2e2e2"))
      lines.append(
        "<text x=\"\(n(x(exponent)))\" y=\"\(n(y + 18))\" text-anchor=\"middle\" fill=\"#333333\">2"
          + "<tspan dy=\"-4\" font-size=\"8\">\(exponent < 0 ? "−" : "")\(abs(exponent))</tspan></text>")
    }
    lines.append(label(left + plotWidth / 2 - 40, y + 36, "magnitude of a value", color: "#333333"))
    return lines
  }

  private func rect(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ fill: String, stroke: String? = nil
  ) -> String {
    let border = stroke.map { " stroke=\"\($0)\" stroke-width=\"0.5\"" } ?? ""
    return
      "<rect x=\"\(n(x))\" y=\"\(n(y))\" width=\"\(n(max(0, width)))\" height=\"\(n(max(0, height)))\" fill=\"\(fill)\"\(border)/>"
  }

  private func line(_ x: Double, _ y: Double, _ toX: Double, _ toY: Double, _ color: String) -> String {
    "<line x1=\"\(n(x))\" y1=\"\(n(y))\" x2=\"\(n(toX))\" y2=\"\(n(toY))\" stroke=\"\(color)\" stroke-width=\"1\"/>"
  }

  private func label(
    _ x: Double, _ y: Double, _ text: String, size: Int = 11, bold: Bool = false, color: String = "#111111",
    limit: Int = .max
  ) -> String {
    let shown = text.count > limit ? String(text.prefix(limit - 1)) + "…" : text
    let escaped = shown.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(
      of: "<", with: "&lt;"
    )
    .replacingOccurrences(of: ">", with: "&gt;")
    return
      "<text x=\"\(n(x))\" y=\"\(n(y))\" font-size=\"\(size)\" fill=\"\(color)\"\(bold ? " font-weight=\"bold\"" : "")>\(escaped)</text>"
  }

  /// A coordinate with at most one decimal.
  private func n(_ value: Double) -> String {
    let rounded = (value * 10).rounded() / 10
    return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
  }
}

extension Profile {
  /// The distributions as SVG.
  public var svg: String { DistributionPlot(self).text }
}
