import Foundation
import VQDiffusion

/// What can be wrong with where results shall go.
enum OutputError: Error, Equatable, CustomStringConvertible {
  case badConversion(pattern: String, found: String)
  case conversionCount(pattern: String, found: Int)
  case wrongExtension(path: String, expected: String, option: String = "--output")
  case patternForGrid(pattern: String)
  case sameFile(path: String, images: Int)
  case unwritable(path: String, reason: String)
  case tooLarge(path: String, found: ImageSize)
  case animationOfSeveral(path: String, images: Int)
  case animationInPlace(path: String)
  case animationTooLarge(path: String, frames: Int, size: ImageSize)
  case previewsTooLarge(every: Int, previews: Double, size: ImageSize)

  var description: String {
    switch self {
    case .badConversion(let pattern, let found):
      "--output \(pattern): expected %d, %0Nd (N = 1…9) or %% after a percent sign, found '\(found)'"
    case .conversionCount(let pattern, let found):
      "--output \(pattern): expected one place for a number, such as %03d, found \(found)"
    case .wrongExtension(let path, let expected, let option):
      "\(option) \(path): expected a name that ends in \(expected)"
    case .patternForGrid(let pattern):
      "--output \(pattern): expected a file or a folder for the one image of --grid, found a pattern"
    case .sameFile(let path, let images):
      "--output \(path): expected a place for each of \(images) images (a folder, a pattern such as image-%03d.png, or --grid), "
        + "found the same file for several"
    case .unwritable(let path, let reason):
      "can't write \(path): \(reason)"
    case .tooLarge(let path, let found):
      "can't write \(path): expected an image of at most 2 GiB, found one of \(found) pixels"
    case .animationOfSeveral(let path, let images):
      "--animate \(path): expected one image, or several on the sheet of --grid, found \(images) images"
    case .animationInPlace(let path):
      "--animate \(path): expected another file than those of --output, found one of them"
    case .animationTooLarge(let path, let frames, let size):
      "--animate \(path): expected frames of together at most 2 GiB, found up to \(frames) of \(size) pixels"
    case .previewsTooLarge(let every, let previews, let size):
      "--preview-every \(every): with --grid expected previews of together at most 2 GiB, found up to "
        + "\(String(format: "%.0f", previews)) of \(size) pixels"
    }
  }
}
