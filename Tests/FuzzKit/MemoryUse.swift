import Foundation

/// The resident memory of this process.
struct MemoryUse {
  #if os(Linux)
    private let status = open("/proc/self/status", O_RDONLY | O_CLOEXEC)
    private let reset = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC)

    func close() {
      _ = Foundation.close(status)
      _ = Foundation.close(reset)
    }

    /// Bytes at most since `restart()`, from the line "VmHWM: 1234 kB" of proc(5).
    func peak() -> Int {
      var text = [UInt8](repeating: 0, count: 4096)
      let count = pread(status, &text, text.count, 0)
      let key = Array("VmHWM:".utf8)
      var position = 0
      while position + key.count < count {
        if text[position] == key[0], text[position..<position + key.count].elementsEqual(key) {
          let digits = text[(position + key.count)...].drop { $0 == 0x20 || $0 == 0x09 }.prefix { $0 >= 0x30 && $0 <= 0x39 }
          return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) } << 10
        }
        position = (text[position...].firstIndex(of: 0x0a) ?? text.count) + 1
      }
      return 0
    }

    /// Counts the peak from what is resident now.
    func restart() { _ = write(reset, "5", 1) }
  #else
    func close() {}

    /// Bytes at most since the process began: the system has no way to start again.
    func peak() -> Int {
      var usage = rusage()
      getrusage(RUSAGE_SELF, &usage)
      return Int(usage.ru_maxrss)
    }

    func restart() {}
  #endif
}
