import Diffusion
import Foundation
import Tensor
import TestSupport
import Testing

@Suite struct StatedSettingsTests {
  private func settings(
    _ stated: StatedSettings, timesteps: Int = 100, layout: TokenLayout = .grid(rows: 4, columns: 8), canGuide: Bool = true
  ) throws -> SamplingSettings {
    try stated.settings(
      corruption: AbsorbingCorruption(timesteps: timesteps, codes: 5), layout: layout, canGuide: canGuide)
  }

  // MARK: From settings

  @Test func usualSettingsAreStatedInFour() throws {
    #expect(
      StatedSettings(SamplingSettings(method: .ancestral, steps: 10))
        == StatedSettings(sampler: "ancestral", steps: 10, guidanceScale: 1, truncation: "none"))
  }

  @Test func unusualSettingsAreStatedInFull() {
    let settings = SamplingSettings(
      method: .ancestral, steps: 2, guidanceScale: 2.5, guidanceSchedule: .interval(0.2...0.8), temperature: 0.9,
      truncation: .topCodes(7), timestepGrid: .custom([9, 4]))
    #expect(
      StatedSettings(settings)
        == StatedSettings(
          sampler: "ancestral", steps: 2, guidanceScale: 2.5, guidanceSchedule: "interval:0.2:0.8", temperature: 0.9,
          truncation: "top-7", timestepGrid: "9,4"))
  }

  @Test func parametersAreStatedWhereTheMethodHasThem() {
    let stated = SamplingMethod.all.map { StatedSettings(SamplingSettings(method: $0, steps: 4)) }
    #expect(stated.map(\.purityWeight) == [nil, nil, nil, 1, 1, nil, nil, nil])
    #expect(stated.map(\.choiceTemperature) == [nil, nil, nil, nil, nil, 4.5, nil, nil])
    #expect(stated.map(\.remasking) == [nil, nil, nil, nil, nil, nil, nil, "cap:0.02"])
  }

  @Test(arguments: SamplingMethod.all) func statedSettingsAreReadBack(method: SamplingMethod) throws {
    var method = method
    (method.purityWeight, method.choiceTemperature, method.remasking) = (0.25, 1.5, .rescale(0.75))
    for grid in method.visitsTimes ? [TimestepGrid.linear, .cosine, .custom([90, 50, 20, 1])] : [.linear] {
      let original = SamplingSettings(
        method: method, steps: 4, guidanceScale: 1.75, guidanceSchedule: .ramp, temperature: 1.125, truncation: .nucleus(0.875),
        timestepGrid: grid)
      // Strides through 7 timesteps make 4 steps.
      let timesteps = method == .stridedReference ? 7 : 100
      #expect(try settings(StatedSettings(original), timesteps: timesteps) == original)
    }
  }

  // MARK: To settings

  @Test func nothingStatedIsAncestralSampling() throws {
    #expect(try settings(StatedSettings()) == SamplingSettings(method: .ancestral, steps: 25))
    #expect(try settings(StatedSettings(), timesteps: 10) == SamplingSettings(method: .ancestral, steps: 10))
    #expect(try settings(StatedSettings(sampler: "halton")).steps == 25)
    #expect(try settings(StatedSettings(sampler: "purity"), layout: .sequence(length: 7)).steps == 7)
    #expect(try settings(StatedSettings(sampler: "strided-reference")).steps == 26)
    #expect(try settings(StatedSettings(sampler: "purity")).method == .purity(weight: 1))
    #expect(try settings(StatedSettings(sampler: "maskgit")).method == .maskGIT(temperature: 4.5))
    #expect(try settings(StatedSettings(sampler: "remdm")).method == .remasking(.cap(0.02)))
  }

  @Test func stepsBeyondTheMethodAreCut() throws {
    #expect(try settings(StatedSettings(sampler: "purity", steps: 100)).steps == 32)
    #expect(try settings(StatedSettings(sampler: "ancestral", steps: 101)).steps == 100)
    #expect(try settings(StatedSettings(sampler: "purity", steps: 3)).steps == 3)
    #expect(throws: DiffusionError.self) { try settings(StatedSettings(sampler: "purity", steps: 0)) }
  }

  @Test func guidanceIsDroppedWhereThereIsNone() throws {
    #expect(try settings(StatedSettings(guidanceScale: 3)).guidanceScale == 3)
    #expect(try settings(StatedSettings(guidanceScale: 3), canGuide: false).guidanceScale == 1)
  }

  @Test func parametersOfOtherMethodsAreUnused() throws {
    let stated = StatedSettings(sampler: "halton", purityWeight: 2, choiceTemperature: 3, remasking: "confidence")
    #expect(try settings(stated).method == .halton)
  }

  @Test func badValuesAreRefused() {
    func error(_ stated: StatedSettings, layout: TokenLayout = .grid(rows: 4, columns: 8)) -> DiffusionError? {
      do { _ = try settings(stated, layout: layout) } catch { return error as? DiffusionError }
      return nil
    }
    func option(_ stated: StatedSettings) -> String? {
      if case .invalidOption(let name, _, _) = error(stated) { name } else { nil }
    }
    #expect(option(StatedSettings(sampler: "best")) == "sampler")
    #expect(option(StatedSettings(truncation: "2")) == "truncation")
    #expect(option(StatedSettings(guidanceSchedule: "late")) == "guidance schedule")
    #expect(option(StatedSettings(timestepGrid: "square")) == "timestep grid")
    #expect(option(StatedSettings(remasking: "often")) == "remasking")
    #expect(error(StatedSettings(temperature: -1)) == .temperature(found: -1))
    #expect(error(StatedSettings(guidanceScale: -1)) == .guidanceScale(largest: 10_000, found: -1))
    #expect(error(StatedSettings(guidanceSchedule: "interval:0.5:2")) == .guidanceInterval(found: 0.5...2))
    #expect(error(StatedSettings(sampler: "purity", purityWeight: -2)) == .purityWeight(largest: 10_000, found: -2))
    #expect(error(StatedSettings(sampler: "purity", timestepGrid: "cosine")) == .gridUnused(sampler: "purity"))
    #expect(
      error(StatedSettings(sampler: "halton"), layout: .sequence(length: 6))
        == .needsGrid(sampler: "halton", found: .sequence(length: 6)))
    for sampler in ["ancestral", "purity"] {
      #expect(error(StatedSettings(sampler: sampler), layout: .sequence(length: 0)) == .length(found: 0))
    }
  }

  // MARK: JSON

  private static let full = StatedSettings(
    sampler: "purity", steps: 7, guidanceScale: 1.5, guidanceSchedule: "ramp", temperature: 0.5, truncation: "0.9",
    timestepGrid: "linear", purityWeight: 2, choiceTemperature: 4, remasking: "cap:0.5")

  @Test func keysAreThoseOfModelFolders() throws {
    let json = """
      {"choice_temperature":4,"guidance_scale":1.5,"guidance_schedule":"ramp","purity_weight":2,"remasking":"cap:0.5",\
      "sampler":"purity","steps":7,"temperature":0.5,"timestep_grid":"linear","truncation":"0.9"}
      """
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    #expect(String(decoding: try encoder.encode(Self.full), as: UTF8.self) == json)
    #expect(try JSONDecoder().decode(StatedSettings.self, from: Data(json.utf8)) == Self.full)
    #expect(String(decoding: try encoder.encode(StatedSettings(steps: 3)), as: UTF8.self) == #"{"steps":3}"#)
    #expect(try JSONDecoder().decode(StatedSettings.self, from: Data(#"{"seed":4}"#.utf8)) == StatedSettings())
  }

  /// A record that states settings among its own members, without nesting.
  private struct Record: Codable, Equatable {
    var seed: Int
    var stated: StatedSettings

    enum CodingKeys: CodingKey { case seed }

    init(seed: Int, stated: StatedSettings) { (self.seed, self.stated) = (seed, stated) }

    init(from decoder: any Decoder) throws {
      seed = try decoder.container(keyedBy: CodingKeys.self).decode(Int.self, forKey: .seed)
      stated = try StatedSettings(from: decoder)
    }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(seed, forKey: .seed)
      try stated.encode(to: encoder)
    }
  }

  @Test func settingsLieFlatBesideOtherMembers() throws {
    let record = Record(seed: 9, stated: StatedSettings(SamplingSettings(method: .purity(weight: 0.5), steps: 4)))
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let data = try encoder.encode(record)
    let json = #"{"guidance_scale":1,"purity_weight":0.5,"sampler":"purity","seed":9,"steps":4,"truncation":"none"}"#
    #expect(String(decoding: data, as: UTF8.self) == json)
    #expect(try JSONDecoder().decode(Record.self, from: data) == record)
  }
}
