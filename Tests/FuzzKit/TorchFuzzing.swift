import Checkpoint
import Foundation

/// PyTorch's zip archives with fields, records and structures changed.
struct ZipFuzzing: FuzzTarget {
  let name = "zip"

  private let bytes = ByteMutation(words: [
    [0x50, 0x4b, 1, 2], [0x50, 0x4b, 3, 4], [0x50, 0x4b, 5, 6], [0x50, 0x4b, 6, 6], [0x50, 0x4b, 6, 7], [1, 0, 24, 0],
  ])

  func mutant(_ random: inout FuzzRandom) -> [UInt8] {
    var archive = torchArchive(TorchAssembly(&random), &random)
    for _ in 0...random.below(3) { change(&archive, &random) }
    var file = archive.bytes()
    if random.once(in: 8) { bytes.apply(to: &file, &random) }
    return file
  }

  func read(_ bytes: [UInt8], at url: URL) -> FuzzOutcome {
    readTorchFile(at: url) { _ in Self.hasDirectory(bytes) }
  }

  /// Whether the file begins with a record and ends with a record of where a directory lies.
  private static func hasDirectory(_ file: [UInt8]) -> Bool {
    guard file.starts(with: [0x50, 0x4b, 3, 4]) else { return false }
    return (0...min(0xffff, max(0, file.count - 22))).contains { comment in
      let end = file.count - 22 - comment
      return end >= 0 && file[end] == 0x50 && file[end..<end + 4].elementsEqual([0x50, 0x4b, 5, 6])
        && Int(file[end + 20]) | Int(file[end + 21]) << 8 == comment
    }
  }

  private func change(_ archive: inout ZipAssembly, _ random: inout FuzzRandom) {
    switch random.below(16) {
    case 0: archive.isLong.toggle()
    case 1: archive.entryCount = random.awkwardInteger()
    case 2: archive.directorySize = random.awkwardInteger()
    case 3: archive.directoryStart = random.awkwardInteger()
    case 4:
      archive.comment =
        random.once(in: 2) ? random.bytes(random.below(100)) : [0x50, 0x4b, 5, 6] + random.bytes(18 + random.below(8))
    case 5: (archive.isLong, archive.locatorShift) = (true, random.awkwardInteger())
    case 6: rearrange(&archive.records, most: 300, &random)
    default:
      guard !archive.records.isEmpty else { return }
      change(&archive.records[random.below(archive.records.count)], &random)
    }
  }

  private func change(_ record: inout ZipAssembly.Record, _ random: inout FuzzRandom) {
    switch random.below(10) {
    case 0: record.isLong.toggle()
    case 1: record.size = random.awkwardInteger()
    case 2: record.storedSize = random.awkwardInteger()
    case 3: record.header = random.awkwardInteger()
    case 4: (record.size, record.storedSize, record.isLong) = (1 << 62, 1 << 62, true)
    case 5: bytes.apply(to: &record.content, &random)
    case 6: bytes.apply(to: &record.extra, &random)
    case 7: record.localExtra = random.bytes(random.below(70))
    case 8:
      record.name = random.pick(["", "data.pkl", "archive/data.pkl", "archive/data/0", "/", "archive/data/\u{e9}"]).utf8.map {
        $0
      }
    default:
      if random.once(in: 2) {
        record.flags = UInt16(truncatingIfNeeded: random.awkwardInteger())
      } else {
        record.localName = random.bytes(random.below(20))
      }
    }
  }
}

/// PyTorch's pickles with opcodes changed, in a right archive or one of the old format.
struct PickleFuzzing: FuzzTarget {
  let name = "pickle"

  private let mutation = PickleMutation()

  func mutant(_ random: inout FuzzRandom) -> [UInt8] {
    let torch = TorchAssembly(&random)
    var steps = torch.steps
    for _ in 0...random.below(4) { mutation.apply(to: &steps, &random) }
    var pickle = steps.bytes
    if random.once(in: 8) { mutation.bytes.apply(to: &pickle, &random) }
    if random.once(in: 3) { return legacyFile(torch, pickle: pickle, &random) }
    return torchArchive(torch, pickle: pickle, &random).bytes()
  }

  func read(_ bytes: [UInt8], at url: URL) -> FuzzOutcome {
    readTorchFile(at: url) { error in
      if case .malformedArchive = error { return false }
      return true
    }
  }

  /// The format before PyTorch 1.6: pickles of a magic number, a version, notes on the machine, the object and the storages' keys,
  /// then the storages.
  private func legacyFile(_ torch: TorchAssembly, pickle: [UInt8], _ random: inout FuzzRandom) -> [UInt8] {
    let magic = PickleStep.raw(0x8a, [10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19])
    var notes: [PickleStep] = .dictionary([("protocol_version", [.integer(1001)]), ("little_endian", [.raw(0x88)])])
    var keys: [PickleStep] = [.emptyList, .mark] + (0..<torch.storageCount).map { .text("\($0)") } + [.raw(UInt8(ascii: "e"))]
    if random.once(in: 8) { mutation.apply(to: &notes, &random) }
    if random.once(in: 8) { mutation.apply(to: &keys, &random) }
    var file = [[.protocol2, magic, .stop], [.protocol2, .integer(1001), .stop], [.protocol2] + notes + [.stop]].flatMap(\.bytes)
    file += pickle + ([.protocol2] + keys + [.stop]).bytes
    for storage in 0..<torch.storageCount {
      let count = random.once(in: 16) ? random.awkwardInteger() : UInt64(torch.elementCount(of: storage))
      file += littleEndianBytes(count) + torch.content(of: storage, &random)
    }
    if random.once(in: 16) { file.removeLast(random.below(file.count)) }
    return file
  }
}

/// An archive as `torch.save` writes it.
private func torchArchive(_ torch: TorchAssembly, pickle: [UInt8]? = nil, _ random: inout FuzzRandom) -> ZipAssembly {
  var archive = ZipAssembly()
  archive.records = [ZipAssembly.Record("archive/data.pkl", pickle ?? torch.steps.bytes)]
  if random.once(in: 2) { archive.records.append(ZipAssembly.Record("archive/byteorder", Array("little".utf8))) }
  for storage in 0..<torch.storageCount {
    archive.records.append(ZipAssembly.Record("archive/data/\(storage)", torch.content(of: storage, &random)))
  }
  archive.records.append(ZipAssembly.Record("archive/version", Array("3\n".utf8)))
  return archive
}

private func readTorchFile(at url: URL, isPastFirstCheck: (CheckpointError) -> Bool) -> FuzzOutcome {
  do throws(CheckpointError) {
    TensorReading.read(try PyTorchFile(url))
    return .accepted
  } catch {
    return FuzzOutcome(error, isPastFirstCheck: isPastFirstCheck(error))
  }
}
