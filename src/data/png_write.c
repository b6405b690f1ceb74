/* SPDX-License-Identifier: Apache-2.0 */
/* png_write.c: 8-bit grey PNG files through libpng. The drawings of goss_glyphs_render are small
 * and many, so compression is set to fast. */
#include "data/picture.h"

#include "base/alloc.h"
#include "base/os.h"
#include "goss_config.h"

#if GOSS_HAVE_PNG
#include <png.h>

/* The simplified interface of libpng reports by return value: no jumps to guard. */
goss_status goss__png_write_grey(const char *path, const uint8_t *pixels, int width, int height, goss_error *err) {
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)width,
                       .height = (png_uint_32)height,
                       .format = PNG_FORMAT_GRAY,
                       .flags = PNG_IMAGE_FLAG_FAST};
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
    uint8_t *file = goss__alloc(size);
    if (!file) return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory for the image", path);
    goss_status s = png_image_write_to_memory(&image, file, &size, 0, pixels, width, NULL)
                        ? goss__write_one_of_many(path, file, size, err)
                        : goss_error_set(err, GOSS_E_IO, "%s: can not write the image: %s", path, image.message);
    goss__free(file);
    return s;
}
#else
goss_status goss__png_write_grey(const char *path, const uint8_t *pixels, int width, int height, goss_error *err) {
    return goss_error_set(err, GOSS_E_UNSUPPORTED, "%s: this build has no libpng (" GOSS_PNG_GET ")", path);
}
#endif
