import Dispatch
import Foundation

/// Blocking work on as many threads as there are cores.
public enum Parallel {
  /// The results in the order of the items.
  public static func map<Item: Sendable, Result: Sendable>(
    _ items: [Item], _ transform: @Sendable (Item) -> Result
  ) -> [Result] {
    let store = Store<Result>(count: items.count)
    DispatchQueue.concurrentPerform(iterations: items.count) { index in
      store.set(transform(items[index]), at: index)
    }
    return store.results
  }

  /// Results that arrive in any order.
  private final class Store<Result: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var slots: [Result?]

    init(count: Int) { slots = Array(repeating: nil, count: count) }

    func set(_ result: Result, at index: Int) { lock.withLock { slots[index] = result } }

    var results: [Result] { lock.withLock { slots.compactMap { $0 } } }
  }
}
