import Foundation
import TestSupport
import Testing
import TrainingCore
import VQDiffusion
import VQDiffusionTraining

/// What can't be begun or gone on with.
@Suite struct RefusedRunTests {
  private func refused(
    _ expected: (TrainingRunError) -> Bool, _ body: (_ folder: URL, _ run: TrainingRun) async throws -> Void
  ) async throws {
    try await withTemporaryFolder { folder in
      let images = folder.appendingPathComponent("images")
      try SmallRuns.writeClasses(in: images)
      let run = TrainingRun(.autoencoder(try SmallRuns.autoencoder(steps: 4)), images: images)
      do {
        try await body(folder, run)
        Issue.record("nothing was refused")
      } catch let error as TrainingRunError {
        #expect(expected(error), "\(error)")
      }
    }
  }

  @Test func aFolderInUse() async throws {
    try await refused {
      if case .folderInUse(_, "note.txt") = $0 { true } else { false }
    } _: { folder, run in
      try write([1], "run/note.txt", in: folder)
      _ = try await run.begin(in: folder.appendingPathComponent("run"))
    }
  }

  @Test func aFolderWithoutARun() async throws {
    try await refused {
      if case .nothingToResume(_, "run.json") = $0 { true } else { false }
    } _: { folder, _ in
      _ = try await TrainingRun.resume(in: folder)
    }
  }

  @Test func otherImagesThanItBeganWith() async throws {
    try await refused {
      if case .differentRun(_, "images", _, _) = $0 { true } else { false }
    } _: { folder, run in
      _ = try await run.begin(in: folder.appendingPathComponent("run"))
      try write(picture(99, width: 8, height: 8), "images/disc/more.png", in: folder)
      _ = try await TrainingRun.resume(in: folder.appendingPathComponent("run"))
    }
  }

  @Test func settingsOutsideTheirRange() async throws {
    try await withTemporaryFolder { folder in
      try SmallRuns.writeClasses(in: folder.appendingPathComponent("images"))
      var settings = try SmallRuns.autoencoder()
      settings.optimization.learningRate = -1
      let run = TrainingRun(.autoencoder(settings), images: folder.appendingPathComponent("images"))
      await #expect(throws: TrainingError.setting(name: "optimization.learning_rate", expected: "0 or more", found: -1)) {
        try await run.begin(in: folder.appendingPathComponent("run"))
      }
      #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("run").path))
    }
  }

  @Test func aDenoiserWithOtherClasses() async throws {
    try await refused {
      if case .unsuitableModel(_, _, "2") = $0 { true } else { false }
    } _: { folder, _ in
      let images = folder.appendingPathComponent("images")
      let model = try await SmallRuns.trainedModel(
        on: images, autoencoder: SmallRuns.trainedAutoencoder(on: images, in: folder.appendingPathComponent("vqvae")),
        in: folder.appendingPathComponent("denoiser"))
      let settings = GuidanceSettings(optimization: SmallRuns.optimization(steps: 4))
      let run = TrainingRun(.guidance(settings, model: model.path), images: images.appendingPathComponent("disc"))
      _ = try await run.begin(in: folder.appendingPathComponent("run"))
    }
  }

  @Test func noSmallerCodebook() async throws {
    try await refused {
      if case .unsuitableModel(_, "more codes than the 8 asked for", "8") = $0 { true } else { false }
    } _: { folder, _ in
      let images = folder.appendingPathComponent("images")
      let model = try await SmallRuns.trainedAutoencoder(on: images, in: folder.appendingPathComponent("vqvae"))
      let run = TrainingRun(
        .refit(RefitSettings(codes: 8, optimization: SmallRuns.optimization(steps: 4)), model: model.path), images: images)
      _ = try await run.begin(in: folder.appendingPathComponent("run"))
    }
  }

  @Test func anotherModelThanItBeganWith() async throws {
    try await refused {
      if case .differentRun(_, "model", _, _) = $0 { true } else { false }
    } _: { folder, _ in
      let (images, autoencoder) = (folder.appendingPathComponent("images"), folder.appendingPathComponent("vqvae"))
      let model = try await SmallRuns.trainedAutoencoder(on: images, in: autoencoder)
      let run = folder.appendingPathComponent("run")
      _ = try await TrainingRun(.denoiser(SmallRuns.denoiser(), autoencoder: model.path), images: images).begin(in: run)
      try FileManager.default.removeItem(at: autoencoder)
      var settings = try SmallRuns.autoencoder(steps: 12)
      settings.optimization.seed = 8
      _ = try await TrainingRun(.autoencoder(settings), images: images).begin(in: autoencoder)
      _ = try await TrainingRun.resume(in: run)
    }
  }

  @Test func otherSettingsThanItBeganWith() async throws {
    try await refused {
      if case .differentRun(_, "settings", _, _) = $0 { true } else { false }
    } _: { folder, run in
      _ = try await run.begin(in: folder.appendingPathComponent("run"))
      let file = folder.appendingPathComponent("run/run.json")
      let text = try String(contentsOf: file, encoding: .utf8)
      try text.replacing("\"batch\" : 6", with: "\"batch\" : 7").write(to: file, atomically: true, encoding: .utf8)
      _ = try await TrainingRun.resume(in: folder.appendingPathComponent("run"))
    }
  }

  @Test func aRunOfAnotherVersion() async throws {
    try await refused {
      if case .invalidSettings(_, "format", "1", "2") = $0 { true } else { false }
    } _: { folder, run in
      _ = try await run.begin(in: folder.appendingPathComponent("run"))
      let file = folder.appendingPathComponent("run/run.json")
      let text = try String(contentsOf: file, encoding: .utf8)
      try text.replacing("\"format\" : 1", with: "\"format\" : 2").write(to: file, atomically: true, encoding: .utf8)
      _ = try await TrainingRun.resume(in: folder.appendingPathComponent("run"))
    }
  }

  /// Other times of reports change no step, and may be edited.
  @Test func reportsMayChange() async throws {
    try await withTemporaryFolder { folder in
      let images = folder.appendingPathComponent("images")
      try SmallRuns.writeClasses(in: images)
      let run = TrainingRun(.autoencoder(try SmallRuns.autoencoder()), images: images)
      let observer = RunObserver(stoppingAfter: 5)
      await #expect(throws: CancellationError.self) {
        try await observer.run { try await run.begin(in: folder.appendingPathComponent("run"), report: $0) }
      }
      let file = folder.appendingPathComponent("run/run.json")
      let text = try String(contentsOf: file, encoding: .utf8)
      try text.replacing("\"samples_every\" : 4", with: "\"samples_every\" : 0").write(
        to: file, atomically: true, encoding: .utf8)
      _ = try await TrainingRun.resume(in: folder.appendingPathComponent("run"))
      #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("run/samples/step-000008.png").path))
    }
  }

  @Test func aFolderThatAnotherProcessIsAtWorkOn() async throws {
    try await refused {
      if case .folderInUse(_, "another process at work on it") = $0 { true } else { false }
    } _: { folder, run in
      let observer = RunObserver()
      let long = TrainingRun(.autoencoder(try SmallRuns.autoencoder(steps: 100_000)), images: URL(fileURLWithPath: run.images))
      let running = Task { try await observer.run { try await long.begin(in: folder.appendingPathComponent("run"), report: $0) } }
      while observer.steps.isEmpty { try await Task.sleep(for: .milliseconds(20)) }
      let resumed = await Task { try await TrainingRun.resume(in: folder.appendingPathComponent("run")) }.result
      observer.stop()
      _ = await running.result
      _ = try resumed.get()
    }
  }

  @Test func validationOfOtherClasses() async throws {
    try await refused {
      if case .differentClasses(_, "disc, stripes", "no class folders") = $0 { true } else { false }
    } _: { folder, _ in
      let images = folder.appendingPathComponent("images")
      let model = try await SmallRuns.trainedAutoencoder(on: images, in: folder.appendingPathComponent("vqvae"))
      let run = TrainingRun(
        .denoiser(SmallRuns.denoiser(), autoencoder: model.path), images: images,
        validation: images.appendingPathComponent("disc"))
      _ = try await run.begin(in: folder.appendingPathComponent("run"))
    }
  }

  @Test func guidanceWithClassesByOtherNames() async throws {
    try await refused {
      if case .differentClasses(_, "disc, stripes", "zebra") = $0 { true } else { false }
    } _: { folder, _ in
      let images = folder.appendingPathComponent("images")
      let model = try await SmallRuns.trainedModel(
        on: images, autoencoder: SmallRuns.trainedAutoencoder(on: images, in: folder.appendingPathComponent("vqvae")),
        in: folder.appendingPathComponent("denoiser"))
      try FileManager.default.moveItem(at: images.appendingPathComponent("stripes"), to: images.appendingPathComponent("zebra"))
      let run = TrainingRun(
        .guidance(GuidanceSettings(optimization: SmallRuns.optimization(steps: 4)), model: model.path), images: images)
      _ = try await run.begin(in: folder.appendingPathComponent("run"))
    }
  }

  @Test func validationThatCannotBeRead() async throws {
    try await withTemporaryFolder { folder in
      let images = folder.appendingPathComponent("images")
      try SmallRuns.writeClasses(in: images)
      try write([1, 2, 3], "held-out/a.png", in: folder)
      let run = TrainingRun(
        .autoencoder(try SmallRuns.autoencoder()), images: images, validation: folder.appendingPathComponent("held-out"))
      await #expect(throws: DatasetError.self) { try await run.begin(in: folder.appendingPathComponent("run")) }
      #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("run").path))
    }
  }

  @Test func codesThatWouldNeverBegin() async throws {
    var settings = try SmallRuns.autoencoder(steps: 10)
    settings.codebook.startStep = 10
    let expected = TrainingError.setting(
      name: "codebook.start_step", expected: "0 or more, and below optimization.steps", found: 10)
    #expect(throws: expected) { try TrainingRun(.autoencoder(settings), images: URL(fileURLWithPath: "/")).validate() }
  }
}
