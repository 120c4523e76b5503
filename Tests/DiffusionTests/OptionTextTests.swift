import Diffusion
import Foundation
import Testing

/// Settings as texts.
@Suite struct OptionTextTests {
  @Test(arguments: [
    ("none", Truncation.none), ("NONE", .none), ("0.86", .nucleus(0.86)), ("1", .nucleus(1)), ("top-100", .topCodes(100)),
    ("Top-1", .topCodes(1)),
  ]) func truncationIsRead(text: String, expected: Truncation) throws {
    let truncation = try Truncation(option: text)
    #expect(truncation == expected)
    #expect(try Truncation(option: truncation.option) == expected)
  }

  @Test(arguments: [
    ("constant", GuidanceSchedule.constant), ("ramp", .ramp), ("interval:0.2:0.8", .interval(0.2...0.8)),
    ("interval:1e-05:0.5", .interval(1e-5...0.5)),
  ]) func guidanceSchedulesAreRead(text: String, expected: GuidanceSchedule) throws {
    let schedule = try GuidanceSchedule(option: text)
    #expect(schedule == expected && schedule.option == text)
  }

  @Test(arguments: [
    ("linear", TimestepGrid.linear), ("cosine", .cosine), ("90,50,1", .custom([90, 50, 1])), ("7", .custom([7])),
  ]) func timestepGridsAreRead(text: String, expected: TimestepGrid) throws {
    let grid = try TimestepGrid(option: text)
    #expect(grid == expected && grid.option == text)
  }

  @Test(arguments: [
    ("cap:0.02", Remasking.cap(0.02)), ("rescale:1.0", .rescale(1)), ("confidence", .confidence),
  ]) func remaskingIsRead(text: String, expected: Remasking) throws {
    let remasking = try Remasking(option: text)
    #expect(remasking == expected && remasking.option == text)
  }

  private func expectRefusal(
    _ name: String, _ expected: String, _ texts: [String], read: (String) throws(DiffusionError) -> Void
  ) {
    for text in texts {
      let error = #expect(throws: DiffusionError.invalidOption(name: name, expected: expected, found: text)) { try read(text) }
      #expect(error?.description == "\(name) must be \(expected), found \(text)")
    }
  }

  @Test func otherTextsAreRefused() {
    expectRefusal(
      "truncation", "none, a probability in (0, 1] or top-K",
      ["", "0", "-0.5", "1.01", "nan", "top", "top-", "top-0", "top--1", "86%"]
    ) { text throws(DiffusionError) in _ = try Truncation(option: text) }
    expectRefusal(
      "guidance schedule", "constant, ramp or interval:A:B with 0 ≤ A < B ≤ 1",
      ["", "interval", "interval:0.5", "interval:0.5:0.5", "interval:0.8:0.2", "interval:a:b", "interval:0.1:nan", "later"]
    ) { text throws(DiffusionError) in _ = try GuidanceSchedule(option: text) }
    expectRefusal(
      "timestep grid", "linear, cosine or whole numbers separated by commas", ["", "quadratic", "3,,1", "3,x"]
    ) { text throws(DiffusionError) in _ = try TimestepGrid(option: text) }
    expectRefusal(
      "remasking", "cap:N, rescale:N (N in 0…1) or confidence", ["cap", "cap:x", "rescale", "confidence:1", ""]
    ) { text throws(DiffusionError) in _ = try Remasking(option: text) }
  }

  /// Foundation asks for `errorDescription`; without it `localizedDescription` names only the type and a number.
  @Test func errorsDescribeThemselvesToFoundation() {
    let error = DiffusionError.invalidOption(name: "sampler", expected: "purity", found: "pure")
    #expect((error as any Error).localizedDescription == "sampler must be purity, found pure")
  }
}
