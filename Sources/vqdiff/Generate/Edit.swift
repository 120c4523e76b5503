import VQDiffusion

/// What the images of a request are made from, and what becomes of them once they are decoded. As it stands: noise, nothing.
struct Edit {
  var start = GenerationStart.noise
  /// Puts the images into a picture; nil where they stay as the decoder makes them.
  var repainting: Repainting?
  /// What the images' metadata say of it.
  var record: ImageRecord.Edit?
  /// What the user should know before it begins.
  var notes: [String] = []

  func finish(_ image: RGBImage) -> RGBImage { repainting?.composited(image) ?? image }

  func finish(_ images: [GeneratedImage]) -> [GeneratedImage] {
    images.map { image in
      var image = image
      image.image = finish(image.image)
      return image
    }
  }
}
