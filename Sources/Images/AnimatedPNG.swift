import Foundation

/// An animation as an APNG file (PNG Specification, Third Edition, section 11.3.4), which browsers play.
///
/// The file is an ordinary PNG file of the still picture, which is no part of the animation (no fcTL stands before IDAT):
/// programs without APNG show it, and keep to it as the thumbnail; programs with APNG show the frames alone.
public struct AnimatedPNG: Sendable, Equatable {
  public struct Frame: Sendable, Equatable {
    public let image: RGBImage
    /// How long the frame is shown. Browsers take 10 ms and less for 100.
    public let milliseconds: UInt16

    public init(_ image: RGBImage, milliseconds: UInt16) { (self.image, self.milliseconds) = (image, milliseconds) }
  }

  public let frames: [Frame]
  /// What programs show that don't play.
  public let still: RGBImage
  /// How often the frames are played; 0 for without end.
  public let plays: UInt16

  /// - Parameters:
  ///   - frames: at least one, all of one size.
  ///   - still: of the same size; the last frame where it isn't given.
  public init(_ frames: [Frame], still: RGBImage? = nil, plays: UInt16 = 0) {
    guard let last = frames.last else { preconditionFailure("an animation without frames") }
    let still = still ?? last.image
    precondition(frames.allSatisfy { $0.image.size == still.size }, "an animation whose frames differ in size")
    (self.frames, self.still, self.plays) = (frames, still, plays)
  }

  /// Images shown equally long but for the last, the result, which stays longer.
  ///
  /// - Parameter images: at least one, all of one size.
  public init(_ images: [RGBImage], milliseconds: UInt16, last: UInt16, plays: UInt16 = 0) {
    self.init(
      images.enumerated().map { Frame($1, milliseconds: $0 == images.count - 1 ? last : milliseconds) }, plays: plays)
  }

  /// The file's bytes, `text` ahead of the pixels as in an ordinary PNG file. Equal animations and texts give equal bytes.
  ///
  /// - Parameter file: What messages call the bytes.
  /// - Throws: `ImageError.invalidText`; `.tooLarge` for frames above 2 GiB.
  public func pngBytes(text: [PNGText] = [], file: String = "in memory") throws(ImageError) -> [UInt8] {
    var bytes = PNGContainer.signature
    var hasPixels = false
    for chunk in try PNGContainer(still.pngBytes(text: text, file: file), file: file).chunks {
      if chunk.type == "IDAT", !hasPixels {
        hasPixels = true
        bytes += PNGContainer.encode(
          type: "acTL", body: PNGContainer.bigEndian(UInt32(frames.count)) + PNGContainer.bigEndian(UInt32(plays)))
      }
      if chunk.type == "IEND" { bytes += try frameChunks(file: file) }
      bytes += PNGContainer.encode(type: chunk.type, body: Array(chunk.body))
    }
    return bytes
  }

  /// Writes the file, in place of one that is already there; see `RGBImage.write`.
  ///
  /// - Throws: `ImageError.unwritable`, `.invalidText`, `.tooLarge`.
  public func write(to url: URL, text: [PNGText] = [], creatingFolders: Bool = false) throws(ImageError) {
    try replaceImageFile(at: url, with: pngBytes(text: text, file: url.path), creatingFolders: creatingFolders)
  }

  /// fcTL and fdAT of each frame. One sequence numbers both kinds, from 0.
  private func frameChunks(file: String) throws(ImageError) -> [UInt8] {
    var bytes: [UInt8] = []
    var sequence: UInt32 = 0
    func append(_ type: String, _ body: [UInt8]) {
      bytes += PNGContainer.encode(type: type, body: PNGContainer.bigEndian(sequence) + body)
      sequence += 1
    }
    for frame in frames {
      append("fcTL", Self.control(of: frame))
      // libpng writes all images of a size and format with the same header, so the frames' pixels fit the still picture's.
      for chunk in try PNGContainer(frame.image.pngBytes(file: file), file: file).chunks where chunk.type == "IDAT" {
        append("fdAT", Array(chunk.body))
      }
    }
    return bytes
  }

  /// Width, height, left, top, delay (a fraction of a second), disposal (none), blending (none); the sequence number stands before.
  private static func control(of frame: Frame) -> [UInt8] {
    [frame.image.width, frame.image.height, 0, 0].flatMap { PNGContainer.bigEndian(UInt32($0)) }
      + PNGContainer.bigEndian(frame.milliseconds) + PNGContainer.bigEndian(UInt16(1000)) + [0, 0]
  }
}
