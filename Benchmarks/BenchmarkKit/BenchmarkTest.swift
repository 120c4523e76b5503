/// What is measured of a model.
package enum BenchmarkTest: String, Sendable, CaseIterable, Encodable {
  case denoise, sample, encode, decode, train
  case trainVQVAE = "train-vqvae"
  case loadDenoiser = "load-denoiser"
  case loadCodec = "load-codec"

  /// The tests of a name on the command line: its own, or both parts for `load`.
  package static func tests(named name: String) -> [BenchmarkTest] {
    name == "load" ? [.loadDenoiser, .loadCodec] : BenchmarkTest(rawValue: name).map { [$0] } ?? []
  }

  /// Names for the command line.
  package static let names =
    ["denoise", "sample", "encode", "decode", "train", "train-vqvae", "load"] + ["load-denoiser", "load-codec"]

  package var isLoad: Bool { self == .loadDenoiser || self == .loadCodec }

  package var isTraining: Bool { self == .train || self == .trainVQVAE }

  /// Whether it is the denoiser that is measured, else the codec.
  package var usesDenoiser: Bool { self == .denoise || self == .sample || self == .train || self == .loadDenoiser }

  /// Whether it is told by the sequences that the denoiser evaluates.
  package var countsEvaluations: Bool { self == .denoise || self == .sample }

  /// Which tokens its tokens per second count.
  package var countedTokens: String {
    switch self {
    case .denoise: "evaluated tokens"
    case .sample: "finished image tokens"
    case .encode: "tokens produced from images"
    case .decode: "tokens decoded to images"
    case .train: "tokens trained on"
    case .trainVQVAE: "tokens of the images trained on"
    case .loadDenoiser, .loadCodec: "none"
    }
  }
}

/// What was wrong with a list on the command line.
package struct ListError: Error, Equatable, CustomStringConvertible {
  package let expected: String
  package let found: String
  package var description: String { "must be \(expected), found \"\(found)\"" }
}

/// Numbers separated by commas, each in a range.
///
/// - Throws: `ListError`, also for an empty list.
package func parseNumbers(_ text: String, in range: ClosedRange<Int>) throws(ListError) -> [Int] {
  let expected = "numbers in \(range.lowerBound)…\(range.upperBound), separated by commas"
  var numbers: [Int] = []
  for part in text.split(separator: ",", omittingEmptySubsequences: false) {
    guard let number = Int(part), range.contains(number) else { throw ListError(expected: expected, found: text) }
    numbers.append(number)
  }
  return numbers
}

/// Tests separated by commas.
///
/// - Throws: `ListError`, also for an empty list.
package func parseTests(_ text: String) throws(ListError) -> [BenchmarkTest] {
  var tests: [BenchmarkTest] = []
  for part in text.split(separator: ",", omittingEmptySubsequences: false) {
    let named = BenchmarkTest.tests(named: String(part))
    guard !named.isEmpty else {
      throw ListError(expected: "of \(BenchmarkTest.names.joined(separator: ", "))", found: String(part))
    }
    tests += named
  }
  return tests
}
