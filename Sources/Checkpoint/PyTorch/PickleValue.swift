/// What a pickle's opcodes make: plain values, and the numbers of what `PickleObjects` holds.
///
/// One takes 16 bytes and holds no reference, so objects that contain one another, themselves even, are copied and released
/// without recursion.
enum PickleValue: BitwiseCopyable, Equatable {
  case nothing
  case bool(Bool)
  case int(Int)
  case double(Double)
  /// An integer of more than 64 bits, by its bytes.
  case largeInt(PickleText)
  case text(PickleText)
  case list(Int)
  case tuple(Int)
  /// Keys and values by turns.
  case dictionary(Int)
  case global(Int)
  case storage(Int)
  case tensor(Int)
  /// An object that tensors don't need: nothing is known of it.
  case inert
}

/// Bytes of the pickle.
struct PickleText: BitwiseCopyable, Equatable {
  let start: UInt32
  let count: UInt32

  var range: Range<Int> { Int(start)..<Int(start) + Int(count) }
}

/// A name that a pickle asks to import. Nothing is imported; the name may have a meaning here.
struct PickleGlobal: Sendable {
  /// Module and name, joined by a dot.
  let name: String
  let meaning: PickleMeaning
}

/// A storage, under the name that its file knows it by.
struct PickleStorage: Sendable {
  let key: String
  /// Nil where the elements' type is left to the tensor and `count` is in bytes.
  let elementType: ElementType?
  let count: Int
}

/// A view of a storage, unchecked.
struct PickleTensor: Sendable, Equatable {
  /// Its number in `PickleObjects.storages`.
  let storage: Int
  let elementType: ElementType
  /// In elements, as the strides are.
  let offset: Int
  let shape: [Int]
  let strides: [Int]
}

/// All objects that a pickle made, in a bounded amount of memory.
struct PickleObjects {
  /// Of lists, tuples and dictionaries.
  private(set) var containers: [[PickleValue]] = []
  private(set) var globals: [PickleGlobal] = []
  private(set) var storages: [PickleStorage] = []
  private(set) var tensors: [PickleTensor] = []
  /// References between objects, that is, elements of all containers.
  private(set) var references = 0
  /// What may still be made, in units of about 16 bytes.
  private var allowance: Int

  /// - Parameter fileSize: objects may take a few times as many bytes, and some tens of megabytes in any case.
  init(fileSize: Int) {
    allowance = 1 << 20 + fileSize / 4
  }

  /// Takes units of the allowance; false where it is used up.
  mutating func take(_ units: Int) -> Bool {
    allowance -= units
    return allowance >= 0
  }

  mutating func add(_ elements: [PickleValue]) -> Int {
    containers.append(elements)
    references += elements.count
    return containers.count - 1
  }

  mutating func add(_ global: PickleGlobal) -> Int {
    globals.append(global)
    return globals.count - 1
  }

  mutating func add(_ storage: PickleStorage) -> Int {
    storages.append(storage)
    return storages.count - 1
  }

  mutating func add(_ tensor: PickleTensor) -> Int {
    tensors.append(tensor)
    return tensors.count - 1
  }

  mutating func append(_ elements: ArraySlice<PickleValue>, to container: Int) {
    containers[container].append(contentsOf: elements)
    references += elements.count
  }
}
