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

goss_status goss__same_samples(const goss_class_set *set, void (*pair)(void *context, int a, int b), void *context,
                               goss_error *err) {
    int n = 0;
    content_at *at = goss__calloc((size_t)set->samples + 1, sizeof *at);
    if (!at) return goss_error_set(err, GOSS_E_NOMEM, "no memory to compare %s", set->things);
    for (int i = 0; i < set->samples; i++)
        if (set->hash[i]) at[n++] = (content_at){set->hash[i], i};
    qsort(at, (size_t)n, sizeof *at, by_content);
    for (int i = 1; i < n; i++)
        if (at[i].hash == at[i - 1].hash) pair(context, at[i - 1].i, at[i].i);
    goss__free(at);
    return GOSS_OK;
}

typedef struct equal_samples {
    const goss_class_set *set;
    int equal, crossed, a, b; /* pairs, those of two classes, and an example: of two classes if there is one */
} equal_samples;

static void note(void *context, int a, int b) {
    equal_samples *e = context;
    const bool other = e->set->class_of[a] != e->set->class_of[b];
    if (e->equal++ == 0 || (other && e->crossed == 0)) e->a = a, e->b = b;
    e->crossed += other;
}

goss_status goss__tell_same_samples(const goss_class_set *set, const char *path, goss_error *err) {
    equal_samples e = {.set = set};
    GOSS_TRY(goss__same_samples(set, note, &e, err));
    if (e.equal)
        goss__log(GOSS_LOG_WARN, "%s: %d %s equal another one, %d of them one of another class, as %s and %s", path,
                  e.equal, set->things, e.crossed, set->sample_name[e.a], set->sample_name[e.b]);
    return GOSS_OK;
}
