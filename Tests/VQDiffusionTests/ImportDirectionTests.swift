import Foundation
import TestSupport
import Testing

/// The table of modules in ARCHITECTURE.md against the sources: what each module imports.
@Suite struct ImportDirectionTests {
  /// What any module may import, table or not.
  private static let always: Set = ["Foundation", "Synchronization"]
  private static let root = fixtures.deletingLastPathComponent().deletingLastPathComponent()

  private static func table() throws -> ModuleTable {
    try ModuleTable(markdown: String(contentsOf: root.appendingPathComponent("ARCHITECTURE.md"), encoding: .utf8))
  }

  @Test func modulesImportWhatTheTableSays() throws {
    var checked = 0
    for row in try Self.table().rows {
      let folder = Self.root.appendingPathComponent(row.folder)
      guard FileManager.default.fileExists(atPath: folder.path) else {
        Issue.record("ARCHITECTURE.md lists \(row.folder), which isn't there")
        continue
      }
      for (file, module) in try Self.imports(in: folder) {
        checked += 1
        let isListed = row.imports.contains(module) || Self.always.contains(module)
        #expect(isListed, "\(row.folder)/\(file) imports \(module), which ARCHITECTURE.md doesn't list")
      }
    }
    #expect(checked > 0)
  }

  @Test func everySwiftModuleHasARow() throws {
    let folders = try FileManager.default.contentsOfDirectory(atPath: Self.root.appendingPathComponent("Sources").path)
    let modules = try folders.filter { try !Self.swiftFiles(in: Self.root.appendingPathComponent("Sources/\($0)")).isEmpty }
    let rows = Set(try Self.table().rows.map(\.folder))
    #expect(!modules.isEmpty)
    for module in modules { #expect(rows.contains("Sources/\(module)"), "ARCHITECTURE.md has no row for \(module)") }
  }

  /// The table's heading says so: lowest first.
  @Test func modulesImportOnlyThoseAbove() throws {
    let rows = try Self.table().rows
    for (index, row) in rows.enumerated() {
      let below = Set(rows[index...].map(\.module)).intersection(row.imports)
      #expect(below.isEmpty, "\(row.module) imports \(below.sorted()), which stand at or below it")
    }
  }

  @Test func aTableIsRead() throws {
    let markdown = """
      | `Outside` | before the heading | Nothing |
      ## Modules, lowest first

      | target | what it holds | imports |
      |---|---|---|
      | `CKernels` | loops in C: x|y | – |
      | `Tensor` | `Floats`, (a | b) | CKernels |
      | `Model` | files → pipeline | Tensor, CKernels, Yams |
      | `Benchmarks/Kit` | measurements | Model |

      Text with `code`.
      ## Decisions
      | `Later` | after it | Tensor |
      """
    let rows = try ModuleTable(markdown: markdown).rows
    #expect(rows.map(\.module) == ["CKernels", "Tensor", "Model", "Kit"])
    #expect(rows.map(\.folder) == ["Sources/CKernels", "Sources/Tensor", "Sources/Model", "Benchmarks/Kit"])
    #expect(rows.map(\.imports) == [[], ["CKernels"], ["Tensor", "CKernels", "Yams"], ["Model"]])
    #expect(throws: ModuleTable.Missing.self) { try ModuleTable(markdown: "# Architecture\n") }
  }

  private static func imports(in folder: URL) throws -> [(file: String, module: String)] {
    try swiftFiles(in: folder).flatMap { file in
      try String(contentsOf: file, encoding: .utf8).split(separator: "\n").compactMap { line in
        importedModule(line).map { (file.lastPathComponent, $0) }
      }
    }
  }

  private static func swiftFiles(in folder: URL) throws -> [URL] {
    let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
    return names.filter { $0.hasSuffix(".swift") }.map { folder.appendingPathComponent($0) }
  }

  /// The module of an import line, also of `package import X` and `import struct X.Y`.
  private static func importedModule(_ line: Substring) -> String? {
    let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
    guard let place = words.firstIndex(of: "import"), place <= 1, words.first?.hasPrefix("//") == false else { return nil }
    let kinds: Set = ["struct", "class", "enum", "func", "protocol"]
    return words.dropFirst(place + 1).first { !kinds.contains($0) }?.split(separator: ".").first.map(String.init)
  }
}

/// The table under "Modules, lowest first": target, what it holds, what it imports.
private struct ModuleTable {
  struct Missing: Error {}

  struct Row {
    /// The target's path in the package.
    let folder: String
    let imports: Set<String>

    var module: String { String(folder.split(separator: "/").last ?? "") }
  }

  let rows: [Row]

  init(markdown: String) throws {
    let lines = markdown.split(separator: "\n", omittingEmptySubsequences: false).drop { $0 != "## Modules, lowest first" }
    rows = lines.dropFirst().prefix { !$0.hasPrefix("## ") }.compactMap { line in
      // What it holds may have a bar in it.
      let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      guard line.hasPrefix("|"), let target = cells.first, let last = cells.last, target.hasPrefix("`") else { return nil }
      let path = target.trimmingCharacters(in: ["`"])
      let names = last.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
      return Row(folder: path.contains("/") ? path : "Sources/\(path)", imports: Set(names).subtracting(["–"]))
    }
    if rows.isEmpty { throw Missing() }
  }
}
