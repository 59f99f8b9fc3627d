/// Who hears what a long run is doing.
public struct StageProgress: Sendable {
  private let report: @Sendable (String) -> Void

  /// - Parameter report: called with a few words as each stage begins.
  public init(_ report: @escaping @Sendable (String) -> Void) { self.report = report }

  /// Nobody.
  public static let silent = StageProgress { _ in }

  func callAsFunction(_ stage: String) { report(stage) }
}
