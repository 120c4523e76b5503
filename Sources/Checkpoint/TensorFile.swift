import Files
import Foundation

/// Opens a checkpoint of any format that is read here. Its contents decide which, not its name.
package enum TensorFile {
  /// - Throws: `CheckpointError.malformedArchive` for an empty file, a web page, a Git LFS pointer and the like; otherwise as
  ///   `SafetensorsFile.init` and `PyTorchFile.init`.
  package static func open(_ url: URL) throws(CheckpointError) -> any MappedTensorSource {
    let mapping = try CheckpointError.wrapping { () throws(FileError) in try MappedFile(url) }
    if let other = ForeignFile.description(of: mapping.bytes) {
      throw .malformedArchive(file: mapping.path, expected: "a safetensors or PyTorch file", found: other)
    }
    return switch Format(of: mapping.bytes) {
    case .safetensors: try SafetensorsFile(mapping)
    case .pytorch: try PyTorchFile(mapping)
    }
  }

  private enum Format {
    case safetensors
    case pytorch

    /// A safetensors file that is short enough to be one begins with a length below 2³² and "{", a pickle with its protocol or a
    /// mark. Whatever is neither is left to the safetensors reader to refuse.
    init(of bytes: UnsafeRawBufferPointer) {
      let hasLength = bytes.count > 8 && bytes[4..<8].allSatisfy { $0 == 0 } && bytes[8] == UInt8(ascii: "{")
      let isPickle =
        bytes.first == UInt8(ascii: "(") || bytes.starts(with: [0x80]) && bytes.count > 1 && (2...5).contains(bytes[1])
      self = !hasLength && (ZipArchive.isBegun(by: bytes) || isPickle) ? .pytorch : .safetensors
    }
  }
}

/// Files that are mistaken for checkpoints.
enum ForeignFile {
  /// What a file is by its first bytes; nil where that isn't known.
  static func description(of bytes: UnsafeRawBufferPointer) -> String? {
    if bytes.isEmpty { return "an empty file" }
    let text = String(decoding: bytes.prefix(64).drop { $0 <= 0x20 || $0 >= 0x80 }, as: UTF8.self).lowercased()
    if text.hasPrefix("version https://git-lfs") { return "a Git LFS pointer, which stands for a file that wasn't downloaded" }
    if ["<!doctype", "<html", "<head", "<?xml"].contains(where: text.hasPrefix) { return "a web page, such as an error message" }
    if bytes.count >= 262, bytes[257..<262].elementsEqual("ustar".utf8) { return "a tar archive" }
    if bytes.starts(with: [0x1f, 0x8b]) { return "a file compressed by gzip" }
    if bytes.starts(with: [0x89, 0x50, 0x4e, 0x47]) || bytes.starts(with: [0xff, 0xd8, 0xff]) { return "an image" }
    if isText(bytes.prefix(64)) { return "a text" }
    return nil
  }

  /// Whether there is no control character, and nothing that UTF-8 hasn't, in bytes that don't begin as a pickle may. The length that
  /// a safetensors file begins with has zeros, a zip archive's first record too.
  private static func isText(_ bytes: Slice<UnsafeRawBufferPointer>) -> Bool {
    bytes.first != UInt8(ascii: "(") && bytes.first != 0x80
      && bytes.allSatisfy { (0x20..<0xf5).contains($0) && $0 != 0x7f || (0x09...0x0d).contains($0) }
  }
}
