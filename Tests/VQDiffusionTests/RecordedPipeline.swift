import Diffusion
import Foundation
import Synchronization
import Tensor
import TestSupport
import Testing
import Transformer
import VQDiffusion

/// The recorded diffusers folder and what it computed, [B, K (+ 1), L].
struct RecordedPipeline {
  static let folder = fixtures.appendingPathComponent("hf/pipeline")

  let golden: GoldenCase
  let pipeline: VQDiffusionPipeline
  let prompts: [String]
  let codes = 20

  init() throws {
    golden = try GoldenCase("hf")
    pipeline = try VQDiffusionPipeline(contentsOf: Self.folder)
    prompts = try golden.params.strings("prompts")
  }

  var texts: TextConditioner {
    get throws { try #require(pipeline.texts) }
  }

  func conditions() throws -> [DenoiserCondition] { try prompts.map { .text(try texts.vectors(of: $0)) } }

  func unconditional() throws -> DenoiserCondition { .text(try texts.unconditional(negative: nil)) }

  /// The tokens of a recorded I64 [B, L] tensor, image by image.
  func tokens(_ name: String) throws -> [Int32] { try golden.integers(name).map { Int32($0) } }

  /// log p(x_0) without guidance at the recorded latents, [B, L, K].
  func logProbabilities(timestep: Int) throws -> FloatTensor {
    let logits = try pipeline.transformer.logits(
      tokens: tokens("in.latents"), timesteps: [timestep, timestep], conditions: conditions())
    return predicted(logits, PredictionSettings())
  }

  /// What becomes of logits [B, L, K] before a step.
  func predicted(
    _ logits: FloatTensor, unconditional: FloatTensor? = nil, _ settings: PredictionSettings
  ) -> FloatTensor {
    let rows = logits.count / codes
    return FloatTensor(uninitialized: logits.shape) { values in
      logits.withUnsafeBufferPointer { given in
        func predict(_ free: UnsafeBufferPointer<Float>?) {
          let prediction = Prediction(
            logits: LogitsRows(given.baseAddress!), unconditional: free.map { LogitsRows($0.baseAddress!) }, settings: settings,
            codes: codes)
          for row in 0..<rows { (values + row * codes).update(from: prediction.logProbabilities(at: row), count: codes) }
        }
        if let unconditional { unconditional.withUnsafeBufferPointer { predict($0) } } else { predict(nil) }
      }
    }
  }

  /// log of p(x_{t−1} | x_t), K + 1 values of each position. With the public floor of 1e-30 for a one-hot vector's zeros.
  func logPosterior(_ logProbabilities: FloatTensor, timestep: Int) throws -> FloatTensor {
    let posterior = Posterior(pipeline.kernel, from: timestep + 1, to: timestep, floor: 1e-30)
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
