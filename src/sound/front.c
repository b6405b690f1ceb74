/* SPDX-License-Identifier: Apache-2.0 */
/* front.c: from a waveform to a sample: changes of the waveform (augmentation), spectrum, cut, normalisation, fit to a
 * number of frames, masks. All in the caller's scratch memory; every random number is drawn from one stream, in one
 * order, whatever is switched on. */
#include "sound/front.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "base/rng.h"
#include "kernel/kernel.h"
#include "sound/mel.h"

/* Decibels in a unit of a sample, and the least of GOSS_SOUND_NONE. */
static const float unit = 20, floor_level = -100;

/* ---- making ---- */

static int samples_of(double ms, int rate) { return (int)lround(ms * rate / 1000); }

goss_status goss__front_init(goss__front *fe, const goss_sound_front *f, const goss_sound_augment *augment,
                             goss_error *err) {
    *fe = (goss__front){.f = *f, .augment = augment ? *augment : (goss_sound_augment){0}};
    GOSS_TRY(goss_sound_front_check(f, err));
    fe->f.pattern = "";
    goss_mel_options o = {.rate = f->rate,
                          .window = samples_of(f->window, f->rate),
                          .hop = samples_of(f->hop, f->rate),
                          .mels = f->mels,
                          .low = f->low,
                          .high = f->high > 0 ? f->high : f->rate / 2.0,
                          .fft = 4};
    while (o.fft < o.window) o.fft *= 2;
    fe->fft = o.fft, fe->hop = o.hop;
    fe->rank = goss_sound_shape_of(f, fe->input), fe->width = (int)fe->input[1];
    GOSS_TRY(goss_error_prefix(err, goss_mel_new(&o, &fe->mel, err), "[sound]"));
    if (f->features != GOSS_SOUND_MFCC) return GOSS_OK;
    fe->cosine = goss__calloc((size_t)f->mels * (size_t)fe->width, sizeof *fe->cosine);
    if (fe->cosine) {
        goss__cosines(f->mels, fe->width, fe->cosine);
        return GOSS_OK;
    }
    goss__front_free(fe);
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for a table of cosines");
}

void goss__front_free(goss__front *fe) {
    goss_mel_free(fe->mel);
    goss__free(fe->cosine);
    fe->mel = NULL, fe->cosine = NULL;
}

int goss_sound_shape_of(const goss_sound_front *f, int64_t *extents) {
    extents[0] = f->frames;
    extents[1] = f->features == GOSS_SOUND_MFCC ? f->coefficients : f->mels;
    extents[2] = 1;
    return f->shape == GOSS_SOUND_MAP ? 3 : 2;
}

/* The samples of n at the slowest speed. */
static size_t slowest(const goss__front *fe, size_t n) {
    return (size_t)((double)n / ((1 - fe->augment.speed) * (1 - fe->augment.voice))) + 2;
}

/* Scratch memory: the changed waveform, of spectra, [frames, mels], [frames, width], [frames], [mels], of products. */
typedef struct pieces {
    float *wave, *fft, *power, *cepstra, *level, *warp;
    void *product;
} pieces;

/* For a waveform of n samples at the slowest speed; returns how many bytes they take, at most. */
static size_t divide(const goss__front *fe, size_t n, void *scratch, pieces *p) {
    const size_t samples = slowest(fe, n), frames = (size_t)goss_mel_frames(fe->mel, samples);
    const size_t mels = (size_t)fe->f.mels, width = (size_t)fe->width;
    const size_t size[] = {samples, goss_mel_scratch(fe->mel), frames * mels, frames * width, frames, mels};
    float **piece[] = {&p->wave, &p->fft, &p->power, &p->cepstra, &p->level, &p->warp};
    uintptr_t at = (uintptr_t)scratch;
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) *piece[i] = (float *)at, at += (size[i] + 15) / 16 * 64;
    p->product = (void *)at;
    if (fe->cosine) at += goss__cepstrum_scratch((int)frames, fe->f.mels, fe->width);
    return (size_t)(at - (uintptr_t)scratch);
}

size_t goss__front_scratch(const goss__front *fe, size_t n) {
    pieces p;
    return divide(fe, n, NULL, &p);
}

/* ---- augmentation of the waveform ---- */

typedef struct changes {
    double speed, gain, noise; /* a factor, a factor, decibels above the noise (0: none) */
    double warp;               /* a factor */
    double start, end;         /* milliseconds */
    double mask[2], at[2];     /* widths and places, 0 to 1 */
    uint64_t noise_seed;
} changes;

static double around(goss__rng *rng, double bound) { return bound * (2 * goss__rng_uniform(rng) - 1); }

static changes draw_changes(const goss_sound_augment *a, goss_class_random random) {
    goss__rng rng = goss__rng_make(random.sample, 0x736f756e64); /* "sound" */
    goss__rng voice = goss__rng_make(random.task, 0x766f696365); /* "voice" */
    changes c = {.speed = 1, .gain = 1, .warp = 1, .noise_seed = random.sample};
    if (!random.sample) return c;
    c.speed = 1 + around(&rng, a->speed);
    c.gain = pow(10, around(&rng, a->gain) / 20);
    c.noise = a->noise + 30 * goss__rng_uniform(&rng);
    c.start = around(&rng, a->shift), c.end = around(&rng, a->shift);
    for (int i = 0; i < 2; i++) c.mask[i] = a->masks * goss__rng_uniform(&rng), c.at[i] = goss__rng_uniform(&rng);
    c.warp = 1 + around(&rng, a->warp);
    if (a->noise <= 0) c.noise = 0;
    c.speed *= 1 + around(&voice, a->voice);
    c.warp *= 1 + around(&voice, a->voice);
    return c;
}

/* Cubic interpolation (Catmull and Rom 1974) between the samples; beyond the ends is silence. */
static float between(const float *s, size_t n, double at) {
    const int64_t i = (int64_t)floor(at);
    const float t = (float)(at - (double)i);
    float v[4];
    for (int k = 0; k < 4; k++) v[k] = i + k - 1 >= 0 && i + k - 1 < (int64_t)n ? s[i + k - 1] : 0;
    return v[1] +
           t / 2 * (v[2] - v[0] + t * (2 * v[0] - 5 * v[1] + 4 * v[2] - v[3] + t * (3 * (v[1] - v[2]) + v[3] - v[0])));
}

static float loudness(const float *s, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)s[i] * (double)s[i];
    return n ? (float)sqrt(sum / (double)n) : 0;
}

/* Returns the number of samples in `to`. */
static size_t change(const changes *c, const float *s, size_t n, float *to) {
    const size_t m = (size_t)((double)n / c->speed);
    for (size_t i = 0; i < m; i++) to[i] = (float)c->gain * between(s, n, (double)i * c->speed);
    if (c->noise <= 0) return m;
    goss__rng rng = goss__rng_make(c->noise_seed, 0x6e6f697365); /* "noise" */
    /* Uniform numbers, of variance 1/3: as white as normal ones, and a tenth of their time. */
    const float level = loudness(to, m) * (float)(pow(10, -c->noise / 20) * sqrt(3.0));
    for (size_t i = 0; i < m; i++) to[i] += level * ((float)(goss__rng_u32(&rng) >> 8) * 0x1p-23F - 1);
    return m;
}

/* ---- the cut ---- */

/* The frames from the first to the last that is loud. level [frames]: scratch. */
static void trim(const goss__front *fe, const float *power, int frames, float *level, int *first, int *count) {
    int last = frames - 1;
    *first = 0, *count = frames;
    if (fe->f.trim <= 0) return;
    goss__kernels_best()->sum(level, power, frames, fe->f.mels, 1);
    const float most = goss_decibels(level, (size_t)frames, INFINITY);
    while (*first < last && level[*first] < most - (float)fe->f.trim) ++*first;
    while (last > *first && level[last] < most - (float)fe->f.trim) last--;
    *count = last + 1 - *first;
}

/* Moves both ends by what was drawn; at least two frames stay, where there are as many. */
static void move_ends(const goss__front *fe, const changes *c, int frames, int *first, int *count) {
    int start = *first + (int)lround(c->start / fe->f.hop), end = *first + *count + (int)lround(c->end / fe->f.hop);
    start = start < 0 ? 0 : start, end = end > frames ? frames : end;
    if (end - start < 2 || start >= frames) return;
    *first = start, *count = end - start;
}

/* ---- normalisation, in place ---- */

static void shift_scale(float *v, int frames, int width, float shift, float scale) {
    for (size_t i = 0; i < (size_t)frames * (size_t)width; i++) v[i] = (v[i] + shift) * scale;
}

enum { C = 8 }; /* columns at a time */

/* `most` columns, at most C, of rows `width` apart. */
static void normalise(float *v, int frames, size_t width, int most, bool by_deviation) {
    double sum[C] = {0}, squares[C] = {0};
    float mean[C], scale[C];
    for (int i = 0; i < frames; i++)
        for (int k = 0; k < most; k++) sum[k] += (double)v[(size_t)i * width + (size_t)k];
    for (int k = 0; k < most; k++) mean[k] = (float)(sum[k] / frames);
    for (int i = 0; i < frames; i++)
        for (int k = 0; k < most; k++) {
            const float d = v[(size_t)i * width + (size_t)k] - mean[k];
            squares[k] += (double)d * (double)d;
        }
    for (int k = 0; k < most; k++) {
        /* What does not vary stays 0: rounding is no signal. */
        const double deviation = sqrt(squares[k] / frames);
        scale[k] = !by_deviation ? 1 / unit : deviation > 1e-3 ? (float)(1 / deviation) : 0;
    }
    for (int i = 0; i < frames; i++)
        for (int k = 0; k < most; k++) {
            float *at = &v[(size_t)i * width + (size_t)k];
            *at = (*at - mean[k]) * scale[k];
        }
}

static void by_mean(float *v, int frames, int width, bool by_deviation) {
    for (int k = 0; k < width; k += C) {
        if (width - k >= C) /* of a constant number of columns */
            normalise(v + k, frames, (size_t)width, C, by_deviation);
        else
            normalise(v + k, frames, (size_t)width, width - k, by_deviation);
    }
}

/* ---- frames ---- */

static void stretch(const float *v, int frames, int width, int to, float *x) {
    for (int j = 0; j < to; j++) {
        const double at = to > 1 ? (double)j * (frames - 1) / (to - 1) : (frames - 1) / 2.0;
        const int i = at >= frames - 1 ? (frames > 1 ? frames - 2 : 0) : (int)at, next = frames > 1 ? i + 1 : i;
        const float t = (float)(at - i);
        for (int k = 0; k < width; k++)
            x[(size_t)j * (size_t)width + (size_t)k] =
                v[(size_t)i * (size_t)width + (size_t)k] * (1 - t) + v[(size_t)next * (size_t)width + (size_t)k] * t;
    }
}

static void pad(const float *v, int frames, int width, int to, float *x) {
    const int from = frames > to ? (frames - to) / 2 : 0, before = to > frames ? (to - frames) / 2 : 0;
    const int n = frames < to ? frames : to;
    memset(x, 0, (size_t)to * (size_t)width * sizeof *x);
    memcpy(x + (size_t)before * (size_t)width, v + (size_t)from * (size_t)width, (size_t)n * (size_t)width * sizeof *x);
}

/* As many frames as there are, or the middle ones. */
static int keep(const float *v, int frames, int width, int most, float *x) {
    const int n = frames < most ? frames : most, from = (frames - n) / 2;
    memset(x, 0, (size_t)most * (size_t)width * sizeof *x);
    memcpy(x, v + (size_t)from * (size_t)width, (size_t)n * (size_t)width * sizeof *x);
    return n;
}

/* Returns the frames of the sample. */
static int fit(const goss__front *fe, const float *v, int frames, float *x) {
    if (fe->f.fit == GOSS_SOUND_RAGGED) return keep(v, frames, fe->width, fe->f.frames, x);
    (fe->f.fit == GOSS_SOUND_STRETCH ? stretch : pad)(v, frames, fe->width, fe->f.frames, x);
    return fe->f.frames;
}

/* Hides some of the frames, and some of the coefficients of all frames. */
static void mask(const goss__front *fe, const changes *c, int frames, float *x) {
    const int extent[2] = {frames, fe->width};
    int first[2], n[2];
    for (int i = 0; i < 2; i++)
        n[i] = (int)(c->mask[i] * extent[i]), first[i] = (int)(c->at[i] * (extent[i] - n[i] + 1));
    memset(x + (size_t)first[0] * (size_t)fe->width, 0, (size_t)n[0] * (size_t)fe->width * sizeof *x);
    for (int i = 0; i < extent[0]; i++) memset(x + i * fe->width + first[1], 0, (size_t)n[1] * sizeof *x);
}

/* ---- all of it ---- */

/* Decibels of count frames, normalised, [count, width]; returns where they are. */
static float *describe(const goss__front *fe, float *power, int count, const pieces *p) {
    const size_t n = (size_t)count * (size_t)fe->f.mels;
    const bool none = fe->f.normal == GOSS_SOUND_NONE;
    const float most = goss_decibels(power, n, none ? INFINITY : (float)fe->f.range);
    float *v = power;
    if (none)
        shift_scale(power, count, fe->f.mels, -floor_level, 1 / unit);
    else if (fe->f.normal == GOSS_SOUND_LEVEL)
        shift_scale(power, count, fe->f.mels, (float)fe->f.range - most, 1 / unit);
    if (fe->f.features == GOSS_SOUND_MFCC) {
        goss__cepstrum(power, count, fe->f.mels, fe->width, fe->cosine, p->cepstra, p->product);
        v = p->cepstra;
    }
    if (fe->f.normal >= GOSS_SOUND_MEAN) by_mean(v, count, fe->width, fe->f.normal == GOSS_SOUND_STANDARD);
    return v;
}

int goss__front_sample(const goss__front *fe, const float *samples, size_t n, goss_class_random random, void *scratch,
                       float *x) {
    const changes c = draw_changes(&fe->augment, random);
    pieces p;
    int first, count;
    divide(fe, n, scratch, &p);
    if (random.sample) n = change(&c, samples, n, p.wave), samples = p.wave;
    const int frames = goss_mel_frames(fe->mel, n);
    goss_mel_power(fe->mel, samples, n, 0, frames, p.fft, p.power);
    if (c.warp != 1) goss__mel_warp(fe->mel, c.warp, p.power, frames, p.warp);
    trim(fe, p.power, frames, p.level, &first, &count);
    if (random.sample) move_ends(fe, &c, frames, &first, &count);
    const float *v = describe(fe, p.power + (size_t)first * (size_t)fe->f.mels, count, &p);
    const int steps = fit(fe, v, count, x);
    if (random.sample) mask(fe, &c, steps, x);
    return steps;
}

/* ---- single waveforms ---- */

struct goss_sound_reader {
    goss__front front;
    char *scratch;
    size_t room; /* bytes */
};

goss_status goss_sound_reader_new(const goss_sound_front *f, goss_sound_reader **out, goss_error *err) {
    goss_sound_reader *r = *out = goss__calloc(1, sizeof *r);
    if (!r) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a front end");
    const goss_status s = goss__front_init(&r->front, f, NULL, err);
    if (s == GOSS_OK) return s;
    goss_sound_reader_free(r);
    *out = NULL;
    return s;
}

void goss_sound_reader_free(goss_sound_reader *r) {
    if (!r) return;
    goss__front_free(&r->front);
    goss__free(r->scratch);
    goss__free(r);
}

/* Room for waveforms of up to n samples in so many lanes; *lane: bytes of one. */
static goss_status make_room(goss_sound_reader *r, size_t n, int lanes, size_t *lane, goss_error *err) {
    size_t need;
    *lane = (goss__front_scratch(&r->front, n) + 63) / 64 * 64;
    const bool fits = goss__mul_ok((size_t)lanes, *lane, &need);
    if (fits && need <= r->room) return GOSS_OK;
    char *grown = fits ? goss__alloc_aligned(need) : NULL;
    if (!grown) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a recording of %zu samples", n);
    goss__free(r->scratch);
    r->scratch = grown, r->room = need;
    return GOSS_OK;
}

typedef struct reading {
    const goss_sound_reader *reader;
    const float *const *samples;
    const size_t *n;
    size_t lane, size; /* bytes of a lane, numbers of a sample */
    float *x;
    int32_t *steps;
} reading;

static void read_one(void *context, int64_t i, int lane) {
    const reading *c = context;
    const int steps = goss__front_sample(&c->reader->front, c->samples[i], c->n[i], (goss_class_random){0},
                                         c->reader->scratch + (size_t)lane * c->lane, c->x + (size_t)i * c->size);
    if (c->steps) c->steps[i] = steps;
}

goss_status goss_sound_reader_samples(goss_sound_reader *r, const float *const *samples, const size_t *n, int count,
                                      float *x, int32_t *steps, goss_threads *threads, goss_error *err) {
    reading c = {.reader = r, .samples = samples, .n = n, .size = 1, .x = x, .steps = steps};
    const int most = threads ? goss_threads_count(threads) : 1, lanes = count < most ? count : most;
    size_t longest = 0;
    for (int i = 0; i < count; i++) longest = n[i] > longest ? n[i] : longest;
    for (int i = 0; i < r->front.rank; i++) c.size *= (size_t)r->front.input[i];
    GOSS_TRY(make_room(r, longest, lanes, &c.lane, err));
    goss__threads_run(threads, lanes, count, read_one, &c);
    return GOSS_OK;
}

goss_status goss_sound_reader_sample(goss_sound_reader *r, const float *samples, size_t n, float *x, int32_t *steps,
                                     goss_error *err) {
    return goss_sound_reader_samples(r, &samples, &n, 1, x, steps, NULL, err);
}

/* ---- single frames ---- */

bool goss_sound_front_by_frame(const goss_sound_front *f) {
    return f->fit == GOSS_SOUND_RAGGED && f->trim <= 0 && f->normal == GOSS_SOUND_NONE;
}

int goss_sound_reader_frames(const goss_sound_reader *r, size_t n) { return goss_mel_frames(r->front.mel, n); }

int goss_sound_reader_settled(const goss_sound_reader *r, size_t n) {
    const size_t half = (size_t)r->front.fft / 2;
    return n < half ? 0 : 1 + (int)((n - half) / (size_t)r->front.hop);
}

goss_status goss_sound_reader_frame(goss_sound_reader *r, const float *samples, size_t n, int i, float *x,
                                    goss_error *err) {
    const goss__front *fe = &r->front;
    size_t lane;
    pieces p;
    GOSS_TRY(make_room(r, 0, 1, &lane, err));
    divide(fe, 0, r->scratch, &p);
    goss_mel_power(fe->mel, samples, n, i, 1, p.fft, p.power);
    memcpy(x, describe(fe, p.power, 1, &p), (size_t)fe->width * sizeof *x);
    return GOSS_OK;
}
