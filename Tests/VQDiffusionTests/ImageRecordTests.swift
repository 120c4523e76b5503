import Foundation
import Testing
import VQDiffusion

@Suite struct ImageRecordTests {
  private func record(
    options: ComputeOptions = ComputeOptions(), _ change: (inout ImageRecord) -> Void = { _ in }
  ) async throws -> ImageRecord {
    let pipeline = try VQDiffusionPipeline.builtIn(options: options)
    let settings = GenerationSettings(method: .purity(weight: 1.5), steps: 1, guidanceScale: 2, seed: .max)
    let images = try await pipeline.generate(labels: [7], settings: settings)
    var record = ImageRecord(images[0], by: pipeline, settings: settings)
    change(&record)
    return record
  }

  @Test func theParametersFollowTheConvention() async throws {
    let parameters = try await record().parameters
    #expect(
      parameters == """
        horse
        Steps: 1, Sampler: purity, CFG scale: 2, Seed: 18446744073709551615, Size: 32x32, Model: cifar10, \
        Purity weight: 1.5, Version: swift-vq-diffusion \(VQDiffusionPipeline.version)
        """)
  }

  @Test func theRecordSurvivesAPNGFile() async throws {
    let record = try await record {
      $0.model = "名, \"x\""
      $0.cells = [.init(className: "a", label: 1, seed: 0), .init(className: nil, label: nil, seed: .max)]
    }
    let image = RGBImage(width: 1, height: 1, filledWith: .black)
    let texts = try PNGText.textChunks(of: image.pngBytes(text: try record.pngTexts()))
    #expect(texts.map(\.keyword) == ["parameters", "vqdiffusion"])
    #expect(try ImageRecord(texts) == record)
  }

  @Test func separatorsInValuesAreQuoted() async throws {
    let record = try await record {
      $0.model = "a, b: \"c\"\nd"
      $0.className = "two\nlines"
      $0.scale = 4
    }
    #expect(record.parameters.contains("Model: \"a, b: \\\"c\\\" d\", "))
    #expect(record.parameters.hasPrefix("two lines\nSteps: ") && record.parameters.contains(", Scale: 4, "))
    #expect(record.parameters.split(separator: "\n").count == 2)
  }

  @Test func arithmeticIsRecordedWhereItIsUnusual() async throws {
    let usual = try await record()
    #expect(try usual.arithmetic == nil && !usual.pngTexts()[1].text.contains("arithmetic"))
    let options = ComputeOptions(products: .openBLAS, convolution: .im2col, weights: .int8, memory: .low)
    let unusual = try await record(options: options)
    #expect(unusual.arithmetic == .init(options))
    #expect(
      unusual.parameters.contains(", Weights: int8, Products: openblas, Convolution: im2col, Memory: low, Version: "))
    #expect(try ImageRecord(unusual.pngTexts()) == unusual)
    let half = try #require(ImageRecord.Arithmetic(ComputeOptions(weights: .float16)))
    #expect(half.weights == "float16" && half.products == nil && half.convolution == nil && half.memory == nil)
  }

  @Test func otherImagesHaveNoRecord() throws {
    #expect(try ImageRecord([PNGText("parameters", "horse")]) == nil)
    #expect(throws: DecodingError.self) { try ImageRecord([PNGText("vqdiffusion", "{}")]) }
  }
}
