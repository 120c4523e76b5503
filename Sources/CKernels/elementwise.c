#include "internal.h"

VQD_CLONES void vqd_exp(const float *x, float *y, size_t count) {
  for (size_t i = 0; i < count; i++) y[i] = vqd_exp1(x[i]);
}

VQD_CLONES void vqd_add(const float *x, float *y, size_t count) {
  for (size_t i = 0; i < count; i++) y[i] += x[i];
}

VQD_INLINE float vqd_gelu1(float x) { return x * vqd_normal_cdf1(x); }
VQD_INLINE float vqd_silu1(float x) { return x * vqd_sigmoid1(x); }
VQD_INLINE float vqd_quick_gelu1(float x) { return x * vqd_sigmoid1(1.702f * x); }
VQD_INLINE float vqd_identity1(float x) { return x; }

#define EACH_ACTIVATION(LOOP)                         \
  switch (activation) {                               \
    case VQD_SILU: LOOP(vqd_silu1) break;             \
    case VQD_GELU: LOOP(vqd_gelu1) break;             \
    case VQD_QUICK_GELU: LOOP(vqd_quick_gelu1) break; \
    case VQD_IDENTITY: LOOP(vqd_identity1) break;     \
  }

VQD_CLONES void vqd_bias_activation(float *x, size_t rows, size_t columns, size_t stride, const float *bias,
                                    vqd_activation activation) {
  for (size_t r = 0; r < rows; r++) {
    float *row = x + r * stride;
#define WITH_BIAS(f) \
  for (size_t c = 0; c < columns; c++) row[c] = f(row[c] + bias[c]);
#define WITHOUT_BIAS(f) \
  for (size_t c = 0; c < columns; c++) row[c] = f(row[c]);
    if (bias) {
      EACH_ACTIVATION(WITH_BIAS)
    } else {
      EACH_ACTIVATION(WITHOUT_BIAS)
    }
  }
}

VQD_CLONES void vqd_column_affine(const float *x, float *y, size_t rows, size_t columns, const float *center, const float *scale,
                                  const float *shift, vqd_activation activation) {
  for (size_t r = 0; r < rows; r++) {
    const float *from = x + r * columns;
    float *to = y + r * columns;
#define AFFINE(f) \
  for (size_t c = 0; c < columns; c++) to[c] = f((from[c] - center[c]) * scale[c] + shift[c]);
    EACH_ACTIVATION(AFFINE)
  }
}
