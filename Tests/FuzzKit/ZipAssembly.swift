/// A zip archive of plain records, whose every field may be given another value than the right one (PKWARE, APPNOTE.TXT 6.3.10,
/// sections 4.3 to 4.5).
struct ZipAssembly {
  struct Record {
    var name: [UInt8]
    var content: [UInt8]
    /// In the record's own header; the same as `name` unless given.
    var localName: [UInt8]?
    var flags: UInt16 = 0
    var method: UInt16 = 0
    var localExtra: [UInt8] = []
    var extra: [UInt8] = []
    var comment: [UInt8] = []
    var size: UInt64?
    var storedSize: UInt64?
    var header: UInt64?
    /// Whether sizes and place stand in a ZIP64 block.
    var isLong = false

    init(_ name: String, _ content: [UInt8]) { (self.name, self.content) = (Array(name.utf8), content) }
  }

  var records: [Record] = []
  /// Whether the directory's place stands in a ZIP64 end record.
  var isLong = false
  var comment: [UInt8] = []
  var entryCount: UInt64?
  var directorySize: UInt64?
  var directoryStart: UInt64?
  /// Between the ZIP64 end record and what the locator says.
  var locatorShift: UInt64 = 0

  func bytes() -> [UInt8] {
    var file: [UInt8] = []
    var directory: [UInt8] = []
    for record in records {
      directory += entry(record, at: UInt64(file.count))
      file += local(record)
    }
    let start = UInt64(file.count)
    file += directory
    let count = entryCount ?? UInt64(records.count)
    let (size, place) = (directorySize ?? UInt64(directory.count), directoryStart ?? start)
    if isLong {
      let end = UInt64(file.count)
      file += little(0x0606_4b50, 4) + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 8)
      file += little(count, 8) + little(count, 8) + little(size, 8) + little(place, 8)
      file += little(0x0706_4b50, 4) + little(0, 4) + little(end &+ locatorShift, 8) + little(1, 4)
    }
    file += little(0x0605_4b50, 4) + little(0, 4)
    file += little(isLong ? 0xffff : count, 2) + little(isLong ? 0xffff : count, 2)
    file += little(isLong ? 0xffff_ffff : size, 4) + little(isLong ? 0xffff_ffff : place, 4)
    return file + little(UInt64(comment.count), 2) + comment
  }

  private func local(_ record: Record) -> [UInt8] {
    let name = record.localName ?? record.name
    var bytes = little(0x0403_4b50, 4) + little(20, 2) + little(UInt64(record.flags), 2) + little(UInt64(record.method), 2)
    bytes += little(0, 4) + littleEndianBytes(checksum(record.content))
    bytes += little(record.storedSize ?? UInt64(record.content.count), 4) + little(record.size ?? UInt64(record.content.count), 4)
    return bytes + little(UInt64(name.count), 2) + little(UInt64(record.localExtra.count), 2) + name + record.localExtra
      + record.content
  }

  private func entry(_ record: Record, at place: UInt64) -> [UInt8] {
    let values = [
      record.size ?? UInt64(record.content.count), record.storedSize ?? UInt64(record.content.count), record.header ?? place,
    ]
    let extra = (record.isLong ? little(1, 2) + little(24, 2) + values.flatMap { little($0, 8) } : []) + record.extra
    let fields = record.isLong ? [0xffff_ffff, 0xffff_ffff, 0xffff_ffff] : values
    var bytes = little(0x0201_4b50, 4) + little(45, 2) + little(45, 2) + little(UInt64(record.flags), 2)
    bytes += little(UInt64(record.method), 2) + little(0, 4) + littleEndianBytes(checksum(record.content))
    bytes += little(fields[1], 4) + little(fields[0], 4) + little(UInt64(record.name.count), 2) + little(UInt64(extra.count), 2)
    bytes += little(UInt64(record.comment.count), 2) + little(0, 8) + little(fields[2], 4)
    return bytes + record.name + extra + record.comment
  }

  private func little(_ value: UInt64, _ count: Int) -> [UInt8] { Array(littleEndianBytes(value).prefix(count)) }
}
