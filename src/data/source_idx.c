/* SPDX-License-Identifier: Apache-2.0 */
/* source_idx.c: the idx format of MNIST and its relatives: two zero bytes, the type (8: bytes), the number of
 * dimensions, big-endian extents, values. Images and labels are two files, gzipped or not. A plain file is mapped, a
 * gzipped one is unpacked into memory; either way images can be read in any order. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/rng.h"
#include "base/str.h"
#include "data/source.h"
#include "goss_config.h"

#if GOSS_HAVE_ZLIB
#include <zlib.h>
#endif

typedef struct idx {
    goss__map map;
    uint8_t *unpacked; /* NULL: data lies in the map */
    const uint8_t *data;
    size_t count, height, width; /* labels: height and width are 1 */
} idx;

static void idx_close(idx *x) {
    goss__free(x->unpacked);
    goss__unmap(&x->map);
    *x = (idx){0};
}

/* Two zero bytes, the type of the values, how many dimensions. */
static bool begins(const uint8_t *data, size_t size) {
    return size >= 4 && !data[0] && !data[1] && data[2] >= 8 && data[2] <= 14 && data[3] > 0 && data[3] < 16;
}

static size_t extent(const uint8_t *head, int i) {
    const uint8_t *b = head + 4 + 4 * i;
    return (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
}

static size_t head_size(int dimensions) { return 4 + 4 * (size_t)dimensions; }

/* Reads the header and computes the size of the whole file. */
static goss_status idx_head(idx *x, const uint8_t *head, size_t have, int dimensions, size_t *total, goss_error *err) {
    if (have < head_size(dimensions)) return goss_error_set(err, GOSS_E_FORMAT, "idx file of only %zu bytes", have);
    const bool bytes = !head[0] && !head[1] && head[2] == 8;
    if (bytes && dimensions == 3 && head[3] == 1)
        return goss_error_set(err, GOSS_E_FORMAT, "an idx file of labels; name the one of images");
    if (bytes && dimensions == 1 && head[3] == 3)
        return goss_error_set(err, GOSS_E_FORMAT, "an idx file of images, not of labels");
    if (!bytes || head[3] != dimensions)
        return goss_error_set(err, GOSS_E_FORMAT,
                              "not an idx file of bytes with %d dimension%s (starts %02x %02x %02x %02x)", dimensions,
                              dimensions > 1 ? "s" : "", head[0], head[1], head[2], head[3]);
    x->count = extent(head, 0);
    x->height = dimensions > 1 ? extent(head, 1) : 1, x->width = dimensions > 1 ? extent(head, 2) : 1;
    size_t pixels = x->height * x->width; /* 32 bits each: no overflow */
    if (!goss__mul_ok(x->count, pixels, total) || !goss__add_ok(*total, head_size(dimensions), total))
        return goss_error_set(err, GOSS_E_FORMAT, "idx extents %zu x %zu x %zu overflow", x->count, x->height,
                              x->width);
    return GOSS_OK;
}

#if GOSS_HAVE_ZLIB
/* Fills `size` bytes out of one or several gzip members, one behind the other. Returns what zlib said last: below 0 is
 * damage, or the end before all was there. */
static int inflate_some(z_stream *z, uint8_t *out, size_t size) {
    int code = Z_OK;
    while (size > 0 && code == Z_OK) {
        uInt part = size > 1u << 30 ? 1u << 30 : (uInt)size;
        z->next_out = out, z->avail_out = part;
        code = inflate(z, Z_NO_FLUSH);
        out += part - z->avail_out, size -= part - z->avail_out;
        if (code == Z_STREAM_END && size > 0 && z->avail_in > 0) code = inflateReset(z);
        if (z->avail_in == 0 && size > 0 && code == Z_OK) code = Z_BUF_ERROR;
    }
    return size > 0 && code == Z_STREAM_END ? Z_BUF_ERROR : code;
}

/* Nothing may follow but members that are empty. The end of each carries its checksum. */
static bool ends_well(z_stream *z, int code) {
    uint8_t end;
    for (;;) {
        z->next_out = &end, z->avail_out = 1;
        if (code != Z_STREAM_END) code = inflate(z, Z_FINISH);
        if (code != Z_STREAM_END || z->avail_out == 0) return false;
        for (; z->avail_in > 0 && *z->next_in == 0; z->avail_in--) z->next_in++; /* padding of tapes and blocks */
        if (z->avail_in == 0) return true;
        if (inflateReset(z) != Z_OK) return false;
        code = Z_OK;
    }
}

static goss_status unpack(idx *x, z_stream *z, int dimensions, goss_error *err) {
    uint8_t head[16];
    size_t total, first = head_size(dimensions);
    int code = inflate_some(z, head, first);
    if (code < 0) return goss_error_set(err, GOSS_E_FORMAT, "damaged or truncated gzip");
    GOSS_TRY(idx_head(x, head, first, dimensions, &total, err));
    /* Deflate packs at most 1032 to 1. */
    if (total > x->map.size * 1032 + 1024)
        return goss_error_set(err, GOSS_E_FORMAT, "the idx head promises %zu bytes, more than the file can hold",
                              total);
    x->unpacked = goss__alloc(total);
    if (!x->unpacked) return goss_error_set(err, GOSS_E_NOMEM, "no memory to unpack %zu bytes", total);
    memcpy(x->unpacked, head, first);
    if (code == Z_STREAM_END && total > first && z->avail_in > 0) code = inflateReset(z);
    if (total > first) code = inflate_some(z, x->unpacked + first, total - first);
    if (code < 0) return goss_error_set(err, GOSS_E_FORMAT, "damaged or truncated gzip");
    if (!ends_well(z, code)) return goss_error_set(err, GOSS_E_FORMAT, "damaged gzip: wrong checksum or length");
    x->data = x->unpacked + first;
    return GOSS_OK;
}

/* What does not unpack may have been one. */
static bool gzip_is_idx(const uint8_t *data, size_t size) {
    uint8_t head[4];
    z_stream z = {.next_in = (Bytef *)(uintptr_t)data, .avail_in = size < 1u << 16 ? (uInt)size : 1u << 16};
    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) return true;
    const bool unpacked = inflate_some(&z, head, sizeof head) >= 0;
    inflateEnd(&z);
    return !unpacked || begins(head, sizeof head);
}

static goss_status idx_gzip(idx *x, int dimensions, goss_error *err) {
    z_stream z = {0};
    if (x->map.size > UINT32_MAX) return goss_error_set(err, GOSS_E_UNSUPPORTED, "gzip over 4 GiB; unpack it first");
    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) return goss_error_set(err, GOSS_E_NOMEM, "zlib has no memory");
    z.next_in = (Bytef *)(uintptr_t)x->map.data, z.avail_in = (uInt)x->map.size;
    goss_status status = unpack(x, &z, dimensions, err);
    inflateEnd(&z);
    return status;
}
#else
static bool gzip_is_idx(const uint8_t *data, size_t size) { return (void)data, (void)size, true; }

static goss_status idx_gzip(idx *x, int dimensions, goss_error *err) {
    return goss_error_set(err, GOSS_E_UNSUPPORTED,
                          "gzipped, but this build has no zlib (" GOSS_ZLIB_GET "; or unpack it first: gunzip)");
}
#endif

static bool is_gzip(const uint8_t *data, size_t size) { return size >= 2 && data[0] == 0x1f && data[1] == 0x8b; }

bool goss__idx_is(const uint8_t *data, size_t size) {
    return is_gzip(data, size) ? gzip_is_idx(data, size) : begins(data, size);
}

static goss_status idx_plain(idx *x, int dimensions, goss_error *err) {
    size_t total = 0;
    GOSS_TRY(idx_head(x, x->map.data, x->map.size, dimensions, &total, err));
    if (total != x->map.size)
        return goss_error_set(err, GOSS_E_FORMAT,
                              "truncated or too long: the idx head promises %zu bytes, the file has %zu", total,
                              x->map.size);
    x->data = x->map.data + head_size(dimensions);
    return GOSS_OK;
}

static goss_status idx_open(idx *x, const char *path, int dimensions, goss_error *err) {
    GOSS_TRY(goss__map_file(path, &x->map, err));
    goss_status status =
        is_gzip(x->map.data, x->map.size) ? idx_gzip(x, dimensions, err) : idx_plain(x, dimensions, err);
    return status == GOSS_OK ? status : goss_error_prefix(err, status, "%s", path);
}

/* The last occurrence of `from` in the file's name, replaced; false when there is none. */
static bool replace_name(const char *path, const char *from, const char *to, goss__str *out) {
    const char *name = strrchr(path, '/'), *at = NULL;
    for (const char *p = name ? name : path; (p = strstr(p, from)) != NULL; p++) at = p;
    if (!at) return false;
    goss__str_addn(out, path, (size_t)(at - path));
    goss__str_add(out, to);
    goss__str_add(out, at + strlen(from));
    return true;
}

/* train-images-idx3-ubyte.gz -> train-labels-idx1-ubyte.gz, or the same without (or with) .gz. */
static goss_status labels_path(const char *images, goss__str *out, goss_error *err) {
    goss__str step = {0};
    bool named = replace_name(images, "images", "labels", &step);
    if (named && !replace_name(step.data ? step.data : "", "idx3", "idx1", out))
        goss__str_add(out, step.data ? step.data : "");
    bool failed = step.failed || out->failed;
    goss__str_free(&step);
    if (failed) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a file name");
    if (!named)
        return goss_error_set(
            err, GOSS_E_ARGUMENT,
            "%s: its name has no \"images\" in it, so name the label file (data.labels=FILE, --labels FILE)", images);
    if (goss__path_exists(out->data)) return GOSS_OK;
    size_t n = out->size;
    if (n > 3 && strcmp(out->data + n - 3, ".gz") == 0)
        out->data[n - 3] = 0;
    else
        goss__str_add(out, ".gz");
    if (out->failed) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a file name");
    if (goss__path_exists(out->data)) return GOSS_OK;
    return goss_error_set(err, GOSS_E_IO,
                          "%s: no label file %s (or .gz) beside it; data.labels=FILE, --labels FILE name another",
                          images, out->data);
}

static goss_status labels_open(idx *labels, const goss__source *s, const char *named, goss_error *err) {
    goss__str path = {0};
    goss_status status = named ? GOSS_OK : labels_path(s->path, &path, err);
    if (status == GOSS_OK) status = idx_open(labels, named ? named : path.data, 1, err);
    goss__str_free(&path);
    return status;
}

static goss_status fetch(const goss__source *s, goss__reader *r, const goss__item *item, uint8_t *out,
                         goss_error *err) {
    const idx *x = s->state;
    goss__raster raster = {.width = x->width, .height = x->height, .channels = 1, .orientation = 1};
    goss_status status = goss__fit_begin(&r->fit, raster, err);
    if (status != GOSS_OK) return goss_error_prefix(err, status, "%s", s->path);
    const uint8_t *pixels = x->data + item->index * x->width * x->height;
    for (size_t y = 0; y < x->height; y++) goss__fit_row(&r->fit, pixels + y * x->width);
    goss__fit_end(&r->fit, out);
    return GOSS_OK;
}

static void close_idx(goss__source *s) { idx_close(s->state); }

/* labels NULL: no classes. */
static goss_status add_all(goss__source *s, const idx *images, const idx *labels, uint64_t stamp, goss_error *err) {
    const char *slash = strrchr(s->path, '/'), *name = slash ? slash + 1 : s->path;
    if (labels && images->count != labels->count)
        return goss_error_set(err, GOSS_E_FORMAT, "%s: %zu images but %zu labels", s->path, images->count,
                              labels->count);
    for (size_t i = 0; i < images->count; i++) {
        char path[300];
        if (labels)
            snprintf(path, sizeof path, "%d/%.200s#%07zu", labels->data[i], name, i);
        else
            snprintf(path, sizeof path, "%07zu", i);
        GOSS_TRY(goss__source_add(s, path, (goss__item){.size = images->width, .stamp = stamp, .index = i}, err));
    }
    return GOSS_OK;
}

goss_status goss__source_idx(goss__source *s, bool labelled, const char *labels_named, goss_error *err) {
    idx *images = goss__arena_alloc(&s->arena, sizeof *images), labels = {0};
    if (!images) return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to list it", s->path);
    s->state = images, s->fetch = fetch, s->close = close_idx;
    GOSS_TRY(idx_open(images, s->path, 3, err));
    goss_status status = labelled ? labels_open(&labels, s, labels_named, err) : GOSS_OK;
    /* Both files are in memory anyway, so their bytes stand for them in the cache's key. */
    uint64_t stamp = goss__hash64(images->map.data, images->map.size, labels.count);
    if (status == GOSS_OK) status = add_all(s, images, labelled ? &labels : NULL, stamp, err);
    idx_close(&labels);
    return status;
}
