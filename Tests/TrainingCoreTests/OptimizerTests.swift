import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing
import TrainingCore

private func values(_ seed: UInt64, _ shape: [Int]) -> FloatTensor {
  let philox = Philox(seed: seed)
  return FloatTensor((0..<shape.reduce(1, *)).map { Float(philox.uniform([UInt32($0), 0, 0, 0]) - 0.5) }, shape: shape)
}

private func someParameters(_ seed: UInt64) throws -> ParameterSet {
  try ParameterSet([
    ("a.weight", values(seed, [3, 70_001])), ("a.bias", values(seed + 1, [5])), ("empty", FloatTensor(zeros: [0])),
  ])
}

@Suite struct OptimizerTests {
  @Test func smallGradientsAndThoseWithoutNormStay() throws {
    var small = try someParameters(3)
    let before = small["a.weight"]?.values
    let norm = small.clip(toNorm: 1e6)
    let exact = small.names.flatMap { small[$0]?.values ?? [] }.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    expectClose([norm], [exact], absolute: 1e-9)
    #expect(small["a.weight"]?.values == before)
    var infinite = try ParameterSet([("x", FloatTensor([1, .infinity, 2], shape: [3]))])
    #expect(infinite.clip(toNorm: 1) == .infinity)
    #expect(infinite["x"]?.values == [1, .infinity, 2])
  }

  @Test func restoredStateGoesOnBitByBit() throws {
    var parameters = try someParameters(1)
    var optimizer = try AdamW(.init(), for: parameters)
    var average = try ParameterAverage(.init(decay: 0.9, interval: 2, warmsUp: true), of: parameters)
    for step in 0..<3 {
      try optimizer.update(&parameters, gradients: someParameters(UInt64(10 + step)), rate: 1e-3)
      try average.update(parameters, iteration: step)
    }
    let source = try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("state.safetensors")
      try SafetensorsFile.write(
        parameters.stored(prefix: "p.") + optimizer.stored(prefix: "o.") + average.stored(prefix: "e."), to: file)
      return try SafetensorsFile(file)
    }
    var restored = try ParameterSet(parameters.names.map { ($0, try source.floatTensor("p." + $0)) })
    var restoredOptimizer = try AdamW(.init(), for: restored)
    try restoredOptimizer.restore(from: source, prefix: "o.")
    var restoredAverage = try ParameterAverage(average.settings, of: restored)
    try restoredAverage.restore(from: source, prefix: "e.")
    for step in 3..<6 {
      let gradients = try someParameters(UInt64(10 + step))
      try optimizer.update(&parameters, gradients: gradients, rate: 1e-3)
      try restoredOptimizer.update(&restored, gradients: gradients, rate: 1e-3)
      try average.update(parameters, iteration: step)
      try restoredAverage.update(restored, iteration: step)
    }
    for name in parameters.names {
      #expect(parameters[name]?.values == restored[name]?.values)
      #expect(average.parameters[name]?.values == restoredAverage.parameters[name]?.values)
    }
    #expect(restoredOptimizer.step == 6 && restoredAverage.updates == 3)
    #expect(throws: CheckpointError.self) { try restoredOptimizer.restore(from: source, prefix: "x.") }
  }

  @Test func groupsDecayAndLearnByTheirOwnRates() throws {
    let zeros = try ParameterSet(zerosLike: someParameters(1))
    var parameters = try someParameters(1)
    var optimizer = try AdamW(.init(weightDecay: 0.5), for: parameters) { name, shape in
      #expect(name != "a.bias" || shape == [5])
      return name.hasSuffix("bias") ? .init(weightDecay: 0) : nil
    }
    try optimizer.update(&parameters, gradients: zeros, rate: 0.1)
    let before = try someParameters(1)
    #expect(parameters["a.bias"]?.values == before["a.bias"]?.values)
    expectClose(
      try #require(parameters["a.weight"]).values, try #require(before["a.weight"]).values.map { $0 * 0.95 }, absolute: 1e-7)
  }

  @Test func mistakesAreNamed() throws {
    var parameters = try someParameters(1)
    let before = parameters["a.weight"]?.values
    var optimizer = try AdamW(.init(), for: parameters)
    let few = try ParameterSet([("a.weight", values(2, [3, 70_001]))])
    #expect(throws: TrainingError.missing(what: "gradients", parameter: "a.bias")) {
      try optimizer.update(&parameters, gradients: few, rate: 1)
    }
    let other = try ParameterSet([("b", values(2, [3]))])
    #expect(throws: TrainingError.unknown(what: "gradients", parameter: "b")) {
      try optimizer.update(&parameters, gradients: other, rate: 1)
    }
    let gradients = try someParameters(4)
    #expect(throws: TrainingError.self) { try optimizer.update(&parameters, gradients: gradients, rate: .nan) }
    #expect(optimizer.step == 0 && parameters["a.weight"]?.values == before)
    #expect(throws: TrainingError.duplicateParameter(name: "b")) {
      try ParameterSet([("b", values(2, [3])), ("b", values(2, [3]))])
    }
    #expect(throws: TrainingError.differingShape(what: "replacement", parameter: "a.bias", expected: [5], found: [6])) {
      try parameters.replace("a.bias", with: values(1, [6]))
    }
    #expect(throws: TrainingError.self) { try AdamW(.init(secondDecay: 1), for: parameters) }
    #expect(throws: TrainingError.self) { try ParameterAverage(.init(interval: 0), of: parameters) }
  }

  @Test func averageWarmsUpAndWaitsForItsInterval() throws {
    let zero = try ParameterSet([("x", FloatTensor([0], shape: [1]))])
    let one = try ParameterSet([("x", FloatTensor([1], shape: [1]))])
    var average = try ParameterAverage(.init(decay: 0.15, interval: 3, warmsUp: true), of: zero)
    let updated = try (0..<6).map { try average.update(one, iteration: $0) }
    #expect(updated == [false, false, true, false, false, true])
    // Decays 1/10, then min(0.15, 2/11).
    expectClose(try #require(average.parameters["x"]).values, [1 - 0.1 * 0.15], absolute: 1e-6)
  }
}
