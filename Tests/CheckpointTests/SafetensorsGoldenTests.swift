import Checkpoint
import Foundation
import TestSupport
import Testing

/// The recorded files to load and to refuse.
@Suite struct SafetensorsGoldenTests {
  static let folder = fixtures.appendingPathComponent("checkpoints")

  static func cases(_ key: String) throws -> [JSONValue] {
    let data = try Data(contentsOf: folder.appendingPathComponent("config.json"))
    return try JSONDecoder().decode(JSONValue.self, from: data).array(key).filter {
      try $0.string("file").hasSuffix(".safetensors")
    }
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
    default: "another error: \(error)"
    }
  }

  @Test func badFilesAreRefusedForTheRightReason() throws {
    let cases = try Self.cases("refuse")
    #expect(cases.count == 26)
    for bad in cases {
      let file = try bad.string("file")
      let error = #expect(throws: CheckpointError.self, "\(file) was accepted") {
        try SafetensorsFile(Self.folder.appendingPathComponent(file))
      }
      guard let error else { continue }
      #expect(Self.kind(error) == (try bad.string("expected_refusal")), "\(file): \(error)")
      #expect(error.localizedDescription == error.description)
      #expect(error.description.contains(file))
    }
  }

  @Test func goodFilesHoldTheirValues() throws {
    let cases = try Self.cases("load")
    #expect(cases.count == 2)
    for good in cases {
      let file = try SafetensorsFile(Self.folder.appendingPathComponent(try good.string("file")))
      let inline = try good.object("inline")
      #expect(Set(file.names) == Set(inline.keys))
      for (name, value) in inline {
        let (shape, values) = flattened(value)
        // The config can't tell [0, 3] from [0].
        #expect(name == "none" ? file.shape(of: name) == [0, 3] : file.shape(of: name) == shape)
        #expect(try file.doubles(name) == values)
        #expect(try file.floatTensor(name).values == values.map(Float.init))
      }
    }
  }

  @Test func metadataIsKept() throws {
    let file = try SafetensorsFile(Self.folder.appendingPathComponent("good_padded.safetensors"))
    #expect(file.metadata == ["format": "pt", "note": "hello"])
    #expect(file.entries.map(\.name) == ["a", "b", "none", "one"])
  }

  private func flattened(_ value: JSONValue) -> (shape: [Int], values: [Double]) {
    guard let array = value.arrayValue else { return ([], [value.doubleValue ?? .nan]) }
    let parts = array.map(flattened)
    return ([parts.count] + (parts.first?.shape ?? []), parts.flatMap(\.values))
  }
}
