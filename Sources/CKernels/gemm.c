#include "internal.h"

#include <string.h>

// Eight floats, read and written at any address.
typedef float vqd_float8 __attribute__((vector_size(32), aligned(4)));

enum { tile_columns = VQD_TILE_COLUMNS, half_tile = tile_columns / 2 };

// Rows of A and B of one such block stay in the first two levels of cache. Each block's sum starts from zero, which also
// keeps rounding errors of long sums small.
enum { inner_block = 384 };

// Floats of A that fit into the second-level cache beside a tile of B.
enum { cached_floats = 64 << 10 };

// 8 rows and 8 columns of B, transposed.
VQD_INLINE void vqd_transpose8(const float *b, size_t b_stride, float *to, size_t to_stride) {
  typedef vqd_float8 v;
  v row[8], pair[8], quad[8];
#define EACH8 _Pragma("clang loop unroll(full)") for (int i = 0; i < 8; i++)
#define EACH4() _Pragma("clang loop unroll(full)") for (int i = 0; i < 4; i++)
  EACH8 row[i] = *(const v *)(b + (size_t)i * b_stride);
  EACH4() {
    pair[2 * i] = __builtin_shufflevector(row[2 * i], row[2 * i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    pair[2 * i + 1] = __builtin_shufflevector(row[2 * i], row[2 * i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
  _Pragma("clang loop unroll(full)") for (int i = 0; i < 2; i++) {
    v a = pair[4 * i], b = pair[4 * i + 1], c = pair[4 * i + 2], d = pair[4 * i + 3];
    quad[4 * i] = __builtin_shufflevector(a, c, 0, 1, 8, 9, 4, 5, 12, 13);
    quad[4 * i + 1] = __builtin_shufflevector(a, c, 2, 3, 10, 11, 6, 7, 14, 15);
    quad[4 * i + 2] = __builtin_shufflevector(b, d, 0, 1, 8, 9, 4, 5, 12, 13);
    quad[4 * i + 3] = __builtin_shufflevector(b, d, 2, 3, 10, 11, 6, 7, 14, 15);
  }
  EACH4() {
    *(v *)(to + (size_t)i * to_stride) = __builtin_shufflevector(quad[i], quad[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    *(v *)(to + (size_t)(i + 4) * to_stride) = __builtin_shufflevector(quad[i], quad[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}

VQD_CLONES void vqd_pack_weights(const float *b, size_t b_stride, float *packed, size_t columns, size_t inner) {
  for (size_t first = 0; first < columns; first += tile_columns, packed += tile_columns * inner, b += tile_columns * b_stride) {
    size_t present = columns - first < tile_columns ? columns - first : tile_columns;
    size_t k = 0;
    if (present == tile_columns) {
      for (; k + 8 <= inner; k += 8) {
        vqd_transpose8(b + k, b_stride, packed + k * tile_columns, tile_columns);
        vqd_transpose8(b + 8 * b_stride + k, b_stride, packed + k * tile_columns + 8, tile_columns);
      }
    }
    for (; k < inner; k++) {
      float *to = packed + k * tile_columns;
      for (size_t n = 0; n < present; n++) to[n] = b[n * b_stride + k];
      for (size_t n = present; n < tile_columns; n++) to[n] = 0;
    }
  }
}

VQD_CLONES void vqd_transpose(const float *x, size_t x_stride, float *y, size_t y_stride, size_t rows, size_t columns) {
  size_t r = 0;
  for (; r + 8 <= rows; r += 8) {
    size_t c = 0;
    for (; c + 8 <= columns; c += 8) vqd_transpose8(x + r * x_stride + c, x_stride, y + c * y_stride + r, y_stride);
    for (; c < columns; c++) {
      for (size_t i = r; i < r + 8; i++) y[c * y_stride + i] = x[i * x_stride + c];
    }
  }
  for (; r < rows; r++) {
    for (size_t c = 0; c < columns; c++) y[c * y_stride + r] = x[r * x_stride + c];
  }
}

VQD_CLONES void vqd_pack_transposed(const float *b, size_t b_stride, float *packed, size_t columns, size_t inner) {
  for (size_t first = 0; first < columns; first += tile_columns) {
    size_t present = columns - first < tile_columns ? columns - first : tile_columns;
    for (size_t k = 0; k < inner; k++, packed += tile_columns) {
      const float *from = b + k * b_stride + first;
      if (present == tile_columns) {
        memcpy(packed, from, tile_columns * sizeof(float));
      } else {
        for (size_t n = 0; n < tile_columns; n++) packed[n] = n < present ? from[n] : 0;
      }
    }
  }
}

#define EACH_ROW _Pragma("clang loop unroll(full)") for (int r = 0; r < rows; r++)
#define EACH_HALF _Pragma("clang loop unroll(full)") for (int h = 0; h < halves; h++)

// Where a product's results go.
typedef struct {
  float *c;
  size_t stride;
  // Added to the product; NULL if nothing is.
  const float *bias;
  int accumulate;
} vqd_target;

// `rows` × `columns` elements of C, columns ≤ 8 · halves; all sums in registers. Inlined with `rows` and `halves` constant and every
// loop over them unrolled: otherwise the compiler keeps some sums in memory.
VQD_INLINE void vqd_gemm_block(const float *a, size_t a_stride, const float *b, vqd_target target, size_t inner, size_t columns,
                               const int rows, const int halves) {
  vqd_float8 sum[12][2];
  const float *row[12];
  EACH_ROW row[r] = a + (size_t)r * a_stride;
  EACH_ROW EACH_HALF sum[r][h] = (vqd_float8){0};
#pragma clang loop unroll_count(4)
  for (size_t k = 0; k < inner; k++) {
    const vqd_float8 *weights = (const vqd_float8 *)(b + k * tile_columns);
    EACH_ROW EACH_HALF sum[r][h] += row[r][k] * weights[h];
  }
  int whole = columns == (size_t)(half_tile * halves);
  EACH_ROW EACH_HALF {
    float *to = target.c + (size_t)r * target.stride + half_tile * h;
    const float *bias = target.bias ? target.bias + half_tile * h : NULL;
    if (whole) {
      if (bias) sum[r][h] += *(const vqd_float8 *)bias;
      *(vqd_float8 *)to = target.accumulate ? *(const vqd_float8 *)to + sum[r][h] : sum[r][h];
    } else {
      for (size_t n = 0; n < half_tile && half_tile * (size_t)h + n < columns; n++) {
        float value = bias ? sum[r][h][n] + bias[n] : sum[r][h][n];
        to[n] = target.accumulate ? to[n] + value : value;
      }
    }
  }
}

// One column tile over all rows. 6 × 16 sums, or 12 × 8, fill twelve of the sixteen vector registers of AVX2: enough
// independent sums to hide the latency of the multiply-adds.
VQD_INLINE void vqd_gemm_tile(const float *a, size_t a_stride, const float *b, vqd_target target, size_t rows, size_t inner,
                              size_t columns, const int halves) {
#define BLOCK(count) vqd_gemm_block(a, a_stride, b, target, inner, columns, count, halves)
#define EACH_BLOCK(count)                                        \
  for (; rows >= count; rows -= count) {                         \
    BLOCK(count);                                                \
    a += count * a_stride, target.c += count * target.stride;    \
  }
  if (halves == 1) EACH_BLOCK(12)
  EACH_BLOCK(6)
  switch (rows) {
    case 5: BLOCK(5); break;
    case 4: BLOCK(4); break;
    case 3: BLOCK(3); break;
    case 2: BLOCK(2); break;
    case 1: BLOCK(1); break;
  }
}

// Packed weights, as floats or as 16-bit floats; the other is NULL.
typedef struct {
  const float *floats;
  const uint16_t *halves;
} vqd_packed;

// One block of one column tile, over all rows. Halves are widened into `widened`, once for all rows.
VQD_INLINE void vqd_gemm_piece(const float *a, size_t a_stride, vqd_packed packed, float *widened, vqd_target target, size_t rows,
                               size_t inner, size_t columns, size_t k, size_t n) {
  size_t length = inner - k < inner_block ? inner - k : inner_block;
  size_t present = columns - n < tile_columns ? columns - n : tile_columns;
  size_t start = n * inner + k * tile_columns;
  const float *b = widened;
  if (packed.halves) {
    for (size_t i = 0; i < length * tile_columns; i++) widened[i] = vqd_widen_finite_f16(packed.halves[start + i]);
  } else {
    b = packed.floats + start;
  }
  target.c += n;
  target.bias = target.bias && k == 0 ? target.bias + n : NULL;
  target.accumulate |= k > 0;
  if (present <= half_tile) {
    vqd_gemm_tile(a + k, a_stride, b, target, rows, length, present, 1);
  } else {
    vqd_gemm_tile(a + k, a_stride, b, target, rows, length, present, 2);
  }
}

VQD_INLINE void vqd_gemm_pieces(const float *a, size_t a_stride, vqd_packed packed, float *widened, vqd_target target, size_t rows,
                                size_t inner, size_t columns) {
  if (rows * inner <= cached_floats) {
    // A stays in cache as a whole: read B straight through.
    for (size_t n = 0; n < columns; n += tile_columns) {
      for (size_t k = 0; k < inner; k += inner_block) {
        vqd_gemm_piece(a, a_stride, packed, widened, target, rows, inner, columns, k, n);
      }
    }
  } else {
    for (size_t k = 0; k < inner; k += inner_block) {
      for (size_t n = 0; n < columns; n += tile_columns) {
        vqd_gemm_piece(a, a_stride, packed, widened, target, rows, inner, columns, k, n);
      }
    }
  }
}

VQD_CLONES void vqd_packed_gemm(const float *a, size_t a_stride, const float *packed, const float *bias, float *c, size_t c_stride,
                                size_t rows, size_t inner, size_t columns, int accumulate) {
  vqd_target target = {c, c_stride, bias, accumulate};
  vqd_gemm_pieces(a, a_stride, (vqd_packed){.floats = packed}, NULL, target, rows, inner, columns);
}

VQD_CLONES void vqd_packed_gemm_f16(const float *a, size_t a_stride, const uint16_t *packed, const float *bias, float *c,
                                    size_t c_stride, size_t rows, size_t inner, size_t columns, int accumulate) {
  // Stays in the first-level cache.
  _Alignas(64) float widened[inner_block * tile_columns];
  vqd_target target = {c, c_stride, bias, accumulate};
  vqd_gemm_pieces(a, a_stride, (vqd_packed){.halves = packed}, widened, target, rows, inner, columns);
}
