import Files
import Foundation

/// A file written by `torch.save`, mapped into memory: a zip archive of a pickle and its storages, or the older format of pickles
/// with the storages behind them.
///
/// The tensors are named by the way to them, keys joined by dots: `model.transformer.to_logits.1.weight`. Elements of lists and
/// tuples go by their index, keys that are numbers by their digits; what stands under other keys (classes, tuples), in sets or in the
/// attributes of other objects has no name and is left out (`unnamedTensorCount`). A file that is one bare tensor calls it `tensor`.
///
/// Nothing in the file is executed (see `PickleMachine`), and everything that it says about sizes and places is checked before a
/// tensor is handed out. Tensors are views of the mapped file, however they share its storages. The archive's checksums aren't
/// compared, because that would read the whole file first.
package struct PyTorchFile: MappedTensorSource {
  private let mapping: MappedFile
  private let tensors: [String: MappedTensor]
  package let names: [String]
  /// How many tensors the file makes besides those of `names`, inside of objects that aren't read.
  package let unnamedTensorCount: Int

  package var file: String { mapping.path }

  /// - Throws: `CheckpointError.unreadable`; `.malformedArchive` for a file of another kind, or one that is compressed, cut short
  ///   or big-endian; `.malformedPickle`, `.forbiddenCallable`, `.tooDeep`; `.missingRecord` and `.sizeMismatch` for storages that
  ///   aren't there as promised; `.outOfBounds` and `.overflow` for tensors that leave their storage, `.repeatedTooOften` for those that repeat it without
  ///   measure; `.duplicateKey`; `.unnamedTensors` for a file whose tensors all lie inside of objects.
  package init(_ url: URL) throws(CheckpointError) {
    try self.init(CheckpointError.wrapping { () throws(FileError) in try MappedFile(url) })
  }

  /// The same for a file that is mapped already.
  init(_ mapping: MappedFile) throws(CheckpointError) {
    self.mapping = mapping
    let archive = try Self.open(mapping)
    let contents = archive.contents
    var tensors: [String: MappedTensor] = [:]
    var names: [String] = []
    let walk = try TensorWalk(contents.root, in: contents.objects, reader: contents.reader)
    unnamedTensorCount = walk.unnamedCount
    guard !walk.found.isEmpty || walk.unnamedCount == 0 else {
      throw .unnamedTensors(file: mapping.path, count: walk.unnamedCount)
    }
    var repetition = Repetition(mapping)
    for (name, index) in walk.found {
      let tensor = contents.objects.tensors[index]
      let storage = contents.objects.storages[tensor.storage]
      guard let range = archive.storages[storage.key] else {
        throw .missingRecord(file: mapping.path, record: archive.recordPrefix + storage.key)
      }
      let needed = try storage.byteCount(file: mapping.path)
      guard range.count == needed else {
        throw .sizeMismatch(
          file: mapping.path, tensor: archive.recordPrefix + storage.key, expected: needed, found: range.count)
      }
      let view = try Self.view(tensor, of: range, named: name, in: mapping)
      try repetition.add(view, of: range, named: name)
      tensors[name] = view
      names.append(name)
    }
    self.tensors = tensors
    self.names = names
  }

  package func mapped(_ name: String) -> MappedTensor? { tensors[name] }

  /// A pickle, and where the storages that it refers to lie.
  private struct Archive {
    let contents: PickleContents
    let storages: [String: Range<Int>]
    /// What comes before a storage's key in its record's name.
    let recordPrefix: String
  }

  private static func open(_ mapping: MappedFile) throws(CheckpointError) -> Archive {
    let (bytes, file) = (mapping.bytes, mapping.path)
    guard ZipArchive.isBegun(by: bytes) else {
      let legacy = try LegacyArchive(bytes, file: file)
      return Archive(contents: legacy.contents, storages: legacy.storages, recordPrefix: "storage ")
    }
    let records = try ZipArchive(bytes, file: file).records
    // The folder's name is that of the file when it was saved.
    let pickles = records.keys.filter { $0.hasSuffix("/data.pkl") && $0.split(separator: "/").count == 2 }
    guard let name = pickles.first, let range = records[name] else { throw .missingRecord(file: file, record: "data.pkl") }
    guard pickles.count == 1 else {
      throw .malformedArchive(file: file, expected: "one data.pkl", found: pickles.sorted().joined(separator: ", "))
    }
    let folder = String(name.dropLast("data.pkl".count))
    if let order = records[folder + "byteorder"], !bytes[order].elementsEqual("little".utf8) {
      throw .malformedArchive(
        file: file, expected: "little-endian tensors",
        found: "byte order \"\(String(decoding: bytes[order].prefix(16), as: UTF8.self))\"")
    }
    let contents = try PickleContents(UnsafeRawBufferPointer(rebasing: bytes[range]), file: file, fileSize: bytes.count)
    let prefix = folder + "data/"
    let storages = records.compactMap { $0.hasPrefix(prefix) ? (String($0.dropFirst(prefix.count)), $1) : nil }
    return Archive(contents: contents, storages: Dictionary(uniqueKeysWithValues: storages), recordPrefix: prefix)
  }

  /// A tensor over a storage's bytes, with what it says of itself checked:
  /// 0 ≤ offset and offset + Σ (shape_d - 1) strides_d < elements of the storage.
  private static func view(
    _ tensor: PickleTensor, of storage: Range<Int>, named name: String, in mapping: MappedFile
  ) throws(CheckpointError) -> MappedTensor {
    let (file, size) = (mapping.path, tensor.elementType.size)
    let overflow = CheckpointError.overflow(
      file: file, what: "the size of tensor \"\(name)\" of shape \(tensor.shape) and strides \(tensor.strides)")
    func outOfBounds(_ begin: Int, _ end: Int) -> CheckpointError {
      .outOfBounds(file: file, tensor: name, begin: begin, end: end, limit: storage.count)
    }
    guard let begin = Checked.product(tensor.offset, size) else { throw overflow }
    guard tensor.shape.allSatisfy({ $0 >= 0 }), tensor.strides.allSatisfy({ $0 >= 0 }), begin >= 0 else {
      throw outOfBounds(begin, begin)
    }
    guard let needed = Checked.byteCount(tensor.shape, elementSize: size) else { throw overflow }
    guard needed > 0 else {
      return MappedTensor(mapping, offset: storage.lowerBound, elementType: tensor.elementType, shape: tensor.shape)
    }
    let last = zip(tensor.shape, tensor.strides).reduce(tensor.offset as Int?) {
      Checked.sum($0, Checked.product($1.0 - 1, $1.1))
    }
    guard let end = Checked.product(Checked.sum(last, 1), size) else { throw overflow }
    guard end <= storage.count else { throw outOfBounds(begin, end) }
    return MappedTensor(
      mapping, offset: storage.lowerBound + begin, elementType: tensor.elementType, shape: tensor.shape, strides: tensor.strides)
  }
}

/// Keeps views that repeat their storage (strides of 0, as PyTorch's `expand` makes them) in proportion to the file: reading one
/// takes the memory for all its elements, writing it the place on the disk.
private struct Repetition {
  private let file: String
  private let limit: Int
  /// What all views hold beyond their storages, in bytes.
  private var bytes = 0

  init(_ mapping: MappedFile) {
    file = mapping.path
    limit = max(1 << 26, 4 * mapping.bytes.count)
  }

  /// - Throws: `CheckpointError.repeatedTooOften`.
  mutating func add(_ tensor: MappedTensor, of storage: Range<Int>, named name: String) throws(CheckpointError) {
    let (sum, isTooLarge) = bytes.addingReportingOverflow(max(0, tensor.byteCount - storage.count))
    guard !isTooLarge, sum <= limit else {
      throw .repeatedTooOften(file: file, tensor: name, bytes: isTooLarge ? .max : sum, limit: limit)
    }
    bytes = sum
  }
}

extension PickleStorage {
  /// - Throws: `CheckpointError.overflow`, `.sizeMismatch` for a negative count.
  func byteCount(file: String) throws(CheckpointError) -> Int {
    guard let bytes = Checked.product(count, elementType?.size ?? 1) else {
      throw .overflow(file: file, what: "the size of storage \(key)")
    }
    guard bytes >= 0 else { throw .sizeMismatch(file: file, tensor: "storage \(key)", expected: bytes, found: 0) }
    return bytes
  }
}
