/* SPDX-License-Identifier: Apache-2.0 */
/* sound_files.h: recordings for tests: wav files of tones, written by hand, in a folder of the test's own. */
#ifndef GOSS_TEST_SOUND_FILES_H
#define GOSS_TEST_SOUND_FILES_H

#include <stdint.h>
#include <sys/stat.h>

#include "test.h"

static void put_number(FILE *f, uint32_t v, int bytes) {
    for (int i = 0; i < bytes; i++) fputc((int)(v >> 8 * i & 255), f);
}

/* 16-bit PCM, channels interleaved: n samples of each. */
static void put_wav(const char *path, int rate, int channels, const float *x, int n) {
    FILE *f = fopen(path, "wb");
    const uint32_t bytes = (uint32_t)(2 * n * channels);
    T_CHECK(f);
    fputs("RIFF", f), put_number(f, 36 + bytes, 4), fputs("WAVEfmt ", f), put_number(f, 16, 4);
    put_number(f, 1, 2), put_number(f, (uint32_t)channels, 2), put_number(f, (uint32_t)rate, 4);
    put_number(f, (uint32_t)(2 * rate * channels), 4), put_number(f, (uint32_t)(2 * channels), 2), put_number(f, 16, 2);
    fputs("data", f), put_number(f, bytes, 4);
    for (int i = 0; i < n * channels; i++) put_number(f, (uint32_t)(int32_t)lrintf(32767 * x[i]) & 0xffff, 2);
    T_CHECK(fclose(f) == 0);
}

/* A word of so many milliseconds: `cls` is a glide between two tones, `speaker` shifts them all, `take` varies a
 * little; silence around it. Shapes: x [rate]; returns the number of samples. */
static int make_word(float *x, int rate, int cls, int speaker, int take) {
    const double low = (300 + 40 * speaker) * (1 + 0.01 * (take % 5)), from = low * (1 + 0.5 * (cls % 4)),
                 to = low * (1 + 0.5 * (cls / 4 + (cls + 2) % 4));
    const int before = rate / 20 + take * 7 % 40, n = rate * (30 + 3 * (take % 4)) / 100, all = before + n + rate / 10;
    double phase = 0;
    uint32_t state = (uint32_t)(1 + take + 100 * cls + 10000 * speaker);
    for (int i = 0; i < all; i++) {
        const double t = (double)(i - before) / n;
        state = state * 1103515245u + 12345u;
        x[i] = 0.001F * ((float)(state >> 16 & 0x7fff) / 16384 - 1);
        if (t < 0 || t >= 1) continue;
        phase += 6.283185307 * (from + (to - from) * t) / rate;
        x[i] += (float)(0.4 * sin(3.14159265 * t) * (sin(phase) + 0.3 * sin(2 * phase)));
    }
    return all;
}

/* FOLDER/CLASS_SPEAKER_TAKE.wav, or FOLDER/CLASS/SPEAKER_TAKE.wav. */
static inline void put_words(const char *folder, int rate, int classes, int speakers, int takes, bool folders) {
    static float x[48000];
    char path[300];
    mkdir(folder, 0777);
    for (int c = 0; c < classes; c++)
        for (int s = 0; s < speakers; s++)
            for (int t = 0; t < takes; t++) {
                if (folders) {
                    snprintf(path, sizeof path, "%s/w%d", folder, c);
                    mkdir(path, 0777);
                }
                snprintf(path, sizeof path, folders ? "%s/w%d/s%d_%d.wav" : "%s/w%d_s%d_%d.wav", folder, c, s, t);
                put_wav(path, rate, 1, x, make_word(x, rate, c, s, t));
            }
}

/* The root of the mean squared difference, relative to a. */
static inline double apart(const float *a, const float *b, size_t n) {
    double sum = 0, all = 0;
    for (size_t i = 0; i < n; i++) sum += pow((double)(a[i] - b[i]), 2), all += pow((double)a[i], 2);
    return sqrt(sum / (all + 1e-9));
}

#endif
