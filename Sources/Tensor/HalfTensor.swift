import CKernels

/// A tensor of 16-bit floats, widened where they are used: weights, in place in a mapped file or re-laid in memory of their own.
public struct HalfTensor: Sendable {
  public enum Format: Sendable {
    case float16
    case bfloat16
  }

  public let shape: [Int]
  public let format: Format
  private let elements: Elements

  /// The first element and what keeps it alive.
  private struct Elements: @unchecked Sendable {
    let base: UnsafePointer<UInt16>
    let owner: any AnyObject & Sendable
  }

  /// A view over memory that `owner` keeps alive and nobody changes.
  package init(borrowing base: UnsafePointer<UInt16>, shape: [Int], format: Format, owner: any AnyObject & Sendable) {
    self.shape = shape
    self.format = format
    elements = Elements(base: base, owner: owner)
  }

  /// A tensor whose elements `initialize` writes, all of them, in memory of its own.
  init(uninitialized shape: [Int], format: Format, initialize: (UnsafeMutablePointer<UInt16>) -> Void) {
    let storage = Storage(count: (shape.reduce(1, *) + 1) / 2)
    storage.base.withMemoryRebound(to: UInt16.self, capacity: storage.count * 2, initialize)
    self.init(
      borrowing: UnsafeRawPointer(storage.base).assumingMemoryBound(to: UInt16.self), shape: shape, format: format, owner: storage
    )
  }

  /// Matrices [N, K] of one format under each other.
  init(stacking parts: [HalfTensor]) {
    let rows = parts.reduce(0) { $0 + $1.shape[0] }
    self.init(uninitialized: [rows, parts[0].shape[1]], format: parts[0].format) { target in
      var to = target
      for part in parts {
        let count = part.shape.reduce(1, *)
        to.update(from: part.elements.base, count: count)
        to += count
      }
    }
  }

  /// The same elements under another shape of the same count.
  func reshaped(_ shape: [Int]) -> HalfTensor {
    HalfTensor(borrowing: elements.base, shape: shape, format: format, owner: elements.owner)
  }

  /// A view over part of the memory, which it keeps alive.
  func view(at offset: Int, shape: [Int]) -> HalfTensor {
    HalfTensor(borrowing: elements.base + offset, shape: shape, format: format, owner: elements.owner)
  }

  /// Lends the elements, in row-major order.
  func withElements<R>(_ body: (UnsafePointer<UInt16>) -> R) -> R {
    defer { withExtendedLifetime(elements.owner) {} }
    return body(elements.base)
  }

  /// Elements of a range, in row-major order, as 32-bit floats.
  func widen(_ range: Range<Int>, into target: UnsafeMutablePointer<Float>) {
    let source = elements.base + range.lowerBound
    switch format {
    case .float16: vqd_widen_f16(source, target, range.count)
    case .bfloat16: vqd_widen_bf16(source, target, range.count)
    }
    withExtendedLifetime(elements.owner) {}
  }
}

/// A layer's weights as a file holds them.
public enum LayerWeights: Sendable {
  case floats(FloatTensor)
  case halves(HalfTensor)

  public var shape: [Int] {
    switch self {
    case .floats(let tensor): tensor.shape
    case .halves(let tensor): tensor.shape
    }
  }

  /// Matrices [N, K] under each other: of 16 bits where all are of one format, otherwise as 32-bit floats.
  init(stacking parts: [LayerWeights]) {
    let halves = parts.compactMap { if case .halves(let half) = $0 { half } else { nil } }
    if halves.count == parts.count, Set(halves.map(\.format)).count == 1 {
      self = .halves(HalfTensor(stacking: halves))
      return
    }
    let rows = parts.reduce(0) { $0 + $1.shape[0] }
    self = .floats(
      FloatTensor(uninitialized: [rows, parts[0].shape[1]]) { target in
        var to = target
        for part in parts {
          let count = part.shape.reduce(1, *)
          part.widen(count, into: to)
          to += count
        }
      })
  }

  /// The first elements, in row-major order, as 32-bit floats.
  private func widen(_ count: Int, into target: UnsafeMutablePointer<Float>) {
    switch self {
    case .floats(let tensor):
      target.update(from: tensor.base, count: count)
      keepAlive(tensor)
    case .halves(let tensor): tensor.widen(0..<count, into: target)
    }
  }

  /// Rows in any order and number, the last dimension being a row's, as 32-bit floats: [indices, width]. Other rows aren't
  /// widened.
  package func rows(_ indices: [Int]) -> FloatTensor {
    switch self {
    case .floats(let tensor): return tensor.rows(indices)
    case .halves(let tensor):
      let width = tensor.shape[tensor.shape.count - 1]
      let count = tensor.shape.reduce(1, *)
      precondition(indices.allSatisfy { $0 >= 0 && ($0 + 1) * width <= count }, "rows outside \(tensor.shape)")
      return FloatTensor(uninitialized: [indices.count, width]) { target in
        for (row, index) in indices.enumerated() {
          tensor.widen(index * width..<(index + 1) * width, into: target + row * width)
        }
      }
    }
  }

  package func reshaped(_ shape: [Int]) -> LayerWeights {
    switch self {
    case .floats(let tensor): .floats(tensor.reshaped(shape))
    case .halves(let tensor): .halves(tensor.reshaped(shape))
    }
  }
}
