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
    .target(name: "Diffusion", dependencies: ["Tensor"]),
    .testTarget(name: "TensorTests", dependencies: ["Tensor"]),
  ],
  swiftLanguageModes: [.v6]
)
