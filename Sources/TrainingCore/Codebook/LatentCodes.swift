import Tensor
import VQVAE

/// How training compares latents with codes.
package enum CodeDistance: String, Sendable, Codable, Equatable {
  /// |z − e|²
  case euclidean
  /// −z·e/|z||e|; latents and codes are normalised.
  case cosine
}

extension FloatTensor {
  /// z / max(|z|, 10⁻¹²) for each row of [N, D].
  package func normalizedRows() -> FloatTensor {
    let (rows, width) = (shape[0], shape[1])
    defer { keepAlive(self) }
    return FloatTensor(uninitialized: shape) { target in
      ThreadPool.shared.parallelFor(rows) { [target = SharedPointer(target)] row in
        let (from, to) = (base + row * width, target + row * width)
        var sum = 0.0
        for column in 0..<width { sum += Double(from[column]) * Double(from[column]) }
        let norm = max(sum.squareRoot(), 1e-12)
        for column in 0..<width { to[column] = Float(Double(from[column]) / norm) }
      }
    }
  }

  /// - Throws: `TrainingError.notFinite` for NaN or an infinity in [N, D].
  package func requireFinite(_ what: String) throws(TrainingError) {
    let place = withUnsafeBufferPointer { values in values.firstIndex { !$0.isFinite } }
    guard let place else { return }
    let (row, column) = place.quotientAndRemainder(dividingBy: max(shape[1], 1))
    throw .notFinite(what: what, row: row, column: column, found: self[row, column])
  }
}

/// Latents [N, D] and the code that each goes to.
package struct LatentCodes {
  let latents: FloatTensor
  /// [N]
  package let tokens: [Int32]

  /// Assigns latents to the codes [K, D] of the largest scores, of equal ones the first. Both are normalised already where the
  /// distance is the cosine.
  package init(_ latents: FloatTensor, codes: FloatTensor, distance: CodeDistance) {
    let (count, width, codeCount) = (latents.shape[0], latents.shape[1], codes.shape[0])
    let codebook =
      switch distance {
      case .euclidean: Codebook(codes: .floats(codes), options: ComputeOptions())
      case .cosine: Codebook(codes: .floats(codes), scoring: Linear(weight: codes, bias: nil))
      }
    // Cut by shape alone, into tables of scores that stay in a core's cache.
    let length = min(4096, max(64, (1 << 18) / codeCount))
    var tokens = [Int32](repeating: 0, count: count)
    tokens.withUnsafeMutableBufferPointer { tokens in
      guard let tokens = SharedPointer(tokens) else { return }
      ThreadPool.shared.parallelFor((count + length - 1) / length) { piece in
        let rows = piece * length..<min((piece + 1) * length, count)
        let some = codebook.tokens(latents.rows(rows, width: width).reshaped([1, 1, rows.count, width]))
        for (row, token) in zip(rows, some) { tokens.pointer[row] = token }
      }
    }
    (self.latents, self.tokens) = (latents, tokens)
  }

  /// How many latents each of `codes` codes got, and their sums [codes, D] in double precision, added up in the latents' order.
  package func sums(codes: Int) -> (counts: [Int], sums: [Double]) {
    let width = latents.shape[1]
    var members = [[Int]](repeating: [], count: codes)
    for (row, token) in tokens.enumerated() { members[Int(token)].append(row) }
    var sums = [Double](repeating: 0, count: codes * width)
    defer { keepAlive(latents) }
    sums.withUnsafeMutableBufferPointer { sums in
      guard let sums = SharedPointer(sums) else { return }
      ThreadPool.shared.parallelFor(codes) { [members] code in
        let (source, sum) = (latents.base, sums + code * width)
        for row in members[code] {
          for column in 0..<width { sum[column] += Double(source[row * width + column]) }
        }
      }
    }
    return (members.map(\.count), sums)
  }

  /// |z − e|² of each latent and its code, [N].
  func squaredDistances(to codes: FloatTensor) -> [Double] {
    let width = latents.shape[1]
    var distances = [Double](repeating: 0, count: tokens.count)
    defer { keepAlive(latents, codes) }
    distances.withUnsafeMutableBufferPointer { distances in
      guard let distances = SharedPointer(distances) else { return }
      ThreadPool.shared.parallelFor(tokens.count) { row in
        let (z, e) = (latents.base + row * width, codes.base + Int(tokens[row]) * width)
        var sum = 0.0
        for column in 0..<width {
          let difference = Double(z[column]) - Double(e[column])
          sum += difference * difference
        }
        distances.pointer[row] = sum
      }
    }
    return distances
  }
}
