import CKernels
import Tensor

extension ParameterSet {
  /// √(Σ x²) over all elements of all tensors, added up in double precision in an order that depends on shapes alone.
  package var globalNorm: Double {
    let pieces = pieces
    var sums = [Double](repeating: 0, count: pieces.count)
    sums.withUnsafeMutableBufferPointer { sums in
      guard let sums = SharedPointer(sums) else { return }
      ThreadPool.shared.parallelFor(pieces.count) { index in
        let values = self[pieces[index].place].base
        let range = pieces[index].range
        // Independent sums, so that additions needn't wait for one another.
        var lanes = SIMD8<Double>.zero
        let whole = range.lowerBound + range.count / 8 * 8
        for start in stride(from: range.lowerBound, to: whole, by: 8) {
          for lane in 0..<8 {
            let value = Double(values[start + lane])
            lanes[lane] += value * value
          }
        }
        for place in whole..<range.upperBound { lanes[0] += Double(values[place]) * Double(values[place]) }
        sums.pointer[index] = lanes.sum()
      }
    }
    withExtendedLifetime(self) {}
    return sums.reduce(0, +).squareRoot()
  }

  /// x ← factor · x, in place.
  package mutating func scale(by factor: Float) {
    let pieces = pieces
    let x = mutableBases()
    ThreadPool.shared.parallelFor(pieces.count) { index in
      let values = x[pieces[index].place].pointer
      for i in pieces[index].range { values[i] *= factor }
    }
    withExtendedLifetime(self) {}
  }

  /// x ← x + y, in place; names, shapes and order are the same.
  package mutating func add(_ others: ParameterSet) {
    precondition(names == others.names, "the sum of different sets")
    let pieces = pieces
    let x = mutableBases()
    ThreadPool.shared.parallelFor(pieces.count) { index in
      let (place, range) = (pieces[index].place, pieces[index].range)
      vqd_add(others[place].base + range.lowerBound, x[place] + range.lowerBound, range.count)
    }
    withExtendedLifetime((self, others)) {}
  }

  /// Clips gradients by their global norm: g ← min(1, maximum / (‖g‖ + 10⁻⁶)) · g (Pascanu et al. 2013, Algorithm 1).
  ///
  /// - Returns: ‖g‖ from before. If it isn't finite, the gradients stay as they are, and no step should be made with them.
  package mutating func clip(toNorm maximum: Double) -> Double {
    precondition(maximum > 0, "gradients clipped to the norm \(maximum)")
    let norm = globalNorm
    let factor = maximum / (norm + 1e-6)
    if norm.isFinite && factor < 1 { scale(by: Float(factor)) }
    return norm
  }
}
