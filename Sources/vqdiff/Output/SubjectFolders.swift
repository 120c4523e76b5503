import VQDiffusion

/// The folders of classes and texts within the output folder.
enum SubjectFolders {
  /// A folder a class or text, its images numbered from 0; one that is asked for twice goes on counting.
  static func slots(_ subjects: [GenerationSubject], count: Int, names: LabelSet) -> [ImageOutput.Slot] {
    guard !subjects.isEmpty else { return (0..<count).map { ImageOutput.Slot(number: $0) } }
    var next: [String?: Int] = [:]
    return subjects.flatMap { subject in
      let folder = name(of: subject, names: names)
      // Some file systems make no difference between cases.
      let key = folder?.lowercased()
      let first = next[key, default: 0]
      next[key] = first + count
      return (first..<first + count).map { ImageOutput.Slot(folder: folder, number: $0) }
    }
  }

  private static func name(of subject: GenerationSubject, names: LabelSet) -> String? {
    switch subject {
    case .anything: nil
    case .label(let index): name(of: index, names: names)
    case .prompt(let text): name(of: text)
    }
  }

  /// The beginning of a text, as long as file systems allow names to be, with room to spare.
  private static func name(of text: String) -> String {
    var name = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    while name.utf8.count > 120 { name.removeLast() }
    return fileName(name.trimmingSuffix { $0 == " " || $0 == "." })
  }

  /// The class's name, its index added where the name alone wouldn't do: a name that two classes share, or none.
  private static func name(of label: Int, names: LabelSet) -> String {
    let name = fileName(names[label])
    let isUnique = names.names.count { fileName($0) == name } == 1
    return isUnique || name == "\(label)" ? name : "\(name)-\(label)"
  }

  private static func fileName(_ name: String) -> String {
    let safe = String(name.map { $0 == "/" || $0 == "\\" || $0.unicodeScalars.contains(where: isControl) ? "-" : $0 })
    return safe.isEmpty || safe.hasPrefix(".") ? "-" + safe : safe
  }

  /// Line ends, and what a terminal that shows the name would obey.
  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    [.control, .lineSeparator, .paragraphSeparator].contains(scalar.properties.generalCategory)
  }
}

extension String {
  /// The text without the characters at its end that `isTrimmed` names.
  fileprivate func trimmingSuffix(while isTrimmed: (Character) -> Bool) -> String {
    var text = self
    while let last = text.last, isTrimmed(last) { text.removeLast() }
    return text
  }
}
