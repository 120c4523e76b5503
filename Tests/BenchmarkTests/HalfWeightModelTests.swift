import BenchmarkKit
import Testing
import Transformer
import VQDiffusion

@Suite struct HalfWeightModelTests {
  @Test func theBackendNamesWhatMultiplies() {
    let blas = Backend.name
    #expect(Backend.name(ComputeOptions()) == "packed, \(blas)")
    #expect(Backend.name(ComputeOptions(products: .openBLAS)) == blas)
    #expect(Backend.name(ComputeOptions(memory: .low)) == blas)
    #expect(Backend.name(ComputeOptions(products: .openBLAS, weights: .float16)) == "packed, float16 weights, \(blas)")
    #expect(Backend.name(ComputeOptions(weights: .float16, memory: .low)) == "packed, float16 weights, \(blas)")
  }

  /// The built-in model's file holds 16-bit floats and its denoiser no 3×3 convolution: rounding changes nothing.
  @Test func weightsThatAreHalvesAlreadyKeepTheirBits() throws {
    let model = try BenchmarkModel(BenchmarkModel.builtInName)
    let input = NetworkInput.random(for: model.facts, batch: 3, seed: 1)
    func logits(_ weights: ComputeOptions.WeightFormat) throws -> [UInt32] {
      try model.denoiser(options: ComputeOptions(weights: weights)).logits(input).values.map(\.bitPattern)
    }
    let (found, expected, rounded) = (try logits(.float16), try logits(.float32), try logits(.int8))
    let areSame = found == expected
    #expect(areSame && Set(expected).count > 1000)
    // The option did arrive: the other approximation shows.
    let int8IsSame = rounded == expected
    #expect(!int8IsSame)
  }
}
