import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing
import Training
import Transformer

/// The denoiser on a tape against the recorded network, and its gradients against differences.
@Suite struct DenoiserGraphTests {
  private func graph(_ golden: GoldenCase) throws -> DenoiserGraph {
    try DenoiserGraph(JSONDecoder().decode(DenoiserConfiguration.self, from: JSONEncoder().encode(golden.params)))
  }

  private func logits(_ golden: GoldenCase, _ graph: DenoiserGraph, _ tape: Tape) throws -> Node {
    let classes = graph.configuration.kind == .unconditional ? [] : try golden.integers("in.class")
    return try graph.logits(
      tape, tokens: golden.integers("in.tokens").map { Int32($0) }, timesteps: golden.integers("in.t"), classes: classes)
  }

  @Test(
    arguments: [
      "denoiser-class-conv", "denoiser-class-conv-x4", "denoiser-class-fc", "denoiser-class-adains", "denoiser-abs",
      "denoiser-uncond",
    ])
  func recordedLogits(name: String) throws {
    let golden = try GoldenCase(name)
    let node = try logits(golden, graph(golden), Tape(ParameterSet(golden.weights())))
    let recorded = try golden.floats("out.logits")
    let (batch, codes, length) = (recorded.shape[0], recorded.shape[1], recorded.shape[2])
    #expect(node.value.shape == [batch, length, codes])
    expectClose(node.value, transposed(recorded), absolute: try golden.tolerance("logits"))
  }

  /// Along each parameter's own gradient the loss changes by the gradient's length.
  @Test(arguments: ["denoiser-class-conv", "denoiser-class-fc", "denoiser-class-adains", "denoiser-uncond"])
  func gradientsAreSlopes(name: String) throws {
    let golden = try GoldenCase(name)
    let graph = try graph(golden)
    let parameters = try ParameterSet(golden.weights())
    func loss(_ parameters: ParameterSet) throws -> (value: Double, gradients: () throws -> ParameterSet) {
      let tape = Tape(parameters)
      let node = try logits(golden, graph, tape)
      let codes = graph.configuration.codebookSize
      let rows = node.value.count / codes
      let entropy = Gradient.crossEntropy(
        node.value.reshaped([rows, codes]), targets: (0..<rows).map { Int32($0 * 7 % codes) },
        weights: Array(repeating: 1 / Float(rows), count: rows))
      return (
        Double(entropy.value.values[0]),
        {
          let gradient = entropy.pullback(FloatTensor([1], shape: [1])).reshaped(node.value.shape)
          return try tape.gradients(from: node, gradient)
        }
      )
    }
    let gradients = try loss(parameters).gradients()
    #expect(gradients.names == parameters.names)
    var checked = 0
    for name in gradients.names {
      let gradient = try #require(gradients[name])
      let length = gradient.values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      // A key's bias changes nothing, and what is tiny drowns in rounding.
      guard length > 3e-4 else { continue }
      let step = min(0.05, 1e-3 / length)
      func moved(_ sign: Double) throws -> Double {
        var moved = parameters
        let values = zip(try #require(parameters[name]).values, gradient.values).map {
          Float(Double($0) + sign * step * Double($1) / length)
        }
        try moved.replace(name, with: FloatTensor(values, shape: gradient.shape))
        return try loss(moved).value
      }
      let slope = (try moved(1) - moved(-1)) / (2 * step)
      #expect(abs(slope - length) < 0.03 * length + 2e-4, "\(name): slope \(slope), gradient \(length)")
      checked += 1
    }
    #expect(checked > gradients.names.count / 2, "\(checked) of \(gradients.names.count)")
  }
}
