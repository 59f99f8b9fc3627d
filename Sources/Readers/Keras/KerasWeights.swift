import Diagnostics

/// The weights of a Keras model: Keras 2's tree of groups, which Keras 3 still writes into `.h5`, or the
/// numbered variables of a Keras 3 archive.
struct KerasWeights: Sendable {
  private enum Layout {
    /// A group for each layer, with the names of its weights in the attribute `weight_names`.
    case named(HDF5Group)
    /// `layers/<class>[_n]/vars/<i>`.
    case numbered(HDF5Group)
  }

  private let layout: Layout

  /// - Throws: I104 when the file holds no Keras weights.
  init(_ file: HDF5File) throws(CompilationFailed) {
    if let group = file.root.group("model_weights") {
      layout = .named(group)
    } else if try file.root.strings("layer_names") != nil {
      layout = .named(file.root)
    } else if KerasWeights.children(of: file.root) != nil || file.root.group("vars") != nil {
      layout = .numbered(file.root)
    } else {
      throw CompilationFailed(
        "I104", "the file holds no Keras weights: neither 'model_weights', 'layer_names' nor 'layers'",
        at: file.root.location)
    }
  }

  /// The variables of a layer, by name.
  ///
  /// - Parameters:
  ///   - part: a component of the layer that has variables of its own, such as `["kq", "quantizer"]`, or
  ///     empty.
  ///   - names: all variables that the layer has, in the order in which Keras creates them.
  ///   - sublayer: the name of a layer inside of the layer, whose place in an archive is `part`.
  ///   - inner: a layer inside whose variables count as the layer's own, but stand apart in an archive.
  /// - Throws: I105 where some are missing or there are others, I106 where the file names another layer.
  func variables(
    of layer: WeightAddress, part: [String] = [], sublayer: String? = nil, _ names: [String],
    inner: (name: String, variables: [String])? = nil
  ) throws(CompilationFailed) -> [String: HDF5Dataset] {
    switch layout {
    case .named(let root):
      return try named(root, layer, part, sublayer: sublayer, names + (inner?.variables ?? []))
    case .numbered(let root):
      let own = try numbered(root, layer, part, names)
      guard let inner else { return own }
      return try own.merging(numbered(root, layer, part + [inner.name], inner.variables)) { first, _ in first
      }
    }
  }
}

// MARK: Named variables

extension KerasWeights {
  private typealias Entry = (path: [Substring], dataset: HDF5Dataset)

  /// The datasets of a layer with their names split at `/`, in the order of `weight_names`.
  ///
  /// The weights of a nested model lie in one group; there the names of the layers around the variable tell
  /// whose it is.
  private func entries(_ root: HDF5Group, _ layer: WeightAddress, _ part: [String])
    throws(CompilationFailed) -> [Entry]
  {
    guard let outermost = layer.names.first, let own = layer.names.last else { return [] }
    let group = try root.requireGroup(outermost)
    var all: [Entry] = []
    for name in try group.requireStrings("weight_names") {
      all.append((name.split(separator: "/"), try group.requireDataset(name)))
    }
    if layer.names.count > 1 {
      // From the most specific spelling, `tower/inner/dense`, to the least, `dense`.
      let spellings = layer.names.indices.map { layer.names[$0...].map { Substring($0) } }
      let matches = spellings.lazy.map { spelling in
        all.filter { entry in entry.path.indices.contains { entry.path[$0...].starts(with: spelling) } }
      }
      all = matches.first { !$0.isEmpty } ?? []
    }
    return part.isEmpty
      ? all.filter { !isQuantizer($0.path) } : quantizer(own, part, all.filter { isQuantizer($0.path) })
  }

  /// Whether a variable belongs to a quantizer of HGQ2, `…/fixed_point_quantizer_kif_3/f`.
  private func isQuantizer(_ path: [Substring]) -> Bool {
    path.dropLast().last?.hasPrefix("fixed_point_quantizer") ?? false
  }

  /// The variables of one of a layer's quantizers: `dense/dense_kq/…`,
  /// `add/multiple_quantizers/quantizer_7/…` for the operands of a merge in order, or the layer's own.
  private func quantizer(_ layer: String, _ part: [String], _ entries: [Entry]) -> [Entry] {
    let components = part.dropLast()
    if components.isEmpty { return entries }
    guard components.count == 3, components[1] == "quantizers" else {
      let name = Substring("\(layer)_\(components.joined(separator: "_"))")
      return entries.filter { $0.path.contains(name) }
    }
    var groups: [[Substring]] = []
    for entry in entries where !groups.contains(Array(entry.path.dropLast())) {
      groups.append(entry.path.dropLast())
    }
    let position = components[2].split(separator: "_").dropFirst().first.flatMap { Int($0) } ?? 0
    guard groups.indices.contains(position) else { return [] }
    return entries.filter { $0.path.dropLast() == groups[position][...] }
  }

  private func named(
    _ root: HDF5Group, _ layer: WeightAddress, _ part: [String], sublayer: String?, _ names: [String]
  ) throws(CompilationFailed) -> [String: HDF5Dataset] {
    var entries = try entries(root, layer, sublayer == nil ? part : [])
    if let sublayer { entries = entries.filter { $0.path.dropLast().last == Substring(sublayer) } }
    var result: [String: HDF5Dataset] = [:]
    for (path, dataset) in entries {
      let name = (path.last ?? "").split(separator: ":").first.map(String.init) ?? ""
      if result.updateValue(dataset, forKey: name) != nil {
        throw CompilationFailed(
          "I105", "two variables of the layer are named '\(name)'", at: dataset.location)
      }
    }
    let group = try root.requireGroup(layer.names.first ?? "")
    try check(result.keys.sorted(), names, at: group.location)
    return result
  }
}

// MARK: Numbered variables

extension KerasWeights {
  /// The group that lists a model's layers; Keras 2.12 calls it by its attribute.
  private static func children(of group: HDF5Group) -> HDF5Group? {
    group.group("layers") ?? group.group("_layer_checkpoint_dependencies")
  }

  private func group(_ root: HDF5Group, _ layer: WeightAddress, _ part: [String]) -> HDF5Group? {
    var group = root
    for key in layer.keys {
      let next =
        switch key {
        case .layer(let name): KerasWeights.children(of: group)?.group(name)
        case .component(let name): group.group(name)
        }
      guard let next else { return nil }
      group = next
    }
    return part.isEmpty ? group : group.group(part.joined(separator: "/"))
  }

  private func numbered(_ root: HDF5Group, _ layer: WeightAddress, _ part: [String], _ names: [String])
    throws(CompilationFailed) -> [String: HDF5Dataset]
  {
    let place = layer.keys.map { key in
      switch key {
      case .layer(let name): "layers/\(name)"
      case .component(let name): name
      }
    }
    let path = place + part + ["vars"]
    guard let variables = group(root, layer, part)?.group("vars") else {
      if names.isEmpty { return [:] }
      throw CompilationFailed(
        "I105", "the weights of layer '\(layer.names.joined(separator: "/"))' are missing",
        at: .object(file: root.file, path: path.joined(separator: "/")))
    }
    // Components have names of their own.
    if part.isEmpty, case .layer? = layer.keys.last,
      case .strings(let written)? = variables.attribute("name")?.elements,
      let own = layer.names.last,
      written != [own]
    {
      throw CompilationFailed(
        "I106", "expected the weights of layer '\(own)', found those of '\(written.joined())'",
        at: variables.location, notes: ["architecture and weights are from different models"])
    }
    var result: [String: HDF5Dataset] = [:]
    for (i, name) in names.enumerated() { result[name] = variables.dataset("\(i)") }
    guard result.count == names.count, variables.datasets.count == names.count else {
      throw CompilationFailed(
        "I105", "expected the \(names.count) variables \(list(names)), found \(variables.datasets.count)",
        at: variables.location)
    }
    return result
  }

  private func check(_ found: [String], _ expected: [String], at location: Location) throws(CompilationFailed)
  {
    guard Set(found) == Set(expected) else {
      throw CompilationFailed(
        "I105", "expected the variables \(list(expected)), found \(list(found))", at: location)
    }
  }

  private func list(_ names: [String]) -> String {
    names.isEmpty ? "none" : names.map { "'\($0)'" }.joined(separator: ", ")
  }
}
