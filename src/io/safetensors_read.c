/* safetensors_read.c: the strict reader. The file is mapped; names and shapes point into the parsed header, data into the map. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "io/hash.h"
#include "io/tensor_format.h"

struct goss_safetensors {
    goss__map map;
    json_t *header;
    goss_file_tensor *tensors;
    int n;
    const char **meta_keys;
    int n_meta;
    char *path;
};

void goss_safetensors_close(goss_safetensors *f) {
    if (!f) return;
    goss__unmap(&f->map);
    json_decref(f->header);
    goss__free(f->tensors), goss__free(f->meta_keys), goss__free(f->path);
    goss__free(f);
}

#define BAD(...) goss_error_set(err, GOSS_E_FORMAT, __VA_ARGS__)

static goss_status read_header(goss_safetensors *f, size_t *start, goss_error *err) {
    if (f->map.size < 8) return BAD("%zu bytes are too short for a safetensors file", f->map.size);
    uint64_t length = 0;
    for (int i = 7; i >= 0; i--) length = length << 8 | f->map.data[i];
    if (length > GOSS__HEADER_LIMIT) return BAD("a header of %llu bytes is over the limit", (unsigned long long)length);
    if (length > f->map.size - 8)
        return BAD("the header's %llu bytes end behind the file's %zu", (unsigned long long)length, f->map.size);
    const char *text = (const char *)f->map.data + 8;
    if (length == 0 || text[0] != '{') return BAD("byte 8: the header does not start with '{'");
    json_error_t e;
    f->header = json_loadb(text, (size_t)length, JSON_REJECT_DUPLICATES, &e);
    if (!f->header) return BAD("byte %d: header: %s", 8 + e.position, e.text);
    if (!json_is_object(f->header)) return BAD("byte 8: the header is not a JSON object");
    *start = 8 + (size_t)length;
    return GOSS_OK;
}

static goss_status read_metadata(goss_safetensors *f, goss_error *err) {
    json_t *meta = json_object_get(f->header, "__metadata__"), *value;
    if (!meta) return GOSS_OK;
    if (!json_is_object(meta)) return BAD("__metadata__ is not an object");
    f->meta_keys = goss__alloc((json_object_size(meta) + 1) * sizeof *f->meta_keys);
    if (!f->meta_keys) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    const char *key;
    json_object_foreach(meta, key, value) {
        if (!json_is_string(value)) return BAD("metadata \"%s\" is not a text", key);
        f->meta_keys[f->n_meta++] = key;
    }
    return GOSS_OK;
}

static goss_status read_shape(goss_file_tensor *t, json_t *shape, goss_error *err) {
    if (!json_is_array(shape)) return BAD("tensor \"%s\": shape is missing or no array", t->name);
    if (json_array_size(shape) > GOSS_TENSOR_MAX_RANK)
        return BAD("tensor \"%s\": rank %zu is over %d", t->name, json_array_size(shape), GOSS_TENSOR_MAX_RANK);
    t->rank = (int)json_array_size(shape);
    for (int i = 0; i < t->rank; i++) {
        json_t *d = json_array_get(shape, (size_t)i);
        if (!json_is_integer(d) || json_integer_value(d) < 0)
            return BAD("tensor \"%s\": extent %d of its shape is no integer from 0", t->name, i);
        t->shape[i] = json_integer_value(d);
    }
    return GOSS_OK;
}

static goss_status read_offsets(goss_file_tensor *t, json_t *offsets, const uint8_t *data, size_t size, goss_error *err) {
    json_t *a = json_array_get(offsets, 0), *b = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(a) || !json_is_integer(b))
        return BAD("tensor \"%s\": data_offsets is missing or no pair of integers", t->name);
    json_int_t begin = json_integer_value(a), end = json_integer_value(b);
    if (begin < 0 || end < begin) return BAD("tensor \"%s\": data_offsets %lld..%lld run backwards", t->name, (long long)begin, (long long)end);
    if ((uint64_t)end > size)
        return BAD("tensor \"%s\": data_offsets %lld..%lld end behind the %zu bytes of data", t->name, (long long)begin, (long long)end, size);
    t->data = data + begin;
    t->size = (size_t)(end - begin);
    return GOSS_OK;
}

static goss_status read_tensor(goss_safetensors *f, size_t start, const char *name, json_t *entry, goss_error *err) {
    goss_file_tensor *t = &f->tensors[f->n++];
    *t = (goss_file_tensor){.name = name};
    if (!json_is_object(entry)) return BAD("tensor \"%s\": its entry is no object", name);
    const char *key;
    json_t *value;
    json_object_foreach(entry, key, value) if (strcmp(key, "dtype") != 0 && strcmp(key, "shape") != 0 && strcmp(key, "data_offsets") != 0)
        return BAD("tensor \"%s\": unknown key \"%s\"", name, key);
    t->dtype = json_string_value(json_object_get(entry, "dtype"));
    int element = t->dtype ? goss__dtype_size(t->dtype) : 0;
    if (element == 0) return BAD("tensor \"%s\": dtype \"%s\" is unknown", name, t->dtype ? t->dtype : "(missing)");
    GOSS_TRY(read_shape(t, json_object_get(entry, "shape"), err));
    GOSS_TRY(read_offsets(t, json_object_get(entry, "data_offsets"), f->map.data + start, f->map.size - start, err));
    size_t bytes;
    if (!goss__tensor_bytes(t->rank, t->shape, element, &bytes)) return BAD("tensor \"%s\": its shape overflows", name);
    if (bytes != t->size) return BAD("tensor \"%s\": its shape needs %zu bytes, data_offsets give %zu", name, bytes, t->size);
    return GOSS_OK;
}

static int by_data(const void *a, const void *b) {
    const goss_file_tensor *x = a, *y = b;
    if (x->data != y->data) return x->data < y->data ? -1 : 1;
    return x->size != y->size ? (x->size < y->size ? -1 : 1) : strcmp(x->name, y->name);
}

/* Tensors must follow one another and fill the data: neither holes nor overlaps. */
static goss_status check_cover(const goss_safetensors *f, size_t start, goss_error *err) {
    const uint8_t *at = f->map.data + start, *end = f->map.data + f->map.size;
    for (int i = 0; i < f->n; i++) {
        const uint8_t *data = f->tensors[i].data;
        if (data != at)
            return BAD("tensor \"%s\": %s at data byte %zu", f->tensors[i].name, data < at ? "overlaps another" : "a hole before it,",
                       (size_t)((data < at ? data : at) - (f->map.data + start)));
        at = data + f->tensors[i].size;
    }
    return at == end ? GOSS_OK : BAD("%zu bytes behind the last tensor belong to none", (size_t)(end - at));
}

static goss_status check_hash(const goss_safetensors *f, goss_error *err) {
    const char *want = goss_safetensors_meta(f, GOSS__HASH_KEY);
    char have[GOSS__HASH_TEXT];
    if (!want) return GOSS_OK;
    GOSS_TRY(goss__content_hash(f->header, f->tensors, f->n, have, err));
    return strcmp(want, have) == 0 ? GOSS_OK : BAD("the content's hash is %s, not %s: the file is damaged", have, want);
}

static goss_status read_all(goss_safetensors *f, goss_error *err) {
    size_t start;
    GOSS_TRY(read_header(f, &start, err));
    GOSS_TRY(read_metadata(f, err));
    f->tensors = goss__alloc((json_object_size(f->header) + 1) * sizeof *f->tensors);
    if (!f->tensors) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    const char *name;
    json_t *entry;
    json_object_foreach(f->header, name, entry)
        if (strcmp(name, "__metadata__") != 0) GOSS_TRY(read_tensor(f, start, name, entry, err));
    qsort(f->tensors, (size_t)f->n, sizeof *f->tensors, by_data);
    GOSS_TRY(check_cover(f, start, err));
    return check_hash(f, err);
}

goss_status goss_safetensors_open(const char *path, goss_safetensors **out, goss_error *err) {
    *out = NULL;
    goss_safetensors *f = goss__calloc(1, sizeof *f);
    if (f) f->path = goss__strdup(path);
    if (!f || !f->path) {
        goss__free(f);
        return goss_error_set(err, GOSS_E_NOMEM, "%s: out of memory", path);
    }
    goss_status s = goss__map_file(path, &f->map, err);
    if (s == GOSS_OK) s = goss_error_prefix(err, read_all(f, err), "%s", path);
    if (s == GOSS_OK)
        *out = f;
    else
        goss_safetensors_close(f);
    return s;
}

int goss_safetensors_count(const goss_safetensors *f) { return f->n; }
const goss_file_tensor *goss_safetensors_at(const goss_safetensors *f, int i) { return &f->tensors[i]; }

const goss_file_tensor *goss_safetensors_find(const goss_safetensors *f, const char *name) {
    for (int i = 0; i < f->n; i++)
        if (strcmp(f->tensors[i].name, name) == 0) return &f->tensors[i];
    return NULL;
}

goss_status goss_safetensors_floats(const goss_safetensors *f, const char *name, int64_t n, const float **out, goss_error *err) {
    const goss_file_tensor *t = goss_safetensors_find(f, name);
    if (!t) return BAD("%s: tensor \"%s\" is missing", f->path, name);
    if (strcmp(t->dtype, "F32") != 0) return BAD("%s: tensor \"%s\" is %s, not F32", f->path, name, t->dtype);
    if (t->size != (size_t)n * sizeof **out)
        return BAD("%s: tensor \"%s\" has %zu numbers, not %lld", f->path, name, t->size / sizeof **out, (long long)n);
    if ((uintptr_t)t->data % _Alignof(float)) return BAD("%s: tensor \"%s\" is not aligned", f->path, name);
    *out = t->data;
    return GOSS_OK;
}

int goss_safetensors_meta_count(const goss_safetensors *f) { return f->n_meta; }
const char *goss_safetensors_meta_key(const goss_safetensors *f, int i) { return f->meta_keys[i]; }
const char *goss_safetensors_meta_value(const goss_safetensors *f, int i) { return goss_safetensors_meta(f, f->meta_keys[i]); }

const char *goss_safetensors_meta(const goss_safetensors *f, const char *key) {
    return json_string_value(json_object_get(json_object_get(f->header, "__metadata__"), key));
}
