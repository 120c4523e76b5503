import ArgumentParser
import Foundation
import VQDiffusion

struct Encode: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Turn PNG or JPEG images into tokens.",
    discussion: """
      Writes a safetensors file with tokens I64 [images, tokens of each], row by row, and the metadata grid = "HxW" where the \
      images aren't as large as the model's own. Images aren't resized: their sides must be multiples of the pixels per token \
      (4 for the built-in model; vqdiff inspect says how many), and several images must be of one size.
      """)

  @Option(name: .shortAndLong, parsing: .upToNextOption, help: ArgumentHelp("PNG or JPEG images.", valueName: "image.png"))
  var input: [String]

  @Option(name: .shortAndLong, help: ArgumentHelp("The file of tokens.", valueName: "tokens.safetensors"))
  var output: String

  @OptionGroup var modelOptions: ModelOptions

  func validate() throws {
    try OutputError.asUsage { () throws(OutputError) in _ = try OutputPath.tensorFile(output) }
  }

  func run() throws {
    try modelOptions.apply()
    let file = try OutputPath.tensorFile(output)
    try OutputPath.check([file])
    let codec = try modelOptions.codec()
    let tokens = try codec.encode(contentsOf: input.map { URL(fileURLWithPath: $0) })
    try Task.checkCancellation()
    try OutputPath.makeFolder(of: file)
    try TokenFile.write(tokens, of: codec, to: file)
  }
}
