/* SPDX-License-Identifier: Apache-2.0 */
/* png_read.c: PNG files through libpng, from memory.
 *
 * Every depth and colour type becomes 8-bit grey, grey + alpha, RGB or RGBA, row by row; an interlaced picture has to
 * be in memory as a whole. Values are taken as they are stored: gamma, colour profiles and significant bits are not
 * looked at. libpng reports errors by longjmp, so all state that outlives the jump sits in one struct and nothing here
 * owns memory but libpng's own structures. Warnings (odd colour profiles, damaged side chunks) are passed over; a file
 * that ends early is an error. */
#include "data/picture.h"

#include "goss_config.h"

#if GOSS_HAVE_PNG
#include <png.h>
#include <setjmp.h>
#include <string.h>

typedef struct reader {
    const uint8_t *data;
    size_t size, at;
    goss__fit *fit;
    uint8_t *pixels;
    bool deep;
    goss_error *err;
    goss_status status;
    png_structp png;
    png_infop info;
} reader;

static void on_error(png_structp png, png_const_charp text) {
    reader *r = png_get_error_ptr(png);
    r->status = goss_error_set(r->err, GOSS_E_FORMAT, "damaged PNG: %s", text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text) { (void)png, (void)text; }

static void on_read(png_structp png, png_bytep out, size_t n) {
    reader *r = png_get_io_ptr(png);
    if (n > r->size - r->at) png_error(png, "the file ends too early (truncated)");
    memcpy(out, r->data + r->at, n);
    r->at += n;
}

/* Deflate packs at most 1032 to 1: a header that promises more than that lies about the rest of the file. */
static bool plausible(const reader *r) {
    size_t rows = png_get_image_height(r->png, r->info), row = png_get_rowbytes(r->png, r->info);
    return rows * row <= r->size * 1032 + 4096;
}

static void ask_for_8_bits(reader *r) {
    png_set_expand(r->png); /* palette to RGB, few-bit grey to 8 bits, transparent colour to alpha */
    png_set_scale_16(r->png);
    png_set_interlace_handling(r->png);
    png_read_update_info(r->png, r->info);
}

/* Non-interlaced: a row at a time through one row's memory. */
static void read_rows(reader *r) {
    for (int y = 0; y < r->fit->height; y++) {
        png_read_row(r->png, r->pixels, NULL);
        goss__fit_row(r->fit, r->pixels);
    }
}

/* Interlaced: seven passes over the whole picture. */
static void read_passes(reader *r, size_t row) {
    for (int pass = 0; pass < 7; pass++)
        for (int y = 0; y < r->fit->height; y++) png_read_row(r->png, r->pixels + (size_t)y * row, NULL);
    for (int y = 0; y < r->fit->height; y++) goss__fit_row(r->fit, r->pixels + (size_t)y * row);
}

static goss_status begin(reader *r, bool interlaced, size_t row) {
    goss__raster raster = {.width = png_get_image_width(r->png, r->info),
                           .height = png_get_image_height(r->png, r->info),
                           .channels = png_get_channels(r->png, r->info),
                           .orientation = goss__exif_of_png(r->data, r->size),
                           .whole = interlaced,
                           .deep = r->deep};
    GOSS_TRY(goss__fit_begin(r->fit, raster, r->err));
    return goss__fit_frame(r->fit, interlaced ? row * raster.height : row, &r->pixels, r->err);
}

static goss_status decode(reader *r) {
    if (setjmp(png_jmpbuf(r->png))) return r->status;
    png_set_read_fn(r->png, r, on_read);
    png_set_user_limits(r->png, GOSS__EXTENT_MAX, GOSS__EXTENT_MAX);
    png_set_chunk_malloc_max(r->png, 8 << 20);
    png_set_chunk_cache_max(r->png, 100);
    png_read_info(r->png, r->info);
    if (!plausible(r)) png_error(r->png, "the header promises more pixels than the file can hold");
    bool interlaced = png_get_interlace_type(r->png, r->info) == PNG_INTERLACE_ADAM7;
    r->deep = png_get_bit_depth(r->png, r->info) == 16;
    ask_for_8_bits(r);
    size_t row = png_get_rowbytes(r->png, r->info);
    r->status = begin(r, interlaced, row);
    if (r->status != GOSS_OK) return r->status;
    if (interlaced)
        read_passes(r, row);
    else
        read_rows(r);
    png_read_end(r->png, NULL);
    return GOSS_OK;
}

goss_status goss__png_read(const uint8_t *data, size_t size, goss__fit *fit, goss_error *err) {
    reader r = {.data = data, .size = size, .fit = fit, .err = err};
    r.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &r, on_error, on_warning);
    r.info = r.png ? png_create_info_struct(r.png) : NULL;
    goss_status status = r.info ? decode(&r) : goss_error_set(err, GOSS_E_NOMEM, "libpng has no memory for an image");
    png_destroy_read_struct(&r.png, &r.info, NULL);
    return status;
}
#else
goss_status goss__png_read(const uint8_t *data, size_t size, goss__fit *fit, goss_error *err) {
    return goss__kind_refuse(goss__kind_of_bytes(data, size), err);
}
#endif
