import Foundation
import TestSupport
import Testing
import VQDiffusion

/// Runs that are interrupted, and go on.
@Suite struct TrainResumeTests {
  /// Begins a run, kills it after some steps, and lets it go on to its end.
  private func killAndResume(_ arguments: [String], _ run: String, after steps: Int, _ folder: TrainingFolder) throws {
    let program = try Program(arguments + ["--output", run, "--quiet"], in: folder.url)
    try folder.waitForSteps(steps, of: run, program)
    kill(program.process.processIdentifier, SIGKILL)
    let killed = try program.wait()
    #expect(killed.diedOfSignal && killed.status == SIGKILL, "\(killed)")
    let command = arguments[0] == "train" ? Array(arguments.prefix(2)) : [arguments[0]]
    try succeed(command + ["--resume", run, "--quiet", "--threads", "2"], in: folder.url)
  }

  /// A checkpoint after every step.
  private let often = ["--set", "reports.checkpoint_minutes=0.000001"]

  @Test(.timeLimit(.minutes(10))) func aKilledRunEndsAsAnUnbrokenOne() throws {
    try withTrainingFolder { folder in
      let autoencoder = TrainingFolder.autoencoder + ["--steps", "40"] + often
      try succeed(autoencoder + ["--output", "ae", "--quiet"], in: folder.url)
      try killAndResume(autoencoder, "killed ae", after: 12, folder)
      try folder.expectEqualRuns("ae", "killed ae")

      let denoiser = TrainingFolder.denoiser + ["--steps", "120", "--vqvae", "ae"] + often
      try succeed(denoiser + ["--output", "made", "--quiet"], in: folder.url)
      try killAndResume(denoiser, "killed made", after: 25, folder)
      try folder.expectEqualRuns("made", "killed made")

      let guidance = ["finetune-guidance", "--images", "images", "--model", "made", "--preset", "tiny", "--steps", "120"] + often
      try succeed(guidance + ["--output", "tuned", "--quiet"], in: folder.url)
      try killAndResume(guidance, "killed tuned", after: 25, folder)
      try folder.expectEqualRuns("tuned", "killed tuned")
    }
  }

  /// Its codes are found by k-means again.
  @Test(.timeLimit(.minutes(10))) func aRunWithoutACheckpointBeginsAnew() throws {
    try withTrainingFolder { folder in
      try succeed(TrainingFolder.autoencoder + ["--steps", "4", "--output", "ae", "--quiet"], in: folder.url)
      let refit = ["refit", "--images", "images", "--model", "ae", "--codes", "6", "--preset", "tiny", "--steps", "60"]
      try succeed(refit + ["--output", "small", "--quiet"], in: folder.url)
      try killAndResume(refit, "killed", after: 3, folder)
      try folder.expectEqualRuns("small", "killed")
    }
  }

  @Test(.timeLimit(.minutes(10)), arguments: [SIGINT, SIGTERM]) func aSignalSavesTheRun(signal: Int32) throws {
    try withTrainingFolder { folder in
      let arguments = TrainingFolder.autoencoder + ["--steps", "60"]
      let program = try Program(arguments + ["--output", "my run", "--quiet"], in: folder.url)
      try folder.waitForSteps(5, of: "my run", program)
      kill(program.process.processIdentifier, signal)
      let stopped = try program.wait()
      #expect(stopped.diedOfSignal && stopped.status == signal && stopped.output == "")
      #expect(stopped.errors == "saved; go on with vqdiff train vqvae --resume 'my run'\n")
      #expect(folder.has("my run/checkpoint.safetensors") && !folder.has("my run/model/vqvae/.tmp"))
      let resumed = try vqdiff(["train", "vqvae", "--resume", "my run"], in: folder.url)
      #expect(resumed.status == 0 && resumed.errorLines.dropFirst().first?.hasPrefix("goes on after step ") == true)
      try succeed(arguments + ["--output", "unbroken", "--quiet"], in: folder.url)
      try folder.expectEqualRuns("unbroken", "my run")
    }
  }

  @Test func aFinishedRunHasNothingLeftToDo() throws {
    try withTrainingFolder { folder in
      try succeed(TrainingFolder.autoencoder + ["--steps", "4", "--output", "ae", "--quiet"], in: folder.url)
      let before = try folder.bytes("ae/checkpoint.safetensors")
      let run = try vqdiff(["train", "vqvae", "--resume", "ae"], in: folder.url)
      #expect(run.status == 0 && run.errorLines.last == "goes on after step 4" && run.output.contains("wrote ae/model"))
      #expect(try folder.bytes("ae/checkpoint.safetensors") == before)
    }
  }

  @Test func runsThatCannotGoOn() throws {
    try withTrainingFolder { folder in
      try succeed(TrainingFolder.autoencoder + ["--steps", "4", "--output", "ae", "--quiet"], in: folder.url)
      func fail(_ command: [String], _ message: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        try VqdiffTests.fail(
          command + ["--quiet"], status: 1, message: message, in: folder.url, sourceLocation: sourceLocation)
      }
      try fail(["train", "vqvae", "--resume", "nowhere"], "nowhere: nothing to resume: expected run.json, found none")
      try fail(["train", "vqvae", "--resume", "images"], "images: nothing to resume: expected run.json, found none")
      try fail(["refit", "--resume", "ae"], "the run has been begun by vqdiff train vqvae, found vqdiff refit")
      try FileManager.default.removeItem(at: folder.file("images/class 1/7.png"))
      try fail(["train", "vqvae", "--resume", "ae"], "ae: the run has images ")
      let state = try folder.bytes("ae/checkpoint.safetensors")
      try state.prefix(state.count / 2).write(to: folder.file("ae/checkpoint.safetensors"))
      try fail(["train", "vqvae", "--resume", "ae"], "ae/checkpoint.safetensors: expected ")
      for (text, message) in [(#"{"task": 3}"#, "format: expected a value"), (#"{"format": 1, "task": 3}"#, "task: expected ")] {
        try Data(text.utf8).write(to: folder.file("ae/run.json"))
        try fail(["train", "vqvae", "--resume", "ae"], "ae/run.json: \(message)")
      }
    }
  }
}
