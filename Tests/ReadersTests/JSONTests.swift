import Diagnostics
import Testing

@testable import Readers

@Suite struct JSONTests {
  private func parse(_ text: String) throws -> JSONValue { try JSONDocument(text: text, file: "m.json").root }

  @Test func kindsAndValues() throws {
    let root = try parse(
      #"{"n": null, "t": true, "f": false, "i": -7, "r": 2.5, "s": "a\u00e9\n","#
        + #""a": [1, [2, 3], {}], "o": {"x": []}}"#
    )
    #expect(root["n"]?.isNull == true)
    #expect(root["t"]?.bool == true)
    #expect(root["f"]?.bool == false)
    #expect(root["i"]?.int == -7)
    #expect(root["i"]?.double == -7)
    #expect(root["r"]?.double == 2.5)
    #expect(root["r"]?.int == nil)
    #expect(root["s"]?.string == "aé\n")
    #expect(root["a"]?.array?.count == 3)
    #expect(root["a"]?[1]?[1]?.int == 3)
    #expect(root["a"]?[2]?.object?.count == 0)
    #expect(root["o"]?["x"]?.array?.isEmpty == true)
    #expect(root["absent"] == nil)
    #expect(root["a"]?[3] == nil)
    #expect(root.object?.keys == ["n", "t", "f", "i", "r", "s", "a", "o"])
  }

  /// As Python's `json` reads them: the last member of a name counts.
  @Test func duplicateNames() throws {
    let root = try parse(#"{"a": 1, "b": 2, "a": 3}"#)
    #expect(root["a"]?.int == 3)
    #expect(root.object?.map(\.key) == ["a", "b", "a"])
  }

  @Test func numbersWithoutDigits() throws {
    let root = try parse("[NaN, Infinity, -Infinity, 1e-400, -0.0]")
    let values = try root.requireDoubles()
    #expect(values[0].isNaN)
    #expect(values[1] == .infinity)
    #expect(values[2] == -.infinity)
    #expect(values[3] == 0)
    #expect(values[4].sign == .minus)
  }

  @Test(arguments: [
    ("9223372036854775807", Int.max), ("-9223372036854775808", Int.min), ("16.0", 16), ("1e3", 1000),
    ("0", 0),
  ])
  func integers(_ text: String, _ expected: Int) throws {
    #expect(try parse(text).requireInt() == expected)
  }

  @Test func integerBeyond64Bits() throws {
    let value = try parse("9223372036854775808")
    #expect(value.kind == .number)
    #expect(value.double == 9223372036854775808)
    #expect(value.int == nil)
  }

  /// Correct rounding: hard cases, halfway points, and random digits, against the standard library's own
  /// conversion.
  @Test func numbersAreCorrectlyRounded() throws {
    var texts = [
      "1.7976931348623157e308", "4.9406564584124654e-324", "2.2250738585072011e-308",
      "2.2250738585072014e-308",
      "9007199254740993", "9007199254740992.5", "9007199254740993.00000000000000000000000001", "1e23",
      "8.5e22",
      "0.1", "5e-324", "2.4703282292062327e-324", "2.4703282292062328e-324", "123456789012345678901234567890",
      "0.500000000000000166533453693773481063544750213623046875", "3.518437208883201171875e13",
      "62.5364939768271845828",
      "8.10109172351e-10", "1.50000000000000011102230246251565", "6929495644600919.5", "1e-5",
      "0.000000000000000000000000000000000000000000000000001", "100000000000000016777215",
      "100000000000000016777216",
    ]
    var random = SplitMix(seed: 1)
    for _ in 0..<20_000 {
      let bits = Double(bitPattern: random.next())
      if bits.isFinite { texts.append("\(bits)") }
      let digits = (0..<Int.random(in: 1...30, using: &random)).map { _ in
        "\(Int.random(in: 0...9, using: &random))"
      }
      texts.append("1\(digits.joined())e\(Int.random(in: -320...270, using: &random))")
      texts.append("0.\(digits.joined())")
    }
    let parsed = try parse("[\(texts.joined(separator: ","))]").requireArray()
    for (value, text) in zip(parsed, texts) where value.double != Double(text) {
      Issue.record("\(text) became \(value.double ?? .nan), not \(Double(text) ?? .nan)")
    }
  }

  @Test(arguments: ["1e309", "179769313486231580793e289", "-1.8e308"])
  func numbersBeyondBinary64AreRefused(_ text: String) {
    #expect(failure { _ = try parse(text) }?.message.contains("binary64") == true)
  }

  @Test(arguments: [
    ("", 1, 1), ("{", 1, 2), ("[1,]", 1, 4), ("{\"a\": 1,\n \"é\": tru}", 2, 9), ("[1] 2", 1, 5),
    ("[1]\u{0}", 1, 4),
    ("\"abc", 1, 5), ("[01]", 1, 3), ("nul", 1, 4), ("{'a': 1}", 1, 2), ("[\"\\x\"]", 1, 3), ("1.", 1, 3),
  ])
  func syntaxErrorsAreLocated(_ text: String, _ line: Int, _ column: Int) throws {
    let diagnostic = failure { _ = try parse(text) }
    #expect(diagnostic?.code == "I030")
    guard case .text("m.json", let atLine, let atColumn) = diagnostic?.location else {
      Issue.record("no location in \(String(describing: diagnostic))")
      return
    }
    #expect(atLine == line)
    #expect(abs(atColumn - column) <= 1, "column \(atColumn) for \(text)")
  }

  @Test func nestingIsBounded() throws {
    _ = try parse(String(repeating: "[", count: 512) + String(repeating: "]", count: 512))
    let diagnostic = failure { _ = try parse(String(repeating: "[", count: 100_000)) }
    #expect(diagnostic?.message.contains("nested too deeply") == true)
  }

  @Test func pathsNameTheValue() throws {
    let text =
      #"{"a": 1, "layers": [{}, [], 3, {"name": "fc", "config": {"units": "many", "list": [1, "x"]}}]}"#
    let root = try parse(text)
    let config = try root.require("layers")[3]?.require("config")
    #expect(config?["units"]?.path == "layers[3].config.units")
    #expect(root["layers"]?[2]?.path == "layers[2]")
    #expect(root.path == "")
    let wrong = failure { _ = try config?.requireInt("units") }
    #expect(wrong?.code == "I033")
    #expect(wrong?.location == .object(file: "m.json", path: "layers[3].config.units"))
    #expect(wrong?.message == "expected an integer, found the string 'many'")
    let missing = failure { _ = try config?.requireInt("filters") }
    #expect(missing?.code == "I032")
    #expect(missing?.location == .object(file: "m.json", path: "layers[3].config"))
    let element = failure { _ = try config?.requireInts("list") }
    #expect(element?.location == .object(file: "m.json", path: "layers[3].config.list[1]"))
    #expect(failure { _ = try parse("[1.5]")[0]?.requireInt() }?.code == "I034")
  }

  @Test func byteOrderMark() throws {
    #expect(try JSONDocument([0xEF, 0xBB, 0xBF] + Array("[1]".utf8), file: "f").root[0]?.int == 1)
  }

  @Test func invalidUTF8IsRefused() throws {
    #expect(failure { _ = try JSONDocument([0x22, 0xFF, 0x22], file: "f") }?.code == "I030")
  }

  @Test(.enabled(if: Shared.isPresent, "the shared models are absent"))
  func realFilesParse() throws {
    let files = Shared.files(withExtension: "json")
    #expect(files.count > 100)
    for file in files {
      let root = try JSONDocument(path: file).root
      #expect(root.kind == .object || root.kind == .array)
    }
  }

  /// Damaged texts are refused with a place in them, or are still JSON.
  @Test func damagedTexts() throws {
    let source = Array(
      #"{"class_name": "Dense", "config": {"units": 16, "w": [1.5, -2e3, NaN], "b": null, "u": "\u00e9"}}"#
        .utf8)
    for (seed, bytes) in Mutants(of: source, count: Mutants.defaultCount * 10) {
      let diagnostic = failure { _ = try JSONDocument(bytes, file: "m.json").root.object?.keys }
      if let diagnostic {
        guard case .text = diagnostic.location else {
          Issue.record("mutant \(seed): \(diagnostic)")
          continue
        }
      }
    }
  }
}
