/// A pickle's opcodes (CPython's `Lib/pickletools.py`), kept apart from their encoding so that lengths stay right.
enum PickleStep {
  /// An opcode and whatever follows it.
  case raw(UInt8, [UInt8] = [])
  case text([UInt8])
  case integer(Int64)
  case global(String, String)
  case put(UInt32)
  case get(UInt32)

  static let mark = PickleStep.raw(UInt8(ascii: "("))
  static let tuple = PickleStep.raw(UInt8(ascii: "t"))
  static let reduce = PickleStep.raw(UInt8(ascii: "R"))
  static let emptyTuple = PickleStep.raw(UInt8(ascii: ")"))
  static let emptyDictionary = PickleStep.raw(UInt8(ascii: "}"))
  static let emptyList = PickleStep.raw(UInt8(ascii: "]"))
  static let setItems = PickleStep.raw(UInt8(ascii: "u"))
  static let append = PickleStep.raw(UInt8(ascii: "a"))
  static let persistent = PickleStep.raw(UInt8(ascii: "Q"))
  static let stop = PickleStep.raw(UInt8(ascii: "."))
  static let protocol2 = PickleStep.raw(0x80, [2])

  static func text(_ text: String) -> PickleStep { .text(Array(text.utf8)) }

  var bytes: [UInt8] {
    switch self {
    case .raw(let opcode, let argument): [opcode] + argument
    case .text(let text): [UInt8(ascii: "X")] + littleEndianBytes(UInt32(text.count)) + text
    case .integer(let value):
      switch value {
      case 0...0xff: [UInt8(ascii: "K"), UInt8(value)]
      case 0x100...0xffff: [UInt8(ascii: "M")] + littleEndianBytes(UInt16(value))
      case -0x8000_0000...0x7fff_ffff: [UInt8(ascii: "J")] + littleEndianBytes(Int32(value))
      default: [0x8a, 8] + littleEndianBytes(value)
      }
    case .global(let module, let name): Array("c\(module)\n\(name)\n".utf8)
    case .put(let key): key < 256 ? [UInt8(ascii: "q"), UInt8(key)] : [UInt8(ascii: "r")] + littleEndianBytes(key)
    case .get(let key): key < 256 ? [UInt8(ascii: "h"), UInt8(key)] : [UInt8(ascii: "j")] + littleEndianBytes(key)
    }
  }
}

extension [PickleStep] {
  var bytes: [UInt8] { flatMap(\.bytes) }

  static func tuple(_ elements: [PickleStep]) -> [PickleStep] { [.mark] + elements + [.tuple] }

  static func dictionary(_ members: [(key: String, value: [PickleStep])]) -> [PickleStep] {
    [.emptyDictionary, .mark] + members.flatMap { [.text($0.key)] + $0.value } + [.setItems]
  }
}

/// What `torch.save` writes for some random tensors.
struct TorchAssembly {
  private struct Storage {
    let type: String
    let size: Int
    let count: Int
  }

  private var storages: [Storage] = []
  private(set) var steps: [PickleStep] = []

  /// A dictionary of tensors, some in dictionaries and lists of their own, some sharing a storage.
  init(_ random: inout FuzzRandom) {
    var members: [(key: String, value: [PickleStep])] = []
    for index in 0..<1 + random.below(4) { members.append(("layer.\(index)", tensor(&random))) }
    members.append(("epoch", [.integer(Int64(random.below(1000)))]))
    if random.once(in: 3) {
      members = [
        ("state_dict", .dictionary(members)), ("ema", [.emptyList, .mark] + tensor(&random) + [.raw(UInt8(ascii: "e"))]),
      ]
    }
    steps = [.protocol2] + .dictionary(members) + [.stop]
  }

  var storageCount: Int { storages.count }

  /// The elements of a storage, as bytes.
  func content(of storage: Int, _ random: inout FuzzRandom) -> [UInt8] {
    random.bytes(storages[storage].count * storages[storage].size)
  }

  func elementCount(of storage: Int) -> Int { storages[storage].count }

  private mutating func tensor(_ random: inout FuzzRandom) -> [PickleStep] {
    let shape = (0..<random.below(4)).map { _ in 1 + random.below(6) }
    let count = shape.reduce(1, *)
    if storages.isEmpty || !random.once(in: 4) {
      let (type, size) = random.pick([
        ("Float", 4), ("Half", 2), ("BFloat16", 2), ("Double", 8), ("Long", 8), ("Int", 4), ("Byte", 1), ("Bool", 1),
      ])
      storages.append(Storage(type: type, size: size, count: count + random.below(3)))
    }
    let place = storages.indices.last { storages[$0].count >= count } ?? storages.count - 1
    let storage = storages[place]
    let strides = shape.indices.map { shape[($0 + 1)...].reduce(1, *) }
    if random.once(in: 4) {
      let order = shape.indices.shuffled(using: &random)
      return view(place, storage, order.map { shape[$0] }, order.map { strides[$0] })
    }
    return view(place, storage, shape, strides)
  }

  private func view(_ place: Int, _ storage: Storage, _ shape: [Int], _ strides: [Int]) -> [PickleStep] {
    let identifier: [PickleStep] =
      [.mark, .text("storage"), .global("torch", storage.type + "Storage"), .text("\(place)"), .text("cpu")]
      + [.integer(Int64(storage.count)), .tuple, .persistent]
    let numbers = { (values: [Int]) in [PickleStep].tuple(values.map { .integer(Int64($0)) }) }
    return [.global("torch._utils", "_rebuild_tensor_v2"), .mark] + identifier + [.integer(0)] + numbers(shape)
      + numbers(strides) + [.raw(0x89), .global("collections", "OrderedDict"), .emptyTuple, .reduce, .tuple, .reduce]
  }
}
