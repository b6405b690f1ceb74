/* SPDX-License-Identifier: Apache-2.0 */
/* pool.h: a fixed set of threads that run one parallel region after the other.
 *
 * run() calls fn(ctx, item, worker) once for every item in [0, items), in any order and on any worker; the caller
 * takes part as worker 0. Results must not depend on which worker ran an item: that is what makes bits independent of
 * the number of threads. Workers spin for a short while before they sleep, since regions come microseconds apart. */
#ifndef GOSS_BASE_POOL_H
#define GOSS_BASE_POOL_H

#include <stdint.h>

#include "gossamer/status.h"

typedef struct goss__pool goss__pool;
typedef void (*goss__pool_fn)(void *ctx, int64_t item, int worker);

/* threads <= 0 asks for GOSSAMER_THREADS, else for goss__cpu_count(). With one thread no thread is started. */
GOSS_MUST_USE goss_status goss__pool_create(int threads, goss__pool **out, goss_error *err);
void goss__pool_destroy(goss__pool *p); /* NULL allowed */
int goss__pool_threads(const goss__pool *p);
void goss__pool_run(goss__pool *p, int64_t items, goss__pool_fn fn, void *ctx);
#endif
