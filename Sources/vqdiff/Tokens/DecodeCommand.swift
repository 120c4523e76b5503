import ArgumentParser
import Foundation
import VQDiffusion

struct Decode: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Turn tokens into PNG images.",
    discussion: """
      Reads a safetensors file with tokens I64 [images, tokens of each], row by row; the metadata grid = "HxW" gives rows and \
      columns of tokens where they aren't the model's. Existing files are replaced.
      """)

  @Option(name: .shortAndLong, help: ArgumentHelp("The file of tokens.", valueName: "tokens.safetensors"))
  var input: String

  @Option(name: .shortAndLong, help: "A file, a folder (gets 000.png …) or a pattern such as image-%03d.png.")
  var output: String

  @OptionGroup var imageOptions: ImageOutputOptions
  @OptionGroup var modelOptions: ModelOptions

  func validate() throws {
    try OutputError.asUsage { () throws(OutputError) in _ = try ImageOutput(output, imageOptions) }
  }

  func run() throws {
    try modelOptions.apply()
    let codec = try modelOptions.codec()
    let tokens = try TokenFile.read(URL(fileURLWithPath: input), for: codec)
    let output = try ImageOutput(output, imageOptions)
    let size = try codec.imageSize(of: tokens)
    let columns = ImageOutput.squareColumns(tokens.count)
    let files =
      output.isGrid
      ? [try output.sheetFile(images: tokens.count, columns: columns, size: size)]
      : try output.files((0..<tokens.count).map { ImageOutput.Slot(number: $0) }, size: size)
    var sheet: [RGBImage] = []
    for index in 0..<tokens.count {
      try Task.checkCancellation()
      let image = try codec.decode(tokens[index])[0]
      if output.isGrid { sheet.append(image) } else { try output.write(image, to: files[index]) }
    }
    if output.isGrid { try output.write(sheet: sheet, columns: columns, to: files[0]) }
  }
}
