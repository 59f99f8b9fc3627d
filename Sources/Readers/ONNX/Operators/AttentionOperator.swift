import Diagnostics
import FixedPoint
import Functions
import Graph

extension ONNXOperator {
  static let attentionOperators = [
    ONNXOperator(
      ["Attention"],
      attributes: [
        "is_causal", "q_num_heads", "kv_num_heads", "scale", "softcap", "softmax_precision",
        "qk_matmul_output_mode",
      ], emit: emitAttention)
  ]

  /// Operator set 23's attention: query, key and value as [heads, positions, size] or [positions, heads · size].
  private static func emitAttention(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    if call.outputCount > 1 || call.operand(4) != nil || call.operand(5) != nil {
      throw call.failure("I408", "keeps keys and values from call to call, or yields its scores")
    }
    var heads: [NodeID] = []
    var isFlat = false
    for (index, name) in ["query", "key", "value"].enumerated() {
      let x = try call.sample(index, &builder)
      let shape = builder.shape(x)
      if shape.count == 3 {
        heads.append(x)
        continue
      }
      isFlat = true
      let count = call.int(index == 0 ? "q_num_heads" : "kv_num_heads", default: 0)
      guard shape.count == 2, count > 0, shape[1] % count == 0 else {
        throw call.failure("I409", "the \(name) of shape \(shape) does not fit \(count) heads")
      }
      let split = try builder.reshape(x, [shape[0], count, shape[1] / count], call, "\(name)_split")
      heads.append(try builder.transpose(split, [1, 0, 2], call, "\(name)_heads"))
    }
    let count = builder.shape(heads[0])[0]
    for i in 1...2 {
      let own = builder.shape(heads[i])[0]
      guard count % own == 0 else { throw call.failure("I409", "\(own) heads do not divide \(count)") }
      heads[i] = try builder.repeated(heads[i], axis: 0, count: count / own, call, "repeated\(i)")
    }
    var form = AttentionForm()
    form.scale = 1 / Double(builder.shape(heads[0])[2]).squareRoot()
    if call.attributes["scale"] != nil { form.scale = try call.float("scale", default: 1) }
    form.isCausal = call.flag("is_causal")
    let cap = try call.float("softcap", default: 0)
    if cap > 0 { form.cap = cap }
    let scores = [count, builder.shape(heads[0])[1], builder.shape(heads[1])[1]]
    try addMask(call, scores, &form, &builder)
    var y = try builder.attend(heads[0], heads[1], heads[2], form, call, isFlat ? "attended" : nil)
    if isFlat {
      let shape = builder.shape(y)
      y = try builder.transpose(y, [1, 0, 2], call, "joined")
      y = try builder.reshape(y, [shape[1], shape[0] * shape[2]], call)
    }
    return [try call.result(y, &builder)]
  }

  /// The mask: numbers added to the scores, or truth values of which 0 hides a position.
  private static func addMask(
    _ call: ONNXCall, _ scores: [Int], _ form: inout AttentionForm, _ builder: inout GraphBuilder
  ) throws(CompilationFailed) {
    switch call.operand(3) {
    case nil: return
    case .constant(let mask):
      let own =
        mask.shape.count > 3 && mask.shape[0] == 1 ? mask.reshaped(Array(mask.shape.dropFirst())) : mask
      guard own.shape.count <= 3, own.broadcast(to: scores) != nil else {
        throw call.failure("I409", "a mask of shape \(mask.shape) does not fit \(scores)")
      }
      var values = own.values
      if mask.elementType == .bool { values = values.map { $0 == 0 ? -1024 : 0 } }
      // What hides a position needs to be no more than far below every score.
      values = values.map { max($0, -1024) }
      form.bias = .coefficients(values, shape: own.shape)
    case .tensor:
      form.biasTensor = try call.sample(3, &builder)
    case .displaced, .integers, .scaled, .label, .texts:
      throw call.failure("I408", "expected numbers or truth values as a mask")
    }
  }
}
