/// The type of a tensor's elements as stored; the raw value is its name in a safetensors header.
public enum ElementType: String, Sendable, CaseIterable {
  case float64 = "F64"
  case float32 = "F32"
  case float16 = "F16"
  case bfloat16 = "BF16"
  case float8E5M2 = "F8_E5M2"
  case float8E4M3 = "F8_E4M3"
  case int64 = "I64"
  case int32 = "I32"
  case int16 = "I16"
  case int8 = "I8"
  case uint64 = "U64"
  case uint32 = "U32"
  case uint16 = "U16"
  case uint8 = "U8"
  case bool = "BOOL"

  /// Bytes of one element.
  public var size: Int {
    switch self {
    case .float64, .int64, .uint64: 8
    case .float32, .int32, .uint32: 4
    case .float16, .bfloat16, .int16, .uint16: 2
    case .float8E5M2, .float8E4M3, .int8, .uint8, .bool: 1
    }
  }

  /// The types whose elements can be had as floats.
  static let readAsFloats: [ElementType] = [.float32, .float16, .bfloat16, .float64]

  /// The types whose elements can be had as `Int`.
  static let readAsIntegers: [ElementType] = [.int64, .int32, .int16, .int8, .uint32, .uint16, .uint8, .bool]
}
