/* SPDX-License-Identifier: Apache-2.0 */
/* fft.c: twiddle factors and the order of bits reversed. */
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
