import Tensor

/// One kernel on input of one shape, made with random numbers.
package struct Kernel {
  /// What bounds a kernel, and so what its rate is compared with.
  package enum Amount: Sendable {
    /// Multiply-adds of the plain algorithm.
    case multiplyAdds(Int)
    /// Bytes of input and output, each counted once.
    case bytes(Int)
  }

  package let name: String
  package let shape: String
  /// Which of several ways computes it; empty where there is one.
  package let way: String
  package let amount: Amount
  /// Makes weights and input, and returns the work.
  package let prepare: () -> () -> Void

  /// Rows [rows, inner] times weights [columns, inner].
  package static func product(
    _ rows: Int, _ inner: Int, _ columns: Int, products: ComputeOptions.Products, images: Int = 1
  ) -> Kernel {
    Kernel(
      name: "product", shape: "\(rows)×\(inner) · \(inner)×\(columns)", way: products.rawValue,
      amount: .multiplyAdds(rows * inner * columns)
    ) {
      let x = random([images, rows / images, inner])
      let layer = Linear(weight: random([columns, inner]), bias: nil, options: ComputeOptions(products: products))
      return { _ = layer(x) }
    }
  }

  /// A 3×3 convolution of stride 1 over square images.
  package static func convolution(
    images: Int, size: Int, inputs: Int, outputs: Int, options: ComputeOptions
  ) -> Kernel {
    let algorithm = options.convolution?.rawValue ?? "by shape"
    return Kernel(
      name: "convolution", shape: "\(images)×\(size)×\(size), \(inputs) → \(outputs)",
      way: "\(algorithm), \(options.products.rawValue)",
      amount: .multiplyAdds(images * size * size * 9 * inputs * outputs)
    ) {
      let x = random([images, size, size, inputs])
      let layer = Convolution(
        weight: random([outputs, inputs, 3, 3]), bias: random([outputs]), kind: .same, options: options)
      return { _ = layer(x) }
    }
  }

  package static func attention(images: Int, tokens: Int, width: Int, heads: Int) -> Kernel {
    Kernel(
      name: "attention", shape: "\(images)×\(tokens)×\(width), \(heads) heads", way: "",
      amount: .multiplyAdds(images * 2 * tokens * tokens * width)
    ) {
      let x = random([images, tokens, 3 * width])
      return { _ = x.selfAttention(heads: heads) }
    }
  }

  package static func softmax(rows: Int, columns: Int) -> Kernel {
    elementwise("softmax", [rows, columns]) { x in { _ = x.softmax() } }
  }

  package static func layerNorm(images: Int, tokens: Int, width: Int) -> Kernel {
    elementwise("layer norm", [images, tokens, width]) { x in
      let modulation = random([images, 2 * width])
      return { _ = x.layerNorm(modulation: modulation) }
    }
  }

  package static func groupNorm(images: Int, size: Int, channels: Int) -> Kernel {
    elementwise("group norm and SiLU", [images, size, size, channels]) { x in
      let (weight, bias) = (random([channels]), random([channels]))
      return { _ = x.groupNorm(groups: 32, weight: weight, bias: bias, activation: .silu) }
    }
  }

  /// What reads and writes each element once; the copy that memory's peak is measured by.
  package static func copy(count: Int) -> Kernel {
    Kernel(name: "copy", shape: "\(count)", way: "", amount: .bytes(2 * 4 * count)) {
      let source = random([count])
      // Made and touched ahead: fresh pages fault, and that isn't what is measured.
      var target = FloatTensor(zeros: [count])
      let grain = 1 << 16
      return {
        let to = SharedPointer(target.mutableBase())
        ThreadPool.shared.parallelFor((count + grain - 1) / grain) { chunk in
          let first = chunk * grain
          (to + first).update(from: source.base + first, count: min(grain, count - first))
        }
        keepAlive(source, target)
      }
    }
  }

  private static func elementwise(
    _ name: String, _ shape: [Int], _ work: @escaping (FloatTensor) -> () -> Void
  ) -> Kernel {
    Kernel(
      name: name, shape: shape.map { "\($0)" }.joined(separator: "×"), way: "", amount: .bytes(2 * 4 * shape.reduce(1, *))
    ) { work(random(shape)) }
  }

  /// Uniform in −1…1.
  private static func random(_ shape: [Int]) -> FloatTensor {
    let philox = Philox(seed: 1)
    return FloatTensor(uninitialized: shape) { target in
      for index in 0..<shape.reduce(1, *) {
        // A short cycle is random enough not to be special, and quick to make.
        target[index] = index < 4096 ? Float(philox.uniform(SIMD4(UInt32(index), 0, 0, 0))) * 2 - 1 : target[index & 4095]
      }
    }
  }
}

extension Kernel {
  /// The kernels of the released ImageNet model, its VQGAN and the built-in model, at the batch sizes of one image with guidance and
  /// of a full batch.
  package static func ofModels(products: [ComputeOptions.Products]) -> [Kernel] {
    var kernels: [Kernel] = []
    for rows in [2 * 256, 16 * 256] {
      for (inner, columns) in [(512, 1536), (512, 512), (512, 974)] {
        kernels += products.map { .product(rows, inner, columns, products: $0, images: rows / 256) }
      }
    }
    for rows in [2 * 64, 20 * 64] {
      for (inner, columns) in [(192, 576), (192, 768), (768, 192)] {
        kernels += products.map { .product(rows, inner, columns, products: $0, images: rows / 64) }
      }
    }
    let convolutions = [
      (2, 16, 512, 2048), (2, 16, 2048, 512), (16, 16, 512, 2048), (1, 256, 128, 128), (1, 64, 256, 256), (1, 16, 512, 512),
    ]
    for (images, size, inputs, outputs) in convolutions {
      for way in products {
        kernels += ConvolutionAlgorithm.allCases.map { algorithm in
          .convolution(
            images: images, size: size, inputs: inputs, outputs: outputs,
            options: ComputeOptions(products: way, convolution: algorithm))
        }
      }
    }
    return kernels + [
      .attention(images: 2, tokens: 256, width: 512, heads: 16), .attention(images: 20, tokens: 64, width: 192, heads: 6),
      .attention(images: 1, tokens: 256, width: 512, heads: 1), .softmax(rows: 2 * 16 * 256, columns: 256),
      .layerNorm(images: 2, tokens: 256, width: 512), .layerNorm(images: 16, tokens: 256, width: 512),
      .groupNorm(images: 1, size: 256, channels: 128), .groupNorm(images: 1, size: 16, channels: 512),
    ]
  }
}
