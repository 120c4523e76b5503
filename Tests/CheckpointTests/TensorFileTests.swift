import Checkpoint
import Foundation
import TestSupport
import Testing

/// The format of a file follows from its contents.
@Suite struct TensorFileTests {
  private func open(_ bytes: [UInt8], as name: String) throws -> any MappedTensorSource {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent(name)
      try Data(bytes).write(to: url)
      return try TensorFile.open(url)
    }
  }

  @Test func theNameSaysNothing() throws {
    let safetensors = safetensorsBytes("{" + entry("a", "U8", [1], 0, 1) + "}", data: [7])
    #expect(try open(safetensors, as: "model.pth").integers("a") == [7])
    let zip = ZipBytes.torch(Pickle.whole(Pickle.tensor([2], [1])), storages: ["0": bytes([Float](repeating: 3, count: 12))])
    #expect(try open(zip.archive, as: "model.safetensors").floatTensor("tensor").values == [3, 3])
    let recorded = RecordedFilesGoldenTests.folder.appendingPathComponent("tensors_legacy_format.pt")
    let legacy = [UInt8](try Data(contentsOf: recorded))
    #expect(try open(legacy, as: "model.safetensors") is PyTorchFile)
  }

  /// A header of 640 or 67 million bytes has a length whose bytes begin like a pickle or a zip archive.
  @Test func lengthsThatLookLikeOtherFormats() throws {
    let header = "{" + entry("a", "U8", [1], 0, 1) + "}"
    for length in [0x280, 0x380, 0x28] where length >= header.utf8.count {
      let padded = header + String(repeating: " ", count: length - header.utf8.count)
      #expect(try open(safetensorsBytes(padded, data: [7]), as: "x").integers("a") == [7])
    }
    let claimed = [0x50, 0x4b, 0x03, 0x04, 0, 0, 0, 0] + Array("{}".utf8)
    #expect(throws: CheckpointError.self) { try open(claimed, as: "x") }
    let error = #expect(throws: CheckpointError.self) { try open(claimed, as: "x") }
    guard case .truncated? = error else {
      Issue.record("another error: \(String(describing: error))")
      return
    }
  }

  @Test(arguments: [
    ("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n", "a Git LFS pointer"), ("", "an empty file"),
    ("\u{feff}\n <!DOCTYPE html><html></html>", "a web page"), ("<?xml version=\"1.0\"?><Error/>", "a web page"),
    (String(repeating: "\0", count: 257) + "ustar\0", "a tar archive"), ("\u{1f}", "truncated"),
  ])
  func filesMistakenForCheckpoints(text: String, what: String) throws {
    let error = #expect(throws: CheckpointError.self) { try open(Array(text.utf8), as: "model.pth") }
    if what == "truncated" {
      #expect(error.map(RecordedFilesGoldenTests.kind) == what)
    } else {
      #expect(error.map(RecordedFilesGoldenTests.kind) == "malformed-archive")
      #expect(error?.description.contains("found \(what)") == true)
    }
  }
}
