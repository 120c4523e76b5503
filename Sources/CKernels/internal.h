#ifndef VQDIFFUSION_CKERNELS_INTERNAL_H
#define VQDIFFUSION_CKERNELS_INTERNAL_H

#include "CKernels.h"

// One source, several instruction sets, picked when the program starts: one binary runs on any x86-64. Elsewhere
// (arm64, macOS) the compiler's own baseline has what these loops need. The thread sanitizer can't bear the choice, which
// runs before the sanitizer is set up.
#if defined(__x86_64__) && defined(__linux__) && defined(__clang__) && !__has_feature(thread_sanitizer)
#define VQD_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define VQD_CLONES
#endif

#define VQD_INLINE static inline __attribute__((always_inline))

typedef union {
  float f;
  uint32_t u;
} vqd_bits;

// A finite 16-bit float. Exponent and mantissa moved into a float's place give, once the exponent's bias is corrected, the value v of a
// normal number, and for a subnormal one v with 2v - 2^-14 its value, which is below v there and nowhere else. No float on the way is
// subnormal: arithmetic with those takes a hundred times as long on some CPUs.
VQD_INLINE float vqd_widen_finite_f16(uint16_t x) {
  uint32_t extended = (uint32_t)(int32_t)(int16_t)x;
  vqd_bits v = {.u = ((extended << 13) & 0x0fffe000u) + (112u << 23)};
  float twice = 2.0f * v.f - 0x1p-14f;
  v.f = twice < v.f ? twice : v.f;
  v.u |= extended & 0x80000000u;
  return v.f;
}

// +∞ above 88.37 (where 2^n leaves the exponent's range; Float itself reaches 88.72), 0 below -87.33, NaN for NaN.
// exp by x = n ln 2 + r, |r| ≤ ln 2 / 2, Taylor series of degree 7 (error 5e-9) for e^r, then n into the exponent.
VQD_INLINE float vqd_exp1(float x) {
  const float upper = 88.37f, lower = -87.33654f;
  float clamped = x > upper ? upper : x;
  clamped = clamped < lower ? lower : clamped;
  const float magic = 12582912.0f; // 1.5 · 2^23: adding it rounds to the nearest integer
  vqd_bits shifted = {.f = clamped * 1.44269504f + magic};
  float n = shifted.f - magic;
  float r = clamped - n * 0.693359375f;  // ln 2 in two parts, the first exact in few bits
  r = r - n * -2.12194440e-4f;
  float p = 1.0f / 5040.0f;
  p = p * r + 1.0f / 720.0f;
  p = p * r + 1.0f / 120.0f;
  p = p * r + 1.0f / 24.0f;
  p = p * r + 1.0f / 6.0f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  vqd_bits scale = {.u = (shifted.u + 127u) << 23};
  float y = p * scale.f;
  y = x < lower ? 0.0f : y;
  y = x > upper ? __builtin_inff() : y;
  return x != x ? x : y;
}

// The same for x ≤ 0 in two thirds of the operations: 0 below -87.68, NaN for NaN, same error. The polynomial is 1 + x + a least-squares fit
// of the rest, reweighted towards equal relative error (4e-9).
VQD_INLINE float vqd_exp_nonpositive1(float x) {
  const float lower = -88.0f; // n = -127, where the exponent's bits are all 0
  float clamped = lower > x ? lower : x; // in this order NaN passes
  const float magic = 12582912.0f;
  vqd_bits shifted = {.f = clamped * 1.44269504f + magic};
  float n = shifted.f - magic;
  float r = clamped - n * 0.693359375f;
  r = r - n * -2.12194440e-4f;
  float p = 0.0013814613f;
  p = p * r + 0.00836871f;
  p = p * r + 0.04166839f;
  p = p * r + 0.16666521f;
  p = p * r + 0.49999994f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  vqd_bits scale = {.u = (shifted.u + 127u) << 23};
  return p * scale.f;
}

VQD_INLINE float vqd_sigmoid1(float x) { return 1.0f / (1.0f + vqd_exp1(-x)); }

// Φ(x) = erfc(-x/√2)/2 with erfc(z) = e^(-z²) t R(t), t = 1/(1 + 0.38 z), z ≥ 0. R is a least-squares fit of degree 8,
// reweighted towards equal relative error (2e-8 over z in 0…10).
VQD_INLINE float vqd_normal_cdf1(float x) {
  float z = (x < 0 ? -x : x) * 0.707106781f;
  float t = 1.0f / (1.0f + 0.38f * z);
  float r = 0.0589635065f;
  r = r * t + -0.262263865f;
  r = r * t + 0.363823419f;
  r = r * t + -0.161412223f;
  r = r * t + 0.229989741f;
  r = r * t + 0.13866645f;
  r = r * t + 0.203902054f;
  r = r * t + 0.213920015f;
  r = r * t + 0.214410922f;
  float half_erfc = 0.5f * t * r * vqd_exp_nonpositive1(-z * z);
  return x < 0 ? half_erfc : 1.0f - half_erfc;
}

#endif
