import ModelFiles
import VQDiffusion

/// The classes of a data set as a model numbers them, told by their names.
struct ClassMapping {
  /// The model's index of each of the data set's classes.
  private let indices: [Int]

  /// - Parameters:
  ///   - dataset: whose classes' names must be known to the model; it may lack some.
  ///   - labels: the model's; empty of an unconditional model, to which classes mean nothing.
  /// - Throws: `TrainingRunError.differentClasses` for a data set without classes, or with one that isn't known.
  init(_ dataset: ImageDataset, to labels: LabelSet) throws(TrainingRunError) {
    guard !labels.entries.isEmpty else {
      indices = []
      return
    }
    var indices: [Int] = []
    for name in dataset.labels {
      guard let index = labels.entries.firstIndex(where: { $0.name == name || $0.id == name }) else {
        throw .differentClasses(location: dataset.location, expected: Self.list(labels.names), found: name)
      }
      indices.append(index)
    }
    guard !indices.isEmpty else {
      throw .differentClasses(location: dataset.location, expected: Self.list(labels.names), found: "no class folders")
    }
    self.indices = indices
  }

  /// Classes of the data set as the model's; empty for an unconditional model.
  func callAsFunction(_ classes: [Int]) -> [Int] { indices.isEmpty ? [] : classes.map { indices[$0] } }

  private static func list(_ names: [String]) -> String {
    names.prefix(12).joined(separator: ", ") + (names.count > 12 ? " … (\(names.count))" : "")
  }
}
