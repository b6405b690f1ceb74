/* SPDX-License-Identifier: Apache-2.0 */
/* machine.c: measures peak rates: arithmetic on registers, and memory streams. */
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "runtime/exec.h"

enum { BLOCK = 16 << 20, TRIES = 5 }; /* bytes per copy of a thread: more than its caches */

typedef struct work {
    const goss__kernels *kernels;
    int64_t rounds;
    double flops; /* per item */
    char *from, *to;
} work;

static void compute(void *context, int64_t item, int worker) {
    work *w = context;
    float sink = 1;
    const double flops = w->kernels->fma_loop(w->rounds, &sink);
    if (item == 0) w->flops = flops;
}

static void copy(void *context, int64_t item, int worker) {
    const work *w = context;
    memcpy(w->to + item * BLOCK, w->from + item * BLOCK, BLOCK);
}

/* The shortest time of `items` items. */
static double least(goss_threads *t, int64_t items, goss__pool_fn fn, work *w) {
    double best = 1e30;
    for (int i = 0; i < TRIES; i++) {
        const double start = goss__now();
        goss__pool_run(t->pool, items, fn, w);
        const double took = goss__now() - start;
        if (took < best) best = took;
    }
    return best;
}

static double arithmetic(goss_threads *t, int n) {
    work w = {.kernels = goss__kernels_best(), .rounds = 1000};
    double took = least(t, n, compute, &w);
    while (took < 5e-3) {
        w.rounds *= 4;
        took = least(t, n, compute, &w);
    }
    return w.flops * n / took;
}

goss_status goss_machine_measure(goss_threads *t, goss_machine *out, goss_error *err) {
    const int n = goss_threads_count(t);
    work w = {.from = goss__alloc_aligned((size_t)n * BLOCK), .to = goss__alloc_aligned((size_t)n * BLOCK)};
    goss_status s = GOSS_OK;
    if (w.from && w.to) {
        memset(w.from, 1, (size_t)n * BLOCK);
        *out =
            (goss_machine){.threads = n, .flops = arithmetic(t, n), .bytes = 2.0 * n * BLOCK / least(t, n, copy, &w)};
    } else {
        s = goss_error_set(err, GOSS_E_NOMEM, "no memory to measure memory with");
    }
    goss__free(w.from), goss__free(w.to);
    return s;
}
