extension LayerImporter { static let hgq2Layers: [LayerImporter] = [] }
