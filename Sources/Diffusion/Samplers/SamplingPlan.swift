/// What every sampler is told of a run.
package struct SamplingPlan: Sendable {
  package let kernel: any CorruptionKernel
  /// Rows and columns of the tokens of an image.
  package let shape: GridShape
  package let steps: Int
  /// t_0, the time that sampling starts from: T, or earlier for a partly noised image.
  package let start: Int
  /// Masks of an image at the start, for samplers that count them.
  package let masks: Int
  package let timestepGrid: TimestepGrid

  /// L
  package var length: Int { shape.count }

  /// - Parameters:
  ///   - steps: N; its range depends on the sampler.
  ///   - start: T if nil. A custom grid states its own. Pure noise starts at T, unless it is masks alone (`initialState`).
  ///   - masks: L if nil: all tokens are masked at the start, as far as the kernel masks.
  /// - Throws: `length`, `startTimestep`, `startMasks`.
  package init(
    _ kernel: any CorruptionKernel, shape: GridShape, steps: Int, start: Int? = nil, masks: Int? = nil,
    timestepGrid: TimestepGrid = .linear
  ) throws(DiffusionError) {
    guard shape.rows >= 1, shape.columns >= 1 else { throw .length(found: shape.count) }
    var start = start ?? kernel.timesteps
    if case .custom(let times) = timestepGrid, let first = times.first { start = first }
    guard (1...kernel.timesteps).contains(start) else {
      throw .startTimestep(allowed: 1...kernel.timesteps, found: start)
    }
    let masks = masks ?? shape.count
    guard (1...shape.count).contains(masks) else { throw .startMasks(allowed: 1...shape.count, found: masks) }
    self.kernel = kernel
    self.shape = shape
    self.steps = steps
    self.start = start
    self.masks = masks
    self.timestepGrid = timestepGrid
  }

  /// The same for a row of `length` tokens.
  package init(
    _ kernel: any CorruptionKernel, length: Int, steps: Int, start: Int? = nil, masks: Int? = nil,
    timestepGrid: TimestepGrid = .linear
  ) throws(DiffusionError) {
    try self.init(
      kernel, shape: GridShape(rows: 1, columns: length), steps: steps, start: start, masks: masks, timestepGrid: timestepGrid)
  }

  /// - Throws: `steps` unless they lie in 1…t_0.
  func checkSteps(upToStartFor sampler: SamplingMethod.Name) throws(DiffusionError) {
    guard (1...start).contains(steps) else {
      throw .steps(sampler: sampler.rawValue, allowed: 1...start, of: "\(start) timesteps", found: steps)
    }
  }

  /// Checks that masks can be counted: the kernel masks, and N lies in 1…L.
  ///
  /// - Throws: `needsMasks`, `steps`.
  func checkSteps(upToLengthFor sampler: SamplingMethod.Name) throws(DiffusionError) {
    try checkMasks(for: sampler)
    guard (1...length).contains(steps) else {
      throw .steps(sampler: sampler.rawValue, allowed: 1...length, of: "\(length) tokens", found: steps)
    }
  }

  /// - Throws: `needsMasks`.
  func checkMasks(for sampler: SamplingMethod.Name) throws(DiffusionError) {
    guard kernel.hasMasks else { throw .needsMasks(sampler: sampler.rawValue, kernel: kernel.name) }
  }
}

/// Rows and columns of a grid of tokens.
public struct GridShape: Sendable, Equatable {
  public var rows: Int
  public var columns: Int

  public init(rows: Int, columns: Int) { (self.rows, self.columns) = (rows, columns) }

  public var count: Int { rows * columns }
}
