/// Arrangement of the L tokens of an image.
public enum TokenLayout: Sendable, Hashable {
  /// Rows × columns, numbered row by row.
  case grid(rows: Int, columns: Int)
  /// A sequence without positions in the image.
  case sequence(length: Int)

  /// L; 0 for a side below 1, and for more tokens than an `Int` can count.
  public var count: Int {
    switch self {
    case .grid(let rows, let columns):
      let (count, overflows) = rows.multipliedReportingOverflow(by: columns)
      return rows < 1 || columns < 1 || overflows ? 0 : count
    case .sequence(let length): return max(length, 0)
    }
  }
}

extension TokenLayout: CustomStringConvertible {
  public var description: String {
    switch self {
    case .grid(let rows, let columns): "a grid of \(rows)×\(columns) tokens"
    case .sequence(let length): "a sequence of \(length) tokens"
    }
  }
}
