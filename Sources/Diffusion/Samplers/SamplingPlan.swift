import Tensor

/// Settings of a run that every sampler needs.
package struct SamplingPlan: Sendable {
  package let corruption: any Corruption
  package let layout: TokenLayout
  package let steps: Int
  /// t_0, the time that sampling starts from: T, or earlier for a partly noised image.
  package let start: Int
  /// Masks of an image at the start, for samplers that count them.
  package let masks: Int
  package let timestepGrid: TimestepGrid

  /// L
  package var length: Int { layout.count }

  /// - Parameters:
  ///   - steps: N; its range depends on the sampler.
  ///   - start: T if nil. A custom grid states its own. Pure noise starts at T, unless it is masks alone (`initialState`).
  ///   - masks: L if nil: all tokens that the corruption can mask are masked at the start.
  /// - Throws: `length`, `startTimestep`, `startMasks`.
  package init(
    _ corruption: any Corruption, layout: TokenLayout, steps: Int, start: Int? = nil, masks: Int? = nil,
    timestepGrid: TimestepGrid = .linear
  ) throws(DiffusionError) {
    try Self.check(layout)
    var start = start ?? corruption.timesteps
    if case .custom(let times) = timestepGrid, let first = times.first { start = first }
    guard (1...corruption.timesteps).contains(start) else {
      throw .startTimestep(allowed: 1...corruption.timesteps, found: start)
    }
    let masks = masks ?? layout.count
    guard (1...layout.count).contains(masks) else { throw .startMasks(allowed: 1...layout.count, found: masks) }
    self.corruption = corruption
    self.layout = layout
    self.steps = steps
    self.start = start
    self.masks = masks
    self.timestepGrid = timestepGrid
  }

  /// A plan for a sequence of `length` tokens.
  package init(
    _ corruption: any Corruption, length: Int, steps: Int, start: Int? = nil, masks: Int? = nil,
    timestepGrid: TimestepGrid = .linear
  ) throws(DiffusionError) {
    try self.init(
      corruption, layout: .sequence(length: length), steps: steps, start: start, masks: masks, timestepGrid: timestepGrid)
  }

  /// - Throws: `length` for a layout without tokens.
  static func check(_ layout: TokenLayout) throws(DiffusionError) {
    guard layout.count == 0 else { return }
    if case .sequence(let length) = layout { throw .length(found: length) }
    throw .length(found: 0)
  }

  /// Checks that N lies in 1…t_0.
  ///
  /// - Throws: `steps`.
  func checkSteps(upToStartFor method: SamplingMethod) throws(DiffusionError) {
    guard (1...start).contains(steps) else {
      throw .steps(sampler: method.name, allowed: 1...start, of: "\(start) timesteps", found: steps)
    }
  }

  /// Checks that masks can be counted: the corruption masks, and N lies in 1…L.
  ///
  /// - Throws: `needsMasks`, `steps`.
  func checkSteps(upToLengthFor method: SamplingMethod) throws(DiffusionError) {
    try checkMasks(for: method)
    guard (1...length).contains(steps) else {
      throw .steps(sampler: method.name, allowed: 1...length, of: "\(length) tokens", found: steps)
    }
  }

  /// - Throws: `needsMasks`.
  func checkMasks(for method: SamplingMethod) throws(DiffusionError) {
    guard corruption.hasMasks else { throw .needsMasks(sampler: method.name, corruption: corruption.name) }
  }

  /// The rows and columns of the tokens.
  ///
  /// - Throws: `needsGrid` for a sequence.
  func grid(for method: SamplingMethod) throws(DiffusionError) -> (rows: Int, columns: Int) {
    guard case .grid(let rows, let columns) = layout else { throw .needsGrid(sampler: method.name, found: layout) }
    return (rows, columns)
  }
}
