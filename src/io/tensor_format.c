/* tensor_format.c: element types and the content hash of a safetensors file. */
#include <string.h>

#include "base/alloc.h"
#include "io/hash.h"
#include "io/tensor_format.h"

static const struct {
    const char *name;
    int size;
} dtypes[] = {{"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I64", 8}, {"I32", 4}, {"I16", 2},
              {"I8", 1},  {"U64", 8}, {"U32", 4}, {"U16", 2},  {"U8", 1},  {"BOOL", 1}};

int goss__dtype_size(const char *dtype) {
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (strcmp(dtypes[i].name, dtype) == 0) return dtypes[i].size;
    return 0;
}

bool goss__tensor_bytes(int rank, const int64_t *shape, int element, size_t *out) {
    *out = (size_t)element;
    for (int i = 0; i < rank; i++)
        if (shape[i] < 0 || !goss__mul_ok(*out, (size_t)shape[i], out)) return false;
    return true;
}

static void add_text(goss__hash *h, const char *text) { goss__hash_add(h, text, strlen(text) + 1); }

static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static goss_status hash_metadata(goss__hash *h, json_t *meta, goss_error *err) {
    size_t n = json_object_size(meta), i = 0;
    const char **keys = goss__alloc((n + 1) * sizeof *keys), *key;
    if (!keys) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    json_t *value;
    json_object_foreach(meta, key, value) keys[i++] = key;
    qsort(keys, n, sizeof *keys, by_text);
    for (i = 0; i < n; i++) {
        if (strcmp(keys[i], GOSS__HASH_KEY) == 0) continue;
        add_text(h, keys[i]);
        add_text(h, json_string_value(json_object_get(meta, keys[i])));
    }
    goss__free(keys);
    return GOSS_OK;
}

goss_status goss__content_hash(json_t *header, const goss_file_tensor *tensors, int n, char *text, goss_error *err) {
    goss__hash *h;
    GOSS_TRY(goss__hash_new(&h, err));
    goss_status s = hash_metadata(h, json_object_get(header, "__metadata__"), err);
    for (int i = 0; i < n && s == GOSS_OK; i++) {
        add_text(h, tensors[i].name);
        add_text(h, tensors[i].dtype);
        goss__hash_add(h, tensors[i].shape, (size_t)tensors[i].rank * sizeof *tensors[i].shape);
        goss__hash_add(h, tensors[i].data, tensors[i].size);
    }
    goss__hash_end(h, text);
    return s;
}
