import ArgumentParser
import Foundation
import VQDiffusion

struct Denoise: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Evaluate the denoiser once.",
    discussion: """
      Reads a safetensors file with tokens I64 [B, L] (0…K, K being the mask), timesteps I64 [B] (from 0) and what the images are \
      of: for a class-conditional model labels I64 [B], for a text-conditional one text F32 [B, text length, text width], the text \
      encoder's vectors. Writes one with logits F32 [B, L, K]. Of a model only the denoiser is read.
      """)

  @Option(name: .shortAndLong, help: ArgumentHelp("Tokens, timesteps, and labels or text.", valueName: "in.safetensors"))
  var input: String

  @Option(name: .shortAndLong, help: ArgumentHelp("The file of logits.", valueName: "out.safetensors"))
  var output: String

  @OptionGroup var modelOptions: ModelOptions

  func validate() throws {
    try OutputError.asUsage { () throws(OutputError) in _ = try OutputPath.tensorFile(output) }
  }

  func run() throws {
    try modelOptions.apply()
    let file = try OutputPath.tensorFile(output)
    try OutputPath.check([file])
    let network = try modelOptions.network()
    let request = try NetworkInputFile(contentsOf: URL(fileURLWithPath: input), for: network.facts)
    let logits = try request.logits(by: network) { try Task.checkCancellation() }
    try OutputPath.makeFolder(of: file)
    try NetworkInputFile.write(logits: logits, to: file)
  }
}
