/// What one sequence of a batch is conditioned on.
public enum NetworkCondition: Hashable, Sendable {
  /// A row of the class table, "no class" included.
  case index(Int)
  /// The mean of all class rows, which stands in for "no class" in networks that learned none.
  case meanOfClasses
  /// The vectors of a text, the empty text included.
  case text(TextVectors)
  /// The condition of an unconditional network.
  case none
}

extension NetworkCondition: CustomStringConvertible {
  public var description: String {
    switch self {
    case .index(let index): "class \(index)"
    case .meanOfClasses: "the mean of all classes"
    case .text(let vectors): "\(vectors)"
    case .none: "none"
    }
  }
}
