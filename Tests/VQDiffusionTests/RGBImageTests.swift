import Testing
import VQDiffusion

@Suite struct RGBImageTests {
  private let red = RGBImage.Color(255, 0, 0)
  private let green = RGBImage.Color(0, 255, 0)
  private let blue = RGBImage.Color(0, 0, 255)

  private func image(_ rows: [[RGBImage.Color]]) -> RGBImage {
    RGBImage(width: rows[0].count, height: rows.count, pixels: rows.joined().flatMap { [$0.red, $0.green, $0.blue] })
  }

  @Test func addressesPixelsByColumnAndRow() {
    var image = RGBImage(width: 3, height: 2, pixels: Array(0..<18))
    #expect(image[2, 1] == RGBImage.Color(15, 16, 17))
    image[1, 0] = green
    #expect(image.pixels == [0, 1, 2, 0, 255, 0, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17])
  }

  @Test func scalesToSquaresOfOnePixel() {
    let small = image([[red, green], [blue, .black]])
    let expected = image([
      [red, red, red, green, green, green], [red, red, red, green, green, green], [red, red, red, green, green, green],
      [blue, blue, blue, .black, .black, .black], [blue, blue, blue, .black, .black, .black],
      [blue, blue, blue, .black, .black, .black],
    ])
    #expect(small.scaled(by: 3) == expected)
    #expect(small.scaled(by: 1) == small)
  }

  @Test func laysAGridRowByRow() {
    let sheet = RGBImage.grid(
      [image([[red, red]]), image([[green, green]]), image([[blue, blue]])], columns: 2, gap: 1, background: .black)
    #expect(
      sheet
        == image([
          [red, red, .black, green, green], [.black, .black, .black, .black, .black], [blue, blue, .black, .black, .black],
        ]))
  }

  @Test func laysUnequalImagesAtTheTopLeftOfEqualCells() {
    let sheet = RGBImage.grid([image([[red]]), image([[green, green], [green, green]])], columns: 5, gap: 0)
    #expect(sheet == image([[red, .white, green, green], [.white, .white, green, green]]))
  }

  @Test func leavesAGapOfTwoByDefault() {
    let pixel = image([[red]])
    #expect(RGBImage.grid([pixel, pixel, pixel], columns: 3).size == ImageSize(width: 7, height: 1))
    #expect(RGBImage.grid([pixel, pixel, pixel], columns: 1).size == ImageSize(width: 1, height: 7))
    #expect(RGBImage.grid([pixel], columns: 1) == pixel)
  }
}
