import Foundation
import VQDiffusion

/// Puts images into files: each into its own, or all on one sheet.
struct ImageOutput {
  /// The place of an image among those of a folder.
  struct Slot {
    /// Of the folder within the output folder; nil for the output folder itself.
    var folder: String?
    var number: Int
  }

  let path: OutputPath
  let isGrid: Bool
  let scale: Int
  let isQuiet: Bool

  /// - Throws: `OutputError` for an output that can't be.
  init(_ output: String, _ options: ImageOutputOptions) throws(OutputError) {
    path = try OutputPath(images: output)
    (isGrid, scale, isQuiet) = (options.grid, options.scale, options.quiet)
    if isGrid, case .pattern = path { throw .patternForGrid(pattern: output) }
  }

  /// - Throws: `OutputError.sameFile` if more than one image would go into one file.
  func check(images: Int) throws(OutputError) {
    if !isGrid, images > 1, case .file(let url) = path { throw .sameFile(path: url.relativePath, images: images) }
  }

  /// The files of images, in order; all can be written, as far as can be told beforehand.
  ///
  /// - Throws: `OutputError.sameFile`, `.unwritable`, `.tooLarge`.
  func files(_ slots: [Slot], size: ImageSize) throws(OutputError) -> [URL] {
    try check(images: slots.count)
    let urls = slots.enumerated().map { url(index: $0, slot: $1) }
    // Class names may differ in nothing that a file name can express.
    if Set(urls.map(\.path)).count < urls.count, let first = urls.first {
      throw .sameFile(path: first.deletingLastPathComponent().path, images: urls.count)
    }
    let scaled = scaled(size)
    guard Double(scaled.width) * Double(scaled.height) * 3 <= Double(Int32.max) else {
      throw .tooLarge(path: urls.first?.path ?? "", found: scaled)
    }
    try OutputPath.check(urls)
    return urls
  }

  /// The file of the sheet.
  ///
  /// - Throws: `OutputError.unwritable`, `.tooLarge`.
  func sheetFile(images: Int, columns: Int, size: ImageSize) throws(OutputError) -> URL {
    let url =
      switch path {
      case .file(let url): url
      case .folder(let folder): folder.appendingPathComponent("grid.png")
      case .pattern(let pattern): URL(fileURLWithPath: pattern.name(0))
      }
    let sheet = sheetSize(images: images, columns: columns, size: size)
    guard Double(sheet.width) * Double(sheet.height) * 3 <= Double(Int32.max) else {
      throw .tooLarge(path: url.path, found: sheet)
    }
    try OutputPath.check([url])
    return url
  }

  /// The size of an image as it is written.
  func scaled(_ size: ImageSize) -> ImageSize { ImageSize(width: size.width * scale, height: size.height * scale) }

  /// What a sheet takes at the most.
  func sheetSize(images: Int, columns: Int, size: ImageSize) -> ImageSize {
    let (cell, rows) = (scaled(size), (images + columns - 1) / columns)
    return ImageSize(width: columns * (cell.width + 2), height: rows * (cell.height + 2))
  }

  /// Columns of a sheet without rows of its own: nearly a square.
  static func squareColumns(_ images: Int) -> Int { Int(Double(images).squareRoot().rounded(.up)) }

  func write(_ image: RGBImage, texts: [PNGText] = [], to url: URL) throws {
    try image.scaled(by: scale).write(to: url, text: texts, creatingFolders: true)
    if !isQuiet { try Terminal.output(url.relativePath) }
  }

  func write(sheet images: [RGBImage], columns: Int, texts: [PNGText] = [], to url: URL) throws {
    try sheet(images, columns: columns).write(to: url, text: texts, creatingFolders: true)
    if !isQuiet { try Terminal.output(url.relativePath) }
  }

  func write(animation frames: [RGBImage], texts: [PNGText], to url: URL) throws {
    let animation = AnimatedPNG(frames, milliseconds: AnimationFile.milliseconds, last: AnimationFile.lastMilliseconds)
    try animation.write(to: url, text: texts, creatingFolders: true)
    if !isQuiet { try Terminal.output(url.relativePath) }
  }

  /// Images as they lie on a sheet; a single one by itself.
  func sheet(_ images: [RGBImage], columns: Int) -> RGBImage {
    RGBImage.grid(images.map { $0.scaled(by: scale) }, columns: columns)
  }

  private func url(index: Int, slot: Slot) -> URL {
    switch path {
    case .file(let url): url
    case .pattern(let pattern): URL(fileURLWithPath: pattern.name(index))
    case .folder(let folder):
      (slot.folder.map { folder.appendingPathComponent($0, isDirectory: true) } ?? folder)
        .appendingPathComponent(slot.number.padded(to: 3) + ".png")
    }
  }
}
