import ArgumentParser
import Foundation
import FuzzKit

@main
struct Fuzz: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vqdiff-fuzz",
    abstract: "Reads damaged files and checks that nothing worse than an error comes of it.",
    discussion: """
      Every mutant is a function of the seed and its index. The run ends at the first one that takes more than a second of \
      processor time or more than 64 MiB and ten times the file's size of memory, and a crash ends it too: the file then lies \
      in the folder that is printed, and --start with the index there repeats it.
      """)

  @Option(help: "The format to fuzz; all of them if left out.")
  var format: String?
  @Option(help: "How many mutants of each format.")
  var count = 200_000
  @Option(help: "What the mutants are drawn from.")
  var seed: UInt64 = 1
  @Option(help: "The index of the first mutant.")
  var start = 0
  @Option(help: "The folder for the current mutant; /dev/shm if there is one, otherwise the system's for temporary files.")
  var folder: String?

  func validate() throws {
    guard count >= 0, start >= 0, !start.addingReportingOverflow(count).overflow else {
      throw ValidationError("--start and --count must be numbers from 0")
    }
  }

  func run() throws {
    let targets = try FuzzTargets.all().filter { format == nil || $0.name == format }
    guard !targets.isEmpty else {
      throw ValidationError("--format must be one of \(try FuzzTargets.all().map(\.name).joined(separator: ", "))")
    }
    for target in targets {
      let folder = try makeFolder(for: target.name)
      print("\(target.name): the current mutant lies in \(folder.path)")
      let run = FuzzRun(target, seed: seed, limits: .alone)
      let report = try run.run(start..<start + count, in: folder) {
        print($0)
        fflush(nil)
      }
      print(report)
      fflush(nil)
      guard report.sharePastFirstCheck >= 0.5 else {
        throw ValidationError("expected half of the mutants past the first check")
      }
      try FileManager.default.removeItem(at: folder)
    }
  }

  private func makeFolder(for name: String) throws -> URL {
    let shared = "/dev/shm"
    let parent =
      folder.map { URL(fileURLWithPath: $0) }
      ?? (FileManager.default.isWritableFile(atPath: shared)
        ? URL(fileURLWithPath: shared) : FileManager.default.temporaryDirectory)
    let url = parent.appendingPathComponent("vqdiff-fuzz-\(name)-\(ProcessInfo.processInfo.processIdentifier)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    return url
  }
}
