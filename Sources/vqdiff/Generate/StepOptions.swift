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

  /// The steps of `steps` that are previewed.
  func previewedSteps(of steps: Int) -> StrideThrough<Int> {
    // Without previews none: the first would come after the last step.
    stride(from: previewEvery ?? steps + 1, through: steps, by: previewEvery ?? 1)
  }

  /// Checks before the work that previews can be written beside their images.
  ///
  /// - Parameters:
  ///   - files: of the images; of a sheet the one.
  ///   - images: on the sheet; nil without one. Its previews wait in memory for the last image.
  ///   - size: of an image as it is generated.
  /// - Throws: `OutputError.previewsTooLarge` for previews that wait with together more than 2 GiB; `.unwritable`.
  func checkPreviews(beside files: [URL], steps: Int, onSheet images: Int?, size: ImageSize) throws(OutputError) {
    guard let previewEvery else { return }
    if let images {
      let previews = Double(images) * Double(steps / previewEvery)
      guard Double(size.width) * Double(size.height) * 3 * previews <= Double(Int32.max) else {
        throw .previewsTooLarge(every: previewEvery, previews: previews, size: size)
      }
    }
    try OutputPath.check(
      files.lazy.flatMap { file in previewedSteps(of: steps).lazy.map { Self.previewFile(of: file, step: $0) } })
  }

  /// The file of a preview beside that of its image.
  static func previewFile(of image: URL, step: Int) -> URL {
    let name = image.deletingPathExtension().lastPathComponent
    return image.deletingLastPathComponent().appendingPathComponent("\(name).preview-\(step.padded(to: 3)).png")
  }
}
