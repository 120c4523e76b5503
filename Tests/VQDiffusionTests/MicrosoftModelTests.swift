import Checkpoint
import Foundation
import TestSupport
import Testing
import VQDiffusion

/// Whole models in Microsoft's layout: a denoiser with its codec.
@Suite struct MicrosoftModelTests {
  /// T and the rows of the class table of a recorded denoiser.
  private func sizes(_ denoiser: String = "denoiser-class-fc") throws -> (timesteps: Int, classes: Int) {
    let params = try GoldenCase(denoiser).params
    return (try params.int("timesteps"), params["class_rows"].intValue ?? 0)
  }

  /// Writes a model and returns where it is.
  private func write(_ denoiser: String, codec: String = "vqvae-taming", changes: [String: Any] = [:], to folder: URL) throws
    -> ModelLocation
  {
    let tensors =
      try MicrosoftFiles.weights(denoiser, prefix: MicrosoftFiles.denoiserPrefix) + MicrosoftFiles.codec(codec)
      + MicrosoftFiles.buffers(timesteps: sizes(denoiser).timesteps)
    let files = try MicrosoftFiles.write(
      tensors, describedBy: MicrosoftFiles.configuration(denoiser, changes: changes), to: folder)
    return ModelLocation(files.checkpoint, configuration: files.configuration)
  }

  private func images(of location: ModelLocation, _ subjects: [GenerationSubject]) async throws -> [GeneratedImage] {
    var settings = GenerationSettings(method: .ancestral, steps: try sizes().timesteps, seed: 4, batchSize: 2)
    settings.truncation = .nucleus(0.9)
    return try await VQDiffusionPipeline(location).generate(subjects, count: 2, settings: settings)
  }

  @Test(arguments: [("denoiser-class-fc", [GenerationSubject.label(3), .label(1)]), ("denoiser-uncond", [])])
  func drawsWhatTheSameProjectFolderDraws(denoiser: String, subjects: [GenerationSubject]) async throws {
    try await withTemporaryFolder { folder in
      let location = try write(denoiser, to: folder)
      let project = folder.appendingPathComponent("project")
      try ModelFolders.writeModel(denoiser, to: project)
      let expected = try await images(of: ModelLocation(project), subjects)
      let found = try await images(of: location, subjects)
      #expect(found.count == 2 * max(1, subjects.count) && Set(found.map(\.tokens)).count > 1)
      #expect(found.map(\.tokens) == expected.map(\.tokens) && found.map(\.image) == expected.map(\.image))
      let converted = folder.appendingPathComponent("converted")
      try ModelConversion(location).write(to: converted)
      let again = try await images(of: ModelLocation(converted), subjects)
      #expect(again.map(\.tokens) == expected.map(\.tokens) && again.map(\.image) == expected.map(\.image))
    }
  }

  /// The published programs' own settings.
  @Test func defaultsAreThePublicProgramsOwn() throws {
    try withTemporaryFolder { folder in
      let classes = try VQDiffusionPipeline(write("denoiser-class-fc", to: folder))
      let sizes = try sizes()
      #expect(classes.name == "model" && classes.classCount == sizes.classes && classes.labels.names == [])
      // Guidance of classes is for models that learned "no class".
      #expect(classes.defaultSettings.guidanceScale == 1 && classes.defaultSettings.truncation == .nucleus(0.94))
      #expect(classes.defaultSettings.steps == sizes.timesteps && classes.corruption.timesteps == sizes.timesteps)
      let unconditional = try VQDiffusionPipeline(write("denoiser-uncond", to: folder))
      #expect(unconditional.defaultSettings.guidanceScale == 1 && unconditional.defaultSettings.truncation == .nucleus(0.86))
      #expect(unconditional.classCount == 0)
    }
  }

  /// The released straight lines: ᾱ from 0.99999 to 0.000009, γ̄ from 0.000009 to 0.99999.
  @Test func theScheduleIsTheReleasedOne() throws {
    try withTemporaryFolder { folder in
      let corruption = try VQDiffusionPipeline(write("denoiser-class-fc", to: folder)).corruption
      let timesteps = try sizes().timesteps
      for t in 1...timesteps {
        let share = Double(t - 1) / Double(timesteps - 1)
        let found = corruption.cumulative(at: t)
        expectClose(
          [found.keep, found.mask], [0.99999 + share * (9e-6 - 0.99999), 9e-6 + share * (0.99999 - 9e-6)], absolute: 1e-12)
      }
    }
  }

  /// The table has the stated rows, or one more for "no class", the last.
  @Test func oneRowMoreThanStatedIsNoClass() throws {
    try withTemporaryFolder { folder in
      let (stated, rows) = (MicrosoftFiles.network("class_number"), try sizes().classes)
      let more = try VQDiffusionPipeline(write("denoiser-class-fc", changes: [stated: rows - 1], to: folder))
      #expect(more.network.facts.classRows == rows && more.network.facts.noClass == .index(rows - 1))
      #expect(more.classCount == rows - 1 && more.defaultSettings.guidanceScale == 1.5)
      for wrong in [rows - 2, rows + 1, .max, .min] {
        let location = try write("denoiser-class-fc", changes: [stated: wrong], to: folder)
        let expected = ModelFileError.mismatchedParts(
          folder: folder.path + "/model.pth", expected: "\(wrong) class rows, as \(folder.path)/config.yaml states, or one more",
          found: "\(rows)")
        #expect(throws: expected) { try VQDiffusionPipeline(location) }
      }
    }
  }

  /// The public class's own default.
  @Test func aThousandClassesUnlessStated() throws {
    try withTemporaryFolder { folder in
      let location = try write("denoiser-class-fc", changes: [MicrosoftFiles.network("class_number"): NSNull()], to: folder)
      let expected = ModelFileError.mismatchedParts(
        folder: folder.path + "/model.pth", expected: "1000 class rows, as \(folder.path)/config.yaml states, or one more",
        found: "\(try sizes().classes)")
      #expect(throws: expected) { try VQDiffusionPipeline(location) }
    }
  }

  /// Models of a thousand classes are ImageNet's; row 1000 is "no class" whatever number is stated.
  @Test(arguments: [(1000, 1000, nil), (1000, 1001, 1000), (1001, 1001, 1000)] as [(Int, Int, Int?)])
  func aThousandClassesAreImageNets(stated: Int, rows: Int, noClass: Int?) throws {
    try withTemporaryFolder { folder in
      var tensors = try MicrosoftFiles.weights("denoiser-class-fc", prefix: MicrosoftFiles.denoiserPrefix)
      tensors = try tensors.map { tensor in
        guard tensor.name.hasSuffix("ln2.emb.weight") else { return tensor }
        return StoredTensor(tensor.name, try WeightLoader(randomSeed: 1).tensor(tensor.name, [rows, tensor.shape[1]]))
      }
      let configuration = try MicrosoftFiles.configuration(
        "denoiser-class-fc", changes: [MicrosoftFiles.network("class_number"): stated])
      let files = try MicrosoftFiles.write(tensors + MicrosoftFiles.codec("vqvae-taming"), describedBy: configuration, to: folder)
      let pipeline = try VQDiffusionPipeline(ModelLocation(files.checkpoint, configuration: files.configuration))
      #expect(pipeline.classCount == 1000 && pipeline.network.facts.noClass == noClass.map { .index($0) } ?? .meanOfClasses)
      #expect(try pipeline.label("tench") == 0)
      let converted = folder.appendingPathComponent("converted")
      try ModelConversion(ModelLocation(files.checkpoint, configuration: files.configuration)).write(to: converted)
      let again = try VQDiffusionPipeline(contentsOf: converted)
      #expect(again.labels.names == pipeline.labels.names && again.labels.names.count == 1000)
      #expect(try again.transformer.configuration == pipeline.transformer.configuration)
    }
  }

  /// A dictionary of the model's tensors alone, without `model`.
  @Test func aBareDictionaryIsTaken() async throws {
    try await withTemporaryFolder { folder in
      let expected = try await images(of: write("denoiser-class-fc", to: folder), [.label(1)])
      let tensors =
        try MicrosoftFiles.weights("denoiser-class-fc", prefix: "transformer.transformer.")
        + MicrosoftFiles.codec("vqvae-taming", prefix: "content_codec.")
        + MicrosoftFiles.buffers(timesteps: sizes().timesteps, prefix: "transformer.")
      let files = try MicrosoftFiles.write(
        tensors, describedBy: MicrosoftFiles.configuration("denoiser-class-fc"), to: folder)
      let found = try await images(of: ModelLocation(files.checkpoint, configuration: files.configuration), [.label(1)])
      #expect(found.map(\.image) == expected.map(\.image))
    }
  }

  @Test func surplusAndMissingTensorsAreNamed() throws {
    try withTemporaryFolder { folder in
      let whole =
        try MicrosoftFiles.weights("denoiser-class-fc", prefix: MicrosoftFiles.denoiserPrefix)
        + MicrosoftFiles.codec("vqvae-taming")
      let surplus = { (name: String) in whole + [StoredTensor(name, [1], shape: [1])] }
      let without = { (name: String) in whole.filter { $0.name != name } }
      for (tensors, found) in [
        (surplus("model.transformer.new_buffer"), "model.transformer.new_buffer"),
        (surplus("model.other.weight"), "model.other.weight"),
        (surplus("model.transformer.transformer.extra"), "extra"), (surplus("model.content_codec.enc.extra"), "extra"),
        (without("model.transformer.transformer.to_logits.1.bias"), "to_logits.1.bias"),
        (without("model.content_codec.dec.decoder.conv_out.bias"), "decoder.conv_out.bias"),
        (try MicrosoftFiles.codec("vqvae-taming"), "model.transformer.transformer.…"),
      ] {
        let files = try MicrosoftFiles.write(
          tensors, describedBy: MicrosoftFiles.configuration("denoiser-class-fc"), to: folder)
        let location = ModelLocation(files.checkpoint, configuration: files.configuration)
        let error = #expect(throws: CheckpointError.self) { try VQDiffusionPipeline(location) }
        switch error {
        case .unexpectedTensors(files.checkpoint.path, [found]), .missingTensor(files.checkpoint.path, found, _): break
        default: Issue.record("\(found): \(error.map { "\($0)" } ?? "nothing")")
        }
      }
    }
  }
}
