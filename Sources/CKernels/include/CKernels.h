// Vectorised loops that Swift can't express portably. One portable source each, compiled for several instruction sets
// (see internal.h), no dependency, no allocation, no threads. Row-major; `stride` counts floats from row to row.
#ifndef VQDIFFUSION_CKERNELS_H
#define VQDIFFUSION_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
  VQD_IDENTITY = 0,
  VQD_SILU = 1,       // x σ(x)
  VQD_GELU = 2,       // x Φ(x), exact erf form
  VQD_QUICK_GELU = 3, // x σ(1.702 x), "GELU2" in the public checkpoints
} vqd_activation;

// Tells the CPU that the calling thread spins.
static inline void vqd_spin_hint(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// y[i] = exp(x[i]); relative error below 2e-7; 0 below -87.33, +∞ above 88.37.
void vqd_exp(const float *x, float *y, size_t count);

// x = activation(x + bias), per row of `columns` values; bias may be NULL.
void vqd_bias_activation(float *x, size_t rows, size_t columns, size_t stride, const float *bias, vqd_activation activation);

// In place over each row: softmax(scale * x), scale > 0, columns > 0.
void vqd_softmax(float *x, size_t rows, size_t columns, size_t stride, float scale);

// y = x - log Σ exp(x), over each contiguous row, columns > 0.
void vqd_log_softmax(const float *x, float *y, size_t rows, size_t columns);

// y = (x - mean) / sqrt(var + epsilon) * (scale_offset + scale) + shift, over each contiguous row; scale and shift may both be NULL.
void vqd_layer_norm(const float *x, float *y, size_t rows, size_t columns, float epsilon, const float *scale, const float *shift,
                    float scale_offset);

// sum[c] = Σ_r x[r][c], sum_of_squares[c] = Σ_r x[r][c]², in double.
void vqd_column_sums(const float *x, size_t rows, size_t columns, double *sum, double *sum_of_squares);

// y[r][c] = activation((x[r][c] - center[c]) * scale[c] + shift[c]).
void vqd_column_affine(const float *x, float *y, size_t rows, size_t columns, const float *center, const float *scale,
                       const float *shift, vqd_activation activation);

// The product C = A·Bᵀ in two parts: the weights B [columns, inner] are packed once, in tiles of VQD_TILE_COLUMNS columns (the
// last padded with zeros), innermost over a tile's columns, then over `inner`: VQD_TILE_COLUMNS * inner floats a tile.
#define VQD_TILE_COLUMNS 16
void vqd_pack_weights(const float *b, size_t b_stride, float *packed, size_t columns, size_t inner);

// The same tiles for B stored transposed, as [inner, columns].
void vqd_pack_transposed(const float *b, size_t b_stride, float *packed, size_t columns, size_t inner);

// y[c][r] = x[r][c].
void vqd_transpose(const float *x, size_t x_stride, float *y, size_t y_stride, size_t rows, size_t columns);

// c[r][n] (+)= Σ_k a[r][k] b[n][k] + bias[n] for packed b, inner > 0; bias may be NULL. Every element is summed in the same order, over k
// in blocks of 384 whose sums are added up, wherever it lies in the matrix and however large the call: its bits depend on its
// row of A and its row of B alone.
void vqd_packed_gemm(const float *a, size_t a_stride, const float *packed, const float *bias, float *c, size_t c_stride, size_t rows,
                     size_t inner, size_t columns, int accumulate);

// The same for tiles of 16-bit floats, all finite: the bits that vqd_packed_gemm gives for these tiles widened.
void vqd_packed_gemm_f16(const float *a, size_t a_stride, const uint16_t *packed, const float *bias, float *c, size_t c_stride,
                         size_t rows, size_t inner, size_t columns, int accumulate);

// The product in 8-bit integers: rows of A and rows of B are each coded as round(x / scale), scale = max|x| / 127, multiplied and
// summed exactly in 32 bits (inner <= VQD_INT8_LONGEST), and scaled back. A row that holds an infinity or NaN has scale NaN. The
// variants differ in the order of codes in memory and in nothing else: all give the same bits.
typedef enum {
  VQD_INT8_PORTABLE = 0,
  VQD_INT8_AVX2 = 1,
  VQD_INT8_VNNI = 2,  // AVX-512 VNNI
} vqd_int8_variant;
#define VQD_INT8_LONGEST 133144  // (2^31 - 1) / 127², rounded down

// Whether this CPU has it; the fastest that it has.
int vqd_int8_available(vqd_int8_variant variant);
vqd_int8_variant vqd_int8_best(void);

// Weights B [columns, inner] in tiles of VQD_TILE_COLUMNS columns with their scales, each of that many bytes.
size_t vqd_int8_tile_bytes(size_t inner);
void vqd_int8_pack_weights(const float *b, void *packed, size_t columns, size_t inner, vqd_int8_variant variant);

// Codes of contiguous rows [rows, inner], each of that many bytes, and their scales.
size_t vqd_int8_row_bytes(size_t inner, vqd_int8_variant variant);
void vqd_int8_quantize(const float *x, size_t rows, size_t inner, void *codes, float *scales, vqd_int8_variant variant);

// c[r][n] (+)= Σ_k a[r][k] b[n][k] · scale of a[r] · scale of b[n].
void vqd_int8_gemm(const void *codes, const float *scales, const void *packed, float *c, size_t c_stride, size_t rows, size_t inner,
                   size_t columns, int accumulate, vqd_int8_variant variant);

// Images [count, height, width, channels] that Winograd's algorithm sees as tiles of m×m pixels, numbered through images, rows and
// columns; tiles at the lower and right edge may hang over.
typedef struct {
  size_t height, width, channels;
} vqd_tile_image;

// v[point][i] = (Bᵀ d B)[point] for tiles first…first + count - 1 of x, d being the tile with a border of one pixel (zeros
// outside the image); rows of `channels` floats, points `point_stride` floats apart. m is 2 or 4.
void vqd_winograd_input(const float *x, const vqd_tile_image *image, size_t first, size_t count, float *v, size_t point_stride, int m);

// y (+)= Aᵀ products A + bias for the same tiles; `image` describes y. bias may be NULL.
void vqd_winograd_output(const float *products, size_t point_stride, const vqd_tile_image *image, size_t first, size_t count,
                         const float *bias, float *y, int accumulate, int m);

// (G g Gᵀ)[point] of up to eight 3×3 filters at once, side by side: filter f of step i starts at w + i w_step + f filter_stride; its point
// goes to u[i u_step + point point_stride + f]. Eight floats are written whatever `filters` is.
void vqd_winograd_weights(const float *w, size_t filters, size_t filter_stride, size_t count, size_t w_step, float *u, size_t u_step,
                          size_t point_stride, int m);

// dx = dy · activation'(x).
void vqd_activation_gradient(const float *x, const float *dy, float *dx, size_t count, vqd_activation activation);

// Over each row: dx = scale · y · (dy - Σ y dy), the pullback of y = softmax(scale · x); dx may be dy.
void vqd_softmax_gradient(const float *y, const float *dy, float *dx, size_t rows, size_t columns, float scale);

// The pullback of vqd_layer_norm over `rows` contiguous rows, n being the normalised x: with g = dy · (scale_offset + scale),
// dx = (g - mean(g) - n · mean(g n)) / sqrt(var + epsilon). Adds Σ_r dy n to d_scale and Σ_r dy to d_shift.
void vqd_layer_norm_gradient(const float *x, const float *dy, float *dx, size_t rows, size_t columns, float epsilon,
                             const float *scale, float scale_offset, double *d_scale, double *d_shift);

// A norm over columns in the terms of its pullback: n = (x - center) · deviation + offset, `deviation` being the inverse one, and
// y = activation(n · scale + shift). All [columns].
typedef struct {
  const float *center, *deviation, *offset, *scale, *shift;
  vqd_activation activation;
} vqd_column_norm;

// sum[c] = Σ_r g[r][c] and sum_of_products[c] = Σ_r g[r][c] n[r][c] for g = dy · activation'(n · scale + shift).
void vqd_column_norm_sums(const float *x, const float *dy, size_t rows, size_t columns, const vqd_column_norm *norm, double *sum,
                          double *sum_of_products);

// dx = (g · scale - mean - n · product_mean) · deviation with the same g; mean and product_mean [columns].
void vqd_column_norm_gradient(const float *x, const float *dy, float *dx, size_t rows, size_t columns, const vqd_column_norm *norm,
                              const float *mean, const float *product_mean);

// y += x.
void vqd_add(const float *x, float *y, size_t count);

// Widening and narrowing (round to nearest even) of 16-bit floats.
void vqd_widen_f16(const uint16_t *x, float *y, size_t count);
void vqd_widen_bf16(const uint16_t *x, float *y, size_t count);
void vqd_narrow_f16(const float *x, uint16_t *y, size_t count);
void vqd_narrow_bf16(const float *x, uint16_t *y, size_t count);

// Whether none of them is infinite or NaN.
int vqd_all_finite_f16(const uint16_t *x, size_t count);

#endif
