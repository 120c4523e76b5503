import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing

@Suite struct RenamedTensorsTests {
  private func source() throws -> SafetensorsFile {
    let data = bytes((0..<6).map(Float.init)) + bytes([0x3c00, 0xc100] as [UInt16]) + bytes([-1, 2] as [Int16])
    let header =
      "{" + entry("w", "F32", [2, 3], 0, 24) + "," + entry("h", "F16", [2], 24, 28) + "," + entry("i", "I16", [2], 28, 32) + "}"
    return try openSafetensors(
      safetensorsBytes(header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8), data: data))
  }

  @Test func tensorsAreFoundUnderTheirNewNamesAndShapes() throws {
    let source = try source()
    let renamed = try RenamedTensors(
      source,
      [
        .init(name: "b", original: "w", shape: [3, 2, 1, 1]), .init(name: "a", original: "w"),
        .init(name: "half", original: "h", shape: [2, 1]), .init(name: "int", original: "i", shape: [1, 2]),
      ])
    #expect(renamed.names == ["b", "a", "half", "int"])
    #expect(renamed.file == source.file)
    #expect(renamed.shape(of: "b") == [3, 2, 1, 1])
    #expect(renamed.shape(of: "a") == [2, 3])
    #expect(renamed.shape(of: "w") == nil)
    #expect(renamed.elementType(of: "half") == .float16)
    #expect(renamed.elementType(of: "h") == nil)
    let b = try renamed.floatTensor("b")
    #expect(b.shape == [3, 2, 1, 1])
    #expect(b.values == [0, 1, 2, 3, 4, 5])
    #expect(try renamed.doubles("half") == [1, -2.5])
    #expect(renamed.halfTensor("half")?.shape == [2, 1])
    #expect(renamed.halfTensor("a") == nil)
    #expect(try renamed.integers("int") == [-1, 2])
    #expect(renamed.mapped("b")?.shape == [3, 2, 1, 1])
    #expect(throws: CheckpointError.missingTensor(file: source.file, tensor: "w", shape: nil)) { try renamed.floatTensor("w") }
    // As a source of weights, and renamed once more.
    let weights = WeightLoader(try RenamedTensors(renamed, [.init(name: "layer.weight", original: "b", shape: [6])]))
    #expect(try weights.scope("layer").tensor("weight", [6]).values == [0, 1, 2, 3, 4, 5])
    try weights.finish()
  }

  @Test func stridedTensorsAreReshapedInRowMajorOrder() throws {
    let file = try openPickle(Pickle.whole(Pickle.dictionary(["t": Pickle.tensor([4, 3], [1, 4])])))
    let renamed = try RenamedTensors(file, [.init(name: "x", original: "t", shape: [2, 6])])
    #expect(try renamed.floatTensor("x").values == [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11])
    #expect(try renamed.floatTensor("x").shape == [2, 6])
    #expect(try renamed.mapped("x")?.withBytes { Array($0) } == bytes(renamed.floatTensor("x").values))
  }

  @Test func whatDoesntFitIsRefused() throws {
    let source = try source()
    let file = source.file
    #expect(throws: CheckpointError.missingTensor(file: file, tensor: "x", shape: [1])) {
      try RenamedTensors(source, [.init(name: "a", original: "x", shape: [1])])
    }
    #expect(throws: CheckpointError.duplicateKey(file: file, key: "a")) {
      try RenamedTensors(source, [.init(name: "a", original: "w"), .init(name: "a", original: "h")])
    }
    for shape in [[5], [-2, -3], [1 << 62, 1 << 62], []] {
      #expect(throws: CheckpointError.wrongShape(file: file, tensor: "w", expected: shape, found: [2, 3])) {
        try RenamedTensors(source, [.init(name: "a", original: "w", shape: shape)])
      }
    }
  }
}
