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

void vqd_pack_weights(const float *b, float *packed, size_t columns, size_t inner) {
  for (size_t first = 0; first < columns; first += tile_columns) {
    size_t present = columns - first < tile_columns ? columns - first : tile_columns;
    float *to = packed + first * inner;
    for (size_t k = 0; k < inner; k++, to += tile_columns) {
      for (size_t n = 0; n < present; n++) to[n] = b[(first + n) * inner + k];
      for (size_t n = present; n < tile_columns; n++) to[n] = 0;
    }
  }
}

// `rows` × `columns` elements of C, columns ≤ 8 · halves; all sums in registers. Inlined with `rows` and `halves` constant.
VQD_INLINE void vqd_gemm_block(const float *a, size_t a_stride, const float *b, float *c, size_t c_stride, size_t inner,
                               size_t columns, int accumulate, const int rows, const int halves) {
  vqd_float8 sum[12][2];
  for (int r = 0; r < rows; r++) {
    for (int h = 0; h < halves; h++) sum[r][h] = (vqd_float8){0};
  }
  for (size_t k = 0; k < inner; k++) {
    const vqd_float8 *weights = (const vqd_float8 *)(b + k * tile_columns);
    for (int r = 0; r < rows; r++) {
      for (int h = 0; h < halves; h++) sum[r][h] += a[(size_t)r * a_stride + k] * weights[h];
    }
  }
  for (int r = 0; r < rows; r++) {
    float *to = c + (size_t)r * c_stride;
    if (columns == (size_t)(half_tile * halves)) {
      for (int h = 0; h < halves; h++) {
        vqd_float8 *part = (vqd_float8 *)to + h;
        *part = accumulate ? *part + sum[r][h] : sum[r][h];
      }
    } else {
      float values[tile_columns];
      memcpy(values, sum[r], (size_t)halves * sizeof(vqd_float8));
      for (size_t n = 0; n < columns; n++) to[n] = accumulate ? to[n] + values[n] : values[n];
    }
  }
}

// One column tile over all rows. 6 × 16 sums, or 12 × 8, fill twelve of the sixteen vector registers of AVX2: enough
// independent sums to hide the latency of the multiply-adds.
VQD_INLINE void vqd_gemm_tile(const float *a, size_t a_stride, const float *b, float *c, size_t c_stride, size_t rows,
                              size_t inner, size_t columns, int accumulate, const int halves) {
#define BLOCK(count) vqd_gemm_block(a, a_stride, b, c, c_stride, inner, columns, accumulate, count, halves)
#define EACH_BLOCK(count)                     \
  for (; rows >= count; rows -= count) {      \
    BLOCK(count);                             \
    a += count * a_stride, c += count * c_stride; \
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

VQD_INLINE void vqd_gemm_piece(const float *a, size_t a_stride, const float *packed, float *c, size_t c_stride, size_t rows, size_t inner,
                               size_t columns, int accumulate, size_t k, size_t n) {
  size_t length = inner - k < inner_block ? inner - k : inner_block;
  size_t present = columns - n < tile_columns ? columns - n : tile_columns;
  const float *b = packed + n * inner + k * tile_columns;
  if (present <= half_tile) {
    vqd_gemm_tile(a + k, a_stride, b, c + n, c_stride, rows, length, present, accumulate || k > 0, 1);
  } else {
    vqd_gemm_tile(a + k, a_stride, b, c + n, c_stride, rows, length, present, accumulate || k > 0, 2);
  }
}

VQD_CLONES void vqd_packed_gemm(const float *a, size_t a_stride, const float *packed, float *c, size_t c_stride, size_t rows,
                                size_t inner, size_t columns, int accumulate) {
  if (rows * inner <= cached_floats) {
    // A stays in cache as a whole: read B straight through.
    for (size_t n = 0; n < columns; n += tile_columns) {
      for (size_t k = 0; k < inner; k += inner_block) {
        vqd_gemm_piece(a, a_stride, packed, c, c_stride, rows, inner, columns, accumulate, k, n);
      }
    }
  } else {
    for (size_t k = 0; k < inner; k += inner_block) {
      for (size_t n = 0; n < columns; n += tile_columns) {
        vqd_gemm_piece(a, a_stride, packed, c, c_stride, rows, inner, columns, accumulate, k, n);
      }
    }
  }
}
