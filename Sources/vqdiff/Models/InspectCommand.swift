import ArgumentParser
import Foundation
import VQDiffusion

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show how an image was made, what a model holds, or a checkpoint's tensors.",
    discussion: """
      A checkpoint file, PyTorch's or safetensors, is shown as a list of its tensors, and with --config as the model that it is. \
      Nothing that a file holds is executed.
      """)

  @Argument(help: "A PNG or JPEG image, a model's folder or a checkpoint file (the built-in model if absent).")
  var path: String?

  @OptionGroup var checkpoint: CheckpointOptions

  func validate() throws { try checkpoint.validate(describing: path, "by its path") }

  func run() throws {
    guard let path else { return try Terminal.output(Terminal.printable("\(try ModelReport(.builtIn))")) }
    let url = URL(fileURLWithPath: path)
    var isFolder: ObjCBool = false
    if !checkpoint.given.isEmpty || FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue {
      try Terminal.output(Terminal.printable("\(try ModelReport(checkpoint.location(of: path)))"))
    } else if RGBImage.isImageFile(at: url) {
      try showImage(url)
    } else {
      try Terminal.output(Terminal.printable("\(try TensorListing(contentsOf: url))"))
    }
  }

  private func showImage(_ url: URL) throws {
    let image = try RGBImage(contentsOf: url)
    let texts = try PNGText.textChunks(ofFileAt: url)
    try Terminal.output("\(url.relativePath): \(image.size) pixels" + (texts.isEmpty ? ", no texts" : ""))
    for text in texts { try Terminal.output(Terminal.printable("\(text.keyword):\n\(text.text)")) }
  }
}
