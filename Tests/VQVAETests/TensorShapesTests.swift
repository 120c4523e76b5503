import Checkpoint
import Tensor
import TestSupport
import Testing
import VQVAE

/// The tensors that a configuration lists against those that loading asks for.
@Suite struct TensorShapesTests {
  static let small = TamingVQGANConfiguration(
    channels: 6, channelMultipliers: [1, 3, 2], residualBlocks: 1, attentionResolutions: [], resolution: 12, inputChannels: 3,
    outputChannels: 3, latentChannels: 5, codeDimension: 7, codes: 11, normGroups: 3)

  static func changed(_ change: (inout TamingVQGANConfiguration) -> Void) -> TamingVQGANConfiguration {
    var configuration = small
    change(&configuration)
    return configuration
  }

  static let configurations =
    [
      small,
      changed { $0.channelMultipliers = [1] },
      changed { ($0.channelMultipliers, $0.convInChannels) = ([2], 9) },
      changed { $0.attentionResolutions = [3] },
      changed { $0.attentionResolutions = [12, 6, 3] },
      // A size that no level has.
      changed { ($0.attentionResolutions, $0.resolution) = ([6, 5], 13) },
      changed { ($0.residualBlocks, $0.attentionResolutions) = (3, [6]) },
      changed { ($0.convInChannels, $0.normGroups) = (15, 3) },
      changed { ($0.channels, $0.normGroups, $0.channelMultipliers) = (32, nil, [2, 1]) },
      changed { ($0.channels, $0.normGroups, $0.codes, $0.latentChannels, $0.codeDimension) = (1, 1, 1, 1, 1) },
      changed { ($0.channelMultipliers, $0.attentionResolutions) = ([2, 2, 1, 1, 4], [3, 0]) },
    ]
    + QuantizerKind.allCases.map { kind in
      changed { ($0.quantizer, $0.codeDimension) = (kind, $0.latentChannels) }
    }

  @Test(arguments: configurations, [ComputeOptions(), ComputeOptions(memory: .low)])
  func listedAreThoseThatLoadingAsksFor(configuration: TamingVQGANConfiguration, way: ComputeOptions) throws {
    let requests = TensorRequests()
    _ = try TamingVQGAN(configuration, weights: requests.loader(options: way))
    #expect(requests.sorted == TensorRequests.sorted(configuration.tensorShapes))
  }

  @Test(arguments: configurations) func aFileOfTheListedTensorsLoads(configuration: TamingVQGANConfiguration) throws {
    let source = CountingSource(configuration.tensorShapes)
    _ = try TamingVQGAN(configuration, weights: WeightLoader(source))
    #expect(source.readCount == configuration.tensorShapes.count)
  }

  /// Configurations that are valid and ask for tensors, most of them huge, that the file of `small` does not hold.
  static let oversized = [
    changed { $0.channels = 65535 },
    changed { $0.channelMultipliers = [1, 3, 1023] },
    changed { $0.channelMultipliers = [1, 3, 2] + Array(repeating: 1020, count: 7) },
    changed { $0.residualBlocks = 64 },
    changed { $0.attentionResolutions = [12] },
    changed { $0.latentChannels = 65536 },
    changed { $0.codeDimension = 65536 },
    changed { $0.codes = 1 << 24 },
    changed { $0.convInChannels = 65535 },
    changed { ($0.quantizer, $0.latentChannels, $0.codeDimension, $0.codes) = (.gumbel, 65536, 65536, 1 << 24) },
  ]

  @Test(arguments: oversized) func aConfigurationBeyondItsFileIsRefusedUnread(configuration: TamingVQGANConfiguration) throws {
    try configuration.validate()
    let source = CountingSource(Self.small.tensorShapes)
    let error = #expect(throws: CheckpointError.self) { try TamingVQGAN(configuration, weights: WeightLoader(source)) }
    switch error {
    case .missingTensor(_, let name, let shape):
      #expect(configuration.tensorShapes.contains { $0.name == name && $0.shape == shape })
    case .wrongShape(_, let name, let expected, let found):
      #expect(configuration.tensorShapes.contains(TensorShape(name, expected)))
      #expect(Self.small.tensorShapes.contains(TensorShape(name, found)))
    default: Issue.record("\(String(describing: error))")
    }
    #expect(source.readCount == 0)
  }
}
