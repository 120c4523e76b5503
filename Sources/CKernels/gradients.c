#include "internal.h"

#include <math.h>

// The loops of the pullbacks. Sums along a row may be reordered, so that they vectorise; sums over rows run in their order.

VQD_INLINE float vqd_identity_slope1(float x) {
  (void)x;
  return 1.0f;
}

VQD_INLINE float vqd_silu_slope1(float x) {
  float s = vqd_sigmoid1(x);
  return s + x * s * (1.0f - s);
}

VQD_INLINE float vqd_quick_gelu_slope1(float x) {
  float s = vqd_sigmoid1(1.702f * x);
  return s + 1.702f * x * s * (1.0f - s);
}

VQD_INLINE float vqd_gelu_slope1(float x) {
  return vqd_normal_cdf1(x) + x * 0.39894228f * vqd_exp_nonpositive1(-0.5f * x * x);
}

#define EACH_SLOPE(LOOP)                                    \
  switch (activation) {                                     \
    case VQD_SILU: LOOP(vqd_silu_slope1) break;             \
    case VQD_GELU: LOOP(vqd_gelu_slope1) break;             \
    case VQD_QUICK_GELU: LOOP(vqd_quick_gelu_slope1) break; \
    case VQD_IDENTITY: LOOP(vqd_identity_slope1) break;     \
  }

VQD_CLONES void vqd_activation_gradient(const float *x, const float *dy, float *dx, size_t count, vqd_activation activation) {
#define SLOPE(f) \
  for (size_t i = 0; i < count; i++) dx[i] = dy[i] * f(x[i]);
  EACH_SLOPE(SLOPE)
}

VQD_CLONES void vqd_softmax_gradient(const float *y, const float *dy, float *dx, size_t rows, size_t columns, float scale) {
#pragma clang fp reassociate(on)
  for (size_t r = 0; r < rows; r++) {
    const float *p = y + r * columns, *from = dy + r * columns;
    float *to = dx + r * columns;
    float dot = 0;
    for (size_t c = 0; c < columns; c++) dot += p[c] * from[c];
    for (size_t c = 0; c < columns; c++) to[c] = scale * p[c] * (from[c] - dot);
  }
}

// Outside the functions that may reorder sums: Σ (x - mean) must not become Σ x - n · mean.
VQD_INLINE float vqd_centered(float x, float mean) { return x - mean; }

VQD_CLONES void vqd_layer_norm_gradient(const float *x, const float *dy, float *dx, size_t rows, size_t columns, float epsilon,
                                        const float *scale, float scale_offset, double *d_scale, double *d_shift) {
#pragma clang fp reassociate(on)
  float inverse_count = 1.0f / (float)columns;
  for (size_t r = 0; r < rows; r++) {
    const float *from = x + r * columns, *g = dy + r * columns;
    float *to = dx + r * columns;
    float sum = 0;
    for (size_t c = 0; c < columns; c++) sum += from[c];
    float mean = sum * inverse_count;
    float squares = 0, rest = 0;
    for (size_t c = 0; c < columns; c++) {
      float d = vqd_centered(from[c], mean);
      squares += d * d;
      rest += d;
    }
    rest *= inverse_count;
    float variance = squares * inverse_count - rest * rest;
    float inverse = 1.0f / sqrtf((variance > 0 ? variance : 0) + epsilon);
    float gradients = 0, products = 0;
    for (size_t c = 0; c < columns; c++) {
      float n = vqd_centered(vqd_centered(from[c], mean), rest) * inverse;
      float scaled = g[c] * (scale_offset + scale[c]);
      gradients += scaled;
      products += scaled * n;
    }
    gradients *= inverse_count;
    products *= inverse_count;
    for (size_t c = 0; c < columns; c++) {
      float n = vqd_centered(vqd_centered(from[c], mean), rest) * inverse;
      to[c] = (g[c] * (scale_offset + scale[c]) - gradients - n * products) * inverse;
      d_scale[c] += g[c] * n;
      d_shift[c] += g[c];
    }
  }
}

VQD_CLONES void vqd_column_norm_sums(const float *x, const float *dy, size_t rows, size_t columns, const vqd_column_norm *norm,
                                     double *sum, double *sum_of_products) {
  vqd_activation activation = norm->activation;
  const float *center = norm->center, *deviation = norm->deviation, *offset = norm->offset;
  const float *scale = norm->scale, *shift = norm->shift;
  for (size_t c = 0; c < columns; c++) sum[c] = sum_of_products[c] = 0;
  for (size_t r = 0; r < rows; r++) {
    const float *from = x + r * columns, *up = dy + r * columns;
#define SUMS(f)                                                \
  for (size_t c = 0; c < columns; c++) {                       \
    float n = (from[c] - center[c]) * deviation[c] + offset[c]; \
    float g = up[c] * f(n * scale[c] + shift[c]);              \
    sum[c] += g;                                               \
    sum_of_products[c] += (double)g * n;                       \
  }
    EACH_SLOPE(SUMS)
  }
}

VQD_CLONES void vqd_column_norm_gradient(const float *x, const float *dy, float *dx, size_t rows, size_t columns,
                                         const vqd_column_norm *norm, const float *mean, const float *product_mean) {
  vqd_activation activation = norm->activation;
  const float *center = norm->center, *deviation = norm->deviation, *offset = norm->offset;
  const float *scale = norm->scale, *shift = norm->shift;
  for (size_t r = 0; r < rows; r++) {
    const float *from = x + r * columns, *up = dy + r * columns;
    float *to = dx + r * columns;
#define NORM_GRADIENT(f)                                                       \
  for (size_t c = 0; c < columns; c++) {                                       \
    float n = (from[c] - center[c]) * deviation[c] + offset[c];                 \
    float g = up[c] * f(n * scale[c] + shift[c]);                              \
    to[c] = (g * scale[c] - mean[c] - n * product_mean[c]) * deviation[c];      \
  }
    EACH_SLOPE(NORM_GRADIENT)
  }
}
