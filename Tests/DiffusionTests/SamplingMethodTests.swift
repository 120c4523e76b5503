import Diffusion
import Testing

@Suite struct SamplingMethodTests {
  @Test func namesAndUsualParameters() {
    #expect(
      SamplingMethod.all.map(\.name) == [
        "ancestral", "strided-reference", "fewer-tokens", "purity", "purity-reference", "maskgit", "halton", "remdm",
      ])
    #expect(SamplingMethod.all.map(\.purityWeight) == [nil, nil, nil, 1, 1, nil, nil, nil])
    #expect(SamplingMethod.all.map(\.choiceTemperature) == [nil, nil, nil, nil, nil, 4.5, nil, nil])
    #expect(SamplingMethod.all.map(\.remasking) == [nil, nil, nil, nil, nil, nil, nil, .cap(0.02)])
  }

  @Test func namesAreReadBack() throws {
    for method in SamplingMethod.all { #expect(try SamplingMethod(name: method.name) == method) }
    for name in ["Purity!", "Purity", "", "remasking"] {
      let error = #expect(throws: DiffusionError.self) { try SamplingMethod(name: name) }
      #expect(
        error?.description == "sampler must be one of ancestral, strided-reference, fewer-tokens, purity, purity-reference, "
          + "maskgit, halton, remdm, found \(name)")
    }
  }

  @Test func parametersAreSetWhereTheMethodHasThem() {
    let changed = SamplingMethod.all.map { method in
      var method = method
      (method.purityWeight, method.choiceTemperature, method.remasking) = (0.5, 2, .confidence)
      return method
    }
    #expect(
      changed == [
        .ancestral, .stridedReference, .fewerTokens, .purity(weight: 0.5), .purityReference(weight: 0.5),
        .maskGIT(temperature: 2), .halton, .remasking(.confidence),
      ])
    let unchanged = changed.map { method in
      var method = method
      (method.purityWeight, method.choiceTemperature, method.remasking) = (nil, nil, nil)
      return method
    }
    #expect(unchanged == changed)
  }

  /// A parameter goes over to the next method where that has it too.
  @Test func switchingKeepsCommonParameters() throws {
    #expect(try SamplingMethod.purity(weight: 0.5).switched(to: "purity-reference") == .purityReference(weight: 0.5))
    #expect(try SamplingMethod.purityReference(weight: 0.25).switched(to: "purity") == .purity(weight: 0.25))
    #expect(try SamplingMethod.maskGIT(temperature: 2).switched(to: "maskgit") == .maskGIT(temperature: 2))
    #expect(try SamplingMethod.remasking(.confidence).switched(to: "remdm") == .remasking(.confidence))
    #expect(try SamplingMethod.purity(weight: 0.5).switched(to: "maskgit") == .maskGIT(temperature: 4.5))
    #expect(try SamplingMethod.remasking(.confidence).switched(to: "purity") == .purity(weight: 1))
    for method in SamplingMethod.all { #expect(try method.switched(to: "halton") == .halton) }
    #expect(throws: DiffusionError.self) { try SamplingMethod.halton.switched(to: "Halton") }
  }

  /// 25 is no number of steps that a stride through 100 timesteps gives.
  @Test func theNearestStepsAreFound() {
    #expect(SamplingMethod.stridedReference.nearestSteps(to: 25, timesteps: 100, length: 64) == 26)
    #expect(SamplingMethod.stridedReference.nearestSteps(to: 100, timesteps: 100, length: 64) == 100)
    // Strides through 10 timesteps give 2, 3, 4, 6, 10 steps; of 4 and 6 the smaller.
    #expect(SamplingMethod.stridedReference.nearestSteps(to: 5, timesteps: 10, length: 64) == 4)
    #expect(SamplingMethod.halton.nearestSteps(to: 100, timesteps: 100, length: 64) == 64)
    #expect(SamplingMethod.ancestral.nearestSteps(to: 0, timesteps: 100, length: 64) == 1)
  }
}
