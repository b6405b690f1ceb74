/* SPDX-License-Identifier: Apache-2.0 */
/* picture.h: an encoded image file becomes an image of the set's format, a row at a time.
 *
 * A decoder says what it found (goss__fit_begin) and hands over rows from top to bottom; the fit resizes them as they
 * come, so that a picture of hundreds of megapixels needs no more memory than a few of its rows. What cannot be
 * decoded by rows is decoded into the fit's frame first, and may have GOSS__FRAME_MAX pixels. */
#ifndef GOSS_DATA_PICTURE_H
#define GOSS_DATA_PICTURE_H

#include "base/str.h"
#include "gossamer/data.h"

/* Beyond these an image is refused before anything is allocated for it. */
#define GOSS__PIXELS_MAX ((size_t)1 << 28) /* decoded by rows */
#define GOSS__FRAME_MAX ((size_t)1 << 25)  /* whole in memory; and an image of a set */
#define GOSS__EXTENT_MAX 65535
/* An encoded file may be this long. */
#define GOSS__ENCODED_MAX ((size_t)1 << 29)

/* A buffer that grows and is used again for the next image. */
typedef struct goss__scratch {
    void *data;
    size_t capacity;
} goss__scratch;

GOSS_MUST_USE goss_status goss__scratch_need(goss__scratch *s, size_t size, goss_error *err);
void goss__scratch_free(goss__scratch *s);

/* ---- fit.c ---- */

/* What a decoder is about to hand over: 8-bit rows of grey, grey + alpha, RGB or RGBA. */
typedef struct goss__raster {
    size_t width, height;
    int channels;
    int orientation; /* 1 to 8 as in EXIF: how the stored rows are to be seen */
    bool whole;      /* decoded in one piece: the smaller bound holds */
    bool deep;       /* the file has 16 bits a value */
} goss__raster;

/* How one axis is resized: output i is a weighted sum of `count` inputs from `first`. */
typedef struct goss__span {
    int first, count;
    const float *weights;
} goss__span;

/* Zero-initialised but for the format it is valid, and is used over and over. */
typedef struct goss__fit {
    goss_image_format format;
    bool measure;    /* only sees what the picture's extents are: format.height and width of 0 become them */
    bool flat, dark; /* the image made last is one colour; is of 16 bits and uses the lowest 12 of them */
    int natural[2];  /* height and width of the picture as it is seen */
    goss__scratch frame, memory;
    /* while rows come */
    int width, height, channels, orientation, planes;
    int wide, tall; /* the output as the rows lie, before it is turned */
    int row, next;
    bool deep;
    float least;             /* with alpha: the darkest that is seen on white */
    int alpha[2], brightest; /* its extremes; of deep pictures the largest value */
    goss__span *across, *down;
    int made[4];      /* the extents that they were made for */
    size_t made_room; /* in memory of that size: it only grows, and is then another one */
    float *line, *reduced, *sums;
} goss__fit;

/* Refuses what is empty or too large, and makes room. */
GOSS_MUST_USE goss_status goss__fit_begin(goss__fit *f, goss__raster r, goss_error *err);
void goss__fit_row(goss__fit *f, const uint8_t *row);
/* The image, out [height, width, channels]; NULL while measuring. */
void goss__fit_end(goss__fit *f, uint8_t *out);
/* Room for a whole picture, for decoders that need it. After goss__fit_begin, which bounds it. */
GOSS_MUST_USE goss_status goss__fit_frame(goss__fit *f, size_t size, uint8_t **out, goss_error *err);
void goss__fit_free(goss__fit *f);

/* ---- kinds.c ---- */

/* A kind of image file, read or not. */
typedef struct goss__kind {
    const char *name;                             /* "WebP" */
    const char *endings;                          /* of file names, with blanks around: " .png " */
    bool (*is)(const uint8_t *data, size_t size); /* by the first GOSS__HEAD bytes */
    /* Hands the picture to the fit. NULL: never read. */
    goss_status (*read)(const uint8_t *data, size_t size, goss__fit *fit, goss_error *err);
    const char *get; /* what to do that a build reads it that does not; NULL: it does, or none would */
} goss__kind;

#define GOSS__HEAD 512

const goss__kind *goss__kind_of_bytes(const uint8_t *data, size_t size); /* NULL: no image that is known */
const goss__kind *goss__kind_of_name(const char *path);
bool goss__kind_is_read(const goss__kind *k); /* by this build */
void goss__kinds_read(goss__str *s);          /* adds "PNG, JPEG, ...": those that are */
/* Says that this kind is not read, and what to do. */
goss_status goss__kind_refuse(const goss__kind *k, goss_error *err);

/* Decodes an image of any kind, recognised by content, into out (NULL: measures). The error does not name the file. */
GOSS_MUST_USE goss_status goss__picture_decode(const uint8_t *data, size_t size, goss__fit *fit, uint8_t *out,
                                               goss_error *err);

/* A reader a kind. */
GOSS_MUST_USE goss_status goss__png_read(const uint8_t *data, size_t size, goss__fit *fit, goss_error *err);
GOSS_MUST_USE goss_status goss__jpeg_read(const uint8_t *data, size_t size, goss__fit *fit, goss_error *err);
GOSS_MUST_USE goss_status goss__webp_read(const uint8_t *data, size_t size, goss__fit *fit, goss_error *err);
GOSS_MUST_USE goss_status goss__tiff_read(const uint8_t *data, size_t size, goss__fit *fit, goss_error *err);
GOSS_MUST_USE goss_status goss__bmp_read(const uint8_t *data, size_t size, goss__fit *fit, goss_error *err);

/* ---- exif.c ---- */

/* The orientation, 1 to 8, in a block of EXIF (with or without "Exif\0\0" in front); 1 where it has none. */
int goss__exif_orientation(const uint8_t *data, size_t size);
/* The same of a PNG's eXIf chunk, wherever it stands, and of a WebP's EXIF chunk. */
int goss__exif_of_png(const uint8_t *data, size_t size);
int goss__exif_of_webp(const uint8_t *data, size_t size);

/* Writes an 8-bit grey PNG. */
GOSS_MUST_USE goss_status goss__png_write_grey(const char *path, const uint8_t *pixels, int width, int height,
                                               goss_error *err);
/* The same of RGB pixels, complete or not at all. */
GOSS_MUST_USE goss_status goss__png_write_rgb(const char *path, const uint8_t *pixels, int width, int height,
                                              goss_error *err);
#endif
