#ifndef VQDIFFUSION_CPNG_SHIM_H
#define VQDIFFUSION_CPNG_SHIM_H

#include <png.h>
#include <zlib.h>

// Swift doesn't import these macros.

// An upper bound of the bytes that `png_image_write_to_memory` needs for `image`.
static inline size_t vqd_png_size_bound(png_image image) { return PNG_IMAGE_PNG_SIZE_MAX(image); }

// 8-bit samples, interleaved.
static const png_uint_32 vqd_png_format_rgb = PNG_FORMAT_RGB;
static const png_uint_32 vqd_png_format_rgba = PNG_FORMAT_RGBA;
static const png_uint_32 vqd_png_format_flag_alpha = PNG_FORMAT_FLAG_ALPHA;

#endif
