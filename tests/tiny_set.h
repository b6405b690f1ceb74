/* SPDX-License-Identifier: Apache-2.0 */
/* tiny_set.h: a small set of images as an idx file, for tests that train: each class is a random pattern of 8 x 8, each
 * drawing that pattern with noise. Also a scratch folder and whole files in memory. */
#ifndef GOSS_TINY_SET_H
#define GOSS_TINY_SET_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TINY_CLASSES = 24, TINY_DRAWINGS = 12, TINY_SIDE = 8 };

static char tiny_dir[64];

static inline void tiny_cleanup(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", tiny_dir);
    if (system(command) != 0) perror(command);
}

static inline uint32_t tiny_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static inline void tiny_head(FILE *f, int rank, const uint32_t *dim) {
    unsigned char magic[4] = {0, 0, 8, (unsigned char)rank};
    fwrite(magic, 1, 4, f);
    for (int i = 0; i < rank; i++)
        for (int b = 24; b >= 0; b -= 8) fputc((int)(dim[i] >> b & 255), f);
}

/* The path of a file in the scratch folder. Eight results live at a time. */
static inline const char *tiny_path(const char *name) {
    static char ring[8][256];
    static int next;
    char *out = ring[next++ % 8];
    if (!tiny_dir[0]) {
        strcpy(tiny_dir, "/tmp/gossamer-test-XXXXXX");
        if (!mkdtemp(tiny_dir)) exit(99);
        atexit(tiny_cleanup);
    }
    snprintf(out, 256, "%s/%s", tiny_dir, name);
    return out;
}

/* A set of that many classes and drawings, written once; the path of its images. The patterns are those of the seed,
 * the noise on them that of `noise`. */
static inline const char *tiny_set_of(const char *name, uint32_t classes, uint32_t drawings, uint32_t seed,
                                      uint32_t noise) {
    char file[100];
    snprintf(file, sizeof file, "%s-labels-idx1-ubyte", name);
    const char *labels = tiny_path(file);
    snprintf(file, sizeof file, "%s-images-idx3-ubyte", name);
    const char *images = tiny_path(file);
    if (access(images, F_OK) == 0) return images;
    FILE *f = fopen(images, "wb"), *g = fopen(labels, "wb");
    if (!f || !g) exit(99);
    const uint32_t n = classes * drawings;
    tiny_head(f, 3, (const uint32_t[]){n, TINY_SIDE, TINY_SIDE});
    tiny_head(g, 1, &n);
    for (uint32_t c = 0; c < classes; c++) {
        unsigned char pattern[TINY_SIDE * TINY_SIDE];
        for (int i = 0; i < TINY_SIDE * TINY_SIDE; i++) pattern[i] = tiny_random(&seed) % 2 ? 200 : 20;
        for (uint32_t d = 0; d < drawings; d++) {
            for (int i = 0; i < TINY_SIDE * TINY_SIDE; i++)
                fputc(tiny_random(&noise) % 10 < 3 ? (int)(tiny_random(&noise) % 256) : pattern[i], f);
            fputc((int)c, g);
        }
    }
    fclose(f), fclose(g);
    return images;
}

static inline const char *tiny_set(void) { return tiny_set_of("tiny", TINY_CLASSES, TINY_DRAWINGS, 7, 8); }

/* A whole file; NULL when it is not there. Freed by the caller. */
static inline char *tiny_read(const char *path, size_t *size) {
    FILE *f = fopen(path, "rb");
    if (!f) return NULL;
    fseek(f, 0, SEEK_END);
    long n = ftell(f);
    rewind(f);
    char *data = malloc((size_t)n + 1);
    *size = data ? fread(data, 1, (size_t)n, f) : 0;
    if (data) data[*size] = 0;
    fclose(f);
    return data;
}

static inline int tiny_same_files(const char *a, const char *b) {
    size_t n = 0, m = 0;
    char *x = tiny_read(a, &n), *y = tiny_read(b, &m);
    int same = x && y && n == m && memcmp(x, y, n) == 0;
    free(x), free(y);
    return same;
}
#endif
