import Foundation
import Tensor

/// The factors of an autoencoder's reconstruction loss, each term a mean over the images' numbers, x̂ being the decoder's image:
/// λ₁ |x̂ − x| + λ₂ (x̂ − x)² + λ_∇ |∇x̂ − ∇x|, ∇ the differences of neighbouring pixels.
public struct ReconstructionFactors: Codable, Sendable, Equatable {
  /// λ₁
  public var absolute: Double
  /// λ₂
  public var squared: Double
  /// λ_∇, which sharpens edges.
  public var difference: Double

  public init(absolute: Double = 1, squared: Double = 1, difference: Double = 0) {
    (self.absolute, self.squared, self.difference) = (absolute, squared, difference)
  }
}

/// The reconstruction loss of images and its gradient with respect to them (see `ReconstructionFactors`).
package struct ReconstructionLoss {
  package let absolute: Double
  package let squared: Double
  package let difference: Double
  package let loss: Double
  /// [B, H, W, C]
  package let gradient: FloatTensor

  /// - Parameters:
  ///   - images: x̂, [B, H, W, C].
  ///   - target: x, of the same shape.
  package init(_ images: FloatTensor, target: FloatTensor, factors: ReconstructionFactors) {
    let shape = images.shape
    let (batch, height, width, channels) = (shape[0], shape[1], shape[2], shape[3])
    let size = height * width * channels
    let count = Float(max(1, images.count))
    let scales = (Float(factors.absolute) / count, 2 * Float(factors.squared) / count, Float(factors.difference) / count)
    var sums = [SIMD3<Double>](repeating: .zero, count: batch)
    defer { keepAlive(images, target) }
    gradient = FloatTensor(uninitialized: shape) { gradient in
      sums.withUnsafeMutableBufferPointer { sums in
        guard let sums = SharedPointer(sums) else { return }
        ThreadPool.shared.parallelFor(batch) { [gradient = SharedPointer(gradient)] index in
          let start = index * size
          var image = Image(x: images.base + start, y: target.base + start, gradient: gradient + start)
          defer { sums.pointer[index] = image.sums }
          image.addPointwise(count: size, absolute: scales.0, squared: scales.1)
          guard scales.2 > 0 else { return }
          // Rows' neighbours lie a row apart, columns' a pixel; the last column has none to its right.
          image.addDifferences(from: 0..<size - width * channels, apart: width * channels, scale: scales.2)
          for row in 0..<height {
            let start = row * width * channels
            image.addDifferences(from: start..<start + (width - 1) * channels, apart: channels, scale: scales.2)
          }
        }
      }
    }
    let total = sums.reduce(.zero, +) / Double(max(1, images.count))
    (absolute, squared, difference) = (total[0], total[1], total[2])
    loss = factors.absolute * absolute + factors.squared * squared + factors.difference * difference
  }

  /// 10 log₁₀(4 / mean squared error), in dB: of images in −1…1.
  package var peakSignalToNoise: Double { Self.peakSignalToNoise(squared) }

  package static func peakSignalToNoise(_ meanSquare: Double) -> Double { 10 * log10(4 / max(meanSquare, 1e-12)) }

  private struct Image {
    let x, y: UnsafePointer<Float>
    let gradient: UnsafeMutablePointer<Float>
    /// Σ|x − y|, Σ(x − y)², Σ|∇x − ∇y|
    var sums = SIMD3<Double>.zero

    mutating func addPointwise(count: Int, absolute: Float, squared: Float) {
      var (first, second) = (0.0, 0.0)
      for i in 0..<count {
        let d = x[i] - y[i]
        first += Double(abs(d))
        second += Double(d * d)
        gradient[i] = squared * d + (d > 0 ? absolute : d < 0 ? -absolute : 0)
      }
      sums += SIMD3(first, second, 0)
    }

    mutating func addDifferences(from range: Range<Int>, apart: Int, scale: Float) {
      var total = 0.0
      for i in range {
        let d = (x[i + apart] - x[i]) - (y[i + apart] - y[i])
        total += Double(abs(d))
        let g = d > 0 ? scale : d < 0 ? -scale : 0
        gradient[i + apart] += g
        gradient[i] -= g
      }
      sums[2] += total
    }
  }
}
