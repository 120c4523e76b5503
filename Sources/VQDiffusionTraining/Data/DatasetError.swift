import Foundation

/// What can be wrong with the images that a training is given.
public enum DatasetError: Error, Sendable, Equatable {
  /// Nothing of that name.
  case missing(path: String)
  /// A file or folder that holds no images; `found` says what it holds.
  case noImages(path: String, found: String)
  /// A folder among class folders without an image.
  case emptyClass(folder: String)
  /// A folder with images of its own beside folders of images, which leaves open what the classes are.
  case mixed(folder: String, image: String, classFolder: String)
  /// A file or folder that can't be read.
  case unreadable(path: String, reason: String)
  /// A file whose bytes aren't a whole number of CIFAR-10's records, of 3,073 bytes each.
  case recordSize(file: String, found: Int)
  /// A record, counted from 0, whose label isn't one of CIFAR-10's.
  case label(file: String, image: Int, found: Int)
  /// A list of other than ten names beside CIFAR-10's files.
  case labelNames(file: String, found: Int)
  /// None of all images can be read; `reason` is what is wrong with one of them.
  case allUnreadable(location: String, count: Int, reason: String)
}

extension DatasetError: LocalizedError, CustomStringConvertible {
  public var description: String {
    switch self {
    case .missing(let path):
      "\(path): expected a folder of images or a CIFAR-10 .bin file, found nothing of that name"
    case .noImages(let path, let found):
      "\(path): expected a folder of class folders, a folder of PNG or JPEG images, or CIFAR-10 .bin files, found \(found)"
    case .emptyClass(let folder):
      "\(folder): expected PNG or JPEG images of a class, as in the folders beside it, found none"
    case .mixed(let folder, let image, let classFolder):
      "\(folder): expected either images or class folders, found both: the image \(image) and the folder \(classFolder)"
    case .unreadable(let path, let reason):
      "\(path): can't be read: \(reason)"
    case .recordSize(let file, let found):
      "\(file): expected records of \(CIFARFile.recordSize) bytes (label, red, green and blue of 32×32 pixels), found "
        + (found == 0 ? "an empty file" : "\(found) bytes, which isn't a multiple")
    case .label(let file, let image, let found):
      "\(file), image \(image): expected a label 0…\(CIFARFile.names.count - 1), found \(found)"
    case .labelNames(let file, let found):
      "\(file): expected \(CIFARFile.names.count) names, a line each, found \(found)"
    case .allUnreadable(let location, let count, let reason):
      "\(location): expected images, found none among \(count) that can be read, such as: \(reason)"
    }
  }

  public var errorDescription: String? { description }
}
