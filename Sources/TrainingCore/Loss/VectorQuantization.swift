import Tensor

/// The quantiser of a VQ-VAE in training (van den Oord et al. 2017, Eq. 3): the nearest code of each latent, the decoder's gradient handed
/// to the latent as it is (straight-through), and the losses that draw codes and latents together.
package struct VectorQuantization: Sendable {
  /// Which of the two terms β weights.
  package enum Weighting: String, Sendable, CaseIterable {
    /// ‖sg[e] − z‖² + β ‖e − sg[z]‖², as the public VQGAN code has it: β on the codebook's term.
    case legacy
    /// ‖e − sg[z]‖² + β ‖sg[e] − z‖², the paper's: β on the latents' term, the commitment.
    case standard
  }

  package var beta: Float = 0.25
  package var weighting = Weighting.legacy

  package init(beta: Float = 0.25, weighting: Weighting = .legacy) { (self.beta, self.weighting) = (beta, weighting) }

  /// Quantises latents on a tape.
  ///
  /// - Parameters:
  ///   - latents: z, [B, h, w, D].
  ///   - codes: e_k, [K, D].
  ///   - indices: of the nearest code of each of the N = B·h·w latents.
  /// - Returns: the codes [B, h, w, D], and the loss, each term a mean over N·D.
  package func callAsFunction(
    _ tape: Tape, latents: Node, codes: Node, indices: [Int32]
  ) -> (quantized: Node, loss: Double) {
    let (z, shape) = (latents.value, latents.value.shape)
    let e = codes.value.rows(indices.map(Int.init)).reshaped(shape)
    let (latentWeight, codeWeight) = weighting == .legacy ? (1, beta) : (beta, 1)
    let difference = FloatTensor(zip(e.values, z.values).map { $0 - $1 }, shape: shape)
    let meanSquare = difference.values.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(max(1, difference.count))
    let scale = 2 / Float(max(1, difference.count))
    let quantized = tape.record(e) { gradient in
      // dz = decoder's gradient + weight · 2 (z − e) / ND, de = weight · 2 (e − z) / ND.
      let toLatents = zip(gradient.values, difference.values).map { $0 - latentWeight * scale * $1 }
      latents.add(FloatTensor(toLatents, shape: shape))
      let toCodes = FloatTensor(difference.values.map { codeWeight * scale * $0 }, shape: [indices.count, codes.value.shape[1]])
      codes.add(Gradient.embedding(codes.value, indices: indices).pullback(toCodes))
    }
    return (quantized, Double(latentWeight + codeWeight) * meanSquare)
  }
}
