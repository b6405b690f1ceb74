/* SPDX-License-Identifier: Apache-2.0 */
/* lend.h: moving the threads of a pool between processors while another program competes for one.
 *
 * Schedulers share processors fairly, but do not know what a region waits for. Another program may preempt a worker in
 * the middle of an item; the region's caller then waits for that item on a processor that is about to become idle,
 * since the scheduler migrates a recently run thread only after milliseconds. The caller therefore moves the worker to
 * its own processor before it sleeps (goss__lend). Conversely, a worker that finds itself on the caller's processor
 * moves to another (goss__borrower_step_aside), and a caller that is starved while a worker has a processor of its own
 * moves there (goss__go_to), so that serial work runs at full speed. On systems without these calls nothing happens. A
 * worker's own affinity mask is restored when it works again. */
#ifndef GOSS_BASE_LEND_H
#define GOSS_BASE_LEND_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct goss__borrower {
    pthread_t thread;
    atomic_int id;       /* thread id of the system; 0: unknown */
    atomic_bool moved;   /* its mask differs from its own */
    uint64_t places[16]; /* its own mask: a cpu_set_t */
} goss__borrower;

/* The processor that runs this thread; -1: unknown. */
int goss__processor(void);

/* Seconds that this thread was runnable without a processor, since it started; negative: unknown. Takes
 * microseconds. */
double goss__starved_seconds(void);
/* Moves this thread to that processor, if its mask includes it. */
void goss__go_to(int processor);

/* ---- called by the worker ---- */
void goss__borrower_begin(goss__borrower *b);      /* first of all */
void goss__borrower_step_aside(goss__borrower *b); /* to any other processor */
void goss__borrower_settle(goss__borrower *b);     /* restores its mask */

/* ---- called by the thread that waits for it ---- */
/* Whether it is not running at present: samples for some microseconds. */
bool goss__borrower_starves(const goss__borrower *b);
/* Moves it to the caller's processor; the caller should then sleep. False: not possible. */
bool goss__lend(goss__borrower *b);
/* After that sleep: moves it to any other processor. */
void goss__lend_end(goss__borrower *b);
#endif
