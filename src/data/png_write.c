/* png_write.c: 8-bit grey PNG files through libpng. The drawings of goss_glyphs_render are small
 * and many, so compression is set to fast. */
#include "data/picture.h"

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
    if (png_image_write_to_file(&image, path, 0, pixels, width, NULL)) return GOSS_OK;
    return goss_error_set(err, GOSS_E_IO, "%s: cannot write the image: %s", path, image.message);
}
#else
goss_status goss__png_write_grey(const char *path, const uint8_t *pixels, int width, int height, goss_error *err) {
    return goss_error_set(err, GOSS_E_UNSUPPORTED, "%s: this build has no libpng (install libpng-dev and rebuild)",
                          path);
}
#endif
