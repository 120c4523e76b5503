// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "swift-vq-diffusion",
  platforms: [.macOS(.v15)],
  targets: [
    .systemLibrary(
      name: "CBLAS", pkgConfig: "openblas",
      providers: [.apt(["libopenblas-dev", "liblapacke-dev"]), .brew(["openblas"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
    .target(name: "CKernels"),
    .target(name: "Tensor", dependencies: ["CBLAS", "CKernels"]),
    .target(name: "VQDiffusion", dependencies: ["CPNG"], resources: [.copy("Resources/cifar10")]),
    .testTarget(name: "TensorTests", dependencies: ["Tensor"]),
    .testTarget(name: "VQDiffusionTests", dependencies: ["CPNG", "VQDiffusion"]),
  ],
  swiftLanguageModes: [.v6]
)
