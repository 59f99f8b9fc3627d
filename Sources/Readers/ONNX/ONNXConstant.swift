import Diagnostics
import FixedPoint
import Graph
import ONNXProto

/// A tensor that does not depend on the model's inputs: an initializer, or what was computed from such.
struct ONNXConstant: Sendable {
  /// With every axis that the file gives it.
  var shape: [Int]
  /// Of float tensors binary32 numbers; 64-bit integers are exact up to 2^53.
  var values: [Double]
  var isInteger: Bool
  /// As the file has it; nil for what was computed.
  var elementType: ONNXElementType?
  /// What a quantizer of the model made of the values: integers and scales.
  var quantized: Weights?

  init(
    shape: [Int], values: [Double], isInteger: Bool, elementType: ONNXElementType? = nil,
    quantized: Weights? = nil
  ) {
    self.shape = shape
    self.elementType = elementType
    self.values = values
    self.isInteger = isInteger
    self.quantized = quantized
  }

  var count: Int { values.count }
  /// The value that all elements share, if they do.
  var uniform: Double? { values.first.flatMap { first in values.allSatisfy { $0 == first } ? first : nil } }

  func reshaped(_ shape: [Int]) -> ONNXConstant {
    var result = self
    result.shape = shape
    result.quantized?.shape = shape
    return result
  }

  /// Element i taken from element `order[i]`.
  func reordered(_ order: [Int], shape: [Int]) -> ONNXConstant {
    ONNXConstant(
      shape: shape, values: order.map { values[$0] }, isInteger: isInteger,
      quantized: quantized?.reordered(order, shape: shape))
  }

  /// The tensor seen through wiring that pads nothing.
  func rearranged(_ rearrangement: Rearrangement, shape: [Int]) -> ONNXConstant {
    let order = rearrangement.sources([self.shape]).compactMap { source in
      if case .element(_, let index) = source { index } else { nil }
    }
    return reordered(order, shape: shape)
  }

  func transposed(_ permutation: [Int]) -> ONNXConstant {
    reordered(shape.order(transposedBy: permutation), shape: permutation.map { shape[$0] })
  }

  /// The tensor repeated to a larger shape; nil where the shapes do not fit.
  func broadcast(to target: [Int]) -> ONNXConstant? {
    if shape == target { return self }
    let fits =
      shape.count <= target.count
      && zip(shape.reversed(), target.reversed()).allSatisfy { $0 == 1 || $0 == $1 }
    return fits ? rearranged(.view(.broadcast(shape, to: target)), shape: target) : nil
  }

  /// The values as weights: quantized ones as their integers, those of a quantized model exactly as they are.
  func weights(isQuantizedModel: Bool) -> Weights {
    if let quantized { return quantized }
    if isQuantizedModel, let exact = Weights(exactly: values, shape: shape) { return exact }
    return .coefficients(values, shape: shape)
  }

  /// The values as integers; nil where one is none.
  var integers: [Int]? {
    var result: [Int] = []
    for value in values {
      // The largest 64-bit integer, which stands for an end, is no binary64 number.
      guard let integer = value == 0x1p63 ? Int.max : Int(exactly: value) else { return nil }
      result.append(integer)
    }
    return result
  }
}

/// Reads the tensors of a model file, also those whose data lie in a file beside it.
struct ONNXTensorReader {
  let file: String
  private var externalFiles: [String: [UInt8]] = [:]

  init(file: String) { self.file = file }

  /// The constant that a tensor of the file is.
  ///
  /// - Throws: I402 for external data that can't be found, I403 for data that do not fit the tensor's type and shape.
  mutating func constant(_ tensor: Onnx_TensorProto, name: String) throws(CompilationFailed) -> ONNXConstant {
    func damaged(_ message: String) -> CompilationFailed {
      CompilationFailed("I403", "tensor '\(name)' \(message)", at: .file(file))
    }
    var count = 1
    var shape: [Int] = []
    for extent in tensor.dims {
      let (product, overflow) = count.multipliedReportingOverflow(by: Int(extent))
      guard extent >= 0, !overflow, product <= GraphBuilder.maximumElements, shape.count < 16 else {
        throw damaged("has the shape \(tensor.dims)")
      }
      count = product
      shape.append(Int(extent))
    }
    guard let type = ONNXElementType(rawValue: Int(tensor.dataType)) else {
      throw damaged("has elements of type \(tensor.dataType), expected numbers of at most 64 bits")
    }
    var values: [Double]
    if tensor.dataLocation == .external {
      values = type.values(try external(tensor, name))
    } else if !tensor.rawData.isEmpty {
      values = type.values([UInt8](tensor.rawData))
    } else {
      values = type.values(tensor)
    }
    if type == .uint4 || type == .int4, values.count == count + 1 { values.removeLast() }
    guard values.count == count else { throw damaged("has \(values.count) elements, expected \(count)") }
    return ONNXConstant(shape: shape, values: values, isInteger: type.isInteger, elementType: type)
  }

  /// The bytes of a tensor in a file beside the model.
  private mutating func external(_ tensor: Onnx_TensorProto, _ name: String) throws(CompilationFailed)
    -> [UInt8]
  {
    var entries: [String: String] = [:]
    for entry in tensor.externalData { entries[entry.key] = entry.value }
    func wrong(_ message: String) -> CompilationFailed {
      CompilationFailed(
        "I402", "the data of tensor '\(name)' \(message)", at: .file(file),
        notes: ["keep the model's .data file beside it"])
    }
    guard let location = entries["location"], !location.isEmpty else { throw wrong("have no location") }
    // The file is beside the model or below it, never elsewhere.
    guard !location.hasPrefix("/"), !location.split(separator: "/").contains("..") else {
      throw wrong("lie at '\(location)', outside of the model's folder")
    }
    let folder = file.lastIndex(of: "/").map { String(file[...$0]) } ?? ""
    if externalFiles[location] == nil {
      do throws(CompilationFailed) {
        externalFiles[location] = try InputFile.bytes(at: folder + location)
      } catch {
        throw wrong("can't be read from '\(location)'")
      }
    }
    let bytes = externalFiles[location] ?? []
    let offset = Int(entries["offset"] ?? "0") ?? -1
    let length = entries["length"].map { Int($0) ?? -1 } ?? bytes.count - offset
    guard offset >= 0, length >= 0, offset <= bytes.count, length <= bytes.count - offset else {
      throw wrong("lie beyond the end of '\(location)'")
    }
    return Array(bytes[offset..<(offset + length)])
  }
}

/// The element types of ONNX tensors that hold numbers (onnx.proto, `TensorProto.DataType`).
enum ONNXElementType: Int, Sendable {
  case float = 1, uint8 = 2, int8 = 3, uint16 = 4, int16 = 5, int32 = 6, int64 = 7, bool = 9, float16 = 10
  case double = 11, uint32 = 12, uint64 = 13, bfloat16 = 16, uint4 = 21, int4 = 22

  var isInteger: Bool {
    switch self {
    case .float, .double, .float16, .bfloat16: false
    default: true
    }
  }

  /// The numbers in little-endian bytes; bytes that are no whole number at the end are dropped.
  func values(_ bytes: [UInt8]) -> [Double] {
    switch self {
    case .float: Self.integers(bytes, UInt32.self).map { Double(Float(bitPattern: $0)) }
    case .double: Self.integers(bytes, UInt64.self).map { Double(bitPattern: $0) }
    case .float16: Self.integers(bytes, UInt16.self).map(Self.half)
    case .bfloat16: Self.integers(bytes, UInt16.self).map { Double(Float(bitPattern: UInt32($0) << 16)) }
    case .uint8: bytes.map(Double.init)
    // Two in a byte, the first in its lower half.
    case .uint4: bytes.flatMap { [Double($0 & 15), Double($0 >> 4)] }
    case .int4: bytes.flatMap { [Double(Int8(bitPattern: $0 << 4) >> 4), Double(Int8(bitPattern: $0) >> 4)] }
    case .bool: bytes.map { $0 == 0 ? 0 : 1 }
    case .int8: bytes.map { Double(Int8(bitPattern: $0)) }
    case .uint16: Self.integers(bytes, UInt16.self).map(Double.init)
    case .int16: Self.integers(bytes, Int16.self).map(Double.init)
    case .int32: Self.integers(bytes, Int32.self).map(Double.init)
    case .int64: Self.integers(bytes, Int64.self).map(Double.init)
    case .uint32: Self.integers(bytes, UInt32.self).map(Double.init)
    case .uint64: Self.integers(bytes, UInt64.self).map(Double.init)
    }
  }

  /// The numbers in the field of a message that belongs to the type.
  func values(_ tensor: Onnx_TensorProto) -> [Double] {
    switch self {
    case .float: tensor.floatData.map(Double.init)
    case .double: tensor.doubleData
    case .int64: tensor.int64Data.map(Double.init)
    case .uint32, .uint64: tensor.uint64Data.map(Double.init)
    case .float16: tensor.int32Data.map { Self.half(UInt16(truncatingIfNeeded: $0)) }
    case .bfloat16:
      tensor.int32Data.map { Double(Float(bitPattern: UInt32(truncatingIfNeeded: $0) << 16)) }
    case .uint8, .int8, .uint16, .int16, .int32, .bool: tensor.int32Data.map(Double.init)
    case .uint4, .int4: values(tensor.int32Data.map { UInt8(truncatingIfNeeded: $0) })
    }
  }

  private static func integers<T: FixedWidthInteger>(_ bytes: [UInt8], _ type: T.Type) -> [T] {
    let width = T.bitWidth / 8
    return bytes.withUnsafeBytes { buffer in
      (0..<(bytes.count / width)).map {
        T(littleEndian: buffer.loadUnaligned(fromByteOffset: $0 * width, as: T.self))
      }
    }
  }

  /// The value of a binary16 pattern.
  private static func half(_ bits: UInt16) -> Double {
    let exponent = Int(bits >> 10 & 31)
    let fraction = Double(bits & 1023)
    let magnitude =
      exponent == 0
      ? fraction * 0x1p-24
      : exponent == 31
        ? (fraction == 0 ? .infinity : .nan)
        : (1024 + fraction) * Double(sign: .plus, exponent: exponent - 25, significand: 1)
    return bits >> 15 == 0 ? magnitude : -magnitude
  }
}
