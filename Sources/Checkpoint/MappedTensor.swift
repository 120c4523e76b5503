import CKernels
import Files
import Tensor

/// A tensor as it lies in a mapped file: where it begins, its type, its shape, and the strides of its dimensions.
///
/// Whoever makes one has checked that it lies within the file.
package struct MappedTensor: Sendable {
  package let elementType: ElementType
  package let shape: [Int]
  let mapping: MappedFile
  /// The first element, in bytes from the start of the file.
  let offset: Int
  /// How the elements lie; nil where they follow one another in row-major order.
  private let layout: Layout?

  /// Dimensions in memory, which `shape` may regroup, and their strides in elements.
  private struct Layout {
    let dimensions: [Int]
    let strides: [Int]
  }

  /// Elements side by side in row-major order.
  init(_ mapping: MappedFile, offset: Int, elementType: ElementType, shape: [Int]) {
    (self.mapping, self.offset, self.elementType, self.shape, layout) = (mapping, offset, elementType, shape, nil)
  }

  /// Element i lies `offset` + Σ i_d `strides`_d · size bytes into the file.
  init(_ mapping: MappedFile, offset: Int, elementType: ElementType, shape: [Int], strides: [Int]) {
    (self.mapping, self.offset, self.elementType, self.shape) = (mapping, offset, elementType, shape)
    var step = 1
    var isContiguous = true
    // A dimension of one element has no step to take, and a tensor of none nothing to read.
    for (dimension, stride) in zip(shape, strides).reversed() where dimension != 1 && !shape.contains(0) {
      if stride != step { isContiguous = false }
      step *= dimension
    }
    // Such a dimension's stride may be any number, which reading must not multiply by.
    layout = isContiguous ? nil : Layout(dimensions: shape, strides: zip(shape, strides).map { $0 == 1 ? 0 : $1 })
  }

  private init(_ other: MappedTensor, shape: [Int]) {
    (mapping, offset, elementType, layout) = (other.mapping, other.offset, other.elementType, other.layout)
    self.shape = shape
  }

  /// The number of elements.
  package var count: Int { shape.reduce(1, *) }

  /// Bytes of all elements side by side.
  package var byteCount: Int { count * elementType.size }

  /// Whether the elements follow one another in row-major order.
  package var isContiguous: Bool { layout == nil }

  /// The same elements under another shape of the same count.
  func reshaped(_ shape: [Int]) -> MappedTensor {
    precondition(shape.reduce(1, *) == count, "can't reshape \(self.shape) to \(shape)")
    return MappedTensor(self, shape: shape)
  }

  /// Lends the elements side by side in row-major order: in place, or gathered where they lie apart.
  package func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
    defer { withExtendedLifetime(mapping) {} }
    if isContiguous { return try body(UnsafeRawBufferPointer(rebasing: mapping.bytes[offset..<offset + byteCount])) }
    let gathered = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 16)
    defer { gathered.deallocate() }
    copyElements(0..<count, to: gathered)
    return try body(UnsafeRawBufferPointer(gathered))
  }

  /// Lends the elements side by side in row-major order, `length` at a time and the rest at the end: in place, or gathered where they
  /// lie apart. What has been read is released.
  func withPieces<E: Error>(of length: Int, _ body: (UnsafeRawBufferPointer) throws(E) -> Void) throws(E) {
    defer { release() }
    let size = elementType.size
    let gathered = UnsafeMutableRawBufferPointer.allocate(
      byteCount: isContiguous ? 0 : min(length, count) * size, alignment: 16)
    defer { gathered.deallocate() }
    for start in stride(from: 0, to: count, by: length) {
      let range = start..<min(start + length, count)
      guard isContiguous else {
        copyElements(range, to: gathered)
        try body(UnsafeRawBufferPointer(rebasing: gathered[..<(range.count * size)]))
        continue
      }
      let bytes = range.lowerBound * size..<range.upperBound * size
      try body(UnsafeRawBufferPointer(rebasing: mapping.bytes[offset + bytes.lowerBound..<offset + bytes.upperBound]))
      // Pages that were read pile up in memory otherwise, until the whole file is in it.
      release(bytes)
    }
  }

  /// Tells the system that some bytes, counted from the first element, or all from the first to the last element, won't be read
  /// again soon.
  func release(_ range: Range<Int>? = nil) {
    let last = layout.map { zip($0.dimensions, $0.strides).reduce(0) { $0 + ($1.0 - 1) * $1.1 } }
    let range = range ?? 0..<(last.map { ($0 + 1) * elementType.size } ?? byteCount)
    mapping.release(offset + range.lowerBound..<offset + range.upperBound)
  }

  /// Copies elements of a range, counted in row-major order, side by side.
  private func copyElements(_ range: Range<Int>, to target: UnsafeMutableRawBufferPointer) {
    let size = elementType.size
    guard let layout, let to = target.baseAddress, let from = mapping.bytes.baseAddress else {
      let bytes = offset + range.lowerBound * size..<offset + range.upperBound * size
      target.copyMemory(from: UnsafeRawBufferPointer(rebasing: mapping.bytes[bytes]))
      return
    }
    switch size {
    case 1: gather(range, layout, of: UInt8.self, from: from + offset, to: to)
    case 2: gather(range, layout, of: UInt16.self, from: from + offset, to: to)
    case 4: gather(range, layout, of: UInt32.self, from: from + offset, to: to)
    default: gather(range, layout, of: UInt64.self, from: from + offset, to: to)
    }
    withExtendedLifetime(mapping) {}
  }

  /// Elements of a strided layout in row-major order, counting through the outer dimensions like an odometer.
  private func gather<T: BitwiseCopyable>(
    _ range: Range<Int>, _ layout: Layout, of type: T.Type, from: UnsafeRawPointer, to: UnsafeMutableRawPointer
  ) {
    let size = MemoryLayout<T>.size
    let (outer, inner) = (layout.dimensions.dropLast(), layout.dimensions.last ?? 1)
    let step = (layout.strides.last ?? 0) * size
    var index = [Int](repeating: 0, count: outer.count)
    var (row, target, left) = (0, to, range.count)
    var (rowsBefore, first) = range.lowerBound.quotientAndRemainder(dividingBy: inner)
    for dimension in outer.indices.reversed() {
      (rowsBefore, index[dimension]) = rowsBefore.quotientAndRemainder(dividingBy: outer[dimension])
      row += index[dimension] * layout.strides[dimension]
    }
    while left > 0 {
      let source = from + row * size
      let columns = first..<min(inner, first + left)
      for column in columns {
        target.storeBytes(of: source.loadUnaligned(fromByteOffset: column * step, as: type), as: type)
        target += size
      }
      (left, first) = (left - columns.count, 0)
      for dimension in outer.indices.reversed() {
        index[dimension] += 1
        row += layout.strides[dimension]
        if index[dimension] < outer[dimension] { break }
        row -= layout.strides[dimension] * outer[dimension]
        index[dimension] = 0
      }
    }
  }
}

// Elements as the types to compute with.
extension MappedTensor {
  /// 32-bit floats: F32 in place where contiguous and aligned and copied where not, F16 and BF16 widened, F64 rounded.
  ///
  /// Files of safetensors and of `torch.save` are aligned. PyTorch's older format mostly isn't, nor are archives that another program has
  /// packed anew: their F32 is copied.
  ///
  /// - Parameter name: for messages.
  /// - Throws: `CheckpointError.wrongElementType` for anything but these four.
  func floats(named name: String) throws(CheckpointError) -> FloatTensor {
    guard ElementType.readAsFloats.contains(elementType) else { throw wrongType(name, ElementType.readAsFloats) }
    if elementType == .float32, isContiguous, let start: UnsafePointer<Float> = aligned() {
      return FloatTensor(borrowing: start, shape: shape, owner: mapping)
    }
    return FloatTensor(uninitialized: shape) { target in
      if elementType == .float32 {
        copyElements(0..<count, to: UnsafeMutableRawBufferPointer(start: target, count: byteCount))
      } else {
        withBytes { widen($0, of: elementType, into: target) }
      }
    }
  }

  /// 16-bit floats in place; nil where the elements are others, lie apart or at odd addresses.
  var halves: HalfTensor? {
    let format: HalfTensor.Format
    switch elementType {
    case .float16: format = .float16
    case .bfloat16: format = .bfloat16
    default: return nil
    }
    guard isContiguous, let start: UnsafePointer<UInt16> = aligned() else { return nil }
    return HalfTensor(borrowing: start, shape: shape, format: format, owner: mapping)
  }

  /// - Throws: `CheckpointError.wrongElementType` for floats and U64.
  func integers(named name: String) throws(CheckpointError) -> [Int] {
    guard ElementType.readAsIntegers.contains(elementType) else { throw wrongType(name, ElementType.readAsIntegers) }
    return withBytes { source in
      switch elementType {
      case .int64: elements(source, of: Int64.self).map(Int.init)
      case .int32: elements(source, of: Int32.self).map(Int.init)
      case .int16: elements(source, of: Int16.self).map(Int.init)
      case .int8: elements(source, of: Int8.self).map(Int.init)
      case .uint32: elements(source, of: UInt32.self).map(Int.init)
      case .uint16: elements(source, of: UInt16.self).map(Int.init)
      default: source.map(Int.init)
      }
    }
  }

  /// - Throws: `CheckpointError.wrongElementType` for anything but F64, F32, F16, BF16.
  func doubles(named name: String) throws(CheckpointError) -> [Double] {
    guard elementType == .float64 else { return try floats(named: name).values.map(Double.init) }
    return withBytes { elements($0, of: Double.self) }
  }

  private func aligned<T>() -> UnsafePointer<T>? {
    guard let start = mapping.bytes.baseAddress.map({ $0 + offset }),
      UInt(bitPattern: start) % UInt(MemoryLayout<T>.alignment) == 0
    else { return nil }
    return start.assumingMemoryBound(to: T.self)
  }

  private func wrongType(_ name: String, _ expected: [ElementType]) -> CheckpointError {
    .wrongElementType(file: mapping.path, tensor: name, expected: expected, found: elementType)
  }
}

/// Elements side by side, aligned or not.
func elements<T: BitwiseCopyable>(_ source: UnsafeRawBufferPointer, of type: T.Type) -> [T] {
  (0..<source.count / MemoryLayout<T>.stride).map {
    source.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.stride, as: type)
  }
}

/// Floats side by side, aligned or not, as 32-bit ones: F32 as they are, F16 and BF16 widened, F64 rounded.
func widen(_ source: UnsafeRawBufferPointer, of type: ElementType, into target: UnsafeMutablePointer<Float>) {
  guard let start = source.baseAddress else { return }
  let count = source.count / type.size
  switch type {
  case .float32: UnsafeMutableRawPointer(target).copyMemory(from: start, byteCount: source.count)
  case .float64:
    for index in 0..<count { target[index] = Float(start.loadUnaligned(fromByteOffset: index * 8, as: Double.self)) }
  case .float16, .bfloat16:
    let widen = type == .float16 ? vqd_widen_f16 : vqd_widen_bf16
    if UInt(bitPattern: start) % UInt(MemoryLayout<UInt16>.alignment) == 0 {
      widen(start.assumingMemoryBound(to: UInt16.self), target, count)
    } else {
      elements(source, of: UInt16.self).withUnsafeBufferPointer { halves in
        if let first = halves.baseAddress { widen(first, target, count) }
      }
    }
  default: preconditionFailure("\(type.rawValue) isn't read as floats")
  }
}
