/* SPDX-License-Identifier: Apache-2.0 */
/* tensor_format.c: element types and the content hash of a safetensors file. */
#include <string.h>

#include "base/alloc.h"
#include "goss_config.h"
#include "io/hash.h"
#include "io/tensor_format.h"

static const struct {
    const char *name;
    size_t bits;
} dtypes[] = {{"F64", 64},        {"F32", 32},        {"F16", 16},    {"BF16", 16},   {"I64", 64},    {"I32", 32},
              {"I16", 16},        {"I8", 8},          {"U64", 64},    {"U32", 32},    {"U16", 16},    {"U8", 8},
              {"BOOL", 8},        {"C64", 64},        {"F8_E4M3", 8}, {"F8_E5M2", 8}, {"F8_E8M0", 8}, {"F4", 4},
              {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"F6_E2M3", 6}, {"F6_E3M2", 6}};

goss_status goss__tensor_files_ready(goss_error *err) {
    if (GOSS_HAVE_JANSSON && GOSS_HAVE_XXHASH) return GOSS_OK;
    return goss_error_set(err, GOSS_E_UNSUPPORTED, "this build cannot read and write models: it has no %s (%s)",
                          GOSS_HAVE_JANSSON ? "xxhash" : "jansson",
                          GOSS_HAVE_JANSSON ? GOSS_XXHASH_GET : GOSS_JANSSON_GET);
}

const char *goss__dtype_find(const char *dtype, size_t *bits) {
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        if (strcmp(dtypes[i].name, dtype) != 0) continue;
        *bits = dtypes[i].bits;
        return dtypes[i].name;
    }
    return NULL;
}

bool goss__tensor_elements(int rank, const int64_t *shape, size_t *out) {
    *out = 1;
    for (int i = 0; i < rank; i++)
        if (shape[i] < 0 || !goss__mul_ok(*out, (size_t)shape[i], out)) return false;
    return true;
}

bool goss__tensor_bytes(int rank, const int64_t *shape, size_t bits, size_t *out) {
    if (!goss__tensor_elements(rank, shape, out) || !goss__mul_ok(*out, bits, out) || *out % 8) return false;
    *out /= 8;
    return true;
}

int goss__meta_by_key(const void *a, const void *b) {
    return strcmp(((const goss__meta *)a)->key, ((const goss__meta *)b)->key);
}

static void add_text(goss__hash *h, const char *text) { goss__hash_add(h, text, strlen(text) + 1); }

/* Little endian on any machine. */
static void add_number(goss__hash *h, uint64_t number) {
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(number >> (8 * i));
    goss__hash_add(h, bytes, sizeof bytes);
}

goss_status goss__content_hash(const goss__meta *meta, int n_meta, const goss_file_tensor *tensors, int n, char *text,
                               goss_error *err) {
    goss__hash *h;
    GOSS_TRY(goss__hash_new(&h, err));
    for (int i = 0; i < n_meta; i++) {
        if (strcmp(meta[i].key, GOSS__HASH_KEY) == 0) continue;
        add_text(h, meta[i].key);
        add_text(h, meta[i].value);
    }
    for (int i = 0; i < n; i++) {
        const goss_file_tensor *t = &tensors[i];
        add_text(h, t->name);
        add_text(h, t->dtype);
        add_number(h, (uint64_t)t->rank);
        for (int k = 0; k < t->rank; k++) add_number(h, (uint64_t)t->shape[k]);
        goss__hash_add(h, t->data, t->size);
    }
    goss__hash_end(h, text);
    return GOSS_OK;
}
