extension JSONValue: ModelValue {
  var elements: [JSONValue]? { array.map(Array.init) }

  var memberNames: [String]? { object?.keys }

  var numbers: [Double]? {
    guard let array else { return nil }
    var numbers: [Double] = []
    numbers.reserveCapacity(array.count)
    for element in array {
      guard let number = element.double else { return nil }
      numbers.append(number)
    }
    return numbers
  }
}
