import Foundation
import Tensor
import VQDiffusion

/// What the machine has been seen to do, by kernels that little can beat.
package struct MachinePeak: Sendable {
  /// The best repetition of large products, 1024³, 2048³ and 4096×512·512×1536, by the packed kernel and by OpenBLAS.
  package let flopsPerSecond: Double
  /// Copying 256 MiB: bytes read and written.
  package let bytesPerSecond: Double

  /// Measures both with the current number of threads.
  package init(repetitions: Int) {
    let products = ComputeOptions.Products.allCases.flatMap { way in
      [(1024, 1024, 1024), (2048, 2048, 2048), (4096, 512, 1536)].map { rows, inner, columns in
        Kernel.product(rows, inner, columns, products: way)
      }
    }
    flopsPerSecond = products.map { Self.best($0, repetitions) }.max() ?? 0
    bytesPerSecond = Self.best(.copy(count: 64 << 20), repetitions)
  }

  package init(flopsPerSecond: Double, bytesPerSecond: Double) {
    (self.flopsPerSecond, self.bytesPerSecond) = (flopsPerSecond, bytesPerSecond)
  }

  private static func best(_ kernel: Kernel, _ repetitions: Int) -> Double {
    kernel.amount.perCall / ((kernel.nanoseconds(repetitions: repetitions).min() ?? .infinity) * 1e-9)
  }
}

extension Kernel.Amount {
  /// FLOP (two a multiply-add) or bytes of one call.
  fileprivate var perCall: Double {
    switch self {
    case .multiplyAdds(let count): 2 * Double(count)
    case .bytes(let count): Double(count)
    }
  }
}

extension Kernel {
  /// Nanoseconds a call, one figure a repetition. A repetition makes as many calls as take a hundredth of a second.
  fileprivate func nanoseconds(repetitions: Int) -> [Double] {
    let work = prepare()
    work()
    let calls = Int(min(max(1e7 / timed(work).nanoseconds, 1), 1000))
    return (0..<repetitions).map { _ in
      timed { for _ in 0..<calls { work() } }.nanoseconds / Double(calls)
    }
  }
}

/// One kernel's row of the report.
package struct KernelRow: TableRow, Sendable {
  package var kernel: String
  package var shape: String
  package var way: String
  package var threads: Int
  package var blas: String
  package var cpuInfo: String
  /// Nanoseconds a call of each repetition.
  package var samplesNs: [Double]
  package var avgNs: Double
  package var stddevNs: Double
  /// Effective: of the plain algorithm. Nil for kernels that memory bounds.
  package var avgGflops: Double?
  /// Of input and output, each counted once. Nil for kernels that arithmetic bounds.
  package var avgGbS: Double?
  /// Of the machine's measured peak of the same kind.
  package var peakFraction: Double
  package var peakGflops: Double
  package var peakGbS: Double

  package init(_ kernel: Kernel, peak: MachinePeak, repetitions: Int) {
    self.init(kernel, peak: peak, nanoseconds: kernel.nanoseconds(repetitions: repetitions))
  }

  /// The row of given measurements.
  package init(_ kernel: Kernel, peak: MachinePeak, nanoseconds: [Double]) {
    self.kernel = kernel.name
    (shape, way, threads, blas, cpuInfo) = (kernel.shape, kernel.way, Threads.count, Backend.name, Machine.processor)
    samplesNs = nanoseconds
    let time = Statistics(nanoseconds)
    (avgNs, stddevNs) = (time.mean, time.deviation)
    let rate = Statistics(nanoseconds.map { kernel.amount.perCall / $0 }).mean
    (peakGflops, peakGbS) = (peak.flopsPerSecond * 1e-9, peak.bytesPerSecond * 1e-9)
    switch kernel.amount {
    case .multiplyAdds: (avgGflops, peakFraction) = (rate, rate / peakGflops)
    case .bytes: (avgGbS, peakFraction) = (rate, rate / peakGbS)
    }
  }

  package static let header: [(name: String, isNumber: Bool)] = [
    ("kernel", false), ("shape", false), ("way", false), ("threads", true), ("ms", true), ("effective GFLOP/s", true),
    ("GB/s", true), ("of the measured peak", true),
  ]

  package var cells: [String] {
    [
      kernel, shape, way, "\(threads)", rounded(avgNs * 1e-6, spread: stddevNs * 1e-6), avgGflops.map { rounded($0) } ?? "",
      avgGbS.map { rounded($0) } ?? "", String(format: "%.1f", peakFraction * 100) + " %",
    ]
  }
}
