import Files
import Foundation
import VQDiffusion

/// What is found at a data set's path.
struct DatasetListing {
  let labels: [String]
  let source: ImageDataset.Source

  /// - Throws: `DatasetError`.
  init(_ url: URL) throws(DatasetError) {
    switch Self.kind(of: url) {
    case nil: throw .missing(path: url.path)
    case .folder: try self.init(folder: url)
    case .file where url.pathExtension.lowercased() == CIFARFile.pathExtension:
      try self.init(cifar: [url], in: url.deletingLastPathComponent())
    case .file: throw .noImages(path: url.path, found: "a file of another kind")
    }
  }

  private init(labels: [String], source: ImageDataset.Source) {
    (self.labels, self.source) = (labels, source)
  }

  private init(cifar urls: [URL], in folder: URL) throws(DatasetError) {
    let labels = try CIFARFile.names(in: folder)
    var (files, starts, count): ([CIFARFile], [Int], Int) = ([], [], 0)
    for url in urls {
      files.append(try CIFARFile(url))
      starts.append(count)
      count += files[files.count - 1].count
    }
    self.init(labels: labels, source: .cifar(files: files, starts: starts))
  }

  private init(folder: URL) throws(DatasetError) {
    let entries = try Self.entries(of: folder)
    let images = entries.filter(ImageFolder.isImageFile)
    let folders = try entries.filter { Self.kind(of: $0) == .folder }.map { url throws(DatasetError) in
      (url: url, paths: try Self.images(below: url))
    }
    let firstClass = folders.first { !$0.paths.isEmpty }
    switch (images.first, firstClass) {
    case (let image?, let firstClass?):
      throw .mixed(folder: folder.path, image: image.lastPathComponent, classFolder: firstClass.url.lastPathComponent)
    case (.some, nil):
      self.init(labels: [], source: .files(paths: images.map(\.path), classes: []))
    case (nil, .some):
      // Left out, it would shift the indices of the classes after it; kept, it would be a class that nothing is learnt of.
      if let empty = folders.first(where: { $0.paths.isEmpty }) { throw .emptyClass(folder: empty.url.path) }
      let classes = folders.enumerated().flatMap { Array(repeating: $0.offset, count: $0.element.paths.count) }
      self.init(
        labels: folders.map(\.url.lastPathComponent),
        source: .files(paths: folders.flatMap(\.paths), classes: classes))
    case (nil, nil):
      let files = CIFARFile.files(among: entries)
      guard !files.isEmpty else { throw .noImages(path: folder.path, found: "none in it") }
      try self.init(cifar: files, in: folder)
    }
  }

  private enum Kind { case file, folder }

  /// What a path leads to, through links; nil for nothing.
  private static func kind(of url: URL) -> Kind? {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else { return nil }
    return isFolder.boolValue ? .folder : .file
  }

  /// What lies in a folder, sorted by name, without what is hidden.
  private static func entries(of folder: URL) throws(DatasetError) -> [URL] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { !$0.hasPrefix(".") }.sorted()
        .map { folder.appendingPathComponent($0) }
    } catch {
      throw .unreadable(path: folder.path, reason: error.localizedDescription)
    }
  }

  private static func images(below folder: URL) throws(DatasetError) -> [String] {
    do {
      return try ImageFolder.images(in: folder).map(\.path)
    } catch PipelineError.noImages {
      return []
    } catch FileError.unreadable(let file, let reason) {
      throw .unreadable(path: file, reason: reason)
    } catch {
      throw .unreadable(path: folder.path, reason: "\(error)")
    }
  }
}
