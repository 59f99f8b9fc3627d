import Diagnostics
import FixedPoint
import Testing

@testable import Planning

@Suite struct UnitsTests {
  @Test(arguments: [
    ("100ns", Rational(100)), ("100 ns", Rational(100)), ("0.5us", Rational(500)), ("750ps", Rational(3, 4)),
    ("2.5ns", Rational(5, 2)), ("4bx", Rational(100)), ("0.1ns", Rational(1, 10)),
  ])
  func timesAreExact(text: String, nanoseconds: Rational) throws {
    #expect(try TimeSpan(parsing: text, option: "--latency") == .nanoseconds(nanoseconds))
  }

  @Test func cyclesAreWhole() throws {
    #expect(try TimeSpan(parsing: "20cycles", option: "--latency") == .cycles(20))
    #expect(try TimeSpan(parsing: "1cycle", option: "--latency") == .cycles(1))
  }

  @Test func bunchCrossingsHaveTheLengthThatIsGiven() throws {
    let span = try TimeSpan(parsing: "3bx", option: "--latency", bunchCrossing: Rational(50, 3))
    #expect(span == .nanoseconds(Rational(50)))
  }

  @Test(arguments: [
    ("5ns", Rational(5)), ("2500ps", Rational(5, 2)), ("200MHz", Rational(5)), ("0.2 GHz", Rational(5)),
    ("360MHz", Rational(25, 9)), ("9/bx", Rational(25, 9)), ("40000kHz", Rational(25)),
    ("1us", Rational(1000)),
  ])
  func clocksAreExact(text: String, period: Rational) throws {
    #expect(try Clock(parsing: text) == .period(period))
  }

  @Test func theFastestClockHasAName() throws { #expect(try Clock(parsing: "max") == .fastest) }

  @Test(arguments: [
    ("25ns", "360MHz", 9), ("25ns", "9/bx", 9), ("1bx", "9/bx", 9), ("100ns", "200MHz", 20),
    ("2ns", "200MHz", 0),
    ("5ns", "5ns", 1), ("4.999ns", "5ns", 0), ("7cycles", "3ns", 7), ("1us", "300MHz", 300),
  ])
  func cyclesAreTheFloorOfTheExactQuotient(budget: String, clock: String, cycles: Int) throws {
    guard case .period(let period) = try Clock(parsing: clock) else { throw WidthOverflow() }
    #expect(try TimeSpan(parsing: budget, option: "--latency").cycles(period: period) == cycles)
  }

  @Test(arguments: [
    ("", "C001"), ("ns", "C001"), ("100", "C001"), ("-5ns", "C001"), ("5 seconds", "C001"),
    ("1.5cycles", "C001"),
    ("1e3ns", "C001"), ("5..ns", "C001"), ("0ns", "C003"), ("0cycles", "C003"), ("200MHz", "C001"),
    (".5ns", "C001"),
    ("2000000cycles", "C001"), ("12345678901234567890ns", "C001"),
  ])
  func otherTimesAreRefusedWithTheirOption(text: String, code: DiagnosticCode) throws {
    let failure = #expect(throws: CompilationFailed.self) { try TimeSpan(parsing: text, option: "--latency") }
    #expect(failure?.diagnostics.first?.code == code)
    #expect(failure?.diagnostics.first?.location == .option("--latency"))
  }

  @Test(arguments: [("fast", "C002"), ("5", "C002"), ("5cycles", "C002"), ("0MHz", "C003"), ("0ns", "C003")])
  func otherClocksAreRefused(text: String, code: DiagnosticCode) throws {
    let failure = #expect(throws: CompilationFailed.self) { try Clock(parsing: text) }
    #expect(failure?.diagnostics.first?.code == code)
  }

  @Test func uncertaintyIsAShareOrATime() throws {
    #expect(try ClockUncertainty(parsing: "12.5%") == .perMille(125))
    #expect(try ClockUncertainty(parsing: "0%") == .perMille(0))
    #expect(try ClockUncertainty(parsing: "0.4ns") == .time(Rational(2, 5)))
    for text in ["100%", "5cycles", "1bx", "much", ""] {
      let failure = #expect(throws: CompilationFailed.self) { try ClockUncertainty(parsing: text) }
      #expect(failure?.diagnostics.first?.code == "C005")
    }
  }

  @Test(arguments: [
    (Rational(5), "5"), (Rational(25, 9), "2.777"), (Rational(-1, 4), "-0.25"), (Rational(1, 1000), "0.001"),
  ])
  func timesArePrintedInDecimal(value: Rational, text: String) { #expect(value.decimal == text) }

  @Test func leastBudgetsArePrintedRoundedUp() {
    #expect(Rational(25, 9).decimalUp == "2.778")
    #expect(Rational(5).decimalUp == "5")
  }
}
