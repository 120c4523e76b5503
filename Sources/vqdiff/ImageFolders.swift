import VQDiffusion

/// The folders of classes within the output folder.
enum ImageFolders {
  /// A folder a class, its images numbered from 0; a class asked for twice goes on counting.
  static func slots(_ labels: [Int], count: Int, names: LabelSet) -> [ImageOutput.Slot] {
    guard !labels.isEmpty else { return (0..<count).map { ImageOutput.Slot(number: $0) } }
    var next: [Int: Int] = [:]
    return labels.flatMap { label in
      let first = next[label, default: 0]
      next[label] = first + count
      let folder = name(of: label, names: names)
      return (first..<first + count).map { ImageOutput.Slot(folder: folder, number: $0) }
    }
  }

  /// The class's name, its index added where the name alone wouldn't do: a name that two classes share, or none.
  private static func name(of label: Int, names: LabelSet) -> String {
    let name = fileName(names[label])
    let isUnique = names.names.count { fileName($0) == name } == 1
    return isUnique || name == "\(label)" ? name : "\(name)-\(label)"
  }

  private static func fileName(_ name: String) -> String {
    let safe = String(name.map { $0 == "/" || $0 == "\\" || $0.isNewline || $0 == "\0" ? "-" : $0 })
    return safe.isEmpty || safe.hasPrefix(".") ? "-" + safe : safe
  }
}
