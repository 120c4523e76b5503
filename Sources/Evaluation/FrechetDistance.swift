/// The Fréchet distance between two normal laws (Dowson and Landau 1982), of the formula that Heusel et al. 2017 apply to
/// Inception's features:
///
///     |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁ Σ₂)^½)
///
/// With Σᵢ = Sᵢ Sᵢᵀ the eigenvalues of Σ₁ Σ₂ are the squared singular values of S₁ᵀ S₂, so that tr (Σ₁ Σ₂)^½ is the sum of
/// these. Taking them as they are, instead of rooting the eigenvalues of S₁ᵀ Σ₂ S₁, keeps covariances without full
/// rank (N ≤ D) exact to some 10⁻¹⁴: a zero eigenvalue rounded to 10⁻¹⁶ has the root 10⁻⁸, and there are D − N + 1 of them.
///
/// The squared distance is what is called FID; its bias falls with 1/N and differs between models (Chong and Forsyth 2020).
package enum FrechetDistance {
  /// - Throws: `EvaluationError.tooFew` for fewer than two images, `.differingDimensions`, `.decomposition`.
  package static func between(_ first: FeatureSet, _ second: FeatureSet) throws(EvaluationError) -> Double {
    try second.requireDimension(of: first)
    for set in [first, second] { try set.require(2, for: "the Fréchet distance") }
    return try between(Moments(first), Moments(second))
  }

  package static func between(_ first: Moments, _ second: Moments) throws(EvaluationError) -> Double {
    let meanTerm = zip(first.mean, second.mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let (root1, root2) = (try first.covariance.squareRootFactor(), try second.covariance.squareRootFactor())
    let cross = try root1.product(root2, transposingSelf: true).singularValues().reduce(0, +)
    // Of equal laws nothing remains but rounding, which may be negative.
    return max(0, meanTerm + first.covariance.trace + second.covariance.trace - 2 * cross)
  }
}
