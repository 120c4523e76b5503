import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing

/// What pickles may hold, and what they may not.
@Suite struct PickleTests {
  private let row = Pickle.tensor([2], [1])

  private func expectRefusal(
    _ pickle: [UInt8], _ kind: String, _ text: String = "", sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let error = #expect(throws: CheckpointError.self, sourceLocation: sourceLocation) { try openPickle(pickle) }
    guard let error else { return }
    #expect(RecordedFilesGoldenTests.kind(error) == kind, "\(error)", sourceLocation: sourceLocation)
    #expect(text.isEmpty || error.description.contains(text), "\(error)", sourceLocation: sourceLocation)
  }

  @Test func tensorsAreNamedByTheWayToThem() throws {
    let nested = Pickle.dictionary([
      (Pickle.text("a"), Pickle.list([row, Pickle.tuple([Pickle.int(1), row])])),
      (Pickle.int(-7), Pickle.dictionary(["": row])), (Array("N".utf8), row), ([0x88], row),
      (Pickle.tuple([1]), row), (Pickle.global("some", "Class"), Pickle.dictionary(["b": row])),
      (Pickle.text("é.1"), row), (Pickle.text("text"), Pickle.text("value")),
    ])
    let file = try openPickle(Pickle.whole(nested))
    #expect(file.names == ["a.0", "a.1.1", "-7.", "None", "True", "é.1"])
    #expect(file.unnamedTensorCount == 2)
    #expect(try openPickle(Pickle.whole(row)).names == ["tensor"])
    #expect(try openPickle(Pickle.whole(Pickle.int(5))).names == [])
    #expect(try openPickle(Pickle.whole(Pickle.dictionary([(Array("I3000000000\n".utf8), row)]))).names == ["3000000000"])
  }

  @Test func aNameMayOccurTwiceForOneTensorOnly() throws {
    let shared = Pickle.dictionary(["a": row, "b": Pickle.tensor([2], [1], offset: 3)])
    #expect(try openPickle(Pickle.whole(shared)).names == ["a", "b"])
    let same = Pickle.dictionary([
      (Pickle.int(1), row + [0x71, 9]), (Pickle.text("1"), [0x68, 9]),
    ])
    #expect(try openPickle(Pickle.whole(same)).names == ["1"])
    let other = Pickle.dictionary([(Pickle.int(1), row), (Pickle.text("1"), Pickle.tensor([2], [1], offset: 3))])
    expectRefusal(Pickle.whole(other), "duplicate-key", "\"1\"")
  }

  @Test func whatTensorsDontNeedIsInert() throws {
    let inert = Pickle.dictionary([
      "namespace": Pickle.global("argparse", "Namespace") + [0x29, 0x81] + Pickle.dictionary(["lr": Pickle.int(1)])
        + Array("b".utf8),
      "class": Pickle.global("os", "system"),
      "new": Pickle.global("vanished", "Thing") + [0x29, 0x7d, 0x92],
      "time": Pickle.call("datetime", "datetime", [Pickle.text("bytes")]),
      "subclass": Pickle.global("easy", "Dict") + [0x29, 0x81] + Array("(".utf8) + Pickle.text("k") + row + Array("u".utf8),
      "set": Pickle.call("__builtin__", "set", [Pickle.list([row])]),
      "defaults": Pickle.call("collections", "defaultdict", [Pickle.global("builtins", "list")]) + Array("(".utf8)
        + Pickle.text("k")
        + row + Array("u".utf8),
      "device": Pickle.call("torch", "device", [Pickle.text("cuda")]), "type": Pickle.global("torch", "float16"),
      "w": row + Array("}b".utf8),
    ])
    let file = try openPickle(Pickle.whole(inert))
    #expect(file.names == ["defaults.k", "w"])
    // Those of the subclass and of the set.
    #expect(file.unnamedTensorCount == 2)
  }

  /// What `torch.save(module)` writes: an object of a class that isn't here, its parameters among its attributes.
  @Test func aWholeModuleIsRefusedAsSuch() throws {
    let parameters = Pickle.dictionary(["weight": row, "bias": Pickle.tensor([3], [1], offset: 2)])
    let module =
      Pickle.global("torch.nn.modules.linear", "Linear") + [0x29, 0x81]
      + Pickle.dictionary(["training": [0x88], "_parameters": parameters]) + Array("b".utf8)
    expectRefusal(Pickle.whole(module), "unnamed-tensors", "all 2 inside of other objects")
    expectRefusal(Pickle.whole(Pickle.dictionary(["model": module, "epoch": Pickle.int(3)])), "unnamed-tensors", "state_dict()")
    let both = try openPickle(Pickle.whole(Pickle.dictionary(["model": module, "w": row])))
    #expect(both.names == ["w"])
    #expect(both.unnamedTensorCount == 2)
    // A tensor both there and here has a name, and so has one whose name was given to another of the same place and shape.
    let first = Pickle.tensor([2], [1], of: Pickle.storage() + [0x71, 8])
    let shared = Pickle.dictionary([
      (Pickle.int(1), first + [0x71, 9]), (Pickle.text("1"), Pickle.tensor([2], [1], of: [0x68, 8])),
      (Pickle.text("set"), Pickle.call("builtins", "set", [Pickle.list([[0x68, 9]])])),
    ])
    #expect(try openPickle(Pickle.whole(shared)).unnamedTensorCount == 0)
  }

  /// Strides of 0 make a small file's tensors as large as they like.
  @Test func repeatedElementsAreBounded() throws {
    func repeated(_ count: Int) -> [UInt8] { Pickle.tensor([count, 12], [0, 1]) }
    let most = (1 << 26) / 48 + 1
    #expect(try openPickle(Pickle.whole(repeated(most))).shape(of: "tensor") == [most, 12])
    expectRefusal(Pickle.whole(repeated(most + 1)), "repeated-too-often", "at most 67108864 bytes")
    // Together too.
    let two = Pickle.dictionary(["a": repeated(most / 2), "b": repeated(most / 2)])
    #expect(try openPickle(Pickle.whole(two)).names == ["a", "b"])
    let three = Pickle.dictionary(["a": repeated(most / 2), "b": repeated(most / 2), "c": repeated(most / 2)])
    expectRefusal(Pickle.whole(three), "repeated-too-often", "tensor \"c\"")
    // A view of many elements that are all there repeats none.
    let views = (0..<9).map { (Pickle.int($0), Pickle.tensor([1 << 22], [1], of: Pickle.storage(count: 1 << 22))) }
    let large = ["0": [UInt8](repeating: 0, count: 1 << 24)]
    #expect(try openPickle(Pickle.whole(Pickle.dictionary(views)), storages: large).names.count == 9)
  }

  @Test func dictionariesOfPython2AreRead() throws {
    let pairs = Pickle.list([Pickle.list([Pickle.text("w"), row]), Pickle.tuple([Pickle.text("v"), row])])
    #expect(try openPickle(Pickle.whole(Pickle.call("collections", "OrderedDict", [pairs]))).names == ["w", "v"])
  }

  @Test func unknownCallsAreRefusedByName() {
    expectRefusal(Pickle.whole(Pickle.call("builtins", "eval", [Pickle.text("1")])), "forbidden-callable", "builtins.eval")
    expectRefusal(Pickle.whole(Pickle.call("torch.storage", "_load_from_bytes", [])), "forbidden-callable", "_load_from_bytes")
    expectRefusal(Pickle.whole(Pickle.call("torch", "FloatStorage", [])), "forbidden-callable", "torch.FloatStorage")
    let made = Pickle.call("functools", "partial", [Pickle.global("os", "system")]) + Pickle.tuple([1]) + Array("R".utf8)
    expectRefusal(Pickle.whole(made), "forbidden-callable", "an object that the file makes itself")
    let old = Array("(".utf8) + Pickle.global("os", "popen") + Pickle.text("ls") + Array("o".utf8)
    expectRefusal(Pickle.whole(old), "forbidden-callable", "os.popen")
  }

  @Test(arguments: [
    "", ".", "}", "}}.", "0.", "(0.", "(.", "t.", "}(Xa", "](K\u{1}s.", "}K\u{1}a.", "}K\u{1}K\u{1}a.", "}(K\u{1}u.", "h\u{0}.",
    "K\u{1}Q.", "K\u{1})R.",
    "K\u{1})b", "cos\nsystem", "cos\n", "P0\n.", "K\u{1}(K\u{2}e.",
  ])
  func brokenPicklesAreRefused(pickle: String) {
    expectRefusal([0x80, 2] + Array(pickle.utf8), "malformed-pickle")
  }

  @Test func brokenTensorsAreRefused() {
    let storage = Pickle.storage()
    func tensor(_ arguments: [UInt8]...) -> [UInt8] {
      Pickle.whole(Pickle.call("torch._utils", "_rebuild_tensor_v2", arguments))
    }
    expectRefusal(tensor(storage, Pickle.int(0), Pickle.tuple([2])), "malformed-pickle")
    expectRefusal(tensor(storage, Pickle.int(0), Pickle.tuple([2]), Pickle.tuple([1, 1])), "malformed-pickle")
    expectRefusal(tensor(Pickle.int(0), Pickle.int(0), Pickle.tuple([2]), Pickle.tuple([1])), "malformed-pickle")
    expectRefusal(tensor(storage, Pickle.text("0"), Pickle.tuple([2]), Pickle.tuple([1])), "malformed-pickle")
    let ones = Pickle.tuple([Int](repeating: 1, count: 65))
    expectRefusal(tensor(storage, Pickle.int(0), ones, ones), "malformed-pickle", "64 dimensions")
    let large = [0x8a, 9] + [UInt8](repeating: 1, count: 9)
    expectRefusal(tensor(storage, large, Pickle.tuple([2]), Pickle.tuple([1])), "overflow")
    expectRefusal(tensor(storage, Pickle.int(.max), Pickle.tuple([2]), Pickle.tuple([1])), "overflow")
    // A dimension of 0 makes it empty, not small.
    for shape in [[1 << 40, 1 << 40, 0], [0, 1 << 40, 1 << 40]] {
      expectRefusal(tensor(storage, Pickle.int(0), Pickle.tuple(shape), Pickle.tuple([1, 1, 1])), "overflow", "of shape")
    }
    expectRefusal(tensor(storage, Pickle.int(0), Pickle.tuple([-1]), Pickle.tuple([1])), "out-of-bounds")
    expectRefusal(tensor(storage, Pickle.int(12), Pickle.tuple([1]), Pickle.tuple([1])), "out-of-bounds")
    expectRefusal(tensor(storage, Pickle.int(0), Pickle.tuple([1 << 32]), Pickle.tuple([0])), "repeated-too-often")
    expectRefusal(Pickle.whole(Pickle.tensor([2], [1], of: Pickle.storage(count: 11))), "size-mismatch", "\"x/data/0\"")
    expectRefusal(Pickle.whole(Pickle.tensor([2], [1], of: Pickle.storage(count: -1))), "size-mismatch")
    expectRefusal(Pickle.whole(Pickle.tensor([2], [1], of: Pickle.storage(count: .max))), "overflow")
    expectRefusal(Pickle.whole(Pickle.tensor([2], [1], of: Pickle.storage("1"))), "missing-record", "\"x/data/1\"")
    expectRefusal(
      Pickle.whole(Pickle.tensor([2], [1], of: Pickle.storage("0", "ComplexFloatStorage"))), "malformed-pickle",
      "ComplexFloatStorage")
  }

  /// Containers in themselves and in one another many times: neither endless nor slow nor large.
  @Test func sharedContainersAreBounded() {
    expectRefusal(Pickle.whole(Array("]q\u{0}h\u{0}a".utf8)), "too-deep")
    // Each of 60 lists holds the one before twice: 2⁶⁰ ways to the innermost.
    var twice = row + [0x71, 0]
    for level in 1...60 as ClosedRange<UInt8> {
      let previous: [UInt8] = [0x68, level - 1]
      twice += Pickle.list([previous, previous]) + [0x71, level]
    }
    expectRefusal(Pickle.whole(Array("(".utf8) + twice + Array("t".utf8)), "malformed-pickle", "over and over")
    // A long list copied by each of many calls.
    let pairs = Pickle.list((0..<2000).map { _ in Pickle.tuple([1, 2]) }) + [0x71, 0]
    var copies = Array("(".utf8) + pairs
    for _ in 0..<1000 { copies += Pickle.global("collections", "OrderedDict") + [0x68, 0, 0x85, 0x52] as [UInt8] }
    expectRefusal(Pickle.whole(copies + Array("t".utf8)), "malformed-pickle", "too many")
    expectRefusal([0x80, 2] + [UInt8](repeating: UInt8(ascii: "("), count: 2_000_000), "malformed-pickle", "too many")
  }

  @Test func namesAreBoundedInLength() {
    let key = String(repeating: "k", count: 100_000)
    let inner = Pickle.dictionary((0..<1000).map { (Pickle.int($0), [0x68, 0]) })
    let outer = Pickle.dictionary([(Pickle.text("r"), row + [0x71, 0]), (Pickle.text(key), inner)])
    expectRefusal(Pickle.whole(outer), "malformed-pickle", "names of at most")
    let callable = Pickle.text(key) + Pickle.text("f") + [0x93]
    expectRefusal(Pickle.whole(callable), "malformed-pickle", "a name of at most")
  }
}
