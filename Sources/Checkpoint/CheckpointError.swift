import Files
import Foundation

/// Why a checkpoint could not be read, used or written.
///
/// Every case names the file; `description` says what was expected and what was found.
public enum CheckpointError: Error, Sendable, Equatable {
  /// The file can't be opened or mapped.
  case unreadable(file: String, reason: String)
  /// The file ends before `expected` bytes, the least that its beginning asks for.
  case truncated(file: String, expected: UInt64, found: Int)
  /// The header claims more bytes than any real checkpoint needs.
  case headerTooLarge(file: String, bytes: UInt64, limit: Int)
  /// The header isn't what the format asks for; `offset` counts bytes from the start of the header.
  case badHeader(file: String, offset: Int, expected: String, found: String)
  /// A name occurs twice, in the header of one file or in two files that are loaded together.
  case duplicateKey(file: String, key: String)
  /// A size or an offset doesn't fit into 64 bits.
  case overflow(file: String, what: String)
  /// Views that repeat their storages' elements would, written out, take more bytes than a file of this size should ask for.
  case repeatedTooOften(file: String, tensor: String, bytes: Int, limit: Int)
  /// The pickle makes `count` tensors, and none of them lies in dictionaries, lists and tuples alone, where it would have a name.
  case unnamedTensors(file: String, count: Int)
  /// A tensor's bytes, counted from the start of the data or of the tensor's storage, lie outside of it or end before they begin.
  case outOfBounds(file: String, tensor: String, begin: Int, end: Int, limit: Int)
  /// A tensor's shape, or a storage's count of elements, needs another number of bytes than the file gives it.
  case sizeMismatch(file: String, tensor: String, expected: Int, found: Int)
  /// Two tensors share bytes.
  case overlap(file: String, first: String, second: String)
  /// Bytes of the data section that belong to no tensor, counted from the start of the file.
  case hole(file: String, bytes: Range<Int>)
  /// A tensor that is needed isn't there; `shape` is nil where any shape would do.
  case missingTensor(file: String, tensor: String, shape: [Int]?)
  /// A tensor has another shape than the model needs.
  case wrongShape(file: String, tensor: String, expected: [Int], found: [Int])
  /// A tensor's elements are of a type that can't serve the purpose.
  case wrongElementType(file: String, tensor: String, expected: [ElementType], found: ElementType)
  /// A value is too large for the type that it is to be written as.
  case unrepresentable(file: String, tensor: String, value: Double, type: ElementType)
  /// Tensors that nothing used.
  case unexpectedTensors(file: String, names: [String])
  /// The file is in none of the formats that were looked for, or its archive's structure is broken.
  case malformedArchive(file: String, expected: String, found: String)
  /// A record that is needed isn't in the archive.
  case missingRecord(file: String, record: String)
  /// The pickle isn't one that describes tensors; `offset` counts bytes from its start.
  case malformedPickle(file: String, offset: Int, expected: String, found: String)
  /// The pickle asks to call something else than what tensors need. Nothing was called.
  case forbiddenCallable(file: String, callable: String)
  /// Containers lie in one another beyond a sane limit.
  case tooDeep(file: String, limit: Int)
  /// The file can't be written; what was there before is untouched.
  case unwritable(file: String, reason: String)

  /// An error of the file as a whole.
  package init(_ error: FileError) {
    switch error {
    case .unreadable(let file, _), .tooLarge(let file, _, _): self = .unreadable(file: file, reason: error.reason)
    case .unwritable(let path, let reason): self = .unwritable(file: path, reason: reason)
    }
  }

  /// Runs `body`, whose errors concern the file as a whole.
  package static func wrapping<R>(_ body: () throws(FileError) -> R) throws(CheckpointError) -> R {
    do { return try body() } catch { throw CheckpointError(error) }
  }
}

extension CheckpointError: CustomStringConvertible, LocalizedError {
  public var errorDescription: String? { description }

  public var description: String { "\(file): \(finding)" }

  /// The file, or several joined by commas, that the error is about.
  public var file: String {
    switch self {
    case .unreadable(let file, _), .truncated(let file, _, _), .headerTooLarge(let file, _, _), .badHeader(let file, _, _, _),
      .duplicateKey(let file, _), .overflow(let file, _), .outOfBounds(let file, _, _, _, _),
      .repeatedTooOften(let file, _, _, _), .unnamedTensors(let file, _),
      .sizeMismatch(let file, _, _, _), .overlap(let file, _, _), .hole(let file, _), .missingTensor(let file, _, _),
      .wrongShape(let file, _, _, _), .wrongElementType(let file, _, _, _), .unexpectedTensors(let file, _),
      .unrepresentable(let file, _, _, _), .malformedArchive(let file, _, _), .missingRecord(let file, _),
      .malformedPickle(let file, _, _, _), .forbiddenCallable(let file, _), .tooDeep(let file, _), .unwritable(let file, _):
      file
    }
  }

  private var finding: String {
    switch self {
    case .unreadable(_, let reason):
      "expected a readable file, found: \(reason)"
    case .truncated(_, let expected, let found):
      "expected at least \(expected) bytes, found a file of \(found)"
    case .headerTooLarge(_, let bytes, let limit):
      "expected a header of at most \(limit) bytes, found a length of \(bytes)"
    case .badHeader(_, let offset, let expected, let found):
      "expected \(expected) at byte \(offset) of the header, found \(found)"
    case .duplicateKey(_, let key):
      "expected every name once, found \"\(key)\" twice"
    case .overflow(_, let what):
      "expected sizes below 2^63, found an overflow in \(what)"
    case .repeatedTooOften(_, let tensor, let bytes, let limit):
      "expected views that repeat at most \(limit) bytes, found \(bytes) with tensor \"\(tensor)\""
    case .unnamedTensors(_, let count):
      "expected tensors in dictionaries, lists and tuples, found all \(count) inside of other objects, as in a whole pickled "
        + "module; save its state_dict() instead"
    case .outOfBounds(_, let tensor, let begin, let end, let limit):
      "expected tensor \"\(tensor)\" within the \(limit) bytes of data, found bytes \(begin) to \(end)"
    case .sizeMismatch(_, let tensor, let expected, let found):
      "expected \(expected) bytes for \"\(tensor)\", found \(found)"
    case .overlap(_, let first, let second):
      "expected tensors side by side, found \"\(first)\" and \"\(second)\" sharing bytes"
    case .hole(_, let bytes):
      "expected every byte of data in a tensor, found bytes \(bytes.lowerBound) to \(bytes.upperBound) of the file in none"
    case .missingTensor(_, let tensor, let shape):
      "expected tensor \"\(tensor)\"\(shape.map { " of shape \($0)" } ?? ""), found none of that name"
    case .wrongShape(_, let tensor, let expected, let found):
      "expected tensor \"\(tensor)\" of shape \(expected), found shape \(found)"
    case .wrongElementType(_, let tensor, let expected, let found):
      "expected tensor \"\(tensor)\" of type \(expected.map(\.rawValue).joined(separator: " or ")), found \(found.rawValue)"
    case .unexpectedTensors(_, let names):
      "expected only tensors that the model uses, found \(names.count) more: \(names.joined(separator: ", "))"
    case .unrepresentable(_, let tensor, let value, let type):
      "expected values of tensor \"\(tensor)\" within the range of \(type.rawValue), found \(value)"
    case .malformedArchive(_, let expected, let found):
      "expected \(expected), found \(found)"
    case .missingRecord(_, let record):
      "expected record \"\(record)\" in the archive, found none of that name"
    case .malformedPickle(_, let offset, let expected, let found):
      "expected \(expected) at byte \(offset) of the pickle, found \(found)"
    case .forbiddenCallable(_, let callable):
      "expected no calls but those that make tensors, found one of \(callable), which was not made"
    case .tooDeep(_, let limit):
      "expected containers at most \(limit) deep in one another, found deeper ones"
    case .unwritable(_, let reason):
      "expected to write the file, found: \(reason)"
    }
  }
}
