/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors_write.c: header and data, written atomically.
 *
 * Tensors are ordered by decreasing element size, then by name, so that each is aligned to its type without holes,
 * which the format forbids, and equal content gives equal bytes in whatever order it was added. The header is padded
 * with spaces until the data starts at a multiple of 64. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/os.h"
#include "base/text.h"
#include "io/hash.h"
#include "io/json.h"
#include "io/tensor_format.h"

struct goss_tensor_file {
    goss__arena arena; /* names and metadata */
    goss_file_tensor *tensors;
    goss__meta *meta;
    int n, capacity, n_meta, meta_capacity;
};

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "out of memory"); }

goss_status goss_tensor_file_new(goss_tensor_file **out, goss_error *err) {
    *out = goss__calloc(1, sizeof **out);
    return *out ? GOSS_OK : no_memory(err);
}

void goss_tensor_file_free(goss_tensor_file *w) {
    if (!w) return;
    goss__arena_free(&w->arena);
    goss__free(w->tensors), goss__free(w->meta);
    goss__free(w);
}

/* Reserves one more entry; the array may move. */
static bool reserve(void **array, int n, int *capacity, size_t element) {
    if (n < *capacity) return true;
    size_t bytes;
    int grown = *capacity ? 2 * *capacity : 16;
    if (n > INT32_MAX / 2 || !goss__mul_ok((size_t)grown, element, &bytes)) return false;
    void *moved = goss__realloc(*array, bytes);
    if (!moved) return false;
    *array = moved, *capacity = grown;
    return true;
}

static goss_status check_name(const char *what, const char *name, goss_error *err) {
    if (goss__utf8_valid(name)) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s \"%s\" is not UTF-8 text", what, name);
}

goss_status goss_tensor_file_meta(goss_tensor_file *w, const char *key, const char *value, goss_error *err) {
    if (strcmp(key, GOSS__HASH_KEY) == 0 || strcmp(key, GOSS__CONTAINER_KEY) == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "metadata \"%s\" is reserved for the writer", key);
    GOSS_TRY(check_name("metadata key", key, err));
    if (!goss__utf8_valid(value)) return goss_error_set(err, GOSS_E_ARGUMENT, "metadata \"%s\" is not UTF-8 text", key);
    char *copy = goss__arena_strdup(&w->arena, value);
    if (!copy) return no_memory(err);
    for (int i = 0; i < w->n_meta; i++)
        if (strcmp(w->meta[i].key, key) == 0) {
            w->meta[i].value = copy;
            return GOSS_OK;
        }
    const char *name = goss__arena_strdup(&w->arena, key);
    if (!name || !reserve((void **)&w->meta, w->n_meta, &w->meta_capacity, sizeof *w->meta)) return no_memory(err);
    w->meta[w->n_meta++] = (goss__meta){name, copy};
    return GOSS_OK;
}

static goss_status check_tensor(goss_file_tensor *t, goss_error *err) {
    size_t bits;
    const char *dtype = goss__dtype_find(t->dtype, &bits);
    if (!dtype) return goss_error_set(err, GOSS_E_ARGUMENT, "tensor \"%s\": type \"%s\" is unknown", t->name, t->dtype);
    t->dtype = dtype;
    if (strcmp(t->name, "__metadata__") == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "a tensor cannot be named \"__metadata__\"");
    GOSS_TRY(check_name("tensor name", t->name, err));
    if (goss__tensor_bytes(t->rank, t->shape, bits, &t->size)) return GOSS_OK;
    return goss_error_set(
        err, GOSS_E_SHAPE,
        "tensor \"%s\": an extent is negative, or their product overflows or does not fill whole bytes", t->name);
}

goss_status goss_tensor_file_add(goss_tensor_file *w, const char *name, const char *dtype, int rank,
                                 const int64_t *shape, const void *data, goss_error *err) {
    goss_file_tensor t = {.name = name, .dtype = dtype, .rank = rank, .shape = shape, .data = data};
    if (rank < 0 || rank > GOSS_TENSOR_MAX_RANK)
        return goss_error_set(err, GOSS_E_SHAPE, "tensor \"%s\": rank %d is not from 0 to %d", name, rank,
                              GOSS_TENSOR_MAX_RANK);
    GOSS_TRY(check_tensor(&t, err));
    int64_t *extents = goss__arena_alloc(&w->arena, (size_t)(rank ? rank : 1) * sizeof *extents);
    t.name = goss__arena_strdup(&w->arena, name);
    if (extents && rank) memcpy(extents, shape, (size_t)rank * sizeof *extents);
    t.shape = extents;
    if (!t.name || !extents || !reserve((void **)&w->tensors, w->n, &w->capacity, sizeof *w->tensors))
        return no_memory(err);
    w->tensors[w->n++] = t;
    return GOSS_OK;
}

/* ---- layout ---- */

static int by_layout(const void *a, const void *b) {
    const goss_file_tensor *x = a, *y = b;
    size_t sx = 0, sy = 0;
    goss__dtype_find(x->dtype, &sx);
    goss__dtype_find(y->dtype, &sy);
    return sx != sy ? (sx > sy ? -1 : 1) : strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const goss_file_tensor *)a)->name, ((const goss_file_tensor *)b)->name);
}

/* A sorted copy, so that writing is repeatable. */
static goss_status lay_out(const goss_tensor_file *w, goss_file_tensor **out, goss_error *err) {
    size_t bytes = (size_t)w->n * sizeof *w->tensors;
    goss_file_tensor *t = *out = goss__alloc(bytes);
    if (!t) return no_memory(err);
    if (bytes) memcpy(t, w->tensors, bytes);
    qsort(t, (size_t)w->n, sizeof *t, by_name);
    for (int i = 1; i < w->n; i++)
        if (strcmp(t[i - 1].name, t[i].name) == 0)
            return goss_error_set(err, GOSS_E_ARGUMENT, "tensor \"%s\" was added twice", t[i].name);
    qsort(t, (size_t)w->n, sizeof *t, by_layout);
    return GOSS_OK;
}

static goss_status all_metadata(const goss_tensor_file *w, goss__meta **out, goss_error *err) {
    goss__meta *m = *out = goss__alloc((size_t)(w->n_meta + 2) * sizeof *m);
    if (!m) return no_memory(err);
    if (w->n_meta) memcpy(m, w->meta, (size_t)w->n_meta * sizeof *m);
    m[w->n_meta] = (goss__meta){GOSS__CONTAINER_KEY, GOSS__CONTAINER_VERSION};
    m[w->n_meta + 1] = (goss__meta){GOSS__HASH_KEY, NULL};
    qsort(m, (size_t)w->n_meta + 2, sizeof *m, goss__meta_by_key);
    return GOSS_OK;
}

/* ---- header ---- */

static void add_pair(goss__str *s, const char *key, const char *value) {
    goss__json_add_text(s, key);
    goss__str_add(s, ":");
    goss__json_add_text(s, value);
}

static void add_tensor(goss__str *s, const goss_file_tensor *t, size_t begin) {
    goss__str_add(s, ",");
    goss__json_add_text(s, t->name);
    goss__str_addf(s, ":{\"dtype\":\"%s\",\"shape\":[", t->dtype);
    for (int i = 0; i < t->rank; i++) goss__str_addf(s, "%s%lld", i ? "," : "", (long long)t->shape[i]);
    goss__str_addf(s, "],\"data_offsets\":[%zu,%zu]}", begin, begin + t->size);
}

static goss_status make_header(const goss__meta *meta, int n_meta, const goss_file_tensor *t, int n, goss__str *s,
                               goss_error *err) {
    char hash[GOSS__HASH_TEXT];
    size_t at = 0, end;
    GOSS_TRY(goss__content_hash(meta, n_meta, t, n, hash, err));
    goss__str_add(s, "{\"__metadata__\":{");
    for (int i = 0; i < n_meta; i++) {
        if (i) goss__str_add(s, ",");
        add_pair(s, meta[i].key, meta[i].value ? meta[i].value : hash);
    }
    goss__str_add(s, "}");
    for (int i = 0; i < n; i++, at = end) {
        if (!goss__add_ok(at, t[i].size, &end) || end > INT64_MAX)
            return goss_error_set(err, GOSS_E_SHAPE, "tensor \"%s\": the file is too large", t[i].name);
        add_tensor(s, &t[i], at);
    }
    goss__str_add(s, "}");
    while (!s->failed && (s->size + 8) % 64 != 0) goss__str_addn(s, " ", 1);
    if (s->failed) return no_memory(err);
    if (s->size <= GOSS__HEADER_LIMIT) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "a header of %zu bytes is over the limit", s->size);
}

static goss_status put_all(goss__writer *out, const goss__str *header, const goss_file_tensor *t, int n,
                           goss_error *err) {
    uint8_t length[8];
    for (int i = 0; i < 8; i++) length[i] = (uint8_t)((uint64_t)header->size >> (8 * i));
    GOSS_TRY(goss__writer_put(out, length, sizeof length, err));
    GOSS_TRY(goss__writer_put(out, header->data, header->size, err));
    for (int i = 0; i < n; i++) GOSS_TRY(goss__writer_put(out, t[i].data, t[i].size, err));
    return GOSS_OK;
}

static goss_status put_file(const char *path, const goss__str *header, const goss_file_tensor *t, int n,
                            goss_error *err) {
    goss__writer *out;
    GOSS_TRY(goss__writer_open(path, &out, err));
    goss_status s = put_all(out, header, t, n, err);
    if (s == GOSS_OK) return goss__writer_commit(out, err);
    goss__writer_abandon(out);
    return s;
}

goss_status goss_tensor_file_write(const goss_tensor_file *w, const char *path, goss_error *err) {
    goss__str header = {0};
    goss_file_tensor *tensors = NULL;
    goss__meta *meta = NULL;
    goss_status s = lay_out(w, &tensors, err);
    if (s == GOSS_OK) s = all_metadata(w, &meta, err);
    if (s == GOSS_OK) s = make_header(meta, w->n_meta + 2, tensors, w->n, &header, err);
    s = goss_error_prefix(err, s, "%s", path);
    if (s == GOSS_OK) s = put_file(path, &header, tensors, w->n, err);
    goss__str_free(&header);
    goss__free(tensors), goss__free(meta);
    return s;
}
