import Foundation
import TestSupport
import Testing
import VQDiffusion

/// Whole runs of the commands that train.
@Suite struct TrainTests {
  @Test(.timeLimit(.minutes(10))) func everyStageIsUsedByTheNext() throws {
    try withTrainingFolder { folder in
      let steps = ["--steps", "8", "--set", "reports.samples_every=4"]
      let first = try vqdiff(TrainingFolder.autoencoder + steps + ["--output", "ae", "--validation", "images"], in: folder.url)
      #expect(first.status == 0)
      #expect(first.errorLines.first?.hasSuffix("images: 40 images of 2 classes") == true)
      #expect(first.errorLines.last?.hasPrefix("step 8/8, loss ") == true && !first.errors.contains("\r"))
      #expect(first.outputLines.first?.contains("validation_psnr ") == true)
      #expect(first.output.contains("32 codes: ") && first.output.contains(" ten times or more, perplexity "))
      #expect(first.output.contains("\nwrote ae/model\nnext: vqdiff train denoiser --images "))
      #expect(first.output.hasSuffix(" --vqvae ae --output NEW_FOLDER\n"))
      try expectFiles(
        folder, "ae", ["losses.svg", "metrics.jsonl", "run.json", "samples/step-000004.png", "samples/step-000008.png"])

      let refit = try vqdiff(
        ["refit", "--images", "images", "--model", "ae", "--codes", "9", "--preset", "tiny", "--steps", "4", "-o", "small"],
        in: folder.url)
      #expect(refit.status == 0 && refit.output.contains("9 codes: "))
      #expect(refit.outputLines.last?.hasSuffix("--vqvae small --output NEW_FOLDER") == true)

      try succeed(TrainingFolder.denoiser + steps + ["--vqvae", "small", "-o", "made", "--quiet"], in: folder.url)
      try expectFiles(folder, "made", ["tokens.safetensors", "model/labels.json", "model/transformer/model.safetensors"])
      let tuned = try vqdiff(
        [
          "finetune-guidance", "--images", "images", "--model", "made", "--preset", "tiny", "--empty", "null", "-o", "it's tuned",
        ],
        in: folder.url)
      #expect(tuned.status == 0 && tuned.outputLines.last == #"next: vqdiff generate --model 'it'\''s tuned'"#, "\(tuned)")

      try succeed(
        ["generate", "--model", "it's tuned", "--class", "all", "--seed", "1", "--quiet", "-o", "x%d.png"], in: folder.url)
      #expect(try RGBImage(contentsOf: folder.file("x1.png")).size == ImageSize(width: 16, height: 16))
    }
  }

  private func expectFiles(_ folder: TrainingFolder, _ run: String, _ expected: [String]) throws {
    let names = try VqdiffTests.files(under: folder.file(run))
    for name in expected + ["checkpoint.safetensors", "model/vqvae/model.safetensors"] {
      #expect(names.contains(name), "\(name) isn't among \(names)")
    }
  }

  @Test func anAutoencoderAloneEncodesAndDecodes() throws {
    try withTrainingFolder { folder in
      try succeed(TrainingFolder.autoencoder + ["--steps", "4", "--output", "ae", "--quiet"], in: folder.url)
      let picture = "images/class 1/3.png"
      for model in ["ae", "ae/model"] {
        try succeed(["encode", "-i", picture, "-o", "tokens.safetensors", "--model", model], in: folder.url)
        try succeed(["decode", "-i", "tokens.safetensors", "-o", "back.png", "--model", model, "--quiet"], in: folder.url)
        let codec = try ImageCodec(ModelLocation(folder.file(model)))
        #expect(codec.layout == .grid(rows: 8, columns: 8) && codec.imageSize == ImageSize(width: 16, height: 16))
        let tokens = try codec.encode(contentsOf: [folder.file(picture)])
        #expect(try codec.decode(tokens)[0] == RGBImage(contentsOf: folder.file("back.png")))
      }
      try fail(
        ["generate", "--model", "ae", "--class", "0"], status: 1, message: "ae/model: no model_index.json", in: folder.url)
    }
  }

  @Test func aCorruptImageIsNamedOnceAndCounted() throws {
    try withTrainingFolder { folder in
      try Data("no image".utf8).write(to: folder.file("images/class 0/bad.png"))
      let arguments = TrainingFolder.autoencoder + ["--steps", "12", "--batch", "40", "--output"]
      let run = try vqdiff(arguments + ["ae"], in: folder.url)
      #expect(run.status == 0)
      let warnings = run.errorLines.filter { $0.hasPrefix("vqdiff: left out: ") }
      #expect(warnings.count == 1 && warnings[0].contains("images/class 0/bad.png is neither a PNG nor a JPEG file"))
      #expect(run.outputLines.contains("left out 1 image that can't be read"))
      let quiet = try vqdiff(arguments + ["again", "--quiet"], in: folder.url)
      #expect(quiet.status == 0 && quiet.output == "" && quiet.errorLines == warnings)
      try folder.expectEqualRuns("ae", "again")

      let denoiser = TrainingFolder.denoiser + ["--steps", "6", "--vqvae", "ae", "--output", "made"]
      #expect(try vqdiff(denoiser, in: folder.url).outputLines.contains("left out 1 image that can't be read"))
      // Its tokens are there already.
      let resumed = try vqdiff(["train", "denoiser", "--resume", "made"], in: folder.url)
      #expect(resumed.status == 0 && resumed.outputLines.contains("left out 1 image that can't be read"))
    }
  }

  @Test func settingsArePrinted() throws {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("settings.yaml")
      try Data("preset: tiny\noptimization: {steps: 50, batch: 8}\n".utf8).write(to: file)
      let run = try succeed(
        [
          "train", "denoiser", "--dry-run", "--config", "settings.yaml", "--batch", "9", "--kernel", "absorbing", "--loss",
          "masked_cross_entropy", "--set", "network.layers=3", "--set", "optimization.batch=10",
        ], in: folder)
      let printed = try JSONDecoder().decode(JSONValue.self, from: Data(run.output.utf8))
      #expect(try printed["optimization"].int("steps") == 50 && printed["optimization"].int("batch") == 10)
      #expect(try printed["network"].int("layers") == 3 && printed["network"].int("width") == 32)
      #expect(try printed.string("kernel") == "absorbing" && printed["loss"].string("kind") == "masked_cross_entropy")
      try Data(run.output.utf8).write(to: folder.appendingPathComponent("all.json"))
      #expect(try succeed(["train", "denoiser", "--dry-run", "--config", "all.json"], in: folder).output == run.output)
      #expect(try files(under: folder) == ["all.json", "settings.yaml"])
    }
  }
}
