import Tensor

/// An evaluation of the network for one image.
struct EvaluationRequest<Condition: Hashable & Sendable>: Hashable {
  var tokens: [Int32]
  var timestep: Int
  var condition: Condition
}

/// Evaluates a denoiser for the images of a step, each distinct request once. Images that start from the same masks under the
/// same condition share their first evaluation, and an image whose tokens and timestep haven't changed gets its last one again.
/// A denoiser that doesn't read the timestep gets requests with timestep 0, so that requests which differ in it alone are
/// equal.
///
/// An evaluator serves one batch (`SamplingLoop.run`), so nothing is reused from one batch to the next. Reuse is sound because
/// the logits of a sequence depend on that sequence alone (`Denoiser.logits`).
struct Evaluator<D: Denoiser> {
  typealias Request = EvaluationRequest<D.Condition>

  /// The logits of one request, among those of others.
  struct Answer {
    let logits: FloatTensor
    /// The first row of this request.
    let firstRow: Int
    /// The row of each position counted from `firstRow`, −1 where there is none; nil: all, in order.
    let rowOfPosition: [Int32]?
    let isFinite: Bool

    /// Valid as long as the answer is.
    var rows: LogitsRows { LogitsRows(logits.base + firstRow * logits.shape[1], rowOfPosition: rowOfPosition) }
  }

  let denoiser: D
  let length: Int
  /// Whether only masked positions are evaluated.
  let masksOnly: Bool
  /// Whether equal requests share an evaluation.
  let reuses: Bool
  private var last: [Request: Answer] = [:]
  /// Sequences that the network evaluated.
  private(set) var evaluations = 0
  /// Requests that needed no evaluation.
  private(set) var hits = 0

  init(denoiser: D, length: Int, masksOnly: Bool, reuses: Bool) {
    (self.denoiser, self.length, self.masksOnly, self.reuses) = (denoiser, length, masksOnly, reuses)
  }

  /// One answer per request.
  mutating func answers(to requests: [Request]) throws -> [Answer] {
    var requests = requests
    if !denoiser.readsTimestep {
      for index in requests.indices { requests[index].timestep = 0 }
    }
    guard reuses else {
      evaluations += requests.count
      return try evaluate(requests)
    }
    var fresh: [Request] = []
    var known: [Request: Answer] = [:]
    var isFresh: Set<Request> = []
    for request in requests {
      if let answer = last[request] {
        known[request] = answer
      } else if isFresh.insert(request).inserted {
        fresh.append(request)
      }
    }
    for (request, answer) in zip(fresh, try evaluate(fresh)) { known[request] = answer }
    evaluations += fresh.count
    hits += requests.count - fresh.count
    last = known
    return requests.compactMap { known[$0] }
  }

  private func evaluate(_ requests: [Request]) throws -> [Answer] {
    guard !requests.isEmpty else { return [] }
    let positions = requests.map { request in
      masksOnly ? request.tokens.indices.filter { Int(request.tokens[$0]) == denoiser.codes } : Array(0..<length)
    }
    let tokens = requests.flatMap(\.tokens)
    let (timesteps, conditions) = (requests.map(\.timestep), requests.map(\.condition))
    let logits: FloatTensor
    if masksOnly {
      logits = try denoiser.logits(
        tokens: tokens, length: length, timesteps: timesteps, conditions: conditions, positions: positions)
      try expect(logits, [positions.reduce(0) { $0 + $1.count }, denoiser.codes])
    } else {
      let all = try denoiser.logits(tokens: tokens, length: length, timesteps: timesteps, conditions: conditions)
      try expect(all, [requests.count, length, denoiser.codes])
      logits = all.reshaped([requests.count * length, denoiser.codes])
    }
    return answers(positions, logits)
  }

  private func expect(_ logits: FloatTensor, _ shape: [Int]) throws(DiffusionError) {
    guard logits.shape == shape else { throw .logitsShape(expected: shape, found: logits.shape) }
  }

  private func answers(_ positions: [[Int]], _ logits: FloatTensor) -> [Answer] {
    var firstRow = 0
    defer { keepAlive(logits) }
    return positions.map { positions in
      defer { firstRow += positions.count }
      var rowOfPosition: [Int32]?
      if masksOnly {
        var rows = [Int32](repeating: -1, count: length)
        for (row, position) in positions.enumerated() { rows[position] = Int32(row) }
        rowOfPosition = rows
      }
      let isFinite = RowMath.isFinite(logits.base + firstRow * denoiser.codes, count: positions.count * denoiser.codes)
      return Answer(
        logits: logits, firstRow: firstRow, rowOfPosition: rowOfPosition, isFinite: isFinite)
    }
  }
}
