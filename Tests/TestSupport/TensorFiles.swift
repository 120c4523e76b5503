import Checkpoint
import Foundation

/// A safetensors file's tensors, as stored.
package func storedTensors(_ url: URL) throws -> [StoredTensor] {
  let file = try SafetensorsFile(url)
  return try file.names.map { try StoredTensor($0, $0, of: file) }
}

/// Writes a safetensors file anew, with further tensors in it.
package func addTensors(_ more: [StoredTensor], to url: URL) throws {
  try SafetensorsFile.write(storedTensors(url) + more, to: url)
}
