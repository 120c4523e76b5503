/// What a global of a pickle means to a reader of tensors.
enum PickleMeaning: Sendable, Equatable {
  /// `_rebuild_tensor(storage, offset, shape, strides, …)`, the type being the storage's.
  case rebuildTensor
  /// `_rebuild_tensor_v3(storage, offset, shape, strides, requires_grad, hooks, dtype, …)`.
  case rebuildTypedTensor
  /// `_rebuild_parameter(tensor, …)`.
  case rebuildParameter
  /// A type of storages; nil for one of plain bytes.
  case storage(ElementType?)
  case elementType(ElementType)
  /// A dictionary's type.
  case dictionary
  /// `torch.Size(tuple)`, which stays the tuple.
  case shape
  /// Calling it makes an object that tensors don't need.
  case inertCall
  /// Anything else. It may be mentioned, as classes are, but not called.
  case unknown

  init(module: String, name: String) {
    let module = Self.renamedModules[module] ?? module
    if let known = Self.known[module + "." + name] {
      self = known
    } else if module == "torch" || module == "torch.cuda", name.hasSuffix("Storage"),
      let type = Self.storageTypes[String(name.dropLast("Storage".count))]
    {
      self = .storage(type)
    } else if module == "torch", let type = Self.elementTypes[name] {
      self = .elementType(type)
    } else {
      self = Self.isData(module) ? .inertCall : .unknown
    }
  }

  /// Python 2's names.
  private static let renamedModules = ["__builtin__": "builtins", "copy_reg": "copyreg"]

  private static let known: [String: PickleMeaning] = [
    "torch._utils._rebuild_tensor": .rebuildTensor,
    "torch._utils._rebuild_tensor_v2": .rebuildTensor,
    "torch._utils._rebuild_tensor_v3": .rebuildTypedTensor,
    "torch._utils._rebuild_parameter": .rebuildParameter,
    "torch._utils._rebuild_parameter_with_state": .rebuildParameter,
    "torch.storage.UntypedStorage": .storage(nil),
    "torch.UntypedStorage": .storage(nil),
    "torch.Size": .shape,
    "torch.device": .inertCall,
    "torch.serialization._get_layout": .inertCall,
    "collections.OrderedDict": .dictionary,
    "collections.defaultdict": .dictionary,
    "builtins.dict": .dictionary,
    "builtins.list": .inertCall,
    "builtins.tuple": .inertCall,
    "builtins.set": .inertCall,
    "builtins.frozenset": .inertCall,
    "builtins.bytearray": .inertCall,
    "builtins.bytes": .inertCall,
    "builtins.complex": .inertCall,
    "builtins.slice": .inertCall,
    "builtins.range": .inertCall,
    "builtins.object": .inertCall,
    "collections.Counter": .inertCall,
    "collections.deque": .inertCall,
    "_codecs.encode": .inertCall,
    "copyreg._reconstructor": .inertCall,
    "functools.partial": .inertCall,
    "argparse.Namespace": .inertCall,
    "uuid.UUID": .inertCall,
    "numpy.dtype": .inertCall,
    "numpy.ndarray": .inertCall,
    "numpy.core.multiarray.scalar": .inertCall,
    "numpy.core.multiarray._reconstruct": .inertCall,
    "numpy._core.multiarray.scalar": .inertCall,
    "numpy._core.multiarray._reconstruct": .inertCall,
    "numpy.core.numeric._frombuffer": .inertCall,
    "numpy._core.numeric._frombuffer": .inertCall,
    "numpy.random._pickle.__randomstate_ctor": .inertCall,
    "numpy.random._pickle.__generator_ctor": .inertCall,
    "numpy.random._pickle.__bit_generator_ctor": .inertCall,
  ]

  /// Packages whose classes only hold data: settings, times, paths, the notes of a training framework.
  private static let dataModules = [
    "datetime", "pathlib", "decimal", "fractions", "omegaconf", "easydict", "yacs", "pytorch_lightning", "lightning",
    "lightning_fabric",
  ]

  private static func isData(_ module: String) -> Bool {
    dataModules.contains { module == $0 || module.hasPrefix($0 + ".") }
  }

  /// By the names of storages, `torch.FloatStorage` and so on.
  private static let storageTypes: [String: ElementType] = [
    "Double": .float64, "Float": .float32, "Half": .float16, "BFloat16": .bfloat16, "Long": .int64, "Int": .int32,
    "Short": .int16, "Char": .int8, "Byte": .uint8, "Bool": .bool,
  ]

  /// By the names of types, `torch.float32` and so on.
  private static let elementTypes: [String: ElementType] = [
    "float64": .float64, "float32": .float32, "float16": .float16, "bfloat16": .bfloat16, "int64": .int64, "int32": .int32,
    "int16": .int16, "int8": .int8, "uint64": .uint64, "uint32": .uint32, "uint16": .uint16, "uint8": .uint8, "bool": .bool,
    "float8_e5m2": .float8E5M2, "float8_e4m3fn": .float8E4M3,
  ]
}
