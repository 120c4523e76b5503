import Checkpoint
import Tensor
import TestSupport
import Testing
import Transformer

/// The tensors that a configuration lists against those that loading asks for.
@Suite struct TensorShapesTests {
  /// A network of one kind in small odd sizes.
  static func small(
    _ kind: VQDiffusionConfiguration.Kind, change: (inout VQDiffusionConfiguration) -> Void = { _ in }
  ) -> VQDiffusionConfiguration {
    let (isClass, isText) = (kind == .classConditional, kind == .text)
    var configuration = VQDiffusionConfiguration(
      kind: kind, classRows: isClass ? 5 : nil, classNorm: isClass ? .layerNorm : nil, textLength: isText ? 3 : nil,
      textWidth: isText ? 7 : nil, timestepNorm: .layerNorm, layers: 2, width: 6, heads: 3, mlp: .fullyConnected,
      mlpHiddenMultiplier: 3, activation: .gelu, grid: [3, 2], positionTable: [4, 5], positionKind: .embedding, codebookSize: 9,
      timesteps: 11)
    change(&configuration)
    return configuration
  }

  /// Every combination of the parts of which a block is made.
  static let combinations: [VQDiffusionConfiguration] = kinds.flatMap { configuration in
    VQDiffusionConfiguration.AdaptiveNormKind.allCases.flatMap { norm in
      VQDiffusionConfiguration.FeedForwardKind.allCases.flatMap { mlp in
        VQDiffusionConfiguration.PositionKind.allCases.map { position in
          var configuration = configuration
          (configuration.timestepNorm, configuration.mlp, configuration.positionKind) = (norm, mlp, position)
          return configuration
        }
      }
    }
  }

  private static let kinds =
    [small(.unconditional), small(.text)]
    + VQDiffusionConfiguration.AdaptiveNormKind.allCases.map { norm in small(.classConditional) { $0.classNorm = norm } }

  /// Sizes at their least, and sizes that are mixed up easily.
  static let oddSizes = [
    small(.unconditional) { ($0.width, $0.heads, $0.layers, $0.codebookSize, $0.timesteps) = (2, 1, 1, 1, 2) },
    small(.unconditional) { ($0.grid, $0.positionTable) = ([1, 1], [1, 1]) },
    small(.unconditional) { ($0.grid, $0.positionTable, $0.layers) = ([2, 3], [1, 6], 5) },
    small(.classConditional) { ($0.classRows, $0.unconditionalClass) = (2, 1) },
    small(.classConditional) { $0.classRows = 1 },
    small(.text) { ($0.textWidth, $0.textLength) = (1, 1) },
    small(.text) { ($0.textWidth, $0.width, $0.heads, $0.mlpHiddenMultiplier) = (12, 10, 5, 1) },
  ]

  @Test(arguments: combinations + oddSizes, [ComputeOptions(), ComputeOptions(memory: .low)])
  func listedAreThoseThatLoadingAsksFor(configuration: VQDiffusionConfiguration, way: ComputeOptions) throws {
    let requests = TensorRequests()
    _ = try VQDiffusionTransformer(configuration, weights: requests.loader(options: way))
    #expect(requests.sorted == TensorRequests.sorted(configuration.tensorShapes))
  }

  @Test(arguments: combinations + oddSizes) func aFileOfTheListedTensorsLoads(configuration: VQDiffusionConfiguration) throws {
    let source = CountingSource(configuration.tensorShapes)
    _ = try VQDiffusionTransformer(configuration, weights: WeightLoader(source))
    #expect(source.readCount == configuration.tensorShapes.count)
  }

  /// Configurations that are valid and ask for tensors, most of them huge, that the small file of their kind does not hold.
  static let oversized: [VQDiffusionConfiguration] = {
    let large = 1 << 20
    let kinds: [VQDiffusionConfiguration.Kind] = [.unconditional, .classConditional, .text]
    let ofAll: [(inout VQDiffusionConfiguration) -> Void] = [
      { $0.layers = 4096 },
      { ($0.width, $0.heads) = (large, 1) },
      { $0.mlpHiddenMultiplier = 1024 },
      { $0.mlp = .convolutional },
      { $0.codebookSize = large },
      { $0.timesteps = large },
      { $0.positionTable = [4096, 4096] },
      { ($0.grid, $0.positionTable) = ([256, 256], [256, 256]) },
      { ($0.width, $0.heads, $0.layers, $0.mlpHiddenMultiplier, $0.codebookSize) = (large, 1, 4096, 1024, large) },
    ]
    return kinds.flatMap { kind in ofAll.map { small(kind, change: $0) } } + [
      small(.classConditional) { $0.classRows = large },
      small(.classConditional) { ($0.classRows, $0.unconditionalClass) = (large, large - 1) },
      small(.text) { $0.textWidth = large },
    ]
  }()

  @Test(arguments: oversized) func aConfigurationBeyondItsFileIsRefusedUnread(configuration: VQDiffusionConfiguration) throws {
    try configuration.validate()
    let held = Self.small(configuration.kind).tensorShapes
    let source = CountingSource(held)
    let error = #expect(throws: CheckpointError.self) { try VQDiffusionTransformer(configuration, weights: WeightLoader(source)) }
    switch error {
    case .missingTensor(_, let name, let shape):
      #expect(configuration.tensorShapes.contains { $0.name == name && $0.shape == shape })
    case .wrongShape(_, let name, let expected, let found):
      #expect(configuration.tensorShapes.contains(TensorShape(name, expected)) && held.contains(TensorShape(name, found)))
    default: Issue.record("\(String(describing: error))")
    }
    #expect(source.readCount == 0)
  }
}
