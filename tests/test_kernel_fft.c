/* SPDX-License-Identifier: Apache-2.0 */
/* Power spectra of every variant against a discrete Fourier transform in double; a frame's bits do not depend on the
 * others, nor on the variant. */
#include <math.h>

#include "kernel_check.h"

enum { F = GOSS__FFT_FRAMES, MOST = 2048 };

typedef struct tables {
    float twist[MOST];
    int swap[MOST / 2];
} tables;

static const tables *tables_of(int n) {
    static tables t;
    for (int i = 0; i < n / 2; i++) {
        t.twist[2 * i] = (float)cos(6.28318530717958647692 * i / n);
        t.twist[2 * i + 1] = (float)-sin(6.28318530717958647692 * i / n);
        t.swap[i] = 0;
        for (int bit = 1; bit < n / 2; bit *= 2) t.swap[i] = 2 * t.swap[i] + ((i & bit) != 0);
    }
    return &t;
}

static double by_definition(const float *x, int n, int k) {
    double re = 0, im = 0;
    for (int i = 0; i < n; i++) {
        const double angle = 6.28318530717958647692 * (double)((int64_t)i * k % n) / n;
        re += (double)x[(size_t)i * F] * cos(angle), im -= (double)x[(size_t)i * F] * sin(angle);
    }
    return re * re + im * im;
}

static void check_power(const goss__kernels *k) {
    const goss__kernels *plain = goss__kernels_find("generic");
    for (int n = 4; n <= MOST; n *= 2) {
        const tables *t = tables_of(n);
        guarded x = guarded_new((int64_t)n * F), y = guarded_new(x.n), z = guarded_new(x.n);
        guarded out = guarded_new((int64_t)(n / 2 + 1) * F), other = guarded_new(out.n), alone = guarded_new(out.n);
        memcpy(y.v, x.v, (size_t)x.n * sizeof(float));
        for (int64_t i = 0; i < z.n; i++) z.v[i] = i % F == 5 ? x.v[i] : 0;
        guarded kept = guarded_new(x.n);
        memcpy(kept.v, x.v, (size_t)x.n * sizeof(float));
        k->fft_power(t->twist, t->swap, n, x.v, out.v);
        plain->fft_power(t->twist, t->swap, n, y.v, other.v);
        k->fft_power(t->twist, t->swap, n, z.v, alone.v);
        T_NOTE("%s, %d samples", k->name, n);
        T_CHECK(memcmp(out.v, other.v, (size_t)out.n * sizeof(float)) == 0);
        for (int i = 0; i <= n / 2; i++) {
            T_CHECK(out.v[i * F + 5] == alone.v[i * F + 5]);
            if (n > 256 && i % 37) continue;
            for (int f = 0; f < F; f += 5) T_NEAR((double)out.v[i * F + f], by_definition(kept.v + f, n, i), 1e-5 * n);
        }
        T_CHECK(guarded_intact(&x) && guarded_intact(&out));
        guarded_free(&x), guarded_free(&y), guarded_free(&z), guarded_free(&kept);
        guarded_free(&out), guarded_free(&other), guarded_free(&alone);
    }
}
EACH_VARIANT(power_spectra, check_power)

TEST_MAIN()
