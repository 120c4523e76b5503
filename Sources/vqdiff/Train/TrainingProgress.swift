import Foundation
import VQDiffusionTraining

/// Says how far a training run is: in one line that changes on a watched terminal, in a line now and then elsewhere.
final class TrainingProgress: @unchecked Sendable {
  private let isQuiet: Bool
  private let line: ProgressLine
  private let clock = ContinuousClock()
  /// Of all below; events come from several threads.
  private let lock = NSLock()
  private var start: (step: Int, time: ContinuousClock.Instant)?
  private var hasCheckpointNow = false

  init(isQuiet: Bool) {
    self.isQuiet = isQuiet
    line = ProgressLine(isQuiet: isQuiet)
  }

  /// Whether the last thing that the run wrote was its state.
  var hasCheckpoint: Bool { lock.withLock { hasCheckpointNow } }

  func take(_ event: TrainingEvent) {
    lock.withLock {
      switch event {
      case .data(let location, let images, let classes):
        let kinds = classes == 0 ? "" : " of \(classes) class\(classes == 1 ? "" : "es")"
        say("\(Terminal.line(location)): \(images) images\(kinds)")
      case .unreadable(let image, let reason):
        line.clear()
        let name = reason.contains(image) ? "" : "\(image): "
        Terminal.report("vqdiff: left out: " + Terminal.line(name + reason))
      case .encoding(let share): line.show("encoding images, \(Int(share * 100)) %")
      case .resumed(let step):
        say("goes on after step \(step)")
        start = (step, clock.now)
      case .step(let step): show(step)
      case .wrote(let url): hasCheckpointNow = hasCheckpointNow || url.lastPathComponent == "checkpoint.safetensors"
      case .finished: line.clear()
      }
    }
  }

  /// Takes the line away.
  func clear() { lock.withLock { line.clear() } }

  private func say(_ text: String) {
    guard !isQuiet else { return }
    line.clear()
    Terminal.report(text)
  }

  private func show(_ step: TrainingStep) {
    guard !isQuiet else { return }
    // The first step is the one that is timed from: it waits for data, and may cluster latents.
    guard let start else {
      start = (step.step, clock.now)
      return print(step, timing: "")
    }
    let perStep = start.time.duration(to: clock.now) / .seconds(1) / Double(max(1, step.step - start.step))
    let left = ProgressLine.clock(perStep * Double(step.steps - step.step))
    let images = step["images_per_s"].map { ", \(String(format: "%.0f", $0)) images/s" } ?? ""
    print(step, timing: "\(images), \(left) left")
  }

  private func print(_ step: TrainingStep, timing: String) {
    let text = "step \(step.step)/\(step.steps), loss \(Self.number(step["loss"] ?? .nan))\(timing)"
    if line.isShown { return line.show(text) }
    let interval = min(100, (step.steps + 9) / 10)
    if step.step.isMultiple(of: interval) || step.step == step.steps { Terminal.report(text) }
  }

  /// Four digits, as many as one looks at.
  static func number(_ value: Double) -> String { String(format: "%.4g", value) }
}
