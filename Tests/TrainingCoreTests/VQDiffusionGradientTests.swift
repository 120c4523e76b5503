import Tensor
import TestSupport
import Testing
import TrainingCore

/// The gradients of denoisers against differences. The function is Σ w · logits with random weights w.
@Suite struct VQDiffusionGradientTests {
  private struct Case {
    let gradients: ParameterSet
    let slopes: [Slope]

    init(_ name: String) throws {
      let recorded = try RecordedDenoiser(name)
      let tape = Tape(recorded.parameters)
      let logits = try recorded.logits(tape)
      var random = LossNumbers(seed: 12)
      let weights = random.logits(logits.value.count, spread: 1)
      gradients = try tape.gradients(from: logits, FloatTensor(weights, shape: logits.value.shape))
      // Float32 logits are off by about one unit in the last place each, in either direction.
      let rounding = Double(Float.ulpOfOne) * logits.value.values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
      let measurement = SlopeMeasurement(step: 0.03, noise: 10 * rounding) { parameters in
        let logits = try recorded.logits(Tape(parameters)).value.values
        return zip(logits, weights).reduce(0) { $0 + Double($1.0) * Double($1.1) }
      }
      slopes = try recorded.parameters.names.flatMap { name in
        try measurement.slopes(of: name, in: recorded.parameters, elements: 4, rows: 16, wholes: 4, random: &random)
      }
    }

    func slopes(of name: String) -> [Slope] { slopes.filter { $0.parameter == name } }
  }

  @Test(arguments: RecordedDenoiser.names) func gradientsAreSlopes(name: String) throws {
    let network = try Case(name)
    for slope in network.slopes {
      let gradient = try #require(network.gradients[slope.parameter])
      #expect(slope.agrees(with: gradient), "\(slope), the gradient's is \(slope.predicted(by: gradient))")
    }
  }

  /// Damage that the slopes must show. All but the last kind keeps the slope along the gradient's own direction.
  @Test(arguments: ["denoiser-class-conv", "denoiser-class-adains", "denoiser-abs"])
  func damagedGradientsAreNot(name: String) throws {
    let network = try Case(name)
    for parameter in network.gradients.names {
      let (gradient, slopes) = (try #require(network.gradients[parameter]), network.slopes(of: parameter))
      // Attention doesn't see the bias of its keys.
      if parameter.hasSuffix("key.bias") {
        #expect(slopes.allSatisfy { abs($0.value) <= $0.tolerance })
        continue
      }
      for (kind, damaged) in Self.damaged(gradient) where Self.differ(damaged, gradient) {
        #expect(slopes.contains { !$0.agrees(with: damaged) }, "\(parameter): \(kind)")
      }
    }
  }

  /// Whether a part of some weight is missing: rows of tables that no input reads are zero from the start.
  private static func differ(_ damaged: FloatTensor, _ gradient: FloatTensor) -> Bool {
    let missing = zip(damaged.values, gradient.values).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    return missing > 1e-3 * gradient.values.reduce(0) { $0 + $1 * $1 }
  }

  private static func damaged(_ gradient: FloatTensor) -> [(kind: String, gradient: FloatTensor)] {
    let (g, width) = (gradient.values, gradient.shape.count > 1 ? gradient.count / gradient.shape[0] : 1)
    func keeping(_ isKept: (Int) -> Bool) -> FloatTensor {
      FloatTensor(g.indices.map { isKept($0) ? g[$0] : 0 }, shape: gradient.shape)
    }
    let rowNorms = (0..<g.count / width).map { row in g[row * width..<(row + 1) * width].reduce(0) { $0 + $1 * $1 } }
    let largestRow = rowNorms.indices.max { rowNorms[$0] < rowNorms[$1] } ?? 0
    let largest = g.indices.max { abs(g[$0]) < abs(g[$1]) } ?? 0
    var random = LossNumbers(seed: 14)
    let direction = random.logits(g.count, spread: 1)
    let share = zip(g, direction).reduce(0) { $0 + $1.0 * $1.1 } / direction.reduce(0) { $0 + $1 * $1 }
    return [
      ("zero", keeping { _ in false }), ("without its second half", keeping { $0 < g.count / 2 }),
      ("without every other element", keeping { $0.isMultiple(of: 2) }),
      ("without its largest row", keeping { $0 / width != largestRow }),
      ("without its largest element", keeping { $0 != largest }),
      ("without its first quarter", keeping { $0 >= g.count / 4 }),
      ("projected onto a direction", FloatTensor(direction.map { share * $0 }, shape: gradient.shape)),
      ("half as long", FloatTensor(g.map { $0 / 2 }, shape: gradient.shape)),
    ]
  }
}
