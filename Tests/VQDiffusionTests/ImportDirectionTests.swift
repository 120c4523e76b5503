import Foundation
import TestSupport
import Testing

/// The layers of ARCHITECTURE.md: what each module may import of the package's own modules and of others'.
@Suite struct ImportDirectionTests {
  static let allowed: [String: Set<String>] = [
    "Tensor": ["CBLAS", "CKernels", "Foundation", "Synchronization"],
    "Checkpoint": ["Tensor", "CKernels", "Foundation", "Synchronization"],
    "VQVAE": ["Tensor", "Checkpoint", "Foundation"],
    "Transformer": ["Tensor", "Checkpoint", "Foundation", "Synchronization"],
    "CLIPText": ["Tensor", "Checkpoint", "Foundation"],
    "Diffusion": ["Tensor", "Foundation"],
    "Training": ["Tensor", "Checkpoint", "VQVAE", "Transformer", "Diffusion", "CKernels", "Foundation", "Synchronization"],
    "Evaluation": ["Tensor", "CBLAS", "Foundation"],
    "VQDiffusion": [
      "Tensor", "Checkpoint", "VQVAE", "Transformer", "Diffusion", "Evaluation", "CLIPText", "CPNG", "CJPEG", "Logging", "Yams",
      "Foundation", "Synchronization",
    ],
    "VQDiffusionTraining": [
      "Tensor", "Checkpoint", "VQVAE", "Transformer", "Diffusion", "Evaluation", "Training", "VQDiffusion", "Logging", "Yams",
      "Foundation", "Synchronization",
    ],
    "vqdiff": ["VQDiffusion", "VQDiffusionTraining", "ArgumentParser", "Logging", "Foundation"],
  ]

  private static let root = fixtures.deletingLastPathComponent().deletingLastPathComponent()

  @Test(arguments: allowed.keys.sorted()) func modulesImportOnlyWhatLiesBelow(module: String) throws {
    let folder = Self.root.appendingPathComponent("Sources/\(module)")
    let imports = try Self.imports(in: folder)
    #expect(!imports.isEmpty, "no imports found in \(folder.path)")
    let forbidden = imports.filter { !(Self.allowed[module] ?? []).contains($0.module) }
    #expect(forbidden.isEmpty, "\(forbidden.map { "\($0.file) imports \($0.module)" })")
  }

  @Test func everySwiftModuleHasARule() throws {
    let folders = try FileManager.default.contentsOfDirectory(atPath: Self.root.appendingPathComponent("Sources").path)
    let systemAndC: Set = ["CBLAS", "CPNG", "CJPEG", "CKernels"]
    #expect(Set(folders).subtracting(systemAndC) == Set(Self.allowed.keys))
  }

  private static func imports(in folder: URL) throws -> [(file: String, module: String)] {
    var found: [(file: String, module: String)] = []
    let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
    while let file = files?.nextObject() as? URL {
      guard file.pathExtension == "swift" else { continue }
      for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
        if let module = importedModule(line) { found.append((file.lastPathComponent, module)) }
      }
    }
    return found
  }

  /// The module of an import line, also of `package import X` and `import struct X.Y`.
  private static func importedModule(_ line: Substring) -> String? {
    let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
    guard let place = words.firstIndex(of: "import"), place <= 1, words.first?.hasPrefix("//") == false else { return nil }
    let kinds: Set = ["struct", "class", "enum", "func", "protocol"]
    return words.dropFirst(place + 1).first { !kinds.contains($0) }?.split(separator: ".").first.map(String.init)
  }
}
