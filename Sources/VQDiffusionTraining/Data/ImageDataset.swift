import Foundation
import Images
import VQDiffusion

/// Images on disk with their classes, found when it is made and read one by one when asked for.
///
/// - A folder of class folders: the folders' sorted names are the labels, and the images of a class may lie in subfolders.
/// - A folder of images: no labels.
/// - A file of CIFAR-10's binary version, or a folder of them (see `CIFARFile`).
///
/// Hidden files and folders are passed over, links to files and to class folders followed, files that aren't named like an image
/// ignored.
package struct ImageDataset: Sendable {
  enum Source: Sendable {
    /// `classes` is empty where there are none.
    case files(paths: [String], classes: [Int])
    /// `starts` are the indices of the files' first images.
    case cifar(files: [CIFARFile], starts: [Int])
  }

  /// The path that the images were found at.
  package let location: String
  /// The names of the classes in the order of their indices; empty for images without classes.
  package let labels: [String]
  package let count: Int
  let source: Source

  /// - Throws: `DatasetError`; of what lies in image files nothing, as they aren't opened.
  package init(at url: URL) throws(DatasetError) {
    let listing = try DatasetListing(url)
    location = url.path
    (labels, source) = (listing.labels, listing.source)
    switch source {
    case .files(let paths, _): count = paths.count
    case .cifar(let files, _): count = files.reduce(0) { $0 + $1.count }
    }
  }

  /// The class of an image; nil without classes.
  package func classIndex(_ index: Int) -> Int? {
    switch source {
    case .files(_, let classes): classes.isEmpty ? nil : classes[index]
    case .cifar(let files, let starts):
      Self.place(of: index, starts).map { Int(files[$0.file].labels[$0.image]) }
    }
  }

  /// What messages call an image: the path of its file, or "file.bin, image 17", counted from 0.
  package func name(_ index: Int) -> String {
    switch source {
    case .files(let paths, _): paths[index]
    case .cifar(let files, let starts):
      Self.place(of: index, starts).map { "\(files[$0.file].path), image \($0.image)" } ?? location
    }
  }

  /// An image as its file holds it, of any size.
  ///
  /// - Throws: `ImageError.unreadable`, `.unknownFormat`, `.corrupt`, `.unsupportedColours`, `.tooLarge`.
  package func image(_ index: Int) throws(ImageError) -> RGBImage {
    switch source {
    case .files(let paths, _):
      return try RGBImage(contentsOf: URL(fileURLWithPath: paths[index], isDirectory: false))
    case .cifar(let files, let starts):
      guard let place = Self.place(of: index, starts) else {
        throw .unreadable(file: location, reason: "there is no image \(index)")
      }
      return files[place.file].image(place.image)
    }
  }

  private static func place(of index: Int, _ starts: [Int]) -> (file: Int, image: Int)? {
    starts.lastIndex { $0 <= index }.map { ($0, index - starts[$0]) }
  }
}
