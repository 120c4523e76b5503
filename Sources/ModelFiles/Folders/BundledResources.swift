import Foundation

/// Finds the folders that come with the package.
///
/// They travel as a resource bundle next to the program. It is looked for by hand, because the generated
/// `Bundle.module` stops the program when the bundle isn't where it was built.
enum BundledResources {
  /// The first of the searched folders' subfolders of that name that holds a file.
  ///
  /// - Parameters:
  ///   - file: a file without which the folder is of no use.
  ///   - missing: the error for the folders that were searched in vain.
  /// - Throws: `missing`'s error.
  static func folder(
    _ name: String, holding file: String, missing: ([String]) -> ModelFileError
  ) throws(ModelFileError) -> URL {
    let candidates = searchedFolders()
    for candidate in candidates {
      let folder = candidate.appendingPathComponent(name)
      if FileManager.default.fileExists(atPath: folder.appendingPathComponent(file).path) { return folder }
    }
    throw missing(candidates.map(\.path))
  }

  /// Beside the executable (symbolic links resolved), beside the code's own bundle, which in a test run isn't the
  /// executable's, and in `../share` of an installed program.
  private static func searchedFolders() -> [URL] {
    let bundle = "swift-vq-diffusion_ModelFiles.resources"
    var parents: [URL] = []
    if let executable = Bundle.main.executableURL {
      parents.append(executable.resolvingSymlinksInPath().deletingLastPathComponent())
      parents.append(executable.deletingLastPathComponent())
    }
    parents.append(Bundle.main.bundleURL)
    parents.append(Bundle(for: Marker.self).bundleURL)
    parents += Bundle.allBundles.map { $0.bundleURL.deletingLastPathComponent() }
    var folders = parents.map { $0.appendingPathComponent(bundle) }
    folders += parents.map { $0.appendingPathComponent("swift-vq-diffusion_ModelFiles.bundle") }
    if let first = parents.first {
      folders.append(first.deletingLastPathComponent().appendingPathComponent("share/vqdiffusion"))
    }
    var seen = Set<String>()
    return folders.filter { seen.insert($0.standardizedFileURL.path).inserted }
  }

  private final class Marker {}
}
