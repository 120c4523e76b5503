extension LabelSet {
  /// The index of the class that a user means. Tried in this order; case, spaces, hyphens and underscores don't count:
  ///
  /// 1. a whole name;
  /// 2. a WordNet id, a synonym, or the name and all synonyms together with or without commas, as lists of ImageNet's
  ///    classes have them;
  /// 3. an index;
  /// 4. the start of one name.
  ///
  /// - Parameter classes: the number of classes, which may exceed that of names.
  /// - Throws: `ModelFileError.ambiguousLabel` if several classes fit in the first way in which any does,
  ///   `.unknownLabel` with the nearest names.
  public func index(of text: String, classes: Int) throws(ModelFileError) -> Int {
    let wanted = Self.normalised(text)
    let named = indices { Self.normalised($0.name) == wanted }
    if let index = try only(named, for: text, shownBy: { "\($0) (\(self.allNames(of: $0)))" }) { return index }
    let known = indices { !wanted.isEmpty && Self.isKnown($0, as: wanted) }
    if let index = try only(known, for: text, shownBy: numbered) { return index }
    if let index = Int(text.filter { !$0.isWhitespace }) {
      guard (0..<classes).contains(index) else {
        throw .unknownLabel(text, near: ["0…\(classes - 1)"])
      }
      return index
    }
    let starts = indices { !wanted.isEmpty && Self.normalised($0.name).hasPrefix(wanted) }
    if let index = try only(starts, for: text, shownBy: nameOrNumber) { return index }
    throw .unknownLabel(text, near: nearest(to: wanted))
  }

  private func indices(where fits: (Entry) -> Bool) -> [Int] { entries.indices.filter { fits(entries[$0]) } }

  /// The one class found; nil if none is.
  ///
  /// - Throws: `ModelFileError.ambiguousLabel` that shows the first few of several.
  private func only(
    _ found: [Int], for text: String, shownBy description: (Int) -> String
  ) throws(ModelFileError) -> Int? {
    guard found.count > 1 else { return found.first }
    throw .ambiguousLabel(text, matches: found.prefix(8).map(description))
  }

  private static func isKnown(_ entry: Entry, as wanted: String) -> Bool {
    if entry.id.map(normalised) == wanted { return true }
    guard !entry.synonyms.isEmpty else { return false }
    if entry.synonyms.contains(where: { normalised($0) == wanted }) { return true }
    let joined = ([entry.name] + entry.synonyms).joined()
    return withoutCommas(normalised(joined)) == withoutCommas(wanted)
  }

  /// What tells classes of the same name apart.
  private func allNames(of index: Int) -> String {
    let entry = entries[index]
    return ([entry.name] + entry.synonyms + (entry.id.map { [$0] } ?? [])).joined(separator: ", ")
  }

  private func numbered(_ index: Int) -> String {
    let entry = entries[index]
    return "\(index) (\(entry.name)\(entry.id.map { ", \($0)" } ?? ""))"
  }

  /// The name where it can be given back as an answer, which one that classes share can't.
  private func nameOrNumber(_ index: Int) -> String {
    let name = Self.normalised(entries[index].name)
    return indices { Self.normalised($0.name) == name }.count == 1 ? entries[index].name : numbered(index)
  }

  private func nearest(to wanted: String) -> [String] {
    let candidates = Set(entries.flatMap { [$0.name] + $0.synonyms })
    let ranked = candidates.map { (name: $0, distance: Self.editDistance(Self.normalised($0), wanted)) }
      .sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }
    let close = ranked.filter { $0.distance <= max(2, wanted.count / 2) }
    return (close.isEmpty ? Array(ranked) : close).prefix(5).map(\.name)
  }

  private static func normalised(_ text: String) -> String {
    text.lowercased().filter { !$0.isWhitespace && $0 != "_" && $0 != "-" }
  }

  private static func withoutCommas(_ text: String) -> String { text.filter { $0 != "," } }

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
