import Foundation
import VQDiffusion

/// Writes generated images as they are finished, and pictures of their steps, with the settings that made them.
struct ImageWriter {
  private let pipeline: VQDiffusionPipeline
  private let settings: GenerationSettings
  private let edit: Edit
  private let output: ImageOutput
  private let steps: StepOptions
  /// Of each image; of a sheet the one.
  private let files: [URL]
  private let animation: URL?
  private let columns: Int
  /// What a sheet and an animation are still waiting with.
  private var kept: [GeneratedImage] = []
  /// Of a sheet, by step and the image's number.
  private var keptPreviews: [Int: [Int: GeneratedImage]] = [:]
  /// The animation's frames of each image.
  private var frames: [Int: [RGBImage]] = [:]

  /// Takes a checked request and plans its files.
  ///
  /// - Throws: `OutputError` for files that can't be written.
  init(
    _ pipeline: VQDiffusionPipeline, subjects: [GenerationSubject], count: Int, settings: GenerationSettings, edit: Edit,
    output: ImageOutput, steps: StepOptions
  ) throws(OutputError) {
    (self.pipeline, self.settings, self.edit, self.output, self.steps) = (pipeline, settings, edit, output, steps)
    let size = ImageSize(width: pipeline.imageSize.width, height: pipeline.imageSize.height)
    columns = subjects.count > 1 ? count : ImageOutput.squareColumns(count)
    let images = max(1, subjects.count) * count
    if output.isGrid {
      files = [try output.sheetFile(images: images, columns: columns, size: size)]
    } else {
      files = try output.files(SubjectFolders.slots(subjects, count: count, names: pipeline.labels), size: size)
    }
    animation = try steps.animation()
    try steps.check(images: images, isGrid: output.isGrid)
    try steps.checkPreviews(beside: files, steps: settings.steps, onSheet: output.isGrid ? images : nil, size: size)
    if let animation, let file = files.first {
      let sheet = output.isGrid ? output.sheetSize(images: images, columns: columns, size: size) : output.scaled(size)
      try AnimationFile.check(animation, frames: settings.steps + 1, size: sheet, beside: file, steps: steps)
    }
  }

  mutating func take(_ step: GenerationStep) throws {
    if steps.isPreviewed(step.progress.step) { try takePreviews(of: step) }
    if animation != nil { try takeFrames(of: step) }
  }

  mutating func take(_ images: [GeneratedImage]) throws {
    let images = edit.finish(images)
    if output.isGrid || animation != nil { kept += images }
    if output.isGrid { return }
    for image in images { try write(image, to: files[image.index]) }
  }

  /// Writes the sheet and the animation, if there are to be any.
  func finish() throws {
    guard let first = kept.first else { return }
    if output.isGrid {
      for (step, previews) in keptPreviews.sorted(by: { $0.key < $1.key }) {
        // An image that was finished earlier shows itself.
        try write(sheet: kept.map { previews[$0.index] ?? $0 }, to: StepOptions.previewFile(of: files[0], step: step), step: step)
      }
      try write(sheet: kept, to: files[0])
    }
    if let animation {
      let record = output.isGrid ? record(sheet: kept) : record(first)
      try output.write(animation: animatedSheets(), texts: record.pngTexts(), to: animation)
    }
  }

  private mutating func takePreviews(of step: GenerationStep) throws {
    let number = step.progress.step
    for preview in edit.finish(try pipeline.codec.expectedImages(of: step)) {
      if output.isGrid {
        keptPreviews[number, default: [:]][preview.index] = preview
      } else {
        try write(preview, to: StepOptions.previewFile(of: files[preview.index], step: number), step: number)
      }
    }
  }

  private mutating func takeFrames(of step: GenerationStep) throws {
    for (index, picture) in zip(step.images, try pipeline.codec.maskedImages(of: step)) {
      if let picture { frames[index, default: []].append(edit.finish(picture)) }
    }
  }

  /// Of each step what all images began it with, and the finished images at last.
  private func animatedSheets() -> [RGBImage] {
    let steps = frames.values.map(\.count).max() ?? 0
    return (0...steps).map { step in
      let images = kept.map { image in
        let own = frames[image.index] ?? []
        return step < own.count ? own[step] : image.image
      }
      return output.sheet(images, columns: columns)
    }
  }

  private func write(_ image: GeneratedImage, to file: URL, step: Int? = nil) throws {
    try output.write(image.image, texts: record(image, step: step).pngTexts(), to: file)
  }

  private func write(sheet images: [GeneratedImage], to file: URL, step: Int? = nil) throws {
    try output.write(
      sheet: images.map(\.image), columns: columns, texts: record(sheet: images, step: step).pngTexts(), to: file)
  }

  private func record(_ image: GeneratedImage, step: Int? = nil) -> ImageRecord {
    var record = ImageRecord(image, by: pipeline, settings: settings, scale: output.scale, edit: edit.record)
    record.previewStep = step
    return record
  }

  private func record(sheet images: [GeneratedImage], step: Int? = nil) -> ImageRecord {
    var record = ImageRecord(
      sheet: images, columns: columns, by: pipeline, settings: settings, scale: output.scale, edit: edit.record)
    record.previewStep = step
    return record
  }
}
