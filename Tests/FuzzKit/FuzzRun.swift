import Foundation

/// Mutants of one format, made, read and watched one after another.
package struct FuzzRun: Sendable {
  /// What a file may cost.
  package struct Limits: Sendable {
    /// Seconds of processor time.
    package let seconds: Double
    /// Seconds by the clock after which the process is ended.
    package let patience: Double
    /// Bytes beyond what was resident at the start, and how many more per byte of the file; nil where other work of the process
    /// would be counted.
    package let memory: (base: Int, perByte: Int)?

    /// 1 s, 64 MiB and ten times the file: for a process that does nothing else.
    package static let alone = Limits(seconds: 1, patience: 60, memory: (64 << 20, 10))
    /// For a process that does other things at the same time.
    package static let shared = Limits(seconds: .infinity, patience: 120, memory: nil)
  }

  package let target: any FuzzTarget
  package let seed: UInt64
  package let limits: Limits

  package init(_ target: any FuzzTarget, seed: UInt64, limits: Limits) {
    (self.target, self.seed, self.limits) = (target, seed, limits)
  }

  /// Reads the mutants of `indices`. The current one always lies in `folder` as "input", its index as "index": there they are found
  /// after a crash.
  ///
  /// - Parameter progress: called every 10,000 mutants.
  /// - Throws: `FuzzFailure` at the first mutant beyond the limits.
  package func run(
    _ indices: Range<Int>, in folder: URL, progress: (FuzzReport) -> Void = { _ in }
  ) throws -> FuzzReport {
    let input = try InputFile(folder.appendingPathComponent("input"))
    let current = try InputFile(folder.appendingPathComponent("index"))
    let watchdog = Watchdog(processorSeconds: limits.seconds * 4, seconds: limits.patience, file: input.url.path)
    let memory = MemoryUse()
    defer {
      watchdog.finish()
      memory.close()
    }
    var report = FuzzReport(name: target.name)
    try warmUp(indices, input, watchdog)
    memory.restart()
    let resident = memory.peak()
    for index in indices {
      var random = FuzzRandom(seed: seed, index: index)
      let bytes = target.mutant(&random)
      try current.replace(Array("\(index)\n".utf8))
      try input.replace(bytes)
      memory.restart()
      let before = threadTime()
      watchdog.begin(index)
      let outcome = target.read(bytes, at: input.url)
      watchdog.end()
      let cost = FuzzReport.Cost(
        index: index, fileSize: bytes.count, seconds: threadTime() - before, memory: max(0, memory.peak() - resident))
      report.add(outcome, cost)
      try check(cost, input.url)
      if report.count % 10_000 == 0 { progress(report) }
    }
    return report
  }

  /// Tables that are made once would count as the first mutants' memory.
  private func warmUp(_ indices: Range<Int>, _ input: InputFile, _ watchdog: Watchdog) throws {
    for index in indices.prefix(100) {
      var random = FuzzRandom(seed: seed, index: index)
      let bytes = target.mutant(&random)
      try input.replace(bytes)
      watchdog.begin(index)
      _ = target.read(bytes, at: input.url)
      watchdog.end()
    }
  }

  private func check(_ cost: FuzzReport.Cost, _ url: URL) throws(FuzzFailure) {
    if cost.seconds > limits.seconds { throw .slow(cost, limit: limits.seconds, file: url.path) }
    guard let memory = limits.memory else { return }
    let limit = memory.base + memory.perByte * cost.fileSize
    if cost.memory > limit { throw .greedy(cost, limit: limit, file: url.path) }
  }
}

/// A mutant beyond the limits.
package enum FuzzFailure: Error, CustomStringConvertible {
  case slow(FuzzReport.Cost, limit: Double, file: String)
  case greedy(FuzzReport.Cost, limit: Int, file: String)
  case unwritable(file: String)

  package var description: String {
    switch self {
    case .slow(let cost, let limit, let file):
      "mutant \(cost.index) of \(cost.fileSize) bytes took \(cost.seconds) s, expected at most \(limit) s; it lies in \(file)"
    case .greedy(let cost, let limit, let file):
      "mutant \(cost.index) of \(cost.fileSize) bytes took \(cost.memory) bytes of memory, expected at most \(limit); it lies in \(file)"
    case .unwritable(let file): "can't write \(file)"
    }
  }
}

/// A file whose contents change.
private final class InputFile {
  let url: URL
  private let descriptor: Int32

  init(_ url: URL) throws(FuzzFailure) {
    self.url = url
    descriptor = open(url.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .unwritable(file: url.path) }
  }

  func replace(_ bytes: [UInt8]) throws(FuzzFailure) {
    guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, bytes, bytes.count, 0) == bytes.count else {
      throw .unwritable(file: url.path)
    }
  }

  deinit { close(descriptor) }
}
