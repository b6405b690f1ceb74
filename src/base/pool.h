/* SPDX-License-Identifier: Apache-2.0 */
/* pool.h: a fixed set of threads that execute parallel regions, one after the other.
 *
 * run() calls fn(ctx, item, worker) once for every item in [0, items), in any order and on any worker; the caller
 * participates as worker 0. Results must not depend on which worker ran an item; this makes results bit-identical for
 * any number of threads. Workers spin briefly before they sleep, since regions are microseconds apart. */
#ifndef GOSS_BASE_POOL_H
#define GOSS_BASE_POOL_H

#include <stdint.h>

#include "gossamer/status.h"

typedef struct goss__pool goss__pool;
typedef void (*goss__pool_fn)(void *ctx, int64_t item, int worker);

/* threads <= 0: GOSSAMER_THREADS, else goss__cpu_count(). With 1 no thread is started. */
GOSS_MUST_USE goss_status goss__pool_create(int threads, goss__pool **out, goss_error *err);
void goss__pool_destroy(goss__pool *p); /* NULL allowed */
int goss__pool_threads(const goss__pool *p);
void goss__pool_run(goss__pool *p, int64_t items, goss__pool_fn fn, void *ctx);

/* The public handle (gossamer/exec.h). */
struct goss_threads {
    goss__pool *pool;
};
/* Calls fn(ctx, item, lane) for every item in [0, items), in at most `lanes` lanes, for callers with scratch memory for
 * so many: a lane, numbered from 0, computes one item at a time. t: NULL: the caller alone. Subnormal numbers are
 * flushed either way, so that results are the same bits for any number of threads. (threads.c) */
void goss__threads_run(struct goss_threads *t, int lanes, int64_t items, goss__pool_fn fn, void *ctx);
#endif
