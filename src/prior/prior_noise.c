/* SPDX-License-Identifier: Apache-2.0 */
/* prior_noise.c: random numbers. A bulk draw starts at a fresh block of four words, so that it needs no cache. */
#include <math.h>

#include "prior/prior_noise.h"

enum { PAIRS = 256 }; /* of a bulk draw at a time */

void goss__noise_map(const goss__kernels *k, enum goss__ew_op op, const float *in, float *out, int64_t n) {
    const goss__ew e = {.out = out, .in = {in}, .outer = 1, .inner = n, .in_inner = {1}};
    k->ew[op](&e);
}

/* ---- bulk ---- */

static void words(goss__noise *r, uint32_t *out, int64_t n) {
    const uint32_t key[2] = {(uint32_t)r->r.seed, (uint32_t)(r->r.seed >> 32)};
    uint64_t block = (r->r.position + 3) / 4;
    for (int64_t i = 0; i < n; i += 4, block++) {
        const uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)r->r.stream,
                                     (uint32_t)(r->r.stream >> 32)};
        goss__philox(counter, key, out + i);
    }
    r->r.position = 4 * block;
}

/* 24 bits, from 2^-25: a logarithm of it is finite. */
static float fraction(uint32_t word) { return ((float)(word >> 8) + 0.5f) * 0x1p-24f; }

void goss__noise_uniforms(goss__noise *r, float *out, int64_t n) {
    uint32_t w[2 * PAIRS];
    for (int64_t done = 0; done < n; done += 2 * PAIRS) {
        const int64_t part = n - done < 2 * PAIRS ? n - done : 2 * PAIRS;
        words(r, w, part);
        for (int64_t i = 0; i < part; i++) out[done + i] = fraction(w[i]);
    }
}

void goss__noise_normals(goss__noise *r, float *out, int64_t n) {
    uint32_t w[2 * PAIRS];
    float radius[PAIRS], angle[PAIRS], wave[PAIRS];
    for (int64_t done = 0; done < n; done += 2 * PAIRS) {
        const int64_t part = n - done < 2 * PAIRS ? n - done : 2 * PAIRS, pairs = (part + 1) / 2;
        words(r, w, 2 * pairs);
        for (int64_t i = 0; i < pairs; i++) radius[i] = fraction(w[i]), angle[i] = fraction(w[pairs + i]) * 6.2831853f;
        goss__noise_map(r->kernels, GOSS__EW_log, radius, radius, pairs);
        for (int64_t i = 0; i < pairs; i++) radius[i] = -2 * radius[i];
        goss__noise_map(r->kernels, GOSS__EW_sqrt, radius, radius, pairs);
        goss__noise_map(r->kernels, GOSS__EW_cos, angle, wave, pairs);
        for (int64_t i = 0; i < pairs; i++) out[done + i] = radius[i] * wave[i];
        goss__noise_map(r->kernels, GOSS__EW_sin, angle, wave, part - pairs);
        for (int64_t i = 0; i < part - pairs; i++) out[done + pairs + i] = radius[i] * wave[i];
    }
}

/* ---- single numbers ---- */

bool goss__noise_chance(goss__noise *r, double p) { return goss__rng_uniform(&r->r) < p; }

double goss__noise_between(goss__noise *r, double low, double high) {
    return low + (high - low) * goss__rng_uniform(&r->r);
}

double goss__noise_log_between(goss__noise *r, double low, double high) {
    return exp(goss__noise_between(r, log(low), log(high)));
}

double goss__noise_gamma(goss__noise *r, double shape, double scale) {
    const double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        const double z = goss__rng_normal(&r->r), t = 1 + c * z, v = t * t * t;
        if (v <= 0) continue;
        if (log(1 - goss__rng_uniform(&r->r)) < 0.5 * z * z + d * (1 - v + log(v))) return d * v * scale;
    }
}

int goss__noise_below(goss__noise *r, int n) { return (int)goss__rng_below(&r->r, (uint32_t)n); }

int goss__noise_count(goss__noise *r, double p, int most) {
    int n = 1;
    while (n < most && goss__noise_chance(r, p)) n++;
    return n;
}

int goss__noise_choose(goss__noise *r, const double *weight, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += weight[i];
    double at = goss__noise_between(r, 0, sum);
    int last = 0;
    for (int i = 0; i < n; i++) {
        if (weight[i] <= 0) continue;
        last = i;
        if (at < weight[i]) return i;
        at -= weight[i];
    }
    return last; /* rounding */
}
