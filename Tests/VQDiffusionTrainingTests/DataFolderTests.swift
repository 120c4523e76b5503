import Foundation
import TestSupport
import Testing
import VQDiffusion
import VQDiffusionTraining

/// What is found in folders of images.
@Suite struct DataFolderTests {
  @Test func classFoldersAreLabels() throws {
    try withTemporaryFolder { folder in
      for (number, path) in ["owl/b.png", "owl/nest/deep/a.png", "ant/z.png", "owl/a.png", "10/1.png"].enumerated() {
        try write(picture(number), path, in: folder)
      }
      let set = try ImageDataset(at: folder)
      #expect(set.labels == ["10", "ant", "owl"])
      #expect(set.count == 5)
      #expect((0..<5).map(set.classIndex) == [0, 1, 2, 2, 2])
      #expect(
        (0..<5).map { set.name($0).dropFirst(set.location.count + 1) }
          == ["10/1.png", "ant/z.png", "owl/a.png", "owl/b.png", "owl/nest/deep/a.png"])
      #expect(try (0..<5).map { try set.image($0) } == [4, 2, 3, 0, 1].map { picture($0) })
      #expect(set.location == folder.path)
    }
  }

  @Test func aFlatFolderHasNoClasses() throws {
    try withTemporaryFolder { folder in
      try writePictures(3, in: folder)
      try write([1, 2, 3], "notes.txt", in: folder)
      try write([1, 2, 3], "without-images/notes.txt", in: folder)
      try write(picture(9), ".hidden.png", in: folder)
      try write(picture(9), ".hidden/a.png", in: folder)
      try FileManager.default.createDirectory(
        at: folder.appendingPathComponent("folder.png"), withIntermediateDirectories: true)
      let set = try ImageDataset(at: folder)
      #expect(set.labels.isEmpty && set.count == 3)
      #expect((0..<3).map(set.classIndex) == [nil, nil, nil])
      #expect(try (0..<3).map { try set.image($0) } == (0..<3).map { picture($0) })
    }
  }

  @Test func hiddenAndOtherFilesOfClassesAreIgnored() throws {
    try withTemporaryFolder { folder in
      try write(picture(0), "a/0.PNG", in: folder)
      try write([1], "a/list.csv", in: folder)
      try write(picture(1), "a/.0.png", in: folder)
      try write(picture(2), ".git/0.png", in: folder)
      try write([1], "README", in: folder)
      let set = try ImageDataset(at: folder)
      #expect(set.labels == ["a"] && set.count == 1)
    }
  }

  @Test func linksAreFollowed() throws {
    try withTemporaryFolder { folder in
      let (real, set) = (folder.appendingPathComponent("real"), folder.appendingPathComponent("set"))
      try write(picture(0), "bird.png", in: real)
      try write(picture(1), "kept/1.png", in: real)
      try write(picture(2), "a/0.png", in: set)
      let manager = FileManager.default
      try manager.createSymbolicLink(
        at: set.appendingPathComponent("a/1.png"), withDestinationURL: real.appendingPathComponent("bird.png"))
      try manager.createSymbolicLink(
        at: set.appendingPathComponent("b"), withDestinationURL: real.appendingPathComponent("kept"))
      try manager.createSymbolicLink(at: folder.appendingPathComponent("link"), withDestinationURL: set)
      for place in [set, folder.appendingPathComponent("link")] {
        let found = try ImageDataset(at: place)
        #expect(found.labels == ["a", "b"])
        #expect(try (0..<found.count).map { try found.image($0) } == [2, 0, 1].map { picture($0) })
        #expect(found.name(2).hasSuffix("b/1.png"))
      }
    }
  }

  @Test func whatIsNoDataSetIsNamed() throws {
    try withTemporaryFolder { folder in
      let absent = folder.appendingPathComponent("absent")
      #expect(throws: DatasetError.missing(path: absent.path)) { try ImageDataset(at: absent) }
      #expect(throws: DatasetError.noImages(path: folder.path, found: "none in it")) { try ImageDataset(at: folder) }
      try write([1], "a/notes.txt", in: folder)
      #expect(throws: DatasetError.noImages(path: folder.path, found: "none in it")) { try ImageDataset(at: folder) }
      let file = folder.appendingPathComponent("a/notes.txt")
      #expect(throws: DatasetError.noImages(path: file.path, found: "a file of another kind")) { try ImageDataset(at: file) }
      try write(picture(0), "b/0.png", in: folder)
      let empty = folder.appendingPathComponent("a")
      #expect(throws: DatasetError.emptyClass(folder: empty.path)) { try ImageDataset(at: folder) }
      try write(picture(1), "lone.png", in: folder)
      #expect(throws: DatasetError.mixed(folder: folder.path, image: "lone.png", classFolder: "b")) {
        try ImageDataset(at: folder)
      }
    }
  }

  @Test func messagesSayWhatWasExpectedAndFound() {
    let errors: [(DatasetError, [String])] = [
      (.missing(path: "/x"), ["/x", "found nothing"]),
      (.noImages(path: "/x", found: "none in it"), ["/x", "PNG or JPEG", "none in it"]),
      (.emptyClass(folder: "/x/cat"), ["/x/cat", "found none"]),
      (.mixed(folder: "/x", image: "i.png", classFolder: "cat"), ["/x", "i.png", "cat"]),
      (.unreadable(path: "/x", reason: "it is gone"), ["/x", "it is gone"]),
      (.recordSize(file: "/x.bin", found: 3072), ["/x.bin", "3073", "3072"]),
      (.recordSize(file: "/x.bin", found: 0), ["/x.bin", "an empty file"]),
      (.label(file: "/x.bin", image: 7, found: 10), ["/x.bin", "image 7", "0…9", "10"]),
      (.labelNames(file: "/m.txt", found: 9), ["/m.txt", "10 names", "found 9"]),
      (.allUnreadable(location: "/x", count: 3, reason: "cut short"), ["/x", "3", "cut short"]),
    ]
    for (error, parts) in errors {
      for part in parts { #expect(error.description.contains(part)) }
      #expect(error.localizedDescription == error.description)
    }
  }

  @Test func theFingerprintChangesWithTheFiles() throws {
    try withTemporaryFolder { parent in
      let folder = parent.appendingPathComponent("set")
      for path in ["a/0.png", "a/1.png", "b/0.png"] { try write(picture(1), path, in: folder) }
      func fingerprint(_ folder: URL = folder) throws -> String { try ImageDataset(at: folder).fingerprint }
      var seen = [try fingerprint()]
      #expect(try fingerprint() == seen[0])
      #expect(seen[0].count == 16)

      let manager = FileManager.default
      let (a, file) = (folder.appendingPathComponent("a"), folder.appendingPathComponent("b/0.png"))
      try manager.setAttributes([.modificationDate: Date(timeIntervalSince1970: 1_000_000)], ofItemAtPath: file.path)
      seen.append(try fingerprint())
      try write(picture(1, width: 9), "b/0.png", in: folder)
      try manager.setAttributes([.modificationDate: Date(timeIntervalSince1970: 1_000_000)], ofItemAtPath: file.path)
      seen.append(try fingerprint())
      try manager.moveItem(at: a, to: folder.appendingPathComponent("aa"))
      seen.append(try fingerprint())
      try manager.removeItem(at: folder.appendingPathComponent("aa/1.png"))
      seen.append(try fingerprint())
      #expect(Set(seen).count == seen.count)

      let moved = parent.appendingPathComponent("moved")
      try manager.moveItem(at: folder, to: moved)
      #expect(try fingerprint(moved) == seen[seen.count - 1])
      try manager.createSymbolicLink(at: folder, withDestinationURL: moved)
      #expect(try fingerprint() == seen[seen.count - 1])
    }
  }
}
