import Circuit
import FixedPoint
import Graph
import Lowering
import Testing

@Suite("Which operations are made for one position")
struct InstanceTests {
  private static let type = FixedType(
    width: 6, integerBits: 4, isSigned: true, rounding: .rnd, overflow: .sat)

  @Test("a layer at several positions is as many instances, alike, with what follows element by element")
  func positions() throws {
    let graph = try layer(Self.type, isRectified: true, positions: 4)
    let circuit = try graph.lowered(LoweringOptions()).circuit
    var instances: [Int: [Operation]] = [:]
    for operation in circuit.operations where !operation.kind.operands.isEmpty {
      instances[operation.instance, default: []].append(operation)
    }
    #expect(instances[0] == nil)
    #expect(instances.count == 4)
    #expect(Set(instances.values.map(\.count)).count == 1)
    let layers = Set(circuit.operations.filter { $0.instance == 1 }.map { circuit.origins[$0.origin] })
    #expect(layers.count == 3)
  }

  @Test("a layer at one position is none")
  func onePosition() throws {
    let circuit = try layer(Self.type, isRectified: true).lowered(LoweringOptions()).circuit
    #expect(circuit.operations.allSatisfy { $0.instance == 0 })
  }
}
