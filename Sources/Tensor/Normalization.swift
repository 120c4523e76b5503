import CKernels

extension FloatTensor {
  /// y = (x − mean) / √(variance + ε) · weight + bias over the last dimension D; biased variance.
  ///
  /// - Parameter weight, bias: [D].
  public func layerNorm(weight: FloatTensor, bias: FloatTensor, epsilon: Float = 1e-5) -> FloatTensor {
    let width = shape[shape.count - 1]
    precondition(weight.shape == [width] && bias.shape == [width], "norm of width \(weight.shape[0]) for \(shape)")
    defer { keepAlive(self, weight, bias) }
    return FloatTensor(uninitialized: shape) { y in
      parallelForChunks(of: count / width, grain: Self.normGrain) { [y = SharedPointer(y)] rows in
        vqd_layer_norm(
          base + rows.lowerBound * width, y + rows.lowerBound * width, rows.count, width, epsilon, weight.base, bias.base, 0)
      }
    }
  }

  /// Adaptive layer norm: y = LN(x) · (1 + scale_b) + shift_b, LN without affine.
  ///
  /// - Parameter modulation: [B, 2D], scale then shift, for x [B, L, D].
  public func layerNorm(modulation: FloatTensor, epsilon: Float = 1e-5) -> FloatTensor {
    let (batch, length, width) = modulatedShape(modulation)
    defer { keepAlive(self, modulation) }
    return FloatTensor(uninitialized: shape) { y in
      let chunks = (length + Self.normGrain - 1) / Self.normGrain
      ThreadPool.shared.parallelFor(batch * chunks) { [y = SharedPointer(y)] task in
        let (image, chunk) = task.quotientAndRemainder(dividingBy: chunks)
        let first = image * length + chunk * Self.normGrain
        let rows = min(Self.normGrain, length - chunk * Self.normGrain)
        let scale = modulation.base + image * 2 * width
        vqd_layer_norm(base + first * width, y + first * width, rows, width, epsilon, scale, scale + width, 1)
      }
    }
  }

  /// Adaptive instance norm: each channel is normalised over the sequence, then · (1 + scale_b) + shift_b.
  ///
  /// - Parameter modulation: [B, 2D], scale then shift, for x [B, L, D].
  public func instanceNorm(modulation: FloatTensor, epsilon: Float = 1e-5) -> FloatTensor {
    let (_, length, width) = modulatedShape(modulation)
    defer { keepAlive(modulation) }
    return channelNorm(positions: length, channels: width, groups: width, epsilon: epsilon, activation: .identity) {
      image, channel in
      let row = modulation.base + image * 2 * width
      return (1 + row[channel], row[width + channel])
    }
  }

  /// y = activation(GN(x) · weight + bias): channels in consecutive groups, each normalised over its channels and all pixels.
  ///
  /// - Parameter weight, bias: [C], for x [B, H, W, C].
  public func groupNorm(
    groups: Int, weight: FloatTensor, bias: FloatTensor, epsilon: Float = 1e-6, activation: Activation = .identity
  ) -> FloatTensor {
    precondition(
      shape.count == 4 && shape[3] == weight.count && shape[3].isMultiple(of: groups) && bias.count == weight.count,
      "group norm of \(weight.count) channels in \(groups) groups for \(shape)")
    defer { keepAlive(weight, bias) }
    return channelNorm(
      positions: shape[1] * shape[2], channels: shape[3], groups: groups, epsilon: epsilon, activation: activation
    ) { _, channel in (weight.base[channel], bias.base[channel]) }
  }

  /// Rows of one task. Fixed, so that sums are cut at the same places whatever the batch and the threads.
  static let normGrain = 32
  static let sumGrain = 512

  func modulatedShape(_ modulation: FloatTensor) -> (batch: Int, length: Int, width: Int) {
    precondition(
      shape.count == 3 && modulation.shape == [shape[0], 2 * shape[2]], "modulation \(modulation.shape) for \(shape)")
    return (shape[0], shape[1], shape[2])
  }

  /// Normalises [B, positions, channels] per image and group of channels, then applies the channel's own scale and shift.
  private func channelNorm(
    positions: Int, channels: Int, groups: Int, epsilon: Float, activation: Activation,
    affine: (_ image: Int, _ channel: Int) -> (scale: Float, shift: Float)
  ) -> FloatTensor {
    let images = shape[0]
    let chunks = (positions + Self.sumGrain - 1) / Self.sumGrain
    var sums = [Double](repeating: 0, count: images * chunks * 2 * channels)
    // Each image's center, scale and shift of the channels.
    var coefficients = FloatTensor(zeros: [images, 3, channels])
    let factors = SharedPointer(coefficients.mutableBase())
    defer { keepAlive(self, coefficients) }

    func eachChunk(_ body: @Sendable (_ task: Int, _ image: Int, _ first: Int, _ rows: Int) -> Void) {
      ThreadPool.shared.parallelFor(images * chunks) { task in
        let (image, chunk) = task.quotientAndRemainder(dividingBy: chunks)
        let rows = min(Self.sumGrain, positions - chunk * Self.sumGrain)
        body(task, image, (image * positions + chunk * Self.sumGrain) * channels, rows)
      }
    }

    sums.withUnsafeMutableBufferPointer { sums in
      guard let partial = SharedPointer(sums) else { return }
      eachChunk { task, _, first, rows in
        let sum = partial + task * 2 * channels
        vqd_column_sums(base + first, rows, channels, sum, sum + channels)
      }
      for image in 0..<images {
        let partialSums = UnsafePointer(partial + image * chunks * 2 * channels)
        let target = factors + image * 3 * channels
        for group in 0..<groups {
          let members = group * (channels / groups)..<(group + 1) * (channels / groups)
          let moments = Moments(partialSums, chunks: chunks, channels: channels, members: members, positions: positions)
          for channel in members {
            let (scale, shift) = affine(image, channel)
            (target[channel], target[channels + channel], target[2 * channels + channel]) = moments.coefficients(
              scale: scale, shift: shift, epsilon: epsilon)
          }
        }
      }
    }
    return FloatTensor(uninitialized: shape) { y in
      eachChunk { [y = SharedPointer(y)] _, image, first, rows in
        let center = factors + image * 3 * channels
        vqd_column_affine(
          base + first, y + first, rows, channels, center, center + channels, center + 2 * channels, activation.kernel)
      }
    }
  }
}

/// Mean and variance of the members of a group, from the sums of chunks of positions.
struct Moments {
  let mean: Double
  let variance: Double

  /// - Parameter sums: for each chunk the sums of all channels, then the sums of their squares.
  init(_ sums: UnsafePointer<Double>, chunks: Int, channels: Int, members: Range<Int>, positions: Int) {
    var (sum, squares) = (0.0, 0.0)
    for chunk in 0..<chunks {
      for member in members {
        sum += sums[chunk * 2 * channels + member]
        squares += sums[(chunk * 2 + 1) * channels + member]
      }
    }
    let count = Double(members.count * positions)
    mean = sum / count
    variance = max(squares / count - mean * mean, 0)
  }

  /// (x − mean) / √(variance + ε) · scale + shift as (x − center) · factor + offset. Subtracting first keeps the digits where
  /// the mean is large; what rounding the center loses goes into the offset.
  func coefficients(scale: Float, shift: Float, epsilon: Float) -> (center: Float, factor: Float, offset: Float) {
    let center = Float(mean)
    let factor = Double(scale) / (variance + Double(epsilon)).squareRoot()
    return (center, Float(factor), Float(Double(shift) + (Double(center) - mean) * factor))
  }
}
