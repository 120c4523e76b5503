#include "internal.h"

// Bit manipulation rather than _Float16: no runtime library call on CPUs without half-precision instructions.

VQD_CLONES void vqd_widen_bf16(const uint16_t *x, float *y, size_t count) {
  for (size_t i = 0; i < count; i++) {
    vqd_bits b = {.u = (uint32_t)x[i] << 16};
    y[i] = b.f;
  }
}

VQD_CLONES void vqd_widen_f16(const uint16_t *x, float *y, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint32_t sign = (uint32_t)(x[i] & 0x8000u) << 16, magnitude = x[i] & 0x7fffu;
    vqd_bits finite = {.f = vqd_widen_finite_f16(x[i])};
    uint32_t special = sign | 0x7f800000u | (magnitude << 13);
    vqd_bits result = {.u = magnitude >= 0x7c00u ? special : finite.u};
    y[i] = result.f;
  }
}

VQD_CLONES void vqd_narrow_bf16(const float *x, uint16_t *y, size_t count) {
  for (size_t i = 0; i < count; i++) {
    vqd_bits b = {.f = x[i]};
    uint32_t rounded = (b.u + 0x7fffu + ((b.u >> 16) & 1u)) >> 16;
    uint32_t quiet = (b.u >> 16) | 0x40u;
    y[i] = (uint16_t)((b.u & 0x7fffffffu) > 0x7f800000u ? quiet : rounded);
  }
}

VQD_CLONES void vqd_narrow_f16(const float *x, uint16_t *y, size_t count) {
  for (size_t i = 0; i < count; i++) {
    vqd_bits b = {.f = x[i]};
    uint32_t sign = (b.u >> 16) & 0x8000u, magnitude = b.u & 0x7fffffffu;
    // Normal range: rebias the exponent by 112 and round to nearest even at bit 13; an overflow carries into infinity.
    uint32_t normal = (magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
    normal = normal > 0x7c00u ? 0x7c00u : normal;
    // Subnormal range: adding 0.5 makes the float unit round to multiples of 2^-24.
    vqd_bits m = {.u = magnitude};
    vqd_bits shifted = {.f = m.f + 0.5f};
    uint32_t subnormal = shifted.u - 0x3f000000u;
    uint32_t finite = magnitude < 0x38800000u ? subnormal : normal;
    uint32_t special = magnitude > 0x7f800000u ? 0x7e00u : 0x7c00u;
    y[i] = (uint16_t)(sign | (magnitude >= 0x47800000u ? special : finite));
  }
}

VQD_CLONES int vqd_all_finite_f16(const uint16_t *x, size_t count) {
  uint16_t largest = 0;
  for (size_t i = 0; i < count; i++) {
    uint16_t magnitude = x[i] & 0x7fffu;
    largest = magnitude > largest ? magnitude : largest;
  }
  return largest < 0x7c00u;
}
