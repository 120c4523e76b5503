import Tensor

/// Positions cut into chunks for the thread pool, by their number alone.
enum PositionChunks {
  /// Positions to a chunk: some hundred microseconds of work for a thousand codes.
  private static let size = 16

  /// Calls `body` for each position, several at a time, with two rows of K numbers to use.
  static func forEach(
    count: Int, codes: Int, _ body: @Sendable (Int, UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>) -> Void
  ) {
    ThreadPool.shared.parallelFor((count + size - 1) / size) { chunk in
      withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * codes) { scratch in
        guard let base = scratch.baseAddress else { return }
        for index in chunk * size..<min((chunk + 1) * size, count) { body(index, base, base + codes) }
      }
    }
  }
}
