import Foundation
import TestSupport

/// All formats.
package enum FuzzTargets {
  package static func all() throws -> [any FuzzTarget] {
    [
      SafetensorsFuzzing(), ZipFuzzing(), PickleFuzzing(), VocabularyFuzzing(), MergesFuzzing(), try YAMLFuzzing(),
      try PNGFuzzing(), try JPEGFuzzing(),
    ]
  }
}

/// The files of a folder of the tests' fixtures, in the order of their names.
func seedFiles(in folder: String, ofType type: String) throws -> [[UInt8]] {
  let folder = fixtures.appendingPathComponent(folder)
  return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().filter { $0.hasSuffix("." + type) }.map {
    [UInt8](try Data(contentsOf: folder.appendingPathComponent($0)))
  }
}
