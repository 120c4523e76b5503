import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing
import VQDiffusion

/// Checkpoints of the public implementations, and what isn't one.
@Suite struct CheckpointTests {
  private static let folder = fixtures.appendingPathComponent("checkpoints")
  private static func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  @Test func inspectListsAFilesTensors() throws {
    try withTemporaryFolder { folder in
      let listed = try succeed(["inspect", Self.path("imagenet_f32.pth")], in: folder)
      #expect(listed.outputLines.contains("model.transformer.transformer.blocks.0.attn.key.weight  F32 8×8"))
      let tensors = try TensorFile.open(URL(fileURLWithPath: Self.path("imagenet_f32.pth")))
      #expect(listed.outputLines.count == tensors.names.count + 1)
      #expect(listed.outputLines.last == "\(tensors.names.count) tensors, \(tensors.byteCount) bytes")
      let legacy = try succeed(["inspect", Self.path("imagenet_legacy_format.pth")], in: folder)
      #expect(legacy.output == listed.output)
      #expect(
        try succeed(["inspect", Self.path("bare_tensor.pt")], in: folder).outputLines.last?.hasPrefix("1 tensor, ") == true)
    }
  }

  /// The same model as files of a checkpoint and as a folder makes the same images; so does what is converted.
  @Test func aCheckpointIsWhatAFolderIs() throws {
    try withTemporaryFolder { folder in
      try CheckpointModel.write(to: folder)
      try ModelFolders.writeModel("denoiser-class-fc", to: folder.appendingPathComponent("folder"))
      let converted = try vqdiff(["convert"] + CheckpointModel.arguments + ["-o", "converted"], in: folder)
      #expect(converted.status == 0 && converted.output.contains("left out: last_epoch (belongs to the training program)\n"))
      #expect(converted.output.contains("left out: model.transformer.Lt_count (follows from the schedule or the training)\n"))
      let models = [
        ["--model", "folder"], CheckpointModel.arguments, CheckpointModel.arguments + ["--no-ema"], ["--model", "converted"],
      ]
      try noisePicture(width: 8, height: 8, seed: 7).write(to: folder.appendingPathComponent("in.png"))
      for (index, model) in models.enumerated() {
        try succeed(
          ["generate", "--class", "3", "--steps", "4", "--guidance-scale", "2", "--truncation", "none", "--seed", "5"] + model
            + ["--sampler", "ancestral", "-o", "\(index).png"], in: folder)
        try succeed(["encode", "-i", "in.png", "-o", "\(index).safetensors"] + model, in: folder)
        try succeed(["decode", "-i", "\(index).safetensors", "-o", "again\(index).png"] + model, in: folder)
        #expect(try image("\(index).png", folder) == image("0.png", folder))
        #expect(try image("again\(index).png", folder) == image("again0.png", folder))
        let tokens = try Data(contentsOf: folder.appendingPathComponent("\(index).safetensors"))
        #expect(try tokens == Data(contentsOf: folder.appendingPathComponent("0.safetensors")))
      }
      #expect(try image("0.png", folder).size == ImageSize(width: 8, height: 8))
      let shown = try succeed(["inspect", "model.pth"] + CheckpointModel.arguments.dropFirst(2), in: folder).output
      #expect(shown.hasPrefix("model: model\n") && shown.contains("class-conditional, 11 class rows, 2 layers of width 32"))
      #expect(shown.contains("vqvae: 20 codes of dimension 8, 2×2 pixels per token"))
    }
  }

  @Test func whatIsMissingIsNamed() throws {
    try withTemporaryFolder { folder in
      try CheckpointModel.write(to: folder)
      let arguments = Array(CheckpointModel.arguments.prefix(4))
      func fail(_ arguments: [String], _ message: String) throws {
        try VqdiffTests.fail(["generate", "--class", "1", "-o", "x.png"] + arguments, status: 1, message: message, in: folder)
      }
      try fail(
        ["--model", "model.pth"], "model.pth: a checkpoint file needs the YAML file that describes it; name it with --config")
      try fail(
        arguments,
        "model.pth: no autoencoder (content_codec.…), and none at elsewhere/vqgan.ckpt; name it with --vqvae")
      try fail(["--model", "nowhere.pth"] + arguments.suffix(2), "nowhere.pth: expected a readable file")
      try fail(["--model", "model.pth", "--config", "nowhere.yaml"], "nowhere.yaml: can't be read")
      try fail(["--model", "."] + arguments.suffix(2), "the model must be a checkpoint file")
      try fail(["--model", TextModel.folder.path, "--no-ema"], "the model must be a checkpoint file")
      try fail(["--model", "model.pth", "--config", "model.pth"], "model.pth: expected ")
      // What the YAML file names is also found by its last name, beside it.
      try FileManager.default.copyItem(
        at: folder.appendingPathComponent("vqvae.pth"), to: folder.appendingPathComponent("vqgan.ckpt"))
      try succeed(["generate", "--class", "1", "--steps", "1", "--seed", "1", "-o", "y.png"] + arguments, in: folder)
      let yaml = folder.appendingPathComponent("model.yaml")
      let reduced = try String(contentsOf: yaml, encoding: .utf8).replacing("quantize_number: 0", with: "quantize_number: 20")
      try Data(reduced.utf8).write(to: yaml)
      try fail(
        arguments,
        "model.pth: no elsewhere/map.pt, which maps the autoencoder's codes to the denoiser's; name it with --codebook-map")
    }
  }

  struct Bad: CustomTestStringConvertible {
    let file: String
    let message: String
    var testDescription: String { file }
    init(_ file: String, _ message: String) { (self.file, self.message) = (file, message) }
  }

  @Test(arguments: [
    Bad("config.yaml", "config.yaml: expected a safetensors or PyTorch file, found a text"),
    Bad("config.json", "config.json: expected a safetensors or PyTorch file, found a text"),
    Bad("bad_html.pth", "found a web page, such as an error message"), Bad("bad_empty.pth", "found an empty file"),
    Bad("bad_os_system.pth", "expected no calls but those that make tensors, found one of posix.system, which was not made"),
    Bad("bad_truncated_zip.pth", "bad_truncated_zip.pth: expected "),
    Bad("bad_past_end.safetensors", "bad_past_end.safetensors: "),
  ]) func filesThatAreNoCheckpoints(_ bad: Bad) throws {
    try withTemporaryFolder { folder in
      try fail(["inspect", Self.path(bad.file)], status: 1, message: bad.message, in: folder)
      try fail(["convert", "--tensors", Self.path(bad.file), "-o", "x.safetensors"], status: 1, message: bad.message, in: folder)
      #expect(try files(under: folder) == [])
    }
  }

  @Test func inspectTellsWhatItCannotShow() throws {
    try withTemporaryFolder { folder in
      try noisePicture(width: 8, height: 8, seed: 1).write(to: folder.appendingPathComponent("a.png"))
      try fail(["inspect", "a.png", "--config", Self.path("config.yaml")], status: 1, message: "found an image", in: folder)
      try fail(["inspect", Self.folder.path], status: 1, message: "checkpoints: no transformer/ or vqvae/", in: folder)
      try fail(
        ["inspect", "--no-learned-empty-text"], status: 64, message: "--no-learned-empty-text is about a checkpoint", in: folder)
      try fail(["inspect", "--config", "x.yaml"], status: 64, message: "--config is about a checkpoint", in: folder)
      let shown = try succeed(["inspect", TextModel.folder.path], in: folder).output
      #expect(shown.contains("transformer: text-conditional, 77 ") && shown.contains("vectors of width 16, 2 layers of width 16"))
      #expect(shown.contains("text encoder: CLIP, 2 layers of width 16, 2 heads, 77 places for 1414 tokens"))
    }
  }
}
