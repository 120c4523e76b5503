import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing

@Suite struct SafetensorsFileTests {
  private let seven: [Float] = [0, -1.5, 3.25, .infinity, 0x1p-140, -0.0, 7]

  /// One F32 tensor whose data starts at a multiple of four plus `shift`.
  private func sevenFloats(shift: Int) throws -> SafetensorsFile {
    let header = "{" + entry("a", "F32", [7], 0, 28) + "}"
    let spaces = (4 - header.utf8.count % 4 + shift) % 4
    return try openSafetensors(safetensorsBytes(header + String(repeating: " ", count: spaces), data: bytes(seven)))
  }

  @Test func alignedFloatsAreReadInPlace() throws {
    let file = try sevenFloats(shift: 0)
    let tensor = try file.floatTensor("a")
    let expected = try #require(file.bytes.baseAddress) + file.entries[0].byteRange.lowerBound
    #expect(tensor.withUnsafeBufferPointer { UnsafeRawPointer($0.baseAddress) } == expected)
    #expect(tensor.values == seven)
  }

  @Test func aViewOutlivesItsFile() throws {
    func view() throws -> FloatTensor { try sevenFloats(shift: 0).floatTensor("a") }
    #expect(try view().values == seven)
  }

  @Test func writingToAViewLeavesTheFileAlone() throws {
    let file = try sevenFloats(shift: 0)
    var tensor = try file.floatTensor("a")
    tensor[0] = 5
    #expect(tensor.values == [5] + seven.dropFirst())
    #expect(try file.floatTensor("a").values == seven)
  }

  @Test(arguments: 1...3) func misalignedFloatsAreCopied(shift: Int) throws {
    let file = try sevenFloats(shift: shift)
    #expect(file.entries[0].byteRange.lowerBound % 4 == shift)
    let tensor = try file.floatTensor("a")
    let address = tensor.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) }
    #expect(address % 4 == 0)
    #expect(tensor.values == seven)
  }

  @Test(arguments: 0...1) func otherFloatTypesAreConverted(shift: Int) throws {
    let data =
      bytes([UInt8](repeating: 0, count: shift)) + bytes([0x3c00, 0xc100, 0x0001] as [UInt16])
      + bytes([0x3f80, 0xc020, 0x7f80] as [UInt16]) + bytes([1 / 3.0, -1e300])
    let header =
      "{" + entry("pad", "U8", [shift], 0, shift) + "," + entry("half", "F16", [3], shift, shift + 6) + ","
      + entry("brain", "BF16", [3, 1], shift + 6, shift + 12) + "," + entry("double", "F64", [2], shift + 12, shift + 28) + "}"
    let padded = header + String(repeating: " ", count: header.utf8.count % 2)
    let file = try openSafetensors(safetensorsBytes(padded, data: data))
    #expect(file.entries[1].byteRange.lowerBound % 2 == shift)
    #expect(try file.floatTensor("half").values == [1, -2.5, 0x1p-24])
    #expect(try file.floatTensor("brain").values == [1, -2.5, .infinity])
    #expect(try file.floatTensor("brain").shape == [3, 1])
    #expect(try file.floatTensor("double").values == [Float(1 / 3.0), -.infinity])
    #expect(try file.doubles("double") == [1 / 3.0, -1e300])
    #expect(try file.doubles("half") == [1, -2.5, 0x1p-24])
  }

  @Test func integersOfEveryWidth() throws {
    let parts: [(name: String, bytes: [UInt8], values: [Int])] = [
      ("I8", bytes([Int8.min, 127]), [-128, 127]), ("U8", [0, 255], [0, 255]), ("BOOL", [0, 1], [0, 1]),
      ("I16", bytes([Int16.min, 5]), [-32768, 5]), ("U16", bytes([UInt16.max, 5]), [65535, 5]),
      ("I32", bytes([Int32.min, 5]), [Int(Int32.min), 5]), ("U32", bytes([UInt32.max, 5]), [Int(UInt32.max), 5]),
      ("I64", bytes([Int64.min, 5]), [.min, 5]), ("U64", bytes([UInt64.max, 5]), []),
    ]
    var (entries, data) = ([String](), [UInt8]())
    for part in parts {
      entries.append(entry(part.name, part.name, [2], data.count, data.count + part.bytes.count))
      data += part.bytes
    }
    let file = try openSafetensors(safetensorsBytes("{" + entries.joined(separator: ",") + "}", data: data))
    for part in parts.dropLast() { #expect(try file.integers(part.name) == part.values) }
    // Not all of U64 fits.
    #expect(throws: CheckpointError.self) { try file.integers("U64") }
  }

  @Test func wrongTypesAndNamesAreNamed() throws {
    let header = "{" + entry("f", "F32", [1], 0, 4) + "," + entry("i", "I32", [1], 4, 8) + "}"
    let file = try openSafetensors(safetensorsBytes(header, data: bytes([1 as Float]) + bytes([1 as Int32])))
    let floats: [ElementType] = [.float32, .float16, .bfloat16, .float64]
    #expect(throws: CheckpointError.wrongElementType(file: file.file, tensor: "i", expected: floats, found: .int32)) {
      try file.floatTensor("i")
    }
    #expect(throws: CheckpointError.wrongElementType(file: file.file, tensor: "i", expected: floats, found: .int32)) {
      try file.doubles("i")
    }
    let error = #expect(throws: CheckpointError.self) { try file.integers("f") }
    #expect(
      error?.description
        == "\(file.file): expected tensor \"f\" of type I64 or I32 or I16 or I8 or U32 or U16 or U8 or BOOL, found F32")
    #expect(throws: CheckpointError.missingTensor(file: file.file, tensor: "g", shape: nil)) { try file.floatTensor("g") }
  }

  @Test func filesThatAreNone() throws {
    try withTemporaryFolder { folder in
      let missing = folder.appendingPathComponent("missing.safetensors")
      #expect(throws: CheckpointError.unreadable(file: missing.path, reason: "No such file or directory")) {
        try SafetensorsFile(missing)
      }
      #expect(throws: CheckpointError.unreadable(file: folder.path, reason: "not a regular file")) {
        try SafetensorsFile(folder)
      }
      let empty = folder.appendingPathComponent("empty.safetensors")
      try Data().write(to: empty)
      #expect(throws: CheckpointError.truncated(file: empty.path, expected: 8, found: 0)) { try SafetensorsFile(empty) }
    }
  }
}
