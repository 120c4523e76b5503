import Foundation
import VQDiffusion

/// One line on a watched standard error that says how far work is; nothing otherwise.
struct ProgressLine {
  let isShown: Bool
  /// The batch at work and when it began.
  private var batch: Range<Int>?
  private var batchStart = ContinuousClock.now
  private var lastStep = ContinuousClock.now

  init(isQuiet: Bool) { isShown = !isQuiet && Terminal.isWatched }

  mutating func show(_ step: GenerationStep) {
    guard isShown else { return }
    // A step is reported when done, so a batch began where the last step of the one before ended.
    if batch != step.images { (batch, batchStart) = (step.images, lastStep) }
    lastStep = .now
    let progress = step.progress
    let perStep = (lastStep - batchStart) / progress.step / .seconds(1)
    let batchesLeft = Double(step.totalImages - step.images.upperBound) / Double(step.images.count)
    let stepsLeft = Double(progress.totalSteps - progress.step) + batchesLeft * Double(progress.totalSteps)
    let images =
      step.totalImages == 1 ? "" : " of images \(step.images.lowerBound + 1)–\(step.images.upperBound) of \(step.totalImages)"
    show(
      "step \(progress.step)/\(progress.totalSteps)\(images), \(String(format: "%.3f", perStep)) s/it, "
        + "\(Self.clock(perStep * stepsLeft)) left")
  }

  /// Takes the line away.
  func clear() { show("") }

  /// Puts `text` in the line's place.
  func show(_ text: String) {
    if isShown { Terminal.show("\r\u{1B}[K\(text)") }
  }

  /// Seconds as 12:34, or 1:23:45.
  static func clock(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded(.up))
    let minutes = "\((whole / 60 % 60).padded(to: 2)):\((whole % 60).padded(to: 2))"
    return whole < 3600 ? minutes : "\(whole / 3600):\(minutes)"
  }
}
