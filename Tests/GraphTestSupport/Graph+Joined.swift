import Graph

extension Graph {
  /// Graphs side by side in one, their nodes and outputs renamed apart: graph i's names begin with `g<i>_`. Many random
  /// graphs then take a single run of each tool.
  public static func joined(_ graphs: [Graph], name: String) -> Graph {
    var result = Graph(name: name, framework: "none")
    for (number, graph) in graphs.enumerated() {
      let first = result.nodes.count
      for node in graph.nodes {
        var layer = node.layer
        layer.name = "g\(number)_\(layer.name)"
        let operands = node.operands.map { NodeID($0.index + first) }
        let id = result.add(node.primitive, operands, name: "g\(number)_\(node.name)", layer: layer)
        result[id].type = node.type
        result[id].typeSource = node.typeSource
        result[id].inputTypes = node.inputTypes
      }
      result.outputs += graph.outputs.map {
        Graph.Output(name: "g\(number)_\($0.name)", node: NodeID($0.node.index + first))
      }
    }
    return result
  }
}
