import Checkpoint
import Dispatch
import Foundation
import Tensor
import TestSupport
import Testing

@Suite struct WeightsTests {
  /// A source in memory, as a file of another format would be.
  private struct Memory: TensorSource {
    let file: String
    let tensors: [String: FloatTensor]

    var names: [String] { tensors.keys.sorted() }

    func shape(of name: String) -> [Int]? { tensors[name]?.shape }

    func elementType(of name: String) -> ElementType? { tensors[name].map { _ in .float32 } }

    func floatTensor(_ name: String) throws(CheckpointError) -> FloatTensor {
      guard let tensor = tensors[name] else { throw .missingTensor(file: file, tensor: name, shape: nil) }
      return tensor
    }
  }

  private func memory(_ file: String, _ names: [String], value: Float = 1) -> Memory {
    Memory(file: file, tensors: Dictionary(uniqueKeysWithValues: names.map { ($0, FloatTensor([value, 2], shape: [2, 1])) }))
  }

  @Test func scopedNamesFindTheirTensors() throws {
    let weights = WeightLoader(memory("m.pth", ["blocks.0.attn.key", "blocks.0.mlp", "blocks.01.mlp", "head"]))
    let block = weights.scope("blocks").scope("0")
    #expect(block.contains("attn.key") && !block.contains("head") && !block.contains("key"))
    #expect(block.names == ["attn.key", "mlp"])
    #expect(block.shape(of: "mlp") == [2, 1])
    #expect(block.shape(of: "head") == nil)
    #expect(try block.tensor("attn.key", [2, 1]).values == [1, 2])
    #expect(try weights.scope("blocks.0").tensor("mlp", [2, 1]).values == [1, 2])
  }

  @Test func missingAndWronglyShapedTensorsAreNamedInFull() throws {
    let block = WeightLoader(memory("/models/m.pth", ["blocks.0.key"])).scope("blocks.0")
    let missing = #expect(throws: CheckpointError.self) { try block.tensor("query", [4, 4]) }
    #expect(missing == .missingTensor(file: "/models/m.pth", tensor: "blocks.0.query", shape: [4, 4]))
    #expect(
      missing?.localizedDescription
        == "/models/m.pth: expected tensor \"blocks.0.query\" of shape [4, 4], found none of that name")
    let wrong = #expect(throws: CheckpointError.self) { try block.tensor("key", [1, 2]) }
    #expect(wrong == .wrongShape(file: "/models/m.pth", tensor: "blocks.0.key", expected: [1, 2], found: [2, 1]))
    #expect(
      wrong?.description == "/models/m.pth: expected tensor \"blocks.0.key\" of shape [1, 2], found shape [2, 1]")
    // Neither the same count nor a failed fetch makes it used.
    #expect(throws: CheckpointError.unexpectedTensors(file: "/models/m.pth", names: ["blocks.0.key"])) { try block.finish() }
  }

  @Test func whatIsLeftOverIsListedByName() throws {
    let names = ["a.w", "a.x", "a.xx", "b.w", "loss.w", "losses", "optimizer"]
    let weights = WeightLoader(memory("m", names))
    _ = try weights.scope("a").tensor("w", [2, 1])
    let error = #expect(throws: CheckpointError.self) { try weights.finish(ignoring: ["loss", "optimizer"]) }
    #expect(error == .unexpectedTensors(file: "m", names: ["a.x", "a.xx", "b.w", "losses"]))
    #expect(error?.description == "m: expected only tensors that the model uses, found 4 more: a.x, a.xx, b.w, losses")
    // A scope answers for itself alone.
    #expect(throws: CheckpointError.unexpectedTensors(file: "m", names: ["a.xx"])) {
      try weights.scope("a").finish(ignoring: ["x"])
    }
    _ = try weights.scope("b").tensor("w", [2, 1])
    try weights.scope("b").finish()
    try weights.finish(ignoring: ["a", "loss", "losses", "optimizer"])
  }

  @Test func severalFilesAreOneUnlessTheyDisagree() throws {
    let sources = [memory("1", ["a", "b"]), memory("2", ["b", "c"], value: 9)]
    #expect(throws: CheckpointError.duplicateKey(file: "1, 2", key: "b")) { try WeightLoader(sources) }
    let merged = try WeightLoader(sources, laterWins: true)
    #expect(merged.names == ["a", "b", "c"])
    #expect(try merged.tensor("b", [2, 1]).values == [9, 2])
    #expect(try merged.tensor("a", [2, 1]).values == [1, 2])
    #expect(throws: CheckpointError.unexpectedTensors(file: "1, 2", names: ["c"])) { try merged.finish() }
    // A wrong shape is blamed on the file that holds the tensor.
    #expect(throws: CheckpointError.wrongShape(file: "2", tensor: "c", expected: [], found: [2, 1])) {
      try merged.tensor("c", [])
    }
    #expect(try WeightLoader([memory("1", ["a"]), memory("2", ["b"])]).names == ["a", "b"])
  }

  @Test func aTensorOfIntegersIsNoWeight() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("m")
      try SafetensorsFile.write([StoredTensor("a", [1], shape: [1])], to: url)
      let weights = try WeightLoader(files: [url])
      let error = #expect(throws: CheckpointError.self) { try weights.tensor("a", [1]) }
      guard case .wrongElementType(url.path, "a", _, .int64) = error else {
        Issue.record("\(String(describing: error))")
        return
      }
    }
  }

  @Test func threadsShareOneRecord() throws {
    let weights = WeightLoader(memory("m", (0..<1000).map { "layers.\($0).w" }))
    DispatchQueue.concurrentPerform(iterations: 1000) { index in
      _ = try? weights.scope("layers.\(index)").tensor("w", [2, 1])
    }
    try weights.finish()
  }

  @Test func randomTensorsFollowFromSeedNameAndShape() throws {
    let weights = WeightLoader(randomSeed: 7)
    let matrix = try weights.scope("a").tensor("weight", [300, 507])
    let again = try WeightLoader(randomSeed: 7).tensor("a.weight", [300, 507])
    let otherSeed = try WeightLoader(randomSeed: 8).tensor("a.weight", [300, 507])
    let otherName = try weights.tensor("b.weight", [300, 507])
    #expect(matrix.values == again.values)
    #expect(matrix.values != otherSeed.values)
    #expect(matrix.values != otherName.values)
    // Variance 1 / fan-in: the sample's relative error is about √(0.8 / n), n = 152,100.
    let square = matrix.values.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(matrix.count)
    #expect(abs(square * 507 - 1) < 0.02)
    let mean = matrix.values.reduce(0.0) { $0 + Double($1) } / Double(matrix.count)
    #expect(abs(mean) < 5 / (507.0 * Double(matrix.count)).squareRoot())
    let (norm, bias) = (try weights.tensor("norm.weight", [64]), try weights.tensor("conv.bias", [64]))
    #expect(norm.values.allSatisfy { abs($0 - 1) <= 0.1 } && Set(norm.values).count > 32)
    #expect(bias.values.allSatisfy { abs($0) <= 0.02 } && Set(bias.values).count > 32)
    try weights.finish()
  }
}
