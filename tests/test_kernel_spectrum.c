/* SPDX-License-Identifier: Apache-2.0 */
/* Power spectra, bands and decibels of every variant against their definitions in double; a frame's bits do not depend
 * on the others, nor on the variant. */
#include <math.h>

#include "kernel_check.h"

enum { F = GOSS__FFT_FRAMES, MOST = 2048 };

static const double two_pi = 6.28318530717958647692;

/* The window: some samples fewer than n, which are no multiple of the lanes; any weights. */
static const goss__fft *tables_of(int n) {
    static float window[MOST], twist[MOST / 2 * 3];
    static int swap[MOST / 2];
    static goss__fft t;
    t = (goss__fft){
        .n = n, .first = n / 8, .count = n - n / 4 - n / 16, .window = window, .twist = twist, .swap = swap};
    for (int i = 0; i < t.count; i++) window[i] = 1 + 0.5F * (float)(i % 3);
    for (int i = 0; i < 3 * (n / 4); i++)
        twist[2 * i] = (float)cos(two_pi * i / n), twist[2 * i + 1] = (float)-sin(two_pi * i / n);
    for (int i = 0; i < n / 2; i++) {
        swap[i] = 0;
        for (int bit = 1; bit < n / 2; bit *= 2) swap[i] = 2 * swap[i] + ((i & bit) != 0);
    }
    return &t;
}

static double by_definition(const goss__fft *t, const float *x, int k) {
    double re = 0, im = 0;
    for (int i = 0; i < t->count; i++) {
        const double angle = two_pi * (double)((int64_t)(t->first + i) * k % t->n) / t->n;
        const double v = (double)x[i] * (double)t->window[i];
        re += v * cos(angle), im -= v * sin(angle);
    }
    return re * re + im * im;
}

static void check_power(const goss__kernels *k) {
    const goss__kernels *plain = goss__kernels_find("generic");
    for (int n = 4; n <= MOST; n *= 2) {
        const goss__fft *t = tables_of(n);
        guarded x = guarded_new((int64_t)t->count * F), zeros = guarded_new(t->count),
                work = guarded_new((int64_t)n * F);
        guarded out = guarded_new((int64_t)(n / 2 + 1) * F), other = guarded_new(out.n), alone = guarded_new(out.n);
        const float *frame[F], *one[F];
        memset(zeros.v, 0, (size_t)zeros.n * sizeof(float));
        for (int f = 0; f < F; f++) frame[f] = x.v + f * t->count, one[f] = f == 5 ? frame[f] : zeros.v;
        k->fft_power(t, frame, work.v, out.v);
        plain->fft_power(t, frame, work.v, other.v);
        k->fft_power(t, one, work.v, alone.v);
        T_NOTE("%s, %d samples", k->name, n);
        T_CHECK(memcmp(out.v, other.v, (size_t)out.n * sizeof(float)) == 0);
        for (int i = 0; i <= n / 2; i++) {
            T_CHECK(out.v[i * F + 5] == alone.v[i * F + 5]);
            if (n > 256 && i % 37) continue;
            for (int f = 0; f < F; f += 5) T_NEAR((double)out.v[i * F + f], by_definition(t, frame[f], i), 2e-5 * n);
        }
        T_CHECK(guarded_intact(&work) && guarded_intact(&out));
        guarded_free(&x), guarded_free(&zeros), guarded_free(&work);
        guarded_free(&out), guarded_free(&other), guarded_free(&alone);
    }
}
EACH_VARIANT(power_spectra, check_power)

static void check_bands(const goss__kernels *k) {
    enum { BINS = 33, N = 5 };
    static const int first[N] = {0, 1, 2, 10, 20}, count[N] = {1, 2, 3, 8, 13};
    guarded power = guarded_new(BINS * F), weight = guarded_new(BINS), out = guarded_new(N * F);
    goss__band band[N];
    for (int i = 0; i < N; i++) band[i] = (goss__band){first[i], count[i], weight.v};
    k->bands(band, N, power.v, out.v);
    for (int i = 0; i < N; i++)
        for (int f = 0; f < F; f++) {
            double sum = 0;
            for (int j = 0; j < count[i]; j++) sum += (double)weight.v[j] * (double)power.v[(first[i] + j) * F + f];
            T_NEAR((double)out.v[i * F + f], sum, 1e-5);
        }
    T_CHECK(guarded_intact(&out));
    guarded_free(&power), guarded_free(&weight), guarded_free(&out);
}
EACH_VARIANT(bands, check_bands)

/* To 4e-7 of the number or of 10: a logarithm to 2 units in the last place, and a product. */
static void check_decibels(const goss__kernels *k) {
    for (int n = 1; n <= 70; n += n < 20 ? 1 : 7) {
        guarded x = guarded_new(n), y = guarded_new(n);
        double most = -100;
        for (int i = 0; i < n; i++) x.v[i] = i % 9 == 4 ? -1 : powf(10, x.v[i] * 6 - 5);
        memcpy(y.v, x.v, (size_t)n * sizeof(float));
        const float largest = k->decibels(y.v, n, 1e-10F);
        for (int i = 0; i < n; i++) {
            const double expected = 10 * log10(fmax((double)x.v[i], (double)1e-10F));
            T_NEAR((double)y.v[i], expected, 4e-7 * fmax(fabs(expected), 10));
            most = fmax(most, (double)y.v[i]);
        }
        T_CHECK((double)largest == most);
        T_CHECK(guarded_intact(&y));
        guarded_free(&x), guarded_free(&y);
    }
    float odd[3] = {NAN, INFINITY, 0};
    T_CHECK(k->decibels(odd, 3, 1e-10F) == INFINITY);
    T_CHECK(odd[0] == odd[2] && odd[1] == INFINITY);
}
EACH_VARIANT(decibels, check_decibels)

TEST_MAIN()
