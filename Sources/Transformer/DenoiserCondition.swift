/// What one sequence of a batch is conditioned on.
public enum DenoiserCondition: Hashable, Sendable {
  /// A row of the class table, "no class" included.
  case index(Int)
  /// The mean of all class rows: stands in for "no class" in models that have none.
  case meanOfClasses
  /// The vectors of a text, the empty one included.
  case text(TextVectors)
  /// For the unconditional network.
  case none
}

extension DenoiserCondition: CustomStringConvertible {
  public var description: String {
    switch self {
    case .index(let index): "class \(index)"
    case .meanOfClasses: "the mean of all classes"
    case .text(let vectors): "\(vectors)"
    case .none: "none"
    }
  }
}
