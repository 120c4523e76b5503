import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing

/// Tensors of one file written into another.
@Suite struct ConversionTests {
  /// What a tensor of the given floats is read back as, stored as one type and written as another.
  private func converted(_ values: [Double], from: StoredTensor.FloatType, to: StoredTensor.FloatType?) throws -> [Double] {
    try withTemporaryFolder { folder in
      let (first, second) = (folder.appendingPathComponent("1"), folder.appendingPathComponent("2"))
      if case .float64 = from {
        let data = bytes(values)
        try Data(safetensorsBytes("{" + entry("a", "F64", [values.count], 0, data.count) + "}", data: data)).write(to: first)
      } else {
        try SafetensorsFile.write(
          [StoredTensor("a", FloatTensor(values.map(Float.init), shape: [values.count]), as: from)], to: first)
      }
      try SafetensorsFile.write([StoredTensor("b", "a", of: try SafetensorsFile(first), floatsAs: to)], to: second)
      return try SafetensorsFile(second).doubles("b")
    }
  }

  @Test func wideningIsExact() throws {
    let values: [Double] = [1, -2.5, 0, 0x1p-14, -.infinity, 255]
    for from in [StoredTensor.FloatType.float16, .bfloat16, .float32, .float64] {
      for to in [StoredTensor.FloatType.float64, .float32, from] { #expect(try converted(values, from: from, to: to) == values) }
      #expect(try converted(values, from: from, to: nil) == values)
    }
  }

  @Test func narrowingRoundsToNearestEven() throws {
    let step: Double = 0x1p-10
    let values: [Double] = [1 + step / 2, 1 + 3 * step / 2, 1 + step * 0.75, -1 - step / 2, 0x1p-25, 0x1.8p-24, 65519.9]
    let expected: [Double] = [1, 1 + 2 * step, 1 + step, -1, 0, 0x1p-23, 65504]
    #expect(try converted(values, from: .float32, to: .float16) == expected)
    #expect(try converted(values, from: .float64, to: .float16) == expected)
    #expect(try converted([1 + 0x1p-8, 1 + 0x1.8p-7, 3e38], from: .float32, to: .bfloat16) == [1, 1 + 0x1p-6, 0x1.c4p127])
    #expect(try converted([1 / 3.0, 0x1p-160], from: .float64, to: .float32) == [Double(Float(1 / 3.0)), 0])
  }

  /// A little more than halfway between two halves, by less than a 32-bit float tells.
  @Test func doublesAreRoundedOnce() throws {
    let above: Double = 1 + 0x1p-11 + 0x1p-40
    let below: Double = 1 + 0x1.8p-10 - 0x1p-40
    let values: [Double] = [above, below, -above, -below, .infinity, 0x1p-1074, 0]
    let expected: [Double] = [1 + 0x1p-10, 1 + 0x1p-10, -1 - 0x1p-10, -1 - 0x1p-10, .infinity, 0, 0]
    #expect(try converted(values, from: .float64, to: .float16) == expected)
    #expect(try converted([1 + 0x1p-8 + 0x1p-40, -0x1p-1000], from: .float64, to: .bfloat16) == [1 + 0x1p-7, 0])
    #expect(try converted([.nan, 1], from: .float64, to: .float16)[0].isNaN)
  }

  private static let tooLarge: [(value: Double, from: StoredTensor.FloatType, to: StoredTensor.FloatType, type: ElementType)] = [
    (65520, .float32, .float16, .float16), (-131072, .bfloat16, .float16, .float16), (65520, .float64, .float16, .float16),
    (-1e300, .float64, .float16, .float16), (Double(Float.greatestFiniteMagnitude), .float32, .bfloat16, .bfloat16),
    (1e300, .float64, .bfloat16, .bfloat16), (3.5e38, .float64, .float32, .float32),
  ]

  @Test(arguments: tooLarge.indices) func valuesBeyondTheTypesRangeAreRefused(index: Int) throws {
    let (value, from, to, type) = Self.tooLarge[index]
    let error = #expect(throws: CheckpointError.self) { try converted([1, .infinity, value, 2], from: from, to: to) }
    guard case .unrepresentable(_, "b", let found, type)? = error else {
      Issue.record("another error: \(String(describing: error))")
      return
    }
    #expect(found == value)
    #expect(error?.description.contains("found \(value)") == true)
  }

  @Test func aRefusedValueLeavesTheOldFile() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("model")
      try Data([1, 2, 3]).write(to: url)
      let file = try openPickle(
        Pickle.whole(Pickle.tensor([12], [1])), storages: ["0": bytes([Float](repeating: 1e6, count: 12))])
      #expect(throws: CheckpointError.unrepresentable(file: url.path, tensor: "half", value: 1e6, type: .float16)) {
        try SafetensorsFile.write(
          [StoredTensor("w", "tensor", of: file), StoredTensor("half", "tensor", of: file, floatsAs: .float16)], to: url)
      }
      #expect(try Data(contentsOf: url) == Data([1, 2, 3]))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["model"])
    }
  }

  @Test func everythingInAPyTorchFileIsKept() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("tensors")
      let file = try PyTorchFile(RecordedFilesGoldenTests.folder.appendingPathComponent("tensors.pt"))
      try SafetensorsFile.write(try file.names.map { try StoredTensor("new." + $0, $0, of: file) }, to: url)
      let written = try SafetensorsFile(url)
      #expect(written.names.count == file.names.count)
      for name in file.names {
        let (found, expected) = (try #require(written.mapped("new." + name)), try #require(file.mapped(name)))
        #expect(found.elementType == expected.elementType)
        #expect(found.shape == expected.shape)
        #expect(found.withBytes { Array($0) } == expected.withBytes { Array($0) }, "\(name)")
      }
      // What isn't a float stays what it is. (One tensor holds the largest float, which BF16 doesn't reach.)
      let names = file.names.filter { $0 != "special_values" }
      try SafetensorsFile.write(try names.map { try StoredTensor($0, $0, of: file, floatsAs: .bfloat16) }, to: url)
      let narrowed = try SafetensorsFile(url)
      for name in names {
        let type = try #require(file.elementType(of: name))
        let isFloat = [ElementType.float64, .float32, .float16, .bfloat16].contains(type)
        #expect(narrowed.elementType(of: name) == (isFloat ? .bfloat16 : type))
        if !isFloat { #expect(try narrowed.integers(name) == file.integers(name)) }
      }
    }
  }

  /// More than one piece, in place and transposed, the last value included.
  @Test func largeTensorsAreConvertedInPieces() throws {
    try withTemporaryFolder { folder in
      let (rows, columns) = (1031, 1021)
      let values = (0..<rows * columns).map { Float($0 % 2039) }
      let storage = Pickle.storage(count: values.count)
      let pickle = Pickle.whole(
        Pickle.dictionary([
          "a": Pickle.tensor([rows, columns], [columns, 1], of: storage),
          "t": Pickle.tensor([columns, rows], [1, columns], of: storage),
          "deep": Pickle.tensor([3, 1000, 350], [1, 1050, 3], of: storage),
        ]))
      let file = try openPickle(pickle, storages: ["0": bytes(values)])
      let url = folder.appendingPathComponent("large")
      try SafetensorsFile.write(
        [
          StoredTensor("a", "a", of: file, floatsAs: .float16), StoredTensor("t", "t", of: file, floatsAs: .float16),
          StoredTensor("same", "t", of: file), StoredTensor("deep", "deep", of: file),
        ], to: url)
      let written = try SafetensorsFile(url)
      let transposed = (0..<values.count).map { values[$0 % rows * columns + $0 / rows] }
      #expect(try written.floatTensor("a").values == values)
      #expect(try written.floatTensor("t").values == transposed)
      #expect(try written.floatTensor("same").values == transposed)
      let deep = (0..<3).flatMap { first in
        (0..<1000).flatMap { second in (0..<350).map { third in values[first + 1050 * second + 3 * third] } }
      }
      #expect(try written.floatTensor("deep").values == deep)
      // The source's pages were given back, its contents not.
      #expect(try file.floatTensor("a").values == values)
    }
  }

  @Test func namesThatAreNotThereAreRefused() throws {
    let file = try openPickle(Pickle.whole(Pickle.tensor([2], [1])))
    #expect(throws: CheckpointError.missingTensor(file: file.file, tensor: "x", shape: nil)) {
      try StoredTensor("a", "x", of: file)
    }
  }
}
