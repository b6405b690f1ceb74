/* resize.c: a decoded picture becomes an image of the set: grey or colour, its final extent, inverted or not.
 *
 * Separable: each output row and column is a weighted sum over a span of input ones. Where an axis shrinks the weights
 * are the covered areas (exact anti-aliasing for a box), where it grows they are linear interpolation between pixel
 * centres. Sums are in float and rounded once. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "data/picture.h"

typedef struct span {
    int first, count;
    const float *weights;
} span;

typedef struct axis {
    span *spans; /* one an output index */
    float *weights;
} axis;

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

static void axis_fill(axis *a, int in, int out) {
    double step = (double)in / out;
    float *w = a->weights;
    for (int i = 0; i < out; i++) {
        span *s = &a->spans[i];
        s->weights = w;
        s->count = in > out ? cover(i * step, (i + 1) * step, in, &s->first, w)
                            : interpolate((i + 0.5) * step - 0.5, in, &s->first, w);
        float sum = 0;
        for (int k = 0; k < s->count; k++) sum += w[k];
        for (int k = 0; k < s->count; k++) w[k] /= sum;
        w += s->count;
    }
}

/* One row of bytes as floats 0..255 with `channels` values a pixel, alpha composed over white. */
static void row_floats(const goss__picture *p, int y, int channels, float *out) {
    int in = p->channels;
    const uint8_t *b = (const uint8_t *)p->bytes.data + (size_t)y * (size_t)p->width * (size_t)in;
    for (int x = 0; x < p->width; x++, b += in, out += channels) {
        float rgb[3] = {b[0], b[in >= 3 ? 1 : 0], b[in >= 3 ? 2 : 0]};
        if (in == 2 || in == 4) {
            float alpha = (float)b[in - 1] / 255;
            for (int c = 0; c < 3; c++) rgb[c] = 255 - (255 - rgb[c]) * alpha;
        }
        if (channels == 3)
            memcpy(out, rgb, sizeof rgb);
        else
            out[0] = in >= 3 ? 0.299f * rgb[0] + 0.587f * rgb[1] + 0.114f * rgb[2] : rgb[0];
    }
}

static void row_shrink(const float *row, const axis *a, int width, int channels, float *out) {
    for (int x = 0; x < width; x++) {
        const span *s = &a->spans[x];
        for (int c = 0; c < channels; c++) {
            float sum = 0;
            for (int k = 0; k < s->count; k++) sum += s->weights[k] * row[(s->first + k) * channels + c];
            out[x * channels + c] = sum;
        }
    }
}

static void columns_shrink(const float *rows, const axis *a, int height, int n, bool invert, uint8_t *out) {
    for (int y = 0; y < height; y++) {
        const span *s = &a->spans[y];
        for (int i = 0; i < n; i++) {
            float sum = 0;
            for (int k = 0; k < s->count; k++)
                sum += s->weights[k] * rows[(size_t)(s->first + k) * (size_t)n + (size_t)i];
            int v = (int)(fminf(fmaxf(sum, 0), 255) + 0.5f);
            out[(size_t)y * (size_t)n + (size_t)i] = (uint8_t)(invert ? 255 - v : v);
        }
    }
}

goss_status goss__picture_fit(const goss__picture *p, const goss_image_format *f, goss__scratch *scratch, uint8_t *out,
                              goss_error *err) {
    int n = f->width * f->channels;
    size_t xw = weights_max(p->width, f->width), yw = weights_max(p->height, f->height);
    size_t line = (size_t)p->width * (size_t)f->channels, rows = (size_t)p->height * (size_t)n;
    size_t spans = (size_t)f->width + (size_t)f->height;
    GOSS_TRY(goss__scratch_need(scratch, spans * sizeof(span) + (xw + yw + line + rows) * sizeof(float), err));
    axis x = {.spans = scratch->data}, y = {.spans = x.spans + f->width};
    x.weights = (float *)(x.spans + spans), y.weights = x.weights + xw;
    float *row = y.weights + yw, *reduced = row + line;
    axis_fill(&x, p->width, f->width);
    axis_fill(&y, p->height, f->height);
    for (int i = 0; i < p->height; i++) {
        row_floats(p, i, f->channels, row);
        row_shrink(row, &x, f->width, f->channels, reduced + (size_t)i * (size_t)n);
    }
    columns_shrink(reduced, &y, f->height, n, f->invert, out);
    return GOSS_OK;
}
