import Checkpoint
import Foundation
import TestSupport
import Testing
import VQDiffusion

/// Tensors that the networks pass over: not converted, not counted, and said to be left out, in every layout.
@Suite struct LeftOutTensorTests {
  private static func one(_ name: String) -> StoredTensor { StoredTensor(name, [1], shape: [1]) }

  private static let reasons = [
    "a causal mask that nothing reads", "belongs to the training program", "a part of CLIP that the text encoder doesn't read",
  ]

  /// Checks that a model lists tensors as left out, for the reasons above, and that a converted folder lacks them.
  private func expectLeftOut(
    _ names: [String], of location: ModelLocation, in folder: URL, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let conversion = try ModelConversion(location)
    for (name, reason) in zip(names, Self.reasons) {
      let found = conversion.ignored.filter { $0.name == name }
      #expect(found.count == 1 && found.first?.reason == reason, "\(name)", sourceLocation: sourceLocation)
      #expect(!conversion.tensors.contains { $0.original == name }, "\(name)", sourceLocation: sourceLocation)
    }
    let converted = folder.appendingPathComponent("converted")
    try conversion.write(to: converted)
    let again = try ModelConversion(ModelLocation(converted))
    #expect(again.ignored == [], sourceLocation: sourceLocation)
    #expect(again.tensors.map(\.name).sorted() == conversion.tensors.map(\.name).sorted(), sourceLocation: sourceLocation)
    // What is left out isn't counted either.
    let (report, expected) = (try ModelReport(location), try ModelReport(ModelLocation(converted)))
    #expect(report.network?.contents.tensors == expected.network?.contents.tensors, sourceLocation: sourceLocation)
    #expect(report.tokenizer?.contents.bytes == expected.tokenizer?.contents.bytes, sourceLocation: sourceLocation)
    #expect(report.textEncoder?.contents.parameters == expected.textEncoder?.contents.parameters, sourceLocation: sourceLocation)
  }

  @Test func ofMicrosoftsCheckpoints() throws {
    try withTemporaryFolder { folder in
      let names = [
        MicrosoftFiles.denoiserPrefix + "blocks.1.attn2.mask", "model.content_codec.loss.discriminator.weight",
        "model.transformer.condition_emb.text_projection",
      ]
      let tensors =
        // The recorded denoiser has its masks.
        try TextModelFiles.denoiser() + MicrosoftFiles.codec("vqvae-taming") + TextModelFiles.encoder()
        + names.dropFirst().map(Self.one)
      let files = try MicrosoftFiles.write(
        tensors, describedBy: MicrosoftFiles.configuration("denoiser-text", changes: TextModelFiles.changes), to: folder)
      try expectLeftOut(names, of: ModelLocation(files.checkpoint, configuration: files.configuration), in: folder)
    }
  }

  @Test func ofDiffusersFolders() throws {
    try withTemporaryFolder { folder in
      let target = folder.appendingPathComponent("pipeline")
      try FileManager.default.copyItem(at: RecordedPipeline.folder, to: target)
      let names = ["transformer_blocks.0.attn2.mask", "loss.perceptual.weight", "text_model.embeddings.position_ids"]
      for (part, name) in zip(
        ["transformer/diffusion_pytorch_model", "vqvae/diffusion_pytorch_model", "text_encoder/model"], names)
      {
        try addTensors([Self.one(name)], to: target.appendingPathComponent("\(part).safetensors"))
      }
      try expectLeftOut(names, of: ModelLocation(target), in: folder)
    }
  }

  @Test func ofThisProjectsFolders() throws {
    try withTemporaryFolder { folder in
      let target = folder.appendingPathComponent("project")
      try ModelConversion(ModelLocation(RecordedPipeline.folder)).write(to: target)
      let names = ["blocks.1.attn2.mask", "loss.perceptual.weight", "text_model.embeddings.position_ids"]
      for (part, name) in zip(["transformer", "vqvae", "text_encoder"], names) {
        try SafetensorsFile.write([Self.one(name)], to: target.appendingPathComponent("\(part)/more.safetensors"))
      }
      try expectLeftOut(names, of: ModelLocation(target), in: folder)
    }
  }
}
