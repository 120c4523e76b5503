import Foundation
import TestSupport
import Testing
import VQDiffusion

@Suite struct GenerateTests {
  private static let horse = ["generate", "--class", "horse", "--steps", "2", "--guidance-scale", "2"]

  @Test func aFolderGetsAFolderPerClass() throws {
    try withTemporaryFolder { folder in
      let run = try succeed(
        ["generate", "--class", "horse", "3,Ship", "--count", "2", "--steps", "1", "--seed", "5", "-o", "out"], in: folder)
      let expected = ["cat", "horse", "ship"].flatMap { ["out/\($0)/000.png", "out/\($0)/001.png"] }
      #expect(try files(under: folder) == expected)
      #expect(run.outputLines.sorted() == expected)
    }
  }

  @Test func shortOptionsMeanOneThingEach() throws {
    try withTemporaryFolder { folder in
      try succeed(["generate", "-c", "horse", "-n", "2", "--steps", "1", "--seed", "5", "-o", "out"], in: folder)
      #expect(try files(under: folder) == ["out/horse/000.png", "out/horse/001.png"])
    }
  }

  @Test func aClassAskedForTwiceGoesOnCounting() throws {
    try withTemporaryFolder { folder in
      try succeed(["generate", "--class", "7", "horse", "--steps", "1", "--seed", "5", "-o", "out", "--quiet"], in: folder)
      #expect(try files(under: folder) == ["out/horse/000.png", "out/horse/001.png"])
    }
  }

  @Test func aPatternNumbersTheImages() throws {
    try withTemporaryFolder { folder in
      try succeed(Self.horse + ["--count", "2", "--seed", "5", "-o", "50%%-%03d.png"], in: folder)
      #expect(try files(under: folder) == ["50%-000.png", "50%-001.png"])
    }
  }

  /// The model's own steps and grid of times give way to a sampler that can't take them.
  @Test func theModelsSettingsGiveWayToTheSampler() throws {
    try withTemporaryFolder { folder in
      let own: [String: Any] = ["sampler": "ancestral", "steps": 9, "timestep_grid": "cosine"]
      try ModelFolders.writeModel(
        "denoiser-class-fc", to: folder.appendingPathComponent("model"), index: ["defaults": own])
      for sampler in SamplingMethod.all.map(\.name) {
        try succeed(
          ["generate", "--model", "model", "--class", "1", "--sampler", sampler, "--seed", "5", "-o", "\(sampler).png"],
          in: folder)
      }
      try fail(
        ["generate", "--model", "model", "--class", "1", "--sampler", "halton", "--timestep-grid", "cosine"], status: 1,
        message: "halton sampling has its own steps", in: folder)
    }
  }

  @Test func quietSaysNothing() throws {
    try withTemporaryFolder { folder in
      let run = try succeed(Self.horse + ["--quiet", "-o", "x.png"], in: folder)
      #expect(run.output == "")
    }
  }

  @Test func aDrawnSeedIsPrintedAndMakesTheImageAgain() throws {
    try withTemporaryFolder { folder in
      let run = try vqdiff(Self.horse + ["-o", "a.png"], in: folder)
      let seed = try #require(run.errorLines.first { $0.hasPrefix("seed ") }?.dropFirst(5))
      #expect(run.status == 0 && run.errorLines.count == 1)
      try succeed(Self.horse + ["--seed", String(seed), "-o", "b.png"], in: folder)
      #expect(try bytes("a.png", folder) == bytes("b.png", folder))
    }
  }

  /// Image i of a request states a seed that makes it again alone, whole file.
  @Test func eachImagesOwnSeedMakesItAgain() throws {
    try withTemporaryFolder { folder in
      try succeed(Self.horse + ["--count", "3", "--seed", "40", "-o", "%d.png"], in: folder)
      for index in 0..<3 {
        let texts = try PNGText.textChunks(ofFileAt: folder.appendingPathComponent("\(index).png"))
        let record = try #require(try ImageRecord(texts))
        #expect(record.seed == 40 + UInt64(index))
        try succeed(Self.horse + ["--count", "1", "--seed", "\(record.seed)", "-o", "again.png"], in: folder)
        #expect(try bytes("again.png", folder) == bytes("\(index).png", folder))
      }
      #expect(try bytes("0.png", folder) != bytes("1.png", folder))
    }
  }

  @Test func batchesAndThreadsDontChangeTheImages() throws {
    try withTemporaryFolder { folder in
      for (name, options) in [
        ("a", ["--batch-size", "1", "--threads", "2"]), ("b", ["--batch-size", "3", "--threads", "2"]),
        ("c", ["--batch-size", "100", "--threads", "2"]), ("d", ["--batch-size", "3", "--threads", "1"]),
        ("e", ["--batch-size", "100", "--threads", "1"]),
      ] {
        try succeed(Self.horse + options + ["--count", "4", "--seed", "9", "-o", "\(name)-%d.png"], in: folder)
        for index in 0..<4 { #expect(try bytes("\(name)-\(index).png", folder) == bytes("a-\(index).png", folder)) }
      }
    }
  }

  @Test func settingsAreInTheMetadata() throws {
    try withTemporaryFolder { folder in
      try succeed(
        [
          "generate", "--class", "horse", "--steps", "3", "--cfg-scale", "2", "--sampler", "purity", "--purity-weight", "0.5",
          "--truncation", "0.86", "--seed", "43", "-o", "x.png",
        ], in: folder)
      let parameters = """
        horse
        Steps: 3, Sampler: purity, CFG scale: 2, Seed: 43, Size: 32x32, Model: cifar10, Purity weight: 0.5, Truncation: 0.86, \
        Version: swift-vq-diffusion \(VQDiffusionPipeline.version)
        """
      let texts = try PNGText.textChunks(ofFileAt: folder.appendingPathComponent("x.png"))
      #expect(texts.first == PNGText("parameters", parameters))
      let record = try #require(try ImageRecord(texts))
      #expect(record.label == 7 && record.className == "horse" && record.sampler == "purity" && record.steps == 3)
      #expect(record.guidanceScale == 2 && record.purityWeight == 0.5 && record.truncation == "0.86" && record.seed == 43)

      let shown = try succeed(["inspect", "x.png"], in: folder).output
      #expect(shown.hasPrefix("x.png: 32×32 pixels\nparameters:\n\(parameters)\nvqdiffusion:\n{"))
    }
  }

  @Test func aSheetHasARowPerClass() throws {
    try withTemporaryFolder { folder in
      let settings = ["generate", "--class", "horse", "cat", "--count", "3", "--steps", "1", "--seed", "3", "--scale", "2"]
      try succeed(settings + ["--grid", "-o", "sheet.png"], in: folder)
      try succeed(settings + ["-o", "%d.png"], in: folder)
      let images = try (0..<6).map { try RGBImage(contentsOf: folder.appendingPathComponent("\($0).png")) }
      #expect(images[0].size == ImageSize(width: 64, height: 64))
      let sheet = folder.appendingPathComponent("sheet.png")
      #expect(try RGBImage(contentsOf: sheet) == RGBImage.grid(images, columns: 3))
      let record = try #require(try ImageRecord(try PNGText.textChunks(ofFileAt: sheet)))
      #expect(record.columns == 3 && record.cells?.map(\.seed) == [3, 4, 5, 6, 7, 8])
      #expect(record.cells?.map(\.className) == ["horse", "horse", "horse", "cat", "cat", "cat"])
      #expect(record.parameters.hasPrefix("horse, cat\n") && record.scale == 2)
    }
  }

  @Test func aSheetOfOneClassIsNearlySquare() throws {
    try withTemporaryFolder { folder in
      try succeed(
        ["generate", "--class", "horse", "--count", "5", "--steps", "1", "--seed", "3", "--grid", "-o", "new/"], in: folder)
      let sheet = try RGBImage(contentsOf: folder.appendingPathComponent("new/grid.png"))
      #expect(sheet.size == ImageSize(width: 3 * 34 - 2, height: 2 * 34 - 2))
    }
  }

  @Test func allMeansEveryClass() throws {
    try withTemporaryFolder { folder in
      try succeed(["generate", "--class", "all", "--steps", "1", "--seed", "3", "-o", "%d.png", "--quiet"], in: folder)
      #expect(try files(under: folder).count == 10)
    }
  }

  @Test func anUnconditionalModelNeedsNoClass() throws {
    try withTemporaryFolder { folder in
      try ModelFolders.writeModel("denoiser-uncond", to: folder.appendingPathComponent("model"))
      try succeed(["generate", "--model", "model", "--count", "2", "--steps", "2", "--seed", "1", "-o", "out"], in: folder)
      #expect(try files(under: folder.appendingPathComponent("out")) == ["000.png", "001.png"])
      let file = folder.appendingPathComponent("out/001.png")
      #expect(try RGBImage(contentsOf: file).size == ImageSize(width: 8, height: 8))
      #expect(try PNGText.textChunks(ofFileAt: file).first?.text.hasPrefix("\nSteps: 2, ") == true)
    }
  }

  @Test(.timeLimit(.minutes(5)), arguments: [SIGINT, SIGTERM]) func aSignalEndsCleanly(signal: Int32) throws {
    try withTemporaryFolder { folder in
      let program = try Program(
        ["generate", "--class", "all", "--count", "5000", "--steps", "4", "--batch-size", "2", "-o", "out"], in: folder)
      let first = folder.appendingPathComponent("out/airplane/000.png").path
      while !FileManager.default.fileExists(atPath: first), program.process.isRunning { usleep(10_000) }
      kill(program.process.processIdentifier, signal)
      let run = try program.wait()
      #expect(run.diedOfSignal && run.status == signal, "\(run.errors)")
      #expect(run.errorLines.count == 1 && run.errors.hasPrefix("seed "))
      let left = try files(under: folder)
      #expect(!left.isEmpty && left.count < 50_000)
      for name in left {
        #expect(name.hasSuffix(".png"))
        #expect(throws: Never.self) { try RGBImage(contentsOf: folder.appendingPathComponent(name)) }
      }
    }
  }

  private func bytes(_ name: String, _ folder: URL) throws -> Data {
    try Data(contentsOf: folder.appendingPathComponent(name))
  }
}
