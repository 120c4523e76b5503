import Foundation
import VQDiffusion

/// Drives a trainer to the end of its run: logs, samples, saves.
struct TrainingLoop {
  let folder: RunFolder
  let reports: ReportSettings
  let steps: Int
  /// Images of a step.
  let imagesPerStep: Int
  /// What the run is recognised by: names and values that must be those of its checkpoint.
  let identity: [(name: String, value: String)]
  let cancellation: Cancellation
  let report: (TrainingEvent) -> Void

  /// Goes on from the folder's checkpoint, or begins, and makes all steps that are left.
  ///
  /// On cancellation the state is saved first.
  ///
  /// - Returns: what was measured last.
  /// - Throws: `CancellationError`; errors of the trainer, and of files that can't be written: the last checkpoint is then as it was.
  func run(_ trainer: some Trainer) throws -> [(name: String, value: Double)] {
    let kind = type(of: trainer).kind
    if let saved = try folder.savedState(kind: kind, identity: identity) {
      try trainer.restore(from: saved)
      report(.resumed(step: trainer.step))
    }
    let log = try MetricsLog(folder.metrics, keepingThrough: trainer.step)
    let clock = ContinuousClock()
    var lastSave = clock.now
    func save() throws {
      try log.synchronize()
      try folder.save(trainer.state(), kind: kind, identity: identity)
      lastSave = clock.now
      report(.wrote(folder.checkpoint))
    }
    // A run that was stopped between its last checkpoint and its model has yet to leave that.
    if trainer.step == steps { try show(trainer, log) }
    while trainer.step < steps {
      do { try cancellation.check() } catch {
        try save()
        throw error
      }
      let start = clock.now
      var values = try trainer.advance()
      let seconds = start.duration(to: clock.now) / .seconds(1)
      values.append(("images_per_s", Double(imagesPerStep) / seconds))
      let isLast = trainer.step == steps
      let isShown = isLast || (reports.samplesEvery > 0 && trainer.step.isMultiple(of: reports.samplesEvery))
      if isShown { values += try trainer.validate() }
      try log.append(MetricsRecord(step: trainer.step, values: values))
      report(.step(TrainingStep(step: trainer.step, steps: steps, values: values)))
      if isLast || lastSave.duration(to: clock.now) / .seconds(60) >= reports.checkpointMinutes { try save() }
      guard isShown else { continue }
      do { try show(trainer, log) } catch is CancellationError {
        try save()
        throw CancellationError()
      }
    }
    return log.records.last?.values ?? []
  }

  /// Writes the model, a picture of what it does, and the curves so far.
  private func show<T: Trainer>(_ trainer: T, _ log: MetricsLog) throws {
    try trainer.writeModel(to: folder.model)
    let picture = folder.samples(trainer.step)
    try trainer.writeSamples(to: picture, model: folder.model, cancellation: cancellation)
    try plot(T.plot, log.records).write(to: folder.plot)
    for url in [folder.model, picture, folder.plot] { report(.wrote(url)) }
  }

  private func plot(_ panels: [PlotPanel], _ records: [MetricsRecord]) -> LossPlot {
    let present = Set(records.flatMap { $0.values.map(\.name) })
    let shown = panels.compactMap { panel -> LossPlot.Panel? in
      let names = panel.values.filter(present.contains)
      guard !names.isEmpty else { return nil }
      return LossPlot.Panel(
        title: panel.title, axis: panel.isLogarithmic ? .logarithmic : .linear,
        series: names.map {
          LossPlot.Series($0, metric: $0, in: records, smoothing: panel.isSmoothed ? .automatic : .none)
        })
    }
    return LossPlot(panels: shown)
  }
}
