/* SPDX-License-Identifier: Apache-2.0 */
/* threads.c: the thread pool shared by runs and draws, and its lanes. */
#include <stdatomic.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "base/rounding.h"
#include "gossamer/exec.h"

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

/* ---- lanes ---- */

typedef struct region {
    goss__pool_fn fn;
    void *ctx;
    int64_t items;
    _Atomic int64_t next;
} region;

static void run_lane(void *context, int64_t lane, int worker) {
    region *r = context;
    (void)worker;
    for (int64_t i; (i = atomic_fetch_add_explicit(&r->next, 1, memory_order_relaxed)) < r->items;)
        r->fn(r->ctx, i, (int)lane);
}

void goss__threads_run(struct goss_threads *t, int lanes, int64_t items, goss__pool_fn fn, void *ctx) {
    region r = {.fn = fn, .ctx = ctx, .items = items};
    const int64_t n = items < lanes ? items : lanes;
    if (t && n > 1) {
        goss__pool_run(t->pool, n, run_lane, &r);
        return;
    }
    const goss__rounding mode = goss__flush_denormals();
    run_lane(&r, 0, 0);
    goss__restore_rounding(mode);
}
