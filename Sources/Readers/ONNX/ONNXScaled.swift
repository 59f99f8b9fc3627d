import Diagnostics
import Graph

/// A tensor that `Scaler` moves and stretches: (x − offset) · scale in binary32, element by element of the last axis.
///
/// A forest compares x itself with thresholds that give the same outcomes; anything else reads a linear node.
struct ONNXScaled: Sendable {
  var operand: NodeID
  var offsets: [Float]
  var scales: [Float]

  /// The attributes of a `Scaler` over an axis of so many elements.
  init(_ operand: NodeID, count: Int, _ call: ONNXCall) throws(CompilationFailed) {
    func values(_ name: String, default standard: Float) throws(CompilationFailed) -> [Float] {
      let values = call.attributes[name]?.floats ?? [standard]
      guard values.count == 1 || values.count == count, values.allSatisfy(\.isFinite) else {
        throw call.failure("I409", "'\(name)' has \(values.count) numbers for \(count) elements")
      }
      return values.count == 1 ? Array(repeating: values[0], count: count) : values
    }
    self.operand = operand
    offsets = try values("offset", default: 0)
    scales = try values("scale", default: 1)
  }

  /// The tensor as a node.
  func node(_ builder: inout GraphBuilder, _ call: ONNXCall) throws(CompilationFailed) -> NodeID {
    let shift = zip(offsets, scales).map { -Double($0) * Double($1) }
    return try builder.affine(
      operand, scale: .coefficients(scales.map(Double.init), shape: [scales.count]),
      shift: .coefficients(shift, shape: [shift.count]), call, "scaled")
  }

  /// The same splits on the operand itself; nil where a split is no comparison of order or a scale is 0.
  func unscaled(_ nodes: ONNXTreeEnsemble.Nodes) -> ONNXTreeEnsemble.Nodes? {
    var result = nodes
    for (i, mode) in nodes.modes.enumerated() where mode != "LEAF" {
      // A feature that does not exist is the forest's error to report.
      guard nodes.values.indices.contains(i), nodes.features.indices.contains(i),
        scales.indices.contains(nodes.features[i])
      else { continue }
      let (offset, scale) = (offsets[nodes.features[i]], scales[nodes.features[i]])
      let threshold = Float(nodes.values[i])
      func holds(_ x: Float) -> Bool {
        let y = (x - offset) * scale
        return switch mode {
        case "BRANCH_LEQ": y <= threshold
        case "BRANCH_LT": y < threshold
        case "BRANCH_GTE": y >= threshold
        default: y > threshold
        }
      }
      guard ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT"].contains(mode), scale != 0 else {
        return nil
      }
      let holdsBelow = mode.hasPrefix("BRANCH_L") == (scale > 0)
      result.modes[i] = holdsBelow ? "BRANCH_LEQ" : "BRANCH_GTE"
      let edge = Double(holdsBelow ? -ONNXScaled.least { holds(-$0) } : ONNXScaled.least(holds))
      // What no binary32 number reaches need not be infinite.
      let limit = Double.greatestFiniteMagnitude
      result.values[i] = min(max(edge, -limit), limit)
    }
    return result
  }

  /// The least number from which on a predicate holds, infinity where it never does.
  private static func least(_ holds: (Float) -> Bool) -> Float {
    // Bit patterns in the order of their numbers, from −greatest to infinity.
    func number(_ rank: Int) -> Float {
      rank >= 0 ? Float(bitPattern: UInt32(rank)) : -Float(bitPattern: UInt32(-rank))
    }
    var high = Int(Float.infinity.bitPattern)
    var low = -Int(Float.greatestFiniteMagnitude.bitPattern)
    while low < high {
      let middle = low + (high - low) / 2
      if holds(number(middle)) { high = middle } else { low = middle + 1 }
    }
    return number(high)
  }
}
