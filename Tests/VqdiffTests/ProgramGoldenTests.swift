import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing
import VQDiffusion

/// What the program writes against the recorded cases.
@Suite struct ProgramGoldenTests {
  struct WeightFile: CustomTestStringConvertible {
    let file: String
    let average: Bool
    var testDescription: String { "\(file), \(average ? "averaged" : "last step's")" }
  }

  private func checkpoint(_ name: String) -> String { fixtures.appendingPathComponent("checkpoints/\(name)").path }

  static let recorded = ["imagenet_f32.pth", "imagenet_f16.pth", "imagenet_legacy_format.pth"].flatMap { file in
    [true, false].map { WeightFile(file: file, average: $0) }
  }

  @Test(arguments: recorded) func denoiseWithACheckpointGivesTheRecordedLogits(_ weights: WeightFile) throws {
    let golden = try GoldenCase("checkpoints")
    try withTemporaryFolder { folder in
      try SafetensorsFile.write(denoiserInputs(golden), to: folder.appendingPathComponent("in.safetensors"))
      for configuration in ["config.yaml", "config_dumped.yaml"] {
        try succeed(
          ["denoise", "--model", checkpoint(weights.file), "--config", checkpoint(configuration), "-i", "in.safetensors"]
            + ["-o", "out.safetensors"] + (weights.average ? [] : ["--no-ema"]), in: folder)
        let logits = try SafetensorsFile(folder.appendingPathComponent("out.safetensors")).floatTensor("logits")
        let expected = try golden.floats("out.logits.\(weights.file).\(weights.average ? "ema" : "model")")  // [B, K, L]
        expectClose(logits, transposed(expected), absolute: try golden.tolerance("logits"))
      }
    }
  }

  @Test(arguments: ["denoiser-class-fc", "denoiser-text", "denoiser-uncond"])
  func denoiseGivesTheRecordedLogits(name: String) throws {
    let golden = try GoldenCase(name)
    try withTemporaryFolder { folder in
      try ModelFolders.writeTransformer(name, to: folder.appendingPathComponent("model"))
      try SafetensorsFile.write(denoiserInputs(golden), to: folder.appendingPathComponent("in.safetensors"))
      try succeed(["denoise", "--model", "model", "-i", "in.safetensors", "-o", "new/out.safetensors"], in: folder)
      let output = try SafetensorsFile(folder.appendingPathComponent("new/out.safetensors"))
      let logits = try output.floatTensor("logits")
      #expect(output.names == ["logits"] && output.entries[0].elementType == .float32)
      let expected = try golden.floats("out.logits")  // [B, K, L]
      expectClose(logits, transposed(expected), absolute: try golden.tolerance("logits"))
    }
  }

  /// Encoding and decoding with an autoencoder of diffusers, against the recorded run.
  @Test func tokensOfADiffusersFolder() throws {
    let golden = try GoldenCase("hf")
    try withTemporaryFolder { folder in
      try SafetensorsFile.write(
        [StoredTensor("tokens", try golden.integers("in.decode_tokens"), shape: golden.shape("in.decode_tokens"))],
        to: folder.appendingPathComponent("tokens.safetensors"))
      let model = ["--model", TextModel.folder.path]
      try succeed(["decode", "-i", "tokens.safetensors", "-o", "%d.png"] + model, in: folder)
      let expected = try golden.floats("out.decoded_image")  // [B, 3, H, W] in 0…1
      let (height, width) = (expected.shape[2], expected.shape[3])
      for index in 0..<expected.shape[0] {
        let picture = try image("\(index).png", folder)
        #expect(picture.size == ImageSize(width: width, height: height))
        var found = FloatTensor(zeros: [3, height, width])
        var recorded = FloatTensor(zeros: [3, height, width])
        for y in 0..<height {
          for x in 0..<width {
            let pixel = picture[x, y]
            for (channel, value) in [pixel.red, pixel.green, pixel.blue].enumerated() {
              found[channel, y, x] = Float(value) / 255
              recorded[channel, y, x] = expected[index, channel, y, x]
            }
          }
        }
        expectClose(found, recorded, absolute: 0.5 / 255 + 1e-4)
      }
      try succeed(["encode", "-i", "0.png", "1.png", "-o", "again.safetensors"] + model, in: folder)
      let again = try SafetensorsFile(folder.appendingPathComponent("again.safetensors"))
      let length = try golden.shape("in.decode_tokens")[1]
      #expect(try again.shape(of: "tokens") == [2, length] && Set(again.integers("tokens")).count > 3)
      for name in ["b", "c", "d"] {
        try succeed(["decode", "-i", "again.safetensors", "-o", "\(name)%d.png"] + model, in: folder)
      }
      let evaluated = try succeed(["evaluate", "--real", ".", "--generated", ".", "-k", "1"] + model, in: folder)
      #expect(try evaluated.output.contains("codebook of \(golden.params.int("codebook_size")) codes"))
    }
  }
}

/// The recorded input of a denoiser, as `denoise` takes it.
func denoiserInputs(_ golden: GoldenCase) throws -> [StoredTensor] {
  let conditions: [StoredTensor] =
    switch try golden.params.string("kind") {
    case "class": [StoredTensor("labels", try golden.integers("in.class"), shape: try golden.shape("in.class"))]
    case "text": [StoredTensor("text", try golden.floats("in.text_embedding"))]
    default: []
    }
  return [
    StoredTensor("tokens", try golden.integers("in.tokens"), shape: try golden.shape("in.tokens")),
    StoredTensor("timesteps", try golden.integers("in.t"), shape: try golden.shape("in.t")),
  ] + conditions
}
