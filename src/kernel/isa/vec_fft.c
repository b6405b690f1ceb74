/* SPDX-License-Identifier: Apache-2.0 */
/* vec_fft.c: the power spectra of GOSS__FFT_FRAMES real frames, a frame in each lane. Even samples are the real parts
 * and odd ones the imaginary parts of n/2 complex numbers, whose radix-2 transform gives that of the real frame in one
 * more pass (Cooley and Tukey 1965). Two stages share a pass over memory; no lane depends on another one. */
#include "kernel/isa/isa.h"

enum { F = GOSS__FFT_FRAMES, PAIR = 2 * F };

typedef struct complex_lanes {
    vf re, im;
} cf;

ALWAYS cf get(const float *z) { return (cf){vload(z), vload(z + F)}; }
ALWAYS void put(float *z, cf a) { vstore(z, a.re), vstore(z + F, a.im); }
ALWAYS cf plus(cf a, cf b) { return (cf){a.re + b.re, a.im + b.im}; }
ALWAYS cf minus(cf a, cf b) { return (cf){a.re - b.re, a.im - b.im}; }
/* By the twiddle factor w. */
ALWAYS cf turn(cf a, const float *w) { return (cf){w[0] * a.re - w[1] * a.im, w[0] * a.im + w[1] * a.re}; }

static void reorder(const int *swap, int m, float *z) {
    for (int i = 0; i < m; i++) {
        const int k = swap[i];
        for (int v = 0; k > i && v < PAIR; v += W) {
            const vf a = vload(z + (size_t)i * PAIR + v);
            vstore(z + (size_t)i * PAIR + v, vload(z + (size_t)k * PAIR + v));
            vstore(z + (size_t)k * PAIR + v, a);
        }
    }
}

static void one_stage(const float *twist, int m, int half, float *z) {
    for (int k = 0; k < half; k++)
        for (int i = k; i < m; i += 2 * half)
            for (int v = 0; v < F; v += W) {
                float *at = z + (size_t)i * PAIR + v, *to = at + (size_t)half * PAIR;
                const cf a = get(at), b = turn(get(to), twist + 2 * k * (m / half));
                put(at, plus(a, b)), put(to, minus(a, b));
            }
}

/* Those of `half` and of twice that. */
static void two_stages(const float *twist, int m, int half, float *z) {
    const size_t far = (size_t)half * PAIR;
    const int step = m / half; /* between the twiddle factors, which are those of n = 2 m */
    for (int k = 0; k < half; k++) {
        const float *w = twist + 2 * k * step, *near = twist + k * step, *next = twist + (k + half) * step;
        for (int i = k; i < m; i += 4 * half)
            for (int v = 0; v < F; v += W) {
                float *at = z + (size_t)i * PAIR + v;
                const cf a = get(at), b = turn(get(at + far), w), c = get(at + 2 * far), d = turn(get(at + 3 * far), w);
                const cf e = plus(a, b), f = minus(a, b), g = turn(plus(c, d), near), h = turn(minus(c, d), next);
                put(at, plus(e, g)), put(at + far, plus(f, h));
                put(at + 2 * far, minus(e, g)), put(at + 3 * far, minus(f, h));
            }
    }
}

/* X_k = E_k + w^k O_k, where E and O are the transforms of the even and of the odd samples. */
ALWAYS vf power_at(const float *z, const float *mirror, const float *w) {
    const cf a = get(z), b = get(mirror);
    const vf er = (a.re + b.re) / 2, ei = (a.im - b.im) / 2, odr = (a.im + b.im) / 2, odi = (b.re - a.re) / 2;
    const vf re = er + w[0] * odr - w[1] * odi, im = ei + w[0] * odi + w[1] * odr;
    return re * re + im * im;
}

void GOSS_FN(fft_power)(const float *twist, const int *swap, int n, float *x, float *power) {
    const int m = n / 2;
    int half = 1;
    reorder(swap, m, x);
    for (; 4 * half <= m; half *= 4) two_stages(twist, m, half, x);
    if (half < m) one_stage(twist, m, half, x);
    for (int v = 0; v < F; v += W) {
        const cf a = get(x + v);
        vstore(power + v, (a.re + a.im) * (a.re + a.im));
        vstore(power + (size_t)m * F + v, (a.re - a.im) * (a.re - a.im));
    }
    for (int k = 1; k < m; k++)
        for (int v = 0; v < F; v += W)
            vstore(power + (size_t)k * F + v,
                   power_at(x + (size_t)k * PAIR + v, x + (size_t)(m - k) * PAIR + v, twist + 2 * k));
}
