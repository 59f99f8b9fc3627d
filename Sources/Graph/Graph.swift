import FixedPoint

/// What is computed: a directed acyclic graph of tensor operations over few, orthogonal primitives.
///
/// Nodes are in topological order. Shapes leave out the sample axis. A graph is *untyped* as a reader makes it: weights
/// and functions are real. Module Precision makes it *typed*: every node has a `type`, every number is an integer.
public struct Graph: Hashable, Sendable, Codable {
  public var name: String
  /// The framework that wrote the model file, such as `keras 2.14`.
  public var framework: String
  public var nodes: [Node]
  /// The tensors that leave the model, in model order.
  public var outputs: [Output]

  public init(name: String, framework: String) {
    self.name = name
    self.framework = framework
    nodes = []
    outputs = []
  }

  /// One tensor that leaves the model.
  public struct Output: Hashable, Sendable, Codable {
    public var name: String
    public var node: NodeID

    public init(name: String, node: NodeID) {
      self.name = name
      self.node = node
    }
  }

  public subscript(id: NodeID) -> Node {
    get { nodes[id.index] }
    set { nodes[id.index] = newValue }
  }

  /// The model's input nodes, in model order.
  public var inputs: [NodeID] {
    nodes.indices.filter { nodes[$0].primitive.isInput }.map(NodeID.init)
  }

  public var isTyped: Bool { nodes.allSatisfy { $0.type != nil } }

  /// Adds a node behind its operands; its shape follows from theirs.
  public mutating func add(
    _ primitive: Primitive, _ operands: [NodeID] = [], name: String, layer: Layer, shape: [Int]? = nil
  ) -> NodeID {
    let inferred = primitive.resultShape(operands.map { self[$0].shape })
    nodes.append(
      Node(name: name, layer: layer, primitive: primitive, operands: operands, shape: shape ?? inferred))
    return NodeID(nodes.count - 1)
  }
}

/// The index of a node, which names the tensor that it computes.
public struct NodeID: Hashable, Comparable, Sendable, Codable {
  public var index: Int

  public init(_ index: Int) { self.index = index }
  public init(from decoder: any Decoder) throws { index = try Int(from: decoder) }

  public func encode(to encoder: any Encoder) throws { try index.encode(to: encoder) }
  public static func < (a: NodeID, b: NodeID) -> Bool { a.index < b.index }
}

/// One tensor operation.
public struct Node: Hashable, Sendable, Codable {
  /// Unique in the graph. A layer with a fused activation gives two nodes, `fc1` and `fc1_relu`, as hls4ml names them.
  public var name: String
  public var layer: Layer
  public var primitive: Primitive
  public var operands: [NodeID]
  public var shape: [Int]
  /// The exact numeric type of the result, once the graph is typed.
  public var type: TensorType?
  /// Of an input in a typed graph: the types into which each element's real value is converted on the way in.
  public var inputTypes: PerElement<FixedType>?
  /// What decided the type, once the graph is typed.
  public var typeSource: TypeSource?

  public init(name: String, layer: Layer, primitive: Primitive, operands: [NodeID], shape: [Int]) {
    self.name = name
    self.layer = layer
    self.primitive = primitive
    self.operands = operands
    self.shape = shape
  }

  public var count: Int { shape.elementCount }
}

/// The layer of the user's model that a node comes from, for messages, reports and signal names.
public struct Layer: Hashable, Sendable, Codable {
  public var name: String
  /// The framework's class, such as `QDense`.
  public var kind: String
  /// Where it stands in the file, such as `config.layers[3]`.
  public var path: String

  public init(name: String, kind: String, path: String) {
    self.name = name
    self.kind = kind
    self.path = path
  }
}

extension [Int] {
  /// The number of elements of a tensor of this shape.
  public var elementCount: Int { reduce(1, *) }
}
