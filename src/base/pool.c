/* SPDX-License-Identifier: Apache-2.0 */
/* pool.c: worker threads that execute parallel regions with work stealing.
 *
 * Each thread starts with its own contiguous run of items, the same in every region with as many items, so that its
 * data is still in its own caches; a thread that has finished steals items from the far ends of the others' runs. A
 * region is announced at a gate: a generation number, open, with a count of zero. Workers spin on it for some tens of
 * microseconds (the distance of regions in a training step) and then sleep on a condition variable. A worker that
 * arrives while the gate is open increments the count, works, and decrements it; one that arrives later finds it closed
 * and waits for the next region. The caller works too, closes the gate when no item is left, and waits, spinning and
 * then sleeping, only for workers that have entered: a worker that was not scheduled delays nothing, and one preempted
 * in the middle of an item gets the caller's processor (lend.h). A sleeper registers before its last check, and whoever
 * changes the condition checks for sleepers afterwards; both are sequentially consistent, so that no wake-up is
 * lost. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/lend.h"
#include "base/os.h"
#include "base/pool.h"
#include "base/rounding.h"

#if defined(__x86_64__)
#define PAUSE() _mm_pause()
#elif defined(__aarch64__)
#define PAUSE() __asm__ volatile("yield")
#else
#define PAUSE() ((void)0)
#endif

typedef struct worker {
    _Alignas(64) _Atomic uint64_t left; /* items left: [lower half of the bits, upper half) */
    goss__pool *pool;
    goss__borrower self;
    int index;
    atomic_bool in; /* the region */
    atomic_int at;  /* the processor on which it last began a region; -1: none */
} worker;

struct goss__pool {
    int threads, started;
    bool spin;
    worker *workers; /* 1 .. threads-1 are threads; the caller is 0 */
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    goss__pool_fn fn;
    void *ctx;
    int64_t first;                      /* offset of the item numbers */
    _Alignas(64) _Atomic uint64_t gate; /* generation, open flag, number of workers inside */
    atomic_int sleepers;                /* workers asleep since the last wake-up */
    atomic_bool stop, caller_sleeps;
    atomic_int caller_at; /* the processor that began the region */
    struct {              /* starvation of the caller; accessed by it alone */
        pthread_t thread;
        double looked, starved; /* time and value of the last reading */
        double next, pause;     /* time of the next reading */
    } caller;
};

static const uint64_t one_region = (uint64_t)1 << 32, open_gate = (uint64_t)1 << 31;
static uint32_t number_of(uint64_t gate) { return (uint32_t)(gate >> 32); }
static uint32_t workers_in(uint64_t gate) { return (uint32_t)(gate & (open_gate - 1)); }

#define MOST_ITEMS ((int64_t)UINT32_MAX) /* per region */

static uint64_t span(int64_t from, int64_t to) { return (uint64_t)to << 32 | (uint64_t)from; }

/* Takes an item of w: the owner from the front, a thief from the back; -1 if none is left. */
static int64_t take(worker *w, bool own) {
    uint64_t left = atomic_load_explicit(&w->left, memory_order_relaxed);
    for (;;) {
        const int64_t from = (int64_t)(left & UINT32_MAX), to = (int64_t)(left >> 32);
        if (from >= to) return -1;
        const uint64_t rest = own ? span(from + 1, to) : span(from, to - 1);
        if (atomic_compare_exchange_weak_explicit(&w->left, &left, rest, memory_order_relaxed, memory_order_relaxed))
            return own ? from : to - 1;
    }
}

static void work(goss__pool *p, int index) {
    for (int i = 0; i < p->threads; i++) {
        worker *w = &p->workers[(index + i) % p->threads];
        for (int64_t item; (item = take(w, i == 0)) >= 0;) p->fn(p->ctx, p->first + item, index);
    }
}

/* True while spinning is worthwhile. A pause takes 5 to 50 ns, depending on the processor; hence the clock. */
static bool spin_on(const goss__pool *p, unsigned *turn, double *start) {
    if (!p->spin) return false;
    PAUSE();
    if (++*turn % 64 != 0) return true;
    double now = goss__now();
    if (*turn == 64) *start = now;
    return now - *start < 40e-6;
}

/* Returns when there is a region other than `seen`, or at the end of the pool. */
static void wait_for_region(goss__pool *p, uint32_t seen) {
    unsigned turn = 0;
    double start = 0;
    do {
        if (number_of(atomic_load_explicit(&p->gate, memory_order_relaxed)) != seen) return;
    } while (spin_on(p, &turn, &start));
    pthread_mutex_lock(&p->lock);
    for (;;) {
        atomic_fetch_add(&p->sleepers, 1); /* each wake-up resets the count */
        /* A worker that was late for the last region may already have seen the generation of the end. */
        if (number_of(atomic_load(&p->gate)) != seen || atomic_load(&p->stop)) break;
        pthread_cond_wait(&p->wake, &p->lock);
    }
    pthread_mutex_unlock(&p->lock);
}

/* Enters the worker if the gate is open; returns the generation in any case. */
static bool enter(goss__pool *p, uint32_t *seen) {
    uint64_t gate = atomic_load_explicit(&p->gate, memory_order_relaxed);
    while (gate & open_gate)
        if (atomic_compare_exchange_weak_explicit(&p->gate, &gate, gate + 1, memory_order_acquire,
                                                  memory_order_relaxed))
            break;
    *seen = number_of(gate);
    return gate & open_gate;
}

/* Leaves, and wakes the caller if it waits for this worker alone. */
static void leave(goss__pool *p) {
    const uint64_t before = atomic_fetch_sub(&p->gate, 1);
    if (before & open_gate || workers_in(before) != 1 || !atomic_load(&p->caller_sleeps)) return;
    pthread_mutex_lock(&p->lock);
    pthread_cond_signal(&p->done);
    pthread_mutex_unlock(&p->lock);
}

/* Sharing the caller's processor does not help. */
static void keep_off(goss__pool *p, worker *w) {
    const int here = p->spin ? goss__processor() : -1;
    if (here >= 0 && here == atomic_load_explicit(&p->caller_at, memory_order_relaxed))
        goss__borrower_step_aside(&w->self);
}

static void *worker_main(void *arg) {
    worker *w = arg;
    goss__pool *p = w->pool;
    goss__flush_denormals();
    goss__borrower_begin(&w->self);
    for (uint32_t seen = 0;;) {
        keep_off(p, w);
        wait_for_region(p, seen);
        if (atomic_load(&p->stop)) return NULL;
        keep_off(p, w);
        if (!enter(p, &seen)) continue;
        goss__borrower_settle(&w->self);
        atomic_store_explicit(&w->at, goss__processor(), memory_order_relaxed);
        atomic_store_explicit(&w->in, true, memory_order_relaxed);
        work(p, w->index);
        atomic_store_explicit(&w->in, false, memory_order_relaxed);
        leave(p);
    }
}

static void wake_workers(goss__pool *p) {
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->sleepers, 0);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
}

/* The gate is closed and no worker is inside. */
static void announce(goss__pool *p) {
    atomic_fetch_add(&p->gate, one_region | open_gate);
    if (atomic_load(&p->sleepers) > 0) wake_workers(p);
}

static bool is_in(const worker *w) { return atomic_load_explicit(&w->in, memory_order_relaxed); }

/* Moves a worker that is inside but not running to this processor; NULL: there is none. */
static worker *lend_to_one(goss__pool *p) {
    for (int i = 1; i < p->threads && p->spin; i++) {
        worker *w = &p->workers[i];
        if (is_in(w) && goss__borrower_starves(&w->self) && goss__lend(&w->self)) return w;
    }
    return NULL;
}

/* Sleeps until all have left, or until the next check. */
static void sleep_a_while(goss__pool *p) {
    enum { LOOK = 200000, SECOND = 1000000000 }; /* ns */
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LOOK;
    if (until.tv_nsec >= SECOND) until.tv_sec++, until.tv_nsec -= SECOND;
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->caller_sleeps, true);
    for (int late = 0; workers_in(atomic_load(&p->gate)) > 0 && late == 0;)
        late = pthread_cond_timedwait(&p->done, &p->lock, &until);
    atomic_store(&p->caller_sleeps, false);
    pthread_mutex_unlock(&p->lock);
}

/* Workers without a processor get this one meanwhile, one after the other. */
static void sleep_until_out(goss__pool *p) {
    worker *lent = NULL;
    while (workers_in(atomic_load(&p->gate)) > 0) {
        if (lent && !is_in(lent)) goss__lend_end(&lent->self), lent = NULL;
        if (!lent) lent = lend_to_one(p);
        sleep_a_while(p);
    }
    if (lent) goss__lend_end(&lent->self);
}

static void close_and_wait(goss__pool *p) {
    unsigned turn = 0;
    double start = 0;
    if (workers_in(atomic_fetch_and(&p->gate, ~open_gate)) == 0) return;
    do {
        if (workers_in(atomic_load_explicit(&p->gate, memory_order_acquire)) == 0) return;
    } while (spin_on(p, &turn, &start));
    sleep_until_out(p);
}

/* Moves to the processor of a worker. */
static void change_places(const goss__pool *p) {
    const int here = goss__processor();
    for (int i = 1; i < p->threads; i++) {
        const int at = atomic_load_explicit(&p->workers[i].at, memory_order_relaxed);
        if (at < 0 || at == here) continue;
        goss__go_to(at);
        return;
    }
}

/* A caller that was starved for a large part of the time since the last check shares its processor with another
 * program. Checks every 20 ms, and less often if moving did not help. */
static void mind_the_caller(goss__pool *p) {
    const double often = 0.02, seldom = 1, much = 0.25, now = goss__now();
    if (!p->spin || now < p->caller.next) return;
    const double starved = goss__starved_seconds();
    const bool known = p->caller.looked > 0 && pthread_equal(p->caller.thread, pthread_self()) && starved >= 0;
    const bool kept = known && starved - p->caller.starved > much * (now - p->caller.looked);
    if (kept) change_places(p);
    p->caller.pause = !kept ? often : p->caller.pause < seldom ? 2 * p->caller.pause : seldom;
    p->caller.thread = pthread_self(), p->caller.looked = now, p->caller.starved = starved;
    p->caller.next = now + p->caller.pause;
}

static void run_shared(goss__pool *p, int64_t first, int64_t items, goss__pool_fn fn, void *ctx) {
    mind_the_caller(p);
    p->fn = fn, p->ctx = ctx, p->first = first;
    atomic_store_explicit(&p->caller_at, goss__processor(), memory_order_relaxed);
    for (int i = 0; i < p->threads; i++) {
        const uint64_t own = span(items * i / p->threads, items * (i + 1) / p->threads);
        atomic_store_explicit(&p->workers[i].left, own, memory_order_relaxed);
    }
    announce(p);
    work(p, 0);
    close_and_wait(p);
}

void goss__pool_run(goss__pool *p, int64_t items, goss__pool_fn fn, void *ctx) {
    goss__rounding mode = goss__flush_denormals();
    if (p->threads == 1 || items == 1) {
        for (int64_t i = 0; i < items; i++) fn(ctx, i, 0);
    } else {
        for (int64_t i = 0; i < items; i += MOST_ITEMS)
            run_shared(p, i, items - i < MOST_ITEMS ? items - i : MOST_ITEMS, fn, ctx);
    }
    goss__restore_rounding(mode);
}

static goss_status thread_count(int asked, int *out, goss_error *err) {
    const char *text = getenv("GOSSAMER_THREADS");
    *out = asked;
    if (asked > 0) return GOSS_OK;
    *out = goss__cpu_count();
    if (!text || !*text) return GOSS_OK;
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (*end || errno || n < 1 || n > 1024)
        return goss_error_set(err, GOSS_E_ARGUMENT, "GOSSAMER_THREADS is \"%s\": it must be a number from 1 to 1024",
                              text);
    *out = (int)n;
    return GOSS_OK;
}

static goss_status start_workers(goss__pool *p, goss_error *err) {
    for (int i = 1; i < p->threads; i++) {
        if (pthread_create(&p->workers[i].self.thread, NULL, worker_main, &p->workers[i]) != 0)
            return goss_error_set(err, GOSS_E_NOMEM, "cannot start thread %d of %d", i + 1, p->threads);
        p->started = i;
    }
    return GOSS_OK;
}

goss_status goss__pool_create(int threads, goss__pool **out, goss_error *err) {
    int n;
    *out = NULL;
    GOSS_TRY(thread_count(threads, &n, err));
    goss__pool *p = goss__alloc_aligned(sizeof *p);
    worker *workers = goss__alloc_aligned((size_t)n * sizeof *workers);
    if (!p || !workers) {
        goss__free(p), goss__free(workers);
        return goss_error_set(err, GOSS_E_NOMEM, "out of memory for %d threads", n);
    }
    *p = (goss__pool){.threads = n, .workers = workers, .caller_at = -1};
    for (int i = 0; i < n; i++) workers[i] = (worker){.pool = p, .index = i, .at = -1};
    /* With more threads than processors, spinning only delays the others. */
    p->spin = n <= goss__cpu_count();
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&p->done, &clock);
    pthread_condattr_destroy(&clock);
    goss_status s = start_workers(p, err);
    if (s != GOSS_OK) {
        goss__pool_destroy(p);
        return s;
    }
    *out = p;
    return GOSS_OK;
}

void goss__pool_destroy(goss__pool *p) {
    if (!p) return;
    atomic_store(&p->stop, true);
    atomic_fetch_add(&p->gate, one_region);
    wake_workers(p);
    for (int i = 1; i <= p->started; i++) pthread_join(p->workers[i].self.thread, NULL);
    pthread_cond_destroy(&p->wake);
    pthread_cond_destroy(&p->done);
    pthread_mutex_destroy(&p->lock);
    goss__free(p->workers);
    goss__free(p);
}

int goss__pool_threads(const goss__pool *p) { return p->threads; }
