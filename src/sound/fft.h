/* SPDX-License-Identifier: Apache-2.0 */
/* fft.h: tables for the power spectra of real frames (the kernel fft_power). */
#ifndef GOSS_SOUND_FFT_H
#define GOSS_SOUND_FFT_H

#include <stdbool.h>

#include "base/arena.h"

typedef struct goss__fft {
    int n;              /* a power of two, at least 4 */
    const float *twist; /* [n] cos and -sin of 2 pi i / n, i < n / 2, in pairs */
    const int *swap;    /* [n / 2] bits reversed */
} goss__fft;

/* Tables in an arena; false: no memory. */
bool goss__fft_init(goss__fft *f, int n, goss__arena *arena);
#endif
