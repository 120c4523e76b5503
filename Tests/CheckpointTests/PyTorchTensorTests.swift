import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing

/// Views of storages.
@Suite struct PyTorchTensorTests {
  private let floats = (0..<12).map(Float.init)

  private func open(_ tensors: KeyValuePairs<String, [UInt8]>, storages: [String: [UInt8]]) throws -> PyTorchFile {
    try openPickle(Pickle.whole(Pickle.dictionary(tensors)), storages: storages)
  }

  @Test func stridedViewsAreGathered() throws {
    let file = try open(
      [
        "whole": Pickle.tensor([3, 4], [4, 1]), "transposed": Pickle.tensor([4, 3], [1, 4]),
        "columns": Pickle.tensor([3, 2], [4, 2], offset: 1), "part": Pickle.tensor([2, 2], [2, 1], offset: 4),
        "repeated": Pickle.tensor([2, 3, 2], [0, 1, 0], offset: 9), "scalar": Pickle.tensor([], [], offset: 5),
        "none": Pickle.tensor([0, 5], [1, 1], offset: 12), "ones": Pickle.tensor([1, 3, 1], [77, 1, 99], offset: 2),
        "swapped": Pickle.tensor([2, 2, 3], [3, 6, 1]), "far": Pickle.tensor([2, 1], [5, .max]),
        "farther": Pickle.tensor([1, 2, 1, 2], [.max, 6, .max, 3], offset: 1),
      ], storages: ["0": bytes(floats)])
    #expect(try file.floatTensor("whole").values == floats)
    #expect(try file.floatTensor("transposed").values == [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11])
    #expect(try file.floatTensor("transposed").shape == [4, 3])
    #expect(try file.floatTensor("columns").values == [1, 3, 5, 7, 9, 11])
    #expect(try file.floatTensor("part").values == [4, 5, 6, 7])
    #expect(try file.floatTensor("repeated").values == [9, 9, 10, 10, 11, 11, 9, 9, 10, 10, 11, 11])
    #expect(try file.floatTensor("scalar").values == [5])
    #expect(try file.floatTensor("scalar").shape == [])
    #expect(try file.floatTensor("none").shape == [0, 5])
    #expect(try file.floatTensor("ones").values == [2, 3, 4])
    #expect(try file.floatTensor("swapped").values == [0, 1, 2, 6, 7, 8, 3, 4, 5, 9, 10, 11])
    // A dimension of one element may have any stride.
    #expect(try file.floatTensor("far").values == [0, 5])
    #expect(try file.floatTensor("farther").values == [1, 4, 7, 10])
    let apart = ["transposed", "columns", "repeated", "swapped", "far", "farther"]
    #expect(file.names.filter { file.mapped($0)?.isContiguous == false } == apart)
  }

  @Test func contiguousFloatsAreReadInPlace() throws {
    var zip = ZipBytes.torch(
      Pickle.whole(Pickle.dictionary(["a": Pickle.tensor([3, 4], [4, 1]), "b": Pickle.tensor([5], [1], offset: 4)])),
      storages: ["0": bytes(floats)])
    for shift in 0..<4 {
      zip.records[2].localExtra = [UInt8](repeating: 0, count: shift)
      let file = try openPyTorch(zip.archive)
      let (a, b) = (try file.floatTensor("a"), try file.floatTensor("b"))
      #expect(a.values == floats)
      #expect(b.values == Array(floats[4..<9]))
      let again = try file.floatTensor("a")
      // Of four places one is aligned.
      #expect((a.base == again.base) == (UnsafeRawPointer(b.base) == UnsafeRawPointer(a.base) + 16))
      zip.comment += a.base == again.base ? [1] : []
      keepAlive(a, b, again)
    }
    #expect(zip.comment == [1])
  }

  @Test(arguments: [("HalfStorage", HalfTensor.Format.float16), ("BFloat16Storage", .bfloat16)])
  func halvesAreReadInPlace(type: String, format: HalfTensor.Format) throws {
    let patterns = (0..<12).map { UInt16(0x3c00 + 17 * $0) }
    let storage = Pickle.storage("0", type)
    // One byte of padding makes the place of the storage even.
    let pickle = Pickle.whole(
      Pickle.dictionary(["a": Pickle.tensor([3, 4], [4, 1], of: storage), "t": Pickle.tensor([4, 3], [1, 4], of: storage)]))
    var inPlace = 0
    for shift in 0..<2 {
      var zip = ZipBytes.torch(pickle, storages: ["0": bytes(patterns)])
      zip.records[2].localExtra = [UInt8](repeating: 0, count: shift)
      let file = try openPyTorch(zip.archive)
      let wide = try file.floatTensor("a").values
      #expect(wide.count == 12 && Set(wide).count == 12)
      #expect(try file.floatTensor("t").values == (0..<12).map { wide[$0 % 3 * 4 + $0 / 3] })
      #expect(file.halfTensor("t") == nil)
      guard let half = file.halfTensor("a") else { continue }
      inPlace += 1
      #expect(half.format == format)
      #expect(half.shape == [3, 4])
    }
    #expect(inPlace == 1)
  }

  @Test func everyTypeOfStorageIsRead() throws {
    let expected: [(type: String, data: [UInt8], elementType: ElementType)] = [
      ("DoubleStorage", bytes([-1.5, 2, 3] as [Double]), .float64), ("LongStorage", bytes([-1, 2, 3] as [Int64]), .int64),
      ("IntStorage", bytes([-1, 2, 3] as [Int32]), .int32), ("ShortStorage", bytes([-1, 2, 3] as [Int16]), .int16),
      ("CharStorage", bytes([-1, 2, 3] as [Int8]), .int8), ("ByteStorage", [255, 2, 3], .uint8),
      ("BoolStorage", [1, 0, 1], .bool),
    ]
    for (type, data, elementType) in expected {
      let storage = Pickle.storage("0", type, count: 3)
      let file = try open(
        ["a": Pickle.tensor([3], [1], of: storage), "b": Pickle.tensor([2], [2], of: storage)], storages: ["0": data])
      #expect(file.elementType(of: "a") == elementType)
      if elementType == .float64 {
        #expect(try file.doubles("a") == [-1.5, 2, 3])
        #expect(try file.doubles("b") == [-1.5, 3])
        #expect(try file.floatTensor("b").values == [-1.5, 3])
      } else {
        let first = elementType == .bool ? 1 : elementType == .uint8 ? 255 : -1
        #expect(try file.integers("a") == [first, elementType == .bool ? 0 : 2, elementType == .bool ? 1 : 3])
        #expect(try file.integers("b") == [first, elementType == .bool ? 1 : 3])
        #expect(throws: CheckpointError.self) { try file.floatTensor("a") }
      }
    }
  }

  @Test func storagesOfBytesTakeTheTensorsType() throws {
    let storage = Pickle.storage("0", "storage.UntypedStorage", count: 8)
    let tensor = Pickle.call(
      "torch._utils", "_rebuild_tensor_v3",
      [
        storage, Pickle.int(1), Pickle.tuple([3]), Pickle.tuple([1]), [0x89], Array("}".utf8), Pickle.global("torch", "uint16"),
      ])
    let parameter = Pickle.call("torch._utils", "_rebuild_parameter", [tensor, [0x88], Array("}".utf8)])
    let file = try open(["p": parameter], storages: ["0": bytes([1, 20, 300, 65535] as [UInt16])])
    #expect(file.elementType(of: "p") == .uint16)
    #expect(try file.integers("p") == [20, 300, 65535])
  }

  @Test func missingTensorsAndTypesAreNamed() throws {
    let file = try open(["a": Pickle.tensor([2], [1])], storages: ["0": bytes(floats)])
    #expect(throws: CheckpointError.missingTensor(file: file.file, tensor: "b", shape: nil)) { try file.floatTensor("b") }
    #expect(throws: CheckpointError.self) { try file.integers("a") }
    #expect(file.shape(of: "b") == nil)
    #expect(file.elementType(of: "b") == nil)
    #expect(file.mapped("b") == nil)
  }
}
