import Foundation
import TestSupport
import Testing
import VQDiffusionTraining

@Suite struct MetricsLogTests {
  private static let records = [
    MetricsRecord(step: 1, values: [("loss", 3.21), ("rate", 3e-4), ("images_per_s", 141)]),
    MetricsRecord(step: 2, values: [("rate", 0.1 + 0.2), ("loss", -0.0)]),
    MetricsRecord(step: 2, values: []),
    MetricsRecord(step: 5, values: [("a/b:{c},[d]", .leastNonzeroMagnitude), ("loss", .greatestFiniteMagnitude)]),
    MetricsRecord(step: 9, values: [("loss", .nan), ("rate", 1e16), ("z", 123_456_789_012_345_678), ("y", -1.0 / 3)]),
  ]

  private func expectBadLine(
    _ contents: String, line: Int, found: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("metrics.jsonl")
      try Data(contents.utf8).write(to: file)
      let error = #expect(throws: MetricsError.self, sourceLocation: sourceLocation) {
        try MetricsLog(file, keepingThrough: 1000)
      }
      guard case .badLine(file.path, line, _, let text) = error else {
        Issue.record("expected line \(line) to be bad, got \(String(describing: error))", sourceLocation: sourceLocation)
        return
      }
      #expect(text.contains(found), sourceLocation: sourceLocation)
      #expect(error?.localizedDescription.hasPrefix("\(file.path):\(line): expected ") == true, sourceLocation: sourceLocation)
      #expect(try Data(contentsOf: file) == Data(contents.utf8), sourceLocation: sourceLocation)
    }
  }

  @Test func numbersReadBackBitForBitAndInTheirOrder() throws {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("metrics.jsonl")
      let log = try MetricsLog(file, keepingThrough: 0)
      for record in Self.records { try log.append(record) }
      #expect(log.records == Self.records)
      #expect(try MetricsLog(file, keepingThrough: 9).records == Self.records)
    }
  }

  @Test func randomNumbersReadBack() throws {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("metrics.jsonl")
      var state: UInt64 = 7
      let values = (0..<2000).map { index in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let value = Double(bitPattern: state ^ state >> 29)
        return ("v\(index)", value.isFinite ? value : 0.5)
      }
      let record = MetricsRecord(step: 3, values: values)
      try MetricsLog(file, keepingThrough: 0).append(record)
      #expect(try MetricsLog(file, keepingThrough: 3).records == [record])
    }
  }

  @Test func linesAreJSONWithoutNeedlessDigits() throws {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("metrics.jsonl")
      let log = try MetricsLog(file, keepingThrough: 0)
      try log.append(
        MetricsRecord(
          step: 120,
          values: [("loss", 3.21), ("rate", 3e-5), ("n", 12), ("zero", -0.0), ("up", .infinity), ("no", .nan)]))
      try log.synchronize()
      let text = try String(contentsOf: file, encoding: .utf8)
      #expect(text == #"{"step":120,"loss":3.21,"rate":3e-05,"n":12,"zero":-0.0,"up":null,"no":null}"# + "\n")
      let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
      #expect(object["up"] is NSNull && object["n"] as? Int == 12 && object.count == 7)
    }
  }

  @Test func resumedLogHoldsEachStepOnce() throws {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("metrics.jsonl")
      let whole = try MetricsLog(file, keepingThrough: 0)
      for step in 1...10 { try whole.append(MetricsRecord(step: step, values: [("loss", Double(step) / 3)])) }
      let expected = try Data(contentsOf: file)
      // Killed in the middle of a line that comes after the checkpoint of step 7.
      let handle = try FileHandle(forWritingTo: file)
      try handle.seekToEnd()
      try handle.write(contentsOf: Data(#"{"step":11,"lo"#.utf8))
      try handle.close()
      let resumed = try MetricsLog(file, keepingThrough: 7)
      #expect(resumed.records.map(\.step) == Array(1...7))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["metrics.jsonl"])
      for step in 8...10 { try resumed.append(MetricsRecord(step: step, values: [("loss", Double(step) / 3)])) }
      #expect(try Data(contentsOf: file) == expected)
    }
  }

  @Test func halfLineIsDroppedEvenIfItsStepIsKept() throws {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("metrics.jsonl")
      try Data("{\"step\":1,\"loss\":2}\n{\"step\":2,\"loss\":2".utf8).write(to: file)
      let log = try MetricsLog(file, keepingThrough: 2)
      #expect(log.records.map(\.step) == [1])
      try log.append(MetricsRecord(step: 2, values: [("loss", 2.5)]))
      #expect(try String(contentsOf: file, encoding: .utf8) == "{\"step\":1,\"loss\":2}\n{\"step\":2,\"loss\":2.5}\n")
    }
  }

  @Test func damageBehindTheCutGoesWithIt() throws {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("metrics.jsonl")
      try Data("{\"step\":1}\n{\"step\":3}\n\0\0\n".utf8).write(to: file)
      #expect(try MetricsLog(file, keepingThrough: 2).records.map(\.step) == [1])
      #expect(try Data(contentsOf: file) == Data("{\"step\":1}\n".utf8))
    }
  }

  @Test(arguments: [
    (#"{"step":2,"loss":}"#, "loss"), (#"{"loss":1}"#, "loss"), (#"{"step":1.5}"#, "1.5"), (#"{"step":2,"loss":"low"}"#, "low"),
    (#"{"step":2,"loss":true}"#, "true"), ("[1,2]", "[1,2]"), ("", "\"\""), (#"{"step":2,"a":1,"a":2}"#, "a"),
    (#"{"step":2,"\u0061":1}"#, "u0061"),
    (#"{"step":2,"step":2}"#, "step"), ("\0\0", "\\0"), (#"{"step":0}"#, "0"), (#"{"step":2} {"step":3}"#, "step"),
    (String(repeating: "x", count: 100_000), "…"),
  ])
  func badLinesAreNamed(line: String, found: String) throws {
    try expectBadLine("{\"step\":1}\n\(line)\n{\"step\":3}\n", line: 2, found: found)
  }

  @Test func missingFolderAndFolderInPlaceOfTheFileAreErrors() throws {
    try withTemporaryFolder { folder in
      let missing = folder.appendingPathComponent("no/metrics.jsonl")
      #expect(throws: MetricsError.unwritable(file: missing.path, reason: String(cString: strerror(ENOENT)))) {
        try MetricsLog(missing, keepingThrough: 0)
      }
      #expect(throws: MetricsError.unreadable(file: folder.path, reason: "not a regular file")) {
        try MetricsLog(folder, keepingThrough: 0)
      }
    }
  }

  #if os(Linux)
    @Test func fullDiskIsAnErrorThatNamesTheFile() throws {
      let log = try MetricsLog(URL(fileURLWithPath: "/dev/full"), keepingThrough: 0)
      #expect(throws: MetricsError.unwritable(file: "/dev/full", reason: String(cString: strerror(ENOSPC)))) {
        try log.append(MetricsRecord(step: 1, values: [("loss", 1)]))
      }
      #expect(log.records.isEmpty)
      try log.synchronize()
    }
  #endif
}
