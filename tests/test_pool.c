/* SPDX-License-Identifier: Apache-2.0 */
/* test_pool.c: parallel regions: every item once, sleeping and spinning workers, denormals, GOSSAMER_THREADS. */
#include <dirent.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/lend.h"
#include "base/os.h"
#include "base/pool.h"
#include "test.h"

typedef struct region {
    atomic_int hits[1000];
    atomic_int by_worker[64];
    int64_t plain[1000]; /* written without atomics: a missing happens-before shows under TSan */
    int64_t add;
} region;

static void visit(void *ctx, int64_t item, int worker) {
    region *r = ctx;
    atomic_fetch_add(&r->hits[item], 1);
    atomic_fetch_add(&r->by_worker[worker], 1);
    r->plain[item] += r->add;
}

static void nap(long us) { nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL); }

static void check_regions(int threads, int regions, bool naps) {
    static region r;
    goss_error err;
    goss__pool *p;
    memset(&r, 0, sizeof r);
    T_OK(goss__pool_create(threads, &p, &err));
    T_EQ(goss__pool_threads(p), threads);
    int64_t want[1000] = {0};
    for (int i = 0; i < regions; i++) {
        int64_t items = i * 7 % 100;
        r.add = i;
        goss__pool_run(p, items, visit, &r);
        for (int64_t k = 0; k < items; k++) want[k] += i;
        for (int64_t k = 0; k < 1000; k++)
            if (r.plain[k] != want[k]) T_FAIL("region %d, item %d", i, (int)k);
        if (naps && i % 8 == 0) nap(300); /* long enough for workers to fall asleep */
    }
    for (int w = threads; w < 64; w++) T_EQ(r.by_worker[w], 0);
    goss__pool_destroy(p);
}

TEST(one_thread) { check_regions(1, 200, false); }
TEST(as_many_threads_as_processors) { check_regions(goss__cpu_count(), 3000, false); }
TEST(two_threads_that_fall_asleep) { check_regions(2, 400, true); }
TEST(more_threads_than_processors) { check_regions(2 * goss__cpu_count() + 5, 300, false); }

static void uneven(void *ctx, int64_t item, int worker) {
    if (item == 0) nap(3000);
    atomic_fetch_add((atomic_int *)ctx, 1);
}

TEST(the_caller_sleeps_while_a_long_item_runs) {
    goss_error err;
    goss__pool *p;
    atomic_int done = 0;
    T_OK(goss__pool_create(3, &p, &err));
    for (int i = 0; i < 20; i++) {
        goss__pool_run(p, 3, uneven, &done);
        T_EQ(done, 3 * (i + 1));
    }
    goss__pool_destroy(p);
}

/* ---- where processors are missing ---- */

static sem_t held, released;

/* A thread that this signal reaches goes no further until it is released: as one that gets no processor. */
static void hold(int signal) {
    (void)signal;
    sem_post(&held);
    while (sem_wait(&released) != 0) continue;
}

/* The thread of this process that was made last. */
static int other_thread(void) {
    int id = 0;
    DIR *d = opendir("/proc/self/task");
    for (struct dirent *e; d && (e = readdir(d));)
        if (atoi(e->d_name) > id && atoi(e->d_name) != getpid()) id = atoi(e->d_name);
    if (d) closedir(d);
    return id;
}

/* Until it waits for a region, and holds no lock. */
static void until_asleep(int id) {
    char path[64], state = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", id);
    while (state != 'S') {
        FILE *f = fopen(path, "r");
        if (f && fscanf(f, "%*d (%*[^)]) %c", &state) != 1) state = 0;
        if (f) fclose(f);
        nap(100);
    }
}

/* In a process of its own, which an alarm ends: a region that waits for such a worker never ends. */
static int run_beside_a_held_worker(void) {
    static region r;
    goss_error err;
    goss__pool *p;
    alarm(20);
    sem_init(&held, 0, 0), sem_init(&released, 0, 0);
    signal(SIGUSR1, hold);
    if (goss__pool_create(2, &p, &err) != GOSS_OK) return 2;
    for (int round = 0; round < 20; round++) {
        memset(&r, 0, sizeof r);
        until_asleep(other_thread());
        if (syscall(SYS_tgkill, getpid(), other_thread(), SIGUSR1) != 0) return 3;
        while (sem_wait(&held) != 0) continue;
        for (int i = 0; i < 50; i++) goss__pool_run(p, 40, visit, &r);
        for (int k = 0; k < 40; k++)
            if (r.hits[k] != 50) return 4;
        if (r.by_worker[0] != 40 * 50) return 5;
        sem_post(&released);
        for (int i = 0; i < 50; i++) goss__pool_run(p, 40, visit, &r); /* with it, or without */
        for (int k = 0; k < 40; k++)
            if (r.hits[k] != 100) return 6;
    }
    goss__pool_destroy(p);
    return 0;
}

TEST(a_region_does_not_wait_for_a_worker_that_has_not_begun) {
#if !defined(__linux__)
    T_SKIP("threads of this system cannot be held one by one");
#endif
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) _exit(run_beside_a_held_worker());
    int status = 0;
    T_CHECK(child > 0 && waitpid(child, &status, 0) == child);
    T_CHECK(!WIFSIGNALED(status));
    T_EQ(WEXITSTATUS(status), 0);
}

/* ---- lending a processor ---- */

typedef struct sleeper {
    goss__borrower self;
    sem_t begun, go;
    cpu_set_t before, after;
    bool aside;
} sleeper;

static void *sleep_on(void *arg) {
    sleeper *s = arg;
    sched_getaffinity(0, sizeof s->before, &s->before);
    goss__borrower_begin(&s->self);
    sem_post(&s->begun);
    while (sem_wait(&s->go) != 0) continue;
    if (s->aside) {
        const int here = goss__processor();
        goss__borrower_step_aside(&s->self);
        s->aside = goss__processor() != here;
    }
    goss__borrower_settle(&s->self);
    sched_getaffinity(0, sizeof s->after, &s->after);
    return NULL;
}

TEST(a_lent_processor_is_given_back_and_masks_are_as_they_were) {
#if !defined(__linux__)
    T_SKIP("this system has no affinity masks");
#endif
    for (int aside = 0; aside < 2; aside++) {
        sleeper s = {.aside = aside};
        cpu_set_t mask;
        sem_init(&s.begun, 0, 0), sem_init(&s.go, 0, 0);
        T_EQ(pthread_create(&s.self.thread, NULL, sleep_on, &s), 0);
        while (sem_wait(&s.begun) != 0) continue;
        const int id = atomic_load(&s.self.id);
        while (!goss__borrower_starves(&s.self)) continue; /* until it sleeps */
        for (int k = 0; k < 2 && !aside; k++) {
            T_CHECK(goss__lend(&s.self));
            T_CHECK(sched_getaffinity(id, sizeof mask, &mask) == 0 && CPU_COUNT(&mask) == 1);
            goss__lend_end(&s.self);
            T_CHECK(sched_getaffinity(id, sizeof mask, &mask) == 0);
            T_EQ(CPU_COUNT(&mask), CPU_COUNT(&s.before) > 1 ? CPU_COUNT(&s.before) - 1 : 1);
        }
        sem_post(&s.go);
        pthread_join(s.self.thread, NULL);
        T_CHECK(CPU_EQUAL(&s.before, &s.after));
        if (aside && CPU_COUNT(&s.before) > 1) T_CHECK(s.aside);
        sem_destroy(&s.begun), sem_destroy(&s.go);
    }
}

TEST(a_thread_goes_where_its_mask_lets_it) {
    cpu_set_t own, after;
    T_CHECK(goss__starved_seconds() >= 0 || access("/proc/thread-self/schedstat", R_OK) != 0);
    if (sched_getaffinity(0, sizeof own, &own) != 0) T_SKIP("this system has no affinity masks");
    for (int cpu = -1; cpu <= CPU_SETSIZE; cpu++) {
        goss__go_to(cpu); /* where there is none such, nothing happens */
        T_CHECK(sched_getaffinity(0, sizeof after, &after) == 0 && CPU_EQUAL(&own, &after));
    }
}

TEST(create_and_destroy_without_a_region) {
    goss_error err;
    for (int i = 0; i < 50; i++) {
        goss__pool *p;
        T_OK(goss__pool_create(1 + i % 4, &p, &err));
        goss__pool_destroy(p);
    }
    goss__pool_destroy(NULL);
}

static void halve(void *ctx, int64_t item, int worker) {
    volatile float tiny = 1.2e-38f;
    ((float *)ctx)[item] = tiny * 0.25f;
}

TEST(denormals_are_zero_inside_and_kept_outside) {
    goss_error err;
#if !defined(__x86_64__) && !defined(__aarch64__)
    T_SKIP("no flush-to-zero on this processor");
#endif
    for (int threads = 1; threads <= 3; threads++) {
        goss__pool *p;
        float out[64];
        T_OK(goss__pool_create(threads, &p, &err));
        goss__pool_run(p, 64, halve, out);
        for (int i = 0; i < 64; i++) T_CHECK(out[i] == 0);
        volatile float tiny = 1.2e-38f, result = tiny * 0.25f;
        T_CHECK(result != 0);
        goss__pool_destroy(p);
    }
}

TEST(threads_from_the_environment) {
    goss_error err;
    goss__pool *p;
    setenv("GOSSAMER_THREADS", "3", 1);
    T_OK(goss__pool_create(0, &p, &err));
    T_EQ(goss__pool_threads(p), 3);
    goss__pool_destroy(p);
    T_OK(goss__pool_create(2, &p, &err)); /* what the caller asks goes first */
    T_EQ(goss__pool_threads(p), 2);
    goss__pool_destroy(p);
    const char *const bad[] = {"0", "-2", "many", "3x", "1025", "99999999999999999999", " "};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        setenv("GOSSAMER_THREADS", bad[i], 1);
        T_ERR(goss__pool_create(0, &p, &err), GOSS_E_ARGUMENT, "it must be a number from 1 to 1024");
        T_CHECK(strstr(err.text, bad[i]) && !p);
    }
    unsetenv("GOSSAMER_THREADS");
    T_OK(goss__pool_create(-1, &p, &err));
    T_EQ(goss__pool_threads(p), goss__cpu_count());
    goss__pool_destroy(p);
}

TEST(pool_out_of_memory) {
    goss_error err;
    for (uint64_t n = 1; n <= 2; n++) {
        goss__pool *p;
        goss__alloc_fail_at(n);
        T_ERR(goss__pool_create(2, &p, &err), GOSS_E_NOMEM, "out of memory for 2 threads");
        goss__alloc_fail_at(0);
        T_CHECK(!p);
    }
}

TEST(regions_allocate_nothing) {
    goss_error err;
    goss__pool *p;
    static region r;
    T_OK(goss__pool_create(2, &p, &err));
    uint64_t before = goss__alloc_count();
    for (int i = 0; i < 100; i++) goss__pool_run(p, 50, visit, &r);
    T_EQ(goss__alloc_count(), before);
    goss__pool_destroy(p);
}

TEST_MAIN()
