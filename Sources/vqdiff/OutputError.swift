import VQDiffusion

/// What can be wrong with where results shall go.
enum OutputError: Error, Equatable, CustomStringConvertible {
  case badConversion(pattern: String, found: String)
  case conversionCount(pattern: String, found: Int)
  case wrongExtension(path: String, expected: String)
  case patternForGrid(pattern: String)
  case sameFile(path: String, images: Int)
  case unwritable(path: String, reason: String)
  case tooLarge(path: String, found: ImageSize)

  var description: String {
    switch self {
    case .badConversion(let pattern, let found):
      "--output \(pattern): expected %d, %0Nd (N = 1…9) or %% after a percent sign, found '\(found)'"
    case .conversionCount(let pattern, let found):
      "--output \(pattern): expected one place for a number, such as %03d, found \(found)"
    case .wrongExtension(let path, let expected):
      "--output \(path): expected a name that ends in \(expected)"
    case .patternForGrid(let pattern):
      "--output \(pattern): expected a file or a folder for the one image of --grid, found a pattern"
    case .sameFile(let path, let images):
      "--output \(path): expected a place for each of \(images) images (a folder, a pattern such as image-%03d.png, or --grid), "
        + "found the same file for several"
    case .unwritable(let path, let reason):
      "can't write \(path): \(reason)"
    case .tooLarge(let path, let found):
      "can't write \(path): expected an image of at most 2 GiB, found one of \(found) pixels"
    }
  }
}
