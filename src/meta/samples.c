/* SPDX-License-Identifier: Apache-2.0 */
/* samples.c: sets of image hashes: a sorted array with binary search. */
#include "meta/samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void goss__samples_free(goss__samples *s) {
    goss__free(s->hash);
    *s = (goss__samples){0};
}

static int ascending(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

goss_status goss__samples_add(goss__samples *s, const uint64_t *hash, size_t n, goss_error *err) {
    size_t room, bytes, kept = 0;
    uint64_t *all = NULL;
    if (goss__add_ok(s->n, n, &room) && goss__mul_ok(room, sizeof *all, &bytes)) all = goss__alloc(bytes);
    if (!all) return goss_error_set(err, GOSS_E_NOMEM, "no memory for the hashes of %zu images", n);
    if (s->n) memcpy(all, s->hash, s->n * sizeof *all);
    if (n) memcpy(all + s->n, hash, n * sizeof *all);
    qsort(all, room, sizeof *all, ascending);
    for (size_t i = 0; i < room; i++)
        if (all[i] != 0 && (kept == 0 || all[i] != all[kept - 1])) all[kept++] = all[i];
    goss__free(s->hash);
    s->hash = all, s->n = kept;
    return GOSS_OK;
}

bool goss__samples_have(const goss__samples *s, uint64_t hash) {
    return hash != 0 && s->n > 0 && bsearch(&hash, s->hash, s->n, sizeof hash, ascending);
}

static const char partial_key[] = "%s.partial";

goss_status goss__samples_write(const goss__samples *s, const char *name, goss_tensor_file *file, goss_error *err) {
    const int64_t shape[] = {(int64_t)s->n};
    char key[64];
    if (s->partial && s->n == 0) return GOSS_OK;
    snprintf(key, sizeof key, partial_key, name);
    if (s->partial) GOSS_TRY(goss_tensor_file_meta(file, key, "true", err));
    return goss_tensor_file_add(file, name, "I64", 1, shape, s->hash, err);
}

goss_status goss__samples_read(goss__samples *s, const char *name, const goss_safetensors *f, goss_error *err) {
    const goss_file_tensor *t = goss_safetensors_find(f, name);
    char key[64];
    snprintf(key, sizeof key, partial_key, name);
    if (!t || goss_safetensors_meta(f, key)) s->partial = true;
    if (!t) return GOSS_OK;
    if (strcmp(t->dtype, "I64") != 0 || t->rank != 1)
        return goss_error_set(err, GOSS_E_FORMAT, "tensor \"%s\" is no list of I64 numbers", name);
    uint64_t *hash = goss__alloc(t->size); /* data from other writers may be unaligned */
    if (!hash)
        return goss_error_set(err, GOSS_E_NOMEM, "no memory for the hashes of %lld images", (long long)t->shape[0]);
    memcpy(hash, t->data, t->size);
    goss_status status = goss__samples_add(s, hash, (size_t)t->shape[0], err);
    goss__free(hash);
    return status;
}
