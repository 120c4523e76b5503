import Foundation

extension Reference {
  /// softmax(q kᵀ / √d) v for each of `heads` slices of width d, from qkv [B, L, 3D]: query, key, value side by side.
  package static func selfAttention(_ qkv: FloatTensor, heads: Int) -> FloatTensor {
    let (batch, length, width) = (qkv.shape[0], qkv.shape[1], qkv.shape[2] / 3)
    let headWidth = width / heads
    var result = FloatTensor(zeros: [batch, length, width])
    for image in 0..<batch {
      for head in 0..<heads {
        let columns = head * headWidth..<(head + 1) * headWidth
        /// [L][d]; part 0 is the query, 1 the key, 2 the value.
        func rows(_ part: Int) -> [[Double]] {
          (0..<length).map { token in columns.map { Double(qkv[image, token, part * width + $0]) } }
        }
        let attended = attention(query: rows(0), key: rows(1), value: rows(2))
        for token in 0..<length {
          for column in 0..<headWidth { result[image, token, columns.lowerBound + column] = Float(attended[token][column]) }
        }
      }
    }
    return result
  }

  private static func attention(query: [[Double]], key: [[Double]], value: [[Double]]) -> [[Double]] {
    query.map { query in
      let scores = key.map { dot(query, $0) / Double(query.count).squareRoot() }
      let largest = scores.reduce(-.infinity, max)
      let weights = scores.map { exp($0 - largest) }
      let sum = weights.reduce(0, +)
      return query.indices.map { column in dot(weights, value.map { $0[column] }) / sum }
    }
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
  }
}
