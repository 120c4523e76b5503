import Foundation
import Images

/// JPEG files: markers with right lengths, of which some are changed, and damaged scans.
struct JPEGFuzzing: FuzzTarget {
  let name = "jpeg"

  /// As `PNGFuzzing`'s.
  private static let mostPixels = 1 << 20

  /// A marker with its parameters and, for a scan, the data behind it.
  private struct Segment {
    var marker: UInt8
    var parameters: [UInt8]
    var data: [UInt8] = []
  }

  private let seeds: [[Segment]]
  private let bytes = ByteMutation(
    words: [
      [0xff, 0xd8], [0xff, 0xd9], [0xff, 0xda], [0xff, 0xc0], [0xff, 0xc2], [0xff, 0xc4], [0xff, 0xdb], [0xff, 0xd0], [0xff, 0],
      [0xff, 0xff],
    ])

  init() throws { seeds = try seedFiles(in: "jpeg", ofType: "jpg").map(Self.segments) }

  func mutant(_ random: inout FuzzRandom) -> [UInt8] {
    var segments = random.pick(seeds)
    for _ in 0...random.below(2) { change(&segments, &random) }
    var file: [UInt8] = [0xff, 0xd8]
    for segment in segments {
      var length = UInt16(truncatingIfNeeded: segment.parameters.count + 2)
      if random.once(in: 64) { length = UInt16(truncatingIfNeeded: random.awkwardInteger()) }
      file += [0xff, segment.marker] + bigEndianBytes(length) + segment.parameters + segment.data
    }
    if !random.once(in: 16) { file += [0xff, 0xd9] }
    if random.once(in: 16) { bytes.apply(to: &file, &random) }
    return file
  }

  func read(_ bytes: [UInt8], at url: URL) -> FuzzOutcome {
    do throws(ImageError) {
      let image = try RGBImage(contentsOf: url, maximumPixels: Self.mostPixels)
      precondition(image.width * image.height <= Self.mostPixels, "more pixels than the limit")
      return .accepted
    } catch {
      return FuzzOutcome(error, isPastFirstCheck: hasHeader(bytes))
    }
  }

  /// As `PNGFuzzing`'s.
  private func hasHeader(_ bytes: [UInt8]) -> Bool {
    if case .tooLarge? = imageError(of: { () throws(ImageError) in try RGBImage(jpeg: bytes, maximumPixels: 0) }) { return true }
    return false
  }

  /// What stands between SOI and EOI (ITU-T T.81, annex B): a scan's data ends at the next marker that isn't a restart.
  private static func segments(of jpeg: [UInt8]) -> [Segment] {
    var segments: [Segment] = []
    var position = 2
    while position + 4 <= jpeg.count {
      let marker = jpeg[position + 1]
      let length = Int(jpeg[position + 2]) << 8 | Int(jpeg[position + 3])
      let start = position + 2 + length
      var end = start
      if marker == 0xda {
        while end + 1 < jpeg.count, jpeg[end] != 0xff || jpeg[end + 1] == 0 || (0xd0...0xd7).contains(jpeg[end + 1]) { end += 1 }
      }
      segments.append(
        Segment(marker: marker, parameters: Array(jpeg[position + 4..<start]), data: Array(jpeg[start..<end])))
      position = end
    }
    return segments
  }

  private func change(_ segments: inout [Segment], _ random: inout FuzzRandom) {
    guard !segments.isEmpty else { return }
    let index = random.below(segments.count)
    switch random.below(14) {
    case 0, 1: bytes.apply(to: &segments[index].parameters, &random)
    case 2, 3, 8, 9, 10, 11, 12:
      if let scan = segments.lastIndex(where: { $0.marker == 0xda }) { bytes.apply(to: &segments[scan].data, &random) }
    case 4: rearrange(&segments, most: 64, &random)
    case 5:
      let segment = Segment(
        marker: random.pick([0xdd, 0xe0, 0xe1, 0xee, 0xfe, 0xdb, 0xc4, 0xcc, 0xdc]), parameters: random.bytes(random.below(70)))
      segments.insert(segment, at: random.place(in: segments.count))
    case 6: changeFrame(&segments, &random)
    default: segments[index].marker = UInt8(0xc0 + random.below(64))
    }
  }

  /// The frame header: precision, height, width, and identifier, sampling and table of each component.
  private func changeFrame(_ segments: inout [Segment], _ random: inout FuzzRandom) {
    guard let frame = segments.firstIndex(where: { (0xc0...0xc2).contains($0.marker) }), segments[frame].parameters.count > 6
    else { return }
    if random.once(in: 2) {
      let side = UInt16(random.once(in: 2) ? random.below(1200) : random.below(1 << 16))
      segments[frame].parameters.replaceSubrange(random.once(in: 2) ? 1..<3 : 3..<5, with: bigEndianBytes(side))
    } else {
      segments[frame].parameters[random.below(segments[frame].parameters.count)] = UInt8(random.below(64))
    }
    if random.once(in: 4) { segments[frame].marker = UInt8(0xc0 + random.below(16)) }
  }
}
