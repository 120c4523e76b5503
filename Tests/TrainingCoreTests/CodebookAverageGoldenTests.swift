import Checkpoint
import Tensor
import TestSupport
import Testing
import TrainingCore

/// The public code's moving-average update of a codebook.
@Suite struct CodebookAverageGoldenTests {
  private func latents(_ golden: GoldenCase, _ name: String) throws -> FloatTensor {
    let x = nhwc(try golden.floats(name))
    return x.reshaped([x.count / x.shape[3], x.shape[3]])
  }

  @Test(arguments: [CodeDistance.euclidean, .cosine]) func recordedUpdate(distance: CodeDistance) throws {
    let golden = try GoldenCase("vqvae-patch")
    let (name, params) = ("ema.\(distance.rawValue)", golden.params)
    var average = try CodebookAverage(
      .init(distance: distance, decay: params.double("decay"), epsilon: params.double("eps")),
      golden.weights().scope("quantize"), codes: params.int("n_embed"), dimension: params.int("embed_dim"))
    let update = try average.update(latents(golden, "in.update_latents"))
    #expect(try update.tokens.map(Int.init) == golden.integers("out.\(name).index"))
    #expect(try [update.counts.count { $0 > 0 }] == golden.integers("out.\(name).used_codes"))
    #expect(update.counts.reduce(0, +) == update.tokens.count)
    expectClose(
      update.quantized, try latents(golden, "out.\(name).quantized_straight_through"),
      absolute: try golden.tolerance("\(name).quantized_straight_through"))
    expectClose(
      [update.loss], try golden.doubles("out.\(name).quantize_loss"), absolute: try golden.tolerance("\(name).quantize_loss"))
    for (tensor, found) in [("cluster_size", average.sizes), ("embedding_avg", average.sums), ("embedding", average.codes)] {
      expectClose(
        found, try golden.floats("out.\(name).\(tensor)"), absolute: try golden.tolerance("\(name).\(tensor)"), tensor)
    }
  }
}
