import Files
import Foundation

extension RGBImage {
  /// Reads a PNG or JPEG file, told apart by its first bytes; see `init(png:file:expecting:over:maximumPixels:)` and
  /// `init(jpeg:file:expecting:maximumPixels:)`.
  ///
  /// - Throws: `ImageError.unreadable`, `.unknownFormat`, `.corrupt`, `.unsupportedColours`, `.tooLarge`, `.wrongSize`.
  public init(
    contentsOf url: URL, expecting expected: ImageSize? = nil, over background: Color = .white,
    maximumPixels: Int = defaultMaximumPixels
  ) throws(ImageError) {
    try self.init(
      fileBytes: imageFileBytes(at: url), file: url.path, expecting: expected, over: background, maximumPixels: maximumPixels)
  }

  /// The same for the bytes of a PNG or JPEG file.
  package init(
    fileBytes bytes: [UInt8], file: String, expecting expected: ImageSize? = nil, over background: Color = .white,
    maximumPixels: Int = defaultMaximumPixels
  ) throws(ImageError) {
    switch ImageFormat(of: bytes) {
    case .png: try self.init(png: bytes, file: file, expecting: expected, over: background, maximumPixels: maximumPixels)
    case .jpeg: try self.init(jpeg: bytes, file: file, expecting: expected, maximumPixels: maximumPixels)
    case nil: throw .unknownFormat(file: file, found: Array(bytes.prefix(8)))
    }
  }

  /// Whether a file begins as a PNG or JPEG file does; false of what is no regular file.
  public static func isImageFile(at url: URL) -> Bool {
    guard let file = try? MappedFile(url) else { return false }
    return withExtendedLifetime(file) { ImageFormat(of: Array(file.bytes.prefix(8))) != nil }
  }

  /// Writes the image as a PNG file, in place of one that is already there.
  ///
  /// Nobody sees half a file, and a failure leaves what was there before.
  ///
  /// - Parameters:
  ///   - text: Keywords and texts stored along.
  ///   - creatingFolders: Whether missing parent folders are made.
  /// - Throws: `ImageError.unwritable`, `.invalidText`, `.tooLarge`.
  public func write(to url: URL, text: [PNGText] = [], creatingFolders: Bool = false) throws(ImageError) {
    try replaceImageFile(at: url, with: pngBytes(text: text, file: url.path), creatingFolders: creatingFolders)
  }
}

extension PNGText {
  /// The texts in a PNG file (see `textChunks(of:file:)`); none in a JPEG file.
  ///
  /// - Throws: `ImageError.unreadable`, `.notPNG`, `.corrupt`.
  public static func textChunks(ofFileAt url: URL) throws(ImageError) -> [PNGText] {
    let bytes = try imageFileBytes(at: url)
    return ImageFormat(of: bytes) == .jpeg ? [] : try textChunks(of: bytes, file: url.path)
  }
}

/// The bytes of a regular file; a pipe isn't waited for.
///
/// - Throws: `ImageError.unreadable`.
package func imageFileBytes(at url: URL) throws(ImageError) -> [UInt8] {
  do throws(FileError) {
    let file = try MappedFile(url)
    return withExtendedLifetime(file) { [UInt8](file.bytes) }
  } catch {
    throw .unreadable(file: url.path, reason: error.reason)
  }
}

/// Puts `bytes` in the place of a file, whole or not at all.
///
/// - Throws: `ImageError.unwritable`.
func replaceImageFile(at url: URL, with bytes: [UInt8], creatingFolders: Bool) throws(ImageError) {
  if creatingFolders {
    do {
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    } catch {
      throw .unwritable(file: url.path, reason: reason(of: error))
    }
  }
  do throws(FileError) {
    try AtomicFile.replace(url, with: bytes, isDurable: false)
  } catch {
    throw .unwritable(file: url.path, reason: error.reason)
  }
}

/// The operating system's words for an error of Foundation's, whose own words differ between platforms and often say less.
private func reason(of error: any Error) -> String {
  let error = error as NSError
  let cause = (error.userInfo[NSUnderlyingErrorKey] as? any Error).map { $0 as NSError } ?? error
  return cause.domain == NSPOSIXErrorDomain ? String(cString: strerror(Int32(cause.code))) : cause.localizedDescription
}
