import Diffusion
import Foundation
import TestSupport
import Testing
import Transformer
import VQDiffusion
import VQVAE

/// Checkpoints in Microsoft's layout, as PyTorch wrote them. Their codec is cut down to its outermost layers.
@Suite struct RecordedCheckpointGoldenTests {
  private static let folder = fixtures.appendingPathComponent("checkpoints")

  private func location(_ file: String, _ yaml: String = "config.yaml", averages: Bool = true) -> ModelLocation {
    ModelLocation(
      Self.folder.appendingPathComponent(file), configuration: Self.folder.appendingPathComponent(yaml),
      prefersAveragedWeights: averages)
  }

  @Test(
    arguments: ["imagenet_f32.pth", "imagenet_f16.pth", "imagenet_legacy_format.pth"],
    [("config.yaml", true), ("config.yaml", false), ("config_dumped.yaml", true), ("config_dumped.yaml", false)])
  func logitsAgree(file: String, choice: (yaml: String, averages: Bool)) throws {
    let golden = try GoldenCase("checkpoints")
    let network = try VQDiffusionPipeline.network(location(file, choice.yaml, averages: choice.averages))
    let logits = try network.logits(
      NetworkInput(
        tokens: golden.tokens("in.tokens"), timesteps: golden.integers("in.t"),
        conditions: golden.integers("in.class").map { .index($0) }))
    let expected = try golden.floats("out.logits.\(file).\(choice.averages ? "ema" : "model")")
    expectClose(logits, transposed(expected), absolute: try golden.tolerance("logits"))
    // The other weights' logits are far away.
    let other = transposed(try golden.floats("out.logits.\(file).\(choice.averages ? "model" : "ema")"))
    #expect(!Closeness(logits, other, absolute: try golden.tolerance("logits"), relative: 0).isClose)
  }

  @Test func theConfigurationIsTheRecordedOne() throws {
    let golden = try GoldenCase("checkpoints")
    for yaml in ["config.yaml", "config_dumped.yaml"] {
      let expected: VQDiffusionConfiguration = try golden.params.decoded()
      let network = try VQDiffusionPipeline.network(location("imagenet_f32.pth", yaml))
      #expect(try #require(network as? VQDiffusionTransformer).configuration == expected)
      #expect(expected.unconditionalClass == nil)
    }
  }

  @Test func aCutDownCodecIsRefusedByName() throws {
    for load in [
      { _ = try VQDiffusionPipeline($0) }, { _ = try ImageCodec($0) }, { _ = try ModelReport($0) },
    ] as [(ModelLocation) throws -> Void] {
      let error = #expect(throws: (any Error).self) { try load(location("imagenet_f32.pth")) }
      let message = try #require(error.map { "\($0)" })
      #expect(message.hasPrefix("\(Self.folder.path)/imagenet_f32.pth: "), "\(message)")
      #expect(message.contains("expected a VQGAN's tensor \"encoder.down.0.block.0.conv1.weight\" of 4 dimensions"), "\(message)")
    }
  }

  @Test func withoutItsConfigurationACheckpointSaysNothing() {
    let file = Self.folder.appendingPathComponent("imagenet_f32.pth")
    #expect(throws: ModelFileError.configurationMissing(file: file.path)) { try VQDiffusionPipeline(ModelLocation(file)) }
    // What to do about it is for the program to say, not for the library.
    for (error, message) in [
      (ModelFileError.configurationMissing(file: "a.pth"), "a.pth: a checkpoint file needs the YAML file that describes it"),
      (.missingAutoencoder(file: "a.pth", searched: []), "a.pth: no autoencoder (content_codec.…)"),
      (.missingAutoencoder(file: "a.pth", searched: ["b"]), "a.pth: no autoencoder (content_codec.…), and none at b"),
      (
        .missingCodebookMap(file: "a.pth", path: "b.pt"),
        "a.pth: no b.pt, which maps the autoencoder's codes to the denoiser's"
      ),
      (.missingCodebookMap(file: "a.pth", path: nil), "a.pth: no table, which maps the autoencoder's codes to the denoiser's"),
    ] { #expect(error.description == message) }
  }
}
