import Foundation

/// Finds the model that comes with the package.
///
/// The folder travels as a resource bundle next to the program. It is looked for by hand, because the generated
/// `Bundle.module` stops the program when the bundle isn't where it was built.
enum BuiltInModel {
  static func folder() throws(PipelineError) -> URL {
    let candidates = searchedFolders()
    for candidate in candidates {
      let folder = candidate.appendingPathComponent("cifar10")
      if FileManager.default.fileExists(atPath: folder.appendingPathComponent("model_index.json").path) { return folder }
    }
    throw .builtInModelMissing(searched: candidates.map(\.path))
  }

  /// Beside the executable (symbolic links resolved), beside the code's own bundle, which in a test run isn't the
  /// executable's, and in `../share` of an installed program.
  private static func searchedFolders() -> [URL] {
    let bundle = "swift-vq-diffusion_VQDiffusion.resources"
    var parents: [URL] = []
    if let executable = Bundle.main.executableURL {
      parents.append(executable.resolvingSymlinksInPath().deletingLastPathComponent())
      parents.append(executable.deletingLastPathComponent())
    }
    parents.append(Bundle.main.bundleURL)
    parents.append(Bundle(for: Marker.self).bundleURL)
    parents += Bundle.allBundles.map { $0.bundleURL.deletingLastPathComponent() }
    var folders = parents.map { $0.appendingPathComponent(bundle) }
    folders += parents.map { $0.appendingPathComponent("swift-vq-diffusion_VQDiffusion.bundle") }
    if let first = parents.first {
      folders.append(first.deletingLastPathComponent().appendingPathComponent("share/vqdiffusion"))
    }
    var seen = Set<String>()
    return folders.filter { seen.insert($0.standardizedFileURL.path).inserted }
  }

  private final class Marker {}
}
