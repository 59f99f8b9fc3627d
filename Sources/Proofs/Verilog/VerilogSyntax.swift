/// A module as it is written.
struct VerilogModule: Sendable {
  struct Port: Sendable {
    var isInput: Bool
    var name: VerilogName
    var range: VerilogRange?
  }

  var name: VerilogName
  var place: VerilogPlace
  var parameters: [(name: VerilogName, value: VerilogExpression)]
  var ports: [Port]
  var items: [VerilogItem]
}

/// `[high:low]`.
struct VerilogRange: Sendable {
  var high: VerilogExpression
  var low: VerilogExpression
}

/// What stands in a module.
indirect enum VerilogItem: Sendable {
  case signal(isRegister: Bool, VerilogName, VerilogRange?, value: VerilogExpression?, VerilogPlace)
  case assign(VerilogTarget, VerilogExpression)
  case always(clock: VerilogName, VerilogStatement, VerilogPlace)
  case instance(VerilogInstance)
  case constant(VerilogName, VerilogExpression)
  case function(VerilogFunction)
  case choice(VerilogExpression, [VerilogItem], otherwise: [VerilogItem])
  case loop(VerilogLoop)
}

/// `for (i = first; i < …; i = i + …)` between `generate` and `endgenerate`.
struct VerilogLoop: Sendable {
  var variable: VerilogName
  var first: VerilogExpression
  var condition: VerilogExpression
  var next: VerilogExpression
  var items: [VerilogItem]
  var place: VerilogPlace
}

struct VerilogInstance: Sendable {
  var module: VerilogName
  var parameters: [(name: VerilogName, value: VerilogExpression)]
  var name: VerilogName
  var connections: [(port: VerilogName, value: VerilogExpression)]
  var place: VerilogPlace
}

/// A signal, or some of its bits, that is driven.
struct VerilogTarget: Sendable {
  var name: VerilogName
  var range: VerilogRange?
  var place: VerilogPlace
}

/// What stands in an `always` block.
indirect enum VerilogStatement: Sendable {
  case block([VerilogStatement])
  case assign(VerilogTarget, VerilogExpression)
  case choice(VerilogExpression, VerilogStatement, otherwise: VerilogStatement?)
}

/// A function that is one `case` over its only argument: a table.
struct VerilogFunction: Sendable {
  var name: VerilogName
  var width: VerilogRange?
  var argument: VerilogRange?
  var entries: [(labels: [UInt128], value: UInt128)]
  /// The value elsewhere; nil where it is `x`.
  var otherwise: UInt128?
  var place: VerilogPlace
}

struct VerilogExpression: Sendable {
  indirect enum Kind: Sendable {
    case name(VerilogName)
    case number(value: UInt128, width: Int?, isUnknown: Bool)
    /// `name[high:low]`; `low` is nil for a single bit.
    case select(VerilogName, high: VerilogExpression, low: VerilogExpression?)
    /// Highest bits first, as written.
    case concatenation([VerilogExpression])
    case replication(VerilogExpression, [VerilogExpression])
    case unary(VerilogToken, VerilogExpression)
    case binary(VerilogToken, VerilogExpression, VerilogExpression)
    case conditional(VerilogExpression, VerilogExpression, VerilogExpression)
    case call(VerilogName, VerilogExpression)
  }
  var kind: Kind
  var place: VerilogPlace

  init(_ kind: Kind, at place: VerilogPlace) {
    self.kind = kind
    self.place = place
  }
}
