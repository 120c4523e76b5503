import Foundation
import TestSupport
import Testing
import VQDiffusion

/// Images of texts.
@Suite struct PromptTests {
  private static let side = ImageSize(width: 8, height: 8)

  @Test func aFolderATextItsImagesNumbered() throws {
    try withTemporaryFolder { folder in
      let run = try succeed(
        TextModel.command("generate", "--prompt", "a teddy bear", "-p", "a cat", "-p", "a teddy bear", "-n", "2", "-o", "out"),
        in: folder)
      let expected = ["a cat": 2, "a teddy bear": 4].sorted { $0.key < $1.key }
        .flatMap { name, count in (0..<count).map { "out/\(name)/00\($0).png" } }
      #expect(try files(under: folder) == expected)
      #expect(run.outputLines.sorted() == expected)
      for file in expected { #expect(try image(file, folder).size == Self.side) }
    }
  }

  struct Naming: CustomTestStringConvertible {
    let text: String
    let folder: String
    var testDescription: String { folder }

    init(_ text: String, _ folder: String) { (self.text, self.folder) = (text, folder) }
  }

  @Test(arguments: [
    Naming("a cat / dog\\bird", "a cat - dog-bird"), Naming("../../etc", "-..-..-etc"), Naming(".hidden", "-.hidden"),
    Naming("a new\nline\tand\r\nmore", "a new line and more"), Naming("", "-"), Naming("  ", "-"), Naming("...", "-"),
    Naming("The end. ", "The end"), Naming("\u{1B}[31mred\u{7F}", "-[31mred-"), Naming("Grüße, 熊 🐻!", "Grüße, 熊 🐻!"),
    Naming("50% %03d", "50% %03d"), Naming("e" + String(repeating: "\u{301}", count: 100), "-"),
  ]) func textsThatAreNoFileNames(_ naming: Naming) throws {
    try withTemporaryFolder { folder in
      try succeed(TextModel.command("generate", "-p", naming.text, "-o", "out", "--quiet"), in: folder)
      #expect(try files(under: folder) == ["out/\(naming.folder)/000.png"])
      #expect(try record("out/\(naming.folder)/000.png", folder)?.prompt == naming.text)
    }
  }

  /// Some file systems take them for the same name.
  @Test func textsThatDifferInCaseDontShareANumber() throws {
    try withTemporaryFolder { folder in
      try succeed(TextModel.command("generate", "-p", "A cat", "-p", "a Cat", "-o", "out"), in: folder)
      #expect(try files(under: folder) == ["out/A cat/000.png", "out/a Cat/001.png"])
    }
  }

  @Test func longTextsShareTheFolderOfTheirBeginning() throws {
    try withTemporaryFolder { folder in
      let start = String(repeating: "a very long teddy bear ", count: 40)
      let arguments = TextModel.command("generate", "-p", start + "x", "-p", start + "y", "-p", start + "x", "-o", "out")
      let run = try vqdiff(arguments, in: folder)
      #expect(run.status == 0 && run.errorLines.count == 2)
      for line in run.errorLines {
        #expect(line.hasPrefix("the model doesn't read to the end of 'a very long teddy bear a very"))
        #expect(line.count < 160)
      }
      let name = try #require(try files(under: folder).first?.split(separator: "/")[1])
      #expect(name.utf8.count <= 120 && name.utf8.count > 100 && start.hasPrefix(name))
      #expect(try files(under: folder) == (0..<3).map { "out/\(name)/00\($0).png" })
      #expect(try record("out/\(name)/001.png", folder)?.prompt == start + "y")
      // What is cut off counts for nothing.
      try succeed(TextModel.command("generate", "-p", start + "z", "-o", "z.png", "--quiet"), in: folder)
      #expect(try image("z.png", folder) == image("out/\(name)/000.png", folder))
    }
  }

  @Test func anImageIsMadeAgainAlone() throws {
    try withTemporaryFolder { folder in
      try succeed(TextModel.command("generate", "-p", "a", "-p", "b", "-n", "2", "-o", "%d.png", seed: 7), in: folder)
      for (index, text) in ["a", "a", "b", "b"].enumerated() {
        let made = try #require(try record("\(index).png", folder))
        #expect(made.prompt == text && made.seed == UInt64(7 + index))
        try succeed(TextModel.command("generate", "-p", text, "-o", "again.png", seed: 7 + index), in: folder)
        #expect(
          try Data(contentsOf: folder.appendingPathComponent("again.png"))
            == Data(contentsOf: folder.appendingPathComponent("\(index).png")))
      }
      #expect(try image("0.png", folder) != image("1.png", folder))
    }
  }

  @Test func textsAreInTheMetadata() throws {
    try withTemporaryFolder { folder in
      try succeed(
        TextModel.command("generate", "-p", "a bear,\nor two", "--negative-prompt", "blurry", "-o", "x.png"), in: folder)
      let made = try #require(try record("x.png", folder))
      #expect(made.prompt == "a bear,\nor two" && made.negativePrompt == "blurry" && made.guidanceScale == 5)
      #expect(made.model == "pipeline" && made.label == nil && made.sampler == "ancestral")
      let shown = try succeed(["inspect", "x.png"], in: folder).output
      #expect(
        shown.hasPrefix(
          "x.png: 8×8 pixels\nparameters:\na bear, or two\nNegative prompt: blurry\nSteps: 3, Sampler: ancestral, CFG scale: 5, "
        ))
    }
  }

  /// The learned vectors for no text aren't those of the empty text.
  @Test func aNegativeTextChangesTheImage() throws {
    try withTemporaryFolder { folder in
      let make = ["generate", "--model", TextModel.folder.path, "-p", "a bear", "--steps", "10", "--seed", "3", "-n", "4"]
      try succeed(make + ["-o", "none%d.png"], in: folder)
      try succeed(make + ["--negative-prompt", "", "-o", "empty%d.png"], in: folder)
      try succeed(make + ["--negative-prompt", "two red birds", "-o", "birds%d.png"], in: folder)
      func images(_ name: String) throws -> [RGBImage] { try (0..<4).map { try image("\(name)\($0).png", folder) } }
      #expect(try images("none") != images("empty") && images("none") != images("birds") && images("empty") != images("birds"))
      #expect(try record("empty0.png", folder)?.negativePrompt == "" && record("none0.png", folder)?.negativePrompt == nil)
    }
  }

  @Test func aSheetHasARowAText() throws {
    try withTemporaryFolder { folder in
      let make = TextModel.command("generate", "-p", "a", "-p", "b", "-n", "3")
      try succeed(
        make + ["--grid", "-o", "sheet.png", "--preview-every", "2", "--animate", "steps.png", "--negative-prompt", "c"],
        in: folder)
      try succeed(make + ["-o", "%d.png", "--negative-prompt", "c"], in: folder)
      let images = try (0..<6).map { try image("\($0).png", folder) }
      #expect(try image("sheet.png", folder) == RGBImage.grid(images, columns: 3))
      let made = try #require(try record("sheet.png", folder))
      #expect(made.columns == 3 && made.cells?.map(\.prompt) == ["a", "a", "a", "b", "b", "b"] && made.negativePrompt == "c")
      #expect(made.parameters.hasPrefix("a, b\nNegative prompt: c\n"))
      let sheet = ImageSize(width: 3 * 10 - 2, height: 2 * 10 - 2)
      #expect(try image("sheet.preview-002.png", folder).size == sheet)
      let frames = try PNGChunks(contentsOf: folder.appendingPathComponent("steps.png")).framePNGs().map { try RGBImage(png: $0) }
      #expect(frames.count == 4 && frames.allSatisfy { $0.size == sheet })
    }
  }

  @Test func picturesAreEditedByATextToo() throws {
    try withTemporaryFolder { folder in
      let picture = noisePicture(width: 8, height: 8, seed: 7)
      try picture.write(to: folder.appendingPathComponent("in.png"))
      try maskPicture(width: 8, height: 8) { x, _ in x >= 4 }.write(to: folder.appendingPathComponent("mask.png"))
      let input = ["--image", "in.png", "-p", "a bear", "--negative-prompt", "blurry"]
      try succeed(TextModel.command("inpaint", "--mask", "mask.png", "-o", "a.png") + input, in: folder)
      let painted = try image("a.png", folder)
      for y in 0..<8 { for x in 0..<4 { #expect(painted[x, y] == picture[x, y]) } }
      #expect(painted != picture)
      try succeed(TextModel.command("vary", "--strength", "0.5", "-o", "b.png") + input, in: folder)
      #expect(try image("b.png", folder).size == Self.side)
      for name in ["a.png", "b.png"] {
        let made = try #require(try record(name, folder))
        #expect(made.prompt == "a bear" && made.negativePrompt == "blurry" && made.edit?.image == "in.png")
      }
    }
  }

  @Test func requestsForTheOtherKindOfModel() throws {
    try withTemporaryFolder { folder in
      func fail(_ arguments: [String], _ message: String, status: Int32 = 1) throws {
        try VqdiffTests.fail(["generate", "-o", "x.png"] + arguments, status: status, message: message, in: folder)
      }
      let model = ["--model", TextModel.folder.path]
      try fail(model, "this model is text-conditional: give at least one text")
      try fail(model + ["--class", "cat"], "this model takes texts, found a class")
      try fail(model + ["--class", "cat", "dog", "--grid"], "this model takes texts, found 2 classes")
      try fail(model + ["--class", "all"], "this model takes texts, found a class")
      try fail(["--prompt", "a"], "this model takes classes, found a text")
      try fail(["--prompt", "a", "-p", "b", "--grid"], "this model takes classes, found 2 texts")
      try fail(["--class", "cat", "--negative-prompt", "a"], "this model takes no negative text, found one")
      try fail(
        ["--class", "cat", "--negative-prompt", "a", "--guidance-scale", "1"], "this model takes no negative text, found one")
      try fail(
        model + ["-p", "a", "--negative-prompt", "b", "--guidance-scale", "1"],
        "a negative text needs a guidance scale other than 1")
      try fail(["--class", "cat", "--prompt", "a"], "--class and --prompt are of different models", status: 64)
      try fail(model + ["--prompt", "a", "b"], "Unexpected argument 'b'", status: 64)
      try fail(model + ["-p", "a", "-p", "b"], "expected a place for each of 2 images", status: 64)
      try ModelFolders.writeModel("denoiser-uncond", to: folder.appendingPathComponent("model"))
      try fail(["--model", "model", "--prompt", "a"], "this model takes nothing (the model is unconditional), found a text")
      #expect(try files(under: folder).allSatisfy { $0.hasPrefix("model/") })
    }
  }
}
