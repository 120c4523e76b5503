import Foundation
import TestSupport
import Testing
import VQDiffusion
import VQDiffusionTraining

/// Images brought to another size.
@Suite struct ImageFittingTests {
  private func fit(_ image: RGBImage, _ width: Int, _ height: Int) -> RGBImage {
    image.fitted(to: ImageSize(width: width, height: height))
  }

  /// A grey image of given values, row by row.
  private func grey(_ rows: [[UInt8]]) -> RGBImage {
    RGBImage(width: rows[0].count, height: rows.count, pixels: rows.flatMap { $0.flatMap { [$0, $0, $0] } })
  }

  @Test func theSameSizeIsTheSameImage() {
    #expect(fit(picture(3, width: 7, height: 5), 7, 5) == picture(3, width: 7, height: 5))
  }

  @Test(arguments: [(9, 4, 4, 4, 2, 0), (4, 9, 4, 4, 0, 2), (5, 3, 3, 3, 1, 0), (6, 3, 3, 3, 1, 0)])
  func aSideThatFitsIsOnlyCut(width: Int, height: Int, toWidth: Int, toHeight: Int, left: Int, top: Int) {
    let image = picture(1, width: width, height: height)
    let cut = fit(image, toWidth, toHeight)
    for y in 0..<toHeight {
      for x in 0..<toWidth { #expect(cut[x, y] == image[x + left, y + top]) }
    }
  }

  @Test func shrinkingTakesTheMeanOfAreas() {
    let image = grey([
      [9, 0, 10, 100, 110, 7], [9, 20, 30, 120, 130, 7], [9, 1, 3, 200, 200, 7], [9, 5, 7, 240, 240, 7],
    ])
    // Of the middle 4 of 6 columns.
    #expect(fit(image, 2, 2) == grey([[15, 115], [4, 220]]))
  }

  @Test func pixelsOnTheEdgeOfAreasCountInPart() {
    // 3 → 2: each target pixel is a whole source pixel and half of the middle one, 2/3 and 1/3.
    let image = grey([[30, 90, 210], [30, 90, 210], [30, 90, 210]])
    #expect(fit(image, 2, 2) == grey([[50, 170], [50, 170]]))
  }

  @Test func growingInterpolatesBetweenCentres() {
    // Centres of the four pixels at −¼, ¼, ¾, 1¼ between two source pixels.
    let image = grey([[0, 200], [0, 200]])
    let row: [UInt8] = [0, 50, 150, 200]
    #expect(fit(image, 4, 4) == grey([row, row, row, row]))
    #expect(fit(grey([[77]]), 3, 3) == grey(Array(repeating: [77, 77, 77], count: 3)))
  }

  @Test(arguments: [(1, 1), (3, 7), (31, 17), (64, 64), (100, 33), (333, 500)])
  func oneColourStaysItself(width: Int, height: Int) {
    let color = RGBImage.Color(17, 255, 0)
    for (toWidth, toHeight) in [(1, 1), (8, 8), (13, 5), (5, 32), (32, 32)] {
      let image = fit(RGBImage(width: width, height: height, filledWith: color), toWidth, toHeight)
      #expect(image == RGBImage(width: toWidth, height: toHeight, filledWith: color))
    }
  }

  @Test func mixedSizesAndKindsOfFilesMakeOneTensor() throws {
    try withTemporaryFolder { folder in
      try write(picture(0, width: 9, height: 20), "0.png", in: folder)
      try write(picture(1, width: 5, height: 4), "1.png", in: folder)
      let jpeg = fixtures.appendingPathComponent("jpeg/grey-11x7.jpg")
      try FileManager.default.copyItem(at: jpeg, to: folder.appendingPathComponent("2.jpg"))
      let png = fixtures.appendingPathComponent("png/grey8-5x7.png")
      try FileManager.default.copyItem(at: png, to: folder.appendingPathComponent("3.png"))
      let (images, indices) = try PreparedImages(folder).tensor([3, 2, 1, 0])
      #expect(images.shape == [4, 4, 5, 3] && indices == [3, 2, 1, 0])
      let values = images.withUnsafeBufferPointer { Array($0) }
      var expected = [fit(try RGBImage(contentsOf: png), 5, 4), fit(try RGBImage(contentsOf: jpeg), 5, 4)]
      expected += [picture(1), fit(picture(0, width: 9, height: 20), 5, 4)]
      #expect(values == expected.flatMap(training))
      // Grey pixels are three equal values, and not all the same.
      let grey = Array(values[0..<2 * 60])
      for place in stride(from: 0, to: grey.count, by: 3) {
        #expect(grey[place] == grey[place + 1] && grey[place] == grey[place + 2])
      }
      #expect(Set(grey[0..<60]).count > 3 && Set(grey[60...]).count > 3)
    }
  }
}
