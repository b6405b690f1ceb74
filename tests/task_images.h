/* SPDX-License-Identifier: Apache-2.0 */
/* task_images.h: folders of small images in tasks, TOP/TASK/CLASS/IMAGE.png, for tests: each class is a random pattern
 * of 8 x 8, each image that pattern with noise. */
#ifndef GOSS_TEST_TASK_IMAGES_H
#define GOSS_TEST_TASK_IMAGES_H

#include "base/os.h"
#include "data/picture.h"
#include "gossamer/image_task.h"
#include "test.h"
#include "tiny_set.h"

static goss_error err;

/* Images from..from+n of a class; the pattern is that of its name. */
static inline void write_class_of(const char *top, const char *name, const char *pattern_of, int from, int n) {
    char folder[200], path[400], file[420];
    uint8_t pattern[64], pixels[64];
    uint32_t random = 5, noise = 77;
    for (const char *c = pattern_of; *c; c++) random = random * 31 + (uint32_t)*c;
    for (const char *c = name; *c; c++) noise = noise * 37 + (uint32_t)*c;
    noise += (uint32_t)from * 1000003u;
    snprintf(folder, sizeof folder, "%s/%s", top, name);
    snprintf(path, sizeof path, "%s", tiny_path(folder));
    T_OK(goss__mkdirs(path, &err));
    for (int i = 0; i < 64; i++) pattern[i] = tiny_random(&random) % 2 ? 210 : 25;
    for (int d = from; d < from + n; d++) {
        for (int i = 0; i < 64; i++)
            pixels[i] = tiny_random(&noise) % 10 < 2 ? (uint8_t)(tiny_random(&noise) % 256) : pattern[i];
        snprintf(file, sizeof file, "%s/%03d.png", path, d);
        T_OK(goss__png_write_grey(file, pixels, 8, 8, &err));
    }
}

static inline void write_class(const char *top, const char *name, int n) { write_class_of(top, name, name, 0, n); }

/* Three tasks of 4, 3 and 2 classes, 20 images each; once. */
static inline const char *three_tasks(void) {
    static const char *const classes[] = {"big/a", "big/b", "big/c", "big/d", "mid/a",
                                          "mid/b", "mid/c", "two/x", "two/y"};
    if (access(tiny_path("three/two/y/019.png"), F_OK) == 0) return tiny_path("three"); /* the last one */
    for (int c = 0; c < 9; c++) write_class("three", classes[c], 20);
    return tiny_path("three");
}

/* A file of the scratch folder with that text. */
static inline const char *write_text(const char *name, const char *text) {
    const char *path = tiny_path(name);
    FILE *f = fopen(path, "wb");
    if (!f) T_FAIL("%s", path);
    fputs(text, f);
    fclose(f);
    return path;
}

/* Images 8 x 8 as they are, with the folders train, val and test as parts. */
static inline goss_images *open_images(const char *path) {
    goss_images *set;
    goss_images_options o = goss_images_options_defaults();
    o.height = o.width = 8, o.split = GOSS_SPLIT_EACH, o.threads = 1;
    T_OK(goss_images_open(path, &o, &set, &err));
    return set;
}
#endif
