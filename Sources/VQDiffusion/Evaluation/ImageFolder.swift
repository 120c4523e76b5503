import Foundation

/// The images below a folder.
enum ImageFolder {
  /// All files whose names end like those of PNG or JPEG files, in subfolders too, hidden ones left out, sorted by path.
  ///
  /// - Throws: `PipelineError.noImages` unless there is such a folder with such a file.
  static func images(in folder: URL) throws(PipelineError) -> [URL] {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder) else {
      throw .noImages(folder: folder.path, found: "nothing of that name")
    }
    guard isFolder.boolValue else { throw .noImages(folder: folder.path, found: "a file") }
    var failure: (url: URL, error: any Error)?
    let files = FileManager.default.enumerator(
      at: folder, includingPropertiesForKeys: [.isRegularFileKey], options: [.skipsHiddenFiles]
    ) { url, error in
      failure = (url, error)
      return false
    }
    let extensions = ImageFormat.allCases.flatMap(\.pathExtensions)
    var images: [URL] = []
    while let file = files?.nextObject() as? URL {
      if extensions.contains(file.pathExtension.lowercased()) { images.append(file) }
    }
    if let failure { throw .unreadable(file: failure.url.path, reason: failure.error.localizedDescription) }
    guard !images.isEmpty else { throw .noImages(folder: folder.path, found: "none in it") }
    return images.sorted { $0.path < $1.path }
  }
}
