/// Columns of text for a terminal; columns that hold only numbers are set flush right.
struct TextTable {
  private var rows: [[String]]

  init(_ header: [String]) { rows = [header] }

  mutating func add(_ row: [String]) { rows.append(row) }

  var text: String {
    let columns = rows[0].indices
    let widths = columns.map { column in rows.map { $0[column].count }.max() ?? 0 }
    let isNumeric = columns.map { column in
      rows.count > 1
        && rows.dropFirst().allSatisfy { $0[column].allSatisfy { $0.isNumber || ".-~".contains($0) } }
    }
    return rows.map { row in
      let cells = columns.map { column -> String in
        let padding = String(repeating: " ", count: widths[column] - row[column].count)
        return isNumeric[column] ? padding + row[column] : row[column] + padding
      }
      return "  " + cells.joined(separator: "  ").trimmingTrailingSpaces
    }.joined(separator: "\n")
  }
}

extension String {
  fileprivate var trimmingTrailingSpaces: String {
    var result = self
    while result.last == " " { result.removeLast() }
    return result
  }
}
