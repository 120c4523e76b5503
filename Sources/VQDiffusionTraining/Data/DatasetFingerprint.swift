import Foundation

extension ImageDataset {
  /// A number of what the set holds, as 16 hexadecimal digits: it changes with the labels and with the path (below `location`), size or
  /// modification time of any file. What was made of the images, such as their tokens, is kept under it.
  ///
  /// The files aren't read, but asked for their state one by one.
  package var fingerprint: String {
    var hash = FNV1a()
    for label in labels { hash.add(label) }
    switch source {
    case .files(let paths, let classes):
      for (index, path) in paths.enumerated() {
        addFile(path, to: &hash)
        hash.add(classes.isEmpty ? -1 : classes[index])
      }
    case .cifar(let files, _):
      for file in files { addFile(file.path, to: &hash) }
    }
    return hash.digits
  }

  private func addFile(_ path: String, to hash: inout FNV1a) {
    hash.add(path.hasPrefix(location) ? path.dropFirst(location.count) : path[...])
    var status = stat()
    guard stat(path, &status) == 0 else { return hash.add(-1) }
    #if canImport(Darwin)
      let time = status.st_mtimespec
    #else
      let time = status.st_mtim
    #endif
    hash.add(Int(status.st_size))
    hash.add(Int(time.tv_sec))
    hash.add(Int(time.tv_nsec))
  }
}

/// The 64-bit hash FNV-1a (Fowler, Noll, Vo): h ← (h xor byte) · prime.
struct FNV1a {
  private var value: UInt64 = 0xCBF2_9CE4_8422_2325

  /// The hash as 16 hexadecimal digits.
  var digits: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  mutating func add(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }

  mutating func add(_ number: Int) {
    for shift in stride(from: 0, to: 64, by: 8) { add(UInt8(truncatingIfNeeded: number >> shift)) }
  }

  /// A text and a byte that no text holds, so that what follows can't be taken for part of it.
  mutating func add(_ text: some StringProtocol) {
    for byte in text.utf8 { add(byte) }
    add(UInt8(0xFF))
  }
}
