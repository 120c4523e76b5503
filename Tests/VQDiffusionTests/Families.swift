import Testing
import Transformer
import VQDiffusion

extension VQDiffusionPipeline {
  /// The network of a model that is VQ-Diffusion's.
  var transformer: VQDiffusionTransformer {
    get throws { try #require(network as? VQDiffusionTransformer) }
  }
}
