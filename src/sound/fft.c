/* SPDX-License-Identifier: Apache-2.0 */
/* fft.c: a radix-2 transform in place. Even samples are the real parts and odd ones the imaginary parts of n/2 complex
 * numbers, whose transform gives that of the real frame in one more pass. */
#include "sound/fft.h"

#include <math.h>

static const double two_pi = 6.28318530717958647692;

bool goss__fft_init(goss__fft *f, int n, goss__arena *arena) {
    float *twist = goss__arena_alloc(arena, (size_t)n * sizeof *twist);
    int *swap = goss__arena_alloc(arena, (size_t)(n / 2) * sizeof *swap);
    if (!twist || !swap) return false;
    for (int i = 0; i < n / 2; i++) {
        twist[2 * i] = (float)cos(two_pi * i / n);
        twist[2 * i + 1] = (float)-sin(two_pi * i / n);
    }
    for (int i = 1; i < n / 2; i++) swap[i] = swap[i / 2] / 2 + (i & 1 ? n / 4 : 0);
    *f = (goss__fft){n, twist, swap};
    return true;
}

static void reorder(const goss__fft *f, float *z) {
    for (int i = 0; i < f->n / 2; i++) {
        const int k = f->swap[i];
        if (k <= i) continue;
        const float re = z[2 * i], im = z[2 * i + 1];
        z[2 * i] = z[2 * k], z[2 * i + 1] = z[2 * k + 1];
        z[2 * k] = re, z[2 * k + 1] = im;
    }
}

/* The transform of m = n/2 complex numbers. */
static void transform(const goss__fft *f, float *z) {
    const int m = f->n / 2;
    reorder(f, z);
    for (int half = 1; half < m; half *= 2) {
        const int step = m / half; /* between the twiddle factors, which are those of n = 2 m */
        for (int k = 0; k < half; k++) {
            const float c = f->twist[2 * k * step], s = f->twist[2 * k * step + 1];
            for (int i = k; i < m; i += 2 * half) {
                float *a = z + 2 * i, *b = z + 2 * (i + half);
                const float re = c * b[0] - s * b[1], im = c * b[1] + s * b[0];
                b[0] = a[0] - re, b[1] = a[1] - im;
                a[0] += re, a[1] += im;
            }
        }
    }
}

void goss__fft_power(const goss__fft *f, float *x, float *power) {
    const int m = f->n / 2;
    transform(f, x);
    power[0] = (x[0] + x[1]) * (x[0] + x[1]);
    power[m] = (x[0] - x[1]) * (x[0] - x[1]);
    for (int k = 1; k < m; k++) {
        /* X_k = E_k + w^k O_k, where E and O are the transforms of the even and of the odd samples. */
        const float *a = x + 2 * k, *b = x + 2 * (m - k);
        const float er = (a[0] + b[0]) / 2, ei = (a[1] - b[1]) / 2, odr = (a[1] + b[1]) / 2, odi = (b[0] - a[0]) / 2;
        const float c = f->twist[2 * k], s = f->twist[2 * k + 1];
        const float re = er + c * odr - s * odi, im = ei + c * odi + s * odr;
        power[k] = re * re + im * im;
    }
}
