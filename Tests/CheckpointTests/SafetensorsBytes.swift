import Checkpoint
import Foundation
import TestSupport

/// The bytes of a safetensors file with this header, valid or not.
func safetensorsBytes(_ header: String, data: [UInt8] = []) -> [UInt8] {
  let text = Array(header.utf8)
  return withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) } + text + data
}

/// Opens a file of these bytes.
func openSafetensors(_ bytes: [UInt8]) throws -> SafetensorsFile {
  try withTemporaryFolder { folder in
    let url = folder.appendingPathComponent("made.safetensors")
    try Data(bytes).write(to: url)
    // The mapping outlives the file's name.
    return try SafetensorsFile(url)
  }
}

/// The bytes of values, little-endian.
func bytes<T: BitwiseCopyable>(_ values: [T]) -> [UInt8] {
  values.withUnsafeBytes { Array($0) }
}

/// An entry of a header.
func entry(_ name: String, _ type: String, _ shape: [Int], _ begin: Int, _ end: Int) -> String {
  "\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":[\(begin),\(end)]}"
}
