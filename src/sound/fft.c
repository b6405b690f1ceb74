/* SPDX-License-Identifier: Apache-2.0 */
/* fft.c: the periodic Hann window, twiddle factors, and the order of bits reversed. */
#include "sound/fft.h"

#include <math.h>

static const double two_pi = 6.28318530717958647692;

bool goss__fft_init(goss__fft *f, int n, int window, goss__arena *arena) {
    const int turns = 3 * (n / 4);
    float *hann = goss__arena_alloc(arena, (size_t)window * sizeof *hann);
    float *twist = goss__arena_alloc(arena, 2 * (size_t)turns * sizeof *twist);
    int *swap = goss__arena_alloc(arena, (size_t)(n / 2) * sizeof *swap);
    if (!hann || !twist || !swap) return false;
    for (int i = 0; i < window; i++) hann[i] = (float)(0.5 - 0.5 * cos(two_pi * i / window));
    for (int i = 0; i < turns; i++) {
        twist[2 * i] = (float)cos(two_pi * i / n);
        twist[2 * i + 1] = (float)-sin(two_pi * i / n);
    }
    swap[0] = 0;
    for (int i = 1; i < n / 2; i++) swap[i] = swap[i / 2] / 2 + (i & 1 ? n / 4 : 0);
    *f = (goss__fft){.n = n, .first = (n - window) / 2, .count = window, .window = hann, .twist = twist, .swap = swap};
    return true;
}
