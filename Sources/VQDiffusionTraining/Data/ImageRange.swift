import Images
import Tensor
import VQDiffusion

// Networks in training see images in −1…1, codecs take and give them in 0…1.
extension FloatTensor {
  /// Images in −1…1 as images in 0…1.
  var unitRange: FloatTensor { FloatTensor(values.map { ($0 + 1) / 2 }, shape: shape) }

  /// Images [B, H, W, C] mirrored left to right.
  var mirrored: FloatTensor {
    let (rows, columns, channels) = (shape[0] * shape[1], shape[2], shape[3])
    return withUnsafeBufferPointer { pixels in
      FloatTensor(uninitialized: shape) { target in
        for row in 0..<rows {
          for column in 0..<columns {
            let (from, to) = ((row * columns + column) * channels, (row * columns + columns - 1 - column) * channels)
            for channel in 0..<channels { target[to + channel] = pixels[from + channel] }
          }
        }
      }
    }
  }

  /// Images in 0…1 as images in −1…1.
  var signedRange: FloatTensor { FloatTensor(values.map { $0 * 2 - 1 }, shape: shape) }
}

/// Pictures of images [B, H, W, 3] in −1…1.
func rgbImages(_ images: FloatTensor) -> [RGBImage] { VQDiffusion.rgbImages(images.unitRange) }
