import ArgumentParser
import Foundation
import VQDiffusion

/// What is to be seen of images on their way.
struct StepOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "After every N steps write the image that the network expects, beside IMAGE.png as IMAGE.preview-005.png (step 5).",
      valueName: "N"))
  var previewEvery: Int?

  @Option(
    help: ArgumentHelp(
      "Write the steps as an animation (APNG), masked tokens gray: of one image, or of the sheet of --grid.",
      valueName: "file.png"))
  var animate: String?

  func validate() throws {
    if let previewEvery, previewEvery < 1 {
      throw ValidationError("--preview-every must be 1 or more, found \(previewEvery)")
    }
    try OutputError.asUsage { () throws(OutputError) in _ = try animation() }
  }

  func isPreviewed(_ step: Int) -> Bool { previewEvery.map { step.isMultiple(of: $0) } ?? false }

  var areAsked: Bool { previewEvery != nil || animate != nil }

  /// The file of the animation.
  ///
  /// - Throws: `OutputError.wrongExtension`.
  func animation() throws(OutputError) -> URL? {
    guard let animate else { return nil }
    guard animate.lowercased().hasSuffix(".png") else {
      throw .wrongExtension(path: animate, expected: ".png", option: "--animate")
    }
    return URL(fileURLWithPath: animate)
  }

  /// - Throws: `OutputError.animationOfSeveral` for more than one image that doesn't lie on a sheet.
  func check(images: Int, isGrid: Bool) throws(OutputError) {
    if let animate, images > 1, !isGrid { throw .animationOfSeveral(path: animate, images: images) }
  }

  /// - Throws: `PipelineError.invalidOption` for previews further apart than there are steps.
  func check(steps: Int) throws(PipelineError) {
    if let previewEvery, previewEvery > steps {
      throw .invalidOption(name: "--preview-every", expected: "1…\(steps) with \(steps) steps", found: "\(previewEvery)")
    }
  }

  /// The file of a preview beside that of its image.
  static func previewFile(of image: URL, step: Int) -> URL {
    let name = image.deletingPathExtension().lastPathComponent
    return image.deletingLastPathComponent().appendingPathComponent("\(name).preview-\(step.padded(to: 3)).png")
  }
}
