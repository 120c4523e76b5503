import ArgumentParser
import Foundation
import VQDiffusion

@main
struct VQDiff: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vqdiff",
    abstract: "Images from discrete diffusion over VQ-VAE tokens.",
    discussion: "Exit status: 0, 1 for a failure, 64 for arguments that no model could take.",
    version: VQDiffusionPipeline.version,
    subcommands: [
      Generate.self, Inpaint.self, Vary.self, Encode.self, Decode.self, Denoise.self, Evaluate.self, Inspect.self, Convert.self,
      Train.self, RefitCodebook.self, FinetuneGuidance.self,
    ])

  static func main() async {
    do {
      let command = try parseAsRoot()
      try await Interrupts.run { try await execute(command) }
    } catch {
      end(with: error)
    }
  }

  private static func execute(_ command: any ParsableCommand) async throws {
    if var command = command as? any AsyncParsableCommand {
      try await command.run()
    } else {
      var command = command
      try command.run()
    }
  }

  /// Says what went wrong in one line, with the usage below it only where the arguments are at fault.
  ///
  /// Then leaves without exit handlers: BLAS's would take memory from a generation that is still at work.
  private static func end(with error: any Error) -> Never {
    switch exitCode(for: error) {
    case .success: exit(withError: error)  // help or version, to standard output
    case .validationFailure:
      let text = fullMessage(for: error)
      Terminal.report(text.hasPrefix("Error: ") ? "vqdiff: " + text.dropFirst("Error: ".count) : text)
      _exit(ExitCode.validationFailure.rawValue)
    default:
      Terminal.report("vqdiff: " + Terminal.line(Terminal.describe(error)))
      _exit(ExitCode.failure.rawValue)
    }
  }
}
