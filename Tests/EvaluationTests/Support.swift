import Evaluation
import Foundation
import Tensor

/// Standard normal numbers (Box and Muller), a function of the seed.
func normals(_ count: Int, seed: UInt64) -> [Double] {
  let philox = Philox(seed: seed)
  return (0..<count).map { index in
    let radius = (-2 * log(philox.uniform(SIMD4(UInt32(index), 0, 0, 0)))).squareRoot()
    return radius * cos(2 * .pi * philox.uniform(SIMD4(UInt32(index), 1, 0, 0)))
  }
}

/// N rows of independent normal numbers with a mean and a standard deviation for all columns.
func normalSet(
  _ count: Int, dimension: Int, seed: UInt64, mean: Double = 0, deviation: Double = 1, name: String = "set"
) throws -> FeatureSet {
  try FeatureSet(
    name: name, values: normals(count * dimension, seed: seed).map { mean + deviation * $0 }, dimension: dimension)
}

/// Row `index`.
func row(_ set: FeatureSet, _ index: Int) -> [Double] {
  Array(set.values[index * set.dimension..<(index + 1) * set.dimension])
}
