import Foundation
import TestSupport
import Testing
import VQDiffusion

/// Arguments that are wrong, and requests that a model can't meet.
@Suite struct BadUsageTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let arguments: [String]
    let message: String

    init(_ arguments: String, _ message: String) {
      self.arguments = arguments.split(separator: " ").map(String.init)
      self.message = message
    }

    var testDescription: String { arguments.joined(separator: " ") }
  }

  static let usage = [
    Case("generate --class horse --count 0", "--count must be 1 or more, found 0"),
    Case("generate --class horse --steps 0", "--steps must be 1 or more, found 0"),
    Case("generate --class horse --batch-size 0", "--batch-size must be 1 or more, found 0"),
    Case("generate --class horse --threads 0", "--threads must be 1…64, found 0"),
    Case("generate --class horse --threads 65", "--threads must be 1…64, found 65"),
    Case("generate --class horse --scale 0", "--scale must be 1…256, found 0"),
    Case("generate --class horse --guidance-scale=-1", "--guidance-scale must be finite and at least 0, found -1"),
    Case("generate --class horse --cfg-scale nan", "--guidance-scale must be finite and at least 0, found nan"),
    Case("generate --class horse --purity-weight inf", "--purity-weight must be finite and at least 0, found inf"),
    Case("generate --class horse --truncation 0", "truncation must be none, a probability in (0, 1] or top-K, found 0"),
    Case("generate --class horse --truncation 1.5", "truncation must be none, a probability in (0, 1] or top-K, found 1.5"),
    Case("generate --class horse --truncation top-0", "found top-0"),
    Case(
      "generate --class horse --sampler best",
      "sampler must be one of ancestral, strided-reference, fewer-tokens, purity, purity-reference, maskgit, halton, remdm"),
    Case("generate --class horse --seed one", "'one' is invalid for '--seed"),
    Case("generate --class horse --count 2 --output x.png", "expected a place for each of 2 images"),
    Case("generate --class horse cat --output x.png", "expected a place for each of 2 images"),
    Case("generate --class horse --output x.jpg", "--output x.jpg: expected a name that ends in .png"),
    Case("generate --class horse --output x%s.png", "expected %d, %0Nd (N = 1…9) or %% after a percent sign, found '%s"),
    Case("generate --class horse --output x%n%d.png", "found '%n"),
    Case("generate --class horse --output x%3d.png", "found '%3d"),
    Case("generate --class horse --output x%00d.png", "found '%00d"),
    Case("generate --class horse --output x%.png", "found '%.png"),
    Case("generate --class horse --output %d%d.png", "expected one place for a number, such as %03d, found 2"),
    Case("generate --class horse --output %%.png", "expected one place for a number, such as %03d, found 0"),
    Case("generate --class horse --grid --output %d.png", "expected a file or a folder for the one image of --grid"),
    Case("generate --class horse --cuont 3", "Unknown option '--cuont'"),
    Case("encode --output x.safetensors", "Missing expected argument '--input"),
    Case("encode --input x.png --output x.bin", "--output x.bin: expected a name that ends in .safetensors"),
    Case("decode --input x.safetensors --output x.gif", "--output x.gif: expected a name that ends in .png"),
    Case("decode --input x.safetensors --output x.png --scale 0", "--scale must be 1…256, found 0"),
    Case("evaluate", "expected --real and --generated, or --real-features and --generated-features"),
    Case("evaluate --real a", "expected --real and --generated, or"),
    Case("evaluate --real a --generated-features b", "expected --real and --generated, or"),
    Case("evaluate --real a --generated b --real-features c", "expected --real and --generated, or"),
    Case("evaluate --real a --generated b --subsets 1", "subsets must be 2…100000, found 1"),
    Case("evaluate --real a --generated b --subset-size 1", "subset size must be 2…100000, found 1"),
    Case("evaluate --real a --generated b -k 0", "neighbours must be 1…1000, found 0"),
    Case("evaluate --real a --generated b --output xml", "'xml' is invalid for '--output"),
    Case("denoise --input x.safetensors --output y", "--output y: expected a name that ends in .safetensors"),
    Case("denoise --input x.safetensors --output y.safetensors --threads 0", "--threads must be 1…64, found 0"),
  ]

  @Test(arguments: usage) func badUsageIs64(_ bad: Case) throws {
    try withTemporaryFolder { folder in
      try fail(bad.arguments, status: 64, message: bad.message, in: folder)
      #expect(try files(under: folder) == [])
    }
  }

  static let requests = [
    Case("generate", "this model is class-conditional: name at least one class"),
    Case("generate --class hrse", "no class 'hrse'; near: horse"),
    Case("generate --class horse unicorn", "no class 'unicorn'"),
    Case("generate --class a", "class 'a' is ambiguous: airplane, automobile"),
    Case("generate --class 10", "no class '10'; near: 0…9"),
    Case("generate --class=-1", "no class '-1'; near: 0…9"),
    Case("generate --class horse --sampler ancestral --steps 101", "steps must lie in 1…100 for ancestral sampling"),
    Case("generate --class horse --sampler purity --steps 65", "steps must lie in 1…64 for purity sampling with 64 tokens"),
    Case(
      "generate --class horse --sampler ancestral --purity-weight 1", "--purity-weight must be absent for a sampler without it"),
    Case("generate --class horse --purity-weight 1e39", "the purity weight must lie in 0…10000, found 1e+39"),
    Case("generate --class all --output x.png", "expected a place for each of 10 images"),
    Case("generate --class horse --count 10000000", "count must be 1…1000000, found 10000000"),
    Case("generate --class all --count 200000", "count must be 1…100000 for 10 classes, found 200000"),
    Case("generate --class horse --output taken/out", "taken/out/horse: Not a directory"),
    Case("generate --class horse --output taken/sub/x.png", "Not a directory"),
    Case("generate --class horse --output /dev/null/x.png", "/dev/null isn't a folder"),
    Case("generate --class horse --count 2000 --grid --scale 256 --output x.png", "expected an image of at most 2 GiB"),
    Case("generate --class horse --model nowhere", "nowhere: no such folder"),
    Case("inspect nowhere.png", "nowhere.png: expected a readable file"),
    Case("inspect taken", "taken: expected a safetensors or PyTorch file, found a text"),
    Case("encode --input taken --output x.safetensors", "taken is neither a PNG nor a JPEG file"),
    Case("encode --input nowhere.png --output x.safetensors", "can't read image"),
    Case("decode --input nowhere.safetensors --output x.png", "nowhere.safetensors: expected a readable file"),
    Case("decode --input taken --output x.png", "taken: expected "),
    Case("evaluate --real nowhere --generated taken", "nowhere: expected a folder with PNG or JPEG images, found nothing"),
    Case("evaluate --real taken --generated taken", "taken: expected a folder with PNG or JPEG images, found a file"),
    Case("evaluate --real . --generated .", "expected a folder with PNG or JPEG images, found none in it"),
    Case("evaluate --real-features taken --generated-features taken", "taken: expected "),
    Case("denoise --input nowhere.safetensors --output x.safetensors", "nowhere.safetensors: expected a readable file"),
    Case("denoise --input taken --output taken/x.safetensors", "taken isn't a folder"),
  ]

  @Test(arguments: requests) func impossibleRequestsAre1(_ bad: Case) throws {
    try withTemporaryFolder { folder in
      try Data("not an image".utf8).write(to: folder.appendingPathComponent("taken"))
      // A drawn seed would be announced once all is checked; none of these gets that far.
      try fail(bad.arguments, status: 1, message: bad.message, in: folder)
      #expect(try files(under: folder) == ["taken"])
    }
  }

  @Test func aFolderIsNotOverwritten() throws {
    try withTemporaryFolder { folder in
      let taken = folder.appendingPathComponent("out/horse/000.png/inside")
      try FileManager.default.createDirectory(at: taken, withIntermediateDirectories: true)
      try fail(
        ["generate", "--class", "horse", "--output", "out"], status: 1, message: "something else than a file has that name",
        in: folder)
    }
  }

  @Test func helpAndVersionAreNoFailures() throws {
    try withTemporaryFolder { folder in
      let version = try succeed(["--version"], in: folder)
      #expect(version.output == "\(VQDiffusionPipeline.version)\n")
      let encode = try succeed(["encode", "--help"], in: folder)
      let words = encode.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      #expect(words.contains("Images aren't resized: their sides must be multiples of the pixels per token"))
      for command in [
        "generate", "inpaint", "vary", "decode", "denoise", "evaluate", "inspect", "convert", "refit", "finetune-guidance",
      ] {
        let help = try succeed([command, "--help"], in: folder)
        #expect(help.output.contains("USAGE: vqdiff \(command)"))
      }
    }
  }
}
