import CBLAS

/// Mean and unbiased covariance of a feature set.
package struct Moments: Sendable {
  /// μ: [D]
  package let mean: [Double]
  /// Σ = Σ_n (x_n − μ)(x_n − μ)ᵀ / (N − 1): [D, D]
  package let covariance: SquareMatrix

  package init(mean: [Double], covariance: SquareMatrix) {
    precondition(mean.count == covariance.size, "a mean of \(mean.count) and a covariance of \(covariance.size)")
    self.mean = mean
    self.covariance = covariance
  }

  /// - Throws: `EvaluationError.tooFew` for fewer than two images.
  package init(_ features: FeatureSet) throws(EvaluationError) {
    try features.require(2, for: "a covariance")
    let (count, dimension) = (features.count, features.dimension)
    var mean = [Double](repeating: 0, count: dimension)
    for row in 0..<count {
      for column in 0..<dimension { mean[column] += features.values[row * dimension + column] }
    }
    for column in 0..<dimension { mean[column] /= Double(count) }
    let centred = features.values.indices.map { features.values[$0] - mean[$0 % dimension] }
    var covariance = SquareMatrix(zeros: dimension)
    cblas_dgemm(
      CblasRowMajor, CblasTrans, CblasNoTrans, blasint(dimension), blasint(dimension), blasint(count),
      1 / Double(count - 1), centred, blasint(dimension), centred, blasint(dimension), 0, &covariance.values,
      blasint(dimension))
    self.mean = mean
    self.covariance = covariance
  }
}
