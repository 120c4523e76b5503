/// How a product is cut into tasks: panels of rows times tiles of columns.
struct ProductCut {
  let panels: Int
  let tiles: Int
  /// Panels don't reach across these.
  private let rowsPerImage: Int
  private let panelsPerImage: Int
  /// Panels begin at multiples of this within an image and are of nearly equal length.
  private let rowQuantum: Int
  private let totalColumns: Int
  /// Tiles begin at multiples of this.
  private let columnQuantum: Int

  /// For OpenBLAS: by the image's rows and the layer's shape alone, because the cuts show in the last bits.
  init(images: Int, rowsPerImage: Int, columns: Int, inner: Int, a: PanelGEMM.Rows) {
    // Long panels amortise OpenBLAS's packing of the weights; wide rows make them expensive to hold in cache.
    let longest = inner > 2048 ? 96 : 192
    panelsPerImage = (rowsPerImage + longest - 1) / longest
    panels = images * panelsPerImage
    rowQuantum = 1
    self.rowsPerImage = rowsPerImage
    totalColumns = columns
    columnQuantum = 1
    // So that one or two images keep several threads busy. Each tile packs the panel's rows anew, which costs 2 to 4 %; gathered
    // rows are gathered anew, so they are cut only where an image is a single panel.
    if case .gathered = a, panelsPerImage > 1 {
      tiles = 1
    } else {
      tiles = columns >= 1024 ? 4 : columns >= 192 ? 2 : 1
    }
  }

  /// For the packed kernel: as keeps the threads busy and the caches warm.
  ///
  /// - Parameter shortest: fewer rows don't repay the reading of the weights.
  init(rows: Int, columns: Int, inner: Int, a: PanelGEMM.Rows, shortest: Int, threads: Int) {
    // A panel of A stays in the second-level cache.
    let longest = 96
    // Multiply-adds that take about as long as waking the other threads.
    let smallProduct = 1 << 18
    (rowsPerImage, totalColumns, columnQuantum) = (rows, columns, PackedWeights.tileColumns)
    rowQuantum = PackedWeights.blockRows
    guard rows * columns * inner > smallProduct && threads > 1 else {
      tiles = 1
      panelsPerImage = (rows + longest - 1) / longest
      panels = panelsPerImage
      return
    }
    // Some tasks more than threads, because threads don't run equally fast; a multiple, so that they end together if they do.
    let wanted = 4 * threads
    let fewest = (rows + longest - 1) / longest
    panelsPerImage = min(max(fewest + threads - 1, wanted) / threads * threads, max(rows / shortest, 1))
    panels = panelsPerImage
    // Gathered rows are gathered anew for each tile: there columns are cut only if threads would be idle otherwise.
    let enough =
      switch a {
      case .memory: wanted
      case .gathered: threads
      }
    tiles = min((enough + panels - 1) / panels, max(PackedWeights.tileCount(columns) / 4, 1))
  }

  func rows(ofPanel panel: Int) -> Range<Int> {
    let (image, place) = panel.quotientAndRemainder(dividingBy: panelsPerImage)
    let quanta = (rowsPerImage + rowQuantum - 1) / rowQuantum
    let first = place * quanta / panelsPerImage * rowQuantum
    let end = min((place + 1) * quanta / panelsPerImage * rowQuantum, rowsPerImage)
    return image * rowsPerImage + first..<image * rowsPerImage + end
  }

  func columns(ofTile tile: Int) -> Range<Int> {
    let quanta = (totalColumns + columnQuantum - 1) / columnQuantum
    return tile * quanta / tiles * columnQuantum..<min((tile + 1) * quanta / tiles * columnQuantum, totalColumns)
  }
}
