import Foundation

/// The class names of a model.
public struct LabelSet: Sendable, Equatable {
  /// In index order.
  public let names: [String]

  public init(_ names: [String]) { self.names = names }

  public subscript(_ index: Int) -> String { names.indices.contains(index) ? names[index] : "\(index)" }

  /// The index of the class that a user means: a whole name, an index, or the start of one name; case, spaces,
  /// hyphens and underscores don't count.
  ///
  /// - Parameter classes: the number of classes, which may exceed that of names.
  /// - Throws: `PipelineError.ambiguousLabel`, `.unknownLabel` with the nearest names.
  public func index(of text: String, classes: Int) throws(PipelineError) -> Int {
    let wanted = Self.normalised(text)
    let exact = names.indices.filter { Self.normalised(names[$0]) == wanted }
    if exact.count == 1 { return exact[0] }
    // ImageNet, for one, has two classes called "crane".
    if exact.count > 1 { throw .ambiguousLabel(text, matches: exact.map { "\($0) (\(names[$0]))" }) }
    if let index = Int(text.filter { !$0.isWhitespace }) {
      guard (0..<classes).contains(index) else {
        throw .unknownLabel(text, near: ["0…\(classes - 1)"])
      }
      return index
    }
    let starts = names.indices.filter { !wanted.isEmpty && Self.normalised(names[$0]).hasPrefix(wanted) }
    if starts.count == 1 { return starts[0] }
    if starts.count > 1 { throw .ambiguousLabel(text, matches: starts.prefix(8).map { names[$0] }) }
    throw .unknownLabel(text, near: nearest(to: wanted))
  }

  private func nearest(to wanted: String) -> [String] {
    let ranked = names.map { (name: $0, distance: Self.editDistance(Self.normalised($0), wanted)) }
      .sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }
    let close = ranked.filter { $0.distance <= max(2, wanted.count / 2) }
    return (close.isEmpty ? Array(ranked) : close).prefix(5).map(\.name)
  }

  private static func normalised(_ text: String) -> String {
    text.lowercased().filter { !$0.isWhitespace && $0 != "_" && $0 != "-" }
  }

  /// Levenshtein distance.
  static func editDistance(_ a: String, _ b: String) -> Int {
    let (a, b) = (Array(a), Array(b))
    var row = Array(0...b.count)
    for i in 0..<a.count {
      var diagonal = row[0]
      row[0] = i + 1
      for j in 0..<b.count {
        let substituted = diagonal + (a[i] == b[j] ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(substituted, row[j] + 1, row[j + 1] + 1)
      }
    }
    return row[b.count]
  }
}
