import Files
import Foundation

/// The log of a run's metrics, one JSON object a line: {"step":120,"loss":3.21,"rate":0.0003}.
///
/// A line is appended by one write, so that a run that is killed leaves at most its last line unfinished.
package final class MetricsLog {
  /// What the file holds, in its order; steps don't fall.
  package private(set) var records: [MetricsRecord] = []

  private let file: String
  private let descriptor: Int32

  /// Opens the file, or makes it, keeping only complete lines of steps up to `step`.
  ///
  /// What an interrupted run wrote after its last checkpoint is cut off, and a last line without its end too, so that the log of a
  /// resumed run has nothing twice. The shorter file takes the place of the longer one at once. A character device (/dev/null) is
  /// only written to.
  ///
  /// - Throws: `MetricsError.unreadable`, `.unwritable`, and `.badLine` for a complete line before the cut that is no record, or whose
  ///   step is below that of the line before; the file stays as it is.
  package init(_ url: URL, keepingThrough step: Int) throws(MetricsError) {
    file = url.path
    var status = stat()
    if stat(url.path, &status) == 0, status.st_mode & S_IFMT != S_IFCHR {
      do {
        records = try Self.cut(url, after: step)
      } catch {
        // An object without a file to close.
        descriptor = -1
        throw error
      }
    }
    descriptor = open(url.path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw .unwritable(file: url.path, reason: lastSystemError()) }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Appends a record, whose step must be at least that of the record before.
  ///
  /// - Throws: `MetricsError.unwritable`; nothing of the line is left in the file then.
  package func append(_ record: MetricsRecord) throws(MetricsError) {
    precondition(record.step >= records.last?.step ?? .min, "step \(record.step) after step \(records.last?.step ?? .min)")
    let line = Array((record.json + "\n").utf8)
    let start = lseek(descriptor, 0, SEEK_END)
    // A disk that fills up takes the beginning of a line, and says why it takes no more when asked to write the rest.
    var done = 0
    while done < line.count {
      let written = line[done...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if written < 0 {
        if errno == EINTR { continue }
        let reason = lastSystemError()
        if done > 0, start >= 0 { _ = ftruncate(descriptor, start) }
        throw .unwritable(file: file, reason: reason)
      }
      done += written
    }
    records.append(record)
  }

  /// Waits until what was appended is on the disk, as a checkpoint that counts on it should.
  ///
  /// - Throws: `MetricsError.unwritable`.
  package func synchronize() throws(MetricsError) {
    // Devices have nothing to wait for and say so by EINVAL.
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw .unwritable(file: file, reason: lastSystemError()) }
  }

  /// The records up to `step` of an existing file, which ends after them afterwards.
  private static func cut(_ url: URL, after step: Int) throws(MetricsError) -> [MetricsRecord] {
    let bytes = try contents(of: url)
    var records: [MetricsRecord] = []
    var start = 0
    var line = 1
    while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
      let last = records.last?.step ?? .min
      // What follows the last step that counts may be damaged by a loss of power.
      if last == step, MetricsRecord(json: bytes[start..<end]) == nil { break }
      let record = try record(in: bytes[start..<end], file: url.path, line: line, after: last)
      // Everything behind is later still and goes too, be it damaged by the interruption or not.
      if record.step > step { break }
      records.append(record)
      start = end + 1
      line += 1
    }
    if start < bytes.count { try replaceFile(at: url, with: bytes[..<start]) }
    return records
  }

  private static func record(
    in bytes: ArraySlice<UInt8>, file: String, line: Int, after last: Int
  ) throws(MetricsError) -> MetricsRecord {
    guard let record = MetricsRecord(json: bytes) else {
      throw .badLine(
        file: file, line: line, expected: "a JSON object of numbers with a whole \"step\" and every name once",
        found: String(decoding: bytes.prefix(80), as: UTF8.self).debugDescription + (bytes.count > 80 ? "…" : ""))
    }
    guard record.step >= last else {
      throw .badLine(file: file, line: line, expected: "a step of at least \(last)", found: "\(record.step)")
    }
    return record
  }

  private static func contents(of url: URL) throws(MetricsError) -> [UInt8] {
    do throws(FileError) {
      let file = try MappedFile(url)
      return withExtendedLifetime(file) { [UInt8](file.bytes) }
    } catch {
      throw .unreadable(file: url.path, reason: error.reason)
    }
  }
}
