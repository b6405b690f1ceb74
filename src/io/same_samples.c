/* SPDX-License-Identifier: Apache-2.0 */
/* same_samples.c: tells samples of a set that are the same, by the hashes of their contents. */
#include "io/same_samples.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"

typedef struct content_at {
    uint64_t hash;
    int i;
} content_at;

static int by_content(const void *a, const void *b) {
    const content_at *x = a, *y = b;
    if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
    return (x->i > y->i) - (x->i < y->i);
}

goss_status goss__tell_same_samples(const goss_class_set *set, const char *path, goss_error *err) {
    const int n = set->samples;
    content_at *at = goss__calloc((size_t)n + 1, sizeof *at);
    int equal = 0, crossed = 0, a = 0, b = 0;
    if (!at) return goss_error_set(err, GOSS_E_NOMEM, "no memory to compare %s", set->things);
    for (int i = 0; i < n; i++) at[i] = (content_at){set->hash[i], i};
    qsort(at, (size_t)n, sizeof *at, by_content);
    for (int i = 1; i < n; i++) {
        if (!at[i].hash || at[i].hash != at[i - 1].hash) continue;
        const bool other = set->class_of[at[i].i] != set->class_of[at[i - 1].i];
        if (equal++ == 0 || (other && crossed == 0)) a = at[i - 1].i, b = at[i].i;
        crossed += other;
    }
    if (equal)
        goss__log(GOSS_LOG_WARN, "%s: %d %s equal another one, %d of them one of another class, as %s and %s", path,
                  equal, set->things, crossed, set->sample_name[a], set->sample_name[b]);
    goss__free(at);
    return GOSS_OK;
}
