/* SPDX-License-Identifier: Apache-2.0 */
/* image_world.h: a scratch folder with images of all kinds, made by the tests that read them, and what the library said
 * meanwhile. A build without the
 * library that writes some kind skips what needs it. */
#ifndef GOSS_IMAGE_WORLD_H
#define GOSS_IMAGE_WORLD_H

#include <stdio.h>
#include <unistd.h>

#include "goss_config.h"

#if GOSS_HAVE_JPEG
#include <jpeglib.h>
#endif
#if GOSS_HAVE_ZIP
#include <zip.h>
#endif

#include "base/alloc.h"
#include "base/os.h"
#include "data/picture.h"
#include "gossamer/data.h"
#include "gossamer/log.h"
#include "test.h"

static goss_error err;
static char top[] = P_tmpdir "/gossamer-test-XXXXXX";

static inline const char *in_top(const char *name) {
    static char path[64][400]; /* as many results live at a time */
    static int turn;
    if (strcmp(top + strlen(top) - 6, "XXXXXX") == 0 && !mkdtemp(top)) exit(99);
    char *p = path[turn++ % 64];
    snprintf(p, sizeof path[0], "%s/%s", top, name);
    return p;
}

static inline void remove_top(void) {
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", top);
    if (strstr(top, "XXXXXX") == NULL && system(command) != 0) printf("  could not remove %s\n", top);
}

static inline void make_parents(const char *path) {
    char dir[400];
    snprintf(dir, sizeof dir, "%s", path);
    *strrchr(dir, '/') = 0;
    T_OK(goss__mkdirs(dir, &err));
}

static inline void write_bytes(const char *path, const void *data, size_t n) {
    make_parents(path);
    T_OK(goss__write_file(path, data, n, &err));
}

/* An image of one value, or a pattern for each negative one. */
static inline void write_png(const char *path, int width, int height, int value) {
    uint8_t pixels[10000];
    for (int i = 0; i < width * height; i++) pixels[i] = (uint8_t)(value < 0 ? i * (36 - value) % 256 : value);
    make_parents(path);
    T_OK(goss__png_write_grey(path, pixels, width, height, &err));
}

#if GOSS_HAVE_JPEG
static inline size_t jpeg_bytes(int width, int height, bool colour, unsigned char **out) {
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr e;
    c.err = jpeg_std_error(&e);
    jpeg_create_compress(&c);
    unsigned long size = 0;
    *out = NULL;
    jpeg_mem_dest(&c, out, &size);
    c.image_width = (JDIMENSION)width, c.image_height = (JDIMENSION)height;
    c.input_components = colour ? 3 : 1, c.in_color_space = colour ? JCS_RGB : JCS_GRAYSCALE;
    jpeg_set_defaults(&c);
    jpeg_set_quality(&c, 95, TRUE);
    jpeg_start_compress(&c, TRUE);
    uint8_t row[3000];
    for (int y = 0; y < height; y++) {
        for (int i = 0; i < width * c.input_components; i++) row[i] = (uint8_t)(40 + 3 * y + (i % 3) * 50);
        JSAMPROW at = row;
        jpeg_write_scanlines(&c, &at, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    return size;
}
#else
static inline size_t jpeg_bytes(int width, int height, bool colour, unsigned char **out) { T_SKIP("needs libjpeg"); }
#endif

#if GOSS_HAVE_ZIP
static inline void zip_of(const char *path, const char *prefix, const char *const *names, const char *root, int n) {
    unlink(path);
    int code;
    zip_t *z = zip_open(path, ZIP_CREATE, &code);
    T_CHECK(z);
    for (int i = 0; i < n; i++) {
        char file[500], entry[500];
        snprintf(file, sizeof file, "%s/%s", root, names[i]);
        snprintf(entry, sizeof entry, "%s%s", prefix, names[i]);
        T_CHECK(zip_file_add(z, entry, zip_source_file(z, file, 0, -1), 0) >= 0);
    }
    T_EQ(zip_close(z), 0);
}
#else
static inline void zip_of(const char *path, const char *prefix, const char *const *names, const char *root, int n) {
    T_SKIP("needs libzip");
}
#endif

static inline goss_images_options options(int channels, int height, int width) {
    goss_images_options o = goss_images_options_defaults();
    o.channels = channels, o.height = height, o.width = width;
    return o;
}

/* Warnings since listen() was called last. */
static char said[20000];

static inline void keep_warning(void *context, goss_log_level level, const char *line) {
    (void)context;
    size_t n = strlen(said);
    if (level == GOSS_LOG_WARN) snprintf(said + n, sizeof said - n, "%s\n", line);
}

static inline void listen(void) {
    said[0] = 0;
    goss_log_set(keep_warning, NULL);
}

#define T_SAID(part)                                                                                                   \
    do {                                                                                                               \
        if (!strstr(said, part)) T_FAIL("\"%s\" does not say \"%s\"", said, part);                                     \
    } while (0)
#endif
