import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing

/// The archive around a PyTorch file.
@Suite struct ZipArchiveTests {
  private let floats = (0..<12).map(Float.init)

  private var good: ZipBytes {
    .torch(Pickle.whole(Pickle.dictionary(["w": Pickle.tensor([3, 4], [4, 1])])), storages: ["0": bytes(floats)])
  }

  @Test func recordsAreFoundWhereverTheyLie() throws {
    #expect(try openPyTorch(good.archive).floatTensor("w").values == floats)
    var zip = good
    zip.records[2].localExtra = [UInt8](repeating: 0, count: 61)
    #expect(try openPyTorch(zip.archive).floatTensor("w").values == floats)
    zip.records.reverse()
    #expect(try openPyTorch(zip.archive).floatTensor("w").values == floats)
  }

  @Test(arguments: [0, 1, 22, 0xffff]) func commentsAtTheEndArePassed(length: Int) throws {
    var zip = good
    // Full of what looks like the beginning of an end record.
    zip.comment = (0..<length).map { [0x50, 0x4b, 0x05, 0x06][$0 % 4] }
    #expect(try openPyTorch(zip.archive).floatTensor("w").values == floats)
    zip.isZIP64 = true
    #expect(try openPyTorch(zip.archive).floatTensor("w").values == floats)
  }

  @Test func sizesOfZIP64AreRead() throws {
    var zip = good
    zip.isZIP64 = true
    let file = try openPyTorch(zip.archive)
    #expect(file.names == ["w"])
    #expect(file.shape(of: "w") == [3, 4])
    #expect(try file.floatTensor("w").values == floats)
  }

  private func expectMalformed(_ zip: ZipBytes, _ found: String, sourceLocation: SourceLocation = #_sourceLocation) {
    let error = #expect(throws: CheckpointError.self, sourceLocation: sourceLocation) { try openPyTorch(zip.archive) }
    guard case .malformedArchive? = error else {
      Issue.record("another error: \(String(describing: error))", sourceLocation: sourceLocation)
      return
    }
    #expect(error?.description.contains(found) == true, "\(error?.description ?? "")", sourceLocation: sourceLocation)
  }

  @Test(arguments: [false, true]) func brokenDirectoriesAreRefused(isZIP64: Bool) throws {
    var base = good
    base.isZIP64 = isZIP64
    func changed(_ change: (inout ZipBytes) -> Void) -> ZipBytes {
      var zip = base
      change(&zip)
      return zip
    }
    expectMalformed(changed { $0.records[2].method = 8 }, "\"x/data/0\", which is compressed")
    expectMalformed(changed { $0.records[2].flags = 1 }, "\"x/data/0\", which is encrypted")
    expectMalformed(changed { $0.records[2].claimedSize = 1 << 30 }, "before the central directory")
    expectMalformed(changed { $0.records[2].claimedOffset = 1 }, "the header of \"x/data/0\"")
    expectMalformed(changed { $0.records[2].claimedOffset = 1 << 31 }, "the header of \"x/data/0\"")
    expectMalformed(changed { $0.records[2].localName = "x/data/1" }, "another name")
    expectMalformed(changed { $0.records[1].claimedSize = 40 }, "inside another one")
    expectMalformed(changed { $0.records[2].claimedOffset = 0 }, "another name")
    expectMalformed(changed { $0.claimedCount = 60000 }, "60000")
    expectMalformed(changed { $0.claimedCount = 4 }, isZIP64 ? "other bytes" : "found 4")
    expectMalformed(changed { $0.records[1].content = Array("big".utf8) }, "\"big\"")
    expectMalformed(changed { $0.records.append(.init(name: "y/data.pkl", content: [])) }, "x/data.pkl, y/data.pkl")
    var twice = base
    twice.records.append(twice.records[2])
    let error = #expect(throws: CheckpointError.self) { try openPyTorch(twice.archive) }
    guard case .duplicateKey(_, "x/data/0")? = error else {
      Issue.record("another error: \(String(describing: error))")
      return
    }
  }

  /// No beginning of a file is a file, and none does harm.
  @Test(arguments: ["protocol4.pt", "tensors_legacy_format.pt"]) func filesCutShortAreRefused(name: String) throws {
    let whole = [UInt8](try Data(contentsOf: RecordedFilesGoldenTests.folder.appendingPathComponent(name)))
    var accepted: [Int] = []
    for length in stride(from: 0, to: whole.count, by: 7) where (try? openPyTorch(Array(whole.prefix(length)))) != nil {
      accepted.append(length)
    }
    #expect(accepted.isEmpty)
  }

  /// A file with a wrong byte is refused or read, but always within its bounds.
  @Test(arguments: ["protocol5.pt", "tensors_legacy_format.pt"]) func damagedFilesDoNoHarm(name: String) throws {
    let whole = [UInt8](try Data(contentsOf: RecordedFilesGoldenTests.folder.appendingPathComponent(name)))
    let philox = Philox(seed: 5)
    var refused = 0
    for position in stride(from: 0, to: whole.count, by: 2) {
      var damaged = whole
      damaged[position] = UInt8(truncatingIfNeeded: philox.words(SIMD4(UInt32(position), 0, 0, 0)).x)
      do {
        let file = try openPyTorch(damaged)
        for tensor in file.names { _ = file.mapped(tensor)?.withBytes { $0.reduce(0, &+) } }
      } catch is CheckpointError {
        refused += 1
      }
    }
    #expect(refused > 100)
  }
}
