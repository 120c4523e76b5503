import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing
import VQDiffusion

/// encode, decode and denoise.
@Suite struct TokenCommandTests {
  @Test func imagesToTokensAndBack() throws {
    try withTemporaryFolder { folder in
      for index in 0..<3 {
        try noisePicture(width: 32, height: 32, seed: index * 1000).write(to: folder.appendingPathComponent("\(index).png"))
      }
      try succeed(["encode", "--input", "0.png", "1.png", "2.png", "--output", "new/a.safetensors"], in: folder)
      let file = try SafetensorsFile(folder.appendingPathComponent("new/a.safetensors"))
      #expect(file.names == ["tokens"] && file.shape(of: "tokens") == [3, 64] && file.metadata.isEmpty)
      let tokens = try file.integers("tokens")
      #expect(tokens.allSatisfy { (0..<1024).contains($0) } && Set(tokens).count > 10)

      let run = try succeed(["decode", "-i", "new/a.safetensors", "-o", "out"], in: folder)
      #expect(run.outputLines == ["out/000.png", "out/001.png", "out/002.png"])
      try succeed(["decode", "-i", "new/a.safetensors", "-o", "p%02d.png", "--threads", "1", "--quiet"], in: folder)
      try succeed(["decode", "-i", "new/a.safetensors", "-o", "sheet.png", "--grid", "--scale", "2"], in: folder)
      let images = try (0..<3).map { try RGBImage(contentsOf: folder.appendingPathComponent("out/00\($0).png")) }
      #expect(try RGBImage(contentsOf: folder.appendingPathComponent("p02.png")) == images[2])
      let sheet = try RGBImage(contentsOf: folder.appendingPathComponent("sheet.png"))
      #expect(sheet == RGBImage.grid(images.map { $0.scaled(by: 2) }, columns: 2))

      try succeed(["encode", "-i", "out/000.png", "-o", "b.safetensors"], in: folder)
      #expect(try SafetensorsFile(folder.appendingPathComponent("b.safetensors")).shape(of: "tokens") == [1, 64])
    }
  }

  @Test func aGridThatIsNotTheModelsTravelsAlong() throws {
    try withTemporaryFolder { folder in
      try noisePicture(width: 20, height: 12, seed: 1).write(to: folder.appendingPathComponent("a.png"))
      try succeed(["encode", "-i", "a.png", "-o", "a.safetensors"], in: folder)
      let file = try SafetensorsFile(folder.appendingPathComponent("a.safetensors"))
      #expect(file.shape(of: "tokens") == [1, 15] && file.metadata == ["grid": "3x5"])
      try succeed(["decode", "-i", "a.safetensors", "-o", "b.png"], in: folder)
      #expect(try RGBImage(contentsOf: folder.appendingPathComponent("b.png")).size == ImageSize(width: 20, height: 12))
    }
  }

  @Test func imagesOfTheWrongSize() throws {
    try withTemporaryFolder { folder in
      try noisePicture(width: 33, height: 32, seed: 1).write(to: folder.appendingPathComponent("a.png"))
      try noisePicture(width: 32, height: 32, seed: 1).write(to: folder.appendingPathComponent("b.png"))
      try noisePicture(width: 36, height: 32, seed: 1).write(to: folder.appendingPathComponent("c.png"))
      try fail(
        ["encode", "-i", "a.png", "-o", "x.safetensors"], status: 1,
        message: "a.png: expected sides that are multiples of 4 pixels, found 33×32 pixels; images aren't resized", in: folder)
      try fail(
        ["encode", "-i", "b.png", "c.png", "-o", "x.safetensors"], status: 1,
        message: "c.png: expected 32×32 as the first image, found 36×32 pixels", in: folder)
      #expect(try files(under: folder) == ["a.png", "b.png", "c.png"])
    }
  }

  @Test func badTokens() throws {
    try withTemporaryFolder { folder in
      func fail(
        _ message: String, _ tensors: [StoredTensor], metadata: [String: String] = [:],
        sourceLocation: SourceLocation = #_sourceLocation
      ) throws {
        try SafetensorsFile.write(tensors, metadata: metadata, to: folder.appendingPathComponent("a.safetensors"))
        try VqdiffTests.fail(
          ["decode", "-i", "a.safetensors", "-o", "x.png"], status: 1, message: message, in: folder,
          sourceLocation: sourceLocation)
      }
      var tokens = Array(0..<64)
      let good = StoredTensor("tokens", tokens, shape: [1, 64])
      tokens[5] = 1024
      try fail("expected tokens in 0…1023, found 1024 at position 5", [StoredTensor("tokens", tokens, shape: [1, 64])])
      tokens[5] = .min
      try fail("found \(Int.min) at position 5", [StoredTensor("tokens", tokens, shape: [1, 64])])
      try fail(
        "expected tensor \"tokens\" of shape [1, 64], found shape [1, 63]", [.init("tokens", Array(0..<63), shape: [1, 63])])
      try fail("expected tensor \"tokens\" of shape [1, 64], found shape []", [.init("tokens", [0], shape: [])])
      try fail("expected tensor \"tokens\" of shape [1, 64], found shape [64]", [.init("tokens", Array(0..<64), shape: [64])])
      try fail("expected at least one row of tokens, found none", [StoredTensor("tokens", [], shape: [0, 64])])
      try fail("expected tensor \"tokens\", found none of that name", [StoredTensor("token", [1], shape: [1])])
      try fail("found 1 more: more", [good, StoredTensor("more", [1], shape: [1])])
      try fail("found F32", [StoredTensor("tokens", FloatTensor(zeros: [1, 64]))])
      try fail("metadata \"grid\" as rows x columns", [good], metadata: ["grid": "8"])
      try fail("metadata \"grid\" as rows x columns", [good], metadata: ["grid": "0x8"])
      try fail("of shape [1, 32], found shape [1, 64]", [good], metadata: ["grid": "4x8"])
      let two = StoredTensor("tokens", Array(0..<128), shape: [2, 64])
      try fail("expected a place for each of 2 images", [two])
    }
  }

  @Test func badDenoiserInput() throws {
    try withDenoiser("denoiser-class-fc") { fail in
      try fail("expected timesteps in 0…9, found 10 at position 2", [StoredTensor("timesteps", [0, 1, 10], shape: [3])], "")
      try fail("expected labels in 0…10, found 11 at position 0", [StoredTensor("labels", [11, 0, 0], shape: [3])], "")
      try fail("expected tensor \"labels\" of shape [3], found none", [], "labels")
      try fail(
        "expected tensor \"timesteps\" of shape [3], found shape [2]", [StoredTensor("timesteps", [0, 1], shape: [2])], "")
      try fail(
        "expected tokens in 0…20, found 21 at position 0", [.init("tokens", Array(repeating: 21, count: 48), shape: [3, 16])], "")
      try fail("found 1 more: classes", [StoredTensor("classes", [0], shape: [1])], "")
    }
  }

  @Test func badTextForTheDenoiser() throws {
    try withDenoiser("denoiser-text") { fail in
      var values = [Float](repeating: 0, count: 3 * 7 * 24)
      values[170] = .infinity
      try fail(
        "expected finite numbers in text, found inf at position 170", [.init("text", FloatTensor(values, shape: [3, 7, 24]))], "")
      try fail("expected tensor \"text\" of shape [3, 7, 24], found none", [], "text")
      try fail("of shape [3, 7, 24], found shape [3, 24, 7]", [.init("text", FloatTensor(zeros: [3, 24, 7]))], "")
      try fail("of shape [3, 7, 24], found shape [7, 24]", [.init("text", FloatTensor(zeros: [7, 24]))], "")
      try fail("found I64", [StoredTensor("text", Array(repeating: 0, count: 3 * 7 * 24), shape: [3, 7, 24])], "")
      try fail("found 1 more: labels", [StoredTensor("labels", [0, 0, 0], shape: [3])], "")
    }
  }

  /// Calls `body` with what expects the program to refuse a recorded input: the message, the tensors that replace recorded ones, and
  /// the name of one that is left out.
  private func withDenoiser(
    _ name: String, _ body: ((_ message: String, _ tensors: [StoredTensor], _ without: String) throws -> Void) throws -> Void
  ) throws {
    let golden = try GoldenCase(name)
    try withTemporaryFolder { folder in
      try ModelFolders.writeTransformer(name, to: folder.appendingPathComponent("model"))
      try body { message, tensors, without in
        let names = tensors.map(\.name) + [without]
        try write(denoiserInputs(golden).filter { !names.contains($0.name) } + tensors, to: folder)
        try VqdiffTests.fail(
          ["denoise", "--model", "model", "-i", "in.safetensors", "-o", "out.safetensors"], status: 1, message: message,
          in: folder)
      }
    }
  }

  @Test func inspectShowsAModelsParts() throws {
    try withTemporaryFolder { folder in
      let builtIn = try succeed(["inspect"], in: folder).output
      #expect(builtIn.contains("model: cifar10\n") && builtIn.contains("in all: 4,897,715 parameters\n"))
      #expect(builtIn.contains("transformer: class-conditional, 11 class rows (10 is no class), 6 layers of width 192"))
      try ModelFolders.writeTransformer("denoiser-uncond", to: folder.appendingPathComponent("model"))
      try ModelFolders.writeTransformer("denoiser-text", to: folder.appendingPathComponent("text"))
      let text = try succeed(["inspect", "text"], in: folder).output
      #expect(text.contains("transformer: text-conditional, 7 text vectors of width 24, 2 layers of width 16"))
      // Without the two masks of 16×16, which are no parameters.
      #expect(text.contains("12,836 parameters"))
      let small = try succeed(["inspect", "model"], in: folder).output
      #expect(small.contains("transformer: unconditional, 2 layers of width 16") && small.contains("vqvae: missing\n"))
      try FileManager.default.createDirectory(at: folder.appendingPathComponent("empty"), withIntermediateDirectories: true)
      try VqdiffTests.fail(["inspect", "empty"], status: 1, message: "empty: no transformer/ or vqvae/", in: folder)
    }
  }

  private func write(_ tensors: [StoredTensor], to folder: URL) throws {
    try SafetensorsFile.write(tensors, to: folder.appendingPathComponent("in.safetensors"))
  }
}
