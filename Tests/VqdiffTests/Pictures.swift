import Foundation
import TestSupport
import VQDiffusion

/// Pixels without any order.
func noisePicture(width: Int, height: Int, seed: Int) -> RGBImage {
  RGBImage(
    width: width, height: height,
    pixels: (0..<width * height * 3).map { UInt8(truncatingIfNeeded: ($0 &+ seed) &* 2_654_435_761 >> 9) })
}

/// White where `isRepainted`, black elsewhere.
func maskPicture(width: Int, height: Int, _ isRepainted: (Int, Int) -> Bool) -> RGBImage {
  var picture = RGBImage(width: width, height: height, filledWith: .black)
  for y in 0..<height {
    for x in 0..<width where isRepainted(x, y) { picture[x, y] = .white }
  }
  return picture
}

/// The small unconditional model, 4×4 tokens of 2×2 pixels, in `model`, a picture and a mask of its size and a picture of the
/// built-in model's.
struct EditFolder {
  let url: URL
  let picture = noisePicture(width: 8, height: 8, seed: 7)
  let large = noisePicture(width: 32, height: 32, seed: 8)
  /// Irregular: cuts through tokens.
  let mask = maskPicture(width: 8, height: 8, isRepainted)
  static let files = ["large.png", "mask.png", "picture.png"]

  static func isRepainted(_ x: Int, _ y: Int) -> Bool { x + y > 7 && x != 5 }

  init(_ url: URL) throws {
    self.url = url
    try ModelFolders.writeModel("denoiser-uncond", to: url.appendingPathComponent("model"))
    try picture.write(to: url.appendingPathComponent("picture.png"))
    try large.write(to: url.appendingPathComponent("large.png"))
    try mask.write(to: url.appendingPathComponent("mask.png"))
  }

  func image(_ name: String) throws -> RGBImage { try RGBImage(contentsOf: url.appendingPathComponent(name)) }

  func bytes(_ name: String) throws -> Data { try Data(contentsOf: url.appendingPathComponent(name)) }

  func record(_ name: String) throws -> ImageRecord? {
    try ImageRecord(PNGText.textChunks(ofFileAt: url.appendingPathComponent(name)))
  }

  func frames(_ name: String) throws -> [RGBImage] {
    try PNGChunks(contentsOf: url.appendingPathComponent(name)).framePNGs().map { try RGBImage(png: $0) }
  }

  /// The files but for the model's.
  func files() throws -> [String] { try VqdiffTests.files(under: url).filter { !$0.hasPrefix("model/") } }

  var pipeline: VQDiffusionPipeline {
    get throws { try VQDiffusionPipeline(contentsOf: url.appendingPathComponent("model")) }
  }
}

func withEditFolder(_ body: (EditFolder) throws -> Void) throws {
  try withTemporaryFolder { try body(EditFolder($0)) }
}
