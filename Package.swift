// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "swift-vq-diffusion",
  platforms: [.macOS(.v15)],
  targets: [
    .systemLibrary(
      name: "CBLAS", pkgConfig: "openblas",
      providers: [.apt(["libopenblas-dev", "liblapacke-dev"]), .brew(["openblas"])]),
    .target(name: "CKernels"),
    .target(name: "Tensor", dependencies: ["CBLAS", "CKernels"]),
    .target(name: "Checkpoint", dependencies: ["Tensor", "CKernels"]),
    .target(name: "TestSupport", dependencies: ["Tensor", "Checkpoint"], path: "Tests/TestSupport"),
    .testTarget(name: "TensorTests", dependencies: ["Tensor", "TestSupport"]),
    .testTarget(name: "CheckpointTests", dependencies: ["Checkpoint", "Tensor", "CKernels", "TestSupport"]),
  ],
  swiftLanguageModes: [.v6]
)
