import Foundation
import Synchronization
import Tensor

/// The tensors of one or several files, fetched by name and expected shape, with a record of which were used.
///
/// A scope is a view on the same tensors and the same record under a common prefix of their names. Loading is strict:
/// `tensor(_:_:)` refuses what is missing or has another shape, `finish(ignoring:)` what is left over.
package struct WeightLoader: Sendable {
  private let contents: Contents
  /// Empty, or ends with a dot.
  private let prefix: String
  /// How the layers made of the tensors compute.
  package let options: ComputeOptions

  /// The tensors of one source.
  package init(_ source: any TensorSource, options: ComputeOptions = ComputeOptions()) {
    contents = Contents(files: source.file, sources: Dictionary(source.names.map { ($0, source) }) { first, _ in first })
    (prefix, self.options) = ("", options)
  }

  /// The tensors of several sources together.
  ///
  /// - Parameter laterWins: whether a name in two sources means the later one's tensor; otherwise it is an error.
  /// - Throws: `CheckpointError.duplicateKey`.
  package init(
    _ sources: [any TensorSource], laterWins: Bool = false, options: ComputeOptions = ComputeOptions()
  ) throws(CheckpointError) {
    let files = sources.map(\.file).joined(separator: ", ")
    var merged: [String: any TensorSource] = [:]
    for source in sources {
      for name in source.names {
        guard merged.updateValue(source, forKey: name) == nil || laterWins else {
          throw .duplicateKey(file: files, key: name)
        }
      }
    }
    contents = Contents(files: files, sources: merged)
    (prefix, self.options) = ("", options)
  }

  /// The tensors of several safetensors files together (see `init(_:laterWins:)`).
  ///
  /// - Throws: `CheckpointError` as `SafetensorsFile.init` and `.duplicateKey`.
  package init(
    files: [URL], laterWins: Bool = false, options: ComputeOptions = ComputeOptions()
  ) throws(CheckpointError) {
    var sources: [SafetensorsFile] = []
    for file in files { sources.append(try SafetensorsFile(file)) }
    try self.init(sources, laterWins: laterWins, options: options)
  }

  /// Random tensors of whatever name and shape is asked for, made at that moment (see `RandomTensors`): nothing is missing,
  /// nothing is left over, and no more memory is taken than the layers keep.
  package init(randomSeed: UInt64, options: ComputeOptions = ComputeOptions()) {
    let random = RandomTensors(seed: randomSeed)
    self.init(options: options) { random.tensor($0, $1) }
  }

  /// Tensors that are made as they are asked for, by full name and shape.
  package init(
    options: ComputeOptions = ComputeOptions(), making make: @escaping @Sendable (_ name: String, _ shape: [Int]) -> FloatTensor
  ) {
    contents = Contents(files: "tensors made on the fly", sources: [:], make: make)
    (prefix, self.options) = ("", options)
  }

  private init(contents: Contents, prefix: String, options: ComputeOptions) {
    (self.contents, self.prefix, self.options) = (contents, prefix, options)
  }

  /// The tensors whose names begin with `name` and a dot, under what follows.
  package func scope(_ name: String) -> WeightLoader {
    WeightLoader(contents: contents, prefix: prefix + name + ".", options: options)
  }

  /// The files' paths, joined by commas.
  package var files: String { contents.files }

  /// The names in this scope, without its prefix, sorted.
  package var names: [String] {
    contents.sources.keys.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }.sorted()
  }

  package func contains(_ name: String) -> Bool { contents.sources[prefix + name] != nil }

  /// The shape of a tensor, nil if there is none of that name; doesn't count as using it.
  package func shape(of name: String) -> [Int]? {
    contents.sources[prefix + name]?.shape(of: prefix + name)
  }

  /// A tensor as 32-bit floats, recorded as used.
  ///
  /// - Throws: `CheckpointError.missingTensor`, `.wrongShape`, `.wrongElementType`.
  package func tensor(_ name: String, _ shape: [Int]) throws(CheckpointError) -> FloatTensor {
    if let make = contents.make { return make(prefix + name, shape) }
    let source = try source(of: name, shape)
    let tensor = try source.floatTensor(prefix + name)
    contents.markUsed(prefix + name)
    return tensor
  }

  /// A layer's weights, recorded as used: 16-bit ones in place where `options` ask for little memory, otherwise as
  /// 32-bit floats.
  ///
  /// - Throws: as `tensor`.
  package func layerWeights(_ name: String, _ shape: [Int]) throws(CheckpointError) -> LayerWeights {
    if options.memory == .low, options.weights == .float32, contents.make == nil,
      let half = try source(of: name, shape).halfTensor(prefix + name)
    {
      contents.markUsed(prefix + name)
      return .halves(half)
    }
    return .floats(try tensor(name, shape))
  }

  /// Tells the system that a tensor in a mapped file won't be read again soon.
  func release(_ name: String) { contents.sources[prefix + name]?.mapped(prefix + name)?.release() }

  private func source(of name: String, _ shape: [Int]) throws(CheckpointError) -> any TensorSource {
    let fullName = prefix + name
    guard let source = contents.sources[fullName], let found = source.shape(of: fullName) else {
      throw .missingTensor(file: contents.files, tensor: fullName, shape: shape)
    }
    guard found == shape else {
      throw .wrongShape(file: source.file, tensor: fullName, expected: shape, found: found)
    }
    return source
  }

  /// Checks that the files hold an architecture's tensors in its shapes, before memory is taken for anything that the
  /// configuration asks for: a small file can't make a large network.
  ///
  /// - Parameter shapes: names in this scope.
  /// - Throws: `CheckpointError.missingTensor`, `.wrongShape`, for the first that isn't there as it should be.
  package func expect(_ shapes: [TensorShape]) throws(CheckpointError) {
    guard contents.make == nil else { return }
    for tensor in shapes { _ = try source(of: tensor.name, tensor.shape) }
  }

  /// Checks that every tensor of this scope has been used.
  ///
  /// - Parameter ignoring: names in this scope that may stay unused; each also stands for everything under it, `loss` for
  ///   `loss` and `loss.…` but not `losses`.
  /// - Throws: `CheckpointError.unexpectedTensors` with the full names of all that are left.
  package func finish(ignoring ignored: [String] = []) throws(CheckpointError) {
    let left = contents.unusedNames().filter { name in
      name.hasPrefix(prefix) && !ignored.contains { name == prefix + $0 || name.hasPrefix(prefix + $0 + ".") }
    }
    guard left.isEmpty else { throw .unexpectedTensors(file: contents.files, names: left) }
  }
}

/// What all scopes share.
private final class Contents: Sendable {
  let files: String
  let sources: [String: any TensorSource]
  /// Stands in for `sources` in a model without files.
  let make: (@Sendable (String, [Int]) -> FloatTensor)?
  private let used = Mutex(Set<String>())

  init(
    files: String, sources: [String: any TensorSource], make: (@Sendable (String, [Int]) -> FloatTensor)? = nil
  ) {
    self.files = files
    self.sources = sources
    self.make = make
  }

  func markUsed(_ name: String) {
    used.withLock { _ = $0.insert(name) }
  }

  func unusedNames() -> [String] {
    used.withLock { used in sources.keys.filter { !used.contains($0) } }.sorted()
  }
}
