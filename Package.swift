// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "swift-vq-diffusion",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "VQDiffusion", targets: ["VQDiffusion"]),
    .library(name: "VQDiffusionTraining", targets: ["VQDiffusionTraining"]),
    .executable(name: "vqdiff", targets: ["vqdiff"]),
    .executable(name: "vqdiff-bench", targets: ["vqdiff-bench"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
  ],
  targets: [
    .systemLibrary(
      name: "CBLAS", pkgConfig: "openblas",
      providers: [.apt(["libopenblas-dev", "liblapacke-dev"]), .brew(["openblas"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
    .systemLibrary(
      name: "CJPEG", pkgConfig: "libturbojpeg", providers: [.apt(["libturbojpeg0-dev"]), .brew(["jpeg-turbo"])]),
    .target(name: "CKernels"),
    .target(
      name: "Tensor", dependencies: ["CBLAS", "CKernels"],
      // Homebrew's OpenBLAS holds LAPACKE itself.
      linkerSettings: [.linkedLibrary("lapacke", .when(platforms: [.linux]))]),
    .target(name: "Checkpoint", dependencies: ["Tensor", "CKernels"]),
    .target(name: "VQVAE", dependencies: ["Tensor", "Checkpoint"]),
    .target(name: "Transformer", dependencies: ["Tensor", "Checkpoint"]),
    .target(name: "CLIPText", dependencies: ["Tensor", "Checkpoint"]),
    .target(name: "Diffusion", dependencies: ["Tensor"]),
    .target(name: "Evaluation", dependencies: ["Tensor", "CBLAS"]),
    .target(
      name: "Training", dependencies: ["Tensor", "Checkpoint", "VQVAE", "Transformer", "Diffusion", "CKernels"]),
    .target(
      name: "VQDiffusion",
      dependencies: [
        "Tensor", "Checkpoint", "VQVAE", "Transformer", "Diffusion", "Evaluation", "CLIPText", "CPNG", "CJPEG",
        .product(name: "Logging", package: "swift-log"), .product(name: "Yams", package: "Yams"),
      ],
      resources: [.copy("Resources/cifar10"), .copy("Resources/clip"), .copy("Resources/imagenet")]),
    .target(
      name: "VQDiffusionTraining",
      dependencies: [
        "Tensor", "Checkpoint", "VQVAE", "Transformer", "Diffusion", "Evaluation", "Training", "VQDiffusion",
        .product(name: "Yams", package: "Yams"),
      ]),
    .executableTarget(
      name: "vqdiff",
      dependencies: [
        "VQDiffusion", "VQDiffusionTraining", .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ]),
    .target(
      name: "BenchmarkKit", dependencies: ["VQDiffusion", "Training", "Transformer", "VQVAE", "Tensor"],
      path: "Benchmarks/BenchmarkKit"),
    .executableTarget(
      name: "vqdiff-bench",
      dependencies: ["BenchmarkKit", "VQDiffusion", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      path: "Benchmarks/vqdiff-bench"),
    .target(name: "TestSupport", dependencies: ["Tensor", "Checkpoint"], path: "Tests/TestSupport"),
    .target(
      name: "FuzzKit", dependencies: ["VQDiffusion", "CLIPText", "Checkpoint", "Tensor", "TestSupport"], path: "Tests/FuzzKit"),
    .executableTarget(
      name: "vqdiff-fuzz",
      dependencies: ["FuzzKit", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      path: "Tests/vqdiff-fuzz"),
    .testTarget(name: "FuzzTests", dependencies: ["FuzzKit", "TestSupport"]),
    .testTarget(name: "TensorTests", dependencies: ["Tensor", "CKernels", "TestSupport"]),
    .testTarget(name: "CheckpointTests", dependencies: ["Checkpoint", "Tensor", "CKernels", "TestSupport"]),
    .testTarget(
      name: "DiffusionTests", dependencies: ["Diffusion", "Transformer", "Tensor", "Checkpoint", "TestSupport"]),
    .testTarget(name: "VQVAETests", dependencies: ["VQVAE", "Tensor", "Checkpoint", "TestSupport"]),
    .testTarget(name: "TransformerTests", dependencies: ["Transformer", "Tensor", "Checkpoint", "TestSupport"]),
    .testTarget(name: "CLIPTextTests", dependencies: ["CLIPText", "Tensor", "Checkpoint", "TestSupport"]),
    .testTarget(name: "EvaluationTests", dependencies: ["Evaluation", "Tensor", "TestSupport"]),
    .testTarget(
      name: "TrainingTests",
      dependencies: ["Training", "Tensor", "Checkpoint", "VQVAE", "Transformer", "Diffusion", "TestSupport"]),
    .testTarget(
      name: "VQDiffusionTests",
      dependencies: [
        "VQDiffusion", "VQVAE", "CLIPText", "Transformer", "Diffusion", "CPNG", "Tensor", "Checkpoint", "TestSupport",
      ]),
    .testTarget(
      name: "VQDiffusionTrainingTests",
      dependencies: [
        "VQDiffusionTraining", "VQDiffusion", "Training", "Diffusion", "Transformer", "VQVAE", "Tensor", "Checkpoint",
        "TestSupport",
      ]),
    .testTarget(
      name: "BenchmarkTests",
      dependencies: ["BenchmarkKit", "VQDiffusion", "Transformer", "VQVAE", "Tensor", "Checkpoint", "TestSupport"]),
    .testTarget(name: "VqdiffTests", dependencies: ["vqdiff", "VQDiffusion", "Checkpoint", "Tensor", "TestSupport"]),
  ],
  swiftLanguageModes: [.v6]
)
