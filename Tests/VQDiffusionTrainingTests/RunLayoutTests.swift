import Foundation
import Testing
import VQDiffusionTraining

/// The layout of run.json, which runs of other versions must find as they left it.
@Suite struct RunLayoutTests {
  private static let images = URL(fileURLWithPath: "/photographs")

  private static let runs: [(run: TrainingRun, kind: String, model: String?)] = [
    (TrainingRun(.autoencoder(TrainingPreset.tiny.autoencoder), images: images), "autoencoder", nil),
    (TrainingRun(.refit(TrainingPreset.tiny.refit(codes: 4), model: "/model"), images: images), "refit", "/model"),
    (TrainingRun(.denoiser(TrainingPreset.tiny.denoiser, autoencoder: "/codec"), images: images), "denoiser", "/codec"),
    (TrainingRun(.guidance(TrainingPreset.tiny.guidance, model: nil), images: images), "guidance", nil),
  ]

  @Test(arguments: runs.indices) func everyTaskIsSpelledOut(index: Int) throws {
    let (run, kind, model) = Self.runs[index]
    let data = try JSONEncoder().encode(run)
    let written = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(Set(written.keys) == ["format", "task", "images"])
    #expect(written["format"] as? Int == 1 && written["images"] as? String == "/photographs")
    let task = try #require(written["task"] as? [String: Any])
    #expect(Set(task.keys) == (model == nil ? ["kind", "settings"] : ["kind", "settings", "model"]))
    #expect(task["kind"] as? String == kind && task["model"] as? String == model)
    let settings = try #require(task["settings"] as? [String: Any])
    #expect(settings["optimization"] != nil)
    #expect(try JSONDecoder().decode(TrainingRun.self, from: data) == run)
  }
}
