import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing

/// The recorded files to load and to refuse.
@Suite struct RecordedFilesGoldenTests {
  static let folder = fixtures.appendingPathComponent("checkpoints")

  static func cases(_ key: String, where isWanted: (String) -> Bool = { _ in true }) throws -> [JSONValue] {
    let data = try Data(contentsOf: folder.appendingPathComponent("config.json"))
    return try JSONDecoder().decode(JSONValue.self, from: data).array(key).filter { isWanted(try $0.string("file")) }
  }

  /// The name under which the recorded cases list an error.
  static func kind(_ error: CheckpointError) -> String {
    switch error {
    case .headerTooLarge: "header-too-large"
    case .truncated: "truncated"
    case .overlap: "overlap"
    case .hole: "hole"
    case .overflow: "overflow"
    case .duplicateKey: "duplicate-key"
    case .badHeader: "bad-header"
    case .outOfBounds: "out-of-bounds"
    case .sizeMismatch: "size-mismatch"
    case .forbiddenCallable: "forbidden-callable"
    case .missingRecord: "missing-record"
    case .malformedPickle: "malformed-pickle"
    case .malformedArchive: "malformed-archive"
    case .tooDeep: "too-deep"
    case .repeatedTooOften: "repeated-too-often"
    case .unnamedTensors: "unnamed-tensors"
    default: "another error: \(error)"
    }
  }

  private func expectRefusal(_ bad: JSONValue, _ open: (URL) throws -> any TensorSource) throws {
    let file = try bad.string("file")
    let error = #expect(throws: CheckpointError.self, "\(file) was accepted") {
      try open(Self.folder.appendingPathComponent(file))
    }
    guard let error else { return }
    #expect(Self.kind(error) == (try bad.string("expected_refusal")), "\(file): \(error)")
    #expect(error.localizedDescription == error.description)
    #expect(error.description.contains(file))
    #expect(error.file == Self.folder.appendingPathComponent(file).path)
  }

  @Test func badFilesAreRefusedForTheRightReason() throws {
    let config = try JSONDecoder().decode(
      JSONValue.self, from: Data(contentsOf: Self.folder.appendingPathComponent("config.json")))
    let marker = try config.string("must_not_exist_afterwards")
    try? FileManager.default.removeItem(atPath: marker)
    let cases = try Self.cases("refuse")
    #expect(!cases.isEmpty)
    var kinds: Set<String> = []
    for bad in cases {
      let isSafetensors = try bad.string("file").hasSuffix(".safetensors")
      try expectRefusal(bad) { url in
        if isSafetensors { try SafetensorsFile(url) } else { try PyTorchFile(url) }
      }
      try expectRefusal(bad, TensorFile.open)
      kinds.insert(try bad.string("expected_refusal"))
    }
    #expect(try kinds == Set(config.object("refusal_kinds").keys))
    #expect(!FileManager.default.fileExists(atPath: marker))
  }

  @Test func forbiddenCallablesAreNamed() throws {
    for (file, callable) in [
      "bad_os_system.pth": "posix.system", "bad_os_system_legacy.pth": "posix.system", "bad_exec.pth": "__builtin__.exec",
      "bad_subprocess.pth": "subprocess.check_output", "bad_raw_pickle.pkl": "posix.system", "bad_inst_opcode.pkl": "os.system",
    ] {
      let url = Self.folder.appendingPathComponent(file)
      let expected = CheckpointError.forbiddenCallable(file: url.path, callable: callable)
      #expect(throws: expected) { try PyTorchFile(url) }
      #expect(expected.description.contains(callable))
    }
  }

  @Test func foreignFilesAreCalledWhatTheyAre() throws {
    for (file, expected) in ["bad_empty.pth": "an empty file", "bad_html.pth": "a web page"] {
      let error = #expect(throws: CheckpointError.self) { try TensorFile.open(Self.folder.appendingPathComponent(file)) }
      #expect(error?.description.contains("found \(expected)") == true)
    }
  }

  @Test func goodFilesHoldTheirValues() throws {
    let cases = try Self.cases("load") { $0.hasSuffix(".safetensors") }
    #expect(!cases.isEmpty)
    for good in cases {
      let file = try SafetensorsFile(Self.folder.appendingPathComponent(try good.string("file")))
      let inline = try good.object("inline")
      #expect(Set(file.names) == Set(inline.keys))
      for (name, value) in inline {
        let (shape, values) = flattened(value)
        let found = try #require(file.shape(of: name))
        // The config can't tell [0, 3] from [0].
        #expect(values.isEmpty ? found.starts(with: shape) : found == shape, "\(name)")
        #expect(try file.doubles(name) == values)
        #expect(try file.floatTensor(name).values == values.map(Float.init))
      }
    }
  }

  /// In a file of expected tensors: the one without this ending, widened.
  private static let widened = ".as_float32"

  /// Every expected tensor stands under its path, bit for bit, and the file holds no other one there.
  @Test func goodPyTorchFilesHoldTheirTensors() throws {
    let cases = try Self.cases("load") { !$0.hasSuffix(".safetensors") }
    #expect(!cases.isEmpty)
    for good in cases where good["value"].isNull {
      let name = try good.string("file")
      let file = try TensorFile.open(Self.folder.appendingPathComponent(name))
      #expect(file is PyTorchFile)
      let expected = try SafetensorsFile(Self.folder.appendingPathComponent(try good.string("expected")))
      var pairs: [String: String] = [:]
      if let keys = good["keys"].objectValue {
        pairs = keys.compactMapValues(\.stringValue)
      } else {
        for (prefix, path) in try good.object("paths") {
          let start = try #require(path.stringValue)
          for original in expected.names where original.hasPrefix(prefix) {
            pairs[(start.isEmpty ? "" : start + ".") + original.dropFirst(prefix.count)] = original
          }
          let inside = file.names.filter { start.isEmpty || $0.hasPrefix(start + ".") }
          #expect(
            inside.count == expected.names.count { $0.hasPrefix(prefix) && !$0.hasSuffix(Self.widened) }, "\(name) \(path)")
        }
      }
      #expect(!pairs.isEmpty)
      for (key, original) in pairs {
        if key.hasSuffix(Self.widened) {
          let found = try file.floatTensor(String(key.dropLast(Self.widened.count)))
          #expect(try found.values.map(\.bitPattern) == expected.floatTensor(original).values.map(\.bitPattern))
        } else {
          try expectSame(file, key, expected, original, "\(name) \(key)")
        }
      }
    }
  }

  @Test func aBareTensorHasTheFixedName() throws {
    let good = try #require(try Self.cases("load") { $0 == "bare_tensor.pt" }.first)
    let file = try PyTorchFile(Self.folder.appendingPathComponent("bare_tensor.pt"))
    #expect(file.names == ["tensor"])
    #expect(file.elementType(of: "tensor") == .int64)
    #expect(try file.integers("tensor") == good.ints("value"))
  }

  @Test func theTwoQuantisersShareOneStorage() throws {
    let file = try PyTorchFile(Self.folder.appendingPathComponent("imagenet_f32.pth"))
    let shared = file.names.filter { $0.hasPrefix("model.content_codec.enc.quantize.") }
    #expect(!shared.isEmpty)
    for name in shared {
      let (a, b) = (try file.floatTensor(name), try file.floatTensor(name.replacing(".enc.", with: ".dec.")))
      #expect(a.base == b.base)
      keepAlive(a, b)
    }
  }

  @Test func metadataIsKept() throws {
    let url = Self.folder.appendingPathComponent("good_padded.safetensors")
    let (file, bytes) = (try SafetensorsFile(url), [UInt8](try Data(contentsOf: url)))
    let length = bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try JSONDecoder().decode([String: JSONValue].self, from: Data(bytes[8..<8 + length]))
    let metadata = try #require(header["__metadata__"]?.objectValue)
    #expect(!metadata.isEmpty && file.metadata == metadata.compactMapValues(\.stringValue))
    #expect(Set(file.entries.map(\.name)) == Set(header.keys).subtracting(["__metadata__"]))
  }

  private func expectSame(
    _ file: any MappedTensorSource, _ name: String, _ expected: SafetensorsFile, _ original: String, _ comment: Comment
  ) throws {
    let (found, wanted) = (try #require(file.mapped(name), comment), try #require(expected.mapped(original), comment))
    #expect(found.elementType == wanted.elementType, comment)
    #expect(found.shape == wanted.shape, comment)
    #expect(found.withBytes { Array($0) } == wanted.withBytes { Array($0) }, comment)
  }

  private func flattened(_ value: JSONValue) -> (shape: [Int], values: [Double]) {
    guard let array = value.arrayValue else { return ([], [value.doubleValue ?? .nan]) }
    let parts = array.map(flattened)
    return ([parts.count] + (parts.first?.shape ?? []), parts.flatMap(\.values))
  }
}
