import Foundation
import TestSupport
import Testing

/// Wrong options of the commands that train, and places where nothing can be written.
@Suite struct TrainFailureTests {
  private static let vqvae = "train vqvae --images images --output run --preset tiny"

  @Test(arguments: [
    BadUsageTests.Case("train vqvae", "name the --images to train on, or a run to --resume"),
    BadUsageTests.Case("train vqvae --images images", "name the run's folder with --output"),
    BadUsageTests.Case("train vqvae --resume run --steps 5", "but for --threads and --quiet: found --steps"),
    BadUsageTests.Case("train denoiser --resume run --vqvae x", "but for --threads and --quiet: found --vqvae"),
    BadUsageTests.Case("refit --resume run --codes 5", "found --codes"),
    BadUsageTests.Case("finetune-guidance --resume run --images images", "found --images"),
    BadUsageTests.Case("train vqvae --resume run --dry-run", "found --dry-run"),
    BadUsageTests.Case("\(vqvae) --threads 0", "--threads must be 1…64, found 0"),
    BadUsageTests.Case("\(vqvae) --steps 0", "steps must be 1 or more, found 0"),
    BadUsageTests.Case("\(vqvae) --steps many", "'many' is invalid for '--steps"),
    BadUsageTests.Case("\(vqvae) --learning-rate nan", "--learning-rate: optimization.learning_rate: expected a finite number"),
    BadUsageTests.Case("\(vqvae) --set optimization.bach=3", "--set: optimization.bach: expected one of the settings "),
    BadUsageTests.Case("\(vqvae) --set optimization.batch", "--set: expected path=value, found 'optimization.batch'"),
    BadUsageTests.Case("\(vqvae) --set network.quantizer=ema", "network.quantizer must be absent"),
    BadUsageTests.Case("\(vqvae) --set network.norm_groups=7", "channels divisible by 7"),
    BadUsageTests.Case("\(vqvae) --config nowhere.yaml", "nowhere.yaml: expected a file that can be read"),
    BadUsageTests.Case("train vqvae --images images --output run --preset huge", "'huge' is invalid for '--preset"),
    BadUsageTests.Case("train denoiser --images images --output run --kernel best", "'best' is invalid for '--kernel"),
    BadUsageTests.Case("train denoiser --images images --output run --loss best", "'best' is invalid for '--loss"),
    BadUsageTests.Case(
      "train denoiser --images images --output run --set augmentation.crop_padding=2", "augmentation.crop_padding must be 0"),
    BadUsageTests.Case(
      "finetune-guidance --images images --output run --set augmentation.crop_padding=2", "augmentation.crop_padding must be 0"),
    BadUsageTests.Case(
      "\(vqvae) --set optimization.schedule=cosine_reference --set optimization.warm_up=0",
      "optimization.warm_up must be 1 or more for cosine_reference, found 0"),
    BadUsageTests.Case("refit --images images --output run", "name the --codes"),
    BadUsageTests.Case("refit --images images --output run --codes 1", "codes must be 2 or more, found 1"),
    BadUsageTests.Case("finetune-guidance --images images --output run --empty most", "'most' is invalid for '--empty"),
    BadUsageTests.Case("finetune-guidance --images images --output run --set label_dropout=0", "label_dropout must be above 0"),
  ]) func badUsageIs64(_ bad: BadUsageTests.Case) throws {
    try withTemporaryFolder { folder in
      try fail(bad.arguments, status: 64, message: bad.message, in: folder)
      #expect(try files(under: folder) == [])
    }
  }

  @Test(arguments: [
    BadUsageTests.Case("\(vqvae) --quiet --images nowhere", "nowhere: expected a folder of images"),
    BadUsageTests.Case("\(vqvae) --quiet --images empty", "empty: expected a folder of class folders"),
    BadUsageTests.Case("\(vqvae) --quiet --output taken", "taken: expected a new or empty folder, found "),
    BadUsageTests.Case("\(vqvae) --quiet --output full", "full: expected a new or empty folder, found file; --resume"),
    BadUsageTests.Case("\(vqvae) --quiet --output /dev/null/run", "/dev/null/run: can't be written: the folder can't be made"),
    BadUsageTests.Case("\(vqvae) --quiet --output /proc/run", "/proc/run: can't be written: the folder can't be made"),
    BadUsageTests.Case("\(vqvae) --quiet --validation nowhere", "nowhere: expected a folder of images"),
    BadUsageTests.Case("train denoiser --images images --output run --quiet --vqvae nowhere", "nowhere: no such folder"),
    BadUsageTests.Case("refit --images images --output run --quiet --codes 4096", "expected more codes than the 4096 asked for"),
    BadUsageTests.Case("finetune-guidance --images images --output run --quiet", "expected 2 classes, as "),
  ]) func impossibleRunsAre1(_ bad: BadUsageTests.Case) throws {
    try withTrainingFolder { folder in
      try Data("x".utf8).write(to: folder.file("taken"))
      for name in ["full", "empty"] {
        try FileManager.default.createDirectory(at: folder.file(name), withIntermediateDirectories: true)
      }
      try Data("x".utf8).write(to: folder.file("full/file"))
      try fail(bad.arguments, status: 1, message: bad.message, in: folder.url)
      #expect(!folder.has("run/checkpoint.safetensors"))
      #expect(try VqdiffTests.files(under: folder.file("full")) == ["file"])
    }
  }

  /// A limit on the size of files is met as a full disk is.
  @Test(.timeLimit(.minutes(5))) func aFullDiskLeavesTheLastCheckpoint() throws {
    try withTrainingFolder { folder in
      let arguments = TrainingFolder.autoencoder + ["--steps", "60", "--output", "ae", "--quiet"]
      let program = try Program(arguments + ["--set", "reports.checkpoint_minutes=0.000001"], in: folder.url)
      try folder.waitForSteps(4, of: "ae", program)
      kill(program.process.processIdentifier, SIGTERM)
      #expect(try program.wait().diedOfSignal)
      let checkpoint = try folder.bytes("ae/checkpoint.safetensors")
      #expect(checkpoint.count > 100 << 10)

      let limited = try Program(
        shell: "trap '' XFSZ; ulimit -f 100; exec \"$0\" train vqvae --resume ae --quiet", in: folder.url
      ).wait()
      #expect(limited.status == 1 && !limited.diedOfSignal && limited.output == "", "\(limited)")
      #expect(limited.errorLines.count == 1)
      #expect(limited.errors.hasPrefix("vqdiff: ") && limited.errors.contains("/ae/checkpoint.safetensors: "))
      #expect(try folder.bytes("ae/checkpoint.safetensors") == checkpoint)
      #expect(try !VqdiffTests.files(under: folder.file("ae")).contains { $0.contains(".tmp") })

      try succeed(["train", "vqvae", "--resume", "ae", "--quiet"], in: folder.url)
      #expect(folder.has("ae/model/vqvae/model.safetensors"))
    }
  }
}
