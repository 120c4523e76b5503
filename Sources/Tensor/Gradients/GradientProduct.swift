import CBLAS
import CKernels

/// The product behind a weight's gradient, C = Aᵀ·B, on this project's threads: A [K, M] is the gradient of a layer's output, B [K, N]
/// its input, C [M, N], all contiguous. K, the number of rows, is far larger than M and N.
///
/// K is cut by shapes alone into parts with a sum each, which are added up in order; M is cut as keeps the threads busy, which shows in no
/// bit with the packed kernel.
struct GradientProduct {
  /// K
  let inner: Int
  /// M
  let rows: Int
  /// N
  let columns: Int
  /// What multiplies.
  let products: ComputeOptions.Products

  /// What B consists of.
  typealias Rows = PanelGEMM.Rows

  /// More parts than this only cost memory.
  private static let mostParts = 16
  /// A part of K that repays adding up one more C.
  private static let shortestPart = 1024
  /// Rows of B that are packed at once, which the packed kernel adds up in one go.
  private static let block = 384
  /// Rows of Aᵀ that stay in the second-level cache.
  private static let panel = 96

  private var parts: Int { max(min(inner / Self.shortestPart, Self.mostParts), 1) }

  func multiply(_ a: FloatTensor, _ b: Rows, into c: UnsafeMutablePointer<Float>) {
    guard rows > 0, columns > 0 else { return }
    guard inner > 0 else { return c.update(repeating: 0, count: rows * columns) }
    let parts = parts
    let panels = products == .packed ? panels(threads: ThreadPool.shared.threadCount) : 1
    // The first part goes to C itself.
    let others = Storage(count: (parts - 1) * rows * columns)
    defer { withExtendedLifetime(others) {} }
    ThreadPool.shared.parallelFor(parts * panels) { [c = SharedPointer(c)] task in
      let (part, panel) = task.quotientAndRemainder(dividingBy: panels)
      let target = part == 0 ? c.pointer : others.base + (part - 1) * rows * columns
      let range = part * inner / parts..<(part + 1) * inner / parts
      multiplyPart(a.base, b, inner: range, rows: panel * rows / panels..<(panel + 1) * rows / panels, into: target)
    }
    guard parts > 1 else { return }
    parallelForChunks(of: rows * columns, grain: 1 << 14) { [c = SharedPointer(c)] range in
      for part in 0..<parts - 1 {
        vqd_add(others.base + part * rows * columns + range.lowerBound, c + range.lowerBound, range.count)
      }
    }
  }

  /// Each panel packs B anew, so there are no more than keep threads busy.
  private func panels(threads: Int) -> Int {
    threads == 1 ? 1 : max(min((2 * threads + parts - 1) / parts, rows / PackedWeights.tileColumns), 1)
  }

  /// Adds up one part of K for some rows of C.
  private func multiplyPart(
    _ a: UnsafePointer<Float>, _ b: Rows, inner range: Range<Int>, rows: Range<Int>,
    into c: UnsafeMutablePointer<Float>
  ) {
    let longest = min(Self.block, range.count)
    let packed = Storage(count: PackedWeights.tileCount(columns) * PackedWeights.tileColumns * longest)
    let transposed = Storage(count: min(Self.panel, rows.count) * longest)
    let gathered = Storage(count: longest * columns)
    defer { withExtendedLifetime((packed, transposed, gathered)) {} }
    for first in stride(from: range.lowerBound, to: range.upperBound, by: longest) {
      let count = min(longest, range.upperBound - first)
      let from: UnsafePointer<Float>
      switch b {
      case .memory(let tensor): from = tensor.base + first * columns
      case .gathered(let fill):
        fill(first..<first + count, gathered.base)
        from = UnsafePointer(gathered.base)
      }
      let isFirst = first == range.lowerBound
      switch products {
      case .openBLAS:
        cblas_sgemm(
          CblasRowMajor, CblasTrans, CblasNoTrans, blasint(rows.count), blasint(columns), blasint(count), 1,
          a + first * self.rows + rows.lowerBound, blasint(self.rows), from, blasint(columns), isFirst ? 0 : 1,
          c + rows.lowerBound * columns, blasint(columns))
      case .packed:
        vqd_pack_transposed(from, columns, packed.base, columns, count)
        for row in stride(from: rows.lowerBound, to: rows.upperBound, by: Self.panel) {
          let length = min(Self.panel, rows.upperBound - row)
          vqd_transpose(a + first * self.rows + row, self.rows, transposed.base, count, count, length)
          vqd_packed_gemm(
            transposed.base, count, packed.base, nil, c + row * columns, columns, length, count, columns, isFirst ? 0 : 1)
        }
      }
    }
  }
}

extension FloatTensor {
  /// The transpose of a matrix.
  func transposed() -> FloatTensor {
    let (rows, columns) = (shape[0], shape[1])
    defer { keepAlive(self) }
    return FloatTensor(uninitialized: [columns, rows]) { target in
      parallelForChunks(of: rows, grain: 64) { [target = SharedPointer(target)] range in
        vqd_transpose(base + range.lowerBound * columns, columns, target + range.lowerBound, rows, range.count, columns)
      }
    }
  }

  /// Σ over the rows of the tensor seen as [rows, width]: [width].
  func columnSums(width: Int) -> FloatTensor {
    let rows = count / width
    let chunks = (rows + Self.sumGrain - 1) / Self.sumGrain
    var partial = [Double](repeating: 0, count: chunks * 2 * width)
    defer { keepAlive(self) }
    partial.withUnsafeMutableBufferPointer { partial in
      guard let sums = SharedPointer(partial) else { return }
      parallelForChunks(of: rows, grain: Self.sumGrain) { range in
        let sum = sums + range.lowerBound / Self.sumGrain * 2 * width
        vqd_column_sums(base + range.lowerBound * width, range.count, width, sum, sum + width)
      }
    }
    return Gradient.chunkSums(partial, images: 1, chunks: chunks, width: 2 * width).rows(0..<1, width: width).reshaped([width])
  }
}
