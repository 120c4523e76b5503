import Diffusion
import ModelFiles
import Transformer

/// What guidance leads away from.
package enum GuidanceOrigin: Sendable, Equatable {
  case condition(NetworkCondition)
  /// A text that is yet to be encoded: the negative one, or without one "no text" (see `TextConditioner.unconditional`).
  case text(negative: String?)
}

/// What the network is told of the images of one batch after the other.
///
/// Texts keep what layers make of them for as long as they live (see `TextVectors`), so that only those of the latest batch are known:
/// neither is a text that many batches are of encoded again for each, nor do many texts fill the memory.
package struct BatchConditions {
  private var known: [GenerationSubject: NetworkCondition] = [:]

  package init() {}

  /// The conditions of a batch, each text encoded once, and not at all if it was in the batch before.
  ///
  /// - Throws: `PipelineError.textEncoderMissing` for a text without a text encoder; `CLIPTextError`; what `checkCancellation` throws, which is
  ///   called before each text.
  package mutating func of(
    _ subjects: [GenerationSubject], by pipeline: VQDiffusionPipeline, checkCancellation: () throws -> Void = {}
  ) throws -> [NetworkCondition] {
    let wanted = Set(subjects)
    // Before new ones come, so that there are never more than one batch's.
    known = known.filter { wanted.contains($0.key) }
    return try subjects.map { subject in
      if let condition = known[subject] { return condition }
      let condition: NetworkCondition
      switch subject {
      case .anything: condition = .none
      case .label(let index): condition = .index(index)
      case .prompt(let text):
        try checkCancellation()
        condition = .text(try pipeline.textConditioner().vectors(of: text))
      }
      known[subject] = condition
      return condition
    }
  }
}

extension VQDiffusionPipeline {
  /// - Throws: `PipelineError.textEncoderMissing` in a text-conditional model that came without a text encoder.
  func textConditioner() throws(PipelineError) -> TextConditioner {
    guard let texts else { throw .textEncoderMissing(model: name) }
    return texts
  }

  /// The guidance that a request asks for, checked, its text not yet encoded; nil where the settings ask for none.
  ///
  /// - Throws: `PipelineError.wrongSubjects` for a negative text where the model takes none, `.guidanceUnavailable`; `DiffusionError`.
  package func guidance(
    _ settings: GenerationSettings, negativePrompt: String?
  ) throws -> Guidance<GuidanceOrigin>? {
    guard negativePrompt == nil || network.facts.takesTexts else {
      throw PipelineError.wrongSubjects(expected: "no negative text", found: "one")
    }
    let scale = try Guidance(scale: settings.guidanceScale, unconditional: (), schedule: settings.guidanceSchedule)
    guard scale.isActive else {
      guard negativePrompt == nil else {
        throw PipelineError.guidanceUnavailable(reason: "a negative text needs a guidance scale other than 1")
      }
      return nil
    }
    return try scale.leading(from: guidanceOrigin(negativePrompt: negativePrompt))
  }

  /// The same guidance with its text encoded.
  ///
  /// - Throws: `PipelineError.textEncoderMissing`, `CLIPTextError`.
  func encoded(_ guidance: Guidance<GuidanceOrigin>) throws -> Guidance<NetworkCondition> {
    switch guidance.unconditional {
    case .condition(let condition): try guidance.leading(from: condition)
    case .text(let negative): try guidance.leading(from: .text(textConditioner().unconditional(negative: negative)))
    }
  }

  /// A text, the "no class" index, or the mean of the classes in a model that has none.
  private func guidanceOrigin(negativePrompt: String?) throws(PipelineError) -> GuidanceOrigin {
    switch network.facts.conditioning {
    case .text: return .text(negative: negativePrompt)
    case .none:
      throw .guidanceUnavailable(reason: "the model is unconditional; use a guidance scale of 1")
    case .classes:
      guard let noClass = network.facts.noClass else {
        throw .guidanceUnavailable(
          reason: "the model has neither a 'no class' index nor a class table to average; use a guidance scale of 1")
      }
      return .condition(noClass)
    }
  }
}

extension Guidance {
  /// The same guidance away from another condition.
  fileprivate func leading<Other: Sendable>(from other: Other) throws(DiffusionError) -> Guidance<Other> {
    try Guidance<Other>(scale: scale, unconditional: other, schedule: schedule)
  }
}
