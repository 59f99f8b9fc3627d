extension LayerImporter { static let hgq1Layers: [LayerImporter] = [] }
