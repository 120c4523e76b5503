import CKernels
import Tensor

/// Floats of one type as another, rounded to nearest, ties to even.
struct FloatConversion {
  let from: ElementType
  let to: ElementType
  /// The file to be written and the tensor, for messages.
  let file: String
  let tensor: String

  /// Passes the bytes of `source`'s elements, converted, to `body`.
  ///
  /// - Throws: what `body` does, and `CheckpointError.unrepresentable` for a finite value that would become infinite.
  func convert(
    _ source: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws(CheckpointError) -> Void
  ) throws(CheckpointError) {
    switch to {
    case .float64: try pass(floats(source).map(Double.init), body)
    case .float32:
      let floats = floats(source)
      if from == .float64 { try check(source) { floats[$0].isInfinite } }
      try pass(floats, body)
    default:
      let halves = halves(source)
      let infinity: UInt16 = to == .float16 ? 0x7c00 : 0x7f80
      try check(source) { halves[$0] & 0x7fff == infinity }
      try pass(halves, body)
    }
  }

  private func pass<T: BitwiseCopyable>(
    _ values: [T], _ body: (UnsafeRawBufferPointer) throws(CheckpointError) -> Void
  ) throws(CheckpointError) {
    try values.withUnsafeBufferPointer { buffer throws(CheckpointError) in try body(UnsafeRawBufferPointer(buffer)) }
  }

  private func floats(_ source: UnsafeRawBufferPointer) -> [Float] {
    let count = source.count / from.size
    return [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      if let base = buffer.baseAddress { widen(source, of: from, into: base) }
      initialized = count
    }
  }

  private func halves(_ source: UnsafeRawBufferPointer) -> [UInt16] {
    // Through the nearest 32-bit float a double would be rounded twice.
    let floats = from == .float64 ? elements(source, of: Double.self).map(Float.init(roundedToOdd:)) : floats(source)
    return [UInt16](unsafeUninitializedCapacity: floats.count) { buffer, initialized in
      if let base = buffer.baseAddress { (to == .float16 ? vqd_narrow_f16 : vqd_narrow_bf16)(floats, base, floats.count) }
      initialized = floats.count
    }
  }

  /// Refuses infinite results of finite values.
  private func check(_ source: UnsafeRawBufferPointer, isInfinite: (Int) -> Bool) throws(CheckpointError) {
    for index in 0..<source.count / from.size where isInfinite(index) {
      let element = UnsafeRawBufferPointer(rebasing: source[index * from.size..<(index + 1) * from.size])
      let value = from == .float64 ? element.loadUnaligned(as: Double.self) : Double(floats(element)[0])
      guard value.isInfinite else { throw .unrepresentable(file: file, tensor: tensor, value: value, type: to) }
    }
  }
}

extension Float {
  /// The neighbour of a double whose last bit is set, or the double itself if it is a float: rounding that again to fewer bits
  /// gives what rounding the double would.
  ///
  /// Source: Boldo and Melquiond 2008, "Emulation of FMA and Correctly Rounded Sums: Proved Algorithms Using Rounding to Odd".
  fileprivate init(roundedToOdd value: Double) {
    let nearest = Float(value)
    guard Double(nearest) != value, !value.isNaN else {
      self = nearest
      return
    }
    let towardZero = Double(nearest).magnitude > value.magnitude ? nearest.bitPattern - 1 : nearest.bitPattern
    self.init(bitPattern: towardZero | 1)
  }
}
