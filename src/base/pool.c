/* pool.c: threads that wait for regions, share out their items, and meet at the end.
 *
 * Each thread begins with a run of items of its own, the same one in every region of as many items, so that what it wrote is still in its
 * own caches when it comes back to it; who has finished takes items from the far ends of the others' runs.
 * A region is announced by raising an epoch. Workers spin on it for some tens of microseconds (regions of a training
 * step come that close) and then sleep on a condition variable. The caller works too, then waits for the others in the
 * same two steps. Who sleeps says so before it looks a last time, and who changes what is waited for looks for sleepers
 * afterwards; both are sequentially consistent, so no wake-up is lost. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/pool.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define PAUSE() _mm_pause()
typedef unsigned fp_mode;
static fp_mode flush_denormals(void) {
    unsigned old = _mm_getcsr();
    _mm_setcsr(old | 0x8040); /* flush to zero, denormals are zero */
    return old;
}
static void restore_fp(fp_mode m) { _mm_setcsr(m); }
#elif defined(__aarch64__)
#define PAUSE() __asm__ volatile("yield")
typedef uint64_t fp_mode;
static fp_mode flush_denormals(void) {
    uint64_t old;
    __asm__ volatile("mrs %0, fpcr" : "=r"(old));
    __asm__ volatile("msr fpcr, %0" : : "r"(old | (1u << 24)));
    return old;
}
static void restore_fp(fp_mode m) { __asm__ volatile("msr fpcr, %0" : : "r"(m)); }
#else
#define PAUSE() ((void)0)
typedef int fp_mode;
static fp_mode flush_denormals(void) { return 0; }
static void restore_fp(fp_mode m) { (void)m; }
#endif

typedef struct worker {
    _Alignas(64) _Atomic uint64_t left; /* items not yet taken: from the lower half of the bits on, up to the upper half */
    goss__pool *pool;
    pthread_t thread;
    int index;
} worker;

struct goss__pool {
    int threads, started;
    bool spin;
    worker *workers; /* 1 .. threads-1 are threads; the caller is 0 */
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    _Alignas(64) atomic_uint epoch; /* raised once a region */
    atomic_int sleepers;
    atomic_bool stop;
    goss__pool_fn fn;
    void *ctx;
    int64_t first; /* added to the number of an item */
    _Alignas(64) atomic_int busy; /* workers that have not finished the region */
    atomic_bool caller_sleeps;
};

#define MOST_ITEMS ((int64_t)UINT32_MAX) /* that a region shares out at once */

static uint64_t span(int64_t from, int64_t to) { return (uint64_t)to << 32 | (uint64_t)from; }

/* An item of w's, its owner's from the front and a helper's from the back; -1 if there is none left. */
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

/* True while spinning is still worth it. A pause takes from 5 to 50 ns by processor, hence the clock. */
static bool spin_on(const goss__pool *p, unsigned *turn, double *start) {
    if (!p->spin) return false;
    PAUSE();
    if (++*turn % 64 != 0) return true;
    double now = goss__now();
    if (*turn == 64) *start = now;
    return now - *start < 40e-6;
}

static unsigned wait_for_region(goss__pool *p, unsigned seen) {
    unsigned turn = 0;
    double start = 0;
    do {
        unsigned now = atomic_load_explicit(&p->epoch, memory_order_acquire);
        if (now != seen) return now;
    } while (spin_on(p, &turn, &start));
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->sleepers, 1);
    while (atomic_load(&p->epoch) == seen) pthread_cond_wait(&p->wake, &p->lock);
    atomic_fetch_sub(&p->sleepers, 1);
    pthread_mutex_unlock(&p->lock);
    return atomic_load(&p->epoch);
}

static void *worker_main(void *arg) {
    worker *w = arg;
    goss__pool *p = w->pool;
    flush_denormals();
    for (unsigned seen = 0;;) {
        seen = wait_for_region(p, seen);
        if (atomic_load(&p->stop)) return NULL;
        work(p, w->index);
        if (atomic_fetch_sub(&p->busy, 1) != 1 || !atomic_load(&p->caller_sleeps)) continue;
        pthread_mutex_lock(&p->lock);
        pthread_cond_signal(&p->done);
        pthread_mutex_unlock(&p->lock);
    }
}

static void announce(goss__pool *p) {
    atomic_fetch_add(&p->epoch, 1);
    if (atomic_load(&p->sleepers) == 0) return;
    pthread_mutex_lock(&p->lock);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
}

static void wait_for_workers(goss__pool *p) {
    unsigned turn = 0;
    double start = 0;
    do {
        if (atomic_load_explicit(&p->busy, memory_order_acquire) == 0) return;
    } while (spin_on(p, &turn, &start));
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->caller_sleeps, true);
    while (atomic_load(&p->busy) > 0) pthread_cond_wait(&p->done, &p->lock);
    atomic_store(&p->caller_sleeps, false);
    pthread_mutex_unlock(&p->lock);
}

static void run_shared(goss__pool *p, int64_t first, int64_t items, goss__pool_fn fn, void *ctx) {
    p->fn = fn, p->ctx = ctx, p->first = first;
    for (int i = 0; i < p->threads; i++) {
        const uint64_t own = span(items * i / p->threads, items * (i + 1) / p->threads);
        atomic_store_explicit(&p->workers[i].left, own, memory_order_relaxed);
    }
    atomic_store_explicit(&p->busy, p->threads - 1, memory_order_relaxed);
    announce(p);
    work(p, 0);
    wait_for_workers(p);
}

void goss__pool_run(goss__pool *p, int64_t items, goss__pool_fn fn, void *ctx) {
    fp_mode mode = flush_denormals();
    if (p->threads == 1 || items == 1) {
        for (int64_t i = 0; i < items; i++) fn(ctx, i, 0);
    } else {
        for (int64_t i = 0; i < items; i += MOST_ITEMS)
            run_shared(p, i, items - i < MOST_ITEMS ? items - i : MOST_ITEMS, fn, ctx);
    }
    restore_fp(mode);
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
        if (pthread_create(&p->workers[i].thread, NULL, worker_main, &p->workers[i]) != 0)
            return goss_error_set(err, GOSS_E_NOMEM, "can not start thread %d of %d", i + 1, p->threads);
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
    *p = (goss__pool){.threads = n, .workers = workers};
    for (int i = 0; i < n; i++) workers[i] = (worker){.pool = p, .index = i};
    /* With more threads than processors a spinning thread only keeps the others from working. */
    p->spin = n <= goss__cpu_count();
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    pthread_cond_init(&p->done, NULL);
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
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->epoch, 1);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    for (int i = 1; i <= p->started; i++) pthread_join(p->workers[i].thread, NULL);
    pthread_cond_destroy(&p->wake);
    pthread_cond_destroy(&p->done);
    pthread_mutex_destroy(&p->lock);
    goss__free(p->workers);
    goss__free(p);
}

int goss__pool_threads(const goss__pool *p) { return p->threads; }
