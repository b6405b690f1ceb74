/* SPDX-License-Identifier: Apache-2.0 */
/* png_write.c: 8-bit PNG files through libpng, grey and RGB. The drawings of goss_glyphs_render are small and many, so
 * compression is set to fast. */
#include "data/picture.h"

#include "base/alloc.h"
#include "base/os.h"
#include "goss_config.h"

#if GOSS_HAVE_PNG
#include <png.h>

typedef goss_status put(const char *path, const void *data, size_t size, goss_error *err);

/* The simplified interface of libpng reports by return value: no jumps to guard. */
static goss_status write_png(const char *path, const uint8_t *pixels, int width, int height, png_uint_32 format,
                             put *put_file, goss_error *err) {
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)width,
                       .height = (png_uint_32)height,
                       .format = format,
                       .flags = PNG_IMAGE_FLAG_FAST};
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
    uint8_t *file = goss__alloc(size);
    if (!file) return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory for the image", path);
    goss_status s = png_image_write_to_memory(&image, file, &size, 0, pixels, 0, NULL)
                        ? put_file(path, file, size, err)
                        : goss_error_set(err, GOSS_E_IO, "%s: can not write the image: %s", path, image.message);
    goss__free(file);
    return s;
}

goss_status goss__png_write_grey(const char *path, const uint8_t *pixels, int width, int height, goss_error *err) {
    return write_png(path, pixels, width, height, PNG_FORMAT_GRAY, goss__write_one_of_many, err);
}

goss_status goss__png_write_rgb(const char *path, const uint8_t *pixels, int width, int height, goss_error *err) {
    return write_png(path, pixels, width, height, PNG_FORMAT_RGB, goss__write_file, err);
}
#else
static goss_status no_png(const char *path, goss_error *err) {
    return goss_error_set(err, GOSS_E_UNSUPPORTED, "%s: this build has no libpng (" GOSS_PNG_GET ")", path);
}
goss_status goss__png_write_grey(const char *path, const uint8_t *pixels, int width, int height, goss_error *err) {
    return no_png(path, err);
}
goss_status goss__png_write_rgb(const char *path, const uint8_t *pixels, int width, int height, goss_error *err) {
    return no_png(path, err);
}
#endif
