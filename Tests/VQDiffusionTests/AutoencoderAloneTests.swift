import Foundation
import TestSupport
import Testing
import VQDiffusion
import VQVAE

/// Folders that hold an autoencoder and no denoiser, and folders of training runs.
@Suite struct AutoencoderAloneTests {
  /// The autoencoder of a recorded model, of 2×2 pixels a token.
  private func writeAutoencoder(to folder: URL) throws {
    try ModelFolders.writeModel("denoiser-uncond", to: folder)
    for part in ["transformer", "scheduler", "model_index.json"] {
      try FileManager.default.removeItem(at: folder.appendingPathComponent(part))
    }
  }

  private func picture() -> RGBImage {
    RGBImage(width: 8, height: 8, pixels: (0..<8 * 8 * 3).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 9) })
  }

  @Test func worksAsWithinAModel() throws {
    try withTemporaryFolder { folder in
      let (whole, alone) = (folder.appendingPathComponent("whole"), folder.appendingPathComponent("alone"))
      try ModelFolders.writeModel("denoiser-uncond", to: whole)
      try writeAutoencoder(to: alone)
      let (expected, codec) = (try ImageCodec(contentsOf: whole), try ImageCodec(contentsOf: alone))
      let resolution = try #require(expected.tokenizer as? TamingVQGAN).configuration.resolution
      #expect(codec.pixelsPerToken == 2 && codec.layout == .grid(rows: resolution / 2, columns: resolution / 2))
      #expect(codec.imageSize == ImageSize(width: resolution, height: resolution))
      let tokens = try codec.encode([picture()])
      #expect(try tokens == expected.encode([picture()]))
      #expect(try codec.decode(tokens) == expected.decode(tokens))
    }
  }

  @Test func aResolutionOfHalfTokensIsNone() throws {
    try withTemporaryFolder { folder in
      try writeAutoencoder(to: folder)
      let file = folder.appendingPathComponent("vqvae/config.json")
      let old = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any]
      try ModelFolders.write((old ?? [:]).merging(["resolution": 9]) { $1 }, to: file)
      let error = ModelFileError.mismatchedParts(
        folder: folder.path, expected: "a resolution that is a multiple of 2 pixels a token", found: "9")
      #expect(throws: error) { try ImageCodec(contentsOf: folder) }
    }
  }

  @Test func neitherPartIsTold() throws {
    try withTemporaryFolder { folder in
      #expect(throws: ModelFileError.missingPart(folder: folder.path, part: "transformer/config.json")) {
        try ImageCodec(contentsOf: folder)
      }
    }
  }

  @Test func aRunStandsForItsModel() throws {
    try withTemporaryFolder { folder in
      let run = folder.appendingPathComponent("run")
      try writeAutoencoder(to: run.appendingPathComponent("model"))
      #expect(throws: ModelFileError.missingPart(folder: run.path, part: "transformer/config.json")) {
        try ImageCodec(contentsOf: run)
      }
      try Data("{}".utf8).write(to: run.appendingPathComponent("run.json"))
      let tokens = try ImageCodec(contentsOf: run).encode([picture()])
      #expect(try tokens == ImageCodec(contentsOf: run.appendingPathComponent("model")).encode([picture()]))
      try FileManager.default.removeItem(at: run.appendingPathComponent("model"))
      #expect(throws: ModelFileError.missingPart(folder: run.appendingPathComponent("model").path, part: "such folder")) {
        try ImageCodec(contentsOf: run)
      }
    }
  }
}
