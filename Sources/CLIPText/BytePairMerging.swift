extension BytePairVocabulary {
  /// A word's tokens.
  ///
  /// n bytes take O(n log n): candidates lie in a heap by rank, then place. All pairs of one rank that are neighbours at the
  /// same time are merged from left to right before the new neighbours count.
  func tokens(of word: some Collection<Unicode.Scalar>) -> [Int32] {
    let spelling = spelling(word)
    guard spelling.count > 1 else { return spelling }
    var pieces = Pieces(spelling)
    var heap = CandidateHeap()
    for place in 0..<spelling.count - 1 { push(pairAt: place, of: pieces, to: &heap) }
    var changed: [Int] = []
    while let rank = heap.first?.rank {
      changed.removeAll(keepingCapacity: true)
      while let candidate = heap.first, candidate.rank == rank {
        heap.removeFirst()
        let place = candidate.place
        // A candidate is stale once one of its two was merged.
        guard let right = pieces.after(place), let merge = merge(pieces.ids[place], pieces.ids[right]), merge.rank == rank
        else { continue }
        pieces.mergeWithNext(place, into: merge.id)
        changed.append(place)
      }
      for place in changed where pieces.ids[place] != Pieces.merged {
        if let left = pieces.before(place) { push(pairAt: left, of: pieces, to: &heap) }
        push(pairAt: place, of: pieces, to: &heap)
      }
    }
    return pieces.ids.filter { $0 != Pieces.merged }
  }

  private func push(pairAt place: Int, of pieces: Pieces, to heap: inout CandidateHeap) {
    if let right = pieces.after(place), let merge = merge(pieces.ids[place], pieces.ids[right]) {
      heap.insert(.init(rank: merge.rank, place: place))
    }
  }
}

/// A word's pieces, each at the place where it begins, linked to its neighbours.
private struct Pieces {
  /// Stands where a piece was that is now part of the one before.
  static let merged: Int32 = -1

  private(set) var ids: [Int32]
  private var next: [Int]
  private var previous: [Int]

  init(_ ids: [Int32]) {
    self.ids = ids
    next = Array(1...ids.count)
    previous = Array(-1..<ids.count - 1)
  }

  /// The place of the piece after a living one, nil after the last and for a piece that is merged.
  func after(_ place: Int) -> Int? { ids[place] != Self.merged && next[place] < ids.count ? next[place] : nil }

  func before(_ place: Int) -> Int? { previous[place] >= 0 ? previous[place] : nil }

  mutating func mergeWithNext(_ place: Int, into id: Int32) {
    let right = next[place]
    ids[place] = id
    ids[right] = Self.merged
    next[place] = next[right]
    if next[right] < ids.count { previous[next[right]] = place }
  }
}

/// Pairs that may be merged, lowest rank first, then from left to right.
private struct CandidateHeap {
  struct Candidate: Comparable {
    let rank: Int32
    let place: Int

    static func < (a: Candidate, b: Candidate) -> Bool { (a.rank, a.place) < (b.rank, b.place) }
  }

  private var entries: [Candidate] = []

  var first: Candidate? { entries.first }

  mutating func insert(_ candidate: Candidate) {
    entries.append(candidate)
    var child = entries.count - 1
    while child > 0, entries[child] < entries[(child - 1) / 2] {
      entries.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func removeFirst() {
    entries.swapAt(0, entries.count - 1)
    entries.removeLast()
    var parent = 0
    while 2 * parent + 1 < entries.count {
      var child = 2 * parent + 1
      if child + 1 < entries.count, entries[child + 1] < entries[child] { child += 1 }
      guard entries[child] < entries[parent] else { return }
      entries.swapAt(parent, child)
      parent = child
    }
  }
}
