/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors_read.c: the strict reader. The file is mapped and its tensors' data stays there; names, types and
 * metadata are copied out of the header, whose JSON tree is then released. The file is untrusted: the header's length
 * is checked against the file, every extent and offset against the data, and the tensors together must tile the data.
 * What the format leaves open (future types and keys, any rank) is accepted from other writers; our own files contain
 * only what our writer writes. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/file.h"
#include "base/os.h"
#include "io/hash.h"
#include "io/json.h"
#include "io/tensor_format.h"

struct goss_safetensors {
    goss__map map;
    size_t start; /* of the data in the file */
    goss__arena arena;
    goss_file_tensor *tensors;        /* by data offset */
    const goss_file_tensor **by_name; /* sorted */
    goss__meta *meta;                 /* sorted */
    int n, n_meta;
    bool own; /* written by our writer */
    char *path;
};

void goss_safetensors_close(goss_safetensors *f) {
    if (!f) return;
    goss__unmap(&f->map);
    goss__arena_free(&f->arena);
    goss__free(f->path);
    goss__free(f);
}

#define BAD(...) goss_error_set(err, GOSS_E_FORMAT, __VA_ARGS__)

#if GOSS_HAVE_JANSSON
static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "out of memory"); }

/* Checks length and first character of the header; *begun: it looks like a safetensors file, so that errors mean
 * damage. */
static goss_status check_start(const goss_safetensors *f, uint64_t *length, bool *begun, goss_error *err) {
    *begun = false, *length = 0;
    if (f->map.size < 8) return BAD("%zu bytes are too short for a safetensors file", f->map.size);
    for (int i = 7; i >= 0; i--) *length = *length << 8 | f->map.data[i];
    *begun = f->map.size > 8 && *length <= GOSS__HEADER_LIMIT && f->map.data[8] == '{';
    if (*length > GOSS__HEADER_LIMIT)
        return BAD("byte 0: a header of %llu bytes is over the limit", (unsigned long long)*length);
    if (*length > f->map.size - 8)
        return BAD("byte 0: the header's %llu bytes exceed the file's %zu: it is truncated",
                   (unsigned long long)*length, f->map.size);
    return *begun && *length ? GOSS_OK : BAD("byte 8: the header does not start with '{'");
}

static goss_status parse_header(goss_safetensors *f, json_t **header, goss_error *err) {
    uint64_t length;
    bool begun;
    goss_status s = check_start(f, &length, &begun, err);
    const goss__known *known = s == GOSS_OK || begun ? NULL : goss__recognise(f->map.data, f->map.size);
    if (known) return goss__not_a(f->path, known, GOSS__MODEL, err);
    if (s != GOSS_OK) return goss_error_prefix(err, s, "%s", f->path);
    const char *text = (const char *)f->map.data + 8;
    size_t end = (size_t)length;
    while (text[end - 1] == ' ') end--; /* padding; no other white space is allowed there */
    if (text[end - 1] != '}') return BAD("%s: byte %zu: the header does not end with '}' and spaces", f->path, end + 7);
    f->start = 8 + (size_t)length;
    return goss_error_prefix(err, goss__json_parse(text, end, 8, header, err), "%s: header", f->path);
}

static goss_status read_metadata(goss_safetensors *f, json_t *meta, goss_error *err) {
    const char *key;
    json_t *value;
    if (json_is_null(meta)) return GOSS_OK; /* some writers' notation for none */
    if (!json_is_object(meta)) return BAD("__metadata__ is not an object");
    f->meta = goss__arena_alloc(&f->arena, json_object_size(meta) * sizeof *f->meta);
    if (!f->meta) return no_memory(err);
    json_object_foreach(meta, key, value) {
        if (!json_is_string(value)) return BAD("metadata \"%s\" is not a text", key);
        goss__meta m = {goss__arena_strdup(&f->arena, key), goss__arena_strdup(&f->arena, json_string_value(value))};
        if (!m.key || !m.value) return no_memory(err);
        f->meta[f->n_meta++] = m;
    }
    qsort(f->meta, (size_t)f->n_meta, sizeof *f->meta, goss__meta_by_key);
    return GOSS_OK;
}

static goss_status read_shape(goss_safetensors *f, goss_file_tensor *t, json_t *shape, goss_error *err) {
    if (!json_is_array(shape)) return BAD("tensor \"%s\": shape is missing or not an array", t->name);
    size_t rank = json_array_size(shape);
    if (rank > (f->own ? GOSS_TENSOR_MAX_RANK : INT32_MAX))
        return BAD("tensor \"%s\": rank %zu is over the limit", t->name, rank);
    int64_t *extents = goss__arena_alloc(&f->arena, (rank ? rank : 1) * sizeof *extents);
    if (!extents) return no_memory(err);
    t->rank = (int)rank, t->shape = extents;
    for (int i = 0; i < t->rank; i++) {
        json_t *extent = json_array_get(shape, (size_t)i);
        if (!json_is_integer(extent) || json_integer_value(extent) < 0)
            return BAD("tensor \"%s\": extent %d of its shape is not a non-negative integer", t->name, i);
        extents[i] = json_integer_value(extent);
    }
    return GOSS_OK;
}

static goss_status read_offsets(const goss_safetensors *f, goss_file_tensor *t, json_t *offsets, goss_error *err) {
    json_t *a = json_array_get(offsets, 0), *b = json_array_get(offsets, 1);
    size_t size = f->map.size - f->start;
    if (json_array_size(offsets) != 2 || !json_is_integer(a) || !json_is_integer(b))
        return BAD("tensor \"%s\": data_offsets is missing or not a pair of integers", t->name);
    json_int_t begin = json_integer_value(a), end = json_integer_value(b);
    if (begin < 0 || end < begin)
        return BAD("tensor \"%s\": data_offsets %lld..%lld are descending", t->name, (long long)begin, (long long)end);
    if ((uint64_t)end > size)
        return BAD("tensor \"%s\": data_offsets %lld..%lld exceed the %zu bytes of data, which start at byte %zu",
                   t->name, (long long)begin, (long long)end, size, f->start);
    t->data = f->map.data + f->start + begin;
    t->size = (size_t)(end - begin);
    return GOSS_OK;
}

static goss_status check_keys(const goss_safetensors *f, const char *name, json_t *entry, goss_error *err) {
    const char *key;
    json_t *value;
    if (!json_is_object(entry)) return BAD("tensor \"%s\": its entry is not an object", name);
    json_object_foreach(entry, key, value) {
        bool known = strcmp(key, "dtype") == 0 || strcmp(key, "shape") == 0 || strcmp(key, "data_offsets") == 0;
        if (f->own && !known) return BAD("tensor \"%s\": unknown key \"%s\"", name, key);
    }
    return GOSS_OK;
}

/* The element size of an unknown type follows from the data, up to 256 bits. */
static goss_status check_unknown(const goss_safetensors *f, const goss_file_tensor *t, goss_error *err) {
    size_t n, bits;
    if (f->own || !*t->dtype) return BAD("tensor \"%s\": dtype \"%s\" is unknown", t->name, t->dtype);
    if (!goss__tensor_elements(t->rank, t->shape, &n)) return BAD("tensor \"%s\": its shape overflows", t->name);
    bool even = goss__mul_ok(t->size, 8, &bits) && (n == 0 ? bits == 0 : bits % n == 0 && bits > 0 && bits / n <= 256);
    return even
               ? GOSS_OK
               : BAD("tensor \"%s\": %zu elements of type \"%s\" cannot have %zu bytes", t->name, n, t->dtype, t->size);
}

static goss_status check_size(const goss_safetensors *f, const goss_file_tensor *t, size_t bits, goss_error *err) {
    size_t bytes;
    if (!bits) return check_unknown(f, t, err);
    if (!goss__tensor_bytes(t->rank, t->shape, bits, &bytes))
        return BAD("tensor \"%s\": its shape overflows or does not fill whole bytes", t->name);
    if (bytes != t->size)
        return BAD("tensor \"%s\": its shape needs %zu bytes, data_offsets give %zu", t->name, bytes, t->size);
    return GOSS_OK;
}

static goss_status read_tensor(goss_safetensors *f, const char *name, json_t *entry, goss_error *err) {
    goss_file_tensor *t = &f->tensors[f->n++];
    t->name = goss__arena_strdup(&f->arena, name);
    if (!t->name) return no_memory(err);
    GOSS_TRY(check_keys(f, name, entry, err));
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    size_t bits = 0;
    if (!dtype) return BAD("tensor \"%s\": dtype is missing or not a text", name);
    t->dtype = goss__dtype_find(dtype, &bits);
    if (!t->dtype && !(t->dtype = goss__arena_strdup(&f->arena, dtype))) return no_memory(err);
    GOSS_TRY(read_shape(f, t, json_object_get(entry, "shape"), err));
    GOSS_TRY(read_offsets(f, t, json_object_get(entry, "data_offsets"), err));
    return check_size(f, t, bits, err);
}

static int by_data(const void *a, const void *b) {
    const goss_file_tensor *x = a, *y = b;
    if (x->data != y->data) return x->data < y->data ? -1 : 1;
    return x->size != y->size ? (x->size < y->size ? -1 : 1) : strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b) {
    return strcmp((*(const goss_file_tensor *const *)a)->name, (*(const goss_file_tensor *const *)b)->name);
}

static goss_status read_tensors(goss_safetensors *f, json_t *header, goss_error *err) {
    const char *name;
    json_t *entry;
    size_t n = json_object_size(header);
    f->tensors = goss__arena_alloc(&f->arena, n * sizeof *f->tensors);
    f->by_name = goss__arena_alloc(&f->arena, n * sizeof *f->by_name);
    if (!f->tensors || !f->by_name) return no_memory(err);
    json_object_foreach(header, name, entry) if (strcmp(name, "__metadata__") != 0)
        GOSS_TRY(read_tensor(f, name, entry, err));
    qsort(f->tensors, (size_t)f->n, sizeof *f->tensors, by_data);
    for (int i = 0; i < f->n; i++) f->by_name[i] = &f->tensors[i];
    qsort(f->by_name, (size_t)f->n, sizeof *f->by_name, by_name);
    return GOSS_OK;
}

/* Tensors must be contiguous and fill the data, without holes or overlaps. */
static goss_status check_cover(const goss_safetensors *f, goss_error *err) {
    const uint8_t *at = f->map.data + f->start, *end = f->map.data + f->map.size;
    for (int i = 0; i < f->n; i++) {
        const goss_file_tensor *t = &f->tensors[i];
        const uint8_t *data = t->data;
        if (data < at)
            return BAD("tensor \"%s\": overlaps another from byte %zu", t->name, (size_t)(data - f->map.data));
        if (data > at)
            return BAD("tensor \"%s\": a hole before it, from byte %zu", t->name, (size_t)(at - f->map.data));
        at = data + t->size;
    }
    if (at == end) return GOSS_OK;
    return BAD("byte %zu: the last %zu bytes belong to no tensor", (size_t)(at - f->map.data), (size_t)(end - at));
}

/* The version is checked before anything that a later version may have changed. */
static goss_status check_container(goss_safetensors *f, goss_error *err) {
    const char *container = goss_safetensors_meta(f, GOSS__CONTAINER_KEY);
    f->own = container != NULL;
    if (!container || strcmp(container, GOSS__CONTAINER_VERSION) == 0) return GOSS_OK;
    return goss_error_set(err, GOSS_E_UNSUPPORTED, "unknown container version \"%s\"", container);
}

static goss_status check_hash(const goss_safetensors *f, goss_error *err) {
    const char *want = goss_safetensors_meta(f, GOSS__HASH_KEY);
    char have[GOSS__HASH_TEXT];
    if (!want && f->own) return BAD("the content hash is missing: the file is damaged");
    if (!want) return GOSS_OK;
    GOSS_TRY(goss__content_hash(f->meta, f->n_meta, f->tensors, f->n, have, err));
    return strcmp(want, have) == 0 ? GOSS_OK : BAD("the content hash is %s, not %s: the file is damaged", have, want);
}

static goss_status read_content(goss_safetensors *f, json_t *header, goss_error *err) {
    json_t *meta = json_object_get(header, "__metadata__");
    if (meta) GOSS_TRY(read_metadata(f, meta, err));
    GOSS_TRY(check_container(f, err));
    GOSS_TRY(read_tensors(f, header, err));
    GOSS_TRY(check_cover(f, err));
    return check_hash(f, err);
}

static goss_status read_file(goss_safetensors *f, goss_error *err) {
    json_t *header = NULL;
    GOSS_TRY(parse_header(f, &header, err));
    goss_status s = read_content(f, header, err);
    json_decref(header);
    return goss_error_prefix(err, s, "%s", f->path);
}
#else
static goss_status read_file(goss_safetensors *f, goss_error *err) {
    return goss_error_set(err, GOSS_E_UNSUPPORTED, "%s: this build has no jansson: " GOSS_JANSSON_GET, f->path);
}
#endif

goss_status goss_safetensors_open(const char *path, goss_safetensors **out, goss_error *err) {
    *out = NULL;
    goss_safetensors *f = goss__calloc(1, sizeof *f);
    if (f) f->path = goss__strdup(path);
    if (!f || !f->path) {
        goss__free(f);
        return goss_error_set(err, GOSS_E_NOMEM, "%s: out of memory", path);
    }
    goss_status s = goss__map_file(path, &f->map, err);
    if (s == GOSS_OK) s = read_file(f, err);
    if (s == GOSS_OK)
        *out = f;
    else
        goss_safetensors_close(f);
    return s;
}

int goss_safetensors_count(const goss_safetensors *f) { return f->n; }
const goss_file_tensor *goss_safetensors_at(const goss_safetensors *f, int i) { return &f->tensors[i]; }

const goss_file_tensor *goss_safetensors_find(const goss_safetensors *f, const char *name) {
    for (int low = 0, high = f->n; low < high;) {
        int middle = low + (high - low) / 2, order = strcmp(name, f->by_name[middle]->name);
        if (order == 0) return f->by_name[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

goss_status goss_safetensors_floats(const goss_safetensors *f, const char *name, int64_t n, const float **out,
                                    goss_error *err) {
    const goss_file_tensor *t = goss_safetensors_find(f, name);
    if (!t) return BAD("%s: tensor \"%s\" is missing", f->path, name);
    if (strcmp(t->dtype, "F32") != 0) return BAD("%s: tensor \"%s\" is %s, not F32", f->path, name, t->dtype);
    if (n < 0 || t->size / sizeof **out != (uint64_t)n)
        return BAD("%s: tensor \"%s\" has %zu numbers, not %lld", f->path, name, t->size / sizeof **out, (long long)n);
    if ((uintptr_t)t->data % _Alignof(float)) return BAD("%s: tensor \"%s\" is not aligned", f->path, name);
    *out = t->data;
    return GOSS_OK;
}

int goss_safetensors_meta_count(const goss_safetensors *f) { return f->n_meta; }
const char *goss_safetensors_meta_key(const goss_safetensors *f, int i) { return f->meta[i].key; }
const char *goss_safetensors_meta_value(const goss_safetensors *f, int i) { return f->meta[i].value; }

const char *goss_safetensors_meta(const goss_safetensors *f, const char *key) {
    const goss__meta wanted = {key, NULL};
    const goss__meta *m = f->n_meta ? bsearch(&wanted, f->meta, (size_t)f->n_meta, sizeof *m, goss__meta_by_key) : NULL;
    return m ? m->value : NULL;
}
