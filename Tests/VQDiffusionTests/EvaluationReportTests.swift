import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing
import VQDiffusion

@Suite struct EvaluationReportTests {
  private static let codec = Result { try ImageCodec.builtIn() }

  /// Smooth random pictures: two colours, blended across the image.
  private func pictures(_ count: Int, seed: UInt64, width: Int = 32, height: Int = 32) -> [RGBImage] {
    (0..<count).map { index in
      let colours = (0..<6).map { Philox(seed: seed).uniform(SIMD4(UInt32(index), UInt32($0), 0, 0)) * 255 }
      var pixels: [UInt8] = []
      for y in 0..<height {
        for x in 0..<width {
          let blend = (Double(x) / Double(width) + Double(y) / Double(height)) / 2
          for channel in 0..<3 { pixels.append(UInt8(colours[channel] * blend + colours[channel + 3] * (1 - blend))) }
        }
      }
      return RGBImage(width: width, height: height, pixels: pixels)
    }
  }

  @Test(arguments: [(1, 1, 1, 64), (3, 2, 5, 128), (2, 4, 3, 7), (2, 3, 3, 300), (1, 5, 1, 512)])
  func poolsMeansAndDeviations(count: Int, height: Int, width: Int, channels: Int) {
    let philox = Philox(seed: 5)
    let values = (0..<count * height * width * channels).map { Float(philox.uniform(SIMD4(UInt32($0), 0, 0, 0))) }
    let features = EncoderFeatures.pooled(FloatTensor(values, shape: [count, height, width, channels]))
    let dimension = EncoderFeatures.dimension(channels: channels)
    #expect(dimension <= 256 && features.count == count * dimension)
    let run = (channels + 127) / 128
    var expected: [Double] = []
    for image in 0..<count {
      let columns = (0..<dimension / 2).map { group in
        (0..<height * width).map { position in
          let members = (group * run..<min(channels, (group + 1) * run)).map {
            Double(values[(image * height * width + position) * channels + $0])
          }
          return members.reduce(0, +) / Double(members.count)
        }
      }
      let means = columns.map { $0.reduce(0, +) / Double($0.count) }
      expected += means
      expected += zip(columns, means).map { column, mean in
        (column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(column.count)).squareRoot()
      }
    }
    expectClose(features, expected, absolute: 1e-7)
  }

  @Test func folderAndMemoryAgree() throws {
    let codec = try Self.codec.get()
    let images = pictures(37, seed: 1)
    try withTemporaryFolder { folder in
      for (index, image) in images.enumerated() {
        // Folders of ten, so that paths sort as the images do; the ending says nothing.
        let name = "\(index / 10)/\(index % 10).\(index % 2 == 0 ? "png" : "JPG")"
        try image.write(to: folder.appendingPathComponent(name), creatingFolders: true)
      }
      try Data("no image".utf8).write(to: folder.appendingPathComponent("notes.txt"))
      try Data("no image".utf8).write(to: folder.appendingPathComponent(".hidden.png"))
      let fromFolder = try codec.summary(ofImagesIn: folder)
      let fromMemory = try codec.summary(of: images, name: folder.path)
      #expect(fromFolder.features == fromMemory.features && fromFolder.codeUsage == fromMemory.codeUsage)
      #expect(fromFolder.features.count == 37 && fromFolder.features.dimension == 128)
      #expect(fromFolder.codeUsage.codes == 1024)
    }
  }

  /// A folder as `generate --preview-every --animate` leaves it, with folders that are named like images.
  @Test func picturesOfStepsAreLeftOut() async throws {
    let pipeline = try VQDiffusionPipeline.builtIn()
    let settings = GenerationSettings(method: .purity(weight: 1), steps: 1, seed: 4)
    let made = try await pipeline.generate(labels: [7], count: 2, settings: settings)
    try withTemporaryFolder { folder in
      func file(_ name: String) -> URL { folder.appendingPathComponent(name) }
      for image in made {
        var record = ImageRecord(image, by: pipeline, settings: settings)
        try image.image.write(to: file("\(image.index).png"), text: record.pngTexts())
        record.previewStep = 1
        // A preview is left out whatever its name and size.
        try image.image.scaled(by: 2).write(to: file("\(image.index)-early.png"), text: record.pngTexts())
      }
      try AnimatedPNG(made.map(\.image), milliseconds: 9, last: 9).write(to: file("steps.png"))
      let damaged = PNGText(ImageRecord.jsonKeyword, "{\"preview_step\": 1")
      try made[0].image.write(to: file("x.png/inside.png"), text: [damaged], creatingFolders: true)
      try FileManager.default.createDirectory(at: file("empty.jpg"), withIntermediateDirectories: false)
      try FileManager.default.createSymbolicLink(at: file("z.png"), withDestinationURL: file("1.png"))
      let summary = try pipeline.codec.summary(ofImagesIn: folder)
      let images = [made[0], made[1], made[0], made[1]].map(\.image)
      #expect(try summary.features == pipeline.codec.summary(of: images, name: folder.path).features)
      #expect(summary.leftOut == 3)

      try FileManager.default.createSymbolicLink(at: file("lost.png"), withDestinationURL: file("nowhere.png"))
      #expect(throws: ImageError.self) { try pipeline.codec.summary(ofImagesIn: folder) }
    }
  }

  @Test func aFolderOfPreviewsAloneHoldsNoImages() throws {
    try withTemporaryFolder { folder in
      let picture = pictures(1, seed: 1)[0]
      try AnimatedPNG([picture, picture], milliseconds: 9, last: 9).write(to: folder.appendingPathComponent("a.png"))
      #expect(throws: PipelineError.noImages(folder: folder.path, found: "only previews and animations")) {
        try Self.codec.get().summary(ofImagesIn: folder)
      }
    }
  }

  /// The same image gives the same features in any batch, and the histogram counts all tokens of all batches.
  @Test func batchesDoNotMatter() throws {
    let codec = try Self.codec.get()
    let images = pictures(35, seed: 2)
    let all = try codec.summary(of: images, name: "all")
    let last = try codec.summary(of: [images[34]], name: "last")
    #expect(Array(all.features.values.suffix(128)) == last.features.values)
    let tokens = try images.flatMap { try codec.encode([$0]).tokens }
    var histogram = [Int](repeating: 0, count: 1024)
    for token in tokens { histogram[Int(token)] += 1 }
    #expect(try all.codeUsage == CodeUsage(histogram: histogram))
  }

  @Test func evaluatesImages() throws {
    let codec = try Self.codec.get()
    let real = try codec.summary(of: pictures(60, seed: 3), name: "real")
    let alike = try codec.summary(of: pictures(30, seed: 4), name: "alike")
    let flat = try codec.summary(
      of: pictures(30, seed: 5).map { RGBImage(width: 32, height: 32, filledWith: $0[0, 0]) }, name: "flat")
    let good = try codec.evaluate(real: real, generated: alike)
    let bad = try codec.evaluate(real: real, generated: flat)
    #expect(good.features == "pooled VQ encoder features" && good.realName == "real" && good.generatedName == "alike")
    #expect(good.quality.sameSize.frechetDistance < bad.quality.sameSize.frechetDistance)
    #expect(good.quality.sameSize.kernelDistance.mean < bad.quality.sameSize.kernelDistance.mean)
    #expect(good.quality.sameSize.neighbours.precision > bad.quality.sameSize.neighbours.precision)
    #expect(bad.generatedCodes == flat.codeUsage && bad.realCodes == real.codeUsage)
    let decoded = try JSONDecoder().decode(EvaluationReport.self, from: JSONEncoder().encode(good))
    #expect(decoded == good)
  }

  @Test func refusesImagesOfAnotherSize() throws {
    let codec = try Self.codec.get()
    let (expected, found) = (ImageSize(width: 32, height: 32), ImageSize(width: 36, height: 32))
    #expect(throws: ImageError.wrongSize(file: "1 of few", expected: expected, found: found)) {
      try codec.summary(of: pictures(1, seed: 1) + pictures(1, seed: 1, width: 36), name: "few")
    }
    #expect(throws: EvaluationError.self) { try codec.summary(of: [], name: "none") }
  }

  @Test func readsFeatureFiles() throws {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("a.safetensors")
      let values: [Float] = [1, 2, 3, 4.5, 5, -6]
      func read(_ tensors: [StoredTensor]) throws -> FeatureSet {
        try SafetensorsFile.write(tensors, to: file)
        return try FeatureSet(contentsOf: file)
      }
      let tensor = FloatTensor(values, shape: [3, 2])
      let set = try read([StoredTensor("anything", tensor)])
      #expect(set.count == 3 && set.dimension == 2 && set.values == values.map(Double.init) && set.name == file.path)
      #expect(try read([StoredTensor("features", tensor, as: .bfloat16), StoredTensor("labels", [1], shape: [1])]) == set)

      #expect(throws: CheckpointError.missingTensor(file: file.path, tensor: "features", shape: nil)) {
        try read([StoredTensor("a", tensor), StoredTensor("b", tensor)])
      }
      #expect(
        throws: ModelFileError.invalidInput(
          file: file.path, expected: "tensor \"features\" of shape [images, dimension]", found: "shape [6]")
      ) { try read([StoredTensor("features", FloatTensor(values, shape: [6]))]) }
      #expect(throws: EvaluationError.noDimension(set: file.path)) {
        try read([StoredTensor("features", FloatTensor(zeros: [4, 0]))])
      }
      #expect(throws: CheckpointError.self) { try read([StoredTensor("features", [1, 2], shape: [1, 2])]) }
      let error = try #require(throws: EvaluationError.self) {
        try read([StoredTensor("features", FloatTensor([1, .nan], shape: [1, 2]))])
      }
      #expect(error.description == "\(file.path): expected finite features, found nan in row 0, column 1")
    }
  }
}
