/* SPDX-License-Identifier: Apache-2.0 */
/* fit.c: rows of a picture become an image of the set: grey or colour, its final extent, the right way up, inverted or
 * not.
 *
 * Separable: each output row and column is a weighted sum over a span of input ones. Where an axis shrinks the weights
 * are the covered areas (exact anti-aliasing for a box), where it grows they are linear interpolation between pixel
 * centres. Sums are in float, in the order of the rows, and rounded once. Turning comes last: on the small image. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "data/picture.h"

/* A range of values this small is one colour; what is seen on white and nowhere darker than WHITE is blank. */
enum { FLAT = 3, WHITE = 250, DARK = 16 };

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

void goss__fit_free(goss__fit *f) {
    goss__scratch_free(&f->frame);
    goss__scratch_free(&f->memory);
}

/* ---- the weights of an axis ---- */

static size_t weights_max(int in, int out) { return in > out ? (size_t)in + 2 * (size_t)out : 2 * (size_t)out; }

static int cover(double lo, double hi, int in, int *first, float *w) {
    int last = (int)fmin(ceil(hi), in), n = 0;
    *first = (int)lo;
    for (int i = *first; i < last; i++) w[n++] = (float)fmax(0, fmin(hi, i + 1) - fmax(lo, i));
    return n;
}

static int interpolate(double centre, int in, int *first, float *w) {
    double c = fmin(fmax(centre, 0), in - 1);
    *first = (int)c;
    double part = c - *first;
    w[0] = (float)(1 - part);
    if (part == 0) return 1;
    w[1] = (float)part;
    return 2;
}

static void axis_fill(goss__span *spans, float *w, int in, int out) {
    double step = (double)in / out;
    for (int i = 0; i < out; i++) {
        goss__span *s = &spans[i];
        s->weights = w;
        s->count = in > out ? cover(i * step, (i + 1) * step, in, &s->first, w)
                            : interpolate((i + 0.5) * step - 0.5, in, &s->first, w);
        float sum = 0;
        for (int k = 0; k < s->count; k++) sum += w[k];
        for (int k = 0; k < s->count; k++) w[k] /= sum;
        w += s->count;
    }
}

/* ---- beginning ---- */

static goss_status check(const goss__raster *r, goss_error *err) {
    if (r->width == 0 || r->height == 0)
        return goss_error_set(err, GOSS_E_FORMAT, "the image is %zu x %zu: empty", r->width, r->height);
    size_t most = r->whole ? GOSS__FRAME_MAX : GOSS__PIXELS_MAX;
    if (r->width > GOSS__EXTENT_MAX || r->height > GOSS__EXTENT_MAX || r->width * r->height > most)
        return goss_error_set(err, GOSS_E_FORMAT, "the image says it is %zu x %zu; at most %d a side and %zu pixels%s",
                              r->width, r->height, GOSS__EXTENT_MAX, most,
                              r->whole ? " are read of this kind (baseline JPEG, and PNG that is not interlaced, may "
                                         "have eight times as many)"
                                       : " are read");
    return GOSS_OK;
}

static bool turned(const goss__fit *f) { return f->orientation >= 5; }

static goss_status make_room(goss__fit *f, goss_error *err) {
    size_t xw = weights_max(f->width, f->wide), yw = weights_max(f->height, f->tall), planes = (size_t)f->planes;
    size_t line = (size_t)f->width * planes, n = (size_t)f->wide * planes, sums = n * (size_t)f->tall;
    size_t spans = (size_t)f->wide + (size_t)f->tall;
    GOSS_TRY(
        goss__scratch_need(&f->memory, spans * sizeof(goss__span) + (xw + yw + line + n + sums) * sizeof(float), err));
    f->across = f->memory.data, f->down = f->across + f->wide;
    float *weights = (float *)(f->across + spans);
    f->line = weights + xw + yw, f->reduced = f->line + line, f->sums = f->reduced + n;
    memset(f->sums, 0, sums * sizeof(float));
    /* Images of a set are often all of one size: their weights are the same. */
    const int made[] = {f->width, f->height, f->wide, f->tall};
    if (f->made_room == f->memory.capacity && memcmp(made, f->made, sizeof made) == 0) return GOSS_OK;
    axis_fill(f->across, weights, f->width, f->wide);
    axis_fill(f->down, weights + xw, f->height, f->tall);
    memcpy(f->made, made, sizeof made);
    f->made_room = f->memory.capacity;
    return GOSS_OK;
}

goss_status goss__fit_begin(goss__fit *f, goss__raster r, goss_error *err) {
    GOSS_TRY(check(&r, err));
    f->width = (int)r.width, f->height = (int)r.height, f->channels = r.channels;
    f->orientation = r.orientation, f->deep = r.deep;
    f->natural[0] = turned(f) ? f->width : f->height, f->natural[1] = turned(f) ? f->height : f->width;
    f->row = f->next = 0;
    if (f->measure) {
        if (!f->format.height) f->format.height = f->natural[0];
        if (!f->format.width) f->format.width = f->natural[1];
        return GOSS_OK;
    }
    f->wide = turned(f) ? f->format.height : f->format.width, f->tall = turned(f) ? f->format.width : f->format.height;
    f->planes = f->format.channels + (r.channels == 2 || r.channels == 4);
    f->least = 255, f->alpha[0] = 255, f->alpha[1] = 0, f->brightest = 0;
    return make_room(f, err);
}

goss_status goss__fit_frame(goss__fit *f, size_t size, uint8_t **out, goss_error *err) {
    GOSS_TRY(goss__scratch_need(&f->frame, size, err));
    *out = f->frame.data;
    return GOSS_OK;
}

/* ---- rows ---- */

static void put_pixel(const float rgb[3], bool colour, int channels, float *out) {
    if (channels == 3)
        memcpy(out, rgb, 3 * sizeof *rgb);
    else
        out[0] = colour ? 0.299f * rgb[0] + 0.587f * rgb[1] + 0.114f * rgb[2] : rgb[0];
}

/* A row of bytes as floats 0..255. */
static void opaque_floats(const goss__fit *f, const uint8_t *b) {
    int in = f->channels, channels = f->format.channels;
    float *out = f->line;
    for (int x = 0; x < f->width; x++, b += in, out += channels) {
        float rgb[3] = {b[0], b[in == 3 ? 1 : 0], b[in == 3 ? 2 : 0]};
        put_pixel(rgb, in == 3, channels, out);
    }
}

/* The same with alpha: as it looks on white, and the alpha as a plane of its own. */
static void alpha_floats(goss__fit *f, const uint8_t *b) {
    int in = f->channels, channels = f->format.channels;
    float *out = f->line;
    for (int x = 0; x < f->width; x++, b += in, out += f->planes) {
        float rgb[3] = {b[0], b[in == 4 ? 1 : 0], b[in == 4 ? 2 : 0]}, alpha = (float)b[in - 1] / 255;
        for (int c = 0; c < 3; c++) rgb[c] = 255 - (255 - rgb[c]) * alpha;
        put_pixel(rgb, in == 4, channels, out);
        out[channels] = b[in - 1];
        for (int c = 0; c < channels; c++) f->least = out[c] < f->least ? out[c] : f->least;
        f->alpha[0] = b[in - 1] < f->alpha[0] ? b[in - 1] : f->alpha[0];
        f->alpha[1] = b[in - 1] > f->alpha[1] ? b[in - 1] : f->alpha[1];
    }
}

static void note_brightest(goss__fit *f, const uint8_t *b) {
    int colours = f->channels - (f->channels == 2 || f->channels == 4);
    for (int x = 0; x < f->width; x++, b += f->channels)
        for (int c = 0; c < colours; c++) f->brightest = b[c] > f->brightest ? b[c] : f->brightest;
}

static void shrink_row(const goss__fit *f) {
    int planes = f->planes;
    for (int x = 0; x < f->wide; x++) {
        const goss__span *s = &f->across[x];
        for (int c = 0; c < planes; c++) {
            float sum = 0;
            for (int k = 0; k < s->count; k++) sum += s->weights[k] * f->line[(s->first + k) * planes + c];
            f->reduced[x * planes + c] = sum;
        }
    }
}

void goss__fit_row(goss__fit *f, const uint8_t *row) {
    if (f->measure) return;
    assert(f->row < f->height);
    if (f->planes > f->format.channels)
        alpha_floats(f, row);
    else
        opaque_floats(f, row);
    if (f->deep) note_brightest(f, row);
    shrink_row(f);
    int n = f->wide * f->planes, at = f->row++;
    while (f->next < f->tall && f->down[f->next].first + f->down[f->next].count <= at) f->next++;
    for (int y = f->next; y < f->tall && f->down[y].first <= at; y++) {
        float w = f->down[y].weights[at - f->down[y].first], *sums = f->sums + (size_t)y * (size_t)n;
        for (int i = 0; i < n; i++) sums[i] += w * f->reduced[i];
    }
}

/* ---- the image ---- */

static int rounded(float v) { return (int)(fminf(fmaxf(v, 0), 255) + 0.5f); }

/* Where the pixel at x, y of the stored picture is seen: its number in the image. */
static size_t seen_at(const goss__fit *f, int x, int y) {
    static const bool flip_x[] = {0, 0, 1, 1, 0, 0, 1, 1, 0}, flip_y[] = {0, 0, 0, 1, 1, 0, 0, 1, 1};
    int u = turned(f) ? y : x, v = turned(f) ? x : y;
    if (flip_x[f->orientation]) u = f->format.width - 1 - u;
    if (flip_y[f->orientation]) v = f->format.height - 1 - v;
    return (size_t)v * (size_t)f->format.width + (size_t)u;
}

static bool is_flat(const goss_image_format *f, const uint8_t *out) {
    size_t channels = (size_t)f->channels, n = (size_t)f->height * (size_t)f->width * channels;
    int lo[3] = {255, 255, 255}, hi[3] = {0};
    for (size_t i = 0, c = 0; i < n; i++, c = c + 1 < channels ? c + 1 : 0) {
        lo[c] = out[i] < lo[c] ? out[i] : lo[c], hi[c] = out[i] > hi[c] ? out[i] : hi[c];
        if (hi[c] - lo[c] > FLAT) return false;
    }
    return true;
}

/* White ink on a transparent ground would be white on white: then the alpha is the drawing, dark where it covers. */
static bool is_white_ink(const goss__fit *f) {
    return f->planes > f->format.channels && f->least >= WHITE && f->alpha[1] - f->alpha[0] > 255 - WHITE;
}

void goss__fit_end(goss__fit *f, uint8_t *out) {
    if (f->measure) return;
    assert(f->row == f->height);
    bool ink = is_white_ink(f);
    int channels = f->format.channels;
    for (int y = 0; y < f->tall; y++)
        for (int x = 0; x < f->wide; x++) {
            const float *p = f->sums + ((size_t)y * (size_t)f->wide + (size_t)x) * (size_t)f->planes;
            uint8_t *to = out + (f->orientation > 1 ? seen_at(f, x, y) : (size_t)y * (size_t)f->wide + (size_t)x) *
                                    (size_t)channels;
            for (int c = 0; c < channels; c++) {
                int v = ink ? 255 - rounded(p[channels]) : rounded(p[c]);
                to[c] = (uint8_t)(f->format.invert ? 255 - v : v);
            }
        }
    f->flat = is_flat(&f->format, out);
    f->dark = f->deep && f->brightest > 0 && f->brightest <= DARK;
}
