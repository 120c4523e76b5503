#include "internal.h"

#include <math.h>

// Sums along a row may be reordered, so that they vectorise. The order depends on the row's length alone.

// The largest of a row, NaN only if it comes first (the sum carries other NaNs). In lanes, because a plain loop of
// comparisons doesn't vectorise unless NaNs are ruled out.
VQD_INLINE float vqd_largest(const float *row, size_t columns) {
  enum { lanes = 16 };
  float largest[lanes];
  for (int lane = 0; lane < lanes; lane++) largest[lane] = row[0];
  size_t c = 0;
  for (; c + lanes <= columns; c += lanes) {
    for (int lane = 0; lane < lanes; lane++) largest[lane] = row[c + lane] > largest[lane] ? row[c + lane] : largest[lane];
  }
  for (; c < columns; c++) largest[0] = row[c] > largest[0] ? row[c] : largest[0];
  for (int width = lanes / 2; width > 0; width /= 2) {
    for (int lane = 0; lane < width; lane++) largest[lane] = largest[lane + width] > largest[lane] ? largest[lane + width] : largest[lane];
  }
  return largest[0];
}

VQD_CLONES void vqd_softmax(float *x, size_t rows, size_t columns, size_t stride, float scale) {
#pragma clang fp reassociate(on)
  for (size_t r = 0; r < rows; r++) {
    float *row = x + r * stride;
    float largest = vqd_largest(row, columns);
    float sum = 0;
    for (size_t c = 0; c < columns; c++) {
      row[c] = vqd_exp_nonpositive1((row[c] - largest) * scale);
      sum += row[c];
    }
    float inverse = 1.0f / sum;
    for (size_t c = 0; c < columns; c++) row[c] *= inverse;
  }
}

VQD_CLONES void vqd_log_softmax(const float *x, float *y, size_t rows, size_t columns) {
#pragma clang fp reassociate(on)
  for (size_t r = 0; r < rows; r++) {
    const float *from = x + r * columns;
    float *to = y + r * columns;
    float largest = vqd_largest(from, columns);
    float sum = 0;
    for (size_t c = 0; c < columns; c++) sum += vqd_exp_nonpositive1(from[c] - largest);
    float log_sum = logf(sum);
    for (size_t c = 0; c < columns; c++) to[c] = (from[c] - largest) - log_sum;
  }
}

// Outside the functions that may reorder sums: Σ (x - mean) must not become Σ x - n · mean.
VQD_INLINE float vqd_deviation(float x, float mean) { return x - mean; }

// Two passes. The second also sums the deviations, which corrects the rounding error of the first pass's mean: that counts
// where the mean is far larger than the deviations (Chan, Golub and LeVeque 1983, "Algorithms for computing the sample
// variance").
VQD_CLONES void vqd_layer_norm(const float *x, float *y, size_t rows, size_t columns, float epsilon, const float *scale,
                               const float *shift, float scale_offset) {
#pragma clang fp reassociate(on)
  for (size_t r = 0; r < rows; r++) {
    const float *from = x + r * columns;
    float *to = y + r * columns;
    float sum = 0;
    for (size_t c = 0; c < columns; c++) sum += from[c];
    float mean = sum / (float)columns;
    float squares = 0, rest = 0;
    for (size_t c = 0; c < columns; c++) {
      float d = vqd_deviation(from[c], mean);
      squares += d * d;
      rest += d;
    }
    rest /= (float)columns;
    float variance = squares / (float)columns - rest * rest;
    float inverse = 1.0f / sqrtf((variance > 0 ? variance : 0) + epsilon);
    for (size_t c = 0; c < columns; c++) {
      float normalised = vqd_deviation(vqd_deviation(from[c], mean), rest) * inverse;
      to[c] = scale ? normalised * (scale_offset + scale[c]) + shift[c] : normalised;
    }
  }
}

// Four rows at a time, so that sums are read and written less often; each sum still runs over the rows in their order.
VQD_CLONES void vqd_column_sums(const float *x, size_t rows, size_t columns, double *sum, double *sum_of_squares) {
  for (size_t c = 0; c < columns; c++) sum[c] = sum_of_squares[c] = 0;
  size_t r = 0;
  for (; r + 4 <= rows; r += 4) {
    const float *row = x + r * columns;
    for (size_t c = 0; c < columns; c++) {
      double v0 = row[c], v1 = row[columns + c], v2 = row[2 * columns + c], v3 = row[3 * columns + c];
      sum[c] = (((sum[c] + v0) + v1) + v2) + v3;
      sum_of_squares[c] = (((sum_of_squares[c] + v0 * v0) + v1 * v1) + v2 * v2) + v3 * v3;
    }
  }
  for (; r < rows; r++) {
    const float *row = x + r * columns;
    for (size_t c = 0; c < columns; c++) {
      double v = row[c];
      sum[c] += v;
      sum_of_squares[c] += v * v;
    }
  }
}
