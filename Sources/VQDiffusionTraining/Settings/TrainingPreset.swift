import VQVAE

/// Settings that are known to work, to begin with.
public enum TrainingPreset: String, Sendable, CaseIterable {
  /// Photographs of 32×32 pixels.
  case cifar10
  /// Handwritten digits of 28×28 pixels, both stages in minutes.
  case digits
  /// Images of 16×16 pixels, both stages in seconds, to try things with.
  case tiny

  /// Of an autoencoder.
  public var autoencoder: AutoencoderSettings {
    switch self {
    case .cifar10:
      AutoencoderSettings(
        network: network(channels: 32, multipliers: [1, 1, 2], resolution: 32, latent: 64, codeDimension: 16, codes: 1024),
        optimization: .init(
          steps: 6000, batch: 32, learningRate: 2e-3, warmUp: 50, beta2: 0.99, weightDecay: 1e-4, decaysMatricesOnly: true,
          clipNorm: 1, averageDecay: 0.998),
        reconstruction: .init(absolute: 0.5, squared: 1, difference: 0.25),
        codebook: .init(startStep: 200, clusteredLatents: 32))
    case .digits:
      AutoencoderSettings(
        network: network(channels: 32, multipliers: [1, 1, 1], resolution: 28, latent: 32, codeDimension: 16, codes: 128),
        optimization: .init(
          steps: 600, batch: 32, learningRate: 2e-3, warmUp: 30, beta2: 0.99, weightDecay: 1e-4, decaysMatricesOnly: true,
          clipNorm: 1,
          averageDecay: 0.99),
        codebook: .init(startStep: 50), augmentation: .init(flips: false), reports: .init(samplesEvery: 200))
    case .tiny:
      AutoencoderSettings(
        network: network(channels: 32, multipliers: [1, 1], resolution: 16, latent: 16, codeDimension: 8, codes: 32),
        optimization: .init(
          steps: 60, batch: 16, learningRate: 2e-3, warmUp: 5, beta2: 0.99, weightDecay: 1e-4, decaysMatricesOnly: true,
          clipNorm: 1,
          averageDecay: 0.9),
        codebook: .init(startStep: 10, clusteredLatents: 16), reports: .init(samplesEvery: 20))
    }
  }

  /// Of a denoiser on such an autoencoder's tokens.
  public var denoiser: DenoiserSettings {
    switch self {
    case .cifar10:
      DenoiserSettings(
        network: .init(layers: 6, width: 192, heads: 6), loss: .init(kind: .maskedCrossEntropy, importanceSampling: false),
        optimization: .init(
          steps: 14000, batch: 32, learningRate: 1.2e-3, warmUp: 300, beta2: 0.98, clipNorm: 1, averageDecay: 0.9995),
        reports: .init(samplesEvery: 2000))
    case .digits:
      DenoiserSettings(
        network: .init(layers: 4, width: 128, heads: 4), loss: .init(kind: .maskedCrossEntropy, importanceSampling: false),
        optimization: .init(steps: 2000, learningRate: 2e-3, warmUp: 100, beta2: 0.98, clipNorm: 1, averageDecay: 0.995),
        augmentation: .init(flips: false), reports: .init(samplesEvery: 500))
    case .tiny:
      DenoiserSettings(
        network: .init(layers: 2, width: 32, heads: 2, timesteps: 20),
        optimization: .init(steps: 60, batch: 16, learningRate: 2e-3, warmUp: 5, averageDecay: 0.9),
        reports: .init(samplesEvery: 20))
    }
  }

  /// Of a smaller codebook for such an autoencoder, whose decoder is there already.
  public func refit(codes: Int) -> RefitSettings {
    let base = autoencoder
    return RefitSettings(
      codes: codes, reconstruction: base.reconstruction, optimization: base.optimization.fineTuning(stepsBy: 4, rateBy: 4),
      augmentation: base.augmentation, reports: base.reports)
  }

  /// Of "no class" for such a denoiser.
  public var guidance: GuidanceSettings {
    let base = denoiser
    return GuidanceSettings(
      loss: base.loss, optimization: base.optimization.fineTuning(stepsBy: 5, rateBy: 3), augmentation: base.augmentation,
      reports: base.reports)
  }

  private func network(
    channels: Int, multipliers: [Int], resolution: Int, latent: Int, codeDimension: Int, codes: Int
  ) -> TamingVQGANConfiguration {
    TamingVQGANConfiguration(
      channels: channels, channelMultipliers: multipliers, residualBlocks: 1, attentionResolutions: [], resolution: resolution,
      inputChannels: 3, outputChannels: 3, latentChannels: latent, codeDimension: codeDimension, codes: codes)
  }
}

extension OptimizationSettings {
  /// The same for a network that has been trained already: fewer steps at a lower rate.
  fileprivate func fineTuning(stepsBy divisor: Int, rateBy rateDivisor: Double) -> OptimizationSettings {
    var settings = self
    (settings.steps, settings.warmUp) = (steps / divisor, warmUp / divisor)
    settings.learningRate = learningRate / rateDivisor
    return settings
  }
}
