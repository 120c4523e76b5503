import Checkpoint
import Tensor

/// Tensors by name, in a fixed order: a network's parameters under their names in checkpoints, or what belongs to them
/// (gradients, moments, an average) under the same names.
package struct ParameterSet: Sendable {
  /// The names in order.
  package private(set) var names: [String] = []
  private var tensors: [FloatTensor] = []
  private var places: [String: Int] = [:]

  package init() {}

  /// - Throws: `TrainingError.duplicateParameter`.
  package init(_ parameters: [(name: String, tensor: FloatTensor)]) throws(TrainingError) {
    for (name, tensor) in parameters { try append(name, tensor) }
  }

  /// All tensors of a scope, sorted by name, and recorded as used.
  ///
  /// - Throws: `CheckpointError.wrongElementType` for anything but floats.
  package init(_ weights: WeightLoader) throws(CheckpointError) {
    for name in weights.names {
      guard let shape = weights.shape(of: name) else { continue }
      insert(name, try weights.tensor(name, shape))
    }
  }

  /// Zeros of the shapes of `others`.
  package init(zerosLike others: ParameterSet) {
    (names, places) = (others.names, others.places)
    tensors = others.tensors.map { FloatTensor(zeros: $0.shape) }
  }

  package var count: Int { names.count }

  /// The number of elements of all tensors.
  package var elementCount: Int { tensors.reduce(0) { $0 + $1.count } }

  /// A tensor by name, nil if there is none.
  package subscript(_ name: String) -> FloatTensor? { places[name].map { tensors[$0] } }

  /// A tensor by its place in `names`.
  package subscript(_ place: Int) -> FloatTensor { tensors[place] }

  /// - Throws: `TrainingError.duplicateParameter`.
  package mutating func append(_ name: String, _ tensor: FloatTensor) throws(TrainingError) {
    guard places[name] == nil else { throw .duplicateParameter(name: name) }
    insert(name, tensor)
  }

  /// Puts another tensor of the same shape under a name.
  ///
  /// - Throws: `TrainingError.unknown`, `.differingShape`.
  package mutating func replace(_ name: String, with tensor: FloatTensor) throws(TrainingError) {
    guard let place = places[name] else { throw .unknown(what: "replacement", parameter: name) }
    let expected = tensors[place].shape
    guard tensor.shape == expected else {
      throw .differingShape(what: "replacement", parameter: name, expected: expected, found: tensor.shape)
    }
    tensors[place] = tensor
  }

  /// Puts values [1, D] in the place of a row of a table [N, D].
  ///
  /// - Throws: `TrainingError.unknown`.
  package mutating func replaceRow(_ row: Int, of name: String, with values: FloatTensor) throws(TrainingError) {
    guard let place = places[name] else { throw .unknown(what: "replacement", parameter: name) }
    for column in 0..<values.count { tensors[place][row, column] = values[0, column] }
  }

  /// Puts a tensor of whatever shape under a name.
  ///
  /// - Throws: `TrainingError.unknown`.
  package mutating func resize(_ name: String, to tensor: FloatTensor) throws(TrainingError) {
    guard let place = places[name] else { throw .unknown(what: "replacement", parameter: name) }
    tensors[place] = tensor
  }

  mutating func insert(_ name: String, _ tensor: FloatTensor) {
    places[name] = names.count
    names.append(name)
    tensors.append(tensor)
  }

  /// The tensors of `others` in the order of this set.
  ///
  /// - Parameter what: what `others` holds, for messages.
  /// - Throws: `TrainingError.missing`, `.unknown`, `.differingShape` unless names and shapes are the same.
  package func matching(_ others: ParameterSet, _ what: String) throws(TrainingError) -> ParameterSet {
    if let name = others.names.first(where: { places[$0] == nil }) { throw .unknown(what: what, parameter: name) }
    var matching = ParameterSet()
    for (name, tensor) in zip(names, tensors) {
      guard let other = others[name] else { throw .missing(what: what, parameter: name) }
      guard other.shape == tensor.shape else {
        throw .differingShape(what: what, parameter: name, expected: tensor.shape, found: other.shape)
      }
      matching.insert(name, other)
    }
    return matching
  }

  /// The tensors to be written, each name behind a prefix.
  package func stored(prefix: String = "") -> [StoredTensor] {
    zip(names, tensors).map { StoredTensor(prefix + $0, $1) }
  }

  /// The tensors of a file that are named as these, behind a prefix.
  ///
  /// - Throws: `CheckpointError.missingTensor`, `.wrongShape`, `.wrongElementType`.
  package func sameNames(in source: any TensorSource, prefix: String) throws(CheckpointError) -> ParameterSet {
    var found = ParameterSet()
    for (name, tensor) in zip(names, tensors) { found.insert(name, try source.tensor(prefix + name, tensor.shape)) }
    return found
  }
}

extension ParameterSet {
  /// The tensors as a network loads them.
  ///
  /// - Parameter others: further tensors of the network.
  package func source(with others: [(name: String, tensor: FloatTensor)] = []) -> any TensorSource {
    var tensors = Dictionary(zip(names, tensors)) { first, _ in first }
    for (name, tensor) in others { tensors[name] = tensor }
    return TensorsInMemory(names: names + others.map(\.name).filter { places[$0] == nil }, tensors: tensors)
  }
}

private struct TensorsInMemory: TensorSource {
  let file = "parameters in memory"
  let names: [String]
  let tensors: [String: FloatTensor]

  func shape(of name: String) -> [Int]? { tensors[name]?.shape }

  func floatTensor(_ name: String) throws(CheckpointError) -> FloatTensor {
    guard let tensor = tensors[name] else { throw .missingTensor(file: file, tensor: name, shape: nil) }
    return tensor
  }
}

// How optimisers go over all elements.
extension ParameterSet {
  /// Some neighbouring elements of one tensor.
  struct Piece {
    /// The tensor's place in `names`.
    let place: Int
    let range: Range<Int>
  }

  /// All elements in pieces small enough to keep threads busy, cut by shapes alone.
  var pieces: [Piece] {
    let longest = 1 << 15
    return tensors.enumerated().flatMap { place, tensor in
      stride(from: 0, to: tensor.count, by: longest).map { start in
        Piece(place: place, range: start..<min(start + longest, tensor.count))
      }
    }
  }

  /// The first elements of the tensors for writing, after copies of memory that is shared; the set must be kept alive while they
  /// are used.
  mutating func mutableBases() -> [SharedPointer<Float>] { tensors.indices.map { SharedPointer(tensors[$0].mutableBase()) } }
}

extension TensorSource {
  /// A tensor of a known shape.
  ///
  /// - Throws: `CheckpointError.missingTensor`, `.wrongShape`, `.wrongElementType`.
  func tensor(_ name: String, _ expected: [Int]) throws(CheckpointError) -> FloatTensor {
    guard let found = shape(of: name) else { throw .missingTensor(file: file, tensor: name, shape: expected) }
    guard found == expected else { throw .wrongShape(file: file, tensor: name, expected: expected, found: found) }
    return try floatTensor(name)
  }

  /// A single integer, of shape [].
  ///
  /// - Throws: `CheckpointError.missingTensor`, `.wrongShape`, `.wrongElementType`.
  package func integer(_ name: String) throws(CheckpointError) -> Int {
    guard let found = shape(of: name) else { throw .missingTensor(file: file, tensor: name, shape: []) }
    guard found.isEmpty, let value = try integers(name).first else {
      throw .wrongShape(file: file, tensor: name, expected: [], found: found)
    }
    return value
  }
}
