/// How many elements an array of that shape has, or nil where that is beyond an `Int`.
///
/// For that bound an extent of 0 counts as 1: every product of extents of an accepted shape can be formed
/// without overflow, also that of one sample's in an array of no samples.
func elementCount(_ shape: [Int]) -> Int? {
  var bound = 1
  for extent in shape {
    let (product, overflow) = bound.multipliedReportingOverflow(by: max(extent, 1))
    if overflow || extent < 0 { return nil }
    bound = product
  }
  return shape.contains(0) ? 0 : bound
}
