import Foundation
import ModelFiles
import TestSupport
import Testing
import VQDiffusion

/// Configurations that aren't regular files, or far too large.
@Suite struct SmallFileTests {
  @Test(.timeLimit(.minutes(1))) func pipesAndDevicesAreNotRead() throws {
    try withTemporaryFolder { folder in
      let pipe = folder.appendingPathComponent("pipe")
      try #require(mkfifo(pipe.path, 0o600) == 0)
      for file in [pipe, URL(fileURLWithPath: "/dev/zero"), folder] {
        #expect(throws: ModelFileError.unreadable(file: file.path, reason: "not a regular file")) {
          try YAMLConfiguration(contentsOf: file)
        }
      }
      let model = folder.appendingPathComponent("model")
      try ModelFolders.writeModel("denoiser-uncond", to: model)
      let file = model.appendingPathComponent("scheduler/config.json")
      try FileManager.default.removeItem(at: file)
      try FileManager.default.moveItem(at: pipe, to: file)
      #expect(throws: ModelFileError.unreadable(file: file.path, reason: "not a regular file")) {
        try VQDiffusionPipeline(contentsOf: model)
      }
    }
  }

  @Test func configurationsHaveALimit() throws {
    try withTemporaryFolder { folder in
      try ModelFolders.writeModel("denoiser-uncond", to: folder)
      let file = folder.appendingPathComponent("vqvae/config.json")
      // A file of holes takes no room.
      let handle = try FileHandle(forWritingTo: file)
      try handle.truncate(atOffset: 1 << 26 + 1)
      try handle.close()
      #expect(
        throws: ModelFileError.invalidConfiguration(
          file: file.path, field: "", expected: "a JSON file of at most \(1 << 26) bytes", found: "\(1 << 26 + 1)")
      ) { try VQDiffusionPipeline(contentsOf: folder) }
    }
  }
}
