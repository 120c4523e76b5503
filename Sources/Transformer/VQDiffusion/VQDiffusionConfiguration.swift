import Tensor

/// The architecture of VQ-Diffusion's denoising transformer, as `transformer/config.json` of a model folder states it.
public struct VQDiffusionConfiguration: Codable, Sendable, Equatable {
  /// What the network is conditioned on.
  public enum Kind: String, Codable, Sendable {
    /// A class index, through the second norm of each block.
    case classConditional = "class"
    /// The vectors of a text, through cross-attention in each block.
    case text
    case unconditional = "uncond"
  }

  /// A norm whose scale and shift follow from an index.
  public enum AdaptiveNormKind: String, Codable, CaseIterable, Sendable {
    /// Layer norm, the index looked up in a learned table.
    case layerNorm = "adalayernorm"
    /// Layer norm, the index in a fixed sinusoidal code.
    case sinusoidalLayerNorm = "adalayernorm_abs"
    /// Instance norm (each channel over the sequence), the index looked up in a learned table.
    case instanceNorm = "adainsnorm"
  }

  public enum FeedForwardKind: String, Codable, CaseIterable, Sendable {
    case fullyConnected = "fc"
    /// Two 3×3 convolutions over the token grid.
    case convolutional = "conv_mlp"
  }

  public enum ActivationKind: String, Codable, CaseIterable, Sendable {
    /// x Φ(x)
    case gelu = "GELU"
    /// x σ(1.702 x)
    case quickGELU = "GELU2"

    package var activation: Activation { self == .gelu ? .gelu : .quickGELU }
  }

  public enum PositionKind: String, Codable, CaseIterable, Sendable {
    /// Tables named `height_emb.weight`, `width_emb.weight`, [rows, D].
    case embedding
    /// Tables named `height_emb`, `width_emb`, [1, rows, D].
    case parameter
  }

  public var kind: Kind
  /// Rows of the class table, the "no class" row included.
  public var classRows: Int?
  /// The class index that was trained as "no class", the last row; absent if none was.
  public var unconditionalClass: Int?
  public var classNorm: AdaptiveNormKind?
  /// Vectors of a text.
  public var textLength: Int?
  /// Numbers of each of them.
  public var textWidth: Int?
  /// Before self-attention, and in text-conditional models before cross-attention too.
  public var timestepNorm: AdaptiveNormKind
  public var layers: Int
  /// D
  public var width: Int
  /// H
  public var heads: Int
  public var mlp: FeedForwardKind
  public var mlpHiddenMultiplier: Int
  public var activation: ActivationKind
  /// [rows, columns] of the token grid.
  public var grid: [Int]
  /// [rows, columns] of the position table, which may be larger than the grid.
  public var positionTable: [Int]
  public var positionKind: PositionKind
  /// K
  public var codebookSize: Int
  /// T
  public var timesteps: Int

  /// The largest L: beyond it a small file could ask for position vectors and attention that no memory holds.
  static let longestSequence = 1 << 16
  /// The most vectors of a text, for the same reason.
  static let longestText = 1 << 12
  private static let large = 1 << 20

  /// L
  public var sequenceLength: Int { grid.reduce(1, *) }

  /// What isn't named belongs to another kind of network.
  package init(
    kind: Kind, classRows: Int? = nil, unconditionalClass: Int? = nil, classNorm: AdaptiveNormKind? = nil, textLength: Int? = nil,
    textWidth: Int? = nil, timestepNorm: AdaptiveNormKind, layers: Int, width: Int, heads: Int, mlp: FeedForwardKind,
    mlpHiddenMultiplier: Int, activation: ActivationKind, grid: [Int], positionTable: [Int], positionKind: PositionKind,
    codebookSize: Int, timesteps: Int
  ) {
    (self.kind, self.classRows, self.unconditionalClass) = (kind, classRows, unconditionalClass)
    (self.classNorm, self.textLength, self.textWidth) = (classNorm, textLength, textWidth)
    (self.timestepNorm, self.layers, self.width, self.heads) = (timestepNorm, layers, width, heads)
    (self.mlp, self.mlpHiddenMultiplier, self.activation) = (mlp, mlpHiddenMultiplier, activation)
    (self.grid, self.positionTable, self.positionKind) = (grid, positionTable, positionKind)
    (self.codebookSize, self.timesteps) = (codebookSize, timesteps)
  }

  enum CodingKeys: String, CodingKey {
    case kind, layers, width, heads, mlp, activation, grid, timesteps
    case classRows = "class_rows"
    case unconditionalClass = "unconditional_class"
    case classNorm = "class_norm"
    case textLength = "text_length"
    case textWidth = "text_width"
    case timestepNorm = "timestep_norm"
    case mlpHiddenMultiplier = "mlp_hidden_multiplier"
    case positionTable = "position_table"
    case positionKind = "position_kind"
    case codebookSize = "codebook_size"
  }

  /// Checks that the numbers fit together.
  ///
  /// - Throws: `TransformerError.invalidConfiguration`.
  public func validate() throws(TransformerError) {
    try require((1...4096).contains(layers), .layers, "1...4096", layers)
    try require((1...Self.large).contains(heads), .heads, "1 or more", heads)
    try require(
      (2...Self.large).contains(width) && width.isMultiple(of: heads), .width, "a multiple of heads (\(heads))", width)
    try require((1...1024).contains(mlpHiddenMultiplier), .mlpHiddenMultiplier, "1...1024", mlpHiddenMultiplier)
    try require((1...Self.large).contains(codebookSize), .codebookSize, "1...\(Self.large)", codebookSize)
    try require((2...Self.large).contains(timesteps), .timesteps, "2...\(Self.large)", timesteps)
    for (field, size) in [(CodingKeys.grid, grid), (.positionTable, positionTable)] {
      try require(size.count == 2 && size.allSatisfy { (1...4096).contains($0) }, field, "[rows, columns], 1...4096 each", size)
    }
    try require(
      sequenceLength <= Self.longestSequence, .grid, "at most \(Self.longestSequence) positions", grid)
    try require(
      positionTable.reduce(1, *) >= sequenceLength, .positionTable, "at least \(sequenceLength) positions", positionTable)
    if timestepNorm == .sinusoidalLayerNorm || classNorm == .sinusoidalLayerNorm {
      try require(width >= 4 && width.isMultiple(of: 2), .width, "even and at least 4 for a sinusoidal code", width)
    }
    try validateCondition()
  }

  /// The fields of the kind are there, those of the others aren't.
  private func validateCondition() throws(TransformerError) {
    if kind == .classConditional {
      let rows = classRows ?? 0
      try require((1...Self.large).contains(rows), .classRows, "1...\(Self.large)", classRows)
      try require(classNorm != nil, .classNorm, "the kind of norm", nil)
      if let unconditionalClass {
        try require(rows >= 2, .classRows, "2 or more, one of them \"no class\"", classRows)
        try require(unconditionalClass == rows - 1, .unconditionalClass, "the last class row, \(rows - 1)", unconditionalClass)
      }
    } else {
      let expected = "nothing for a model that isn't class-conditional"
      try require(classRows == nil, .classRows, expected, classRows)
      try require(classNorm == nil, .classNorm, expected, classNorm?.rawValue)
      try require(unconditionalClass == nil, .unconditionalClass, expected, unconditionalClass)
    }
    if kind == .text {
      try require((1...Self.longestText).contains(textLength ?? 0), .textLength, "1...\(Self.longestText)", textLength)
      try require((1...Self.large).contains(textWidth ?? 0), .textWidth, "1...\(Self.large)", textWidth)
    } else {
      let expected = "nothing for a model that isn't conditioned on text"
      try require(textLength == nil, .textLength, expected, textLength)
      try require(textWidth == nil, .textWidth, expected, textWidth)
    }
  }

  private func require(
    _ isTrue: Bool, _ field: CodingKeys, _ expected: String, _ found: Any?
  ) throws(TransformerError) {
    if !isTrue {
      throw .invalidConfiguration(field: field.stringValue, expected: expected, found: found.map { "\($0)" } ?? "nothing")
    }
  }
}
