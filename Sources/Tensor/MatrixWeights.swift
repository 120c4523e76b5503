import CKernels

/// The weights B [N, K] of a product A·Bᵀ, laid out for what multiplies by them.
enum MatrixWeights: Sendable {
  /// [N, K], for OpenBLAS.
  case rows(FloatTensor)
  /// [N, K] in 16 bits, widened for each call of OpenBLAS.
  case halfRows(HalfTensor)
  case packed(PackedWeights)
  case packedHalves(PackedHalfWeights)
  case int8(Int8Weights)

  /// Lays out weights [N, K] as `options` ask for.
  init(_ weights: LayerWeights, for options: ComputeOptions) {
    if options.weights == .float16, case .floats(let tensor) = weights, let halves = PackedHalfWeights(tensor) {
      self = .packedHalves(halves)
      return
    }
    switch (weights, options.weightProducts) {
    case (.floats(let tensor), _) where options.weights == .int8 && tensor.shape[1] <= Int8Weights.longestInner:
      self = .int8(Int8Weights(tensor))
    case (.halves(let tensor), _): self = .halfRows(tensor)
    case (.floats(let tensor), .openBLAS): self = .rows(tensor)
    case (.floats(let tensor), .packed): self = .packed(PackedWeights(tensor))
    }
  }

  /// K
  var inner: Int {
    switch self {
    case .rows(let weight): weight.shape[1]
    case .halfRows(let weight): weight.shape[1]
    case .packed(let weights): weights.inner
    case .packedHalves(let weights): weights.inner
    case .int8(let weights): weights.inner
    }
  }

  /// N
  var columns: Int {
    switch self {
    case .rows(let weight): weight.shape[0]
    case .halfRows(let weight): weight.shape[0]
    case .packed(let weights): weights.columns
    case .packedHalves(let weights): weights.columns
    case .int8(let weights): weights.columns
    }
  }

  /// Whether the kernel adds the bias; otherwise that is left to the caller.
  var addBias: Bool {
    switch self {
    case .packed, .packedHalves: true
    case .rows, .halfRows, .int8: false
    }
  }

  /// Whether pieces must be cut by the image's shape alone (see `PanelGEMM`).
  var dependOnPlace: Bool {
    switch self {
    case .rows, .halfRows: true
    case .packed, .packedHalves, .int8: false
    }
  }

  /// The fewest rows that repay the reading of the weights, and where they are widened, the widening.
  var shortestPanel: Int {
    if case .packedHalves = self { 64 } else { 24 }
  }
}

/// Weights [N, K] re-laid once for the packed kernel: tiles of 16 outputs, the last padded with zeros, each as [K, 16].
struct PackedWeights: Sendable {
  static let tileColumns = Int(VQD_TILE_COLUMNS)
  /// Rows that the kernel takes at once.
  static let blockRows = 6

  /// K
  let inner: Int
  /// N
  let columns: Int
  /// [tiles, K, 16]
  let tiles: FloatTensor

  init(_ weight: FloatTensor) {
    let (columns, inner) = (weight.shape[0], weight.shape[1])
    let count = Self.tileCount(columns)
    (self.inner, self.columns) = (inner, columns)
    defer { keepAlive(weight) }
    tiles = FloatTensor(uninitialized: [count, inner, Self.tileColumns]) { packed in
      ThreadPool.shared.parallelFor(count) { [packed = SharedPointer(packed)] tile in
        let first = tile * Self.tileColumns
        vqd_pack_weights(
          weight.base + first * inner, inner, packed + first * inner, min(Self.tileColumns, columns - first), inner)
      }
    }
  }

  /// Weights that already lie so.
  init(inner: Int, columns: Int, tiles: FloatTensor) {
    (self.inner, self.columns, self.tiles) = (inner, columns, tiles)
  }

  static func tileCount(_ columns: Int) -> Int { (columns + tileColumns - 1) / tileColumns }
}
