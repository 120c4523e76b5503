import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing
import VQDiffusion
import VQDiffusionTraining

/// What fine-tuning changes, and what it leaves.
@Suite struct TunedModelTests {
  private func tensors(_ model: URL, _ part: String) throws -> SafetensorsFile {
    try SafetensorsFile(model.appendingPathComponent("\(part)/model.safetensors"))
  }

  @Test func refitLeavesTheEncoderAndHasFewerCodes() async throws {
    try await withTemporaryFolder { folder in
      let images = folder.appendingPathComponent("images")
      try SmallRuns.writeClasses(in: images)
      let old = try await SmallRuns.trainedAutoencoder(on: images, in: folder.appendingPathComponent("vqvae"))
      let settings = RefitSettings(
        codes: 5, clusteredLatents: 200, optimization: SmallRuns.optimization(steps: 30), reports: SmallRuns.reports)
      let observer = RunObserver()
      let run = TrainingRun(.refit(settings, model: old.path), images: images, validation: images)
      try await observer.run { try await run.begin(in: folder.appendingPathComponent("refit"), report: $0) }
      let (before, after) = (try tensors(old, "vqvae"), try tensors(folder.appendingPathComponent("refit/model"), "vqvae"))
      #expect(before.names.sorted() == after.names.sorted())
      for name in before.names where name.hasPrefix("encoder.") || name.hasPrefix("quant_conv.") {
        #expect(try before.floatTensor(name).values == after.floatTensor(name).values, "\(name)")
      }
      #expect(try before.floatTensor("decoder.conv_out.weight").values != after.floatTensor("decoder.conv_out.weight").values)
      #expect(after.shape(of: "quantize.embedding.weight") == [5, 4])
      let losses = observer.steps.compactMap { $0["loss"] }
      #expect(losses.suffix(5).reduce(0, +) < losses.prefix(5).reduce(0, +))
      #expect(observer.steps.last?["validation_codes_used"].map { (1...5).contains($0) } == true)
    }
  }

  @Test(arguments: [GuidanceSettings.Empty.null, .learned]) func noClassIsARowMore(empty: GuidanceSettings.Empty) async throws {
    try await withTemporaryFolder { folder in
      let images = folder.appendingPathComponent("images")
      try SmallRuns.writeClasses(in: images)
      let old = try await SmallRuns.trainedModel(
        on: images, autoencoder: SmallRuns.trainedAutoencoder(on: images, in: folder.appendingPathComponent("vqvae")),
        in: folder.appendingPathComponent("denoiser"))
      let settings = GuidanceSettings(
        empty: empty, labelDropout: 0.5, optimization: SmallRuns.optimization(steps: 10), reports: SmallRuns.reports)
      let new = try await TrainingRun(.guidance(settings, model: old.path), images: images)
        .begin(in: folder.appendingPathComponent("guided")).model
      let name = "blocks.1.ln2.emb.weight"
      let (before, after) = (try tensors(old, "transformer").floatTensor(name), try tensors(new, "transformer").floatTensor(name))
      #expect(before.shape == [2, 16] && after.shape == [3, 16])
      let mean = (0..<16).map { (before[0, $0] + before[1, $0]) / 2 }
      let row = (0..<16).map { after[2, $0] }
      if empty == .null { expectClose(row, mean, absolute: 1e-7) } else { #expect(row != mean) }
      #expect(after.rows([0, 1]).values != before.values)
      // What isn't frozen is the moving average, not the last step's.
      let state = try SafetensorsFile(folder.appendingPathComponent("guided/checkpoint.safetensors"))
      #expect(try after.rows([0, 1]).values == state.floatTensor("average.\(name)").rows([0, 1]).values)
      #expect(try after.rows([0, 1]).values != state.floatTensor("parameters.\(name)").rows([0, 1]).values)
      let pipeline = try VQDiffusionPipeline(contentsOf: new)
      let conditioning = pipeline.network.facts.conditioning
      #expect(conditioning == .classes(count: 2, hasNoClass: true, canAverage: true))
      #expect(pipeline.classCount == 2)
      #expect(pipeline.labels.names == ["disc", "stripes"])
    }
  }
}
