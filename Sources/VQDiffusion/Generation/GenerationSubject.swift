import ModelFiles
import Transformer

/// What an image is to show.
public enum GenerationSubject: Sendable, Hashable {
  /// Whatever an unconditional model draws.
  case anything
  /// A class, by its index.
  case label(Int)
  /// What a text says.
  case prompt(String)

  /// The class's index; nil of anything but a class.
  public var label: Int? {
    guard case .label(let index) = self else { return nil }
    return index
  }

  /// The text; nil of anything but a text.
  public var prompt: String? {
    guard case .prompt(let text) = self else { return nil }
    return text
  }
}

extension GenerationSubject: CustomStringConvertible {
  public var description: String {
    switch self {
    case .anything: "no subject"
    case .label(let index): "class \(index)"
    case .prompt(let text): "text '\(text)'"
    }
  }
}

extension VQDiffusionPipeline {
  /// The subjects of a request: classes as users name them (see `labels(_:)`), or texts, as the model takes the one or the other.
  ///
  /// - Throws: `ModelFileError.unknownLabel`, `.ambiguousLabel`; `PipelineError.wrongSubjects`.
  public func subjects(classes: [String], prompts: [String]) throws -> [GenerationSubject] {
    guard !network.facts.takesTexts else {
      guard classes.isEmpty else {
        throw PipelineError.wrongSubjects(expected: "texts", found: classes.count == 1 ? "a class" : "\(classes.count) classes")
      }
      return prompts.map { .prompt($0) }
    }
    guard prompts.isEmpty else {
      throw PipelineError.wrongSubjects(
        expected: classCount > 0 ? "classes" : Self.nothing, found: prompts.count == 1 ? "a text" : "\(prompts.count) texts")
    }
    return try labels(classes).map { .label($0) }
  }

  private static let nothing = "nothing (the model is unconditional)"

  /// Checks subjects against the model; those of an unconditional one are one of anything.
  func checked(_ subjects: [GenerationSubject]) throws -> [GenerationSubject] {
    switch network.facts.conditioning {
    case .none:
      let labels = subjects.count { $0.label != nil }
      guard labels == 0 else { throw PipelineError.labelsForUnconditionalModel(found: labels) }
      for subject in subjects where subject != .anything {
        throw PipelineError.wrongSubjects(expected: Self.nothing, found: "\(subject)")
      }
      return subjects.isEmpty ? [.anything] : subjects
    case .classes:
      guard !subjects.isEmpty else { throw PipelineError.labelsRequired }
      for subject in subjects {
        guard let label = subject.label else {
          throw PipelineError.wrongSubjects(expected: "classes", found: subject.description)
        }
        guard (0..<classCount).contains(label) else {
          throw ModelFileError.unknownLabel("\(label)", near: ["0…\(classCount - 1)"])
        }
      }
      return subjects
    case .text:
      guard !subjects.isEmpty else { throw PipelineError.promptsRequired }
      for subject in subjects where subject.prompt == nil {
        throw PipelineError.wrongSubjects(expected: "texts", found: subject.description)
      }
      _ = try textConditioner()
      return subjects
    }
  }
}
