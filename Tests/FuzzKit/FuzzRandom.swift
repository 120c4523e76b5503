import Tensor

/// The draws for one mutant, a function of the run's seed and the mutant's index alone: any mutant can be made again by itself.
package struct FuzzRandom: RandomNumberGenerator {
  private let philox: Philox
  private let index: UInt64
  private var block: UInt32 = 0
  private var unused: UInt64?

  package init(seed: UInt64, index: Int) {
    philox = Philox(seed: seed)
    self.index = UInt64(truncatingIfNeeded: index)
  }

  package mutating func next() -> UInt64 {
    if let word = unused {
      unused = nil
      return word
    }
    let words = philox.words(
      SIMD4(UInt32(truncatingIfNeeded: index), UInt32(truncatingIfNeeded: index >> 32), block, 0))
    block += 1
    unused = UInt64(words.z) << 32 | UInt64(words.w)
    return UInt64(words.x) << 32 | UInt64(words.y)
  }

  /// A number in `0..<bound`; 0 for a bound below 1.
  mutating func below(_ bound: Int) -> Int { bound > 1 ? Int(next() % UInt64(bound)) : 0 }

  /// True once in `times`.
  mutating func once(in times: Int) -> Bool { below(times) == 0 }

  mutating func pick<Choices: RandomAccessCollection>(_ choices: Choices) -> Choices.Element where Choices.Index == Int {
    choices[choices.startIndex + below(choices.count)]
  }

  /// A position among `count` elements, or behind the last one.
  mutating func place(in count: Int) -> Int { below(count + 1) }

  /// A non-empty range of at most `longest` of `count` elements; empty if there are none.
  mutating func range(in count: Int, longest: Int) -> Range<Int> {
    guard count > 0 else { return 0..<0 }
    let start = below(count)
    return start..<min(count, start + 1 + below(longest))
  }

  /// A number that readers get wrong: around 0, around powers of two, or any.
  mutating func awkwardInteger() -> UInt64 {
    switch below(8) {
    case 0: UInt64(below(4))
    case 1: UInt64(below(300))
    case 2: UInt64(bitPattern: -Int64(1 + below(4)))
    case 3: (UInt64(1) << UInt64(below(64))) &- UInt64(below(3))
    case 4: (UInt64(1) << UInt64(below(64))) &+ UInt64(below(3))
    case 5: pick(Self.limits)
    case 6: next() >> UInt64(below(64))
    default: UInt64(below(1 << 16))
    }
  }

  mutating func bytes(_ count: Int) -> [UInt8] { (0..<max(0, count)).map { _ in UInt8(truncatingIfNeeded: next()) } }

  private static let limits: [UInt64] = [
    0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x1_0000_0000, 0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000, 0x4000_0000_0000_0000, 0x2000_0000_0000_0000, 0x1fff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff,
  ]
}
