import Foundation
import TestSupport
import VQDiffusion

/// The small recorded model of diffusers, 4×4 tokens of 2×2 pixels, conditioned on texts.
enum TextModel {
  static let folder = fixtures.appendingPathComponent("hf/pipeline")

  /// A command on the model, in three steps.
  static func command(_ name: String, _ options: String..., seed: Int = 3) -> [String] {
    [name, "--model", folder.path, "--steps", "3", "--seed", "\(seed)"] + options
  }
}

/// An image's own record.
func record(_ name: String, _ folder: URL) throws -> ImageRecord? {
  try ImageRecord(PNGText.textChunks(ofFileAt: folder.appendingPathComponent(name)))
}

func image(_ name: String, _ folder: URL) throws -> RGBImage { try RGBImage(contentsOf: folder.appendingPathComponent(name)) }
