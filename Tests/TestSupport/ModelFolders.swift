import Foundation

/// Builds small model folders out of recorded cases.
package enum ModelFolders {
  /// Writes `transformer/`: the configuration and the weights of a recorded denoiser.
  ///
  /// - Parameter changes: settings that replace the recorded ones.
  package static func writeTransformer(_ name: String, to folder: URL, changes: [String: Any] = [:]) throws {
    try copyPart(name, to: folder.appendingPathComponent("transformer"), changes: changes)
  }

  /// Writes a whole model: a recorded denoiser, and the recorded autoencoder of as many codes.
  ///
  /// - Parameter index: further members of `model_index.json`.
  package static func writeModel(_ denoiser: String, to folder: URL, index: [String: Any] = [:]) throws {
    try writeTransformer(denoiser, to: folder)
    try copyPart("vqvae-taming", to: folder.appendingPathComponent("vqvae"), changes: [:])
    let timesteps = try GoldenCase(denoiser).params.int("timesteps")
    let scheduler: [String: Any] = [
      "kind": "mask_and_replace", "timesteps": timesteps, "alpha_1": 0.99999, "alpha_T": 9e-6, "gamma_1": 9e-6,
      "gamma_T": 0.99999,
    ]
    try write(scheduler, to: folder.appendingPathComponent("scheduler/config.json"))
    let own: [String: Any] = ["format": 1, "name": "small"]
    try write(own.merging(index) { $1 }, to: folder.appendingPathComponent("model_index.json"))
  }

  /// Writes JSON, making the folder.
  package static func write(_ object: Any, to url: URL) throws {
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try JSONSerialization.data(withJSONObject: object).write(to: url)
  }

  private static func copyPart(_ name: String, to part: URL, changes: [String: Any]) throws {
    let source = fixtures.appendingPathComponent(name)
    let config = try JSONSerialization.jsonObject(with: Data(contentsOf: source.appendingPathComponent("config.json")))
    guard let members = config as? [String: Any], let params = members["params"] as? [String: Any],
      let weights = members["weights"] as? [String]
    else { throw JSONValue.Mismatch(description: "\(name): expected params and weights in config.json") }
    try write(params.merging(changes) { $1 }, to: part.appendingPathComponent("config.json"))
    for file in weights {
      try FileManager.default.copyItem(at: source.appendingPathComponent(file), to: part.appendingPathComponent(file))
    }
  }
}
