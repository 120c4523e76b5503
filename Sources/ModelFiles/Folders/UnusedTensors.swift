import Checkpoint

// Tensors that a part's files hold beside those that its network reads, as the networks themselves list them.
extension ModelSource {
  /// A part's tensors that its network reads.
  func usedGroups(of part: ModelPart) throws -> [TensorGroup] {
    let unused = try unusedNames(of: part).names
    return try groups(of: part).map { group in
      TensorGroup(group.source, entries: group.entries.filter { !Self.isListed($0.name, in: unused) })
    }
  }

  /// A part's tensors that its network passes over.
  func unusedTensors(of part: ModelPart) throws -> [IgnoredTensor] {
    let unused = try unusedNames(of: part)
    return try groups(of: part).flatMap { group in
      group.entries.filter { Self.isListed($0.name, in: unused.names) }
        .map { IgnoredTensor(file: group.source.file, name: $0.original, reason: unused.reason) }
    }
  }

  /// Names, each of which also stands for all that is below it.
  private func unusedNames(of part: ModelPart) throws -> (names: [String], reason: String) {
    switch part {
    case .transformer: (try networkConfiguration().unusedTensors, "a causal mask that nothing reads")
    case .vqvae: (try tokenizerConfiguration().unusedTensors, "belongs to the training program")
    case .textEncoder: (try textParts()?.names.unusedTensors ?? [], "a part of CLIP that the text encoder doesn't read")
    case .scheduler: ([], "")
    }
  }

  private static func isListed(_ name: String, in list: [String]) -> Bool {
    list.contains { name == $0 || name.hasPrefix($0 + ".") }
  }
}
