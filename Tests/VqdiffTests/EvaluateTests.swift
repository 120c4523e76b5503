import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing
import VQDiffusion

@Suite struct EvaluateTests {
  private func writePictures(_ count: Int, seed: Int, side: Int = 32, to folder: URL) throws {
    for index in 0..<count {
      let pixels = (0..<side * side * 3).map { UInt8(truncatingIfNeeded: ($0 / 96 + index * 5 + seed) &* 2_654_435_761 >> 11) }
      try RGBImage(width: side, height: side, pixels: pixels).write(
        to: folder.appendingPathComponent("class \(index % 3)/\(index).png"), creatingFolders: true)
    }
  }

  private func writeFeatures(_ count: Int, dimension: Int, seed: UInt64, to file: URL) throws {
    let values = (0..<count * dimension).map { Float(Philox(seed: seed).uniform(SIMD4(UInt32($0), 0, 0, 0))) }
    try SafetensorsFile.write([StoredTensor("features", FloatTensor(values, shape: [count, dimension]))], to: file)
  }

  @Test func printsATable() throws {
    try withTemporaryFolder { folder in
      try writePictures(18, seed: 0, to: folder.appendingPathComponent("real"))
      try writePictures(12, seed: 77, to: folder.appendingPathComponent("made"))
      let arguments = ["evaluate", "--real", "real", "--generated", "made", "--subsets", "5", "--threads", "1"]
      let run = try succeed(arguments, in: folder)
      for text in [
        "features:  pooled VQ encoder features, dimension 128", "generated, same size", "floor (real, real)",
        "Fréchet distance", "kernel distance × 1000", "precision", "recall", "codebook of 1024 codes", "perplexity",
        "mostly bias",
      ] { #expect(run.output.contains(text), "\(text)") }
      let images = try #require(run.outputLines.first { $0.hasPrefix("images") })
      #expect(images.contains("18, 12") && images.contains("9, 9"))
      #expect(!run.output.contains("FID"))
      #expect(try succeed(arguments, in: folder).output == run.output)
    }
  }

  @Test func printsJSON() throws {
    try withTemporaryFolder { folder in
      try writePictures(9, seed: 0, to: folder.appendingPathComponent("real"))
      let run = try succeed(
        ["evaluate", "--real", "real", "--generated", "real", "--output", "json", "--seed", "7", "-k", "2"], in: folder)
      let report = try JSONDecoder().decode(JSONValue.self, from: Data(run.output.utf8))
      let all = report["quality"]["all"]
      #expect(try all.int("real") == 9 && all.int("generated") == 9 && all.int("dimension") == 128)
      #expect(try abs(all.double("frechet_distance")) < 1e-6)
      #expect(try all["neighbours"].double("precision") == 1 && all["neighbours"].int("neighbours") == 2)
      #expect(try all["kernel_distance"].int("subset_size") == 4)
      #expect(try report["quality"]["floor"].int("real") == 4 && report.int("seed") == 7)
      #expect(try report.int("real_left_out") == 0 && report.int("generated_left_out") == 0)
      #expect(try report["real_codes"] == report["generated_codes"] && report["real_codes"].int("codes") == 1024)
    }
  }

  @Test func saysWhatItLeavesOut() throws {
    try withTemporaryFolder { folder in
      try writePictures(9, seed: 0, to: folder.appendingPathComponent("real"))
      let generate = ["generate", "--class", "horse", "--steps", "2", "--seed", "5", "--preview-every", "1"]
      try succeed(generate + ["--count", "4", "-o", "made/%d.png"], in: folder)
      try succeed(generate + ["--animate", "made/steps.png", "-o", "made/4.png"], in: folder)
      let run = try vqdiff(["evaluate", "--real", "real", "--generated", "made", "-o", "json"], in: folder)
      #expect(run.status == 0 && run.errorLines.count == 1)
      #expect(run.errors.hasSuffix("/made: left out 11 previews and animations\n"))
      let report = try JSONDecoder().decode(JSONValue.self, from: Data(run.output.utf8))
      #expect(try report["quality"]["all"].int("generated") == 5 && report.int("generated_left_out") == 11)
      #expect(try report.int("real_left_out") == 0)
    }
  }

  @Test func takesFeaturesOfAnyOrigin() throws {
    try withTemporaryFolder { folder in
      try writeFeatures(40, dimension: 3, seed: 1, to: folder.appendingPathComponent("a.safetensors"))
      try writeFeatures(30, dimension: 3, seed: 2, to: folder.appendingPathComponent("b.safetensors"))
      let arguments = ["evaluate", "--real-features", "a.safetensors", "--generated-features", "b.safetensors"]
      let table = try succeed(arguments, in: folder).output
      #expect(table.contains("given features, dimension 3") && !table.contains("codebook") && !table.contains("mostly bias"))
      let json = try succeed(arguments + ["-o", "json", "--subset-size", "11"], in: folder).output
      let report = try JSONDecoder().decode(JSONValue.self, from: Data(json.utf8))
      #expect(report["real_codes"].isNull && report["real_left_out"].isNull)
      #expect(try report["quality"]["same_size"].int("generated") == 20)
      #expect(try report["quality"]["floor"]["kernel_distance"].int("subset_size") == 11)
      #expect(try report["quality"]["floor"]["kernel_distance"].int("subsets") == 100)
    }
  }

  @Test func featuresThatCannotBeCompared() throws {
    try withTemporaryFolder { folder in
      func file(_ name: String) -> URL { folder.appendingPathComponent("\(name).safetensors") }
      try writeFeatures(40, dimension: 3, seed: 1, to: file("a"))
      try writeFeatures(40, dimension: 4, seed: 1, to: file("wide"))
      try writeFeatures(3, dimension: 3, seed: 1, to: file("few"))
      try SafetensorsFile.write([StoredTensor("x", FloatTensor([1, .infinity], shape: [2, 1]))], to: file("infinite"))
      try SafetensorsFile.write([StoredTensor("x", FloatTensor(zeros: [8]))], to: file("flat"))
      func fail(_ real: String, _ generated: String, _ message: String, _ more: [String] = []) throws {
        try VqdiffTests.fail(
          ["evaluate", "--real-features", "\(real).safetensors", "--generated-features", "\(generated).safetensors"] + more,
          status: 1, message: message, in: folder)
      }
      try fail("a", "wide", "wide.safetensors: expected features of dimension 3, as ")
      try fail("a", "few", "few.safetensors: expected at least 4 images for these settings, found 3")
      try fail("few", "a", "few.safetensors: expected at least 8 images for these settings and a floor from halves, found 3")
      try fail("a", "a", "expected at least 42 images", ["--subset-size", "21"])
      try fail("a", "infinite", "infinite.safetensors: expected finite features, found inf in row 1, column 0")
      try fail("a", "flat", "flat.safetensors: expected tensor \"x\" of shape [images, dimension], found shape [8]")
    }
  }

  @Test func imagesThatCannotBeCompared() throws {
    try withTemporaryFolder { folder in
      let real = folder.appendingPathComponent("real")
      try writePictures(9, seed: 0, to: real)
      func fail(_ message: String, _ name: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        try VqdiffTests.fail(
          ["evaluate", "--real", "real", "--generated", name], status: 1, message: message, in: folder,
          sourceLocation: sourceLocation)
      }
      try writePictures(3, seed: 0, to: folder.appendingPathComponent("few"))
      try fail("few: expected at least 4 images for these settings, found 3", "few")
      try writePictures(9, seed: 0, side: 36, to: folder.appendingPathComponent("large"))
      try fail("large/class 0/0.png has the wrong size: expected 32×32, found 36×36 pixels", "large")
      let jpeg = [UInt8](try Data(contentsOf: fixtures.appendingPathComponent("jpeg/rgb-444-17x9.jpg")))
      let png = [UInt8](try Data(contentsOf: real.appendingPathComponent("class 0/0.png")))
      for (name, bytes, message) in [
        ("small.jpg", jpeg, "small.jpg has the wrong size: expected 32×32, found 17×9 pixels"),
        ("cut.png", Array(png.dropLast(9)), "cut.png can't be decoded: expected a chunk at byte "),
        ("head.jpeg", Array(jpeg.prefix(100)), "head.jpeg can't be decoded: "),
        ("text.jpg", Array("text".utf8), "text.jpg is neither a PNG nor a JPEG file"),
        ("empty.png", [], "empty.png is neither a PNG nor a JPEG file"),
      ] {
        let bad = folder.appendingPathComponent("bad")
        try? FileManager.default.removeItem(at: bad)
        try writePictures(9, seed: 0, to: bad)
        try Data(bytes).write(to: bad.appendingPathComponent(name))
        try fail(message, "bad")
      }
    }
  }

  @Test func encodeTakesJPEG() throws {
    try withTemporaryFolder { folder in
      let url = fixtures.appendingPathComponent("jpeg/cmyk-8x8.jpg")
      try FileManager.default.copyItem(at: url, to: folder.appendingPathComponent("cmyk.jpg"))
      try VqdiffTests.fail(
        ["encode", "-i", "cmyk.jpg", "-o", "x.safetensors"], status: 1,
        message: "cmyk.jpg can't be read: expected grey or RGB colours, found CMYK", in: folder)
      try FileManager.default.copyItem(
        at: fixtures.appendingPathComponent("jpeg/rgb-444-16x8.jpg"), to: folder.appendingPathComponent("a.jpg"))
      try succeed(["encode", "-i", "a.jpg", "-o", "a.safetensors"], in: folder)
      let file = try SafetensorsFile(folder.appendingPathComponent("a.safetensors"))
      #expect(file.shape(of: "tokens") == [1, 8] && file.metadata == ["grid": "2x4"])
      #expect(try succeed(["inspect", "a.jpg"], in: folder).output == "a.jpg: 16×8 pixels, no texts\n")
    }
  }
}
