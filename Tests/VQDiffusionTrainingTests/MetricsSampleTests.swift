import Foundation
import TestSupport
import Testing
import VQDiffusion
import VQDiffusionTraining

@Suite struct MetricsSampleTests {
  private func image(_ level: UInt8) -> RGBImage { RGBImage(width: 3, height: 5, filledWith: .init(level, 0, 0)) }

  @Test func reconstructionsLieUnderTheirOriginals() {
    let pairs = (0..<5).map { (original: image(UInt8($0)), reconstruction: image(UInt8(100 + $0))) }
    let picture = SampleGrid.reconstructions(pairs, columns: 3)
    // Four rows of three cells with a pixel between them, times 4.
    #expect(picture.size == ImageSize(width: (3 * 3 + 2) * 4, height: (4 * 5 + 3) * 4))
    func cell(_ column: Int, _ row: Int) -> RGBImage.Color { picture[column * 16 + 11, row * 24 + 19] }
    #expect((0..<3).map { cell($0, 0).red } == [0, 1, 2] && (0..<3).map { cell($0, 1).red } == [100, 101, 102])
    #expect((0..<2).map { cell($0, 2).red } == [3, 4] && (0..<2).map { cell($0, 3).red } == [103, 104])
    #expect(cell(2, 2) == .white && cell(2, 3) == .white)
  }

  @Test func samplesLieInTheirClassesRows() {
    let picture = SampleGrid.samples([[image(1)], [], [image(2), image(3)]], scale: 1)
    #expect(picture.size == ImageSize(width: 7, height: 17))
    #expect(picture[0, 0].red == 1 && picture[4, 0] == .white && picture[0, 6] == .white)
    #expect(picture[0, 12].red == 2 && picture[4, 12].red == 3)
  }
}
