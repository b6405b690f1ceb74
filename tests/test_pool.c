/* test_pool.c: parallel regions: every item once, sleeping and spinning workers, denormals, GOSSAMER_THREADS. */
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
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
