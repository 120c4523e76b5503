import Foundation

/// Ends the program on Ctrl-C (and SIGTERM) the way a shell expects: work stops at a point where nothing is half-written, then
/// the signal takes its default effect.
enum Interrupts {
  private final class Watch {
    let received = Received()
    let sources: [any DispatchSourceSignal]

    /// Returns once signals come in: until then they would be lost.
    init() {
      let received = received
      let registering = DispatchGroup()
      sources = [SIGINT, SIGTERM].compactMap { signal in
        guard Interrupts.isHeeded(signal) else { return nil }
        // The default effect would come before the source's handler.
        Foundation.signal(signal, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: signal, queue: .global())
        source.setEventHandler {
          // Whoever asks twice doesn't want to wait for a clean end.
          if received.set(signal) != nil { Interrupts.die(of: signal) }
        }
        registering.enter()
        source.setRegistrationHandler { registering.leave() }
        source.resume()
        return source
      }
      registering.wait()
    }
  }

  /// The first signal that came in.
  private final class Received: @unchecked Sendable {
    private let lock = NSLock()
    private var signal: Int32?
    private var action: (@Sendable () -> Void)?

    var value: Int32? { lock.withLock { signal } }

    /// - Returns: the one that came before.
    func set(_ new: Int32) -> Int32? {
      let (previous, action) = lock.withLock {
        defer { signal = signal ?? new }
        return (signal, self.action)
      }
      action?()
      return previous
    }

    /// Sets what a signal does, also one that has come already.
    func act(_ action: @escaping @Sendable () -> Void) {
      let isDue = lock.withLock {
        self.action = action
        return signal != nil
      }
      if isDue { action() }
    }
  }

  /// Runs `body` in a task that a signal cancels; if it then ends by `CancellationError`, the program dies of the signal.
  static func run(_ body: sending @escaping () async throws -> Void) async throws {
    let watch = Watch()
    let task = Task { try await body() }
    watch.received.act { task.cancel() }
    do {
      try await task.value
    } catch is CancellationError {
      if let signal = watch.received.value { die(of: signal) }
      throw CancellationError()
    }
    withExtendedLifetime(watch) {}
  }

  /// Whether the parent left the signal to us; one that it ignores (`nohup`, a background job) stays ignored.
  private static func isHeeded(_ signal: Int32) -> Bool {
    let previous = Foundation.signal(signal, SIG_DFL)
    let isIgnored = unsafeBitCast(previous, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    if isIgnored { Foundation.signal(signal, SIG_IGN) }
    return !isIgnored
  }

  private static func die(of signal: Int32) -> Never {
    Foundation.signal(signal, SIG_DFL)
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, signal)
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    kill(getpid(), signal)
    raise(signal)
    exit(128 + signal)
  }
}
