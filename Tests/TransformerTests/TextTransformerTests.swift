import Checkpoint
import Tensor
import TestSupport
import Testing
import Transformer

/// The text-conditional denoiser beyond what was recorded.
@Suite struct TextTransformerTests {
  /// More queries than a block of attention, heads and texts of odd sizes.
  static let configuration = VQDiffusionConfiguration(
    kind: .text, textLength: 17, textWidth: 40, timestepNorm: .layerNorm, layers: 2, width: 66, heads: 3, mlp: .fullyConnected,
    mlpHiddenMultiplier: 4, activation: .quickGELU, grid: [11, 13], positionTable: [11, 13], positionKind: .embedding,
    codebookSize: 20, timesteps: 10)

  static func text(_ seed: UInt64, shape: [Int] = [17, 40]) -> TextVectors {
    let philox = Philox(seed: seed)
    let values = (0..<shape.reduce(1, *)).map { Float(2 * philox.uniform(SIMD4(UInt32($0), 0, 0, 0)) - 1) }
    return TextVectors(FloatTensor(values, shape: shape))
  }

  static func denoiser(seed: UInt64 = 1, way: ComputeOptions = ComputeOptions()) throws -> VQDiffusionTransformer {
    try VQDiffusionTransformer(configuration, weights: WeightLoader(randomSeed: seed, options: way))
  }

  /// Tokens of `batch` sequences, some of them masks.
  static func tokens(_ batch: Int) -> [Int32] {
    (0..<batch * configuration.sequenceLength).map { Int32($0 * 7 % (configuration.codebookSize + 1)) }
  }

  private func logits(_ denoiser: VQDiffusionTransformer, _ texts: [TextVectors]) throws -> [UInt32] {
    try denoiser.logits(
      NetworkInput(
        tokens: Self.tokens(texts.count), timesteps: texts.indices.map { $0 % 10 }, conditions: texts.map { .text($0) })
    ).values.map(\.bitPattern)
  }

  static let ways = [
    ComputeOptions(), ComputeOptions(products: .openBLAS), ComputeOptions(memory: .low), ComputeOptions(weights: .float16),
    ComputeOptions(weights: .int8),
  ]

  /// A guided batch: its halves under two texts, each an object that all of its sequences share.
  @Test(arguments: ways) func rowsOfAGuidedBatchAreThoseOfEachAlone(way: ComputeOptions) throws {
    let denoiser = try Self.denoiser(way: way)
    let (prompt, empty) = (Self.text(1), Self.text(2))
    let texts = [prompt, prompt, prompt, empty, empty, empty]
    let (together, tokens) = (try logits(denoiser, texts), Self.tokens(texts.count))
    let length = denoiser.configuration.sequenceLength
    let alone = try texts.indices.flatMap { row in
      // A copy keeps nothing, so keys and values are computed anew.
      try denoiser.logits(
        NetworkInput(
          tokens: Array(tokens[row * length..<(row + 1) * length]), timesteps: [row],
          conditions: [.text(TextVectors(texts[row].values))])
      ).values.map(\.bitPattern)
    }
    #expect(together == alone)
    #expect(prompt.projectionCount == 2 && empty.projectionCount == 2)
  }

  @Test(arguments: ways) func keptKeysAndValuesGiveTheBitsOfFreshOnes(way: ComputeOptions) throws {
    let denoiser = try Self.denoiser(way: way)
    let texts = [Self.text(1), Self.text(2)]
    let first = try logits(denoiser, texts)
    #expect(try logits(denoiser, texts) == first)
    #expect(try logits(denoiser, texts.map { TextVectors($0.values) }) == first)
  }

  @Test func theTextMatters() throws {
    let denoiser = try Self.denoiser()
    #expect(try logits(denoiser, [Self.text(1)]) != logits(denoiser, [Self.text(2)]))
  }

  @Test func networksDontShareWhatTheyKeep() throws {
    let networks = try [1, 2].map { try Self.denoiser(seed: $0) }
    let text = Self.text(1)
    for network in networks + networks {
      #expect(try logits(network, [text]) == logits(network, [TextVectors(text.values)]))
    }
    #expect(text.projectionCount == 4)
  }

  /// Networks come and go, also at the same addresses.
  @Test func whatANetworkLeftIsDropped() throws {
    let text = Self.text(1)
    for seed in 1...5 {
      let network = try Self.denoiser(seed: UInt64(seed))
      #expect(try logits(network, [text]) == logits(network, [TextVectors(text.values)]))
      #expect(text.projectionCount == 2)
    }
  }

  @Test func aTextAndWhatItKeepsGoTogether() throws {
    let denoiser = try Self.denoiser()
    weak var kept: TextVectors?
    do {
      let text = Self.text(1)
      kept = text
      _ = try logits(denoiser, [text])
      #expect(kept?.projectionCount == 2)
    }
    #expect(kept == nil)
  }

  @Test(arguments: ways) func logitsAtSomePositionsAreTheirRows(way: ComputeOptions) throws {
    let denoiser = try Self.denoiser(way: way)
    let (length, codes) = (denoiser.configuration.sequenceLength, denoiser.configuration.codebookSize)
    let texts = [Self.text(1), Self.text(2)]
    let conditions = texts.map { NetworkCondition.text($0) }
    let positions = [[0, 5, length - 1], [7]]
    let some = try denoiser.logits(
      NetworkInput(tokens: Self.tokens(2), timesteps: [3, 9], conditions: conditions), at: positions
    ) {}
    let all = try denoiser.logits(NetworkInput(tokens: Self.tokens(2), timesteps: [3, 9], conditions: conditions))
    #expect(some.shape == [4, codes])
    let expected = all.reshaped([2 * length, codes]).rows([0, 5, length - 1, length + 7])
    #expect(some.values.map(\.bitPattern) == expected.values.map(\.bitPattern))
  }

  @Test func equalVectorsAreEqualWhereverTheyLie() {
    let (text, copy) = (Self.text(1), Self.text(1))
    #expect(text == copy && text.hashValue == copy.hashValue && text !== copy)
    #expect(NetworkCondition.text(text) == .text(copy))
    #expect(text != Self.text(2))
    #expect(text != TextVectors(text.values.reshaped([40, 17])))
    #expect(Set([text, copy, Self.text(2)]).count == 2)
    #expect(TextVectors(FloatTensor([0], shape: [1, 1])) != TextVectors(FloatTensor([-0.0], shape: [1, 1])))
  }

  // MARK: What is refused

  private func expectWrong(
    _ denoiser: VQDiffusionTransformer, _ condition: NetworkCondition, expected: String, found: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let tokens = [Int32](repeating: 0, count: denoiser.configuration.sequenceLength)
    #expect(throws: TransformerError.wrongCondition(expected: expected, found: found), sourceLocation: sourceLocation) {
      _ = try denoiser.logits(NetworkInput(tokens: tokens, timesteps: [0], conditions: [condition]))
    }
  }

  @Test func conditionsOfAnotherKindAreRefused() throws {
    let denoiser = try Self.denoiser()
    let expected = "text vectors [17, 40] for each sequence"
    expectWrong(denoiser, .none, expected: expected, found: "none")
    expectWrong(denoiser, .index(3), expected: expected, found: "class 3")
    expectWrong(denoiser, .meanOfClasses, expected: expected, found: "the mean of all classes")
    for shape in [[16, 40], [17, 41], [40, 17], [1, 17, 40], [0, 40]] {
      expectWrong(
        denoiser, .text(Self.text(1, shape: shape)), expected: expected, found: "text vectors \(shape)")
    }
  }

  @Test func otherKindsRefuseText() throws {
    for (name, expected) in [("denoiser-class-fc", "a class for each sequence"), ("denoiser-uncond", "no condition")] {
      let golden = try GoldenCase(name)
      let denoiser = try VQDiffusionTransformer(golden.params.decoded(), weights: golden.weights())
      expectWrong(denoiser, .text(Self.text(1)), expected: expected, found: "text vectors [17, 40]")
    }
  }

  @Test func oneWrongTextAmongGoodOnesIsRefused() throws {
    let denoiser = try Self.denoiser()
    #expect(throws: TransformerError.self) {
      try denoiser.logits(NetworkInput(tokens: Self.tokens(2), timesteps: [0, 0], conditions: [.text(Self.text(1)), .none]))
    }
  }
}
