/// What a heap holds: elements in a total order, so that results don't depend on how they came in.
protocol HeapElement {
  func precedes(_ other: Self) -> Bool
}

/// A binary heap: the children of i are 2i + 1 and 2i + 2, and none precedes its parent.
struct Heap<Element: HeapElement> {
  private var elements: [Element] = []

  mutating func insert(_ element: Element) {
    elements.append(element)
    var i = elements.count - 1
    while i > 0 {
      let parent = (i - 1) / 2
      if !element.precedes(elements[parent]) { break }
      elements[i] = elements[parent]
      i = parent
    }
    elements[i] = element
  }

  mutating func removeFirst() -> Element? {
    guard let first = elements.first else { return nil }
    let moved = elements.removeLast()
    if elements.isEmpty { return first }
    var i = 0
    while true {
      var child = 2 * i + 1
      if child >= elements.count { break }
      if child + 1 < elements.count && elements[child + 1].precedes(elements[child]) { child += 1 }
      if !elements[child].precedes(moved) { break }
      elements[i] = elements[child]
      i = child
    }
    elements[i] = moved
    return first
  }
}
