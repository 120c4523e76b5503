import Images

/// A picture whose hole, the pixels to be repainted, is filled from its known pixels.
///
/// The hole is peeled: ring d holds the pixels d king's moves from the nearest known pixel, and each takes the mean of its
/// neighbours (of eight) in ring d − 1. So the border's colours continue inwards and blur, what was in the hole doesn't matter,
/// and the work is proportional to the pixels. Without a known pixel the picture becomes flat gray.
struct HoleFilling: Sendable {
  /// The picture with its hole filled.
  let image: RGBImage
  /// The ring of each pixel, row by row: 0 for known ones, `Int.max` if nothing is known.
  let distances: [Int]

  /// - Parameter mask: of the image's size.
  init(_ picture: RGBImage, mask: RepaintMask) {
    precondition(mask.size == picture.size, "a mask of \(mask.size) for a picture of \(picture.size)")
    var distances = mask.isRepainted.map { $0 ? Int.max : 0 }
    var ring = distances.indices.filter { distances[$0] == 0 }
    if ring.isEmpty {
      self.init(image: RGBImage(width: picture.width, height: picture.height, filledWith: .gray), distances: distances)
      return
    }
    let size = picture.size
    var pixels = picture.pixels
    var depth = 0
    while !ring.isEmpty {
      depth += 1
      var next: [Int] = []
      for pixel in ring {
        Self.forEachNeighbour(of: pixel, in: size) { neighbour in
          guard distances[neighbour] == .max else { return }
          distances[neighbour] = depth
          next.append(neighbour)
        }
      }
      for pixel in next { Self.fill(pixel, in: &pixels, of: size, from: distances, below: depth) }
      ring = next
    }
    self.init(image: RGBImage(width: size.width, height: size.height, pixels: pixels), distances: distances)
  }

  private init(image: RGBImage, distances: [Int]) { (self.image, self.distances) = (image, distances) }

  /// Gives a pixel the mean, rounded, of its neighbours in rings before `depth`.
  private static func fill(
    _ pixel: Int, in pixels: inout [UInt8], of size: ImageSize, from distances: [Int], below depth: Int
  ) {
    var sums = SIMD3<Int>.zero
    var count = 0
    forEachNeighbour(of: pixel, in: size) { neighbour in
      guard distances[neighbour] < depth else { return }
      sums &+= SIMD3(Int(pixels[neighbour * 3]), Int(pixels[neighbour * 3 + 1]), Int(pixels[neighbour * 3 + 2]))
      count += 1
    }
    for channel in 0..<3 { pixels[pixel * 3 + channel] = UInt8((sums[channel] + count / 2) / count) }
  }

  private static func forEachNeighbour(of pixel: Int, in size: ImageSize, _ body: (Int) -> Void) {
    let (x, y) = (pixel % size.width, pixel / size.width)
    for row in max(0, y - 1)...min(size.height - 1, y + 1) {
      for column in max(0, x - 1)...min(size.width - 1, x + 1) where row != y || column != x {
        body(row * size.width + column)
      }
    }
  }
}
