import CKernels

/// A 3×3 convolution of stride 1 by Winograd's minimal filtering F(m×m, 3×3) (Lavin & Gray 2016): for each of the (m + 2)² points a
/// product of transformed tiles with transformed weights,
///
///     Y = Aᵀ [Σ_k (G g_nk Gᵀ) ⊙ (Bᵀ d_k B)] A
///
/// B images, T tiles of m×m pixels, K input and N output channels.
struct WinogradConvolution: Sendable {
  /// m
  private let tileSize: Int
  private let inputs: Int
  private let outputs: Int
  /// For each point, the weights [N, K].
  private let weights: [MatrixWeights]
  private let bias: FloatTensor?

  private var points: Int { (tileSize + 2) * (tileSize + 2) }

  /// Whether weights of that many input channels can be laid out.
  static func canTake(inputs: Int, products: ComputeOptions.Products) -> Bool {
    // Rows of weights are transformed eight channels at a time.
    products == .packed || inputs.isMultiple(of: 8)
  }

  /// - Parameter weight: [N, K, 3, 3].
  init(weight: FloatTensor, bias: FloatTensor?, tileSize: Int, options: ComputeOptions) {
    self.tileSize = tileSize
    (outputs, inputs) = (weight.shape[0], weight.shape[1])
    self.bias = bias
    if options.weights == .float16, let halves = Self.packedHalfWeights(weight, tileSize: tileSize) {
      weights = halves
      return
    }
    weights =
      switch options.weightProducts {
      case .packed: Self.packedWeights(weight, tileSize: tileSize)
      case .openBLAS: Self.plainWeights(weight, tileSize: tileSize)
      }
  }

  private static func packedWeights(_ weight: FloatTensor, tileSize: Int) -> [MatrixWeights] {
    let (outputs, inputs, points) = (weight.shape[0], weight.shape[1], (tileSize + 2) * (tileSize + 2))
    let (tileColumns, tiles) = (PackedWeights.tileColumns, PackedWeights.tileCount(outputs))
    let perPoint = tiles * inputs * tileColumns
    let transformed = FloatTensor(uninitialized: [points, perPoint]) { target in
      ThreadPool.shared.parallelFor(tiles) { [target = SharedPointer(target)] tile in
        transformTile(tile, of: weight, tileSize: tileSize, into: target + tile * inputs * tileColumns, pointStride: perPoint)
      }
    }
    return (0..<points).map { point in
      .packed(
        PackedWeights(
          inner: inputs, columns: outputs,
          tiles: transformed.view(at: point * perPoint, shape: [tiles, inputs, tileColumns])))
    }
  }

  /// Nil where a transformed weight isn't finite in half precision.
  private static func packedHalfWeights(_ weight: FloatTensor, tileSize: Int) -> [MatrixWeights]? {
    let (outputs, inputs, points) = (weight.shape[0], weight.shape[1], (tileSize + 2) * (tileSize + 2))
    let halves = PackedHalfWeights.matrices(points, inner: inputs, columns: outputs) { tile, target in
      transformTile(tile, of: weight, tileSize: tileSize, into: target, pointStride: inputs * PackedWeights.tileColumns)
    }
    return halves?.map { .packedHalves($0) }
  }

  /// For each point the transformed weights of one tile of outputs as [K, 16], points `pointStride` floats apart.
  private static func transformTile(
    _ tile: Int, of weight: FloatTensor, tileSize: Int, into target: UnsafeMutablePointer<Float>, pointStride: Int
  ) {
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    defer { keepAlive(weight) }
    for half in stride(from: 0, to: PackedWeights.tileColumns, by: 8) {
      let first = tile * PackedWeights.tileColumns + half
      vqd_winograd_weights(
        weight.base + min(first, outputs) * inputs * 9, max(0, min(8, outputs - first)), inputs * 9, inputs, 9, target + half,
        PackedWeights.tileColumns, pointStride, Int32(tileSize))
    }
  }

  private static func plainWeights(_ weight: FloatTensor, tileSize: Int) -> [MatrixWeights] {
    let (outputs, inputs, points) = (weight.shape[0], weight.shape[1], (tileSize + 2) * (tileSize + 2))
    defer { keepAlive(weight) }
    let transformed = FloatTensor(uninitialized: [points, outputs * inputs]) { target in
      ThreadPool.shared.parallelFor(outputs) { [target = SharedPointer(target)] output in
        vqd_winograd_weights(
          weight.base + output * inputs * 9, 8, 9, inputs / 8, 72, target + output * inputs, 8, outputs * inputs,
          Int32(tileSize))
      }
    }
    return (0..<points).map { .rows(transformed.view(at: $0 * outputs * inputs, shape: [outputs, inputs])) }
  }

  /// y = activation(conv(x) + b), or y += conv(x) + b, for x [B, H, W, K], y [B, H, W, N].
  func callAsFunction(
    _ x: FloatTensor, into y: UnsafeMutablePointer<Float>, activation: Activation, accumulates: Bool
  ) {
    let (images, height, width) = (x.shape[0], x.shape[1], x.shape[2])
    let tileRowsPerImage = (height + tileSize - 1) / tileSize
    let tilesPerRow = (width + tileSize - 1) / tileSize
    let cut = blocks(tileRowsPerImage: tileRowsPerImage, tilesPerRow: tilesPerRow, images: images)
    defer { keepAlive(x) }
    let step = Step(
      x: x, y: SharedPointer(y), height: height, width: width, tilesPerRow: tilesPerRow, tileRowsPerImage: tileRowsPerImage,
      activation: activation, accumulates: accumulates)
    if cut.runsInParallel {
      ThreadPool.shared.parallelFor(cut.ranges.count) { run(cut.ranges[$0], step) }
    } else {
      for range in cut.ranges { run(range, step) }
    }
  }

  private struct Step {
    let x: FloatTensor
    let y: SharedPointer<Float>
    let height, width, tilesPerRow, tileRowsPerImage: Int
    let activation: Activation
    let accumulates: Bool
  }

  /// Blocks of rows of tiles, numbered through the images. Small weights stay in cache: each thread takes blocks that do too. Large
  /// ones are read from memory once for as many tiles as possible, and threads share each block.
  private func blocks(
    tileRowsPerImage: Int, tilesPerRow: Int, images: Int
  ) -> (ranges: [Range<Int>], runsInParallel: Bool) {
    let bytesPerRow = points * tilesPerRow * (inputs + outputs) * MemoryLayout<Float>.stride
    let isSmall = points * inputs * outputs * MemoryLayout<Float>.stride <= 4 << 20
    let longest = max(1, (isSmall ? 1 << 20 : 128 << 20) / bytesPerRow)
    // BLAS's results may depend on the number of rows: there blocks don't reach across images (see `PanelGEMM`).
    let staysInImage = weights[0].dependOnPlace
    let unit = staysInImage ? tileRowsPerImage : tileRowsPerImage * images
    let units = staysInImage ? images : 1
    let count = (unit + longest - 1) / longest
    let ranges = (0..<units).flatMap { image in
      (0..<count).map { image * unit + $0 * unit / count..<image * unit + ($0 + 1) * unit / count }
    }
    return (ranges, isSmall && ranges.count >= ThreadPool.shared.threadCount)
  }

  /// Floats from one point's tiles to the next one's. Transforms walk through all points at once; at distances of a power of two their
  /// lines would share a few places of the cache, so some lines lie between.
  private func pointStride(_ tiles: Int, channels: Int) -> Int { tiles * channels + 80 }

  private func run(_ tileRows: Range<Int>, _ step: Step) {
    let tiles = tileRows.count * step.tilesPerRow
    let transformed = Storage(count: points * pointStride(tiles, channels: inputs))
    let products = Storage(count: points * pointStride(tiles, channels: outputs))
    defer { withExtendedLifetime((transformed, products)) {} }
    let image = vqd_tile_image(height: step.height, width: step.width, channels: inputs)
    ThreadPool.shared.parallelFor(tileRows.count) { row in
      withUnsafePointer(to: image) { image in
        vqd_winograd_input(
          step.x.base, image, (tileRows.lowerBound + row) * step.tilesPerRow, step.tilesPerRow,
          transformed.base + row * step.tilesPerRow * inputs, pointStride(tiles, channels: inputs), Int32(tileSize))
      }
    }
    multiply(transformed, tiles: tiles, into: products)
    let result = vqd_tile_image(height: step.height, width: step.width, channels: outputs)
    ThreadPool.shared.parallelFor(tileRows.count) { row in
      finish(tileRows.lowerBound + row, products.base + row * step.tilesPerRow * outputs, tiles: tiles, image: result, step)
    }
  }

  /// For each point, products [T, N] of transformed tiles [T, K] and weights.
  private func multiply(_ tiles: Storage, tiles count: Int, into products: Storage) {
    let isPacked = !weights[0].dependOnPlace
    // A panel of tiles stays in the second-level cache; BLAS packs what it gets and takes the tiles whole. Panels are even, since a
    // short one would read all weights for little.
    let panels = isPacked ? (count + 127) / 128 : 1
    let columnTiles =
      isPacked ? min(max(1, PackedWeights.tileCount(outputs) / 4), 1 + 4 * ThreadPool.shared.threadCount / points) : 1
    ThreadPool.shared.parallelFor(points * columnTiles * panels) { task in
      let (pointAndTile, part) = task.quotientAndRemainder(dividingBy: panels)
      let (point, tile) = pointAndTile.quotientAndRemainder(dividingBy: columnTiles)
      let quanta = PackedWeights.tileCount(outputs)
      let from = tile * quanta / columnTiles * PackedWeights.tileColumns
      let columns = from..<min((tile + 1) * quanta / columnTiles * PackedWeights.tileColumns, outputs)
      let (first, end) = (part * count / panels, (part + 1) * count / panels)
      weights[point].multiply(
        tiles.base + point * pointStride(count, channels: inputs) + first * inputs, rows: end - first, columns: columns,
        bias: nil, into: products.base + point * pointStride(count, channels: outputs) + first * outputs + from,
        stride: outputs, accumulates: false)
    }
  }

  /// One row of tiles, numbered through the images: back to pixels, then bias and activation while they are in cache.
  private func finish(
    _ tileRow: Int, _ products: UnsafePointer<Float>, tiles: Int, image: vqd_tile_image, _ step: Step
  ) {
    withUnsafePointer(to: image) { image in
      vqd_winograd_output(
        products, pointStride(tiles, channels: outputs), image, tileRow * step.tilesPerRow, step.tilesPerRow, bias?.base,
        step.y.pointer, step.accumulates ? 1 : 0, Int32(tileSize))
    }
    keepAlive(bias)
    guard step.activation != .identity else { return }
    let (imageIndex, row) = tileRow.quotientAndRemainder(dividingBy: step.tileRowsPerImage)
    let first = row * tileSize
    let pixels = (min(first + tileSize, step.height) - first) * step.width
    let target = step.y + (imageIndex * step.height + first) * step.width * outputs
    vqd_bias_activation(target, pixels, outputs, outputs, nil, step.activation.kernel)
  }
}
