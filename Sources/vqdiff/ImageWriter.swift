import Foundation
import VQDiffusion

/// Writes generated images as they are finished, with the settings that made them.
struct ImageWriter {
  private let pipeline: VQDiffusionPipeline
  private let settings: GenerationSettings
  private let output: ImageOutput
  /// Of each image; of a sheet the one.
  private let files: [URL]
  private let columns: Int
  /// What the sheet is still waiting with.
  private var kept: [GeneratedImage] = []

  /// Takes a checked request and plans its files.
  ///
  /// - Throws: `OutputError` for files that can't be written.
  init(
    _ pipeline: VQDiffusionPipeline, labels: [Int], count: Int, settings: GenerationSettings, output: ImageOutput
  ) throws(OutputError) {
    (self.pipeline, self.settings, self.output) = (pipeline, settings, output)
    let size = ImageSize(width: pipeline.imageSize.width, height: pipeline.imageSize.height)
    columns = labels.count > 1 ? count : ImageOutput.squareColumns(count)
    if output.isGrid {
      files = [try output.sheetFile(images: max(1, labels.count) * count, columns: columns, size: size)]
    } else {
      files = try output.files(Self.slots(labels, count: count, names: pipeline.labels), size: size)
    }
  }

  mutating func take(_ images: [GeneratedImage]) throws {
    if output.isGrid {
      kept += images
      return
    }
    for image in images {
      let record = ImageRecord(image, by: pipeline, settings: settings, scale: output.scale)
      try output.write(image.image, texts: record.pngTexts(), to: files[image.index])
    }
  }

  /// Writes the sheet, if there is to be one.
  func finish() throws {
    guard output.isGrid, !kept.isEmpty else { return }
    let record = ImageRecord(sheet: kept, columns: columns, by: pipeline, settings: settings, scale: output.scale)
    try output.write(sheet: kept.map(\.image), columns: columns, texts: record.pngTexts(), to: files[0])
  }

  /// A folder a class, its images numbered from 0; a class asked for twice goes on counting.
  private static func slots(_ labels: [Int], count: Int, names: LabelSet) -> [ImageOutput.Slot] {
    guard !labels.isEmpty else { return (0..<count).map { ImageOutput.Slot(number: $0) } }
    var next: [Int: Int] = [:]
    return labels.flatMap { label in
      let first = next[label, default: 0]
      next[label] = first + count
      let folder = folderName(of: label, names: names)
      return (first..<first + count).map { ImageOutput.Slot(folder: folder, number: $0) }
    }
  }

  /// The class's name, its index added where the name alone wouldn't do: a name that two classes share, or none.
  private static func folderName(of label: Int, names: LabelSet) -> String {
    let name = fileName(names[label])
    let isUnique = names.names.count { fileName($0) == name } == 1
    return isUnique || name == "\(label)" ? name : "\(name)-\(label)"
  }

  private static func fileName(_ name: String) -> String {
    let safe = String(name.map { $0 == "/" || $0 == "\\" || $0.isNewline || $0 == "\0" ? "-" : $0 })
    return safe.isEmpty || safe.hasPrefix(".") ? "-" + safe : safe
  }
}
