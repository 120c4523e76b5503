import Tensor

/// Pooled VQ encoder features: of each channel of the map that the encoder's last convolution reads, mean and standard deviation
/// over the positions.
///
/// The mean tells what is in an image, the standard deviation how it varies over the image. Maps of more than 128 channels are
/// averaged over runs of channels first, so that D stays at 256 or below and some hundred images give a covariance of full rank.
package enum EncoderFeatures {
  /// The most channels that are pooled as they are.
  static let largestWidth = 128

  /// Channels in a run of a map of `channels`.
  static func run(channels: Int) -> Int { (channels + largestWidth - 1) / largestWidth }

  /// D, for a map of `channels`.
  package static func dimension(channels: Int) -> Int {
    let run = run(channels: channels)
    return 2 * ((channels + run - 1) / run)
  }

  /// The features of maps [B, h, w, C]: [B, D], all means, then all standard deviations (over h·w positions, not one less).
  package static func pooled(_ maps: FloatTensor) -> [Double] {
    let (count, positions, channels) = (maps.shape[0], maps.shape[1] * maps.shape[2], maps.shape[3])
    let run = run(channels: channels)
    let width = dimension(channels: channels) / 2
    var features: [Double] = []
    features.reserveCapacity(count * 2 * width)
    maps.withUnsafeBufferPointer { values in
      for image in 0..<count {
        var (sums, squares) = ([Double](repeating: 0, count: width), [Double](repeating: 0, count: width))
        for position in image * positions..<(image + 1) * positions {
          for group in 0..<width {
            let channelsOfRun = group * run..<min((group + 1) * run, channels)
            let value =
              channelsOfRun.reduce(0.0) { $0 + Double(values[position * channels + $1]) } / Double(channelsOfRun.count)
            sums[group] += value
            squares[group] += value * value
          }
        }
        let means = sums.map { $0 / Double(positions) }
        features += means
        features += zip(squares, means).map { max(0, $0 / Double(positions) - $1 * $1).squareRoot() }
      }
    }
    return features
  }
}
