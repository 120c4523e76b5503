import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing
import TrainingCore

/// The recorded two steps of AdamW, with moving average and clipping.
private struct Recorded {
  let golden: GoldenCase
  let optimizer: SafetensorsFile
  let gradients: ParameterSet
  var parameters: ParameterSet

  init() throws {
    golden = try GoldenCase("training")
    optimizer = try SafetensorsFile(golden.folder.appendingPathComponent("optimizer.safetensors"))
    let file = try SafetensorsFile(golden.folder.appendingPathComponent("grads-adaptive-off.safetensors"))
    gradients = try ParameterSet(WeightLoader(file).scope("out.adaptive_off.grad"))
    let all = try ParameterSet(golden.weights())
    parameters = try ParameterSet(gradients.names.map { ($0, try #require(all[$0])) })
  }

  var settings: AdamW.Settings {
    get throws {
      let recorded = golden.params["adamw"]
      let decays = try recorded.doubles("betas")
      return AdamW.Settings(
        firstDecay: decays[0], secondDecay: decays[1], epsilon: try recorded.double("eps"),
        weightDecay: try recorded.double("weight_decay"))
    }
  }

  var rate: Double { get throws { try golden.params["adamw"].double("lr") } }

  /// Of the second step: a g − b, where the case says "a*g - b, …".
  var secondGradients: ParameterSet {
    get throws {
      let formula = try golden.params.string("second_step_gradient")
      let numbers = try #require(formula.firstMatch(of: /^([0-9.]+)\*g - ([0-9.]+),/))
      let (factor, less) = (try #require(Float(numbers.1)), try #require(Float(numbers.2)))
      return try ParameterSet(
        gradients.names.map { name in
          let first = try #require(gradients[name])
          return (name, FloatTensor(first.values.map { factor * $0 - less }, shape: first.shape))
        })
    }
  }

  /// Compares every tensor that is recorded under a prefix; at least one is.
  func compare(_ found: ParameterSet, with prefix: String) throws {
    let names = optimizer.names.filter { $0.hasPrefix("out.\(prefix).") }
    #expect(!names.isEmpty, "nothing recorded under \(prefix)")
    for name in names {
      let parameter = String(name.dropFirst("out.\(prefix).".count))
      expectClose(
        try #require(found[parameter]), try optimizer.floatTensor(name),
        absolute: try golden.tolerance(String(name.dropFirst(4))), name)
    }
  }
}

/// The public code's optimizer steps.
@Suite struct OptimizerGoldenTests {
  @Test func twoRecordedStepsAndTheirAverage() throws {
    var recorded = try Recorded()
    var optimizer = try AdamW(recorded.settings, for: recorded.parameters)
    let ema = recorded.golden.params["ema"]
    var average = try ParameterAverage(
      .init(decay: ema.double("decay"), interval: ema.int("update_interval")), of: recorded.parameters)
    let interval = try ema.int("update_interval")
    let gradients = [recorded.gradients, try recorded.secondGradients]
    for (step, gradients) in gradients.enumerated() {
      try optimizer.update(&recorded.parameters, gradients: gradients, rate: recorded.rate)
      #expect(try average.update(recorded.parameters, iteration: step) == ((step + 1) % interval == 0))
      try recorded.compare(recorded.parameters, with: "adamw.step\(step + 1)")
      try recorded.compare(average.parameters, with: "ema.step\(step + 1)")
    }
    #expect(optimizer.step == 2 && average.updates == 2 / interval)
  }

  @Test func recordedClipping() throws {
    let recorded = try Recorded()
    var gradients = recorded.gradients
    let maximum = try recorded.golden.params["clip"].double("max_norm")
    let norm = gradients.clip(toNorm: maximum)
    expectClose(
      [norm], try recorded.golden.doubles("out.adaptive_off.total_grad_norm"),
      absolute: try recorded.golden.tolerance("adaptive_off.total_grad_norm"))
    try recorded.compare(gradients, with: "clipped_grad")
    expectClose([gradients.globalNorm], [min(norm, maximum)], absolute: 1e-6)
  }
}
