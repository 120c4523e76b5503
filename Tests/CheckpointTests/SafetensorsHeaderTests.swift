import Checkpoint
import Foundation
import TestSupport
import Testing

/// Headers beyond the recorded ones.
@Suite struct SafetensorsHeaderTests {
  private static let a = entry("a", "U8", [1], 0, 1)

  @Test func emptyAndSpacedHeaders() throws {
    #expect(try openSafetensors(safetensorsBytes("{}")).entries.isEmpty)
    let spaced = "{\n\t\"a\" : { \"shape\" :\r[ ] , \"data_offsets\":[0 , 1], \"dtype\": \"U8\" } }  \n"
    #expect(try openSafetensors(safetensorsBytes(spaced, data: [9])).integers("a") == [9])
  }

  @Test func escapesOfEveryKind() throws {
    let name = #"\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00é😀"#
    let file = try openSafetensors(safetensorsBytes("{" + entry(name, "U8", [1], 0, 1) + "}", data: [3]))
    #expect(file.names == ["\"\\/\u{8}\u{c}\n\r\tAé😀é😀"])
    #expect(Array(file.names[0].utf8) == Array("\"\\/\u{8}\u{c}\n\r\tAé😀é😀".utf8))
  }

  @Test(arguments: [
    #"{"a":"#, #"{"a"}"#, "{,}", "{" + a + ",}", "{" + a + "}x", " {" + a + "}", "{" + a, "{'a':{}}", "{}{}", "{\(a) \(a)}",
    #"{"a":{"dtype":"U8","shape":[01],"data_offsets":[0,1]}}"#, #"{"a":{"dtype":"U8","shape":[1,],"data_offsets":[0,1]}}"#,
    #"{"a":{"dtype":"U8","shape":[1e0],"data_offsets":[0,1]}}"#, #"{"a":{"dtype":"U8","shape":["1"],"data_offsets":[0,1]}}"#,
    #"{"a":{"dtype":"U8","shape":[-0],"data_offsets":[0,1]}}"#, #"{"a":{"dtype":"u8","shape":[1],"data_offsets":[0,1]}}"#,
    #"{"a":{"dtype":"U8","shape":1,"data_offsets":[0,1]}}"#, #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[1]}}"#,
    #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"more":1}}"#, #"{"a":null}"#, #"{"a":[]}"#,
    #"{"__metadata__":{"k":1}}"#, #"{"__metadata__":"k"}"#, #"{"__metadata__":{"k":{"l":"m"}}}"#,
    #"{"\x":1}"#, #"{"\u12":1}"#, #"{"\u12g4":1}"#, #"{"\ud83d":1}"#, #"{"\ud83dx":1}"#, #"{"\ud83d\u0041":1}"#, #"{"\ude00":1}"#,
    #"{"\ud83d\n":1}"#, "{\"\n\":1}", "{\"\u{0}\":1}", #"{"a\"#, "\u{feff}{}", "{\u{a0}}",
  ])
  func brokenHeadersAreRefused(header: String) throws {
    let error = #expect(throws: CheckpointError.self) { try openSafetensors(safetensorsBytes(header, data: [0])) }
    guard case .badHeader = error else {
      Issue.record("\(header): \(String(describing: error))")
      return
    }
  }

  @Test(arguments: [
    "{\(a),\"\\u0061\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
    #"{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#,
    #"{"__metadata__":{"k":"1","k":"1"}}"#, #"{"__metadata__":{},"__metadata__":{}}"#,
  ])
  func keysThatOccurTwiceAreRefused(header: String) throws {
    let error = #expect(throws: CheckpointError.self) { try openSafetensors(safetensorsBytes(header, data: [0])) }
    guard case .duplicateKey = error else {
      Issue.record("\(header): \(String(describing: error))")
      return
    }
  }

  @Test(arguments: [
    entry("a", "U8", [1], 0, 1).replacingOccurrences(of: "[1]", with: "[9223372036854775808]"),
    entry("a", "U8", [1], 0, 1).replacingOccurrences(of: "[0,1]", with: "[0,99999999999999999999999999]"),
    entry("a", "F64", [1 << 60], 0, 1), entry("a", "U8", [1 << 62, 2, 0], 0, 1), entry("a", "F32", [1 << 40, 1 << 40, 0], 0, 0),
    entry("a", "U8", [0, 1 << 40, 1 << 40], 0, 0),
  ])
  func numbersThatOverflowAreRefused(entry: String) throws {
    let error = #expect(throws: CheckpointError.self) { try openSafetensors(safetensorsBytes("{\(entry)}", data: [0])) }
    guard case .overflow = error else {
      Issue.record("\(entry): \(String(describing: error))")
      return
    }
  }

  @Test func emptyTensorsBetweenOthers() throws {
    let entries = [("b", 1, 1, 0), ("a", 1, 2, 1), ("z", 0, 1, 1), ("c", 2, 2, 0), ("d", 0, 0, 0)]
    let header = entries.map { entry($0.0, "U8", [$0.3], $0.1, $0.2) }.joined(separator: ",")
    let file = try openSafetensors(safetensorsBytes("{\(header)}", data: [7, 8]))
    #expect(file.names == ["d", "z", "b", "a", "c"])
    #expect(try file.integers("a") == [8])
    let inside = "{" + entry("a", "U8", [2], 0, 2) + "," + entry("b", "U8", [0], 1, 1) + "}"
    let error = #expect(throws: CheckpointError.self) { try openSafetensors(safetensorsBytes(inside, data: [7, 8])) }
    guard case .overlap(_, "a", "b") = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func aHeaderOfManyTensors() throws {
    let count = 100_003
    let header = (0..<count).map { entry("blocks.\($0).attention.key.weight", "U8", [1, 1], $0, $0 + 1) }
    let data = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let file = try openSafetensors(safetensorsBytes("{" + header.joined(separator: ",") + "}", data: data))
    #expect(file.entries.count == count)
    #expect(try file.integers("blocks.77777.attention.key.weight") == [Int(data[77777])])
  }

  @Test func aDeeplyNestedHeaderIsRefused() throws {
    let deep = #"{"a":"# + String(repeating: #"{"a":"#, count: 1_000_000)
    #expect(throws: CheckpointError.self) { try openSafetensors(safetensorsBytes(deep)) }
  }

  @Test func messagesSayWhatWasExpectedAndFound() throws {
    let error = #expect(throws: CheckpointError.self) { try openSafetensors(safetensorsBytes("{" + Self.a + "]", data: [0])) }
    #expect(
      error?.description.hasSuffix("made.safetensors: expected \",\" or \"}\" at byte 52 of the header, found \"]\"") == true)
    let type = #expect(throws: CheckpointError.self) {
      try openSafetensors(safetensorsBytes("{" + entry("a", "Q4", [1], 0, 1) + "}", data: [0]))
    }
    #expect(
      type?.description.hasSuffix("made.safetensors: expected a known dtype for \"a\" at byte 14 of the header, found \"Q4\"")
        == true)
  }
}
