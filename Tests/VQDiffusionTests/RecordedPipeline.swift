import Diffusion
import Foundation
import Synchronization
import Tensor
import TestSupport
import Testing
import Transformer
import VQDiffusion
import VQVAE

/// The recorded diffusers folder and what it computed, [B, K (+ 1), L].
struct RecordedPipeline {
  static let folder = fixtures.appendingPathComponent("hf/pipeline")

  let golden: GoldenCase
  let pipeline: VQDiffusionPipeline
  let prompts: [String]
  /// K
  let codes: Int
  let layout: TokenLayout
  let timesteps: Int

  init() throws {
    golden = try GoldenCase("hf")
    pipeline = try VQDiffusionPipeline(contentsOf: Self.folder)
    prompts = try golden.params.strings("prompts")
    codes = try golden.params.int("codebook_size")
    let grid = try golden.params.ints("grid")
    layout = .grid(rows: grid[0], columns: grid[1])
    timesteps = try golden.params.int("timesteps")
  }

  /// L
  var length: Int { layout.count }

  var texts: TextConditioner {
    get throws { try #require(pipeline.texts) }
  }

  func conditions() throws -> [NetworkCondition] { try prompts.map { .text(try texts.vectors(of: $0)) } }

  func unconditional() throws -> NetworkCondition { .text(try texts.unconditional(negative: nil)) }

  /// The tokens of a recorded I64 [B, L] tensor, image by image.
  func tokens(_ name: String) throws -> [Int32] { try golden.tokens(name) }

  /// Tokens of images on the recorded grid.
  func grid(_ tokens: [Int32]) -> ImageTokens { ImageTokens(tokens, layout: layout) }

  /// log p(x_0) without guidance at the recorded latents, [B, L, K].
  func logProbabilities(timestep: Int) throws -> FloatTensor {
    let logits = try pipeline.network.logits(
      NetworkInput(tokens: tokens("in.latents"), timesteps: prompts.map { _ in timestep }, conditions: conditions()))
    return predicted(logits, settings())
  }

  /// The recorded run's settings, ancestral steps, as far as the case doesn't say otherwise.
  func settings(guidanceScale: Double = 1, truncation: Truncation = .none) -> SamplingSettings {
    SamplingSettings(method: .ancestral, steps: timesteps, guidanceScale: guidanceScale, truncation: truncation)
  }

  /// What becomes of logits [B, L, K] before a step.
  func predicted(
    _ logits: FloatTensor, unconditional: FloatTensor? = nil, _ settings: SamplingSettings
  ) -> FloatTensor {
    let rows = logits.count / codes
    return FloatTensor(uninitialized: logits.shape) { values in
      logits.withUnsafeBufferPointer { given in
        func predict(_ free: UnsafeBufferPointer<Float>?) {
          let prediction = Prediction(
            logits: LogitsRows(given.baseAddress!), unconditional: free.map { LogitsRows($0.baseAddress!) },
            guidanceScale: settings.guidanceScale, settings: settings, codes: codes)
          for row in 0..<rows { (values + row * codes).update(from: prediction.logProbabilities(at: row), count: codes) }
        }
        if let unconditional { unconditional.withUnsafeBufferPointer { predict($0) } } else { predict(nil) }
      }
    }
  }

  /// log of p(x_{t−1} | x_t), K + 1 values of each position. With the public floor of 1e-30 for a one-hot vector's zeros.
  func logPosterior(_ logProbabilities: FloatTensor, timestep: Int) throws -> FloatTensor {
    let posterior = Posterior(pipeline.corruption, from: timestep + 1, to: timestep, floor: 1e-30)
    let tokens = try tokens("in.latents")
    let (p, width) = (logProbabilities.values.map { exp($0) }, codes + 1)
    return FloatTensor(uninitialized: Array(logProbabilities.shape.dropLast()) + [width]) { values in
      for (row, token) in tokens.enumerated() {
        p.withUnsafeBufferPointer {
          posterior.write(
            token: token, probabilities: $0.baseAddress! + row * codes,
            into: UnsafeMutableBufferPointer(start: values + row * width, count: width))
        }
        for k in 0..<width { values[row * width + k] = log(values[row * width + k]) }
      }
    }
  }
}

/// argmax of log p + noise with the recorded uniforms [B, rows, L] of each step, as diffusers draws.
///
/// At the last step diffusers draws among the K codes, from the prediction itself; here that step's posterior gives the mask
/// the weight 0 and the codes the prediction. So there is no uniform for the mask then, and none is needed.
struct RecordedGumbel: NoiseSource {
  let uniforms: [FloatTensor]

  func categorical(_ weights: UnsafeBufferPointer<Float>, key: DrawKey) -> Int {
    let uniforms = uniforms[key.step]
    let rows = uniforms.shape[1]
    precondition(rows == weights.count || weights[rows...].allSatisfy { $0 == 0 }, "a weight without a uniform")
    return Self.draw(weights[..<rows].map { max(log($0), -70) }, uniforms, image: key.image, position: key.position)
  }

  static func draw(_ logs: [Float], _ uniforms: FloatTensor, image: Int, position: Int) -> Int {
    var (best, bestScore) = (0, -Float.infinity)
    for (k, value) in logs.enumerated() {
      let noise = -log(-log(uniforms[image, k, position] + 1e-30) + 1e-30)
      if noise + value > bestScore { (best, bestScore) = (k, noise + value) }
    }
    return best
  }

  func uniform(_ key: DrawKey) -> Double { .nan }
}
