import Diagnostics
import Glibc

/// Vectors as text, one sample a line: numbers apart by commas or white space, as hls4ml's
/// `tb_input_features.dat` and the files of `numpy.savetxt`. Empty lines and what follows `#` are skipped; a
/// first line of names is allowed.
enum VectorText {
  /// The array of shape [lines, numbers a line].
  ///
  /// - Throws: I604 with line and column where a number is expected and something else stands, and for a line
  ///   of another length than the first.
  static func array(_ bytes: [UInt8], file: String) throws(CompilationFailed) -> NamedArray {
    var parser = Parser(text: bytes + [0], file: file)
    try parser.parse()
    guard parser.samples > 0 else {
      throw CompilationFailed("I606", "the file holds no numbers", at: .file(file))
    }
    return NamedArray(name: "input", shape: [parser.samples, parser.width ?? 0], values: parser.values)
  }

  /// Arrays side by side, each value in the shortest form that reads back exactly.
  ///
  /// - Throws: I608 when they differ in the number of samples.
  static func bytes(_ arrays: [NamedArray], separator: String, file: String) throws(CompilationFailed)
    -> [UInt8]
  {
    let samples = arrays.first?.samples ?? 0
    guard arrays.allSatisfy({ $0.samples == samples }) else {
      throw CompilationFailed(
        "I608", "arrays with different numbers of samples do not fit into lines", at: .file(file),
        notes: ["write .npz or .h5"])
    }
    var text: [UInt8] = []
    for sample in 0..<samples {
      var isFirst = true
      for array in arrays {
        let width = array.elementsPerSample
        for value in array.values[sample * width..<(sample + 1) * width] {
          if !isFirst { text += separator.utf8 }
          text += value.description.utf8
          isFirst = false
        }
      }
      text.append(UInt8(ascii: "\n"))
    }
    return text
  }

  private struct Parser {
    /// The text, with a NUL after it for `strtod`.
    let text: [UInt8]
    let file: String
    var values: [Double] = []
    var samples = 0
    /// How many numbers the first line has.
    var width: Int?
    private var line = 0
    private var hasHeader = false

    init(text: [UInt8], file: String) {
      self.text = text
      self.file = file
    }

    mutating func parse() throws(CompilationFailed) {
      let end = text.count - 1
      var start = text.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
      while start < end {
        line += 1
        let newline = text[start..<end].firstIndex(of: UInt8(ascii: "\n")) ?? end
        let comment = text[start..<newline].firstIndex(of: UInt8(ascii: "#")) ?? newline
        try parseLine(start..<comment)
        start = newline + 1
      }
    }

    private mutating func parseLine(_ range: Range<Int>) throws(CompilationFailed) {
      let fields = try fields(range)
      if fields.isEmpty { return }
      for field in fields {
        if let value = number(field) {
          values.append(value)
          continue
        }
        // Names begin otherwise than numbers; anything else is a damaged line.
        if samples == 0 && !hasHeader && fields.allSatisfy({ !isNumeric(text[$0.lowerBound]) }) {
          hasHeader = true
          return
        }
        throw error(
          "expected a number, found '\(String(decoding: text[field].prefix(40), as: UTF8.self))'", range,
          field)
      }
      if let width, width != fields.count {
        throw error("expected \(width) numbers as in the first line, found \(fields.count)", range, range)
      }
      width = fields.count
      samples += 1
    }

    /// The fields of a line: apart by one comma, by white space, or both.
    private func fields(_ line: Range<Int>) throws(CompilationFailed) -> [Range<Int>] {
      var fields: [Range<Int>] = []
      var at = line.lowerBound
      var commaBefore: Int?
      func skipSpace() { while at < line.upperBound, isSpace(text[at]) { at += 1 } }
      skipSpace()
      while at < line.upperBound {
        let start = at
        while at < line.upperBound, !isSpace(text[at]), text[at] != UInt8(ascii: ",") { at += 1 }
        if at == start { throw error("expected a number before ','", line, start..<start) }
        fields.append(start..<at)
        commaBefore = nil
        skipSpace()
        if at < line.upperBound, text[at] == UInt8(ascii: ",") {
          commaBefore = at
          at += 1
          skipSpace()
        }
      }
      if let commaBefore { throw error("expected a number after ','", line, commaBefore..<commaBefore) }
      return fields
    }

    private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }

    /// Whether a number can begin with that character, or contain it.
    private func isNumeric(_ byte: UInt8) -> Bool {
      byte >= 0x30 && byte <= 0x39 || byte == 0x2B || byte == 0x2D || byte == 0x2E
    }

    /// A decimal number, or NaN or infinity in any of the usual spellings; correctly rounded.
    private func number(_ field: Range<Int>) -> Double? {
      if !text[field].allSatisfy({ isNumeric($0) || $0 | 0x20 == UInt8(ascii: "e") }) {
        let word = String(decoding: text[field], as: UTF8.self).lowercased()
        guard ["nan", "inf", "infinity"].contains(word.drop { $0 == "-" || $0 == "+" }) else { return nil }
      }
      return text.withUnsafeBytes { bytes -> Double? in
        guard let base = bytes.baseAddress?.assumingMemoryBound(to: CChar.self) else { return nil }
        var end: UnsafeMutablePointer<CChar>?
        let value = strtod(base + field.lowerBound, &end)
        guard let end, UnsafePointer(end) == base + field.upperBound else { return nil }
        return value
      }
    }

    private func error(_ message: String, _ line: Range<Int>, _ place: Range<Int>) -> CompilationFailed {
      let column = lineAndColumn(of: place.lowerBound - line.lowerBound, in: Array(text[line])).column
      return CompilationFailed("I604", message, at: .text(file: file, line: self.line, column: column))
    }
  }
}
