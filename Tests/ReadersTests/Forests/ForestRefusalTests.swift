import Diagnostics
import Foundation
import Testing

@testable import Readers

/// Models that are well-formed but that fpgaml does not compile, and files that are malformed in one known way.
@Suite struct ForestRefusalTests {
  private func failure(_ bytes: [UInt8], _ file: String) -> Diagnostic? {
    do throws(CompilationFailed) {
      _ = try ForestReader.model(bytes, file: file)
      return nil
    } catch {
      return error.diagnostics.first
    }
  }

  @Test(arguments: [
    ("lgbm_linear.txt", "I503", "linear models"), ("lgbm_categorical.txt", "I503", "categorical"),
    ("xgb_categorical.json", "I503", "categorical"), ("xgb_vector_leaf.json", "I503", "vectors"),
    ("xgb_linear.json", "I503", "gblinear"), ("make.py", "I500", "no decision forest"),
  ])
  func unsupportedModelsAreRefused(_ file: String, _ code: String, _ words: String) throws {
    let diagnostic = try #require(failure(try ForestFixture.bytes(file), file))
    #expect(diagnostic.code.description == code)
    #expect(diagnostic.message.contains(words))
    #expect(diagnostic.location != nil)
  }

  /// What a later version may add to a model could change its predictions; where it is empty, it does not.
  @Test func unknownMembersOfXGBoostAreRefused() throws {
    let text = String(decoding: try ForestFixture.bytes("xgb_dart_unified.json"), as: UTF8.self)
    let range = try #require(text.range(of: "\"tree_info\":"))
    let unknown = text.replacingCharacters(
      in: range, with: "\"tree_bias\":[0.5],\"leaf_map\":{\"a\":1},\"tree_info\":")
    let diagnostic = try #require(failure(Array(unknown.utf8), "m.json"))
    #expect(diagnostic.code.description == "I503")
    #expect(diagnostic.message.contains("'tree_bias', 'leaf_map'"))
    let empty = text.replacingCharacters(in: range, with: "\"tree_bias\":[],\"tree_info\":")
    #expect(failure(Array(empty.utf8), "m.json") == nil)
  }

  @Test(arguments: [
    ("left_child=1", "left_child=0", "I501"), ("num_leaves=8", "num_leaves=9", "I502"),
    ("num_leaves=8", "leaves=8", "I502"),
    ("split_feature=", "split_feature=77 ", "I502"), ("end of trees", "", "I502"),
    ("max_feature_idx=5", "max_feature_idx=0", "I501"), ("threshold=", "threshold=x", "I502"),
    ("num_tree_per_iteration=1", "num_tree_per_iteration=2", "I502"),
  ])
  func lightGBMErrorsHaveALine(_ old: String, _ new: String, _ code: String) throws {
    let text = String(decoding: try ForestFixture.bytes("lgbm_zero_missing.txt"), as: UTF8.self)
    let range = try #require(text.range(of: old))
    let changed = text.replacingCharacters(in: range, with: new)
    let diagnostic = try #require(failure(Array(changed.utf8), "m.txt"))
    #expect(diagnostic.code.description == code, "\(diagnostic)")
    #expect(diagnostic.location?.description.hasPrefix("m.txt") == true)
  }
}
