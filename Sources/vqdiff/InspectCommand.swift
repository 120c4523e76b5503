import ArgumentParser
import Foundation
import VQDiffusion

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show how an image was made, or what a model holds.")

  @Argument(help: "A PNG or JPEG image or a model's folder (the built-in model if absent).")
  var path: String?

  func run() throws {
    guard let path else { return try Terminal.output(Terminal.printable("\(try ModelReport(.builtIn))")) }
    let url = URL(fileURLWithPath: path)
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
      try Terminal.output(Terminal.printable("\(try ModelReport(ModelLocation(url)))"))
    } else {
      try showImage(url)
    }
  }

  private func showImage(_ url: URL) throws {
    let image = try RGBImage(contentsOf: url)
    let texts = try PNGText.textChunks(ofFileAt: url)
    try Terminal.output("\(url.relativePath): \(image.size) pixels" + (texts.isEmpty ? ", no texts" : ""))
    for text in texts { try Terminal.output(Terminal.printable("\(text.keyword):\n\(text.text)")) }
  }
}
