import Images
import Tensor
import VQVAE

/// Images of one size as [B, H, W, 3] in 0…1.
///
/// - Throws: `VQVAEError.wrongImageSize` if the sizes differ.
func tensor(_ images: [RGBImage]) throws(VQVAEError) -> FloatTensor {
  let (height, width) = (images.first?.height ?? 0, images.first?.width ?? 0)
  for image in images where image.height != height || image.width != width {
    throw .wrongImageSize(expected: "\(width)×\(height) as the first image", found: "\(image.width)×\(image.height)")
  }
  let values = images.flatMap { $0.pixels.map { Float($0) / 255 } }
  return FloatTensor(values, shape: [images.count, height, width, 3])
}

/// [B, H, W, 3] in 0…1 as images, each value rounded to the nearest of 256 steps.
package func rgbImages(_ tensor: FloatTensor) -> [RGBImage] {
  let (count, height, width) = (tensor.shape[0], tensor.shape[1], tensor.shape[2])
  let size = height * width * 3
  return tensor.withUnsafeBufferPointer { values in
    (0..<count).map { image in
      let pixels = values[image * size..<(image + 1) * size].map { UInt8(min(max($0 * 255 + 0.5, 0), 255)) }
      return RGBImage(width: width, height: height, pixels: pixels)
    }
  }
}
