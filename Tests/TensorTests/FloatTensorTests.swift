import Tensor
import Testing

@Suite struct FloatTensorTests {
  /// Foreign memory that tells when it is let go of.
  private final class Owner: Sendable {
    nonisolated(unsafe) let memory: UnsafeMutablePointer<Float>
    let onRelease: @Sendable () -> Void

    init(_ values: [Float], onRelease: @escaping @Sendable () -> Void = {}) {
      memory = .allocate(capacity: values.count)
      memory.initialize(from: values, count: values.count)
      self.onRelease = onRelease
    }

    deinit {
      memory.deallocate()
      onRelease()
    }
  }

  @Test func copiesAreIndependentOnceWritten() {
    let original = FloatTensor([1, 2, 3, 4], shape: [2, 2])
    var copy = original
    #expect(copy.base == original.base)
    copy[1, 0] = 9
    #expect(original.values == [1, 2, 3, 4] && copy.values == [1, 2, 9, 4])
    let address = copy.base
    copy.withUnsafeMutableBufferPointer { $0[0] = 7 }
    #expect(copy.values == [7, 2, 9, 4] && copy.base == address, "sole holder of its memory, written in place")
  }

  @Test func reshapedSharesUntilWritten() {
    let original = FloatTensor([1, 2, 3, 4, 5, 6], shape: [2, 3])
    var reshaped = original.reshaped([3, 1, 2])
    #expect(reshaped.shape == [3, 1, 2] && reshaped.base == original.base && reshaped[2, 0, 1] == 6)
    reshaped[0, 0, 0] = -1
    #expect(original[0, 0] == 1 && original.shape == [2, 3])
  }

  @Test func viewIsCopiedWhenWrittenAndKeepsItsOwner() {
    nonisolated(unsafe) var released = false
    func makeView() -> (view: FloatTensor, memory: UnsafeMutablePointer<Float>) {
      let owner = Owner([1, 2, 3]) { released = true }
      return (FloatTensor(borrowing: UnsafePointer(owner.memory), shape: [3], owner: owner), owner.memory)
    }
    var (view, memory) = makeView()
    #expect(view.base == UnsafePointer(memory) && view.values == [1, 2, 3] && !released)
    let kept = view
    view[1] = 8
    #expect(view.values == [1, 8, 3] && kept.values == [1, 2, 3] && memory[1] == 2)
    #expect(!released)
    keepAlive(kept)
  }

  @Test func ownerIsLetGoWithTheLastView() {
    nonisolated(unsafe) var released = false
    do {
      let owner = Owner([1, 2]) { released = true }
      let view = FloatTensor(borrowing: UnsafePointer(owner.memory), shape: [2], owner: owner)
      keepAlive(view)
    }
    #expect(released)
  }

  @Test(arguments: [0, 1, 63, 64, 65, 1000, 100_003]) func ownedMemoryIsAligned(count: Int) {
    var tensor = FloatTensor(zeros: [count])
    #expect(UInt(bitPattern: tensor.base) % 64 == 0)
    #expect(tensor.values == [Float](repeating: 0, count: count))
    let owner = Owner([Float](repeating: 2, count: count + 1))
    tensor = FloatTensor(borrowing: owner.memory + 1, shape: [count], owner: owner)
    #expect(UInt(bitPattern: tensor.mutableBase()) % 64 == 0)
    #expect(tensor.values == [Float](repeating: 2, count: count))
  }

  /// Freed buffers are reused; a buffer in use must never be given out a second time.
  @Test func liveTensorsNeverShareMemory() {
    var live: [FloatTensor] = []
    let philox = Philox(seed: 1)
    for round in 0..<3000 {
      let words = philox.words(SIMD4(UInt32(round), 0, 0, 0))
      if words[0] % 3 == 0 && !live.isEmpty {
        live.remove(at: Int(words[1]) % live.count)
      } else {
        let count = 1 + Int(words[1] % 300)
        live.append(FloatTensor([Float](repeating: Float(round), count: count), shape: [count]))
      }
    }
    #expect(live.count > 100)
    #expect(live.allSatisfy { tensor in tensor.values.allSatisfy { $0 == tensor[0] } })
    #expect(Set(live.map { $0[0] }).count == live.count)
  }

  /// More than the pool keeps is freed and reallocated without mixing up buffers.
  @Test func largeTensorsComeAndGo() {
    for round in 0..<4 {
      let tensors = (0..<4).map { index in
        FloatTensor(uninitialized: [16 << 20]) { base in
          base[0] = Float(index + round)
          base[(16 << 20) - 1] = Float(index)
        }
      }
      for (index, tensor) in tensors.enumerated() {
        #expect(tensor[0] == Float(index + round) && tensor[(16 << 20) - 1] == Float(index))
      }
    }
  }
}
