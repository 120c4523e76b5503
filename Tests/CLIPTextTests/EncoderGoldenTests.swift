import CLIPText
import Checkpoint
import Tensor
import TestSupport
import Testing

/// The vectors that transformers computed.
@Suite struct EncoderGoldenTests {
  @Test(arguments: everyWay) func vectorsAgreeWithTheRecordedOnes(way: ComputeOptions) throws {
    let recorded = try RecordedEncoder()
    let (encoder, golden, ids) = (try recorded.encoder(way), recorded.golden, try recorded.ids())
    expectClose(try encoder.hidden(ids), try golden.floats("out.text_hidden"), absolute: try golden.tolerance("text_hidden"))
    expectClose(
      try encoder.embed(ids), try golden.floats("out.text_embeddings"), absolute: try golden.tolerance("text_embeddings"))
  }

  /// In the doubled batch the learned vectors for "no text" come first, as stored: not of length 1, unlike a text's.
  @Test func learnedVectorsArentNormalised() throws {
    let recorded = try RecordedEncoder()
    let golden = recorded.golden
    let file = golden.folder.appendingPathComponent(
      "pipeline/learned_classifier_free_sampling_embeddings/diffusion_pytorch_model.safetensors")
    let (length, width) = (recorded.configuration.contextLength, recorded.configuration.width)
    let learned = try WeightLoader(files: [file]).tensor("embeddings", [length, width]).values
    let texts = try recorded.texts().count
    let doubled = Array(repeating: learned, count: texts).joined() + (try recorded.encoder().embed(recorded.ids())).values
    expectClose(
      FloatTensor(Array(doubled), shape: [2 * texts, length, width]), try golden.floats("out.text_embeddings_for_guidance"),
      absolute: try golden.tolerance("text_embeddings_for_guidance"))
    #expect(abs(learned[..<width].reduce(0) { $0 + $1 * $1 } - 1) > 0.01)
  }

  /// 16-bit weights read in place give what the same weights widened at load give.
  @Test func sixteenBitFilesAreReadInPlace() throws {
    let recorded = try RecordedEncoder()
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("half.safetensors")
      try SafetensorsFile.write(recorded.tensors().map { StoredTensor($0, $1, as: .float16) }, to: file)
      let ways = [ComputeOptions(products: .openBLAS), ComputeOptions(memory: .low)]
      let vectors = try ways.map { way in
        let weights = try WeightLoader(files: [file], options: way)
        let shape = [recorded.configuration.vocabularySize, recorded.configuration.width]
        if case .halves = try weights.layerWeights("text_model.embeddings.token_embedding.weight", shape) {
          #expect(way.memory == .low)
        } else {
          #expect(way.memory == .fast)
        }
        return try CLIPTextEncoder(recorded.configuration, weights: weights).embed(recorded.ids())
      }
      expectClose(vectors[1], vectors[0], absolute: 1e-6)
      expectClose(vectors[1], try recorded.golden.floats("out.text_embeddings"), absolute: 3e-3)
    }
  }
}
