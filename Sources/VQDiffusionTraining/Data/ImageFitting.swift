import Images
import VQDiffusion

extension RGBImage {
  /// The image at another size, its proportions kept: scaled until it just covers `target`, then cut to its middle.
  ///
  /// A pixel of a smaller image is the mean of the area it stands for; a larger image is interpolated linearly between the centres
  /// of pixels. Both treat 8-bit sRGB values as they are.
  package func fitted(to target: ImageSize) -> RGBImage {
    guard size != target else { return self }
    let step = min(Double(width) / Double(target.width), Double(height) / Double(target.height))
    let columns = ResamplingTaps.axis(source: width, target: target.width, step: step)
    let rows = ResamplingTaps.axis(source: height, target: target.height, step: step)
    // Rows first: fewer of them are left for the columns, and each is read in order.
    var fitted = [UInt8]()
    fitted.reserveCapacity(target.width * target.height * 3)
    var line = [Float](repeating: 0, count: width * 3)
    for row in rows {
      weigh(row, into: &line)
      for column in columns {
        for channel in 0..<3 {
          var sum: Float = 0
          for (offset, weight) in column.weights.enumerated() { sum += weight * line[(column.start + offset) * 3 + channel] }
          fitted.append(UInt8(min(max(sum + 0.5, 0), 255)))
        }
      }
    }
    return RGBImage(width: target.width, height: target.height, pixels: fitted)
  }

  /// The weighted sum of some of the image's rows.
  private func weigh(_ row: ResamplingTaps, into line: inout [Float]) {
    let length = width * 3
    pixels.withUnsafeBufferPointer { pixels in
      line.withUnsafeMutableBufferPointer { line in
        for place in 0..<length { line[place] = 0 }
        for (offset, weight) in row.weights.enumerated() {
          let start = (row.start + offset) * length
          for place in 0..<length { line[place] += weight * Float(pixels[start + place]) }
        }
      }
    }
  }
}

/// The neighbouring source pixels of a target pixel along one axis, and their weights, whose sum is 1.
struct ResamplingTaps {
  let start: Int
  let weights: [Float]

  /// The taps of each of `target` pixels in the middle of `source` ones, `step` source pixels apart.
  static func axis(source: Int, target: Int, step: Double) -> [ResamplingTaps] {
    // A whole number of pixels is cut away, or an image that needn't be scaled would be blurred.
    let first = max(0, ((Double(source) - step * Double(target)) / 2).rounded(.down))
    return (0..<target).map { pixel in
      step > 1
        ? area(from: first + Double(pixel) * step, to: first + Double(pixel + 1) * step, of: source)
        : between(first + (Double(pixel) + 0.5) * step - 0.5, of: source)
    }
  }

  /// Each source pixel by the part of from…to that it covers.
  private static func area(from: Double, to: Double, of source: Int) -> ResamplingTaps {
    let start = min(Int(from), source - 1)
    let end = max(start + 1, min(Int(to.rounded(.up)), source))
    let covered = (start..<end).map { max(0, min(to, Double($0 + 1)) - max(from, Double($0))) }
    let sum = covered.reduce(0, +)
    return ResamplingTaps(start: start, weights: covered.map { Float($0 / sum) })
  }

  /// The two pixels around a place, counted between pixels' centres; beyond the border the border's pixel.
  private static func between(_ place: Double, of source: Int) -> ResamplingTaps {
    let place = min(max(place, 0), Double(source - 1))
    let start = min(Int(place), max(source - 2, 0))
    let fraction = Float(place - Double(start))
    return ResamplingTaps(start: start, weights: source > 1 ? [1 - fraction, fraction] : [1])
  }
}
