import Foundation
import TestSupport
import Testing
import VQDiffusion

/// Edits, previews and animations that can't be.
@Suite struct BadEditTests {
  typealias Case = BadUsageTests.Case

  static let usage = [
    Case("inpaint --mask m.png", "Missing expected argument '--image"),
    Case("inpaint --image x.png", "expected one of --mask and --offset, found neither"),
    Case("inpaint --image x.png --mask m.png --offset 4,0", "expected one of --mask and --offset, found both"),
    Case("inpaint --image x.png --offset 4", "offset must be two whole numbers of pixels as X,Y, such as 16,0, found 4"),
    Case("inpaint --image x.png --offset -4;1", "offset must be two whole numbers of pixels as X,Y, such as 16,0, found -4;1"),
    Case("inpaint --image x.png --mask m.png --feather=-1", "--feather must be 0 or more, found -1"),
    Case("inpaint --image x.png --mask m.png --feather 1 --no-composite", "--feather must be absent with --no-composite"),
    Case("inpaint --image x.png --mask m.png --count 0", "--count must be 1 or more, found 0"),
    Case("vary", "Missing expected argument '--image"),
    Case("vary --image x.png --strength 0", "--strength must be more than 0 and at most 1, found 0"),
    Case("vary --image x.png --strength=-0.5", "--strength must be more than 0 and at most 1, found -0.5"),
    Case("vary --image x.png --strength 1.01", "--strength must be more than 0 and at most 1, found 1.01"),
    Case("vary --image x.png --strength nan", "--strength must be more than 0 and at most 1, found nan"),
    Case("vary --image x.png --count 2 --output x.png", "expected a place for each of 2 images"),
    Case("generate --class 1 --preview-every 0", "--preview-every must be 1 or more, found 0"),
    Case("generate --class 1 --animate x.gif", "--animate x.gif: expected a name that ends in .png"),
    Case(
      "generate --class 1 2 --animate a.png", "--animate a.png: expected one image, or several on the sheet of --grid, found 2"),
    Case("vary --image x.png --count 3 --animate a.png", "expected one image, or several on the sheet of --grid, found 3"),
  ]

  @Test(arguments: usage) func badUsageIs64(_ bad: Case) throws {
    try withTemporaryFolder { folder in
      try fail(bad.arguments, status: 64, message: bad.message, in: folder)
      #expect(try files(under: folder) == [])
    }
  }

  private static let inpaint = "inpaint --model model --steps 2 --image"
  private static let vary = "vary --model model --image"
  private static let generate = "generate --model model --steps 4"

  static let requests = [
    Case("\(inpaint) picture.png --mask large.png", "large.png has the wrong size: expected 8×8, found 32×32 pixels"),
    Case("\(inpaint) large.png --mask mask.png", "large.png has the wrong size: expected 8×8, found 32×32 pixels"),
    Case("\(inpaint) large.png --offset 4,0", "large.png has the wrong size: expected 8×8, found 32×32 pixels"),
    Case("\(inpaint) picture.png --mask black.png", "black.png has nothing to repaint: expected a pixel of luminance 128"),
    Case("\(inpaint) nowhere.png --mask mask.png", "can't read image"),
    Case("\(inpaint) picture.png --mask nowhere.png", "can't read image"),
    Case("\(inpaint) picture.png --mask text", "text is neither a PNG nor a JPEG file"),
    Case("\(inpaint) picture.png --offset 0,0", "offset must be other than 0,0 and less than the picture's 8×8 pixels"),
    Case("\(inpaint) picture.png --offset 8,0", "in either direction, found 8,0"),
    Case("\(inpaint) picture.png --offset 1,-9", "in either direction, found 1,-9"),
    Case("\(inpaint) picture.png --mask mask.png --feather 9", "feather must be 0…8 pixels, found 9"),
    Case("\(inpaint) picture.png --mask mask.png --class 1", "this model is unconditional"),
    Case(
      "\(inpaint) picture.png --mask mask.png --sampler purity --steps 17",
      "steps must lie in 1…16 for purity sampling with 16 tokens, found 17"),
    Case("inpaint --image large.png --offset 4,0", "this model is class-conditional: name at least one class"),
    Case("\(vary) large.png", "large.png has the wrong size: expected 8×8, found 32×32 pixels"),
    Case("\(vary) text", "text is neither a PNG nor a JPEG file"),
    Case(
      "\(vary) picture.png --sampler strided-reference --steps 4",
      "strided-reference sampling starts from pure noise; use another sampler for a given image"),
    Case("\(vary) picture.png --sampler ancestral --steps 6", "steps must lie in 1…5 for ancestral sampling with 5 timesteps"),
    Case("\(vary) picture.png --sampler ancestral --timestep-grid 9,4", "timestep grid must be linear or cosine with a strength"),
    Case("\(generate) --preview-every 5", "--preview-every must be 1…4 with 4 steps, found 5"),
    Case("\(generate) -o x.png --animate x.png", "--animate x.png: expected another file than those of --output"),
    Case("\(generate) -o out --animate out/./000.png", "expected another file than those of --output, found one of them"),
    Case(
      "\(generate) -o x.png --preview-every 2 --animate x.preview-004.png", "expected another file than those of --output"),
    Case("\(generate) --animate text/a.png", "text isn't a folder"),
    Case("\(generate) --animate folder.png", "something else than a file has that name"),
    Case("generate --class all --animate a.png", "--animate a.png: expected one image, or several on the sheet of --grid"),
    Case(
      "generate --class 1 --scale 256 --steps 20 --animate a.png",
      "expected frames of together at most 2 GiB, found up to 21 of 8192×8192 pixels"),
    Case(
      "generate --class 1 --count 70000 --grid --steps 20 --preview-every 2",
      "--preview-every 2: with --grid expected previews of together at most 2 GiB, found up to 700000 of 32×32 pixels"),
    Case("\(generate) -o x.png --preview-every 3", "x.preview-003.png: something else than a file has that name"),
    Case("\(generate) -n 2 --grid -o x.png --preview-every 3", "x.preview-003.png: something else than a file has that name"),
    // The image's own name is short enough.
    Case(
      "\(generate) -n 2 -o \(String(repeating: "x", count: 248))%d.png --preview-every 4", ".preview-004.png: File name too long"),
  ]

  @Test(arguments: requests) func impossibleRequestsAre1(_ bad: Case) throws {
    try withEditFolder { folder in
      try Data("not an image".utf8).write(to: folder.url.appendingPathComponent("text"))
      try RGBImage(width: 8, height: 8, filledWith: .black).write(to: folder.url.appendingPathComponent("black.png"))
      for name in ["folder.png", "x.preview-003.png"] {
        try FileManager.default.createDirectory(
          at: folder.url.appendingPathComponent(name), withIntermediateDirectories: false)
      }
      try fail(bad.arguments, status: 1, message: bad.message, in: folder.url)
      #expect(try folder.files() == ["black.png"] + EditFolder.files + ["text"])
    }
  }
}
