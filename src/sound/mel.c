/* SPDX-License-Identifier: Apache-2.0 */
/* mel.c: mel spectrograms, decibels and cepstra, equal to librosa's (melspectrogram, power_to_db, mfcc with their
 * defaults: centred frames, zeros beyond the ends, periodic Hann window, Slaney's scale and area normalisation). */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "gossamer/sound.h"
#include "sound/fft.h"
#include "sound/mel.h"

struct goss_mel {
    goss_mel_options o;
    const goss__kernels *kernels;
    goss__fft fft;
    goss__arena arena;
    goss__band *band; /* [mels] triangles */
};

static const double pi = 3.14159265358979323846;

/* ---- Slaney's scale: linear to 1 kHz, then logarithmic (Auditory Toolbox, 1998) ---- */

static const double linear_step = 200.0 / 3, break_hz = 1000, break_mel = 15;
static double log_step(void) { return log(6.4) / 27; }

static double to_mel(double hz) {
    return hz < break_hz ? hz / linear_step : break_mel + log(hz / break_hz) / log_step();
}
static double to_hz(double mel) {
    return mel < break_mel ? mel * linear_step : break_hz * exp((mel - break_mel) * log_step());
}

static double edge(const goss_mel_options *o, int i) {
    const double low = to_mel(o->low), high = to_mel(o->high);
    return to_hz(low + (high - low) * i / (o->mels + 1));
}

/* The weight of a frequency in the band with these edges, of area 1. */
static double weight(double hz, const double e[3]) {
    const double up = (hz - e[0]) / (e[1] - e[0]), down = (e[2] - hz) / (e[2] - e[1]), least = up < down ? up : down;
    return least > 0 ? least * 2 / (e[2] - e[0]) : 0;
}

static bool make_band(goss_mel *m, int i) {
    const goss_mel_options *o = &m->o;
    const double e[3] = {edge(o, i), edge(o, i + 1), edge(o, i + 2)};
    goss__band *b = &m->band[i];
    const int bins = o->fft / 2 + 1;
    for (int k = 0; k < bins; k++) {
        if (weight((double)k * o->rate / o->fft, e) <= 0) continue;
        if (b->count == 0) b->first = k;
        b->count = k + 1 - b->first;
    }
    float *w = goss__arena_alloc(&m->arena, (size_t)(b->count + 1) * sizeof *w);
    if (!w) return false;
    for (int k = 0; k < b->count; k++) w[k] = (float)weight((double)(b->first + k) * o->rate / o->fft, e);
    b->weight = w;
    return true;
}

/* ---- making ---- */

static goss_status check(const goss_mel_options *o, goss_error *err) {
    if (o->fft < 4 || o->fft > 1 << 20 || o->fft & (o->fft - 1))
        return goss_error_set(err, GOSS_E_ARGUMENT, "a transform of %d samples: a power of two from 4 on", o->fft);
    if (o->window < 1 || o->window > o->fft || o->hop < 1 || o->mels < 1)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "a window of %d samples, a hop of %d, %d mels: 1 to %d, and at "
                              "least 1 each",
                              o->window, o->hop, o->mels, o->fft);
    if (o->rate < 1 || !(o->low >= 0 && o->low < o->high && 2 * o->high <= o->rate))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "bands from %g to %g Hz: there are frequencies up to %g, half the "
                              "rate",
                              o->low, o->high, (double)o->rate / 2);
    return GOSS_OK;
}

static bool fill(goss_mel *m) {
    const goss_mel_options *o = &m->o;
    m->band = goss__arena_alloc(&m->arena, (size_t)o->mels * sizeof *m->band);
    if (!m->band || !goss__fft_init(&m->fft, o->fft, o->window, &m->arena)) return false;
    for (int i = 0; i < o->mels; i++)
        if (!make_band(m, i)) return false;
    return true;
}

/* A band between two bins has no weight. */
static goss_status check_bands(const goss_mel *m, goss_error *err) {
    for (int i = 0; i < m->o.mels; i++)
        if (m->band[i].count == 0)
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "band %d of %d, around %.0f Hz, is narrower than the spectrum's steps of %.0f Hz: "
                                  "fewer mels, or a longer window",
                                  i + 1, m->o.mels, edge(&m->o, i + 1), (double)m->o.rate / m->o.fft);
    return GOSS_OK;
}

goss_status goss_mel_new(const goss_mel_options *o, goss_mel **out, goss_error *err) {
    *out = NULL;
    GOSS_TRY(check(o, err));
    goss_mel *m = goss__calloc(1, sizeof *m);
    if (!m) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a spectrogram's tables");
    m->o = *o;
    m->kernels = goss__kernels_best();
    goss_status s =
        fill(m) ? check_bands(m, err) : goss_error_set(err, GOSS_E_NOMEM, "no memory for a spectrogram's tables");
    if (s == GOSS_OK)
        *out = m;
    else
        goss_mel_free(m);
    return s;
}

void goss_mel_free(goss_mel *m) {
    if (!m) return;
    goss__arena_free(&m->arena);
    goss__free(m);
}

/* ---- spectra ---- */

int goss_mel_frames(const goss_mel *m, size_t n) { return 1 + (int)(n / (size_t)m->o.hop); }

enum { F = GOSS__FFT_FRAMES };

size_t goss_mel_scratch(const goss_mel *m) {
    const size_t bins = (size_t)m->o.fft / 2 + 1;
    return (size_t)F * ((size_t)m->o.fft + bins + (size_t)m->o.window + (size_t)m->o.mels);
}

/* Frames first .. first + count - 1 under the window [F, window], beyond the ends of the waveform and of the frames
 * zeros; those that are not within the waveform are copied to rows [F, window]. */
static void find_frames(const goss_mel *m, const float *samples, size_t n, int first, int count, float *rows,
                        const float *frame[F]) {
    const int64_t window = m->o.window, all = (int64_t)n;
    for (int f = 0; f < F; f++, rows += window) {
        const int64_t at = (int64_t)(first + f) * m->o.hop - m->o.fft / 2 + m->fft.first;
        if (f < count && at >= 0 && at + window <= all) {
            frame[f] = samples + at;
            continue;
        }
        const int64_t from = at < 0 ? -at : 0, to = at + window < all ? window : all - at;
        memset(rows, 0, (size_t)window * sizeof *rows);
        if (f < count && from < to) memcpy(rows + from, samples + at + from, (size_t)(to - from) * sizeof *rows);
        frame[f] = rows;
    }
}

void goss_mel_power(const goss_mel *m, const float *samples, size_t n, int first, int count, float *scratch,
                    float *out) {
    const int mels = m->o.mels;
    float *work = scratch, *power = work + (size_t)m->o.fft * F, *rows = power + (size_t)(m->o.fft / 2 + 1) * F,
          *band = rows + (size_t)m->o.window * F;
    for (int at = 0; at < count; at += F) {
        const int frames = count - at < F ? count - at : F;
        const float *frame[F];
        find_frames(m, samples, n, first + at, frames, rows, frame);
        m->kernels->fft_power(&m->fft, frame, work, power);
        m->kernels->bands(m->band, mels, power, band);
        m->kernels->transpose(out + (size_t)at * (size_t)mels, mels, band, F, mels, frames);
    }
}

/* Which band has its centre at that frequency, between bands where none has; within those that there are. */
static double band_at(const goss_mel_options *o, double hz) {
    const double low = to_mel(o->low), step = (to_mel(o->high) - low) / (o->mels + 1);
    const double at = (to_mel(hz) - low) / step - 1, last = o->mels - 1;
    return at < 0 ? 0 : at > last ? last : at;
}

/* Frames are interpolated one band at a time, so that the place of each band is found once. */
void goss__mel_warp(const goss_mel *m, double factor, float *power, int count, float *scratch) {
    const int mels = m->o.mels;
    const size_t row = (size_t)mels;
    for (int i = 0; i < mels; i++) scratch[i] = (float)band_at(&m->o, edge(&m->o, i + 1) / factor);
    for (int f = 0; f < count; f++) {
        float *at = power + (size_t)f * row;
        /* What is read lies above what is written where the factor is below 1, and below it otherwise. */
        for (int k = 0; k < mels; k++) {
            const int i = factor < 1 ? k : mels - 1 - k, from = (int)scratch[i],
                      next = from + 1 < mels ? from + 1 : from;
            const float t = scratch[i] - (float)from;
            at[i] = at[from] * (1 - t) + at[next] * t;
        }
    }
}

float goss_decibels(float *power, size_t n, float range) {
    const goss__kernels *k = goss__kernels_best();
    const float most = k->decibels(power, (int64_t)n, 1e-10F), floor_level = most - range;
    const goss__ew e = {.out = power, .in = {power, &floor_level}, .outer = 1, .inner = (int64_t)n, .in_inner = {1, 0}};
    k->ew[GOSS__EW_max](&e);
    return most;
}

void goss__cosines(int mels, int coefficients, float *out) {
    for (int i = 0; i < mels; i++)
        for (int k = 0; k < coefficients; k++) {
            const double scale = sqrt((k ? 2.0 : 1.0) / mels);
            *out++ = (float)(scale * cos(pi * k * (2 * (double)i + 1) / (2.0 * mels)));
        }
}

size_t goss__cepstrum_scratch(int frames, int mels, int coefficients) {
    return goss__kernels_best()->gemm_scratch(frames, coefficients, mels, false, false);
}

void goss__cepstrum(const float *mel, int frames, int mels, int coefficients, const float *cosine, float *out,
                    void *scratch) {
    const goss__gemm g = {.m = frames,
                          .n = coefficients,
                          .k = mels,
                          .a = mel,
                          .lda = mels,
                          .b = cosine,
                          .ldb = coefficients,
                          .c = out,
                          .ldc = coefficients};
    goss__kernels_best()->gemm(&g, scratch);
}

goss_status goss_cepstrum(const float *mel, int frames, int mels, int coefficients, float *out, goss_error *err) {
    float *cosine = goss__calloc((size_t)mels * (size_t)coefficients, sizeof *cosine);
    void *scratch = goss__alloc_aligned(goss__cepstrum_scratch(frames, mels, coefficients));
    const bool room = cosine && scratch;
    if (room) {
        goss__cosines(mels, coefficients, cosine);
        goss__cepstrum(mel, frames, mels, coefficients, cosine, out, scratch);
    }
    goss__free(cosine), goss__free(scratch);
    return room ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory for a table of cosines");
}
