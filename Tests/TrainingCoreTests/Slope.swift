import Tensor
import TrainingCore

/// The slope of a function of parameters along one direction in one of them.
///
/// Single elements, rows and whole tensors in random directions together see every part of a gradient. The slope along the
/// gradient itself doesn't: a gradient that was projected, or zeroed in part, has the right slope along its own direction.
struct Slope: CustomStringConvertible {
  let parameter: String
  /// The elements that move, and how far each does; Σ d² = 1.
  let direction: [(index: Int, component: Double)]
  let value: Double
  /// How far `value` may be from the exact slope.
  let tolerance: Double

  var description: String {
    "\(parameter), \(direction.count) elements from \(direction[0].index) on: slope \(value), tolerance \(tolerance)"
  }

  /// The slope that a gradient predicts: Σ g d.
  func predicted(by gradient: FloatTensor) -> Double {
    gradient.withUnsafeBufferPointer { g in direction.reduce(0) { $0 + Double(g[$1.index]) * $1.component } }
  }

  func agrees(with gradient: FloatTensor) -> Bool { abs(predicted(by: gradient) - value) <= tolerance }
}

/// Measures slopes by central differences of fourth order.
struct SlopeMeasurement {
  /// |Δθ| between neighbouring points of a difference.
  let step: Double
  /// How far a value of the function may be off by rounding.
  let noise: Double
  let function: (ParameterSet) throws -> Double

  /// Slopes along single elements drawn at random, and in random directions of rows (all if there are few) and of the tensor.
  func slopes(
    of name: String, in parameters: ParameterSet, elements: Int, rows: Int, wholes: Int, random: inout LossNumbers
  ) throws -> [Slope] {
    guard let tensor = parameters[name] else { throw TrainingError.unknown(what: "parameter", parameter: name) }
    let count = tensor.shape.count > 1 ? tensor.shape[0] : 1
    let width = tensor.count / count
    var ranges = (0..<elements).map { _ in
      let index = Int(random.code(tensor.count))
      return index..<index + 1
    }
    if count > 1 && width > 1 {
      let chosen = count <= rows ? Array(0..<count) : (0..<rows).map { _ in Int(random.code(count)) }
      ranges += chosen.map { $0 * width..<($0 + 1) * width }
    }
    ranges += Array(repeating: 0..<tensor.count, count: wholes)
    return try ranges.map { range in
      let length = Double(range.count).squareRoot()
      let direction = range.map { ($0, (random.code(2) == 0 ? -1 : 1) / length) }
      return try slope(of: name, tensor, in: parameters, direction)
    }
  }

  private func slope(
    of name: String, _ tensor: FloatTensor, in parameters: ParameterSet, _ direction: [(index: Int, component: Double)]
  ) throws -> Slope {
    func value(_ distance: Double) throws -> Double {
      var (moved, values) = (parameters, tensor.values)
      for (index, component) in direction { values[index] += Float(distance * component) }
      try moved.replace(name, with: FloatTensor(values, shape: tensor.shape))
      return try function(moved)
    }
    let (near, far) = (try value(step) - value(-step), try value(2 * step) - value(-2 * step))
    let slope = (8 * near - far) / (12 * step)
    return Slope(parameter: name, direction: direction, value: slope, tolerance: noise / step + 0.01 * abs(slope))
  }
}
