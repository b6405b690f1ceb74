/* picture.c: one image file in memory: its bounds and which decoder reads it.
 *
 * Which format it is follows from the first bytes; names lie. Bounds are checked here, before any decoder allocates,
 * so that a small file which claims to be 60000 x 60000 costs nothing. */
#include "data/picture.h"

#include <string.h>

#include "base/alloc.h"

goss_status goss__scratch_need(goss__scratch *s, size_t size, goss_error *err) {
    if (size <= s->capacity) return GOSS_OK;
    goss__free(s->data);
    s->data = goss__alloc(size);
    s->capacity = s->data ? size : 0;
    return s->data ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory for an image (%zu bytes)", size);
}

void goss__scratch_free(goss__scratch *s) {
    goss__free(s->data);
    *s = (goss__scratch){0};
}

goss_status goss__picture_reserve(goss__picture *p, size_t width, size_t height, int channels, goss_error *err) {
    if (width == 0 || height == 0)
        return goss_error_set(err, GOSS_E_FORMAT, "the image is %zu x %zu: empty", width, height);
    if (width > GOSS__EXTENT_MAX || height > GOSS__EXTENT_MAX || width * height > GOSS__PIXELS_MAX)
        return goss_error_set(err, GOSS_E_FORMAT,
                              "the image says it is %zu x %zu; at most %d a side and %zu pixels are read", width,
                              height, GOSS__EXTENT_MAX, GOSS__PIXELS_MAX);
    GOSS_TRY(goss__scratch_need(&p->bytes, width * height * (size_t)channels, err));
    p->width = (int)width, p->height = (int)height, p->channels = channels;
    return GOSS_OK;
}

bool goss__png_is(const uint8_t *data, size_t size) { return size >= 8 && memcmp(data, "\x89PNG\r\n\x1a\n", 8) == 0; }

bool goss__jpeg_is(const uint8_t *data, size_t size) { return size >= 3 && memcmp(data, "\xff\xd8\xff", 3) == 0; }

goss_status goss__picture_decode(const uint8_t *data, size_t size, goss__picture *out, goss_error *err) {
    if (goss__png_is(data, size)) return goss__png_read(data, size, out, err);
    if (goss__jpeg_is(data, size)) return goss__jpeg_read(data, size, out, err);
    if (size == 0) return goss_error_set(err, GOSS_E_FORMAT, "the file is empty");
    return goss_error_set(err, GOSS_E_FORMAT, "neither a PNG nor a JPEG by its first bytes");
}
