import CKernels
import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing

/// Query, key and value of a file become one layer, whatever types the file gives them.
@Suite struct StackedLayerTests {
  private static let (width, inputs) = (5, 7)
  private static let names = ["query", "key", "value"]

  /// Of three significant bits, which every type holds exactly.
  private static func values(_ count: Int, seed: Int) -> [Float] {
    (0..<count).map { Float(($0 * 5 + seed * 3) % 15 - 7) / 8 }
  }

  /// One matrix after the other, and all biases.
  private func expected() -> Linear {
    let weight = (0..<3).flatMap { Self.values(Self.width * Self.inputs, seed: $0) }
    let bias = (0..<3).flatMap { Self.values(Self.width, seed: 10 + $0) }
    return Linear(
      weight: FloatTensor(weight, shape: [3 * Self.width, Self.inputs]), bias: FloatTensor(bias, shape: [3 * Self.width]))
  }

  private func expectStacked(_ source: some TensorSource, _ comment: String) throws {
    let x = FloatTensor(Self.values(3 * Self.inputs, seed: 4), shape: [1, 3, Self.inputs])
    let wanted = expected()(x)
    for options in [ComputeOptions(), ComputeOptions(memory: .low)] {
      let loader = WeightLoader(source, options: options)
      let layer = try loader.stackedLinear(Self.names, width: Self.width, inputs: Self.inputs)
      expectClose(layer(x), wanted, absolute: 1e-5, comment)
    }
  }

  @Test(
    arguments: [
      [.float16, .float16, .float16], [.float16, .float32, .float16], [.float32, .float16, .float16],
      [.float16, .bfloat16, .bfloat16], [.bfloat16, .float16, .float64], [.float64, .bfloat16, .float32],
    ] as [[StoredTensor.FloatType]])
  func typesMayDiffer(types: [StoredTensor.FloatType]) throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("m.safetensors")
      var tensors: [StoredTensor] = []
      for (index, name) in Self.names.enumerated() {
        let weight = FloatTensor(Self.values(Self.width * Self.inputs, seed: index), shape: [Self.width, Self.inputs])
        let bias = FloatTensor(Self.values(Self.width, seed: 10 + index), shape: [Self.width])
        tensors += [StoredTensor(name + ".weight", weight, as: types[index]), StoredTensor(name + ".bias", bias)]
      }
      try SafetensorsFile.write(tensors, to: url)
      try expectStacked(SafetensorsFile(url), "\(types)")
    }
  }

  /// Halves that lie apart or at odd addresses aren't read in place, their neighbours are.
  @Test func placesMayDiffer() throws {
    var zip = archiveWithTransposedKey()
    var inPlace = 0
    for shift in 0..<2 {
      // Moves all storages behind it.
      zip.records[2].localExtra = [UInt8](repeating: 0, count: shift)
      let file = try openPyTorch(zip.archive)
      #expect(file.halfTensor("key.weight") == nil)
      inPlace += file.halfTensor("query.weight") == nil ? 0 : 1
      try expectStacked(file, "shifted by \(shift)")
    }
    #expect(inPlace == 1)
  }

  private func archiveWithTransposedKey() -> ZipBytes {
    let count = Self.width * Self.inputs
    var members: [([UInt8], [UInt8])] = []
    var storages: [String: [UInt8]] = [:]
    for (index, name) in Self.names.enumerated() {
      var weight = [UInt16](repeating: 0, count: count)
      vqd_narrow_f16(Self.values(count, seed: index), &weight, count)
      var strides = [Self.inputs, 1]
      if index == 1 {
        let rows = weight
        weight = (0..<count).map { rows[$0 % Self.width * Self.inputs + $0 / Self.width] }
        strides = [1, Self.width]
      }
      storages["\(2 * index)"] = bytes(weight)
      storages["\(2 * index + 1)"] = bytes(Self.values(Self.width, seed: 10 + index))
      let half = Pickle.storage("\(2 * index)", "HalfStorage", count: count)
      let bias = Pickle.storage("\(2 * index + 1)", count: Self.width)
      members.append((Pickle.text(name + ".weight"), Pickle.tensor([Self.width, Self.inputs], strides, of: half)))
      members.append((Pickle.text(name + ".bias"), Pickle.tensor([Self.width], [1], of: bias)))
    }
    return ZipBytes.torch(Pickle.whole(Pickle.dictionary(members)), storages: storages)
  }
}
