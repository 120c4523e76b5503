import Foundation
import TestSupport
import Testing
import VQDiffusion

@Suite struct PipeImageTests {
  /// Nobody writes into it, so that reading from it would never end.
  @Test(.timeLimit(.minutes(1))) func aPipeIsNoImage() throws {
    try withTemporaryFolder { folder in
      let pipe = folder.appendingPathComponent("pipe.png")
      try #require(mkfifo(pipe.path, 0o600) == 0)
      let error = ImageError.unreadable(file: pipe.path, reason: "not a regular file")
      #expect(!RGBImage.isImageFile(at: pipe) && !RGBImage.isImageFile(at: folder))
      #expect(throws: error) { try RGBImage(contentsOf: pipe) }
      #expect(throws: error) { try PNGText.textChunks(ofFileAt: pipe) }
      let file = folder.appendingPathComponent("image.png")
      try RGBImage(width: 1, height: 1, filledWith: .gray).write(to: file)
      #expect(RGBImage.isImageFile(at: file))
      try Data([0x89]).write(to: file)
      #expect(!RGBImage.isImageFile(at: file))
      try Data().write(to: file)
      #expect(!RGBImage.isImageFile(at: file))
    }
  }
}
