import ArgumentParser
import Foundation
import VQDiffusion

struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Turn a model of another layout into this project's folder.",
    discussion: """
      Takes what --model takes everywhere: a PyTorch checkpoint of the Microsoft implementation with its YAML file, a folder of \
      diffusers, or a folder of this project, to store it in another type. Lists which tensor becomes which, and which are left out \
      and why. An existing folder is left alone. With --tensors it turns any one checkpoint file into a safetensors file, names as \
      they are; an existing file is replaced.
      """)

  @Option(name: .shortAndLong, help: ArgumentHelp("The new folder, or with --tensors the new file.", valueName: "path"))
  var output: String?

  @Option(
    name: .customLong("type"), help: "Store floats as float32, float16 or bfloat16 (as they are if absent).")
  var floats: ModelConversion.FloatType?

  @Flag(help: "Check everything and list what would be done; write nothing.")
  var dryRun = false

  @Flag(help: "Don't list the tensors.")
  var quiet = false

  @Option(help: ArgumentHelp("Convert this checkpoint's tensors alone, whatever they are of.", valueName: "file"))
  var tensors: String?

  @OptionGroup var files: ModelFileOptions

  func validate() throws {
    guard (files.model == nil) != (tensors == nil) else {
      throw ValidationError("name a --model or a file of --tensors, one of them")
    }
    guard let output else {
      if dryRun { return }
      throw ValidationError("name the --output")
    }
    if tensors != nil { try OutputError.asUsage { () throws(OutputError) in _ = try OutputPath.tensorFile(output) } }
  }

  func run() throws {
    if let tensors { return try convert(tensorsOf: URL(fileURLWithPath: tensors)) }
    let conversion = try ModelConversion(files.location, floats: floats)
    let target = output.map { URL(fileURLWithPath: $0, isDirectory: true) }
    if let target { try OutputPath.checkNewFolder(target) }
    if !quiet { try list(conversion) }
    guard let target, !dryRun else { return }
    try OutputPath.makeFolder(of: target)
    try conversion.write(to: target) { try Task.checkCancellation() }
    if !quiet { Terminal.report("wrote \(target.relativePath)") }
  }

  private func convert(tensorsOf url: URL) throws {
    let listing = try TensorListing(contentsOf: url)
    if !quiet { try Terminal.output(Terminal.printable("\(listing)")) }
    guard let output, !dryRun else { return }
    let file = try OutputPath.tensorFile(output)
    try OutputPath.check([file])
    try OutputPath.makeFolder(of: file)
    try listing.write(to: file, floats: floats) { try Task.checkCancellation() }
    if !quiet { Terminal.report("wrote \(file.relativePath)") }
  }

  private func list(_ conversion: ModelConversion) throws {
    var target = ""
    for tensor in conversion.tensors {
      if tensor.target != target {
        target = tensor.target
        try Terminal.output("\(target), from \(Terminal.line(tensor.file)):")
      }
      let renamed = tensor.name == tensor.original ? "" : "  ← \(tensor.original)"
      try Terminal.output(Terminal.line("  \(tensor.name) \(tensor.shape)\(renamed)"))
    }
    for tensor in conversion.ignored { try Terminal.output(Terminal.line("left out: \(tensor.name) (\(tensor.reason))")) }
    let ignored = conversion.ignored.count
    try Terminal.output("\(conversion.tensors.count) tensors used, \(ignored == 0 ? "none" : "\(ignored)") left out")
  }
}

extension ModelConversion.FloatType: ExpressibleByArgument {}
