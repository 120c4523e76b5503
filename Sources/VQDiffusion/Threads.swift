import Tensor

/// The threads that all networks of the process share. They change speed, never results.
public enum Threads {
  /// The numbers of threads that can be asked for.
  public static let allowed = 1...ThreadPool.maximumThreads

  /// As many as there are active processors, unless set.
  public static var count: Int { ThreadPool.shared.threadCount }

  /// - Throws: `PipelineError.invalidOption` outside `allowed`.
  public static func use(_ count: Int) throws(PipelineError) {
    guard allowed.contains(count) else {
      throw .invalidOption(name: "threads", expected: "\(allowed.lowerBound)…\(allowed.upperBound)", found: "\(count)")
    }
    ThreadPool.shared.setThreadCount(count)
  }
}
