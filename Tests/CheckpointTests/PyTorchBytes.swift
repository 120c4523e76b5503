import Checkpoint
import Files
import Foundation
import TestSupport

/// Opens a PyTorch file of these bytes.
func openPyTorch(_ bytes: [UInt8]) throws -> PyTorchFile {
  try withTemporaryFolder { folder in
    let url = folder.appendingPathComponent("made.pth")
    // Foundation would wait for the disk, thousands of times.
    let file = try AtomicFile(url, isDurable: false)
    try bytes.withUnsafeBytes { try file.write($0) }
    try file.commit()
    return try PyTorchFile(url)
  }
}

/// Opens a zip archive of a pickle and its storages.
func openPickle(_ pickle: [UInt8], storages: [String: [UInt8]] = ["0": bytes((0..<12).map(Float.init))]) throws -> PyTorchFile {
  try openPyTorch(ZipBytes.torch(pickle, storages: storages).archive)
}

/// A zip archive built by hand, valid or not.
struct ZipBytes {
  struct Record {
    var name: String
    var content: [UInt8]
    var method: UInt16 = 0
    var flags: UInt16 = 0
    /// What the directory says instead of the truth.
    var claimedSize: Int?
    var claimedOffset: Int?
    /// The name in the record's own header, where another.
    var localName: String?
    /// Bytes in the record's own header that the directory doesn't have, such as padding to an alignment.
    var localExtra: [UInt8] = []
  }

  var records: [Record]
  /// Whether sizes, places and counts stand in ZIP64 structures alone.
  var isZIP64 = false
  var comment: [UInt8] = []
  var claimedCount: Int?

  /// The records that `torch.save` writes.
  static func torch(_ pickle: [UInt8], storages: [String: [UInt8]]) -> ZipBytes {
    ZipBytes(
      records: [Record(name: "x/data.pkl", content: pickle), Record(name: "x/byteorder", content: Array("little".utf8))]
        + storages.sorted { $0.key < $1.key }.map { Record(name: "x/data/" + $0.key, content: $0.value) })
  }

  var archive: [UInt8] {
    var (data, directory): ([UInt8], [UInt8]) = ([], [])
    for record in records {
      let (offset, size) = (record.claimedOffset ?? data.count, record.claimedSize ?? record.content.count)
      let localName = Array((record.localName ?? record.name).utf8)
      data += little(0x0403_4b50, 4) + common(record, size: record.content.count)
      data += little(localName.count, 2) + little(record.localExtra.count, 2) + localName + record.localExtra + record.content
      let extra =
        isZIP64
        ? little(0x9999, 2) + little(1, 2) + [7] + little(1, 2) + little(24, 2) + little(size, 8) + little(size, 8)
          + little(offset, 8) : []
      directory += little(0x0201_4b50, 4) + little(45, 2) + common(record, size: isZIP64 ? 0xffff_ffff : size)
      directory += little(record.name.utf8.count, 2) + little(extra.count, 2) + little(0, 2) + little(0, 2) + little(0, 2)
      directory += little(0, 4) + little(isZIP64 ? 0xffff_ffff : offset, 4) + Array(record.name.utf8) + extra
    }
    let (start, count) = (data.count, claimedCount ?? records.count)
    data += directory
    if isZIP64 {
      let end = data.count
      data += little(0x0606_4b50, 4) + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 4) + little(0, 4)
      data += little(count, 8) + little(count, 8) + little(directory.count, 8) + little(start, 8)
      data += little(0x0706_4b50, 4) + little(0, 4) + little(end, 8) + little(1, 4)
    }
    let (short, wide) = (isZIP64 ? 0xffff : count, isZIP64 ? 0xffff_ffff : nil as Int?)
    data += little(0x0605_4b50, 4) + little(0, 2) + little(0, 2) + little(short, 2) + little(short, 2)
    data += little(wide ?? directory.count, 4) + little(wide ?? start, 4) + little(comment.count, 2) + comment
    return data
  }

  /// Version, flags, method, time, date, checksum and sizes, the same in both headers.
  private func common(_ record: Record, size: Int) -> [UInt8] {
    little(45, 2) + little(Int(record.flags), 2) + little(Int(record.method), 2) + little(0, 4) + little(0, 4) + little(size, 4)
      + little(size, 4)
  }

  private func little(_ value: Int, _ size: Int) -> [UInt8] {
    (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
}

/// Pieces of a pickle.
enum Pickle {
  /// A whole one, of protocol 2.
  static func whole(_ object: [UInt8]) -> [UInt8] { [0x80, 2] + object + Array(".".utf8) }

  static func text(_ text: String) -> [UInt8] {
    Array("X".utf8) + withUnsafeBytes(of: UInt32(text.utf8.count).littleEndian) { Array($0) } + Array(text.utf8)
  }

  static func int(_ value: Int) -> [UInt8] { [0x8a, 8] + withUnsafeBytes(of: value.littleEndian) { Array($0) } }

  static func tuple(_ elements: [[UInt8]]) -> [UInt8] { Array("(".utf8) + elements.joined() + Array("t".utf8) }

  static func tuple(_ elements: [Int]) -> [UInt8] { tuple(elements.map(int)) }

  static func list(_ elements: [[UInt8]]) -> [UInt8] { Array("](".utf8) + elements.joined() + Array("e".utf8) }

  static func dictionary(_ elements: [([UInt8], [UInt8])]) -> [UInt8] {
    Array("}(".utf8) + elements.flatMap { $0.0 + $0.1 } + Array("u".utf8)
  }

  static func dictionary(_ elements: KeyValuePairs<String, [UInt8]>) -> [UInt8] {
    dictionary(elements.map { (text($0.key), $0.value) })
  }

  static func global(_ module: String, _ name: String) -> [UInt8] { Array("c\(module)\n\(name)\n".utf8) }

  static func call(_ module: String, _ name: String, _ arguments: [[UInt8]]) -> [UInt8] {
    global(module, name) + tuple(arguments) + Array("R".utf8)
  }

  static func storage(_ key: String = "0", _ type: String = "FloatStorage", count: Int = 12) -> [UInt8] {
    tuple([
      text("storage"), type.contains(".") ? global("torch.storage", String(type.dropFirst(8))) : global("torch", type), text(key),
      text("cpu"), int(count),
    ])
      + Array("Q".utf8)
  }

  /// A view of a storage, by default of one of twelve floats.
  static func tensor(
    _ shape: [Int], _ strides: [Int], offset: Int = 0, of storage: [UInt8] = storage()
  ) -> [UInt8] {
    call(
      "torch._utils", "_rebuild_tensor_v2",
      [storage, int(offset), tuple(shape), tuple(strides), [0x89], call("collections", "OrderedDict", [])])
  }
}
