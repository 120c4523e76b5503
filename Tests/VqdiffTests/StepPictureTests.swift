import Foundation
import TestSupport
import Testing
import VQDiffusion

/// Previews and animations.
@Suite struct StepPictureTests {
  private static let generate = ["generate", "--model", "model", "--sampler", "purity", "--steps", "4", "--seed", "5"]
  private static let inpaint = ["inpaint", "-i", "picture.png", "--mask", "mask.png"] + generate.dropFirst()

  /// The expected images of each step, by step and the image's number.
  private func expectedImages(_ folder: EditFolder, count: Int) async throws -> [[RGBImage]] {
    let settings = GenerationSettings(method: .purity(weight: 1), steps: 4, seed: 5)
    let pipeline = try folder.pipeline
    var steps: [[RGBImage]] = []
    for try await event in try pipeline.generation(count: count, settings: settings, reportsExpected: true) {
      guard case .step(let step) = event else { continue }
      let images = try pipeline.codec.expectedImages(of: step)
      #expect(images.map(\.index) == Array(0..<count) && images.map(\.seed) == (0..<count).map { 5 + UInt64($0) })
      steps.append(images.map(\.image))
    }
    return steps
  }

  @Test func previewsShowTheExpectedImagesBesideTheirOwn() async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let edit = try EditFolder(folder)
    let expected = try await expectedImages(edit, count: 3)
    #expect(expected.count == 4)
    // Batches and sheets make no difference.
    try succeed(
      Self.generate + ["--count", "3", "--batch-size", "2", "--preview-every", "2", "--scale", "3", "-o", "out"], in: folder)
    let names = (0..<3).flatMap { ["00\($0).png", "00\($0).preview-002.png", "00\($0).preview-004.png"] }
    #expect(try files(under: folder.appendingPathComponent("out")) == names.sorted())
    for step in [2, 4] {
      for index in 0..<3 {
        let name = "out/00\(index).preview-00\(step).png"
        #expect(try edit.image(name) == expected[step - 1][index].scaled(by: 3))
        let record = try #require(try edit.record(name))
        #expect(record.previewStep == step && record.seed == 5 + UInt64(index))
        #expect(record.parameters.contains(", Preview step: \(step), "))
      }
    }
    try succeed(
      Self.generate + ["--count", "3", "--batch-size", "2", "--preview-every", "3", "--grid", "-o", "sheet.png"], in: folder)
    #expect(try edit.image("sheet.preview-003.png") == RGBImage.grid(expected[2], columns: 2))
    #expect(try edit.record("sheet.preview-003.png")?.cells?.map(\.seed) == [5, 6, 7])
    #expect(try edit.files().filter { $0.contains("sheet") } == ["sheet.png", "sheet.preview-003.png"])
  }

  @Test func anAnimationShowsTheMasksFallingAway() throws {
    try withEditFolder { folder in
      let run = try succeed(Self.generate + ["--animate", "new/steps.png", "--scale", "2", "-o", "x.png"], in: folder.url)
      #expect(run.outputLines == ["x.png", "new/steps.png"])
      let frames = try folder.frames("new/steps.png")
      // One of what each step began with, and the result.
      #expect(frames.count == 5)
      #expect(frames[0] == RGBImage(width: 16, height: 16, filledWith: .gray))
      #expect(try frames[4] == folder.image("x.png") && frames[4] == folder.image("new/steps.png"))
      let covered = frames.map { frame in (0..<16).count { isGray(frame, token: $0, pixels: 4) } }
      #expect(zip(covered, covered.dropFirst()).allSatisfy(>) && covered[0] == 16 && covered[4] == 0)
      #expect(try folder.record("new/steps.png") == folder.record("x.png"))
    }
  }

  @Test func aSheetIsAnimatedAsAWhole() throws {
    try withEditFolder { folder in
      let options = Self.generate + ["--count", "3", "--batch-size", "2", "--grid"]
      try succeed(options + ["--animate", "steps.png", "-o", "x.png"], in: folder.url)
      let frames = try folder.frames("steps.png")
      #expect(try frames.count == 5 && frames[4] == folder.image("x.png"))
      for index in 0..<3 {
        try succeed(
          Self.generate.dropLast() + ["\(5 + index)", "--animate", "\(index).png", "-o", "alone.png"], in: folder.url)
      }
      let alone = try (0..<3).map { try folder.frames("\($0).png") }
      for step in 0..<5 { #expect(frames[step] == RGBImage.grid(alone.map { $0[step] }, columns: 2)) }
    }
  }

  @Test func knownPixelsStayInEveryPictureOfAnInpainting() throws {
    try withEditFolder { folder in
      try succeed(Self.inpaint + ["--animate", "steps.png", "--preview-every", "1", "-o", "x.png"], in: folder.url)
      let frames = try folder.frames("steps.png")
      let previews = try (1...4).map { try folder.image("x.preview-00\($0).png") }
      #expect(frames.count == 5)
      for picture in frames + previews {
        for y in 0..<8 {
          for x in 0..<8 where !EditFolder.isRepainted(x, y) { #expect(picture[x, y] == folder.picture[x, y]) }
        }
      }
      #expect(try frames[0][7, 7] == .gray && frames[4] == folder.image("x.png"))
      try succeed(Self.inpaint + ["--animate", "plain.png", "--no-composite", "-o", "y.png"], in: folder.url)
      #expect(try folder.frames("plain.png")[0][0, 0] != folder.picture[0, 0])
    }
  }

  /// A variation with 2 masks (round(L γ̄(2)/γ̄(10)) with L = 16) leaves 2 of 4 steps something to reveal.
  @Test func framesAreAsManyAsStepsAreTaken() throws {
    try withEditFolder { folder in
      try succeed(
        ["vary", "-i", "picture.png", "--strength", "0.2"] + Self.generate.dropFirst() + ["--animate", "a.png", "-o", "x.png"],
        in: folder.url)
      let frames = try folder.frames("a.png")
      let covered = frames.map { frame in (0..<16).count { isGray(frame, token: $0, pixels: 2) } }
      #expect(covered == [2, 1, 0])
    }
  }

  private func isGray(_ image: RGBImage, token: Int, pixels: Int) -> Bool {
    let (left, top) = (token % 4 * pixels, token / 4 * pixels)
    return (top..<top + pixels).allSatisfy { y in (left..<left + pixels).allSatisfy { image[$0, y] == .gray } }
  }
}
