import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing
import VQDiffusion

@Suite struct ConvertTests {
  private static let model = TextModel.folder.path

  /// The folder says no more and no less than the original: pixels and metadata are the same.
  @Test func aConvertedModelMakesTheSameFiles() throws {
    try withTemporaryFolder { folder in
      let run = try vqdiff(["convert", "--model", Self.model, "-o", "new/model"], in: folder)
      #expect(run.status == 0 && run.errors == "wrote new/model\n")
      #expect(run.output.contains("  blocks.0.attn1.key.weight [16, 16]  ← transformer_blocks.0.attn1.to_k.weight\n"))
      #expect(run.outputLines.last == "255 tensors used, none left out")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("new").path) == ["model"])
      for negative in [[], ["--negative-prompt", "blurry"]] {
        let options = ["-p", "a bear", "-n", "2", "--steps", "4", "--seed", "5"] + negative
        try succeed(["generate", "--model", Self.model, "-o", "a%d.png"] + options, in: folder)
        try succeed(["generate", "--model", "new/model", "-o", "b%d.png"] + options, in: folder)
        for index in 0..<2 {
          #expect(
            try Data(contentsOf: folder.appendingPathComponent("a\(index).png"))
              == Data(contentsOf: folder.appendingPathComponent("b\(index).png")))
        }
      }
    }
  }

  @Test(arguments: [("float16", "F16", 2), ("bfloat16", "BF16", 2), ("float32", "F32", 4)])
  func floatsAreStoredAsAskedFor(type: String, shown: String, size: Int) throws {
    try withTemporaryFolder { folder in
      try succeed(["convert", "--model", Self.model, "--type", type, "-o", "a", "--quiet"], in: folder)
      let report = try succeed(["inspect", "a"], in: folder).output
      #expect(report.contains("12,324 parameters in 63 tensors, ") && report.components(separatedBy: "(\(shown))").count == 4)
      // What is converted again stays as it is.
      try succeed(["convert", "--model", "a", "-o", "b", "--quiet"], in: folder)
      try succeed(["convert", "--model", "a", "--type", type, "-o", "c", "--quiet"], in: folder)
      for name in try files(under: folder.appendingPathComponent("a")) {
        let contents = try Data(contentsOf: folder.appendingPathComponent("a/\(name)"))
        #expect(try contents == Data(contentsOf: folder.appendingPathComponent("b/\(name)")), "\(name)")
        #expect(try contents == Data(contentsOf: folder.appendingPathComponent("c/\(name)")), "\(name)")
      }
      try succeed(["generate", "--model", "a", "-p", "x", "--steps", "2", "--seed", "1", "-o", "x.png"], in: folder)
    }
  }

  @Test func aDryRunWritesNothing() throws {
    try withTemporaryFolder { folder in
      for output in [[], ["-o", "new/model"]] {
        let run = try succeed(["convert", "--model", Self.model, "--dry-run"] + output, in: folder)
        #expect(run.output.hasPrefix("transformer/model.safetensors, from ") && run.outputLines.count > 250)
        #expect(try succeed(["convert", "--model", Self.model, "--dry-run", "--quiet"] + output, in: folder).output == "")
      }
      try succeed(["convert", "--tensors", Self.weights, "--dry-run", "-o", "x.safetensors"], in: folder)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
    }
  }

  @Test func whatIsThereIsLeftAlone() throws {
    try withTemporaryFolder { folder in
      try FileManager.default.createDirectory(at: folder.appendingPathComponent("old"), withIntermediateDirectories: true)
      try Data("old".utf8).write(to: folder.appendingPathComponent("file"))
      for arguments in [["-o", "old"], ["-o", "file"], ["-o", "old", "--dry-run"]] {
        try fail(
          ["convert", "--model", Self.model] + arguments, status: 1, message: "there is something of that name already",
          in: folder)
      }
      try fail(["convert", "--model", Self.model, "-o", "file/new"], status: 1, message: "file isn't a folder", in: folder)
      #expect(try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted() == ["file", "old"])
    }
  }

  @Test func badUsage() throws {
    try withTemporaryFolder { folder in
      func fail(_ arguments: String..., message: String) throws {
        try VqdiffTests.fail(["convert"] + arguments, status: 64, message: message, in: folder)
      }
      try fail(message: "name a --model or a file of --tensors, one of them")
      try fail("--model", "a", "--tensors", "b", "-o", "c.safetensors", message: "one of them")
      try fail("--model", "a", message: "name the --output")
      try fail("--tensors", "a", "-o", "b", message: "--output b: expected a name that ends in .safetensors")
      try fail("--model", "a", "-o", "b", "--type", "f16", message: "'f16' is invalid for '--type")
      try fail(
        "--tensors", "a", "--no-ema", "-o", "b.safetensors", message: "--no-ema is about a checkpoint: name it with --model")
    }
  }

  private static var weights: String { fixtures.appendingPathComponent("checkpoints/imagenet_f32.pth").path }

  @Test func anyFilesTensors() throws {
    try withTemporaryFolder { folder in
      let run = try vqdiff(["convert", "--tensors", Self.weights, "-o", "new/a.safetensors"], in: folder)
      #expect(run.status == 0 && run.errors == "wrote new/a.safetensors\n")
      #expect(run.output == (try succeed(["inspect", Self.weights], in: folder).output))
      try succeed(["convert", "--tensors", Self.weights, "--type", "float16", "-o", "b.safetensors", "--quiet"], in: folder)
      let original = try TensorFile.open(URL(fileURLWithPath: Self.weights))
      let converted = try SafetensorsFile(folder.appendingPathComponent("new/a.safetensors"))
      let halved = try SafetensorsFile(folder.appendingPathComponent("b.safetensors"))
      #expect(converted.names.sorted() == original.names.sorted() && converted.names.count > 50)
      for name in original.names {
        let type = original.elementType(of: name)
        #expect(converted.shape(of: name) == original.shape(of: name) && converted.elementType(of: name) == type)
        #expect(halved.elementType(of: name) == (type == .float32 ? .float16 : type))
        if type == .float32 {
          #expect(try converted.doubles(name) == original.doubles(name))
          expectClose(try halved.floatTensor(name), try original.floatTensor(name), absolute: 1e-7, relative: 1e-3)
        }
      }
    }
  }

  /// A sparse file of a gibibyte, which takes long enough to be interrupted.
  @Test(.timeLimit(.minutes(5)), arguments: [SIGINT, SIGTERM]) func aSignalLeavesNothing(signal: Int32) throws {
    try withTemporaryFolder { folder in
      let size = 16 << 20
      let tensors = (0..<64).map {
        "\"t\($0)\":{\"dtype\":\"F32\",\"shape\":[\(size / 4)],\"data_offsets\":[\($0 * size),\(($0 + 1) * size)]}"
      }
      let header = Data("{\(tensors.joined(separator: ","))}".utf8)
      let file = folder.appendingPathComponent("large.safetensors")
      try (withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) } + header).write(to: file)
      let handle = try FileHandle(forWritingTo: file)
      try handle.truncate(atOffset: UInt64(8 + header.count + 64 * size))
      try handle.close()
      let program = try Program(
        ["convert", "--tensors", "large.safetensors", "--type", "float16", "-o", "new/half.safetensors", "--quiet"], in: folder)
      while try files(under: folder).count < 2, program.process.isRunning { usleep(1000) }
      kill(program.process.processIdentifier, signal)
      let run = try program.wait()
      #expect(run.diedOfSignal && run.status == signal && run.errors == "" && run.output == "", "\(run)")
      #expect(try files(under: folder) == ["large.safetensors"])
    }
  }

  @Test(arguments: [0, 1, 63, 64, 200]) func aCancelledConversionLeavesNothing(tensors: Int) throws {
    try withTemporaryFolder { folder in
      let conversion = try ModelConversion(ModelLocation(TextModel.folder))
      var left = tensors
      #expect(throws: CancellationError.self) {
        try conversion.write(to: folder.appendingPathComponent("model")) {
          if left == 0 { throw CancellationError() }
          left -= 1
        }
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
    }
  }
}
