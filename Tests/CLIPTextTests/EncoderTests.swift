import CLIPText
import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing

@Suite struct EncoderTests {
  @Test(arguments: everyWay) func vectorsAgreeWithTheRecordedOnes(way: ComputeOptions) throws {
    let recorded = try RecordedEncoder()
    let (encoder, golden, ids) = (try recorded.encoder(way), recorded.golden, try recorded.ids())
    expectClose(try encoder.hidden(ids), try golden.floats("out.text_hidden"), absolute: try golden.tolerance("text_hidden"))
    expectClose(
      try encoder.embed(ids), try golden.floats("out.text_embeddings"), absolute: try golden.tolerance("text_embeddings"))
  }

  /// In the doubled batch the learned vectors of "no text" come first, as the file holds them: unlike the texts' not of length 1.
  @Test func learnedVectorsArentNormalised() throws {
    let recorded = try RecordedEncoder()
    let golden = recorded.golden
    let file = golden.folder.appendingPathComponent(
      "pipeline/learned_classifier_free_sampling_embeddings/diffusion_pytorch_model.safetensors")
    let learned = try Weights(files: [file]).tensor("embeddings", [77, 16]).values
    let doubled = FloatTensor(learned + learned + (try recorded.encoder().embed(recorded.ids())).values, shape: [4, 77, 16])
    expectClose(
      doubled, try golden.floats("out.text_embeddings_for_guidance"),
      absolute: try golden.tolerance("text_embeddings_for_guidance"))
    #expect(abs(learned[..<16].reduce(0) { $0 + $1 * $1 } - 1) > 0.01)
  }

  @Test func withoutNormalisationVectorsAreTheHiddenStates() throws {
    let recorded = try RecordedEncoder()
    var configuration = recorded.configuration
    configuration.normalizes = false
    let encoder = try CLIPTextEncoder(configuration, weights: Weights(files: [recorded.file]))
    #expect(try encoder.embed(recorded.ids()).values == encoder.hidden(recorded.ids()).values)
  }

  @Test(arguments: ComputeOptions.Products.allCases) func openAINamesGiveTheSameVectors(products: ComputeOptions.Products) throws
  {
    let recorded = try RecordedEncoder()
    let way = ComputeOptions(products: products)
    var tensors = try recorded.openAITensors()
    tensors["text_projection"] = FloatTensor(zeros: [16, 5])
    tensors["logit_scale"] = FloatTensor(zeros: [])
    tensors["visual.conv1.weight"] = FloatTensor(zeros: [3])
    let encoder = try ComputeOptions.$current.withValue(way) {
      try CLIPTextEncoder(recorded.configuration, weights: Weights(MemorySource(tensors: tensors)), names: .openAI)
    }
    #expect(try encoder.embed(recorded.ids()).values == recorded.encoder(way).embed(recorded.ids()).values)
    tensors["visuals"] = FloatTensor(zeros: [1])
    #expect(throws: CheckpointError.unexpectedTensors(file: "memory", names: ["visuals"])) {
      try CLIPTextEncoder(recorded.configuration, weights: Weights(MemorySource(tensors: tensors)), names: .openAI)
    }
  }

  @Test func positionsBufferIsIgnoredAndNothingElse() throws {
    let recorded = try RecordedEncoder()
    var tensors = try recorded.tensors()
    tensors["text_model.embeddings.position_ids"] = FloatTensor(zeros: [1, 77])
    let encoder = try CLIPTextEncoder(recorded.configuration, weights: Weights(MemorySource(tensors: tensors)))
    #expect(try encoder.embed(recorded.ids()).values == recorded.encoder().embed(recorded.ids()).values)
    tensors["text_projection.weight"] = FloatTensor(zeros: [1])
    #expect(throws: CheckpointError.unexpectedTensors(file: "memory", names: ["text_projection.weight"])) {
      try CLIPTextEncoder(recorded.configuration, weights: Weights(MemorySource(tensors: tensors)))
    }
    tensors["text_projection.weight"] = nil
    let missing = "text_model.encoder.layers.1.self_attn.v_proj.weight"
    tensors[missing] = nil
    #expect(throws: CheckpointError.missingTensor(file: "memory", tensor: missing, shape: [16, 16])) {
      try CLIPTextEncoder(recorded.configuration, weights: Weights(MemorySource(tensors: tensors)))
    }
  }

  @Test(arguments: everyWay + everyHalfWay) func vectorsDontDependOnTheBatch(way: ComputeOptions) throws {
    let recorded = try RecordedEncoder()
    let (encoder, ids) = (try recorded.encoder(way), try recorded.ids())
    let together = try encoder.embed(ids + ids.reversed()).values
    let alone = try [Array(ids[..<77]), Array(ids[77...]), ids.reversed()].flatMap { try encoder.embed($0).values }
    #expect(together.map(\.bitPattern) == alone.map(\.bitPattern))
    #expect(try encoder.embed([]).shape == [0, 77, 16])
  }

  /// Each token sees those before it only.
  @Test func laterTokensDontChangeEarlierVectors() throws {
    let recorded = try RecordedEncoder()
    let (encoder, ids) = (try recorded.encoder(), Array(try recorded.ids()[..<77]))
    var other = ids
    other[5] = 600
    let (before, after) = (try encoder.hidden(ids).values, try encoder.hidden(other).values)
    #expect(before[..<(5 * 16)] == after[..<(5 * 16)])
    for token in 5..<77 { #expect(before[token * 16..<token * 16 + 16] != after[token * 16..<token * 16 + 16]) }
  }

  /// 16-bit weights read in place give what the same weights widened at load give.
  @Test func sixteenBitFilesAreReadInPlace() throws {
    let recorded = try RecordedEncoder()
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("half.safetensors")
      try SafetensorsFile.write(recorded.tensors().map { StoredTensor($0, $1, as: .float16) }, to: file)
      let ways = [ComputeOptions(products: .openBLAS), ComputeOptions(memory: .low)]
      let vectors = try ways.map { way in
        try ComputeOptions.$current.withValue(way) {
          let weights = try Weights(files: [file])
          if case .halves = try weights.layerWeights("text_model.embeddings.token_embedding.weight", [1414, 16]) {
            #expect(way.memory == .low)
          } else {
            #expect(way.memory == .fast)
          }
          return try CLIPTextEncoder(recorded.configuration, weights: weights).embed(recorded.ids())
        }
      }
      expectClose(vectors[1], vectors[0], absolute: 1e-6)
      expectClose(vectors[1], try recorded.golden.floats("out.text_embeddings"), absolute: 3e-3)
    }
  }

  @Test func idsOutOfRangeAreErrors() throws {
    let recorded = try RecordedEncoder()
    let encoder = try recorded.encoder()
    var ids = try recorded.ids()
    for id in [-1, 1414, Int(Int32.max), Int(Int32.min)] {
      ids[80] = Int32(id)
      let error = #expect(throws: CLIPTextError.self) { try encoder.embed(ids) }
      #expect(error == .tokenOutOfRange(token: id, vocabulary: 1414))
      #expect(error?.localizedDescription == "token id \(id) is out of range: the text encoder has rows 0..<1414")
    }
    #expect(throws: CLIPTextError.wrongTokenCount(expected: "a multiple of 77", found: 76)) {
      try encoder.hidden(Array(ids[..<76]))
    }
  }
}
