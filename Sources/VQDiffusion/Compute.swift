import Tensor

/// The threads and the library that do the arithmetic, for the whole process.
public enum Compute {
  /// Threads that share the work; all cores unless set. Changes speed, never results.
  public static var threads: Int {
    get { ThreadPool.shared.threadCount }
    set { ThreadPool.shared.setThreadCount(newValue) }
  }

  /// What `threads` may be set to.
  public static var allowedThreads: ClosedRange<Int> { 1...ThreadPool.maximumThreads }

  /// The BLAS library and the kernels it has chosen for this CPU.
  public static var backend: String { BLAS.description }
}
