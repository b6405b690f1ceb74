/* SPDX-License-Identifier: Apache-2.0 */
/* image_folders.h: folders of small images in classes, for tests of the command. */
#ifndef GOSS_TEST_IMAGE_FOLDERS_H
#define GOSS_TEST_IMAGE_FOLDERS_H

#include "base/os.h"
#include "data/picture.h"
#include "test.h"
#include "tiny_set.h"

/* TOP/c00/0.png ...: `classes` folders of `drawings` images of noise, 8 x 8, no two alike. */
static inline void image_folders(const char *top, int classes, int drawings) {
    goss_error err;
    uint32_t random = (uint32_t)(classes * 131 + drawings);
    char name[100], path[400], file[420];
    for (const char *c = top; *c; c++) random = random * 31 + (uint32_t)*c;
    for (int c = 0; c < (classes ? classes : 1); c++) {
        if (classes)
            snprintf(name, sizeof name, "%s/c%02d", top, c);
        else
            snprintf(name, sizeof name, "%s", top);
        snprintf(path, sizeof path, "%s", tiny_path(name));
        if (goss__mkdirs(path, &err) != GOSS_OK) T_FAIL("%s", err.text);
        for (int d = 0; d < drawings; d++) {
            uint8_t pixels[64];
            for (int i = 0; i < 64; i++) pixels[i] = tiny_random(&random) % 251 > 125 ? 220 : 30;
            snprintf(file, sizeof file, "%s/%d.png", path, d);
            if (goss__png_write_grey(file, pixels, 8, 8, &err) != GOSS_OK) T_FAIL("%s", err.text);
        }
    }
}
#endif
