/* SPDX-License-Identifier: Apache-2.0 */
/* strip.c: a life as one picture. How long it will be is not known at the start, so frames are thinned out as they
 * become too many: memory stays bounded, and what stays is evenly spaced. */
#include <string.h>

#include "base/alloc.h"
#include "data/picture.h"
#include "gossamer/agent.h"

enum { GAP = 2 }; /* pixels between frames */

struct goss_strip {
    int columns, most, n, every;
    int64_t seen;
    int height, width;
    uint8_t *frames; /* [most][height, width, 3] */
};

goss_status goss_strip_new(int columns, int most, goss_strip **out, goss_error *err) {
    *out = NULL;
    if (columns < 1 || most < 2 || columns > 10000 || most > 100000)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%d frames in rows of %d", most, columns);
    goss_strip *s = goss__calloc(1, sizeof *s);
    if (!s) return goss_error_set(err, GOSS_E_NOMEM, "no memory for pictures");
    s->columns = columns, s->most = most, s->every = 1;
    *out = s;
    return GOSS_OK;
}

void goss_strip_free(goss_strip *s) {
    if (!s) return;
    goss__free(s->frames);
    goss__free(s);
}

static size_t frame_size(const goss_strip *s) { return 3 * (size_t)s->height * (size_t)s->width; }

static goss_status first_frame(goss_strip *s, const goss_env_canvas *frame, goss_error *err) {
    s->height = frame->height, s->width = frame->width;
    s->frames = goss__calloc((size_t)s->most, frame_size(s));
    return s->frames ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory for %d pictures", s->most);
}

goss_status goss_strip_add(goss_strip *s, const goss_env_canvas *frame, goss_error *err) {
    if (!s->frames) GOSS_TRY(first_frame(s, frame, err));
    if (frame->height != s->height || frame->width != s->width)
        return goss_error_set(err, GOSS_E_ARGUMENT, "a frame of %d x %d after one of %d x %d", frame->width,
                              frame->height, s->width, s->height);
    if (s->seen++ % s->every != 0) return GOSS_OK;
    if (s->n == s->most) {
        const size_t size = frame_size(s);
        for (int i = 1; 2 * i < s->n; i++) memcpy(s->frames + (size_t)i * size, s->frames + 2 * (size_t)i * size, size);
        s->n = (s->n + 1) / 2, s->every *= 2;
        if ((s->seen - 1) % s->every != 0) return GOSS_OK;
    }
    memcpy(s->frames + (size_t)s->n++ * frame_size(s), frame->rgb, frame_size(s));
    return GOSS_OK;
}

goss_status goss_strip_write(const goss_strip *s, const char *path, int *shown, int *every, goss_error *err) {
    if (s->n == 0) return goss_error_set(err, GOSS_E_ARGUMENT, "%s: there is no frame to write", path);
    const int columns = s->n < s->columns ? s->n : s->columns, rows = (s->n + columns - 1) / columns;
    const size_t width = (size_t)(columns * (s->width + GAP) - GAP), height = (size_t)(rows * (s->height + GAP) - GAP);
    if (width > 65535 || height > 65535)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s: a picture of %zu x %zu is too large; fewer frames or columns",
                              path, width, height);
    uint8_t *all = goss__alloc(3 * width * height);
    if (!all) return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory for the picture", path);
    memset(all, 80, 3 * width * height);
    for (int i = 0; i < s->n; i++)
        for (int y = 0; y < s->height; y++) {
            const size_t row = (size_t)(i / columns * (s->height + GAP) + y);
            const size_t column = (size_t)(i % columns * (s->width + GAP)), line = 3 * (size_t)s->width;
            memcpy(all + 3 * (row * width + column), s->frames + (size_t)i * frame_size(s) + (size_t)y * line, line);
        }
    const goss_status status = goss__png_write_rgb(path, all, (int)width, (int)height, err);
    goss__free(all);
    if (shown) *shown = s->n;
    if (every) *every = s->every;
    return status;
}
