/// Carries out a pickle's opcodes on values that hold nothing but numbers, texts and descriptions of tensors.
///
/// Nothing is imported or called: a global is a name with or without a meaning here (`PickleMeaning`), and calling one that has
/// none is refused. Of protocols 0 to 5 it knows the opcodes that Python's pickler writes from protocol 2 on.
///
/// Source: the opcodes' definitions in CPython's `Lib/pickletools.py`.
struct PickleMachine {
  private(set) var reader: PickleReader
  var objects: PickleObjects
  private var stack: [PickleValue] = []
  /// The stack's height at each open mark.
  private var marks: [Int] = []
  private var memo: [UInt32: PickleValue] = [:]

  /// - Parameters:
  ///   - bytes: the pickle, and whatever follows it.
  ///   - fileSize: how much memory is proportionate.
  init(_ bytes: UnsafeRawBufferPointer, file: String, fileSize: Int) {
    reader = PickleReader(bytes, file: file)
    objects = PickleObjects(fileSize: fileSize)
  }

  /// Runs to the opcode STOP and returns the value that is left.
  ///
  /// - Throws: `CheckpointError.malformedPickle`, `.forbiddenCallable`, `.overflow`.
  mutating func run() throws(CheckpointError) -> PickleValue {
    while true {
      let opcode = try reader.opcode()
      if opcode == UInt8(ascii: ".") { break }
      if let constant = try constant(opcode) {
        try push(constant)
      } else if try !build(opcode), try !combine(opcode) {
        throw reader.failure("an opcode that PyTorch's files use", "0x" + String(opcode, radix: 16))
      }
    }
    let result = try pop()
    guard stack.isEmpty, marks.isEmpty else {
      throw reader.failure("one object at the end", "\(stack.count) more and \(marks.count) open marks")
    }
    return result
  }

  /// The value of an opcode that only pushes what it holds; nil for others.
  private mutating func constant(_ opcode: UInt8) throws(CheckpointError) -> PickleValue? {
    switch UnicodeScalar(opcode) {
    case "N": .nothing
    case "\u{88}": .bool(true)
    case "\u{89}": .bool(false)
    case "J": .int(Int(try reader.number(Int32.self)))
    case "K": .int(Int(try reader.number(UInt8.self)))
    case "M": .int(Int(try reader.number(UInt16.self)))
    case "\u{8a}": integer(try reader.counted(by: UInt8.self))
    case "\u{8b}": integer(try reader.counted(by: Int32.self))
    case "I": decimal(try reader.line())
    case "G": .double(Double(bitPattern: try reader.number(UInt64.self).byteSwapped))
    case "X": .text(try reader.counted(by: UInt32.self))
    case "\u{8c}": .text(try reader.counted(by: UInt8.self))
    case "\u{8d}": .text(try reader.counted(by: UInt64.self))
    case "U": .text(try reader.counted(by: UInt8.self))
    case "T": .text(try reader.counted(by: Int32.self))
    case "S": inert(try reader.line())
    case "C": inert(try reader.counted(by: UInt8.self))
    case "B": inert(try reader.counted(by: UInt32.self))
    case "\u{8e}", "\u{96}": inert(try reader.counted(by: UInt64.self))
    case "\u{8f}": .inert
    case ")": .tuple(try container([]))
    case "]": .list(try container([]))
    case "}": .dictionary(try container([]))
    default: nil
    }
  }

  /// Opcodes that change containers, the stack or the memo; false for others.
  private mutating func build(_ opcode: UInt8) throws(CheckpointError) -> Bool {
    switch UnicodeScalar(opcode) {
    case "\u{80}":
      let version = try reader.number(UInt8.self)
      guard version <= 5 else { throw reader.failure("a pickle of protocol 0 to 5", "protocol \(version)") }
    case "\u{95}": _ = try reader.number(UInt64.self)
    case "(":
      try charge(1)
      marks.append(stack.count)
    case "0": _ = try pop()
    case "1": _ = try popToMark()
    case "2":
      let top = try pop()
      try push(top)
      try push(top)
    case "q": try remember(as: UInt32(try reader.number(UInt8.self)))
    case "r": try remember(as: try reader.number(UInt32.self))
    case "\u{94}": try remember(as: UInt32(memo.count))
    case "h": try push(try recall(UInt32(try reader.number(UInt8.self))))
    case "j": try push(try recall(try reader.number(UInt32.self)))
    case "t": try push(.tuple(try container(try popToMark())))
    case "\u{85}": try push(.tuple(try container(try pop(count: 1))))
    case "\u{86}": try push(.tuple(try container(try pop(count: 2))))
    case "\u{87}": try push(.tuple(try container(try pop(count: 3))))
    case "a": try extend(try pop(count: 1), isDictionary: false)
    case "e": try extend(try popToMark(), isDictionary: false)
    case "s": try extend(try pop(count: 2), isDictionary: true)
    case "u": try extend(try popToMark(), isDictionary: true)
    case "\u{90}":
      _ = try popToMark()
      guard case .inert = try pop() else { throw reader.failure("a set to add to", "another object") }
      try push(.inert)
    case "\u{91}":
      _ = try popToMark()
      try push(.inert)
    default: return false
    }
    return true
  }

  /// Opcodes that name something or make an object of other objects; false for others.
  private mutating func combine(_ opcode: UInt8) throws(CheckpointError) -> Bool {
    switch UnicodeScalar(opcode) {
    case "c":
      let (module, name) = (try reader.line(), try reader.line())
      try push(try global(module, name))
    case "\u{93}":
      guard case .text(let name) = try pop(), case .text(let module) = try pop() else {
        throw reader.failure("a module and a name", "other objects")
      }
      try push(try global(module, name))
    case "Q": try push(try persistent(try pop()))
    case "R":
      let arguments = try pop()
      try push(try call(try pop(), arguments))
    case "\u{81}":
      _ = try pop()
      try push(try newObject(try pop()))
    case "\u{92}":
      _ = try pop(count: 2)
      try push(try newObject(try pop()))
    case "b":
      // An object's attributes go with it: a tensor among them is counted and has no name (see `TensorWalk.unnamedCount`).
      _ = try pop()
      try push(try pop())
    case "i":
      let (module, name) = (try reader.line(), try reader.line())
      throw .forbiddenCallable(file: reader.file, callable: try reader.name(module) + "." + (try reader.name(name)))
    case "o":
      guard case .global(let index)? = try popToMark().first else { throw reader.failure("a class", "another object") }
      throw .forbiddenCallable(file: reader.file, callable: objects.globals[index].name)
    default: return false
    }
    return true
  }
}

// The stack, the memo and the allowance.
extension PickleMachine {
  /// Takes units of about 16 bytes of the memory that the pickle may fill.
  mutating func charge(_ units: Int) throws(CheckpointError) {
    guard objects.take(units) else {
      throw reader.failure("no more objects than a checkpoint of this size needs", "too many")
    }
  }

  /// A new container.
  mutating func container(_ elements: some Collection<PickleValue>) throws(CheckpointError) -> Int {
    try charge(4 + elements.count)
    return objects.add(Array(elements))
  }

  private mutating func push(_ value: PickleValue) throws(CheckpointError) {
    try charge(1)
    stack.append(value)
  }

  /// The topmost value above the last mark.
  private mutating func pop() throws(CheckpointError) -> PickleValue {
    guard stack.count > marks.last ?? 0, let value = stack.popLast() else {
      throw reader.failure("an object on the stack", "none")
    }
    return value
  }

  private mutating func pop(count: Int) throws(CheckpointError) -> [PickleValue] {
    guard stack.count - count >= marks.last ?? 0 else { throw reader.failure("\(count) objects on the stack", "fewer") }
    defer { stack.removeLast(count) }
    return Array(stack.suffix(count))
  }

  /// The values above the last mark, which goes with them.
  private mutating func popToMark() throws(CheckpointError) -> [PickleValue] {
    guard let mark = marks.popLast() else { throw reader.failure("a mark on the stack", "none") }
    defer { stack.removeSubrange(mark...) }
    return Array(stack[mark...])
  }

  private mutating func remember(as key: UInt32) throws(CheckpointError) {
    guard stack.count > marks.last ?? 0, let top = stack.last else { throw reader.failure("an object to remember", "none") }
    try charge(2)
    memo[key] = top
  }

  private func recall(_ key: UInt32) throws(CheckpointError) -> PickleValue {
    guard let value = memo[key] else { throw reader.failure("an object remembered as \(key)", "none") }
    return value
  }

  /// Adds to the list or dictionary on the stack, or to an object that nothing is known of.
  private mutating func extend(_ elements: [PickleValue], isDictionary: Bool) throws(CheckpointError) {
    guard !isDictionary || elements.count % 2 == 0 else { throw reader.failure("keys with values", "a key without") }
    let target = try pop()
    switch target {
    case .dictionary(let index) where isDictionary, .list(let index) where !isDictionary:
      try charge(elements.count)
      objects.append(elements[...], to: index)
    case .inert: break
    default: throw reader.failure(isDictionary ? "a dictionary to add to" : "a list to add to", "another object")
    }
    try push(target)
  }

  private func inert(_ bytes: PickleText) -> PickleValue { .inert }

  /// An integer in two's complement, little-endian, of any length.
  private func integer(_ text: PickleText) -> PickleValue {
    guard text.count <= 8 else { return .largeInt(text) }
    let bytes = reader.bytes[text.range]
    let magnitude = bytes.reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
    let unused = 64 - 8 * UInt64(text.count)
    return .int(text.count == 0 ? 0 : Int(Int64(bitPattern: magnitude << unused) >> Int64(unused)))
  }

  /// An integer in digits, as Python 2 writes those beyond 32 bits; `00` and `01` are truth values.
  private func decimal(_ text: PickleText) -> PickleValue {
    let digits = String(decoding: reader.bytes[text.range], as: UTF8.self)
    if digits == "00" || digits == "01" { return .bool(digits == "01") }
    return Int(digits).map { .int($0) } ?? .largeInt(text)
  }
}
