#include "internal.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { tile_columns = VQD_TILE_COLUMNS, quad = 4, highest_block = 12 };

static const float magic = 12582912.0f;  // 1.5 · 2^23: adding it rounds to the nearest integer

// A tile as it lies in memory; `codes` in groups of 2 or 4 along k, innermost, for the variant's multiply-add.
typedef struct {
  int32_t start[tile_columns];  // what sums begin with
  float scale[tile_columns];
  int8_t codes[];
} vqd_int8_tile;

static size_t vqd_padded(size_t inner) { return (inner + quad - 1) / quad * quad; }

static size_t vqd_code_bytes(vqd_int8_variant variant) { return variant == VQD_INT8_VNNI ? 1 : 2; }

size_t vqd_int8_tile_bytes(size_t inner) { return sizeof(vqd_int8_tile) + tile_columns * vqd_padded(inner); }

size_t vqd_int8_row_bytes(size_t inner, vqd_int8_variant variant) { return vqd_padded(inner) * vqd_code_bytes(variant); }

int vqd_int8_available(vqd_int8_variant variant) {
  switch (variant) {
    case VQD_INT8_PORTABLE: return 1;
#if defined(__x86_64__)
    case VQD_INT8_AVX2: return __builtin_cpu_supports("avx2") != 0;
    case VQD_INT8_VNNI:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vnni");
#endif
    default: return 0;
  }
}

vqd_int8_variant vqd_int8_best(void) {
  if (vqd_int8_available(VQD_INT8_VNNI)) return VQD_INT8_VNNI;
  return vqd_int8_available(VQD_INT8_AVX2) ? VQD_INT8_AVX2 : VQD_INT8_PORTABLE;
}

// max|x| / 127, and its inverse. The bits of a magnitude order like the magnitude, NaN above all.
VQD_INLINE float vqd_int8_scale(const float *x, size_t count, float *inverse) {
  uint32_t largest = 0;
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, x + i, sizeof bits);
    bits &= 0x7fffffffu;
    largest = bits > largest ? bits : largest;
  }
  vqd_bits magnitude = {.u = largest};
  *inverse = 0;
  if (largest >= 0x7f800000u) return __builtin_nanf("");
  if (magnitude.f < 0x1p-119f) return 0;  // the inverse would overflow
  *inverse = 127.0f / magnitude.f;
  return magnitude.f / 127.0f;
}

// Two statements, so that no compiler fuses them: every instruction set rounds alike.
VQD_INLINE int32_t vqd_int8_code(float x, float inverse) {
  float scaled = inverse == 0 ? 0 : x * inverse;
  vqd_bits shifted = {.f = scaled + magic};
  return (int32_t)(shifted.u - 0x4b400000u);
}

VQD_CLONES void vqd_int8_quantize(const float *x, size_t rows, size_t inner, void *codes, float *scales, vqd_int8_variant variant) {
  const size_t padded = vqd_padded(inner);
  for (size_t r = 0; r < rows; r++, x += inner) {
    float inverse;
    scales[r] = vqd_int8_scale(x, inner, &inverse);
    if (variant == VQD_INT8_VNNI) {
      uint8_t *to = (uint8_t *)codes + r * padded;
      for (size_t k = 0; k < inner; k++) to[k] = (uint8_t)(vqd_int8_code(x[k], inverse) + 128);
      memset(to + inner, 0, padded - inner);
    } else {
      int16_t *to = (int16_t *)codes + r * padded;
      for (size_t k = 0; k < inner; k++) to[k] = (int16_t)vqd_int8_code(x[k], inverse);
      memset(to + inner, 0, (padded - inner) * sizeof *to);
    }
  }
}

void vqd_int8_pack_weights(const float *b, void *packed, size_t columns, size_t inner, vqd_int8_variant variant) {
  const size_t group = variant == VQD_INT8_VNNI ? 4 : 2;
  for (size_t first = 0; first < columns; first += tile_columns) {
    vqd_int8_tile *tile = (vqd_int8_tile *)((char *)packed + first / tile_columns * vqd_int8_tile_bytes(inner));
    memset(tile, 0, vqd_int8_tile_bytes(inner));
    for (size_t n = 0; n < tile_columns && first + n < columns; n++) {
      const float *from = b + (first + n) * inner;
      float inverse;
      tile->scale[n] = vqd_int8_scale(from, inner, &inverse);
      int32_t sum = 0;
      for (size_t k = 0; k < inner; k++) {
        int32_t code = vqd_int8_code(from[k], inverse);
        tile->codes[(k / group * tile_columns + n) * group + k % group] = (int8_t)code;
        sum += code;
      }
      // VNNI multiplies by a + 128, its first operand being unsigned.
      tile->start[n] = variant == VQD_INT8_VNNI ? -128 * sum : 0;
    }
  }
}

// Sums [rows, 16] of `rows` rows of codes times a tile, from the tile's start; rows at most the variant's block height.
typedef void vqd_int8_block(const void *codes, const vqd_int8_tile *tile, size_t padded, size_t rows, int32_t *sums);

static void vqd_int8_block_portable(const void *codes, const vqd_int8_tile *tile, size_t padded, size_t rows, int32_t *sums) {
  for (size_t r = 0; r < rows; r++) {
    const int16_t *a = (const int16_t *)codes + r * padded;
    const int8_t *w = tile->codes;
    int32_t sum[tile_columns];
    memcpy(sum, tile->start, sizeof sum);
    for (size_t k = 0; k < padded; k += 2, w += 2 * tile_columns) {
      for (size_t n = 0; n < tile_columns; n++) sum[n] += a[k] * w[2 * n] + a[k + 1] * w[2 * n + 1];
    }
    memcpy(sums + r * tile_columns, sum, sizeof sum);
  }
}

#if defined(__x86_64__)

// One of the block heights, known to the compiler, so that all sums stay in registers.
#define EACH_HEIGHT(M) M(1) M(2) M(3) M(4) M(5) M(6)
#define EACH_TALL_HEIGHT(M) EACH_HEIGHT(M) M(7) M(8) M(9) M(10) M(11) M(12)

// Pairs of codes, widened to 16 bits, multiplied and added to 32 bits: exact, while multiplying bytes directly
// (vpmaddubsw) would have to limit the values. 6 × 16 sums fill twelve of the sixteen registers.
__attribute__((target("avx2"), always_inline)) static inline void vqd_int8_rows_avx2(
    const int16_t *a, const vqd_int8_tile *tile, size_t padded, int32_t *sums, const int rows) {
  __m256i sum[6][2];
  for (int r = 0; r < rows; r++) {
    for (int h = 0; h < 2; h++) sum[r][h] = _mm256_loadu_si256((const __m256i *)tile->start + h);
  }
  const int8_t *w = tile->codes;
  for (size_t k = 0; k < padded; k += 2, w += 2 * tile_columns) {
    __m256i low = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)w));
    __m256i high = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)w + 1));
    for (int r = 0; r < rows; r++) {
      int32_t pair;
      memcpy(&pair, a + (size_t)r * padded + k, sizeof pair);
      __m256i both = _mm256_set1_epi32(pair);
      sum[r][0] = _mm256_add_epi32(sum[r][0], _mm256_madd_epi16(both, low));
      sum[r][1] = _mm256_add_epi32(sum[r][1], _mm256_madd_epi16(both, high));
    }
  }
  for (int r = 0; r < rows; r++) {
    for (int h = 0; h < 2; h++) _mm256_storeu_si256((__m256i *)(sums + r * tile_columns) + h, sum[r][h]);
  }
}

__attribute__((target("avx2"))) static void vqd_int8_block_avx2(const void *codes, const vqd_int8_tile *tile, size_t padded,
                                                                size_t rows, int32_t *sums) {
#define HEIGHT(count) case count: vqd_int8_rows_avx2(codes, tile, padded, sums, count); break;
  switch (rows) { EACH_HEIGHT(HEIGHT) }
#undef HEIGHT
}

#define VQD_VNNI_TARGET "avx512f,avx512bw,avx512vl,avx512vnni"

// vpdpbusd: four unsigned times four signed bytes, added to 32 bits without saturation. What 128 adds may wrap; `start`
// takes it back exactly.
__attribute__((target(VQD_VNNI_TARGET), always_inline)) static inline void vqd_int8_rows_vnni(
    const uint8_t *a, const vqd_int8_tile *tile, size_t padded, int32_t *sums, const int rows) {
  __m512i sum[highest_block];
  for (int r = 0; r < rows; r++) sum[r] = _mm512_loadu_si512(tile->start);
  const int8_t *w = tile->codes;
  for (size_t k = 0; k < padded; k += quad, w += quad * tile_columns) {
    __m512i weights = _mm512_loadu_si512(w);
    for (int r = 0; r < rows; r++) {
      int32_t four;
      memcpy(&four, a + (size_t)r * padded + k, sizeof four);
      sum[r] = _mm512_dpbusd_epi32(sum[r], _mm512_set1_epi32(four), weights);
    }
  }
  for (int r = 0; r < rows; r++) _mm512_storeu_si512(sums + r * tile_columns, sum[r]);
}

__attribute__((target(VQD_VNNI_TARGET))) static void vqd_int8_block_vnni(const void *codes, const vqd_int8_tile *tile,
                                                                         size_t padded, size_t rows, int32_t *sums) {
#define HEIGHT(count) case count: vqd_int8_rows_vnni(codes, tile, padded, sums, count); break;
  switch (rows) { EACH_TALL_HEIGHT(HEIGHT) }
#undef HEIGHT
}

#endif

static vqd_int8_block *vqd_int8_block_of(vqd_int8_variant variant, size_t *height) {
  *height = variant == VQD_INT8_VNNI ? highest_block : 6;
#if defined(__x86_64__)
  if (variant == VQD_INT8_VNNI) return vqd_int8_block_vnni;
  if (variant == VQD_INT8_AVX2) return vqd_int8_block_avx2;
#endif
  return vqd_int8_block_portable;
}

// c (+)= sum · scale of the row · scale of the column; no fused operation, so that every instruction set rounds alike.
VQD_INLINE void vqd_int8_finish(const int32_t *sums, float row_scale, const float *column_scales, float *c, size_t columns,
                                int accumulate) {
  float values[tile_columns];
  for (size_t n = 0; n < tile_columns; n++) {
    float scaled = (float)sums[n] * row_scale;
    values[n] = scaled * column_scales[n];
  }
  if (columns == tile_columns) {
    for (size_t n = 0; n < tile_columns; n++) c[n] = accumulate ? c[n] + values[n] : values[n];
  } else {
    for (size_t n = 0; n < columns; n++) c[n] = accumulate ? c[n] + values[n] : values[n];
  }
}

VQD_CLONES void vqd_int8_gemm(const void *codes, const float *scales, const void *packed, float *c, size_t c_stride, size_t rows,
                              size_t inner, size_t columns, int accumulate, vqd_int8_variant variant) {
  size_t height;
  vqd_int8_block *block = vqd_int8_block_of(variant, &height);
  const size_t padded = vqd_padded(inner), row_bytes = vqd_int8_row_bytes(inner, variant);
  int32_t sums[highest_block * tile_columns];
  for (size_t first = 0; first < columns; first += tile_columns) {
    const vqd_int8_tile *tile =
        (const vqd_int8_tile *)((const char *)packed + first / tile_columns * vqd_int8_tile_bytes(inner));
    size_t present = columns - first < tile_columns ? columns - first : tile_columns;
    for (size_t row = 0; row < rows; row += height) {
      size_t count = rows - row < height ? rows - row : height;
      block((const char *)codes + row * row_bytes, tile, padded, count, sums);
      for (size_t r = 0; r < count; r++) {
        vqd_int8_finish(sums + r * tile_columns, scales[row + r], tile->scale, c + (row + r) * c_stride + first, present, accumulate);
      }
    }
  }
}
