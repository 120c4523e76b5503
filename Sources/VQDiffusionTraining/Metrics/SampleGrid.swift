import Images
import VQDiffusion

/// Pictures of a run's progress.
package enum SampleGrid {
  /// Rows of originals, each over the row of their reconstructions.
  ///
  /// - Parameters:
  ///   - pairs: At least one image and what the autoencoder makes of it.
  ///   - columns: Pairs side by side.
  ///   - scale: Width and height of a pixel in the picture.
  package static func reconstructions(
    _ pairs: [(original: RGBImage, reconstruction: RGBImage)], columns: Int = 8, scale: Int = 4
  ) -> RGBImage {
    precondition(!pairs.isEmpty && columns > 0, "\(pairs.count) pairs in \(columns) columns")
    let rows = stride(from: 0, to: pairs.count, by: columns).flatMap { start in
      let row = pairs[start..<min(start + columns, pairs.count)]
      return [row.map(\.original), row.map(\.reconstruction)]
    }
    return samples(rows, scale: scale)
  }

  /// Rows of generated images, for instance a row a class; rows may differ in length.
  ///
  /// - Parameters:
  ///   - rows: At least one image.
  ///   - scale: Width and height of a pixel in the picture.
  package static func samples(_ rows: [[RGBImage]], scale: Int = 4) -> RGBImage {
    let columns = rows.reduce(0) { max($0, $1.count) }
    precondition(columns > 0, "a picture of \(rows.count) rows without images")
    let blank = RGBImage(width: 1, height: 1, filledWith: .white)
    let cells = rows.flatMap { $0 + Array(repeating: blank, count: columns - $0.count) }
    return RGBImage.grid(cells, columns: columns, gap: 1).scaled(by: scale)
  }
}
