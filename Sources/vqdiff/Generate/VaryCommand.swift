import ArgumentParser
import Foundation
import VQDiffusion

struct Vary: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make variations of a picture.",
    discussion: """
      The picture's tokens are noised as far as the time round(strength × T) and sampled from there: near 0 little changes, at 1 \
      nothing of the picture is left. The picture must be as large as the model's images; nothing is resized. Image i of a \
      request draws from seed + i. Existing files are replaced.
      """)

  @Option(name: .shortAndLong, help: ArgumentHelp("The picture, a PNG or JPEG file.", valueName: "picture"))
  var image: String

  @Option(help: "How much is made anew: above 0, at most 1.")
  var strength = 0.5

  @OptionGroup var generation: GenerationArguments

  func validate() throws {
    guard strength > 0, strength <= 1 else {
      throw ValidationError("--strength must be more than 0 and at most 1, found \(strength)")
    }
  }

  func run() async throws {
    let url = URL(fileURLWithPath: image)
    try await generation.run { pipeline in
      let picture = try RGBImage(contentsOf: url, expecting: pipeline.codec.imageSize)
      return Edit(
        start: .noised(tokens: try pipeline.encode([picture]).tokens, strength: strength),
        record: ImageRecord.Edit(image: url.lastPathComponent, strength: strength))
    }
  }
}
