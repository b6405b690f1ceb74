/* picture.h: one decoded image file before it gets its final extent, and what every image goes through. */
#ifndef GOSS_DATA_PICTURE_H
#define GOSS_DATA_PICTURE_H

#include "gossamer/data.h"

/* Above this an image is refused before anything is allocated for it. */
#define GOSS__PIXELS_MAX ((size_t)1 << 25)
#define GOSS__EXTENT_MAX 32768
/* An encoded file may be this long. */
#define GOSS__ENCODED_MAX ((size_t)1 << 28)

/* A buffer that grows and is used again for the next image. */
typedef struct goss__scratch {
    void *data;
    size_t capacity;
} goss__scratch;

GOSS_MUST_USE goss_status goss__scratch_need(goss__scratch *s, size_t size, goss_error *err);
void goss__scratch_free(goss__scratch *s);

/* Rows first, `channels` bytes a pixel: grey, grey + alpha, RGB or RGBA. Zero-initialised is valid. */
typedef struct goss__picture {
    goss__scratch bytes;
    int width, height, channels;
} goss__picture;

/* Sets the extents and makes room; refuses what is empty or too large. */
GOSS_MUST_USE goss_status goss__picture_reserve(goss__picture *p, size_t width, size_t height, int channels,
                                                goss_error *err);

bool goss__png_is(const uint8_t *data, size_t size);
bool goss__jpeg_is(const uint8_t *data, size_t size);
GOSS_MUST_USE goss_status goss__png_read(const uint8_t *data, size_t size, goss__picture *out, goss_error *err);
GOSS_MUST_USE goss_status goss__jpeg_read(const uint8_t *data, size_t size, goss__picture *out, goss_error *err);

/* Decodes a PNG or JPEG, told apart by content. The error does not name the file. */
GOSS_MUST_USE goss_status goss__picture_decode(const uint8_t *data, size_t size, goss__picture *out, goss_error *err);

/* Grey or colour, alpha on white, resized, inverted: out [height, width, channels]. */
GOSS_MUST_USE goss_status goss__picture_fit(const goss__picture *p, const goss_image_format *format,
                                            goss__scratch *scratch, uint8_t *out, goss_error *err);

/* Writes an 8-bit grey PNG. */
GOSS_MUST_USE goss_status goss__png_write_grey(const char *path, const uint8_t *pixels, int width, int height,
                                               goss_error *err);
#endif
