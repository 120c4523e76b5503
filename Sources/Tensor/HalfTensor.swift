import CKernels

/// A tensor of 16-bit floats in memory that somebody else keeps: the weights of a mapped file, widened where they are used.
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

  /// Matrices [N, K] of one format under each other.
  init(stacking parts: [HalfTensor]) {
    let counts = parts.map { $0.shape.reduce(1, *) }
    let storage = Storage(count: (counts.reduce(0, +) + 1) / 2)
    storage.base.withMemoryRebound(to: UInt16.self, capacity: storage.count * 2) { target in
      var to = target
      for (part, count) in zip(parts, counts) {
        to.update(from: part.elements.base, count: count)
        to += count
      }
    }
    shape = [parts.reduce(0) { $0 + $1.shape[0] }, parts[0].shape[1]]
    format = parts[0].format
    elements = Elements(base: UnsafeRawPointer(storage.base).assumingMemoryBound(to: UInt16.self), owner: storage)
  }

  /// The same elements under another shape of the same count.
  func reshaped(_ shape: [Int]) -> HalfTensor {
    HalfTensor(borrowing: elements.base, shape: shape, format: format, owner: elements.owner)
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

  package func reshaped(_ shape: [Int]) -> LayerWeights {
    switch self {
    case .floats(let tensor): .floats(tensor.reshaped(shape))
    case .halves(let tensor): .halves(tensor.reshaped(shape))
    }
  }
}
