import Foundation

extension Reference {
  /// softmax(q kᵀ / √d) v for each of `heads` slices of width d, from qkv [B, L, 3D]: query, key, value side by side.
  package static func selfAttention(_ qkv: FloatTensor, heads: Int) -> FloatTensor {
    let (batch, length, width) = (qkv.shape[0], qkv.shape[1], qkv.shape[2] / 3)
    return attention(shape: [batch, length, width], heads: heads) { image, columns in
      let parts = (0..<3).map { part in
        (0..<length).map { token in columns.map { Double(qkv[image, token, part * width + $0]) } }
      }
      return (parts[0], parts[1], parts[2])
    }
  }

  /// The same with queries [B, L, D], and for each sequence keys and values [T, 2D] side by side.
  package static func crossAttention(_ queries: FloatTensor, _ keysAndValues: [FloatTensor], heads: Int) -> FloatTensor {
    let (length, width) = (queries.shape[1], queries.shape[2])
    return attention(shape: queries.shape, heads: heads) { image, columns in
      let rows = keysAndValues[image]
      let query = (0..<length).map { token in columns.map { Double(queries[image, token, $0]) } }
      let parts = (0..<2).map { part in
        (0..<rows.shape[0]).map { token in columns.map { Double(rows[token, part * width + $0]) } }
      }
      return (query, parts[0], parts[1])
    }
  }

  /// - Parameters:
  ///   - shape: [B, L, D] of the result.
  ///   - slices: query, key and value [tokens][d] of an image's head, given by its columns.
  private static func attention(
    shape: [Int], heads: Int,
    slices: (_ image: Int, _ columns: Range<Int>) -> (query: [[Double]], key: [[Double]], value: [[Double]])
  ) -> FloatTensor {
    let headWidth = shape[2] / heads
    var result = FloatTensor(zeros: shape)
    for image in 0..<shape[0] {
      for head in 0..<heads {
        let columns = head * headWidth..<(head + 1) * headWidth
        let (query, key, value) = slices(image, columns)
        let attended = attention(query: query, key: key, value: value)
        for token in 0..<shape[1] {
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
