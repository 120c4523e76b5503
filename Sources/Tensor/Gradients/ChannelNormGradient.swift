import CKernels

extension Gradient {
  /// y = activation(GN(x) · weight + bias), as `FloatTensor.groupNorm(groups:weight:bias:epsilon:activation:)`.
  ///
  /// - Parameter weight, bias: [C], for x [B, H, W, C].
  package static func groupNorm(
    _ x: FloatTensor, groups: Int, weight: FloatTensor, bias: FloatTensor, epsilon: Float = 1e-6,
    activation: Activation = .identity
  ) -> Differentiated<(x: FloatTensor, weight: FloatTensor, bias: FloatTensor)> {
    let value = x.groupNorm(groups: groups, weight: weight, bias: bias, epsilon: epsilon, activation: activation)
    return Differentiated(value) { dy in
      let (images, channels) = (x.shape[0], weight.count)
      let norm = ChannelNormGradient(
        images: images, positions: x.shape[1] * x.shape[2], channels: channels, groups: groups, epsilon: epsilon,
        activation: activation)
      let (weights, biases) = (weight.values, bias.values)
      let (dx, sums) = norm.pullBack(x, dy) { _, channel in (weights[channel], biases[channel]) }
      let total = sums.columnSums(width: 2 * channels)
      return (
        dx, total.rows(0..<1, width: channels).reshaped([channels]), total.rows(1..<2, width: channels).reshaped([channels])
      )
    }
  }

  /// Adaptive instance norm, as `FloatTensor.instanceNorm(modulation:epsilon:)`: each channel normalised over the sequence, then
  /// · (1 + scale_b) + shift_b.
  ///
  /// - Parameter modulation: [B, 2D], scale then shift, for x [B, L, D]; so is its gradient.
  package static func instanceNorm(
    _ x: FloatTensor, modulation: FloatTensor, epsilon: Float = 1e-5
  ) -> Differentiated<(x: FloatTensor, modulation: FloatTensor)> {
    Differentiated(x.instanceNorm(modulation: modulation, epsilon: epsilon)) { dy in
      let width = x.shape[2]
      let norm = ChannelNormGradient(
        images: x.shape[0], positions: x.shape[1], channels: width, groups: width, epsilon: epsilon, activation: .identity)
      let factors = modulation.values
      return norm.pullBack(x, dy) { image, channel in
        (1 + factors[image * 2 * width + channel], factors[(image * 2 + 1) * width + channel])
      }
    }
  }
}

/// The pullback of a norm over groups of channels and all positions of an image, x being [images, positions, channels].
///
/// With the normalised n, u = n · scale + shift and g = dy · activation′(u): dx = (g · scale − mean(g · scale) − n · mean(g · scale · n))
/// / √(variance + ε), means over the group; dscale = Σ g n, dshift = Σ g.
private struct ChannelNormGradient {
  let images, positions, channels, groups: Int
  let epsilon: Float
  let activation: Activation

  private var chunks: Int { (positions + FloatTensor.sumGrain - 1) / FloatTensor.sumGrain }

  /// Rows of an image's coefficients, [channels] each.
  private enum Row: Int, CaseIterable { case center, deviation, offset, scale, shift, mean, productMean }

  /// - Returns: dx, and for each image Σ g n and Σ g side by side: [images, 2 · channels].
  func pullBack(
    _ x: FloatTensor, _ dy: FloatTensor, affine: (_ image: Int, _ channel: Int) -> (scale: Float, shift: Float)
  ) -> (FloatTensor, FloatTensor) {
    var coefficients = FloatTensor(zeros: [images, Row.allCases.count, channels])
    let rows = SharedPointer(coefficients.mutableBase())
    defer { keepAlive(x, dy, coefficients) }
    let sums = chunkSums { _, first, count, sum in vqd_column_sums(x.base + first, count, channels, sum, sum + channels) }
    fillStatistics(rows, from: sums, affine: affine)
    let gradientSums = chunkSums { image, first, count, sum in
      var norm = kernelNorm(rows, image)
      vqd_column_norm_sums(x.base + first, dy.base + first, count, channels, &norm, sum + channels, sum)
    }
    let total = Gradient.chunkSums(gradientSums, images: images, chunks: chunks, width: 2 * channels)
    fillMeans(rows, from: total)
    let dx = FloatTensor(uninitialized: x.shape) { dx in
      eachChunk { [dx = SharedPointer(dx)] _, image, first, count in
        var norm = kernelNorm(rows, image)
        vqd_column_norm_gradient(
          x.base + first, dy.base + first, dx + first, count, channels, &norm, row(.mean, rows, image),
          row(.productMean, rows, image))
      }
    }
    return (dx, total)
  }

  private func row(_ row: Row, _ base: SharedPointer<Float>, _ image: Int) -> UnsafeMutablePointer<Float> {
    base + (image * Row.allCases.count + row.rawValue) * channels
  }

  private func kernelNorm(_ rows: SharedPointer<Float>, _ image: Int) -> vqd_column_norm {
    vqd_column_norm(
      center: row(.center, rows, image), deviation: row(.deviation, rows, image), offset: row(.offset, rows, image),
      scale: row(.scale, rows, image), shift: row(.shift, rows, image), activation: activation.kernel)
  }

  private func eachChunk(_ body: @Sendable (_ task: Int, _ image: Int, _ first: Int, _ rows: Int) -> Void) {
    ThreadPool.shared.parallelFor(images * chunks) { task in
      let (image, chunk) = task.quotientAndRemainder(dividingBy: chunks)
      let first = (image * positions + chunk * FloatTensor.sumGrain) * channels
      body(task, image, first, min(FloatTensor.sumGrain, positions - chunk * FloatTensor.sumGrain))
    }
  }

  /// Two sums a channel of each chunk of each image: [images, chunks, 2, channels].
  private func chunkSums(
    _ body: @Sendable (_ image: Int, _ first: Int, _ rows: Int, _ sums: UnsafeMutablePointer<Double>) -> Void
  ) -> [Double] {
    var sums = [Double](repeating: 0, count: images * chunks * 2 * channels)
    sums.withUnsafeMutableBufferPointer { sums in
      guard let base = SharedPointer(sums) else { return }
      eachChunk { task, image, first, rows in body(image, first, rows, base + task * 2 * channels) }
    }
    return sums
  }

  private func members(_ group: Int) -> Range<Int> {
    group * (channels / groups)..<(group + 1) * (channels / groups)
  }

  private func fillStatistics(
    _ rows: SharedPointer<Float>, from sums: [Double],
    affine: (_ image: Int, _ channel: Int) -> (scale: Float, shift: Float)
  ) {
    sums.withUnsafeBufferPointer { sums in
      guard let base = sums.baseAddress else { return }
      for image in 0..<images {
        for group in 0..<groups {
          let members = members(group)
          let moments = Moments(
            base + image * chunks * 2 * channels, chunks: chunks, channels: channels, members: members, positions: positions)
          let (center, deviation, offset) = moments.coefficients(scale: 1, shift: 0, epsilon: epsilon)
          for channel in members {
            row(.center, rows, image)[channel] = center
            row(.deviation, rows, image)[channel] = deviation
            row(.offset, rows, image)[channel] = offset
            (row(.scale, rows, image)[channel], row(.shift, rows, image)[channel]) = affine(image, channel)
          }
        }
      }
    }
  }

  /// - Parameter sums: Σ g n and Σ g of each image.
  private func fillMeans(_ rows: SharedPointer<Float>, from sums: FloatTensor) {
    defer { keepAlive(sums) }
    for image in 0..<images {
      let (products, gradients) = (sums.base + image * 2 * channels, sums.base + (image * 2 + 1) * channels)
      for group in 0..<groups {
        let members = members(group)
        var (mean, productMean) = (0.0, 0.0)
        for channel in members {
          let scale = Double(row(.scale, rows, image)[channel])
          mean += scale * Double(gradients[channel])
          productMean += scale * Double(products[channel])
        }
        let count = Double(members.count * positions)
        for channel in members {
          row(.mean, rows, image)[channel] = Float(mean / count)
          row(.productMean, rows, image)[channel] = Float(productMean / count)
        }
      }
    }
  }
}
