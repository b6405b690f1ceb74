/* SPDX-License-Identifier: Apache-2.0 */
/* mel.h: spectra in bands, as if another vocal tract had spoken; cepstra by a table. */
#ifndef GOSS_SOUND_MEL_H
#define GOSS_SOUND_MEL_H

#include "gossamer/sound.h"

/* Bands of frames [count, mels] in place, their frequencies times `factor`: the band at frequency f receives what is at
 * f / factor, interpolated between bands; beyond the lowest and the highest band is what they hold. scratch [mels].
 * Source: Jaitly and Hinton 2013, "Vocal tract length perturbation (VTLP) improves speech recognition". */
void goss__mel_warp(const goss_mel *m, double factor, float *power, int count, float *scratch);

/* goss_cepstrum by a table of cosines that is made once, cosine [mels, coefficients]. scratch: bytes as
 * goss__cepstrum_scratch, which does not decrease with frames, 64-byte aligned. */
void goss__cosines(int mels, int coefficients, float *out);
size_t goss__cepstrum_scratch(int frames, int mels, int coefficients);
void goss__cepstrum(const float *mel, int frames, int mels, int coefficients, const float *cosine, float *out,
                    void *scratch);
#endif
