import Foundation
import VQDiffusion

/// The file of --animate.
enum AnimationFile {
  /// How long frames are shown; the last one, the result, longer.
  static let milliseconds: UInt16 = 120
  static let lastMilliseconds: UInt16 = 2000

  /// Checks before the work that an animation can be written beside the one other file of the request.
  ///
  /// - Throws: `OutputError.animationInPlace` if it would take the place of the image or of one of its previews;
  ///   `.animationTooLarge` for frames of together more than 2 GiB; `.unwritable`.
  static func check(
    _ url: URL, frames: Int, size: ImageSize, beside image: URL, steps: StepOptions
  ) throws(OutputError) {
    let previews = steps.previewedSteps(of: frames - 1).map { StepOptions.previewFile(of: image, step: $0) }
    for other in [image] + previews where other.standardizedFileURL.path == url.standardizedFileURL.path {
      throw .animationInPlace(path: url.relativePath)
    }
    guard Double(size.width) * Double(size.height) * 3 * Double(frames) <= Double(Int32.max) else {
      throw .animationTooLarge(path: url.relativePath, frames: frames, size: size)
    }
    try OutputPath.check([url])
  }
}
