import Tensor

/// Properties of a denoising network that samplers and the pipeline depend on.
public struct NetworkFacts: Sendable, Equatable {
  /// What a network is conditioned on.
  public enum Conditioning: Sendable, Equatable {
    case none
    /// One of `count` classes, by its index. With `hasNoClass` the index `count` was learned as "no class". `canAverage` says whether
    /// the network also takes `NetworkCondition.meanOfClasses`.
    case classes(count: Int, hasNoClass: Bool, canAverage: Bool)
    /// The vectors of a text, [length, width].
    case text(length: Int, width: Int)
  }

  /// K, the number of codes. K itself is the index of [MASK] among the input tokens.
  public var codes: Int
  /// The layout of the L tokens of a sequence.
  public var layout: TokenLayout
  /// What each sequence is conditioned on.
  public var conditioning: Conditioning
  /// T, the number of timesteps; nil for a network that doesn't read the timestep.
  public var timesteps: Int?
  /// Whether each position has K + 1 logits, the last one for [MASK], instead of K.
  public var hasMaskLogit: Bool

  public init(
    codes: Int, layout: TokenLayout, conditioning: Conditioning = .none, timesteps: Int? = nil, hasMaskLogit: Bool = false
  ) {
    (self.codes, self.layout, self.conditioning) = (codes, layout, conditioning)
    (self.timesteps, self.hasMaskLogit) = (timesteps, hasMaskLogit)
  }

  /// L
  public var length: Int { layout.count }

  /// Logits of each position: K, or K + 1 with one for [MASK].
  public var logitsPerToken: Int { hasMaskLogit ? codes + 1 : codes }

  /// Number of classes; 0 for a network without classes.
  public var classCount: Int {
    if case .classes(let count, _, _) = conditioning { count } else { 0 }
  }

  /// Rows of the class table: the classes and, where it was learned, "no class".
  public var classRows: Int {
    if case .classes(let count, let hasNoClass, _) = conditioning { hasNoClass ? count + 1 : count } else { 0 }
  }

  /// Whether the network is conditioned on texts.
  public var takesTexts: Bool {
    if case .text = conditioning { true } else { false }
  }

  /// The condition that stands for "no class"; nil for a network that has none, and for one without classes.
  public var noClass: NetworkCondition? {
    guard case .classes(let count, let hasNoClass, let canAverage) = conditioning else { return nil }
    return hasNoClass ? .index(count) : canAverage ? .meanOfClasses : nil
  }

  /// Whether predictions can be guided: against "no text", "no class" or the mean of the classes.
  public var canBeGuided: Bool { takesTexts || noClass != nil }
}

extension NetworkFacts {
  /// Checks that the numbers make sense.
  ///
  /// - Throws: `TransformerError.invalidConfiguration`.
  public func validate() throws(TransformerError) {
    func require(_ isTrue: Bool, _ field: String, _ expected: String, _ found: Any) throws(TransformerError) {
      if !isTrue { throw .invalidConfiguration(field: field, expected: expected, found: "\(found)") }
    }
    try require((1..<1 << 30).contains(codes), "codes", "1 or more", codes)
    try require(layout.count > 0, "layout", "1 token or more", layout)
    if let timesteps { try require(timesteps > 0, "timesteps", "1 or more", timesteps) }
    switch conditioning {
    case .none: return
    case .classes(let count, _, _): try require((1..<1 << 30).contains(count), "classes", "1 or more", count)
    case .text(let length, let width): try require(length > 0 && width > 0, "text", "1 vector or more", [length, width])
    }
  }

  /// Checks logits against the shape that the facts state.
  ///
  /// - Parameter rows: [B, L], or the number of chosen positions.
  /// - Throws: `TransformerError.wrongLogits`.
  package func check(_ logits: FloatTensor, rows: [Int]) throws(TransformerError) {
    let expected = rows + [logitsPerToken]
    guard logits.shape == expected else { throw .wrongLogits(expected: expected, found: logits.shape) }
  }

  /// Checks the input of one evaluation.
  ///
  /// - Throws: `TransformerError.wrongTokenCount`, `.tokenOutOfRange`, `.timestepOutOfRange`, `.classOutOfRange`, `.wrongCondition`.
  public func check(_ input: NetworkInput) throws(TransformerError) {
    let count = input.conditions.count
    guard input.tokens.count == count * length else {
      throw .wrongTokenCount(expected: "\(count) × \(length)", found: input.tokens.count)
    }
    guard timesteps == nil || input.timesteps.count == count else {
      throw .wrongTimestepCount(expected: count, found: input.timesteps.count)
    }
    if let token = input.tokens.first(where: { $0 < 0 || $0 > codes }) {
      throw .tokenOutOfRange(token: Int(token), codes: codes)
    }
    if let timesteps, let timestep = input.timesteps.first(where: { !(0..<timesteps).contains($0) }) {
      throw .timestepOutOfRange(timestep: timestep, timesteps: timesteps)
    }
    for condition in input.conditions { try check(condition) }
  }

  private func check(_ condition: NetworkCondition) throws(TransformerError) {
    func wrong(_ expected: String) -> TransformerError { .wrongCondition(expected: expected, found: "\(condition)") }
    switch (conditioning, condition) {
    case (.classes, .index(let index)):
      guard (0..<classRows).contains(index) else { throw .classOutOfRange(index: index, rows: classRows) }
    case (.classes(_, _, let canAverage), .meanOfClasses):
      guard canAverage else { throw wrong("a class index (its class code has no table)") }
    case (.classes, _): throw wrong("a class for each sequence")
    case (.text(let length, let width), _):
      guard case .text(let vectors) = condition, vectors.values.shape == [length, width] else {
        throw wrong("text vectors \([length, width]) for each sequence")
      }
    case (.none, .none): return
    case (.none, _): throw wrong("no condition")
    }
  }
}
