/* SPDX-License-Identifier: Apache-2.0 */
/* bmp_read.c: BMP files through stb_image (Debian's libstb), from memory: no well-kept library that Debian has reads
 * them with less around it. stb_image reads many kinds, but gets to see only what begins as a BMP. Run-length coded
 * files it refuses. */
#include "data/picture.h"

#include "goss_config.h"

#if GOSS_HAVE_STB
#include <string.h>
#include <stb_image.h>

/* The 4 bytes at `at`, little endian, as a number without a sign. */
static uint32_t word(const uint8_t *b) {
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

/* stb_image fills in what a short file lacks with zeros: see that the pixels are there. */
static goss_status check_length(const uint8_t *data, size_t size, const goss__raster *r, goss_error *err) {
    bool old = word(data + 14) == 12;
    size_t bits = old ? (size_t)data[24] | (size_t)data[25] << 8 : (size_t)data[28] | (size_t)data[29] << 8;
    size_t row = (r->width * bits + 31) / 32 * 4, begin = word(data + 10);
    /* Rows are padded to 4 bytes; some programs leave out the last one's padding. */
    if (begin > size || (size - begin) + 3 < row * r->height)
        return goss_error_set(err, GOSS_E_FORMAT, "truncated BMP: %zu of %zu bytes", size, begin + row * r->height);
    return GOSS_OK;
}

static goss_status read_pixels(const uint8_t *data, int size, goss__fit *fit, goss_error *err) {
    int width, height, channels;
    if (size < 54) return goss_error_set(err, GOSS_E_FORMAT, "truncated BMP: %d bytes", size);
    if (word(data + 14) != 12 && (word(data + 30) == 1 || word(data + 30) == 2))
        return goss_error_set(err, GOSS_E_UNSUPPORTED, "a run-length coded BMP, which is not read: save it as PNG");
    if (!stbi_info_from_memory(data, size, &width, &height, &channels) || width < 0 || height < 0)
        return goss_error_set(err, GOSS_E_FORMAT, "damaged BMP: %s", stbi_failure_reason());
    goss__raster raster = {.width = (size_t)width,
                           .height = (size_t)height,
                           .channels = channels == 4 ? 4 : 3,
                           .orientation = 1,
                           .whole = true};
    GOSS_TRY(goss__fit_begin(fit, raster, err));
    GOSS_TRY(check_length(data, (size_t)size, &raster, err));
    stbi_uc *pixels = stbi_load_from_memory(data, size, &width, &height, &channels, raster.channels);
    if (!pixels) return goss_error_set(err, GOSS_E_FORMAT, "damaged BMP: %s", stbi_failure_reason());
    size_t row = raster.width * (size_t)raster.channels;
    for (size_t y = 0; y < raster.height; y++) goss__fit_row(fit, pixels + y * row);
    stbi_image_free(pixels);
    return GOSS_OK;
}

goss_status goss__bmp_read(const uint8_t *data, size_t size, goss__fit *fit, goss_error *err) {
    if (size > INT32_MAX) return goss_error_set(err, GOSS_E_FORMAT, "a BMP of %zu bytes", size);
    return read_pixels(data, (int)size, fit, err);
}
#else
goss_status goss__bmp_read(const uint8_t *data, size_t size, goss__fit *fit, goss_error *err) {
    return goss__kind_refuse(goss__kind_of_bytes(data, size), err);
}
#endif
