/* SPDX-License-Identifier: Apache-2.0 */
/* threads.c: the thread pool shared by runs. */
#include "base/alloc.h"
#include "runtime/exec.h"

goss_status goss_threads_new(int threads, goss_threads **out, goss_error *err) {
    *out = goss__calloc(1, sizeof **out);
    if (!*out) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    goss_status s = goss__pool_create(threads, &(*out)->pool, err);
    if (s != GOSS_OK) {
        goss__free(*out);
        *out = NULL;
    }
    return s;
}

void goss_threads_free(goss_threads *t) {
    if (!t) return;
    goss__pool_destroy(t->pool);
    goss__free(t);
}

int goss_threads_count(const goss_threads *t) { return goss__pool_threads(t->pool); }
