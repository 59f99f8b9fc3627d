import FixedPoint
import Functions

/// The tensor operations of the compiler. The frameworks' dozens of layers are the readers' vocabulary, not this one's.
///
/// A primitive that changes no numbers on the way (`rearrange`) is pure wiring; one that rounds, saturates, wraps or
/// rescales is `quantize`; everything else is exact, except `map` as far as its table is rounded.
public enum Primitive: Hashable, Sendable, Codable {
  case input(shape: [Int])
  case constant(Weights)
  /// A grouped constant matrix over the last axis.
  case linear(Linear)
  /// Two variable operands: […, M, K] times […, K, N], a matrix product for each index of the axes before, summed exactly.
  case contract
  /// Element by element over operands of one shape.
  case combine(Combination)
  case map(Map)
  case quantize(Quantizer)
  /// Over the last axis.
  case reduce(Reduction)
  case rearrange(Rearrangement)
  /// Rows of a constant table, picked by the operand's integers.
  case gather(Gather)
  /// Decision trees over the last axis: compare, select, sum.
  case forest(Forest)
  /// A body with carried states, step by step along the first axis.
  case scan(Scan)

  public var isInput: Bool { if case .input = self { true } else { false } }

  /// The word by which reports name the primitive.
  public var kind: String {
    switch self {
    case .input: "input"
    case .constant: "constant"
    case .linear: "linear"
    case .contract: "contract"
    case .combine: "combine"
    case .map: "map"
    case .quantize: "quantize"
    case .reduce: "reduce"
    case .rearrange: "rearrange"
    case .gather: "gather"
    case .forest: "forest"
    case .scan: "scan"
    }
  }
}

/// y[…, g, n] = bias[g, n] + Σ_k x[…, g, k] · weights[g, k, n]; the operand's last axis is groups · inputs, the
/// result's groups · outputs.
public struct Linear: Hashable, Sendable, Codable {
  public var groups: Int
  public var inputs: Int
  public var outputs: Int
  /// Shape [groups, inputs, outputs].
  public var weights: Weights
  /// Shape [groups, outputs].
  public var bias: Weights?
  /// The accumulator that a configuration asks for, with hls4ml's meaning: it starts with the bias, and each product and
  /// each partial sum is converted to it in input order. Nil: sums are exact.
  public var accumulator: FixedType?

  public init(groups: Int = 1, inputs: Int, outputs: Int, weights: Weights, bias: Weights? = nil) {
    self.groups = groups
    self.inputs = inputs
    self.outputs = outputs
    self.weights = weights
    self.bias = bias
  }
}

/// Elementwise operations over operands of one shape: two or more, except where a number is given.
public enum Combination: String, Hashable, Sendable, Codable, CaseIterable {
  case add, subtract, multiply, maximum, minimum
  /// Of two operands: 1 where the relation holds, else 0.
  case less, lessOrEqual, equal, notEqual
  /// Of three operands: the second where the first is not 0, else the third.
  case select

  /// Whether the results are 0 and 1.
  public var isComparison: Bool {
    switch self {
    case .less, .lessOrEqual, .equal, .notEqual: true
    case .add, .subtract, .multiply, .maximum, .minimum, .select: false
    }
  }

  /// How many operands the operation takes.
  public var operandCount: ClosedRange<Int> {
    switch self {
    case .add, .subtract, .multiply, .maximum, .minimum: 2...Int.max
    case .less, .lessOrEqual, .equal, .notEqual: 2...2
    case .select: 3...3
    }
  }
}

/// y[…, c] = table[x[…], c]: the operand's element i, an integer, becomes row i of a table.
public struct Gather: Hashable, Sendable, Codable {
  /// Shape [rows, columns].
  public var table: Weights

  public init(table: Weights) { self.table = table }

  public var rows: Int { table.shape.first ?? 0 }
  public var columns: Int { table.shape.last ?? 0 }
}

/// Reductions over the last axis, which the result no longer has.
public enum Reduction: String, Hashable, Sendable, Codable {
  case sum, maximum, minimum
  /// The index of the greatest element; of equal ones the lowest.
  case argmax
}

/// A change of type that rounds, saturates, wraps or rescales: a function into a type, monotone unless it wraps.
public enum Quantizer: Hashable, Sendable, Codable {
  /// scale · T(x / scale) with the conversion of each element's fixed-point type T.
  case fixed(PerElement<FixedType>, scales: PerElement<Rational>)
  /// A step function, the same for every element.
  case steps(Steps)

  /// A quantizer without scale.
  public static func fixed(_ types: PerElement<FixedType>) -> Quantizer {
    .fixed(types, scales: PerElement(repeating: .one, count: types.count))
  }
}

/// A monotone step function: `levels[j]` · 2^exponent · scale, where j is the number of thresholds that x has reached.
public struct Steps: Hashable, Sendable, Codable {
  /// Where the function steps, ascending.
  public var thresholds: [Threshold]
  /// One more than thresholds.
  public var levels: [Int64]
  public var exponent: Int
  public var scale: Rational

  public init(thresholds: [Threshold], levels: [Int64], exponent: Int = 0, scale: Rational = .one) {
    precondition(levels.count == thresholds.count + 1)
    self.thresholds = thresholds
    self.levels = levels
    self.exponent = exponent
    self.scale = scale
  }

  public struct Threshold: Hashable, Sendable, Codable {
    public var value: Rational
    /// Whether x = value has reached the threshold.
    public var isInclusive: Bool

    public init(_ value: Rational, isInclusive: Bool) {
      self.value = value
      self.isInclusive = isInclusive
    }

    public func isReached(by x: Rational) -> Bool { isInclusive ? value <= x : value < x }
  }
}

/// A unary function of every element.
public struct Map: Hashable, Sendable, Codable {
  public var function: Function
  /// How the typed graph computes the function; nil in an untyped graph.
  public var form: MapForm?
  /// In steps of the result, what its distance to the function is proven not to exceed, over all values of the tensor
  /// that the operand was narrowed from; where the result saturates, to the function's value within its range. Nil
  /// where every result is the function's correctly rounded value, or the form is a framework's own.
  public var errorBound: Double?

  public init(_ function: Function, form: MapForm? = nil, errorBound: Double? = nil) {
    self.function = function
    self.form = form
    self.errorBound = errorBound
  }
}

/// The integer form of a function: in a typed graph this is the function's meaning, in simulation, C++ and Verilog alike.
public enum MapForm: Hashable, Sendable, Codable {
  /// A piecewise linear function with dyadic slopes and corners, computed exactly; only `relu` has it.
  case rectifier(Rectifier)
  /// The whole function as tables over raw integers; element i uses `tables[tableOfElement[i]]`.
  case tables([FunctionTable], tableOfElement: PerElement<Int>)
  /// Straight pieces, for operands too wide for a table; element i uses `pieces[piecesOfElement[i]]`.
  case pieces([PiecewiseLinear], piecesOfElement: PerElement<Int>)
}

/// x > threshold: min(x, maximum); up to it: negativeSlope · (x − threshold).
public struct Rectifier: Hashable, Sendable, Codable {
  public var maximum: Rational?
  public var negativeSlope: Rational
  public var threshold: Rational

  public init(maximum: Rational?, negativeSlope: Rational, threshold: Rational) {
    self.maximum = maximum
    self.negativeSlope = negativeSlope
    self.threshold = threshold
  }
}

/// A function over the operand's raw integers: entry i is the result's raw integer for `first` + i.
public struct FunctionTable: Hashable, Sendable, Codable {
  public var first: Int64
  public var entries: [Int64]
  /// The exponent of the entries.
  public var exponent: Int

  public init(first: Int64, entries: [Int64], exponent: Int) {
    self.first = first
    self.entries = entries
    self.exponent = exponent
  }
}
