import ArgumentParser
import Foundation
import VQDiffusion

struct Inpaint: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make a part of a picture anew, or continue it beyond its border.",
    discussion: """
      White pixels of the mask are repainted. Tokens are sampled whole: one is made anew if any of its pixels is repainted (4×4 \
      pixels in the built-in model), the others never change. Known pixels come back bit for bit. Picture and mask must be as \
      large as the model's images; nothing is resized. With --offset, the picture is moved and what it uncovers is made. \
      Image i of a request draws from seed + i. Existing files are replaced.
      """)

  @Option(name: .shortAndLong, help: ArgumentHelp("The picture, a PNG or JPEG file.", valueName: "picture"))
  var image: String

  @Option(
    help: ArgumentHelp("White where the picture is to be repainted, black elsewhere; a PNG file.", valueName: "mask.png"))
  var mask: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Instead of a mask: move the picture X pixels to the right and Y down.", valueName: "X,Y"),
    transform: { try PixelOffset(option: $0) })
  var offset: PixelOffset?

  @Option(help: ArgumentHelp("Blend the known colours into the first N pixels of what is made.", valueName: "N"))
  var feather: Int?

  @Flag(name: .customLong("no-composite"), help: "Show known tokens as the decoder makes them, not the picture's own pixels.")
  var isNotComposited = false

  @OptionGroup var generation: GenerationArguments

  func validate() throws {
    guard (mask == nil) != (offset == nil) else {
      throw ValidationError("expected one of --mask and --offset, found \(mask == nil ? "neither" : "both")")
    }
    if let feather, feather < 0 { throw ValidationError("--feather must be 0 or more, found \(feather)") }
    if feather != nil, isNotComposited { throw ValidationError("--feather must be absent with --no-composite") }
  }

  func run() async throws {
    try await generation.run { pipeline in
      let repainting = try repainting(for: pipeline.codec)
      let known = try KnownTokens(repainting.knownTokens(by: pipeline.codec))
      return Edit(
        start: .known(known), repainting: isNotComposited ? nil : repainting, record: record, notes: notes(repainting, known))
    }
  }

  private var imageURL: URL { URL(fileURLWithPath: image) }
  private var maskURL: URL? { mask.map { URL(fileURLWithPath: $0) } }

  private func repainting(for codec: ImageCodec) throws -> Repainting {
    let feather = feather ?? 0
    if let maskURL { return try Repainting(contentsOf: imageURL, maskAt: maskURL, feather: feather, for: codec) }
    guard let offset else { throw ValidationError("expected one of --mask and --offset, found neither") }
    return try Repainting(contentsOf: imageURL, movedBy: offset, feather: feather, for: codec)
  }

  private var record: ImageRecord.Edit {
    ImageRecord.Edit(
      image: imageURL.lastPathComponent, mask: maskURL?.lastPathComponent, offset: offset?.description,
      composite: !isNotComposited, feather: isNotComposited ? nil : feather ?? 0)
  }

  private func notes(_ repainting: Repainting, _ known: KnownTokens) -> [String] {
    let name = mask ?? "--offset \(offset?.description ?? "")"
    var notes: [String] = []
    if !repainting.mask.isBinary {
      notes.append(
        "\(name): not only black and white; what has a luminance of \(RepaintMask.threshold) or more (of 255) is repainted")
    }
    if repainting.mask.coversEverything {
      notes.append("\(name): everything is repainted; nothing of the picture is known")
    } else if known.unknown == known.codes.count {
      notes.append("\(name): every token has a repainted pixel; the model is told nothing of the picture")
    }
    return notes
  }
}
