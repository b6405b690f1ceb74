/* SPDX-License-Identifier: Apache-2.0 */
/* vec_spectrum.c: the power spectra of GOSS__FFT_FRAMES real frames, a frame in each lane, their bands, and decibels.
 *
 * Frames are transposed under their window. Even samples are the real parts and odd ones the imaginary parts of n/2
 * complex numbers, whose transform gives that of the real frame in one more pass (Cooley and Tukey 1965). It divides by
 * frequency, four at a time and in place (Gentleman and Sande 1966), so that its results are in the order of bits
 * reversed, in which that last pass reads them. No lane depends on another one. */
#include "kernel/isa/isa.h"
#include "kernel/isa/panel.h"
#include "kernel/isa/vmath.h"

enum { F = GOSS__FFT_FRAMES, PAIR = 2 * F };

typedef struct complex_lanes {
    vf re, im;
} cf;

ALWAYS cf get(const float *z) { return (cf){vload(z), vload(z + F)}; }
ALWAYS void put(float *z, cf a) { vstore(z, a.re), vstore(z + F, a.im); }
ALWAYS cf plus(cf a, cf b) { return (cf){a.re + b.re, a.im + b.im}; }
ALWAYS cf minus(cf a, cf b) { return (cf){a.re - b.re, a.im - b.im}; }
/* By the twiddle factor w. */
ALWAYS cf turn(cf a, const float *w) {
    const vf re = vset(w[0]), im = vset(w[1]);
    return (cf){vfnma(im, a.im, re * a.re), vfma(im, a.re, re * a.im)};
}

/* n samples of F frames from sample i on, to [n,F]. */
ALWAYS void load_some(const goss__fft *t, const float *const *frame, int i, const int n, float *to) {
    const vf w = vload_n(t->window + i, n);
    UNROLL for (int f = 0; f < F; f += W) {
        vf b[W];
        UNROLL for (int r = 0; r < W; r++) b[r] = w * vload_n(frame[f + r] + i, n);
        block_transpose(b);
        for (int r = 0; r < n; r++) vstore(to + r * F + f, b[r]);
    }
}

/* x [n,F]: samples of frames under the window, zeros around it. */
static void load_frames(const goss__fft *t, const float *const *frame, float *x) {
    float *to = x + (size_t)t->first * F, *end = to + (size_t)t->count * F;
    int i = 0;
    memset(x, 0, (size_t)t->first * F * sizeof *x);
    for (; i + W <= t->count; i += W, to += W * F) load_some(t, frame, i, W, to);
    if (i < t->count) load_some(t, frame, i, t->count - i, to);
    memset(end, 0, (size_t)(t->n - t->first - t->count) * F * sizeof *x);
}

/* Four numbers `far` apart; w: of their place, twice and three times that; NULL: 1. */
ALWAYS void four(float *z, size_t far, const float *w, const float *w2, const float *w3) {
    const cf a = get(z), b = get(z + far), c = get(z + 2 * far), d = get(z + 3 * far);
    const cf s = plus(a, c), t = plus(b, d), u = minus(a, c), v = minus(b, d);
    const cf e = minus(s, t), f = {u.re + v.im, u.im - v.re}, g = {u.re - v.im, u.im + v.re};
    put(z, plus(s, t));
    put(z + far, w ? turn(e, w2) : e), put(z + 2 * far, w ? turn(f, w) : f), put(z + 3 * far, w ? turn(g, w3) : g);
}

/* m complex numbers, one vector of their lanes. */
static void transform(const float *twist, int m, float *z) {
    int size = m;
    for (; size >= 4; size /= 4) {
        const size_t quarter = (size_t)size / 4, far = quarter * PAIR, step = 2 * (size_t)(2 * m / size);
        for (size_t i = 0; i < (size_t)m; i += (size_t)size) {
            float *at = z + i * PAIR;
            four(at, far, NULL, NULL, NULL);
            for (size_t k = 1; k < quarter; k++)
                four(at + k * PAIR, far, twist + k * step, twist + 2 * k * step, twist + 3 * k * step);
        }
    }
    for (int i = 0; size == 2 && i < m; i += 2) {
        float *at = z + (size_t)i * PAIR;
        const cf a = get(at), b = get(at + PAIR);
        put(at, plus(a, b)), put(at + PAIR, minus(a, b));
    }
}

/* X_k = E_k + w^k O_k and X_(m-k) = (E_k - w^k O_k)*, where E and O are the transforms of the even and of the odd
 * samples: twice their number from Z_k and Z_(m-k). */
static void powers(const goss__fft *t, const float *z, float *power) {
    const int m = t->n / 2;
    const cf first = get(z);
    vstore(power, (first.re + first.im) * (first.re + first.im));
    vstore(power + (size_t)m * F, (first.re - first.im) * (first.re - first.im));
    for (int k = 1; k <= m / 2; k++) {
        const cf a = get(z + (size_t)t->swap[k] * PAIR), b = get(z + (size_t)t->swap[m - k] * PAIR);
        const cf e = {a.re + b.re, a.im - b.im}, o = turn((cf){a.im + b.im, b.re - a.re}, t->twist + 2 * k);
        const cf x = plus(e, o), y = minus(e, o);
        vstore(power + (size_t)k * F, vset(0.25F) * vfma(x.im, x.im, x.re * x.re));
        vstore(power + (size_t)(m - k) * F, vset(0.25F) * vfma(y.im, y.im, y.re * y.re));
    }
}

void GOSS_FN(fft_power)(const goss__fft *t, const float *const *frame, float *work, float *power) {
    load_frames(t, frame, work);
    for (int v = 0; v < F; v += W) {
        transform(t->twist, t->n / 2, work + v);
        powers(t, work + v, power + v);
    }
}

void GOSS_FN(bands)(const goss__band *band, int n, const float *power, float *out) {
    for (int i = 0; i < n; i++, band++, out += F)
        for (int v = 0; v < F; v += W) {
            const float *p = power + (size_t)band->first * F + v;
            vf sum[2] = {{0}, {0}};
            int k = 0;
            for (; k + 2 <= band->count; k += 2)
                UNROLL for (int j = 0; j < 2; j++) sum[j] =
                    vfma(vset(band->weight[k + j]), vload(p + (size_t)(k + j) * F), sum[j]);
            if (k < band->count) sum[0] = vfma(vset(band->weight[k]), vload(p + (size_t)k * F), sum[0]);
            vstore(out + v, sum[0] + sum[1]);
        }
}

float GOSS_FN(decibels)(float *x, int64_t n, float least) {
    const vf low = vset(least), unit = vset(4.34294481903251828F); /* 10 / log(10) */
    vf most = vset(-__builtin_inff());
    float lane[W];
    for (int64_t i = 0; i < n; i += W) {
        const vf v = vload_n(x + i, n - i);
        const vf d = unit * vlog(vselect(vless(low, v), v, low));
        most = vselect(vless(most, d), d, most); /* lanes beyond n have the least */
        vstore_n(x + i, d, n - i);
    }
    vstore(lane, most);
    for (int i = 1; i < W; i++) lane[0] = lane[i] > lane[0] ? lane[i] : lane[0];
    return lane[0];
}
