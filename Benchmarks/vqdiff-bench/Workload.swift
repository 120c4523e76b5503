import VQDiffusion

/// What one test repeats, on input made ahead.
struct Workload {
  let run: (_ repetition: Int) async throws -> Void

  init(_ test: Measurement.Test, pipeline: VQDiffusionPipeline, batch: Int) throws {
    switch test {
    case .denoise:
      run = { repetition in try pipeline.evaluateRandomTokens(batch: batch, seed: UInt64(repetition)) }
    case .sample:
      var settings = pipeline.defaultSettings
      settings.batchSize = batch
      let labels = pipeline.classCount == 0 ? [] : [0]
      run = { repetition in
        settings.seed = UInt64(repetition * batch)
        _ = try await pipeline.generate(labels: labels, count: batch, settings: settings)
      }
    case .encode:
      let images = try pipeline.decode(pipeline.randomTokens(images: batch, seed: 1))
      run = { _ in _ = try pipeline.encode(images) }
    case .decode:
      let tokens = pipeline.randomTokens(images: batch, seed: 1)
      run = { _ in _ = try pipeline.decode(tokens) }
    }
  }
}
