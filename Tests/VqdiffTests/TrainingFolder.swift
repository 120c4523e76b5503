import Foundation
import TestSupport
import Testing
import VQDiffusion

/// A folder with `images`, 40 pictures of 16×16 pixels in two classes, for runs that take a second.
struct TrainingFolder {
  let url: URL

  /// A network of a few channels, in a few steps.
  static let autoencoder = [
    "train", "vqvae", "--images", "images", "--preset", "tiny", "--threads", "1", "--set", "network.ch=8", "--set",
    "network.norm_groups=4", "--set", "optimization.warm_up=2", "--set", "codebook.start_step=3",
  ]
  static let denoiser = [
    "train", "denoiser", "--images", "images", "--preset", "tiny", "--threads", "1", "--set", "optimization.warm_up=2",
  ]

  init(_ url: URL) throws {
    self.url = url
    for label in 0..<2 {
      for index in 0..<20 {
        try Self.picture(label, index).write(
          to: url.appendingPathComponent("images/class \(label)/\(index).png"), creatingFolders: true)
      }
    }
  }

  /// Stripes or squares in two colours.
  private static func picture(_ label: Int, _ index: Int) -> RGBImage {
    let noise = noisePicture(width: 2, height: 1, seed: 100 * label + index)
    var picture = RGBImage(width: 16, height: 16, filledWith: .black)
    for y in 0..<16 {
      for x in 0..<16 { picture[x, y] = noise[(x / 4 + label * (y / 4)) % 2, 0] }
    }
    return picture
  }

  func file(_ name: String) -> URL { url.appendingPathComponent(name) }

  func bytes(_ name: String) throws -> Data { try Data(contentsOf: file(name)) }

  func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name).path) }

  /// Waits until a running program has logged so many steps.
  func waitForSteps(_ count: Int, of run: String, _ program: Program) throws {
    let log = file("\(run)/metrics.jsonl")
    while program.process.isRunning {
      let lines = (try? Data(contentsOf: log))?.count { $0 == UInt8(ascii: "\n") } ?? 0
      if lines >= count { return }
      usleep(1000)
    }
    Issue.record("the program ended before step \(count)")
  }

  /// The log without what depends on the time.
  func metrics(_ run: String) throws -> String {
    let text = String(decoding: try bytes("\(run)/metrics.jsonl"), as: UTF8.self)
    return text.replacing(#/"images_per_s":[^,}]*/#, with: "")
  }

  /// Expects that two runs left the same log and the same model, byte for byte.
  func expectEqualRuns(_ one: String, _ other: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    #expect(try metrics(one) == metrics(other), sourceLocation: sourceLocation)
    let names = try VqdiffTests.files(under: file("\(one)/model"))
    #expect(try VqdiffTests.files(under: file("\(other)/model")) == names, sourceLocation: sourceLocation)
    #expect(names.contains("vqvae/model.safetensors"), sourceLocation: sourceLocation)
    for name in names where name != "model_index.json" {
      let isEqual = try bytes("\(one)/model/\(name)") == bytes("\(other)/model/\(name)")
      #expect(isEqual, "\(name)", sourceLocation: sourceLocation)
    }
  }
}

func withTrainingFolder(_ body: (TrainingFolder) throws -> Void) throws {
  try withTemporaryFolder { try body(TrainingFolder($0)) }
}
