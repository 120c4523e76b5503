import Checkpoint
import Foundation
import TestSupport
import Testing
import VQDiffusion

/// Which files of a diffusers folder are read.
@Suite struct DiffusersFilesTests {
  private func images(_ folder: URL) async throws -> [RGBImage] {
    let settings = GenerationSettings(method: .ancestral, steps: 10, guidanceScale: 3, seed: 2)
    return try await VQDiffusionPipeline(contentsOf: folder).generate([.prompt("a bear")], settings: settings).map(\.image)
  }

  private func copy(to folder: URL) throws -> URL {
    let target = folder.appendingPathComponent("pipeline")
    try FileManager.default.copyItem(at: RecordedPipeline.folder, to: target)
    return target
  }

  /// Cuts a part's file into shards of the given names, in turns, and takes it away.
  private func cut(_ file: URL, into names: [String]) throws -> [String: String] {
    let tensors = try storedTensors(file)
    var places: [String: String] = [:]
    for (index, name) in names.enumerated() {
      let some = tensors.enumerated().filter { $0.offset % names.count == index }.map(\.element)
      for tensor in some { places[tensor.name] = name }
      try SafetensorsFile.write(some, to: file.deletingLastPathComponent().appendingPathComponent(name))
    }
    try FileManager.default.removeItem(at: file)
    return places
  }

  @Test func shardsAreReadTogether() async throws {
    try await withTemporaryFolder { folder in
      let target = try copy(to: folder)
      let part = target.appendingPathComponent("transformer")
      let stem = "diffusion_pytorch_model"
      let shards = ["\(stem)-00001-of-00002.safetensors", "\(stem)-00002-of-00002.safetensors"]
      let places = try cut(part.appendingPathComponent("\(stem).safetensors"), into: shards)
      // Without an index they are known by their names.
      let expected = try await images(RecordedPipeline.folder)
      #expect(try await images(target) == expected)
      // With one, only what it names is read.
      let index = part.appendingPathComponent("\(stem).safetensors.index.json")
      try ModelFolders.write(["metadata": ["total_size": 1], "weight_map": places] as [String: Any], to: index)
      try SafetensorsFile.write(
        [StoredTensor("out.bias", [1], shape: [1])], to: part.appendingPathComponent("\(stem)-00003-of-00003.safetensors"))
      #expect(try await images(target) == expected)
      let ignored = try ModelConversion(ModelLocation(target)).ignored
      #expect(ignored.map(\.name) == ["transformer/\(stem)-00003-of-00003.safetensors"])
      try FileManager.default.removeItem(at: part.appendingPathComponent(shards[1]))
      #expect(throws: ModelFileError.missingPart(folder: target.path, part: "transformer/\(shards[1])")) {
        try VQDiffusionPipeline(contentsOf: target)
      }
      try ModelFolders.write(["weight_map": ["out.bias": "../vqvae/\(stem).safetensors"]], to: index)
      #expect(throws: ModelFileError.missingPart(folder: target.path, part: "transformer/../vqvae/\(stem).safetensors")) {
        try VQDiffusionPipeline(contentsOf: target)
      }
      try ModelFolders.write(["weight_map": [String: String]()], to: index)
      #expect(
        throws: ModelFileError.invalidConfiguration(file: index.path, field: "weight_map", expected: "files", found: "none")
      ) { try VQDiffusionPipeline(contentsOf: target) }
    }
  }

  @Test func aShardThatIsMissingIsNoticedWithoutAnIndex() throws {
    try withTemporaryFolder { folder in
      let target = try copy(to: folder)
      let part = target.appendingPathComponent("text_encoder")
      let shards = (1...3).map { "model.fp16-0000\($0)-of-00003.safetensors" }
      _ = try cut(part.appendingPathComponent("model.safetensors"), into: shards)
      _ = try VQDiffusionPipeline(contentsOf: target)
      try FileManager.default.removeItem(at: part.appendingPathComponent(shards[1]))
      #expect(throws: ModelFileError.missingPart(folder: target.path, part: "text_encoder/\(shards[1])")) {
        try VQDiffusionPipeline(contentsOf: target)
      }
    }
  }

  /// A trainer's files, and other precisions where there is a plain file.
  @Test func otherFilesAreLeftOut() async throws {
    try await withTemporaryFolder { folder in
      let target = try copy(to: folder)
      let part = target.appendingPathComponent("transformer")
      for name in ["optimizer.bin", "training_args.bin", "scheduler.safetensors", "diffusion_pytorch_model.fp16.safetensors"] {
        try Data("no tensors".utf8).write(to: part.appendingPathComponent(name))
      }
      #expect(try await images(target) == images(RecordedPipeline.folder))
      let ignored = try ModelConversion(ModelLocation(target)).ignored
      #expect(
        ignored.map(\.name).sorted() == [
          "transformer/diffusion_pytorch_model.fp16.safetensors", "transformer/optimizer.bin",
          "transformer/scheduler.safetensors",
          "transformer/training_args.bin",
        ])
      #expect(ignored.allSatisfy { $0.reason == "not one of the files that are read" })
      // Alone they are no part.
      try FileManager.default.removeItem(at: part.appendingPathComponent("diffusion_pytorch_model.safetensors"))
      try FileManager.default.removeItem(at: part.appendingPathComponent("diffusion_pytorch_model.fp16.safetensors"))
      #expect(throws: ModelFileError.missingPart(folder: target.path, part: "transformer/*.safetensors or *.bin")) {
        try VQDiffusionPipeline(contentsOf: target)
      }
    }
  }

  @Test(arguments: [
    ("models--microsoft--vq-diffusion-ithq/snapshots/3f1a", "vq-diffusion-ithq"), ("models--a--b--c/snapshots/3f1a", "b--c"),
    ("models--alone/snapshots/3f1a", "alone"), ("snapshots/3f1a", "3f1a"), ("models--a--b/other/3f1a", "3f1a"),
  ]) func aSnapshotInACacheHasTheModelsName(path: String, name: String) throws {
    try withTemporaryFolder { folder in
      let target = folder.appendingPathComponent(path)
      try FileManager.default.createDirectory(at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
      try FileManager.default.copyItem(at: RecordedPipeline.folder, to: target)
      #expect(try ModelReport(ModelLocation(target)).name == name)
    }
  }
}
