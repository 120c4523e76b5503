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
    .target(name: "Files"),
    .target(
      name: "Tensor", dependencies: ["CBLAS", "CKernels"],
      // Homebrew's OpenBLAS holds LAPACKE itself.
      linkerSettings: [.linkedLibrary("lapacke", .when(platforms: [.linux]))]),
    .target(name: "Checkpoint", dependencies: ["Files", "Tensor", "CKernels"]),
    .target(name: "VQVAE", dependencies: ["Tensor", "Checkpoint"]),
    .target(name: "Transformer", dependencies: ["Tensor", "Checkpoint"]),
    .target(name: "CLIPText", dependencies: ["Files", "Tensor", "Checkpoint"]),
    .target(name: "Diffusion", dependencies: ["Tensor"]),
    .target(name: "Evaluation", dependencies: ["Tensor", "CBLAS"]),
    .target(
      name: "TrainingCore", dependencies: ["Tensor", "Checkpoint", "VQVAE", "Transformer", "Diffusion", "CKernels"]),
    .target(name: "Images", dependencies: ["Files", "CPNG", "CJPEG"]),
    .target(
      name: "ModelFiles",
      dependencies: [
        "Files", "Tensor", "Checkpoint", "VQVAE", "Transformer", "CLIPText", "Diffusion",
        .product(name: "Logging", package: "swift-log"), .product(name: "Yams", package: "Yams"),
      ],
      resources: [.copy("Resources/cifar10"), .copy("Resources/clip"), .copy("Resources/imagenet")]),
    .target(
      name: "VQDiffusion",
      dependencies: [
        "Files", "Tensor", "Checkpoint", "VQVAE", "Transformer", "CLIPText", "Diffusion", "Evaluation", "Images", "ModelFiles",
        .product(name: "Logging", package: "swift-log"),
      ]),
    .target(
      name: "VQDiffusionTraining",
      dependencies: [
        "Files", "Tensor", "Checkpoint", "VQVAE", "Transformer", "Diffusion", "Evaluation", "TrainingCore", "Images",
        "ModelFiles",
        "VQDiffusion",
      ]),
    .executableTarget(
      name: "vqdiff",
      dependencies: [
        "VQDiffusion", "VQDiffusionTraining", .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ]),
    .target(
      name: "BenchmarkKit",
      dependencies: [
        "VQDiffusion", "ModelFiles", "TrainingCore", "Transformer", "VQVAE", "Diffusion", "Checkpoint", "Tensor",
      ],
      path: "Benchmarks/BenchmarkKit"),
    .executableTarget(
      name: "vqdiff-bench",
      dependencies: ["BenchmarkKit", "VQDiffusion", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      path: "Benchmarks/vqdiff-bench"),
    .target(name: "TestSupport", dependencies: ["Tensor", "Checkpoint"], path: "Tests/TestSupport"),
    .target(
      name: "FuzzKit", dependencies: ["ModelFiles", "Images", "Files", "CLIPText", "Checkpoint", "Tensor", "TestSupport"],
      path: "Tests/FuzzKit"),
    .executableTarget(
      name: "vqdiff-fuzz",
      dependencies: ["FuzzKit", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      path: "Tests/vqdiff-fuzz"),
    .testTarget(name: "FuzzTests", dependencies: ["FuzzKit", "TestSupport"]),
    .testTarget(name: "TensorTests", dependencies: ["Tensor", "CKernels", "TestSupport"]),
    .testTarget(name: "CheckpointTests", dependencies: ["Checkpoint", "Files", "Tensor", "CKernels", "TestSupport"]),
    .testTarget(
      name: "DiffusionTests", dependencies: ["Diffusion", "Transformer", "Tensor", "Checkpoint", "TestSupport"]),
    .testTarget(name: "VQVAETests", dependencies: ["VQVAE", "Tensor", "Checkpoint", "TestSupport"]),
    .testTarget(name: "TransformerTests", dependencies: ["Transformer", "Tensor", "Checkpoint", "TestSupport"]),
    .testTarget(name: "CLIPTextTests", dependencies: ["CLIPText", "Tensor", "Checkpoint", "TestSupport"]),
    .testTarget(name: "EvaluationTests", dependencies: ["Evaluation", "Tensor", "TestSupport"]),
    // Families from outside: these import only what a user of the library can.
    .testTarget(name: "FamilyTests", dependencies: ["VQDiffusion", "TestSupport"]),
    .testTarget(
      name: "TrainingCoreTests",
      dependencies: ["TrainingCore", "Tensor", "Checkpoint", "VQVAE", "Transformer", "Diffusion", "TestSupport"]),
    .testTarget(
      name: "VQDiffusionTests",
      dependencies: [
        "VQDiffusion", "ModelFiles", "Images", "VQVAE", "CLIPText", "Transformer", "Diffusion", "Tensor", "Checkpoint",
        "TestSupport",
      ]),
    .testTarget(
      name: "VQDiffusionTrainingTests",
      dependencies: [
        "VQDiffusionTraining", "VQDiffusion", "ModelFiles", "Images", "TrainingCore", "Diffusion", "Transformer", "VQVAE",
        "Tensor",
        "Checkpoint", "TestSupport",
      ]),
    .testTarget(
      name: "BenchmarkTests",
      dependencies: [
        "BenchmarkKit", "VQDiffusion", "ModelFiles", "TrainingCore", "Transformer", "VQVAE", "Tensor", "Checkpoint",
        "TestSupport",
      ]),
    .testTarget(name: "VqdiffTests", dependencies: ["vqdiff", "VQDiffusion", "Checkpoint", "Tensor", "TestSupport"]),
  ],
  swiftLanguageModes: [.v6]
)
