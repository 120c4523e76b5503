/// A dense row-major array of `Float` with a shape.
///
/// Copies share memory until one of them is written to. Memory is 64-byte aligned when owned; a view over foreign memory
/// (`init(borrowing:shape:owner:)`) may start anywhere a `Float` may.
public struct FloatTensor: Sendable {
  public private(set) var shape: [Int]
  private var storage: Storage

  /// The number of elements, the product of `shape`.
  public var count: Int { storage.count }

  /// A tensor of zeros.
  public init(zeros shape: [Int]) {
    self.init(uninitialized: shape) { $0.initialize(repeating: 0, count: shape.reduce(1, *)) }
  }

  /// A tensor whose elements `initialize` writes, all of them.
  public init<E: Error>(
    uninitialized shape: [Int], initialize: (UnsafeMutablePointer<Float>) throws(E) -> Void
  ) throws(E) {
    precondition(shape.allSatisfy { $0 >= 0 }, "negative dimension in \(shape)")
    self.shape = shape
    storage = Storage(count: shape.reduce(1, *))
    try initialize(storage.base)
  }

  /// A tensor of `values` in row-major order.
  public init(_ values: [Float], shape: [Int]) {
    precondition(values.count == shape.reduce(1, *), "\(values.count) values don't fill shape \(shape)")
    self.init(uninitialized: shape) { base in
      values.withUnsafeBufferPointer { source in
        if let from = source.baseAddress { base.initialize(from: from, count: source.count) }
      }
    }
  }

  /// A view over memory that `owner` keeps alive and nobody changes; copied when written to.
  public init(borrowing pointer: UnsafePointer<Float>, shape: [Int], owner: any AnyObject & Sendable) {
    precondition(shape.allSatisfy { $0 >= 0 }, "negative dimension in \(shape)")
    self.shape = shape
    storage = Storage(borrowing: pointer, count: shape.reduce(1, *), owner: owner)
  }

  /// The same elements under another shape of the same count.
  public func reshaped(_ shape: [Int]) -> FloatTensor {
    precondition(shape.reduce(1, *) == count, "can't reshape \(self.shape) to \(shape)")
    var copy = self
    copy.shape = shape
    return copy
  }

  /// A copy of some rows of the tensor seen as [rows, width].
  package func rows(_ range: Range<Int>, width: Int) -> FloatTensor {
    precondition(range.upperBound * width <= count, "rows \(range) of width \(width) in \(shape)")
    defer { withExtendedLifetime(storage) {} }
    return FloatTensor(uninitialized: [range.count, width]) { target in
      target.update(from: base + range.lowerBound * width, count: range.count * width)
    }
  }

  /// Rows in any order and number, the last dimension being a row's: [indices, width].
  package func rows(_ indices: [Int]) -> FloatTensor {
    let width = shape[shape.count - 1]
    precondition(indices.allSatisfy { $0 >= 0 && ($0 + 1) * width <= count }, "rows outside \(shape)")
    defer { withExtendedLifetime(storage) {} }
    return FloatTensor(uninitialized: [indices.count, width]) { target in
      for (row, index) in indices.enumerated() { (target + row * width).update(from: base + index * width, count: width) }
    }
  }

  /// A view over part of the memory, which it keeps alive; copied when written to.
  func view(at offset: Int, shape: [Int]) -> FloatTensor {
    precondition(offset >= 0 && offset + shape.reduce(1, *) <= count, "\(shape) at \(offset) of \(count) elements")
    return FloatTensor(borrowing: base + offset, shape: shape, owner: storage)
  }

  /// Lends the tensor under another shape of the same count, to change it in place.
  package mutating func withShape(_ shape: [Int], _ body: (inout FloatTensor) -> Void) {
    precondition(shape.reduce(1, *) == count, "can't reshape \(self.shape) to \(shape)")
    let original = self.shape
    self.shape = shape
    body(&self)
    self.shape = original
  }

  /// The elements in row-major order.
  public var values: [Float] {
    withUnsafeBufferPointer { Array($0) }
  }

  public func withUnsafeBufferPointer<R, E: Error>(_ body: (UnsafeBufferPointer<Float>) throws(E) -> R) throws(E) -> R {
    defer { withExtendedLifetime(storage) {} }
    return try body(UnsafeBufferPointer(start: storage.base, count: count))
  }

  public mutating func withUnsafeMutableBufferPointer<R, E: Error>(
    _ body: (UnsafeMutableBufferPointer<Float>) throws(E) -> R
  ) throws(E) -> R {
    makeUnique()
    defer { withExtendedLifetime(storage) {} }
    return try body(UnsafeMutableBufferPointer(start: storage.base, count: count))
  }

  /// One element by its index in each dimension.
  public subscript(_ index: Int...) -> Float {
    get { withUnsafeBufferPointer { $0[offset(of: index)] } }
    set {
      makeUnique()
      storage.base[offset(of: index)] = newValue
    }
  }

  private func offset(of index: [Int]) -> Int {
    precondition(index.count == shape.count, "index \(index) into shape \(shape)")
    return zip(index, shape).reduce(0) { offset, pair in
      precondition(pair.0 >= 0 && pair.0 < pair.1, "index \(index) outside shape \(shape)")
      return offset * pair.1 + pair.0
    }
  }

  private mutating func makeUnique() {
    if !isKnownUniquelyReferenced(&storage) || storage.isBorrowed {
      let fresh = Storage(count: storage.count)
      fresh.base.initialize(from: storage.base, count: storage.count)
      storage = fresh
    }
  }
}

// Kernels work on plain pointers. The compiler doesn't see that a pointer needs its tensor, so a kernel that takes `base`
// ends with `keepAlive`.
extension FloatTensor {
  /// The first element; valid until the last use of the tensor (see `keepAlive`).
  package var base: UnsafePointer<Float> { UnsafePointer(storage.base) }

  /// The first element for writing, after a copy if the memory is shared.
  package mutating func mutableBase() -> UnsafeMutablePointer<Float> {
    makeUnique()
    return storage.base
  }
}

/// Keeps `tensors` alive up to this call: `defer { keepAlive(x, weight) }` at the head of a kernel that uses their `base`.
///
/// `withExtendedLifetime` is what the optimiser respects; it may delete a call of an empty function, inlined or not.
package func keepAlive(_ tensors: FloatTensor?...) {
  withExtendedLifetime(tensors) {}
}
