/* SPDX-License-Identifier: Apache-2.0 */
/* rewrite.h: a copy of a file of ours in which one thing is other, with a content hash that is right: lies, files of
 * older versions, numbers that are none. */
#ifndef GOSS_REWRITE_H
#define GOSS_REWRITE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gossamer/safetensors.h"

typedef struct rewriting {
    const char *key, *value; /* a metadata text; value NULL: left out */
    const char *drop;        /* a tensor that is left out */
    const char *spoil;       /* a tensor (F32, BF16, I8) whose number `at` becomes `number` */
    size_t at;
    float number;
    const char *other, *as;  /* a tensor that gets another type of that size; as NULL: one axis more, of 1 */
    const char *add, *dtype; /* a tensor more: [n] of 8 bytes each */
    const int64_t *numbers;
    int64_t n;
} rewriting;

/* The tensor's bytes with the number changed (little endian, as the file is); freed by the caller. */
static inline void *rewrite_spoilt(const goss_file_tensor *t, const rewriting *r) {
    size_t element = strcmp(t->dtype, "BF16") == 0 ? 2 : strcmp(t->dtype, "I8") == 0 ? 1 : 4;
    uint32_t bits;
    char *copy = malloc(t->size);
    if (!copy || (r->at + 1) * element > t->size) exit(99);
    memcpy(copy, t->data, t->size);
    memcpy(&bits, &r->number, 4);
    if (element == 2) bits >>= 16;
    if (element == 1) bits = (uint8_t)(int8_t)r->number;
    memcpy(copy + r->at * element, &bits, element);
    return copy;
}

static inline goss_status rewrite_other(const goss_file_tensor *t, goss_tensor_file *w, const char *as,
                                        goss_error *err) {
    int64_t shape[GOSS_TENSOR_MAX_RANK] = {1};
    memcpy(shape + 1, t->shape, (size_t)t->rank * sizeof *shape);
    if (as) return goss_tensor_file_add(w, t->name, as, t->rank, t->shape, t->data, err);
    return goss_tensor_file_add(w, t->name, t->dtype, t->rank + 1, shape, t->data, err);
}

static inline goss_status rewrite_into(const goss_safetensors *f, goss_tensor_file *w, const rewriting *r,
                                       void **spoilt, goss_error *err) {
    for (int i = 0; i < goss_safetensors_meta_count(f); i++) {
        const char *k = goss_safetensors_meta_key(f, i), *v = goss_safetensors_meta_value(f, i);
        if (strcmp(k, "gossamer.hash") == 0 || strcmp(k, "gossamer.container") == 0) continue;
        if (r->key && strcmp(k, r->key) == 0) v = r->value;
        if (v) GOSS_TRY(goss_tensor_file_meta(w, k, v, err));
    }
    if (r->key && r->value) GOSS_TRY(goss_tensor_file_meta(w, r->key, r->value, err));
    for (int i = 0; i < goss_safetensors_count(f); i++) {
        const goss_file_tensor *t = goss_safetensors_at(f, i);
        if (r->drop && strcmp(t->name, r->drop) == 0) continue;
        if (r->other && strcmp(t->name, r->other) == 0) {
            GOSS_TRY(rewrite_other(t, w, r->as, err));
            continue;
        }
        if (r->spoil && strcmp(t->name, r->spoil) == 0) *spoilt = rewrite_spoilt(t, r);
        const void *data = r->spoil && strcmp(t->name, r->spoil) == 0 ? *spoilt : t->data;
        GOSS_TRY(goss_tensor_file_add(w, t->name, t->dtype, t->rank, t->shape, data, err));
    }
    if (r->add) GOSS_TRY(goss_tensor_file_add(w, r->add, r->dtype, 1, &r->n, r->numbers, err));
    if (r->spoil && !*spoilt) return goss_error_set(err, GOSS_E_ARGUMENT, "no tensor %s to spoil", r->spoil);
    return GOSS_OK;
}

static inline goss_status rewrite(const char *good, const char *bad, const rewriting *r, goss_error *err) {
    goss_safetensors *f;
    goss_tensor_file *w = NULL;
    void *spoilt = NULL;
    GOSS_TRY(goss_safetensors_open(good, &f, err));
    goss_status s = goss_tensor_file_new(&w, err);
    if (s == GOSS_OK) s = rewrite_into(f, w, r, &spoilt, err);
    if (s == GOSS_OK) s = goss_tensor_file_write(w, bad, err);
    goss_tensor_file_free(w), goss_safetensors_close(f);
    free(spoilt);
    return s;
}
#endif
