/* SPDX-License-Identifier: Apache-2.0 */
/* image_files.c: images one by one, without classes: bytes in memory, a file, or whatever a path lists. */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/os.h"
#include "data/image_files.h"
#include "data/source.h"

struct goss_image_files {
    goss__source source; /* of a single file: a list of one */
    bool single;
    const char **names;
    goss__reader reader;
};

goss_status goss__format_check(int channels, int height, int width, int least, goss_error *err) {
    if (channels != 1 && channels != 3)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%d channels: images have 1 (grey) or 3 (colour)", channels);
    if (height < least || width < least || height > GOSS__EXTENT_MAX || width > GOSS__EXTENT_MAX)
        return goss_error_set(err, GOSS_E_ARGUMENT, "image extent %d x %d: each side is from 1 to %d", height, width,
                              GOSS__EXTENT_MAX);
    return GOSS_OK;
}

void goss__to_floats(const uint8_t *pixels, size_t n, float *out) {
    for (size_t i = 0; i < n; i++) out[i] = (float)pixels[i] * (1.0f / 255);
}

static size_t bytes_of(const goss_image_format *f) {
    return (size_t)f->height * (size_t)f->width * (size_t)f->channels;
}

/* ---- one image ---- */

static goss_status decode(const void *data, size_t size, goss__fit *fit, float *out, goss_error *err) {
    goss_image_format *f = &fit->format;
    uint8_t *pixels = NULL;
    GOSS_TRY(goss__format_check(f->channels, f->height, f->width, 1, err));
    if (!(pixels = goss__alloc(bytes_of(f)))) return goss_error_set(err, GOSS_E_NOMEM, "no memory for an image");
    goss_status status = goss__picture_decode(data, size, fit, pixels, err);
    if (status == GOSS_OK) goss__to_floats(pixels, bytes_of(f), out);
    goss__free(pixels);
    return status;
}

/* What a set's findings say of it. */
static void tell_dark(const goss__fit *fit, const char *name) {
    if (fit->dark)
        goss__log(GOSS_LOG_WARN,
                  "%s: 16 bits, of which only the lowest 12 are used, so that it comes out nearly black: multiply its "
                  "values by 16",
                  name);
}

goss_status goss_image_decode_memory(const void *data, size_t size, const char *name, const goss_image_format *format,
                                     float *out, goss_error *err) {
    goss__fit fit = {.format = *format};
    goss_status status = decode(data, size, &fit, out, err);
    if (status == GOSS_OK) tell_dark(&fit, name);
    goss__fit_free(&fit);
    return status == GOSS_OK ? status : goss_error_prefix(err, status, "%s", name);
}

goss_status goss_image_decode_file(const char *path, const goss_image_format *format, float *out, goss_error *err) {
    char *data;
    size_t size;
    GOSS_TRY(goss__read_file(path, GOSS__ENCODED_MAX, &data, &size, err));
    goss_status status = goss_image_decode_memory(data, size, path, format, out, err);
    goss__free(data);
    return status;
}

bool goss_image_is_flat(const float *image, const goss_image_format *f) {
    float lo[3] = {1, 1, 1}, hi[3] = {0};
    for (size_t i = 0; i < bytes_of(f); i++) {
        size_t c = i % (size_t)f->channels;
        lo[c] = image[i] < lo[c] ? image[i] : lo[c], hi[c] = image[i] > hi[c] ? image[i] : hi[c];
        if (hi[c] - lo[c] > 3.5f / 255) return false;
    }
    return true;
}

/* ---- many ---- */

/* What is one image by its first bytes; all else is a container, or fails as one. */
static goss_status is_image(const char *path, bool *out, goss_error *err) {
    *out = false;
    if (goss__is_dir(path)) return GOSS_OK;
    goss__map m;
    GOSS_TRY(goss__map_file(path, &m, err));
    *out = m.size == 0 || goss__kind_of_bytes(m.data, m.size);
    goss__unmap(&m);
    return GOSS_OK;
}

/* An image, read or not. */
static bool is_wanted(const goss__item *item) { return item->flaw == GOSS__SOUND || item->flaw >= GOSS__DEAD_LINK; }

static bool holds_image(const goss__source *s) {
    size_t i = 0;
    while (i < s->count && !is_wanted(&s->items[i])) i++;
    return i < s->count;
}

static void keep_images(goss__source *s) {
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++)
        if (is_wanted(&s->items[i])) s->items[n++] = s->items[i];
    s->count = n;
}

static goss_status name_all(goss_image_files *f, const char *path, goss_error *err) {
    goss__source *s = &f->source;
    const char *slash = path[strlen(path) - 1] == '/' ? "" : "/";
    f->names = goss__arena_alloc(&s->arena, s->count * sizeof *f->names);
    for (size_t i = 0; f->names && i < s->count; i++)
        if (!(f->names[i] = goss__arena_printf(&s->arena, "%s%s%s", path, slash, s->items[i].path))) f->names = NULL;
    return f->names ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to list it", path);
}

static goss_status list(goss_image_files *f, const char *path, goss_error *err) {
    GOSS_TRY(is_image(path, &f->single, err));
    goss__source *s = &f->source;
    if (f->single) {
        s->path = "";
        GOSS_TRY(goss__source_add(s, path, (goss__item){0}, err));
        f->names = &s->items[0].path;
        return GOSS_OK;
    }
    GOSS_TRY(goss__source_list_plain(path, s, err));
    if (!holds_image(s)) return goss__source_barren(s, err);
    keep_images(s);
    return name_all(f, path, err);
}

goss_status goss_image_files_open(const char *path, goss_image_files **out, goss_error *err) {
    *out = NULL;
    goss_image_files *f = goss__calloc(1, sizeof *f);
    if (!f) return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to list it", path);
    goss_status status = list(f, path, err);
    if (status == GOSS_OK)
        *out = f;
    else
        goss_image_files_close(f);
    return status;
}

void goss_image_files_close(goss_image_files *f) {
    if (!f) return;
    goss__reader_free(&f->source, &f->reader);
    goss__source_close(&f->source);
    goss__free(f);
}

int goss_image_files_count(const goss_image_files *f) { return (int)f->source.count; }

const char *goss_image_files_name(const goss_image_files *f, int i) {
    assert(i >= 0 && i < goss_image_files_count(f));
    return f->names[i];
}

static goss_status fetch(goss_image_files *f, const goss__item *item, float *out, goss_error *err) {
    const goss_image_format *format = &f->reader.fit.format;
    uint8_t *pixels = goss__alloc(bytes_of(format));
    if (!pixels) return goss_error_set(err, GOSS_E_NOMEM, "no memory for an image");
    goss_status status = f->source.fetch(&f->source, &f->reader, item, pixels, err);
    if (status == GOSS_OK) goss__to_floats(pixels, bytes_of(format), out);
    goss__free(pixels);
    return status;
}

goss_status goss_image_files_decode(goss_image_files *f, int i, const goss_image_format *format, float *out,
                                    goss_error *err) {
    assert(i >= 0 && i < goss_image_files_count(f));
    if (f->single) return goss_image_decode_file(f->names[0], format, out, err);
    const goss__item *item = &f->source.items[i];
    if (item->flaw)
        return goss_error_set(err, item->flaw == GOSS__UNREAD ? GOSS_E_UNSUPPORTED : GOSS_E_IO, "%s: %s", f->names[i],
                              item->why);
    GOSS_TRY(goss__format_check(format->channels, format->height, format->width, 1, err));
    f->reader.fit.format = *format;
    GOSS_TRY(fetch(f, item, out, err));
    tell_dark(&f->reader.fit, f->names[i]);
    return GOSS_OK;
}

void goss_image_files_extents(const goss_image_files *f, int *height, int *width) {
    *height = f->reader.fit.natural[0], *width = f->reader.fit.natural[1];
}
