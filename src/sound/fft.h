/* SPDX-License-Identifier: Apache-2.0 */
/* fft.h: makes the tables of the kernel fft_power. */
#ifndef GOSS_SOUND_FFT_H
#define GOSS_SOUND_FFT_H

#include "base/arena.h"
#include "kernel/kernel.h"

/* Tables in an arena, for frames of n samples (a power of two, at least 4) of which the middle ones are under a
 * periodic Hann window of `window`. false: no memory. */
bool goss__fft_init(goss__fft *f, int n, int window, goss__arena *arena);
#endif
