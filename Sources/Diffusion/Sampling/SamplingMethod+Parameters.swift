// The parameters of the methods. Setting one does nothing where the method lacks it or the new value is nil.

extension SamplingMethod {
  /// r of the purity samplers; nil for other methods.
  public var purityWeight: Double? {
    get {
      switch self {
      case .purity(let weight), .purityReference(let weight): weight
      default: nil
      }
    }
    set {
      guard let newValue else { return }
      switch self {
      case .purity: self = .purity(weight: newValue)
      case .purityReference: self = .purityReference(weight: newValue)
      default: return
      }
    }
  }

  /// τ of MaskGIT; nil for other methods.
  public var choiceTemperature: Double? {
    get { if case .maskGIT(let temperature) = self { temperature } else { nil } }
    set { if let newValue, case .maskGIT = self { self = .maskGIT(temperature: newValue) } }
  }

  /// Remasking rule of ReMDM; nil for other methods.
  public var remasking: Remasking? {
    get { if case .remasking(let remasking) = self { remasking } else { nil } }
    set { if let newValue, case .remasking = self { self = .remasking(newValue) } }
  }
}
