import FixedPoint
import Graph

/// Raw input vectors for verification: corner cases, then seeded random ones.
public struct Stimuli: Sendable {
  /// Each sample holds the raw integers of every input tensor, in model order.
  public var samples: [[[Int128]]]

  /// - Parameters:
  ///   - formats: the formats of every element of every input tensor.
  ///   - count: how many random samples follow the corner cases.
  public init(formats: [[Format]], count: Int, seed: UInt64) {
    samples = Stimuli.corners(formats)
    var generator = SplitMix64(seed: seed)
    for number in 0..<count {
      // Every fourth sample stays near zero, where activations change their shape; uniform ones mostly saturate.
      let isSmall = number % 4 == 3
      samples.append(
        formats.map { tensor in
          tensor.map { format in
            var range = format.range
            if isSmall, let near = Interval(range.lower / 64, range.upper / 64).intersection(range) {
              range = near
            }
            return Int128.random(in: range.lower...range.upper, using: &generator)
          }
        })
    }
  }

  /// All elements at one end, zero or alternating, then each element alone at either end (at most 64 of them).
  private static func corners(_ formats: [[Format]]) -> [[[Int128]]] {
    func sample(_ value: (_ position: Int, _ range: Interval) -> Int128) -> [[Int128]] {
      var position = 0
      return formats.map { tensor in
        tensor.map { format in
          defer { position += 1 }
          return value(position, format.range)
        }
      }
    }
    func rest(_ range: Interval) -> Int128 { min(max(0, range.lower), range.upper) }
    var result = [
      sample { rest($1) }, sample { $1.lower }, sample { $1.upper },
      sample { $0 % 2 == 0 ? $1.lower : $1.upper }, sample { $0 % 2 == 0 ? $1.upper : $1.lower },
    ]
    let count = formats.reduce(0) { $0 + $1.count }
    for element in 0..<min(count, 64) {
      result.append(sample { $0 == element ? $1.lower : rest($1) })
      result.append(sample { $0 == element ? $1.upper : rest($1) })
    }
    return result
  }
}
