import CLIPText
import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing

/// The text encoder beyond what was recorded.
@Suite struct EncoderTests {
  @Test func withoutNormalisationVectorsAreTheHiddenStates() throws {
    let recorded = try RecordedEncoder()
    var configuration = recorded.configuration
    configuration.normalizes = false
    let encoder = try CLIPTextEncoder(configuration, weights: WeightLoader(files: [recorded.file]))
    #expect(try encoder.embed(recorded.ids()).values == encoder.hidden(recorded.ids()).values)
  }

  @Test(arguments: ComputeOptions.Products.allCases) func openAINamesGiveTheSameVectors(products: ComputeOptions.Products) throws
  {
    let recorded = try RecordedEncoder()
    let way = ComputeOptions(products: products)
    var tensors = try recorded.openAITensors()
    tensors["text_projection"] = FloatTensor(zeros: [recorded.configuration.width, 5])
    tensors["logit_scale"] = FloatTensor(zeros: [])
    tensors["visual.conv1.weight"] = FloatTensor(zeros: [3])
    let encoder = try CLIPTextEncoder(
      recorded.configuration, weights: WeightLoader(MemorySource(tensors: tensors), options: way), names: .openAI)
    #expect(try encoder.embed(recorded.ids()).values == recorded.encoder(way).embed(recorded.ids()).values)
    tensors["visuals"] = FloatTensor(zeros: [1])
    #expect(throws: CheckpointError.unexpectedTensors(file: "memory", names: ["visuals"])) {
      try CLIPTextEncoder(recorded.configuration, weights: WeightLoader(MemorySource(tensors: tensors)), names: .openAI)
    }
  }

  @Test func positionsBufferIsIgnoredAndNothingElse() throws {
    let recorded = try RecordedEncoder()
    var tensors = try recorded.tensors()
    tensors["text_model.embeddings.position_ids"] = FloatTensor(zeros: [1, recorded.configuration.contextLength])
    let encoder = try CLIPTextEncoder(recorded.configuration, weights: WeightLoader(MemorySource(tensors: tensors)))
    #expect(try encoder.embed(recorded.ids()).values == recorded.encoder().embed(recorded.ids()).values)
    tensors["text_projection.weight"] = FloatTensor(zeros: [1])
    #expect(throws: CheckpointError.unexpectedTensors(file: "memory", names: ["text_projection.weight"])) {
      try CLIPTextEncoder(recorded.configuration, weights: WeightLoader(MemorySource(tensors: tensors)))
    }
    tensors["text_projection.weight"] = nil
    let (missing, width) = ("text_model.encoder.layers.0.self_attn.v_proj.weight", recorded.configuration.width)
    tensors[missing] = nil
    #expect(throws: CheckpointError.missingTensor(file: "memory", tensor: missing, shape: [width, width])) {
      try CLIPTextEncoder(recorded.configuration, weights: WeightLoader(MemorySource(tensors: tensors)))
    }
  }

  @Test(arguments: everyWay + everyHalfWay) func vectorsDontDependOnTheBatch(way: ComputeOptions) throws {
    let recorded = try RecordedEncoder()
    let (encoder, ids) = (try recorded.encoder(way), try recorded.ids())
    let together = try encoder.embed(ids + ids.reversed()).values
    let alone = try (recorded.texts() + [ids.reversed()]).flatMap { try encoder.embed($0).values }
    #expect(together.map(\.bitPattern) == alone.map(\.bitPattern))
    #expect(try encoder.embed([]).shape == [0, recorded.configuration.contextLength, recorded.configuration.width])
  }

  /// Each token sees those before it only.
  @Test func laterTokensDontChangeEarlierVectors() throws {
    let recorded = try RecordedEncoder()
    let (encoder, ids) = (try recorded.encoder(), try #require(recorded.texts().first))
    let width = recorded.configuration.width
    var other = ids
    other[5] = (ids[5] + 1) % Int32(recorded.configuration.vocabularySize)
    let (before, after) = (try encoder.hidden(ids).values, try encoder.hidden(other).values)
    #expect(before[..<(5 * width)] == after[..<(5 * width)])
    for token in 5..<ids.count {
      let vector = token * width..<(token + 1) * width
      #expect(before[vector] != after[vector], "token \(token)")
    }
  }

  @Test func idsOutOfRangeAreErrors() throws {
    let recorded = try RecordedEncoder()
    let encoder = try recorded.encoder()
    var ids = try recorded.ids()
    let (vocabulary, length) = (recorded.configuration.vocabularySize, recorded.configuration.contextLength)
    for id in [-1, vocabulary, Int(Int32.max), Int(Int32.min)] {
      ids[ids.count - 3] = Int32(id)
      let error = #expect(throws: CLIPTextError.self) { try encoder.embed(ids) }
      #expect(error == .tokenOutOfRange(token: id, vocabulary: vocabulary))
      #expect(error?.localizedDescription == "token id \(id) is out of range: the text encoder has rows 0..<\(vocabulary)")
    }
    #expect(throws: CLIPTextError.wrongTokenCount(expected: "a multiple of \(length)", found: length - 1)) {
      try encoder.hidden(Array(ids[..<(length - 1)]))
    }
  }
}
