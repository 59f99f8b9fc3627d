import Diagnostics
import Graph

@testable import Readers

/// Makes Keras models out of a few lines of JSON, with weights in memory.
enum TestModel {
  /// A Sequential model of layers given as JSON, behind an input of that shape.
  static func sequential(_ layers: [String], input: String = "[null, 4]") -> String {
    let entry = #"{"class_name": "InputLayer", "config": {"name": "x", "batch_input_shape": \#(input)}}"#
    return
      #"{"class_name": "Sequential", "config": {"name": "m", "layers": ["#
      + ([entry] + layers).joined(separator: ", ") + "]}}"
  }

  static func layer(_ kind: String, _ name: String = "y", _ attributes: String = "") -> String {
    let rest = attributes.isEmpty ? "" : ", \(attributes)"
    return #"{"class_name": "\#(kind)", "config": {"name": "\#(name)"\#(rest)}}"#
  }

  /// Weights of layers by name: the variables with their shapes, all elements `value`.
  static func weights(_ layers: [(String, [(String, [Int])])], value: Double = 0.5) throws(CompilationFailed)
    -> KerasWeights
  {
    func strings(_ name: String, _ values: [String]) -> HDF5Attribute {
      HDF5Attribute(
        name: name, value: HDF5Array(type: "string", shape: [values.count], elements: .strings(values)))
    }
    let groups = layers.map { name, variables in
      var group = HDF5Group(file: "m.h5", path: "/model_weights/\(name)")
      group.attributes = [strings("weight_names", variables.map(\.0))]
      for (variable, shape) in variables {
        let array = HDF5Array(
          type: "float64", shape: shape,
          elements: .float64(Array(repeating: value, count: shape.reduce(1, *))))
        group.insert(array, at: variable.split(separator: "/").map(String.init))
      }
      return group
    }
    let top = HDF5Group(
      file: "m.h5", path: "/model_weights", attributes: [strings("layer_names", layers.map(\.0))],
      groups: groups,
      datasets: [])
    let root = HDF5Group(file: "m.h5", path: "/", attributes: [], groups: [top], datasets: [])
    return try KerasWeights(HDF5File(path: "m.h5", root: root))
  }

  static func read(_ model: String, weights: KerasWeights? = nil, version: String? = "2.14.0")
    throws(CompilationFailed) -> ReadModel
  {
    let document = try JSONDocument(text: model, file: "m.json")
    return try KerasReader(architecture: document.root, weights: weights, version: version).read(name: "m")
  }

  /// The diagnostics of a model that can't be read.
  static func diagnostics(_ model: String, weights: KerasWeights? = nil, version: String? = "2.14.0")
    -> [Diagnostic]
  {
    do throws(CompilationFailed) {
      return try read(model, weights: weights, version: version).notices
    } catch {
      return error.diagnostics
    }
  }
}

extension HDF5Group {
  /// Adds a dataset at a path of names, with the groups on the way.
  mutating func insert(_ array: HDF5Array, at names: [String]) {
    if names.count == 1 {
      datasets.append(HDF5Dataset(file: file, path: "\(path)/\(names[0])", value: array))
      return
    }
    if !groups.contains(where: { $0.name == names[0] }) {
      groups.append(HDF5Group(file: file, path: "\(path)/\(names[0])"))
    }
    for i in groups.indices where groups[i].name == names[0] {
      groups[i].insert(array, at: Array(names.dropFirst()))
    }
  }
}
