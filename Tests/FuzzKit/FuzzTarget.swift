import Foundation

/// A reader of untrusted files, and how to make files that try it.
package protocol FuzzTarget: Sendable {
  /// What the command line calls it.
  var name: String { get }

  /// A file, in most cases one that is right but for what was changed.
  func mutant(_ random: inout FuzzRandom) -> [UInt8]

  /// Reads a file, and whatever it holds, as a program would. Nothing but the reader's typed error may come of it, and that has been
  /// caught here.
  ///
  /// - Parameter bytes: the contents of the file at `url`.
  func read(_ bytes: [UInt8], at url: URL) -> FuzzOutcome
}

/// What became of a file.
package struct FuzzOutcome: Sendable {
  /// "accepted", or the error's case.
  package let finding: String
  /// Whether the file was refused for no less than what stands in it: its mark, lengths and outer structure were right.
  package let isPastFirstCheck: Bool

  static let accepted = FuzzOutcome(finding: "accepted", isPastFirstCheck: true)

  private init(finding: String, isPastFirstCheck: Bool) {
    (self.finding, self.isPastFirstCheck) = (finding, isPastFirstCheck)
  }

  init(_ error: some Error & CustomStringConvertible, isPastFirstCheck: Bool) {
    // The message is made of what the file said, so it's tried as well.
    precondition(!error.description.isEmpty, "an error without a message")
    self.init(
      finding: Mirror(reflecting: error).children.first?.label ?? "\(error)", isPastFirstCheck: isPastFirstCheck)
  }
}
