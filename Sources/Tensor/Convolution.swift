/// A two-dimensional convolution over images laid out [batch, height, width, channels].
///
/// 3×3 windows of stride 1 go through Winograd's algorithm where it is faster; otherwise patches are gathered row panel by row panel
/// (im2col) and multiplied with the weights by GEMM.
public struct Convolution: Sendable {
  /// The window and its padding.
  public enum Kind: Sendable {
    /// 1×1.
    case pointwise
    /// 3×3, stride 1, one pixel of zeros on each side: the size stays.
    case same
    /// 3×3, stride 2, one row of zeros at the bottom and one column on the right (the VQGAN encoder's): n becomes ⌊n/2⌋.
    case downsampling

    /// Height and width of the window.
    public var window: Int { self == .pointwise ? 1 : 3 }
  }

  /// The order of a patch's values.
  enum PatchOrder: Sendable {
    /// [window · window, in], as pixels lie in memory.
    case channelsInside
    /// [in, window · window], as checkpoints hold weights, which so needn't be re-laid.
    case tapsInside
  }

  /// How it is computed.
  private enum Implementation: Sendable {
    /// The weights as rows of patches, in the order of `patch`.
    case im2col(Linear, patch: PatchOrder)
    case winograd(WinogradConvolution)
  }

  public let kind: Kind
  public let inputChannels: Int
  public let outputChannels: Int
  private let implementation: Implementation

  /// - Parameters:
  ///   - weight: [out, in, window, window], as checkpoints hold it.
  ///   - options: what the weights are laid out for.
  public init(weight: FloatTensor, bias: FloatTensor?, kind: Kind, options: ComputeOptions = ComputeOptions()) {
    self.init(weights: .floats(weight), bias: bias, kind: kind, options: options)
  }

  /// The same for weights [out, in, window, window] as a file holds them.
  package init(weights: LayerWeights, bias: FloatTensor?, kind: Kind, options: ComputeOptions) {
    let (window, shape) = (kind.window, weights.shape)
    precondition(
      shape.count == 4 && shape[2] == window && shape[3] == window,
      "a \(kind) convolution's weight is [out, in, \(window), \(window)], not \(shape)")
    self.kind = kind
    (outputChannels, inputChannels) = (shape[0], shape[1])
    let inPlace = { weights.reshaped([shape[0], shape[1] * window * window]) }
    guard case .floats(let weight) = weights, options.memory == .fast else {
      implementation = .im2col(Linear(weights: inPlace(), bias: bias, options: options), patch: .tapsInside)
      return
    }
    switch Self.algorithm(kind, inputs: inputChannels, outputs: outputChannels, options) {
    case .im2col:
      implementation = .im2col(
        Linear(weight: Self.channelsInside(weight), bias: bias, options: options), patch: .channelsInside)
    case .winograd2:
      implementation = .winograd(WinogradConvolution(weight: weight, bias: bias, tileSize: 2, options: options))
    case .winograd4:
      implementation = .winograd(WinogradConvolution(weight: weight, bias: bias, tileSize: 4, options: options))
    }
  }

  /// By the layer's shape alone, as measured (docs/performance.md).
  private static func algorithm(_ kind: Kind, inputs: Int, outputs: Int, _ options: ComputeOptions) -> ConvolutionAlgorithm {
    guard kind == .same, WinogradConvolution.canTake(inputs: inputs, products: options.weightProducts) else { return .im2col }
    if let forced = options.convolution { return forced }
    return min(inputs, outputs) >= 32 ? .winograd4 : .im2col
  }

  /// [out, in, window, window] as [out, window · window · in].
  private static func channelsInside(_ weight: FloatTensor) -> FloatTensor {
    let (outputs, inputs, taps) = (weight.shape[0], weight.shape[1], weight.shape[2] * weight.shape[3])
    guard taps > 1 else { return weight.reshaped([outputs, inputs]) }
    defer { keepAlive(weight) }
    return FloatTensor(uninitialized: [outputs, taps * inputs]) { target in
      ThreadPool.shared.parallelFor(outputs) { [target = SharedPointer(target)] output in
        let (source, target) = (weight.base, target.pointer)
        for tap in 0..<taps {
          for input in 0..<inputs {
            target[(output * taps + tap) * inputs + input] = source[(output * inputs + input) * taps + tap]
          }
        }
      }
    }
  }

  /// The size of the result for an image of the given size.
  public func outputSize(height: Int, width: Int) -> (height: Int, width: Int) {
    kind == .downsampling ? (height / 2, width / 2) : (height, width)
  }

  /// activation(conv(x) + b) for x [B, H, W, in]; the result is [B, H', W', out].
  public func callAsFunction(_ x: FloatTensor, activation: Activation = .identity) -> FloatTensor {
    let shape = outputShape(for: x)
    return FloatTensor(uninitialized: shape) { y in
      multiply(x, outputShape: shape, into: y, activation: activation, accumulates: false)
    }
  }

  /// y += conv(x) + b for x [B, H, W, in], y [B, H', W', out].
  public func add(_ x: FloatTensor, to y: inout FloatTensor) {
    let shape = outputShape(for: x)
    precondition(y.shape == shape, "sum \(y.shape), expected \(shape)")
    multiply(x, outputShape: shape, into: y.mutableBase(), activation: .identity, accumulates: true)
  }

  private func outputShape(for x: FloatTensor) -> [Int] {
    precondition(x.shape.count == 4 && x.shape[3] == inputChannels, "image \(x.shape) for \(inputChannels) channels")
    let size = outputSize(height: x.shape[1], width: x.shape[2])
    return [x.shape[0], size.height, size.width, outputChannels]
  }

  private func multiply(
    _ x: FloatTensor, outputShape: [Int], into y: UnsafeMutablePointer<Float>, activation: Activation, accumulates: Bool
  ) {
    let (linear, order): (Linear, PatchOrder)
    switch implementation {
    case .winograd(let winograd): return winograd(x, into: y, activation: activation, accumulates: accumulates)
    case .im2col(let weights, let patch): (linear, order) = (weights, patch)
    }
    defer { keepAlive(x) }
    let rows: PanelGEMM.Rows
    if kind == .pointwise {
      rows = .memory(x)
    } else {
      let patches = Patches(
        inputHeight: x.shape[1], inputWidth: x.shape[2], channels: inputChannels, outputHeight: outputShape[1],
        outputWidth: outputShape[2], stride: kind == .downsampling ? 2 : 1, offset: kind == .downsampling ? 0 : -1, order: order)
      rows = .gathered { range, target in patches.gather(range, of: x.base, into: target) }
    }
    linear.multiply(rows, shape: outputShape, into: y, activation: activation, accumulates: accumulates)
  }
}

/// im2col for a 3×3 window: the patch of an output pixel is its nine input pixels, zeros outside.
struct Patches {
  let inputHeight, inputWidth, channels, outputHeight, outputWidth: Int
  let stride: Int
  /// Of the window's first row and column against stride · (output row and column).
  let offset: Int
  let order: Convolution.PatchOrder

  /// Writes the patches [range, 9 · channels] of output pixels numbered through images and rows.
  func gather(_ range: Range<Int>, of source: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>) {
    var to = target
    let channelsInside = Storage(count: 9 * channels)
    defer { withExtendedLifetime(channelsInside) {} }
    for pixel in range {
      let (image, place) = pixel.quotientAndRemainder(dividingBy: outputHeight * outputWidth)
      let top = place / outputWidth * stride + offset
      let left = place % outputWidth * stride + offset
      let from = source + image * inputHeight * inputWidth * channels
      let patch = order == .channelsInside ? to : channelsInside.base
      for y in top..<top + 3 {
        gatherRow(y, left: left, of: from, into: patch + (y - top) * 3 * channels)
      }
      if order == .tapsInside {
        for tap in 0..<9 {
          for channel in 0..<channels { to[channel * 9 + tap] = patch[tap * channels + channel] }
        }
      }
      to += 9 * channels
    }
  }

  private func gatherRow(_ y: Int, left: Int, of image: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>) {
    guard y >= 0 && y < inputHeight else { return target.update(repeating: 0, count: 3 * channels) }
    let row = image + y * inputWidth * channels
    let inside = max(left, 0)..<max(min(left + 3, inputWidth), max(left, 0))
    let before = (inside.lowerBound - left) * channels
    let within = inside.count * channels
    target.update(repeating: 0, count: before)
    (target + before).update(from: row + inside.lowerBound * channels, count: within)
    (target + before + within).update(repeating: 0, count: 3 * channels - before - within)
  }
}
