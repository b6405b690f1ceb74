/* SPDX-License-Identifier: Apache-2.0 */
/* lend.h: which processor the threads of a pool run on, where another program wants one, too.
 *
 * Systems share out processors fairly, but not by what a region waits for. Another program that takes a core now and
 * then takes it in the middle of an item; the region's caller waits for that item on a processor of its own, which it
 * is about to leave to nobody, since a thread that ran a moment ago is moved only after milliseconds. So the caller has
 * the thread brought to its own processor before it sleeps (goss__lend). The other way round, a worker that finds
 * itself on the caller's processor keeps the caller from its work: it goes to the others (goss__borrower_step_aside).
 * And a caller that waits for a processor itself, while a worker has a whole one, goes there (goss__go_to): what only
 * the caller does is then done at full speed. Where the system cannot do this nothing happens. A thread's affinity mask
 * is as it was once it works again. */
#ifndef GOSS_BASE_LEND_H
#define GOSS_BASE_LEND_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct goss__borrower {
    pthread_t thread;
    atomic_int id;       /* the system's; 0: not known */
    atomic_bool moved;   /* its mask is not its own now */
    uint64_t places[16]; /* that mask: a cpu_set_t */
} goss__borrower;

/* The processor that runs this thread; -1: unknown. */
int goss__processor(void);

/* Seconds that this thread wanted to run and had no processor, since it began; negative: unknown. Some microseconds. */
double goss__starved_seconds(void);
/* Moves this thread to that processor, if its mask has it. */
void goss__go_to(int processor);

/* ---- by the thread itself ---- */
void goss__borrower_begin(goss__borrower *b);      /* first of all */
void goss__borrower_step_aside(goss__borrower *b); /* to any processor but this one */
void goss__borrower_settle(goss__borrower *b);     /* its mask is its own again */

/* ---- by the one that waits for it ---- */
/* Whether it does not run just now: looks for some microseconds. */
bool goss__borrower_starves(const goss__borrower *b);
/* Brings it to the caller's processor, who should now sleep. False: it could not be. */
bool goss__lend(goss__borrower *b);
/* After that sleep: it is to go to any other processor. */
void goss__lend_end(goss__borrower *b);
#endif
