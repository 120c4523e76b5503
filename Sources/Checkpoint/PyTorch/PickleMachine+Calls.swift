// What a pickle's names and calls mean.
extension PickleMachine {
  /// The most dimensions of a tensor, PyTorch's own limit.
  private static let dimensionLimit = 64

  mutating func global(_ module: PickleText, _ name: PickleText) throws(CheckpointError) -> PickleValue {
    let (module, name) = (try reader.name(module), try reader.name(name))
    try charge(8 + (module.utf8.count + name.utf8.count) / 16)
    return .global(objects.add(PickleGlobal(name: module + "." + name, meaning: PickleMeaning(module: module, name: name))))
  }

  /// The storage that a tuple ("storage", type, key, device, count, …) names.
  mutating func persistent(_ identifier: PickleValue) throws(CheckpointError) -> PickleValue {
    let parts = try elements(of: identifier)
    guard parts.count >= 5, case .text(let tag) = parts[0], try reader.name(tag) == "storage", case .global(let type) = parts[1],
      case .text(let key) = parts[2], case .int(let count) = parts[4]
    else { throw reader.failure("the identifier of a storage", "another object") }
    guard case .storage(let elementType) = objects.globals[type].meaning else {
      throw reader.failure("a storage of floats, integers or truth values", objects.globals[type].name)
    }
    guard parts.count == 5 || parts[5] == .nothing else { throw reader.failure("a whole storage", "a view of another one") }
    let name = try reader.name(key)
    try charge(6 + name.utf8.count / 16)
    return .storage(objects.add(PickleStorage(key: name, elementType: elementType, count: count)))
  }

  /// The result of calling something with a tuple of arguments.
  mutating func call(_ callable: PickleValue, _ arguments: PickleValue) throws(CheckpointError) -> PickleValue {
    guard case .global(let index) = callable else {
      if case .inert = callable {
        throw .forbiddenCallable(file: reader.file, callable: "an object that the file makes itself")
      }
      throw reader.failure("a function to call", "another object")
    }
    let global = objects.globals[index]
    let arguments = try elements(of: arguments)
    switch global.meaning {
    case .rebuildTensor, .rebuildTypedTensor: return try tensor(arguments, isTyped: global.meaning == .rebuildTypedTensor)
    case .rebuildParameter:
      guard case .tensor? = arguments.first else { throw reader.failure("a parameter's tensor", "another object") }
      return arguments[0]
    case .shape:
      guard arguments.count == 1, case .tuple = arguments[0] else { throw reader.failure("a shape", "another object") }
      return arguments[0]
    case .dictionary: return try dictionary(arguments)
    case .inertCall: return .inert
    case .storage, .elementType, .unknown: throw .forbiddenCallable(file: reader.file, callable: global.name)
    }
  }

  /// A new object of a class: a dictionary if that's what it is, otherwise one that nothing is known of, since no code is run to
  /// make it.
  mutating func newObject(_ type: PickleValue) throws(CheckpointError) -> PickleValue {
    guard case .global(let index) = type else { throw reader.failure("a class", "another object") }
    return objects.globals[index].meaning == .dictionary ? .dictionary(try container([])) : .inert
  }

  /// A dictionary of no arguments, of a default's type, or, from Python 2, of a list of keys with values.
  private mutating func dictionary(_ arguments: [PickleValue]) throws(CheckpointError) -> PickleValue {
    guard case .list(let pairs)? = arguments.first else { return .dictionary(try container([])) }
    // Charged first: one list may be the argument of many calls.
    try charge(3 * objects.containers[pairs].count)
    var contents: [PickleValue] = []
    for pair in objects.containers[pairs] {
      let parts = try elements(of: pair)
      guard parts.count == 2 else { throw reader.failure("keys with values", "other objects") }
      contents += parts
    }
    return .dictionary(try container(contents))
  }

  private mutating func tensor(_ arguments: [PickleValue], isTyped: Bool) throws(CheckpointError) -> PickleValue {
    guard arguments.count >= (isTyped ? 7 : 4), case .storage(let storage) = arguments[0] else {
      throw reader.failure("a storage, an offset, a shape and strides", "other arguments")
    }
    var elementType = objects.storages[storage].elementType
    if isTyped, case .global(let type) = arguments[6], case .elementType(let named) = objects.globals[type].meaning {
      elementType = named
    }
    guard let elementType else { throw reader.failure("the type of a tensor's elements", "none that is known") }
    let (shape, strides) = (try integers(in: arguments[2]), try integers(in: arguments[3]))
    guard shape.count == strides.count else {
      throw reader.failure("a stride for each dimension", "\(strides.count) for \(shape.count)")
    }
    try charge(8 + shape.count)
    return .tensor(
      objects.add(
        PickleTensor(
          storage: storage, elementType: elementType, offset: try integer(arguments[1]), shape: shape, strides: strides)))
  }

  private func integers(in value: PickleValue) throws(CheckpointError) -> [Int] {
    let values = try elements(of: value)
    guard values.count <= Self.dimensionLimit else {
      throw reader.failure("at most \(Self.dimensionLimit) dimensions", "\(values.count)")
    }
    var result: [Int] = []
    for value in values { result.append(try integer(value)) }
    return result
  }

  private func integer(_ value: PickleValue) throws(CheckpointError) -> Int {
    switch value {
    case .int(let integer): return integer
    case .largeInt: throw .overflow(file: reader.file, what: "the shape, strides or offset of a tensor")
    default: throw reader.failure("an integer", "another object")
    }
  }

  /// The elements of a tuple, or of a list where PyTorch takes one for a tuple.
  private func elements(of value: PickleValue) throws(CheckpointError) -> [PickleValue] {
    switch value {
    case .tuple(let index), .list(let index): return objects.containers[index]
    default: throw reader.failure("a tuple", "another object")
    }
  }
}
