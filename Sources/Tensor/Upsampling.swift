extension FloatTensor {
  /// Nearest-neighbour enlargement by two: [B, H, W, C] becomes [B, 2H, 2W, C].
  public func upsampledNearest() -> FloatTensor {
    precondition(shape.count == 4, "\(shape) isn't [B, H, W, C]")
    let (height, width, channels) = (shape[1], shape[2], shape[3])
    let outputRow = 2 * width * channels
    defer { keepAlive(self) }
    return FloatTensor(uninitialized: [shape[0], 2 * height, 2 * width, channels]) { y in
      ThreadPool.shared.parallelFor(shape[0] * height) { [y = SharedPointer(y)] row in
        let source = base + row * width * channels
        let target = y + 2 * row * outputRow
        for pixel in 0..<width {
          let from = source + pixel * channels
          (target + 2 * pixel * channels).update(from: from, count: channels)
          (target + (2 * pixel + 1) * channels).update(from: from, count: channels)
        }
        (target + outputRow).update(from: target, count: outputRow)
      }
    }
  }
}
