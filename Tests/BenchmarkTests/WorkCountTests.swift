import BenchmarkKit
import Foundation
import Testing
import Transformer
import VQDiffusion
import VQVAE

@Suite struct WorkCountTests {
  /// Parameters are PyTorch's count of the same networks.
  @Test func denoisersOfTheRandomArchitectures() throws {
    let cifar = WorkCount(denoiser: try RandomArchitecture.cifar.network())
    #expect(cifar.parameters == 3_882_560)
    // L 64, D 192, K 512; per block two modulations, four projections, scores and values, two layers of the MLP.
    let cifarBlock = 2 * 192 * 384 + 64 * 192 * 192 * 4 + 2 * 64 * 64 * 192 + 2 * 64 * 192 * 768
    #expect(cifar.multiplyAdds == 6 * cifarBlock + 64 * 192 * 512)
    #expect(cifar.multiplyAdds == 186_482_688)
    let imagenet = WorkCount(denoiser: try RandomArchitecture.imagenet.network())
    #expect(imagenet.parameters == 518_037_966)
    #expect(imagenet.multiplyAdds == 124_170_010_624)
  }

  /// L 1024, D 1408, 77 text vectors of width 512, K 4096.
  @Test func aTextConditionalDenoiserByHand() throws {
    let count = WorkCount(denoiser: try RandomArchitecture.ithq.network())
    let (d, d2) = (1408, 1408 * 1408)
    let modulations = 2 * (100 * d + 2 * d2 + 2 * d)
    let attention = 4 * (d2 + d)
    let textAttention = 2 * (d2 + d) + 2 * (512 * d + d)
    let feedForward = 8 * d2 + 5 * d
    let block = modulations + attention + textAttention + 2 * d + feedForward
    // As many as the checkpoint's full-size stand-in has in PyTorch (docs/full-size.md).
    #expect(count.parameters == 1_359_274_624)
    #expect(count.parameters == 36 * block + 4097 * d + 2 * 32 * d + 2 * d + 4096 * d + 4096)
    let products = 4 * d2 + 2 * d2 + 8 * d2
    let blockWork = 2 * 2 * d2 + 1024 * products + 77 * 512 * 2 * d + 2 * 1024 * (1024 + 77) * d
    #expect(count.multiplyAdds == 36 * blockWork + 1024 * d * 4096)
  }

  /// All three figures are PyTorch's counts (`torch.utils.flop_counter`) of the same networks.
  @Test(arguments: [
    (RandomArchitecture.imagenet, 76_073_859, 70_288_146_432, 126_374_379_520), (.cifar, 820_099, 45_645_824, 92_766_208),
  ]) func codecsOfTheRandomArchitectures(architecture: RandomArchitecture, parameters: Int, encode: Int, decode: Int) throws {
    let configuration = try architecture.tokenizer()
    let size = configuration.resolution
    let encoder = WorkCount(encoder: configuration, height: size, width: size)
    let decoder = WorkCount(decoder: configuration, height: size, width: size)
    #expect(encoder.parameters + decoder.parameters == parameters)
    #expect(encoder.multiplyAdds == encode)
    #expect(decoder.multiplyAdds == decode)
  }

  @Test func codecByHand() throws {
    let json = #"""
      {"ch": 32, "ch_mult": [1, 2], "num_res_blocks": 1, "attn_resolutions": [8], "resolution": 16, "in_channels": 3, "out_ch": 3,
       "z_channels": 5, "embed_dim": 7, "n_embed": 11}
      """#
    let configuration = try JSONDecoder().decode(TamingVQGANConfiguration.self, from: Data(json.utf8))
    // 16×8 pixels, then 8×4 of them; level 1 has attention because 16 / 2 = 8, whatever the image's size.
    let (fine, coarse) = (128, 32)
    let attention = 4 * 64 * 64 * coarse + 2 * coarse * coarse * 64
    let middle = 4 * 9 * 64 * 64 * coarse + attention
    let narrow = 2 * 9 * 32 * 32
    let widen = 9 * 32 * 64 + 9 * 64 * 64 + 32 * 64
    var expected = 9 * 3 * 32 * fine + narrow * fine + 9 * 32 * 32 * coarse
    expected += widen * coarse + attention + middle + 9 * 64 * 5 * coarse + 5 * 7 * coarse + 7 * 11 * coarse
    #expect(WorkCount(encoder: configuration, height: 16, width: 8).multiplyAdds == expected)
    expected = 7 * 5 * coarse + 9 * 5 * 64 * coarse + middle + 2 * (2 * 9 * 64 * 64 * coarse + attention) + 9 * 64 * 64 * fine
    expected += (9 * 64 * 32 + 9 * 32 * 32 + 64 * 32) * fine + narrow * fine + 9 * 32 * 3 * fine
    #expect(WorkCount(decoder: configuration, height: 16, width: 8).multiplyAdds == expected)
  }

  /// The encoder's first convolution and the block after it have the channels that they have, not the first level's.
  @Test func aFirstConvolutionOfItsOwnWidth() throws {
    func count(_ extra: String) throws -> WorkCount {
      let json = #"""
        {"ch": 4, "ch_mult": [2, 3], "num_res_blocks": 1, "attn_resolutions": [], "resolution": 16, "in_channels": 3, "out_ch": 3,
         "z_channels": 5, "embed_dim": 7, "n_embed": 11, "norm_groups": 4
        """#
      let configuration = try JSONDecoder().decode(TamingVQGANConfiguration.self, from: Data((json + extra + "}").utf8))
      return WorkCount(encoder: configuration, height: 16, width: 8)
    }
    let (usual, own) = (try count(""), try count(#", "conv_in_channels": 8"#))
    let pixels = 128
    // 3 → 8 instead of 3 → 4; 8 → 8 instead of 4 → 8, which so needs no convolution beside it.
    #expect(own.multiplyAdds - usual.multiplyAdds == (9 * 3 * 4 + 9 * 4 * 8 - 4 * 8) * pixels)
    #expect(own.parameters - usual.parameters == 9 * 3 * 4 + 4 + 2 * 4 + 9 * 4 * 8 - (4 * 8 + 8))
  }

  @Test func parametersAreThoseOfTheFiles() throws {
    let report = try ModelReport(.builtIn)
    let model = try BenchmarkModel(BenchmarkModel.builtInName)
    let network = try #require(model.network as? VQDiffusionConfiguration)
    #expect(WorkCount(denoiser: network).parameters == report.network?.contents.parameters)
    let tokenizer = try #require(try model.tokenizer() as? TamingVQGANConfiguration)
    let encoder = WorkCount(encoder: tokenizer, height: 32, width: 32)
    let decoder = WorkCount(decoder: tokenizer, height: 32, width: 32)
    #expect(encoder.parameters + decoder.parameters == report.tokenizer?.contents.parameters)
  }
}
