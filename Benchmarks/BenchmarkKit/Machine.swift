import Foundation

/// What is known of the machine and the process.
package enum Machine {
  /// The processor's name, as far as the system tells it.
  package static var processor: String {
    let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    return value(of: "model name", in: text) ?? "unknown"
  }

  /// The largest resident memory in bytes, pages of mapped files included, since the process began or since `resetPeakMemory`.
  package static var peakMemory: Int {
    #if os(Linux)
      let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
      return (value(of: "VmHWM", in: text)?.split(separator: " ").first.flatMap { Int($0) } ?? 0) << 10
    #else
      var usage = rusage()
      getrusage(RUSAGE_SELF, &usage)
      return usage.ru_maxrss
    #endif
  }

  /// Starts `peakMemory` again from what is resident now, where the system can.
  package static func resetPeakMemory() {
    guard let file = FileHandle(forWritingAtPath: "/proc/self/clear_refs") else { return }
    try? file.write(contentsOf: Data("5".utf8))
    try? file.close()
  }

  /// The value of a line "NAME   : VALUE".
  private static func value(of name: String, in text: String) -> String? {
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
      if parts.count == 2, parts[0] == name { return parts[1] }
    }
    return nil
  }
}
