#include "internal.h"

#include <string.h>

// Winograd's minimal filtering F(m×m, 3×3), m = 2 or 4 (Lavin & Gray 2016): Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A with n = m + 2 points a side.
// The matrices are those of Cook and Toom for the points 0, ±1, ∞ (m = 2) and 0, ±3/4, ±3/2, ∞ (m = 4). The usual 0, ±1, ±2, ∞ have
// smaller constants but 2.5 times the rounding error (measured over 512 channels: 1.8e-6 of the output's deviation against 7.3e-7).

typedef float v8 __attribute__((vector_size(32), aligned(4)));

// Vectors are passed between inlined functions only, where there is no calling convention to differ.
#pragma clang diagnostic ignored "-Wpsabi"

enum { lanes = 8 };

// The two pairs of points ±p, ±q of m = 4.
static const float p = 0.75f, q = 1.5f, p2 = 0.5625f, q2 = 2.25f;

VQD_INLINE v8 vqd_load(const float *from, size_t count) {
  if (count >= lanes) return *(const v8 *)from;
  v8 value = {0};
  memcpy(&value, from, count * sizeof(float));
  return value;
}

VQD_INLINE void vqd_store(float *to, v8 value, size_t count) {
  if (count >= lanes) {
    *(v8 *)to = value;
  } else {
    memcpy(to, &value, count * sizeof(float));
  }
}

// o = Bᵀ d
VQD_INLINE void vqd_input_line(const v8 *d, size_t d_stride, v8 *o, size_t o_stride, const int m) {
#define D(i) d[(i) * d_stride]
#define O(i) o[(i) * o_stride]
  if (m == 2) {
    O(0) = D(2) - D(0);
    O(1) = D(2) + D(1);
    O(2) = D(2) - D(1);
    O(3) = D(3) - D(1);
  } else {
    v8 even_p = D(4) - q2 * D(2), odd_p = p * (D(3) - q2 * D(1));
    v8 even_q = D(4) - p2 * D(2), odd_q = q * (D(3) - p2 * D(1));
    O(0) = D(4) - (p2 + q2) * D(2) + (p2 * q2) * D(0);
    O(1) = even_p + odd_p;
    O(2) = even_p - odd_p;
    O(3) = even_q + odd_q;
    O(4) = even_q - odd_q;
    O(5) = D(5) - (p2 + q2) * D(3) + (p2 * q2) * D(1);
  }
}

// o = G g
VQD_INLINE void vqd_weight_line(const v8 *d, size_t d_stride, v8 *o, size_t o_stride, const int m) {
  if (m == 2) {
    v8 even = 0.5f * (D(0) + D(2)), odd = 0.5f * D(1);
    O(0) = -D(0);
    O(1) = even + odd;
    O(2) = even - odd;
    O(3) = D(2);
  } else {
    const float fp = 1.0f / (2 * p2 * (p2 - q2)), fq = 1.0f / (2 * q2 * (q2 - p2));
    v8 even_p = fp * (D(0) + p2 * D(2)), odd_p = (fp * p) * D(1);
    v8 even_q = fq * (D(0) + q2 * D(2)), odd_q = (fq * q) * D(1);
    O(0) = (1.0f / (p2 * q2)) * D(0);
    O(1) = even_p + odd_p;
    O(2) = even_p - odd_p;
    O(3) = even_q + odd_q;
    O(4) = even_q - odd_q;
    O(5) = D(2);
  }
}

// o = Aᵀ d
VQD_INLINE void vqd_output_line(const v8 *d, size_t d_stride, v8 *o, size_t o_stride, const int m) {
  if (m == 2) {
    O(0) = D(0) + D(1) + D(2);
    O(1) = D(1) - D(2) + D(3);
  } else {
    v8 sum_p = D(1) + D(2), difference_p = p * (D(1) - D(2));
    v8 sum_q = D(3) + D(4), difference_q = q * (D(3) - D(4));
    O(0) = D(0) + sum_p + sum_q;
    O(1) = difference_p + difference_q;
    O(2) = p2 * sum_p + q2 * sum_q;
    O(3) = p2 * difference_p + q2 * difference_q + D(5);
  }
#undef D
#undef O
}

VQD_INLINE void vqd_input_tile(const vqd_tile_image *image, const float *from, ptrdiff_t top, ptrdiff_t left, float *to,
                               size_t point_stride, const int m) {
  const int n = m + 2;
  const ptrdiff_t height = (ptrdiff_t)image->height, width = (ptrdiff_t)image->width;
  for (size_t c = 0; c < image->channels; c += lanes) {
    size_t present = image->channels - c;
    v8 d[36], half[36];
    for (int y = 0; y < n; y++) {
      for (int x = 0; x < n; x++) {
        ptrdiff_t row = top + y, column = left + x;
        int is_inside = row >= 0 && row < height && column >= 0 && column < width;
        d[y * n + x] = is_inside ? vqd_load(from + (row * width + column) * (ptrdiff_t)image->channels + c, present) : (v8){0};
      }
    }
    for (int x = 0; x < n; x++) vqd_input_line(d + x, n, half + x, n, m);
    for (int y = 0; y < n; y++) vqd_input_line(half + y * n, 1, d + y * n, 1, m);
    for (int point = 0; point < n * n; point++) vqd_store(to + point * point_stride + c, d[point], present);
  }
}

VQD_CLONES void vqd_winograd_input(const float *x, const vqd_tile_image *image, size_t first, size_t count, float *v,
                                   size_t point_stride, int m) {
  size_t rows = (image->height + m - 1) / m, columns = (image->width + m - 1) / m;
  for (size_t i = 0; i < count; i++) {
    size_t tile = first + i, place = tile % (rows * columns);
    const float *from = x + tile / (rows * columns) * image->height * image->width * image->channels;
    ptrdiff_t top = (ptrdiff_t)(place / columns) * m - 1, left = (ptrdiff_t)(place % columns) * m - 1;
    float *to = v + i * image->channels;
    if (m == 2) {
      vqd_input_tile(image, from, top, left, to, point_stride, 2);
    } else {
      vqd_input_tile(image, from, top, left, to, point_stride, 4);
    }
  }
}

VQD_INLINE void vqd_output_tile(const float *from, size_t point_stride, const vqd_tile_image *image, const float *bias, float *to,
                                size_t top, size_t left, int accumulate, const int m) {
  const int n = m + 2;
  for (size_t c = 0; c < image->channels; c += lanes) {
    size_t present = image->channels - c;
    v8 d[36], half[24], y[16];
    for (int point = 0; point < n * n; point++) d[point] = vqd_load(from + point * point_stride + c, present);
    for (int x = 0; x < n; x++) vqd_output_line(d + x, n, half + x, n, m);
    for (int row = 0; row < m; row++) vqd_output_line(half + row * n, 1, y + row * m, 1, m);
    v8 shift = bias ? vqd_load(bias + c, present) : (v8){0};
    for (int row = 0; row < m && top + row < image->height; row++) {
      for (int column = 0; column < m && left + column < image->width; column++) {
        float *pixel = to + ((top + row) * image->width + left + column) * image->channels + c;
        v8 value = y[row * m + column] + shift;
        if (accumulate) value += vqd_load(pixel, present);
        vqd_store(pixel, value, present);
      }
    }
  }
}

VQD_CLONES void vqd_winograd_output(const float *products, size_t point_stride, const vqd_tile_image *image, size_t first, size_t count,
                                    const float *bias, float *y, int accumulate, int m) {
  size_t rows = (image->height + m - 1) / m, columns = (image->width + m - 1) / m;
  for (size_t i = 0; i < count; i++) {
    size_t tile = first + i, place = tile % (rows * columns);
    float *to = y + tile / (rows * columns) * image->height * image->width * image->channels;
    size_t top = place / columns * m, left = place % columns * m;
    const float *from = products + i * image->channels;
    if (m == 2) {
      vqd_output_tile(from, point_stride, image, bias, to, top, left, accumulate, 2);
    } else {
      vqd_output_tile(from, point_stride, image, bias, to, top, left, accumulate, 4);
    }
  }
}

VQD_INLINE void vqd_weight_filters(const float *w, size_t filters, size_t filter_stride, float *to, size_t point_stride, const int m) {
  const int n = m + 2;
  v8 g[9], half[18], u[36];
  for (int tap = 0; tap < 9; tap++) {
    g[tap] = (v8){0};
    for (size_t filter = 0; filter < filters; filter++) g[tap][filter] = w[filter * filter_stride + tap];
  }
  for (int x = 0; x < 3; x++) vqd_weight_line(g + x, 3, half + x, 3, m);
  for (int y = 0; y < n; y++) vqd_weight_line(half + y * 3, 1, u + y * n, 1, m);
  for (int point = 0; point < n * n; point++) *(v8 *)(to + point * point_stride) = u[point];
}

VQD_CLONES void vqd_winograd_weights(const float *w, size_t filters, size_t filter_stride, size_t count, size_t w_step, float *u,
                                     size_t u_step, size_t point_stride, int m) {
  for (size_t i = 0; i < count; i++) {
    if (m == 2) {
      vqd_weight_filters(w + i * w_step, filters, filter_stride, u + i * u_step, point_stride, 2);
    } else {
      vqd_weight_filters(w + i * w_step, filters, filter_stride, u + i * u_step, point_stride, 4);
    }
  }
}
