import Checkpoint
import Files
import Foundation
import Tensor
import TestSupport
import Testing

@Suite struct SafetensorsWriterTests {
  private let wide = FloatTensor([1 / 3, -2, .infinity, 0x1p-140, -0.0, 65519], shape: [2, 3])

  private func contents(_ folder: URL) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }

  @Test func whatIsWrittenIsRead() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("model.safetensors")
      let name = "a\"\\\n\u{1}/é😀"
      try SafetensorsFile.write(
        [
          StoredTensor("brain", wide, as: .bfloat16), StoredTensor("half", wide, as: .float16), StoredTensor(name, wide),
          StoredTensor("scalar", FloatTensor([2.5], shape: [])), StoredTensor("none", FloatTensor(zeros: [0, 3])),
          StoredTensor("tokens", [.min, -1, .max], shape: [3, 1]),
        ], metadata: ["format": "pt", name: name], to: url)
      let file = try SafetensorsFile(url)
      #expect(file.metadata == ["format": "pt", name: name])
      #expect(Set(file.names) == ["brain", "half", name, "scalar", "none", "tokens"])
      #expect(try file.floatTensor(name).values.map(\.bitPattern) == wide.values.map(\.bitPattern))
      #expect(try file.floatTensor(name).shape == [2, 3])
      #expect(try file.floatTensor("half").values == [0.333251953125, -2, .infinity, 0, 0, 65504])
      #expect(try file.floatTensor("brain").values == [0.333984375, -2, .infinity, 0, 0, 65536])
      #expect(try file.floatTensor("scalar").values == [2.5])
      #expect(file.shape(of: "scalar") == [])
      #expect(file.shape(of: "none") == [0, 3])
      #expect(try file.integers("tokens") == [.min, -1, .max])
      #expect(file.shape(of: "tokens") == [3, 1])
      #expect(try contents(folder) == ["model.safetensors"])
    }
  }

  @Test func everyTensorIsAlignedWhateverTheOrder() throws {
    try withTemporaryFolder { folder in
      let tensors = [
        StoredTensor("a", FloatTensor(zeros: [3]), as: .float16), StoredTensor("b", FloatTensor(zeros: [5])),
        StoredTensor("c", [7], shape: [1]), StoredTensor("d", FloatTensor(zeros: [1]), as: .bfloat16),
        StoredTensor("e", FloatTensor(zeros: [1])),
      ]
      let (first, second) = (folder.appendingPathComponent("1"), folder.appendingPathComponent("2"))
      try SafetensorsFile.write(tensors, metadata: ["x": "1", "a": "2"], to: first)
      try SafetensorsFile.write(tensors.reversed(), metadata: ["a": "2", "x": "1"], to: second)
      #expect(try Data(contentsOf: first) == Data(contentsOf: second))
      let file = try SafetensorsFile(first)
      #expect(file.names == ["c", "b", "e", "a", "d"])
      #expect(file.entries[0].byteRange.lowerBound % 8 == 0)
      #expect(file.entries.allSatisfy { $0.byteRange.lowerBound % $0.elementType.size == 0 })
    }
  }

  @Test func largeTensorsAreNarrowedInPieces() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("large")
      let count = 1 << 20 + 77
      let values = (0..<count).map { Float($0 % 2039) }
      try SafetensorsFile.write([StoredTensor("a", FloatTensor(values, shape: [count]), as: .float16)], to: url)
      #expect(try SafetensorsFile(url).floatTensor("a").values == values)
    }
  }

  @Test func anEmptyFileOfTensorsIsValid() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("empty")
      try SafetensorsFile.write([], to: url)
      #expect(try SafetensorsFile(url).entries.isEmpty)
    }
  }

  @Test func anExistingFileIsReplacedWhileItIsMapped() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("model")
      try SafetensorsFile.write([StoredTensor("a", wide)], to: url)
      let old = try SafetensorsFile(url).floatTensor("a")
      try SafetensorsFile.write([StoredTensor("a", FloatTensor(zeros: [2, 3]))], to: url)
      #expect(old.values == wide.values)
      #expect(try SafetensorsFile(url).floatTensor("a").values == [Float](repeating: 0, count: 6))
    }
  }

  @Test func aFailureLeavesNothingBehind() throws {
    try withTemporaryFolder { folder in
      let tensors = [StoredTensor("a", wide)]
      let parent = folder.appendingPathComponent("file")
      try Data([1]).write(to: parent)
      let inFile = parent.appendingPathComponent("model.safetensors")
      #expect(throws: CheckpointError.unwritable(file: inFile.path, reason: "Not a directory")) {
        try SafetensorsFile.write(tensors, to: inFile)
      }
      let occupied = folder.appendingPathComponent("occupied")
      try FileManager.default.createDirectory(at: occupied, withIntermediateDirectories: false)
      let error = #expect(throws: CheckpointError.self) { try SafetensorsFile.write(tensors, to: occupied) }
      #expect(
        error?.description
          == "\(occupied.path): expected to write the file, found: something that isn't a regular file bears the name")
      #expect(try contents(folder) == ["file", "occupied"])
      #expect(try contents(occupied) == [])
      #expect(try Data(contentsOf: parent) == Data([1]))
    }
  }

  @Test func anUnfinishedFileLeavesTheOldOne() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("model")
      try Data([1, 2]).write(to: url)
      do {
        let file = try AtomicFile(url)
        try [UInt8](repeating: 9, count: 1000).withUnsafeBytes { try file.write($0) }
        #expect(try contents(folder).count == 2)
      }
      #expect(try contents(folder) == ["model"])
      #expect(try Data(contentsOf: url) == Data([1, 2]))
    }
  }

  @Test func namesThatCantBeReadBackAreRefused() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("model")
      #expect(throws: CheckpointError.duplicateKey(file: url.path, key: "a")) {
        try SafetensorsFile.write([StoredTensor("a", wide), StoredTensor("a", [1], shape: [])], to: url)
      }
      let error = #expect(throws: CheckpointError.self) {
        try SafetensorsFile.write([StoredTensor("__metadata__", wide)], to: url)
      }
      #expect(error?.description.contains("reserved name \"__metadata__\"") == true)
      let left = try contents(folder)
      #expect(left == [])
    }
  }
}
