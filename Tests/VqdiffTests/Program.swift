import Foundation
import Testing

/// A run of the built program.
struct ProgramRun {
  let status: Int32
  let diedOfSignal: Bool
  let output: String
  let errors: String

  var outputLines: [String] { output.split(separator: "\n").map(String.init) }
  var errorLines: [String] { errors.split(separator: "\n").map(String.init) }
}

/// A running program, its output going to files of `folder`, which is its working folder too.
struct Program {
  let process = Process()
  private let streams: [URL]

  init(_ arguments: [String], in folder: URL) throws {
    try self.init(Self.executable(), arguments, in: folder)
  }

  /// Runs a script that finds the program as `$0`.
  init(shell script: String, in folder: URL) throws {
    try self.init(URL(fileURLWithPath: "/bin/bash"), ["-c", script, Self.executable().path], in: folder)
  }

  private init(_ executable: URL, _ arguments: [String], in folder: URL) throws {
    // A parent that ignores SIGINT would hand that down.
    signal(SIGINT, SIG_DFL)
    streams = ["output", "errors"].map {
      FileManager.default.temporaryDirectory.appendingPathComponent("\($0)-\(UUID().uuidString)")
    }
    for stream in streams { try Data().write(to: stream) }
    process.executableURL = executable
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: streams[0])
    process.standardError = try FileHandle(forWritingTo: streams[1])
    try process.run()
  }

  func wait() throws -> ProgramRun {
    process.waitUntilExit()
    defer { for stream in streams { try? FileManager.default.removeItem(at: stream) } }
    let texts = try streams.map { String(decoding: try Data(contentsOf: $0), as: UTF8.self) }
    return ProgramRun(
      status: process.terminationStatus, diedOfSignal: process.terminationReason == .uncaughtSignal, output: texts[0],
      errors: texts[1])
  }

  /// Beside the test bundle.
  private static func executable() throws -> URL {
    let bundles = [Bundle.main] + Bundle.allBundles
    let folders = bundles.flatMap { [$0.bundleURL, $0.bundleURL.deletingLastPathComponent()] }
    return try #require(
      folders.map { $0.appendingPathComponent("vqdiff") }.first {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: $0.path, isDirectory: &isFolder) && !isFolder.boolValue
      })
  }
}

/// Runs the program to its end.
func vqdiff(_ arguments: [String], in folder: URL) throws -> ProgramRun {
  try Program(arguments, in: folder).wait()
}

/// Runs the program and expects success without a word on standard error.
@discardableResult
func succeed(_ arguments: [String], in folder: URL, sourceLocation: SourceLocation = #_sourceLocation) throws -> ProgramRun {
  let run = try vqdiff(arguments, in: folder)
  #expect(run.status == 0, sourceLocation: sourceLocation)
  #expect(run.errors == "", sourceLocation: sourceLocation)
  return run
}

/// Runs the program and expects it to fail with one line: `vqdiff: ` and something that holds `message`. Bad usage (64) is
/// followed by the usage.
func fail(
  _ arguments: [String], status: Int32, message: String, in folder: URL, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let run = try vqdiff(arguments, in: folder)
  #expect(run.status == status && !run.diedOfSignal, "\(run)", sourceLocation: sourceLocation)
  let first = try #require(run.errorLines.first, sourceLocation: sourceLocation)
  #expect(first.hasPrefix("vqdiff: ") && first.contains(message), sourceLocation: sourceLocation)
  if status == 1 { #expect(run.errorLines.count == 1, "\(run.errors)", sourceLocation: sourceLocation) }
  #expect(run.output == "", sourceLocation: sourceLocation)
}

/// The names of all files under a folder, sorted.
func files(under folder: URL) throws -> [String] {
  try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter {
    var isFolder: ObjCBool = false
    let path = folder.appendingPathComponent($0).path
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
  }.sorted()
}
