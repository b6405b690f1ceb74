/* safetensors_write.c: header and data to a temporary file that then takes the place of the old one. */
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "io/hash.h"
#include "io/tensor_format.h"

struct goss_tensor_file {
    json_t *header;
    goss_file_tensor *tensors; /* names and dtypes are the header's */
    int n, capacity;
    size_t bytes;
};

goss_status goss_tensor_file_new(goss_tensor_file **out, goss_error *err) {
    goss_tensor_file *w = *out = goss__calloc(1, sizeof *w);
    if (w) w->header = json_object();
    if (w && w->header && json_object_set_new(w->header, "__metadata__", json_object()) == 0) return GOSS_OK;
    goss_tensor_file_free(w);
    *out = NULL;
    return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
}

void goss_tensor_file_free(goss_tensor_file *w) {
    if (!w) return;
    json_decref(w->header);
    goss__free(w->tensors);
    goss__free(w);
}

goss_status goss_tensor_file_meta(goss_tensor_file *w, const char *key, const char *value, goss_error *err) {
    json_t *text = json_string(value);
    if (!text) return goss_error_set(err, GOSS_E_ARGUMENT, "metadata \"%s\" is not UTF-8 text", key);
    if (json_object_set_new(json_object_get(w->header, "__metadata__"), key, text) == 0) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "metadata key \"%s\" can not be set", key);
}

static bool reserve(goss_tensor_file *w) {
    if (w->n < w->capacity) return true;
    int capacity = w->capacity ? 2 * w->capacity : 16;
    goss_file_tensor *grown = goss__realloc(w->tensors, (size_t)capacity * sizeof *grown);
    if (!grown) return false;
    w->tensors = grown, w->capacity = capacity;
    return true;
}

static json_t *describe(const char *dtype, int rank, const int64_t *shape, size_t begin, size_t end) {
    json_t *dims = json_array();
    for (int i = 0; i < rank; i++) json_array_append_new(dims, json_integer(shape[i]));
    return json_pack("{s:s, s:o, s:[I,I]}", "dtype", dtype, "shape", dims, "data_offsets", (json_int_t)begin, (json_int_t)end);
}

goss_status goss_tensor_file_add(goss_tensor_file *w, const char *name, const char *dtype, int rank, const int64_t *shape,
                                 const void *data, goss_error *err) {
    int element = goss__dtype_size(dtype);
    size_t size, end;
    if (element == 0 || rank < 0 || rank > GOSS_TENSOR_MAX_RANK || !goss__tensor_bytes(rank, shape, element, &size) ||
        !goss__add_ok(w->bytes, size, &end))
        return goss_error_set(err, GOSS_E_ARGUMENT, "tensor \"%s\": type %s or its shape can not be written", name, dtype);
    if (json_object_get(w->header, name)) return goss_error_set(err, GOSS_E_ARGUMENT, "tensor \"%s\" is there twice", name);
    json_t *entry = describe(dtype, rank, shape, w->bytes, end);
    if (!reserve(w) || !entry || json_object_set_new(w->header, name, entry) != 0)
        return goss_error_set(err, GOSS_E_NOMEM, "tensor \"%s\": out of memory", name);
    goss_file_tensor *t = &w->tensors[w->n++];
    *t = (goss_file_tensor){.dtype = json_string_value(json_object_get(entry, "dtype")), .rank = rank, .data = data, .size = size};
    memcpy(t->shape, shape, (size_t)rank * sizeof *shape);
    t->name = json_object_iter_key(json_object_iter_at(w->header, name));
    w->bytes = end;
    return GOSS_OK;
}

/* Length, header padded with spaces so that the data is 64-byte aligned in the file, data. */
static goss_status put_all(goss__writer *out, const goss_tensor_file *w, const char *header, goss_error *err) {
    size_t text = strlen(header), padded = ((text + 8 + 63) & ~(size_t)63) - 8;
    uint8_t length[8];
    for (int i = 0; i < 8; i++) length[i] = (uint8_t)((uint64_t)padded >> (8 * i));
    GOSS_TRY(goss__writer_put(out, length, 8, err));
    GOSS_TRY(goss__writer_put(out, header, text, err));
    static const char spaces[] = "                                                                ";
    GOSS_TRY(goss__writer_put(out, spaces, padded - text, err));
    for (int i = 0; i < w->n; i++) GOSS_TRY(goss__writer_put(out, w->tensors[i].data, w->tensors[i].size, err));
    return GOSS_OK;
}

goss_status goss_tensor_file_write(const goss_tensor_file *w, const char *path, goss_error *err) {
    char hash[GOSS__HASH_TEXT];
    GOSS_TRY(goss__content_hash(w->header, w->tensors, w->n, hash, err));
    json_t *meta = json_object_get(w->header, "__metadata__");
    if (json_object_set_new(meta, GOSS__HASH_KEY, json_string(hash)) != 0)
        return goss_error_set(err, GOSS_E_NOMEM, "%s: out of memory", path);
    char *header = json_dumps(w->header, JSON_COMPACT | JSON_SORT_KEYS);
    if (!header) return goss_error_set(err, GOSS_E_NOMEM, "%s: out of memory", path);
    goss__writer *out;
    goss_status s = goss__writer_open(path, &out, err);
    if (s == GOSS_OK) {
        s = put_all(out, w, header, err);
        if (s == GOSS_OK)
            s = goss__writer_commit(out, err);
        else
            goss__writer_abandon(out);
    }
    free(header); /* jansson's */
    return s;
}
