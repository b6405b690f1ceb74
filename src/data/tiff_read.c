/* SPDX-License-Identifier: Apache-2.0 */
/* tiff_read.c: TIFF files through libtiff (4.5 or newer), from memory: the first picture of the file, decoded as a
 * whole by libtiff's own conversion to RGBA, which knows bilevel, grey, palette, RGB and CMYK of 1 to 16 bits in every
 * compression that libtiff was built with. Floating-point pictures it refuses.
 *
 * libtiff's handlers of errors are global; the ones used here belong to one open file, so that threads do not meet. */
#include "data/picture.h"

#include "goss_config.h"

#if GOSS_HAVE_TIFF
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <tiffio.h>

typedef struct reader {
    const uint8_t *data;
    size_t size, at;
    char text[200]; /* the first error */
} reader;

static tmsize_t on_read(thandle_t h, void *out, tmsize_t n) {
    reader *r = h;
    size_t have = r->at < r->size ? r->size - r->at : 0, take = (size_t)n < have ? (size_t)n : have;
    memcpy(out, r->data + (have ? r->at : 0), take);
    r->at += take;
    return (tmsize_t)take;
}

static tmsize_t on_write(thandle_t h, void *data, tmsize_t n) { return (void)h, (void)data, (void)n, 0; }

static toff_t on_seek(thandle_t h, toff_t to, int from) {
    reader *r = h;
    r->at = from == SEEK_SET ? (size_t)to : from == SEEK_CUR ? r->at + (size_t)to : r->size + (size_t)to;
    return r->at;
}

static int on_close(thandle_t h) { return (void)h, 0; }
static toff_t on_size(thandle_t h) { return ((reader *)h)->size; }

static int on_map(thandle_t h, void **base, toff_t *size) {
    reader *r = h;
    *base = (void *)(uintptr_t)r->data, *size = r->size;
    return 1;
}
static void on_unmap(thandle_t h, void *base, toff_t size) { (void)h, (void)base, (void)size; }

static int on_error(TIFF *t, void *context, const char *module, const char *fmt, va_list args) {
    reader *r = context;
    (void)t, (void)module;
    if (!r->text[0]) vsnprintf(r->text, sizeof r->text, fmt, args);
    return 1;
}

static int on_warning(TIFF *t, void *context, const char *module, const char *fmt, va_list args) {
    return (void)t, (void)context, (void)module, (void)fmt, (void)args, 1;
}

static TIFF *open_file(reader *r) {
    TIFFOpenOptions *o = TIFFOpenOptionsAlloc();
    if (!o) return NULL;
    TIFFOpenOptionsSetErrorHandlerExtR(o, on_error, r);
    TIFFOpenOptionsSetWarningHandlerExtR(o, on_warning, r);
    TIFFOpenOptionsSetMaxSingleMemAlloc(o, (tmsize_t)(4 * GOSS__FRAME_MAX + (1 << 20)));
    TIFF *t = TIFFClientOpenExt("image", "r", r, on_read, on_write, on_seek, on_close, on_size, on_map, on_unmap, o);
    TIFFOpenOptionsFree(o);
    return t;
}

static goss_status damaged(const reader *r, goss_error *err) {
    return goss_error_set(err, GOSS_E_FORMAT, "damaged TIFF: %s", r->text[0] ? r->text : "no picture in it");
}

/* libtiff returns colours that are multiplied by their alpha, in one number a pixel. */
static void put_row(goss__fit *fit, const uint32_t *from, size_t width, bool alpha, uint8_t *row) {
    uint8_t *to = row;
    for (size_t x = 0; x < width; x++) {
        uint32_t a = alpha ? TIFFGetA(from[x]) : 255,
                 rgb[3] = {TIFFGetR(from[x]), TIFFGetG(from[x]), TIFFGetB(from[x])};
        for (int c = 0; c < 3; c++) {
            uint32_t v = a == 255 ? rgb[c] : a ? (rgb[c] * 255 + a / 2) / a : 0;
            *to++ = (uint8_t)(v > 255 ? 255 : v);
        }
        if (alpha) *to++ = (uint8_t)a;
    }
    goss__fit_row(fit, row);
}

static goss_status convert(TIFFRGBAImage *image, const reader *r, goss__fit *fit, goss_error *err) {
    uint16_t orientation = image->orientation;
    goss__raster raster = {.width = image->width,
                           .height = image->height,
                           .channels = image->alpha ? 4 : 3,
                           .orientation = orientation >= 1 && orientation <= 8 ? orientation : 1,
                           .whole = true,
                           .deep = image->bitspersample == 16};
    GOSS_TRY(goss__fit_begin(fit, raster, err));
    /* Scratch memory of one row precedes the picture. Rows are passed on as they are stored; the fit turns them. */
    size_t front = (raster.width * 4 + 63) & ~(size_t)63;
    uint8_t *row;
    GOSS_TRY(goss__fit_frame(fit, front + raster.width * raster.height * 4, &row, err));
    uint32_t *pixels = (uint32_t *)(row + front);
    image->orientation = image->req_orientation = ORIENTATION_TOPLEFT;
    if (!TIFFRGBAImageGet(image, pixels, image->width, image->height)) return damaged(r, err);
    for (size_t y = 0; y < raster.height; y++) put_row(fit, pixels + y * raster.width, raster.width, image->alpha, row);
    return GOSS_OK;
}

static goss_status read_pixels(TIFF *t, const reader *r, goss__fit *fit, goss_error *err) {
    char text[1024] = "";
    if (!TIFFRGBAImageOK(t, text))
        return goss_error_set(err, GOSS_E_UNSUPPORTED, "a TIFF that is not read (%.200s): save it as PNG", text);
    TIFFRGBAImage image;
    if (!TIFFRGBAImageBegin(&image, t, 1, text))
        return goss_error_set(err, GOSS_E_FORMAT, "damaged TIFF: %.200s", text);
    goss_status status = convert(&image, r, fit, err);
    TIFFRGBAImageEnd(&image);
    return status;
}

goss_status goss__tiff_read(const uint8_t *data, size_t size, goss__fit *fit, goss_error *err) {
    reader r = {.data = data, .size = size};
    TIFF *t = open_file(&r);
    if (!t) return damaged(&r, err);
    goss_status status = read_pixels(t, &r, fit, err);
    TIFFClose(t);
    return status;
}
#else
goss_status goss__tiff_read(const uint8_t *data, size_t size, goss__fit *fit, goss_error *err) {
    return goss__kind_refuse(goss__kind_of_bytes(data, size), err);
}
#endif
