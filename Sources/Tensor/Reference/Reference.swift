/// Every kernel of this module a second time, as slow and as obvious as it can be written: plain loops over indices, sums
/// in double precision, no threads, no BLAS. Tests compare the kernels with these.
///
/// Legend: `B` batch, `L` tokens, `D` width, `H` heads (in images height), `W` width of images, `C` channels.
package enum Reference {
  /// A tensor whose element at each multi-index is `element(index)`, rounded to `Float`.
  static func tensor(_ shape: [Int], _ element: (_ index: [Int]) -> Double) -> FloatTensor {
    var index = [Int](repeating: 0, count: shape.count)
    let values = (0..<shape.reduce(1, *)).map { position in
      var rest = position
      for dimension in shape.indices.reversed() {
        (rest, index[dimension]) = rest.quotientAndRemainder(dividingBy: shape[dimension])
      }
      return Float(element(index))
    }
    return FloatTensor(values, shape: shape)
  }

  /// Each row of the last dimension replaced by `body` of it; the row's number counts through all leading dimensions.
  static func mapRows(_ x: FloatTensor, _ body: (_ row: [Double], _ number: Int) -> [Double]) -> FloatTensor {
    let width = x.shape[x.shape.count - 1]
    let values = x.values.map(Double.init)
    let rows = (0..<x.count / width).map { row in body(Array(values[row * width..<(row + 1) * width]), row) }
    return FloatTensor(rows.joined().map { Float($0) }, shape: x.shape)
  }

  /// Mean and 1 / √(variance + ε), biased variance, in two passes.
  static func moments(_ values: [Double], epsilon: Double) -> (mean: Double, inverseDeviation: Double) {
    let mean = values.reduce(0, +) / Double(values.count)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
    return (mean, 1 / (variance + epsilon).squareRoot())
  }
}
