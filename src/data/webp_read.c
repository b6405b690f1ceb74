/* SPDX-License-Identifier: Apache-2.0 */
/* webp_read.c: WebP files through libwebp, from memory. A lossy or lossless still picture is decoded as a whole; of an
 * animation there is no one picture, so it is refused. */
#include "data/picture.h"

#include "goss_config.h"

#if GOSS_HAVE_WEBP
#include <webp/decode.h>

static goss_status features(const uint8_t *data, size_t size, WebPBitstreamFeatures *f, goss_error *err) {
    VP8StatusCode code = WebPGetFeatures(data, size, f);
    if (code != VP8_STATUS_OK) return goss_error_set(err, GOSS_E_FORMAT, "damaged WebP (libwebp status %d)", code);
    if (f->has_animation)
        return goss_error_set(err, GOSS_E_UNSUPPORTED, "an animated WebP, which is not read: save one picture of it");
    return GOSS_OK;
}

goss_status goss__webp_read(const uint8_t *data, size_t size, goss__fit *fit, goss_error *err) {
    WebPBitstreamFeatures f;
    GOSS_TRY(features(data, size, &f, err));
    goss__raster raster = {.width = (size_t)f.width,
                           .height = (size_t)f.height,
                           .channels = f.has_alpha ? 4 : 3,
                           .orientation = goss__exif_of_webp(data, size),
                           .whole = true};
    GOSS_TRY(goss__fit_begin(fit, raster, err));
    size_t row = raster.width * (size_t)raster.channels, all = row * raster.height;
    uint8_t *pixels;
    GOSS_TRY(goss__fit_frame(fit, all, &pixels, err));
    const uint8_t *made = f.has_alpha ? WebPDecodeRGBAInto(data, size, pixels, all, (int)row)
                                      : WebPDecodeRGBInto(data, size, pixels, all, (int)row);
    if (!made) return goss_error_set(err, GOSS_E_FORMAT, "damaged or truncated WebP");
    for (size_t y = 0; y < raster.height; y++) goss__fit_row(fit, pixels + y * row);
    return GOSS_OK;
}
#else
goss_status goss__webp_read(const uint8_t *data, size_t size, goss__fit *fit, goss_error *err) {
    return goss__kind_refuse(goss__kind_of_bytes(data, size), err);
}
#endif
