/// Finds the tensors in nested dictionaries, lists and tuples, and names each by the way to it.
///
/// The way is kept in arrays, not on the call stack, and its depth, the number of steps and the length of all names are bounded:
/// a few containers that hold one another make no end of ways.
struct TensorWalk {
  /// How deep containers may lie in one another.
  static let depthLimit = 100
  /// The name of a tensor that is the file's one and only object.
  static let bareName = "tensor"
  /// The most bytes of all names together.
  private static let nameLimit = 1 << 24

  /// Names and numbers of tensors, in the order of the file.
  private(set) var found: [(name: String, tensor: Int)] = []
  /// How many tensors the pickle makes that have no name: those in objects, in sets and under keys that aren't plain.
  var unnamedCount: Int { isNamed.count { !$0 } }

  private let objects: PickleObjects
  private let reader: PickleReader
  private var known: [String: Int] = [:]
  private var isNamed: [Bool]
  private var path: [Step] = []
  private var stepsLeft: Int
  private var nameBytesLeft = Self.nameLimit

  /// A container being searched.
  fileprivate struct Step {
    let elements: [PickleValue]
    let isDictionary: Bool
    /// The next element to look at; of a dictionary the next key.
    var next = 0
    /// What the element being looked at is called.
    var key = PickleValue.nothing
  }

  /// - Throws: `CheckpointError.tooDeep`, `.duplicateKey` for two tensors of one name, `.malformedPickle` for too many ways.
  init(_ root: PickleValue, in objects: PickleObjects, reader: PickleReader) throws(CheckpointError) {
    self.objects = objects
    self.reader = reader
    stepsLeft = 1 << 20 + 8 * objects.references
    isNamed = [Bool](repeating: false, count: objects.tensors.count)
    if case .tensor(let index) = root {
      found = [(Self.bareName, index)]
      isNamed[index] = true
    }
    try enter(root)
    while let last = path.indices.last {
      guard let value = path[last].advance() else {
        path.removeLast()
        continue
      }
      try take(1)
      if case .tensor(let index) = value { try note(index) }
      try enter(value)
    }
  }

  private mutating func enter(_ value: PickleValue) throws(CheckpointError) {
    let step: Step
    switch value {
    case .list(let index), .tuple(let index): step = Step(elements: objects.containers[index], isDictionary: false)
    case .dictionary(let index): step = Step(elements: objects.containers[index], isDictionary: true)
    default: return
    }
    guard path.count < Self.depthLimit else { throw .tooDeep(file: reader.file, limit: Self.depthLimit) }
    path.append(step)
  }

  private mutating func take(_ steps: Int) throws(CheckpointError) {
    stepsLeft -= steps
    guard stepsLeft >= 0 else {
      throw reader.failure("fewer ways to the objects of a pickle", "containers shared over and over")
    }
  }

  private mutating func note(_ tensor: Int) throws(CheckpointError) {
    // A name takes about as long to make as the way to it is.
    try take(path.count)
    var parts: [String] = []
    for step in path {
      guard let part = try name(step.key) else { return }
      nameBytesLeft -= part.utf8.count + 1
      guard nameBytesLeft >= 0 else { throw reader.failure("names of at most \(Self.nameLimit) bytes together", "more") }
      parts.append(part)
    }
    let name = parts.joined(separator: ".")
    isNamed[tensor] = true
    if let other = known.updateValue(tensor, forKey: name) {
      guard objects.tensors[other] == objects.tensors[tensor] else { throw .duplicateKey(file: reader.file, key: name) }
      return
    }
    found.append((name, tensor))
  }

  /// A key as part of a name; nil for one that has no plain text, such as a class.
  private func name(_ key: PickleValue) throws(CheckpointError) -> String? {
    switch key {
    case .text(let text): try reader.string(text)
    case .int(let value): String(value)
    case .double(let value): String(value)
    case .bool(let value): value ? "True" : "False"
    case .nothing: "None"
    default: nil
    }
  }
}

extension TensorWalk.Step {
  /// The next element, after which `key` is what it's called; nil at the end.
  fileprivate mutating func advance() -> PickleValue? {
    guard next < elements.count else { return nil }
    defer { next += isDictionary ? 2 : 1 }
    key = isDictionary ? elements[next] : .int(next)
    return elements[isDictionary ? next + 1 : next]
  }
}
