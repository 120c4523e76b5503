import Files
import Foundation
import Images
import ModelFiles

/// The images below a folder.
package enum ImageFolder {
  /// All image files of a folder, in subfolders too, hidden ones left out, sorted by path.
  ///
  /// - Throws: `PipelineError.noImages` unless there is such a folder with such a file; `FileError.unreadable`.
  package static func images(in folder: URL) throws -> [URL] {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder) else {
      throw PipelineError.noImages(folder: folder.path, found: "nothing of that name")
    }
    guard isFolder.boolValue else { throw PipelineError.noImages(folder: folder.path, found: "a file") }
    var failure: (url: URL, error: any Error)?
    // A link to a folder is a file to the enumerator.
    let target = folder.resolvingSymlinksInPath()
    let files = FileManager.default.enumerator(
      at: target, includingPropertiesForKeys: nil, options: [.skipsHiddenFiles]
    ) { url, error in
      failure = (url, error)
      return false
    }
    var images: [(path: String, url: URL)] = []
    while let file = files?.nextObject() as? URL {
      if isImageFile(file) { images.append((file.path, file)) }
    }
    if let failure { throw FileError.unreadable(file: failure.url.path, reason: failure.error.localizedDescription) }
    guard !images.isEmpty else { throw PipelineError.noImages(folder: folder.path, found: "none in it") }
    images.sort { $0.path < $1.path }
    guard target.path != folder.path else { return images.map(\.url) }
    return images.map { image in
      guard image.path.hasPrefix(target.path + "/") else { return image.url }
      return folder.appendingPathComponent(String(image.path.dropFirst(target.path.count + 1)), isDirectory: false)
    }
  }

  /// Whether a file, or a link to one, is named like a PNG or JPEG file.
  package static func isImageFile(_ url: URL) -> Bool {
    pathExtensions.contains(url.pathExtension.lowercased()) && !isOtherThanFile(url)
  }

  private static let pathExtensions = Set(ImageFormat.allCases.flatMap(\.pathExtensions))

  /// The image of a file; nil for a picture of a generation's steps, which is no result: a preview, by its record, or an animation.
  ///
  /// - Throws: `ImageError` for a file that can't be read or hasn't the size `expected`.
  static func image(at file: URL, expecting expected: ImageSize) throws(ImageError) -> RGBImage? {
    let bytes = try imageFileBytes(at: file)
    if ImageFormat(of: bytes) == .png, showsSteps(try PNGContainer(bytes, file: file.path)) { return nil }
    return try RGBImage(fileBytes: bytes, file: file.path, expecting: expected)
  }

  /// acTL makes a PNG file an animation (PNG Specification, Third Edition, section 11.3.4.1). A damaged record says nothing.
  private static func showsSteps(_ png: PNGContainer) -> Bool {
    png.chunks.contains { $0.type == "acTL" }
      || (try? ImageRecord(png.chunks.compactMap { PNGText($0) }))?.previewStep != nil
  }

  /// What doesn't exist, such as a broken link's target, isn't told apart here: reading it will say so.
  private static func isOtherThanFile(_ url: URL) -> Bool {
    var status = stat()
    return stat(url.path, &status) == 0 && status.st_mode & S_IFMT != S_IFREG
  }
}
