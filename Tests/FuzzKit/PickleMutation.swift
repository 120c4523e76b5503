/// Changes to a pickle that leave it a sequence of opcodes.
struct PickleMutation {
  let bytes = ByteMutation(words: [
    "ctorch\nFloatStorage\n", "cos\nsystem\n", "(", ")", "t", "R", "Q", "}", "]", "u", ".", "q\0", "h\0", "2", "0", "\n",
  ])

  private static let globals = [
    ("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_tensor"), ("torch._utils", "_rebuild_tensor_v3"),
    ("torch._utils", "_rebuild_parameter"), ("torch", "FloatStorage"), ("torch", "DoubleStorage"), ("torch", "ByteStorage"),
    ("torch.storage", "UntypedStorage"), ("torch", "float64"), ("torch", "Size"), ("collections", "OrderedDict"),
    ("collections", "defaultdict"), ("builtins", "dict"), ("numpy", "dtype"), ("omegaconf", "DictConfig"), ("os", "system"),
  ]

  func apply(to steps: inout [PickleStep], _ random: inout FuzzRandom) {
    guard !steps.isEmpty else { return }
    // The opcodes' order is what makes a pickle, so most changes leave it as it is.
    switch random.below(13) {
    case 0: rearrange(&steps, &random)
    case 1: steps.insert(step(&random), at: random.place(in: steps.count))
    case 2: steps[random.below(steps.count)] = step(&random)
    case 3: steps.insert(contentsOf: harmless(&random), at: random.below(steps.count))
    case 4: nest(&steps, &random)
    case 5: share(&steps, &random)
    case 6: restride(&steps, &random)
    default: change(&steps, &random)
    }
  }

  /// Another number, text or name in the place of one.
  private func change(_ steps: inout [PickleStep], _ random: inout FuzzRandom) {
    let places = steps.indices.filter {
      switch steps[$0] {
      case .integer, .text, .global: true
      default: false
      }
    }
    guard !places.isEmpty else { return }
    let place = random.pick(places)
    switch steps[place] {
    case .integer:
      steps[place] = .integer(random.once(in: 2) ? Int64(random.below(8)) : Int64(bitPattern: random.awkwardInteger()))
    case .text(var text):
      if random.once(in: 2) {
        text = Array(random.pick(["storage", "0", "1", "2", "99", "cpu", "", "a.b", "\u{e9}"]).utf8)
      } else {
        bytes.apply(to: &text, &random)
      }
      steps[place] = .text(text)
    default:
      let (module, name) = random.pick(Self.globals)
      steps[place] = .global(module, name)
    }
  }

  /// Dimensions of one element or none, which may have any stride, and whatever else a view may be.
  private func restride(_ steps: inout [PickleStep], _ random: inout FuzzRandom) {
    let views = steps.indices.compactMap { start -> (shape: Range<Int>, strides: Range<Int>)? in
      guard let shape = integers(in: steps, at: start), let strides = integers(in: steps, at: shape.upperBound + 1),
        shape.count == strides.count
      else { return nil }
      return (shape, strides)
    }
    guard !views.isEmpty else { return }
    let view = random.pick(views)
    for (dimension, stride) in zip(view.shape, view.strides) {
      let awkward = PickleStep.integer(Int64(bitPattern: random.awkwardInteger() & 0x7fff_ffff_ffff_ffff))
      switch random.below(6) {
      case 0, 1: (steps[dimension], steps[stride]) = (.integer(1), awkward)
      case 2: (steps[dimension], steps[stride]) = (.integer(0), awkward)
      case 3: (steps[dimension], steps[stride]) = (awkward, .integer(0))
      case 4: steps[stride] = .integer(Int64(random.below(4)))
      default: break
      }
    }
  }

  /// Where the integers of a tuple that begins at `start` stand; nil if there is no such tuple, or an empty one.
  private func integers(in steps: [PickleStep], at start: Int) -> Range<Int>? {
    guard start < steps.count, case .raw(UInt8(ascii: "("), _) = steps[start] else { return nil }
    let end = steps[(start + 1)...].firstIndex { if case .integer = $0 { false } else { true } }
    guard let end, end > start + 1, case .raw(UInt8(ascii: "t"), _) = steps[end] else { return nil }
    return start + 1..<end
  }

  private func step(_ random: inout FuzzRandom) -> PickleStep {
    switch random.below(8) {
    case 0: return .integer(Int64(bitPattern: random.awkwardInteger()))
    case 1: return .text("0")
    case 2:
      let (module, name) = random.pick(Self.globals)
      return .global(module, name)
    case 3: return .put(UInt32(random.below(4)))
    case 4: return .get(UInt32(random.below(4)))
    case 5: return .raw(UInt8(random.below(256)), random.bytes(random.below(9)))
    default:
      return .raw(
        random.pick(
          Array("(.012N]})latuesbRQoid".utf8) + [0x81, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8f, 0x90, 0x91, 0x92, 0x93, 0x94]))
    }
  }

  /// Steps that leave the stack as it was.
  private func harmless(_ random: inout FuzzRandom) -> [PickleStep] {
    let drop = PickleStep.raw(UInt8(ascii: "0"))
    let times = random.once(in: 16) ? 5000 : 1 + random.below(20)
    let part: [PickleStep] = random.pick([
      [.text("text"), drop], [.emptyList, drop], [.integer(1), .raw(UInt8(ascii: "2")), drop, drop],
      [.mark, .emptyDictionary, .raw(UInt8(ascii: "1"))], [.emptyList, .put(3), .get(3), .append, drop],
      [.raw(0x8f), drop], [.raw(0x95, random.bytes(8))], [.raw(0x8b, littleEndianBytes(Int32(4)) + random.bytes(4)), drop],
      [.global("collections", "OrderedDict"), .emptyTuple, .reduce, drop],
      [.global("omegaconf", "DictConfig"), .emptyTuple, .raw(0x81), .emptyDictionary, .raw(UInt8(ascii: "b")), drop],
    ])
    return Array(repeatElement(part, count: times).joined())
  }

  /// Puts the object into containers one within another.
  private func nest(_ steps: inout [PickleStep], _ random: inout FuzzRandom) {
    let depth = random.once(in: 4) ? 3000 : 1 + random.below(120)
    let isTuple = random.once(in: 2)
    let opening = Array(repeating: isTuple ? PickleStep.mark : .emptyList, count: depth)
    let closing = Array(repeating: isTuple ? PickleStep.tuple : .append, count: depth)
    steps = opening + steps.dropLast() + closing + [.stop]
  }

  /// Puts the object into a dictionary twice, that one into another twice, and so on: a small file with no end of ways.
  private func share(_ steps: inout [PickleStep], _ random: inout FuzzRandom) {
    let key = String(repeating: "k", count: random.once(in: 4) ? 1 + random.below(3000) : 1 + random.below(9))
    var shared = Array(steps.dropLast())
    for level in 0..<UInt32(random.once(in: 32) ? 24 : 1 + random.below(8)) {
      shared += [.put(1000 + level), .raw(UInt8(ascii: "0")), .emptyDictionary, .mark]
      shared += [.text(key + "a"), .get(1000 + level), .text(key + "b"), .get(1000 + level), .setItems]
    }
    steps = shared + [.stop]
  }
}
