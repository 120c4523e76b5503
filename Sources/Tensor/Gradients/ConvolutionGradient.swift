import CKernels

extension Gradient {
  /// y = conv(x) + b, as `Convolution`.
  ///
  /// dW is dyᵀ times the patches of x (im2col, some hundred pixels at a time). dx of a 3×3 window is a convolution of stride 1
  /// again: of dy, with the window turned by 180° and inputs and outputs exchanged. For the downsampling one dy is first spread to
  /// every second pixel, zeros between.
  ///
  /// - Parameters:
  ///   - x: [B, H, W, in]; y is [B, H', W', out].
  ///   - weight: [out, in, window, window].
  ///   - bias: [out] or none, which counts as zeros.
  package static func convolution(
    _ x: FloatTensor, weight: FloatTensor, bias: FloatTensor?, kind: Convolution.Kind, options: ComputeOptions = ComputeOptions()
  ) -> Differentiated<(x: FloatTensor, weight: FloatTensor, bias: FloatTensor)> {
    guard kind != .pointwise else {
      precondition(weight.shape.count == 4 && weight.count == weight.shape[0] * weight.shape[1], "\(weight.shape) isn't 1×1")
      let layer = linear(x, weight: weight.reshaped([weight.shape[0], weight.shape[1]]), bias: bias, options: options)
      return Differentiated(layer.value) { dy in
        let gradients = layer.pullback(dy)
        return (gradients.x, gradients.weight.reshaped(weight.shape), gradients.bias)
      }
    }
    let value = Convolution(weight: weight, bias: bias, kind: kind, options: options)(x)
    return Differentiated(value) { dy in
      let spread = kind == .downsampling ? spread(dy, height: x.shape[1], width: x.shape[2]) : dy
      let dx = Convolution(weight: turned(weight), bias: nil, kind: .same, options: options)(spread)
      return (dx, weightGradient(x, dy, kind: kind, products: options.weightProducts), dy.columnSums(width: weight.shape[0]))
    }
  }

  /// y of every pixel twice in both directions, as `FloatTensor.upsampledNearest()`; dx is the sum of the four.
  package static func upsampledNearest(_ x: FloatTensor) -> Differentiated<FloatTensor> {
    Differentiated(x.upsampledNearest()) { dy in
      let (width, channels) = (x.shape[2], x.shape[3])
      let row = 2 * width * channels
      defer { keepAlive(dy) }
      return FloatTensor(uninitialized: x.shape) { dx in
        ThreadPool.shared.parallelFor(x.shape[0] * x.shape[1]) { [dx = SharedPointer(dx)] line in
          for pixel in 0..<width {
            let from = dy.base + 2 * line * row + 2 * pixel * channels
            let to = dx + (line * width + pixel) * channels
            to.update(from: from, count: channels)
            for other in [channels, row, row + channels] { vqd_add(from + other, to, channels) }
          }
        }
      }
    }
  }

  /// [out, in, 3, 3] as [in, out, 3, 3] with windows turned by 180°.
  private static func turned(_ weight: FloatTensor) -> FloatTensor {
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    defer { keepAlive(weight) }
    return FloatTensor(uninitialized: [inputs, outputs, 3, 3]) { target in
      ThreadPool.shared.parallelFor(inputs) { [target = SharedPointer(target)] input in
        let (source, target) = (weight.base, target.pointer)
        for output in 0..<outputs {
          for tap in 0..<9 {
            target[(input * outputs + output) * 9 + tap] = source[(output * inputs + input) * 9 + 8 - tap]
          }
        }
      }
    }
  }

  /// dy [B, ⌊H/2⌋, ⌊W/2⌋, C] at the odd rows and columns of [B, H, W, C], zeros elsewhere.
  ///
  /// Output o reads inputs 2o, 2o + 1 and 2o + 2: it is centred at 2o + 1.
  private static func spread(_ dy: FloatTensor, height: Int, width: Int) -> FloatTensor {
    let (images, rows, columns, channels) = (dy.shape[0], dy.shape[1], dy.shape[2], dy.shape[3])
    var result = FloatTensor(zeros: [images, height, width, channels])
    let target = SharedPointer(result.mutableBase())
    defer { keepAlive(dy, result) }
    ThreadPool.shared.parallelFor(images * rows) { line in
      let (image, row) = line.quotientAndRemainder(dividingBy: rows)
      let to = target + (image * height + 2 * row + 1) * width * channels
      for column in 0..<columns {
        (to + (2 * column + 1) * channels).update(from: dy.base + (line * columns + column) * channels, count: channels)
      }
    }
    return result
  }

  /// dyᵀ · patches(x), [out, in, 3, 3].
  private static func weightGradient(
    _ x: FloatTensor, _ dy: FloatTensor, kind: Convolution.Kind, products: ComputeOptions.Products
  ) -> FloatTensor {
    let (inputs, outputs) = (x.shape[3], dy.shape[3])
    let pixels = dy.count / max(outputs, 1)
    let stride = kind == .downsampling ? 2 : 1
    let patches = Patches(
      inputHeight: x.shape[1], inputWidth: x.shape[2], channels: inputs, outputHeight: dy.shape[1], outputWidth: dy.shape[2],
      stride: stride, offset: stride == 2 ? 0 : -1, order: .channelsInside)
    let sums = FloatTensor(uninitialized: [outputs, 9 * inputs]) { sums in
      GradientProduct(inner: pixels, rows: outputs, columns: 9 * inputs, products: products)
        .multiply(dy, .gathered { range, target in patches.gather(range, of: x.base, into: target) }, into: sums)
    }
    defer { keepAlive(x, dy, sums) }
    return FloatTensor(uninitialized: [outputs, inputs, 3, 3]) { gradient in
      ThreadPool.shared.parallelFor(outputs) { [gradient = SharedPointer(gradient)] output in
        let (target, gradient) = (sums.base, gradient.pointer)
        for input in 0..<inputs {
          for tap in 0..<9 {
            gradient[(output * inputs + input) * 9 + tap] = target[(output * 9 + tap) * inputs + input]
          }
        }
      }
    }
  }
}
