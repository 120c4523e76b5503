extension Reference {
  /// (x − mean) / √(variance + ε) · weight + bias over the last dimension.
  package static func layerNorm(
    _ x: FloatTensor, weight: FloatTensor, bias: FloatTensor, epsilon: Double = 1e-5
  ) -> FloatTensor {
    mapRows(x) { row, _ in
      let (mean, inverseDeviation) = moments(row, epsilon: epsilon)
      return row.indices.map { (row[$0] - mean) * inverseDeviation * Double(weight[$0]) + Double(bias[$0]) }
    }
  }

  /// LN(x) · (1 + scale_b) + shift_b for x [B, L, D], modulation [B, 2D]: scale, then shift.
  package static func layerNorm(_ x: FloatTensor, modulation: FloatTensor, epsilon: Double = 1e-5) -> FloatTensor {
    let (length, width) = (x.shape[1], x.shape[2])
    return mapRows(x) { row, number in
      let (mean, inverseDeviation) = moments(row, epsilon: epsilon)
      let image = number / length
      return row.indices.map { channel in
        let normalised = (row[channel] - mean) * inverseDeviation
        return normalised * (1 + Double(modulation[image, channel])) + Double(modulation[image, width + channel])
      }
    }
  }

  /// Each channel of x [B, L, D] normalised over its sequence, then · (1 + scale_b) + shift_b.
  package static func instanceNorm(_ x: FloatTensor, modulation: FloatTensor, epsilon: Double = 1e-5) -> FloatTensor {
    let (batch, length, width) = (x.shape[0], x.shape[1], x.shape[2])
    let statistics = (0..<batch * width).map { imageAndChannel in
      let (image, channel) = imageAndChannel.quotientAndRemainder(dividingBy: width)
      return moments((0..<length).map { Double(x[image, $0, channel]) }, epsilon: epsilon)
    }
    return tensor(x.shape) { index in
      let (image, channel) = (index[0], index[2])
      let (mean, inverseDeviation) = statistics[image * width + channel]
      let normalised = (Double(x[image, index[1], channel]) - mean) * inverseDeviation
      return normalised * (1 + Double(modulation[image, channel])) + Double(modulation[image, width + channel])
    }
  }

  /// activation(GN(x) · weight + bias) for x [B, H, W, C], `groups` groups of consecutive channels.
  package static func groupNorm(
    _ x: FloatTensor, groups: Int, weight: FloatTensor, bias: FloatTensor, epsilon: Double = 1e-6,
    activation function: Activation = .identity
  ) -> FloatTensor {
    let (batch, height, width, channels) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
    let members = channels / groups
    let statistics = (0..<batch * groups).map { imageAndGroup in
      let (image, group) = imageAndGroup.quotientAndRemainder(dividingBy: groups)
      var values: [Double] = []
      for row in 0..<height {
        for column in 0..<width {
          for channel in group * members..<(group + 1) * members { values.append(Double(x[image, row, column, channel])) }
        }
      }
      return moments(values, epsilon: epsilon)
    }
    return tensor(x.shape) { index in
      let (image, channel) = (index[0], index[3])
      let (mean, inverseDeviation) = statistics[image * groups + channel / members]
      let normalised = (Double(x[image, index[1], index[2], channel]) - mean) * inverseDeviation
      return activation(normalised * Double(weight[channel]) + Double(bias[channel]), function)
    }
  }
}
