/* SPDX-License-Identifier: Apache-2.0 */
/* test_base.c: the base floor: errors, heap, arena, strings, random numbers, files, the machine, log. Threads have
 * their own program, test_pool.c. */
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/log.h"
#include "base/os.h"
#include "base/rng.h"
#include "base/str.h"
#include "scratch.h"
#include "test.h"

/* ---- errors ---- */

TEST(error_text_and_prefix) {
    goss_error err;
    T_EQ(goss_error_set(&err, GOSS_E_FORMAT, "row %d", 7), GOSS_E_FORMAT);
    T_EQ(goss_error_prefix(&err, GOSS_E_FORMAT, "%s", "a.csv"), GOSS_E_FORMAT);
    T_STR(err.text, "a.csv: row 7");
    T_EQ(err.status, GOSS_E_FORMAT);
    T_EQ(goss_error_prefix(&err, GOSS_OK, "no"), GOSS_OK);
    T_STR(err.text, "a.csv: row 7");
    T_EQ(goss_error_set(NULL, GOSS_E_IO, "x"), GOSS_E_IO);
    T_EQ(goss_error_prefix(NULL, GOSS_E_IO, "x"), GOSS_E_IO);
}

TEST(error_text_is_cut_not_overrun) {
    struct {
        goss_error err;
        char guard[8];
    } e;
    strcpy(e.guard, "guard");
    char longer[2000];
    memset(longer, 'x', sizeof longer - 1), longer[sizeof longer - 1] = 0;
    for (size_t n = sizeof e.err.text - 8; n < sizeof e.err.text + 8; n++) {
        (void)goss_error_set(&e.err, GOSS_E_IO, "%s", longer);
        (void)goss_error_prefix(&e.err, GOSS_E_IO, "%.*s", (int)n, longer);
        size_t full = sizeof e.err.text - 1, got = strlen(e.err.text);
        T_CHECK(got <= full && got >= full - 2);
        T_STR(e.guard, "guard");
    }
}

TEST(status_names) {
    T_STR(goss_status_name(GOSS_OK), "ok");
    T_STR(goss_status_name(GOSS_E_INTERRUPTED), "interrupted");
    T_STR(goss_status_name((goss_status)99), "unknown status");
    T_STR(goss_status_name((goss_status)-1), "unknown status");
}

/* ---- heap ---- */

TEST(allocations_are_counted) {
    uint64_t before = goss__alloc_count();
    void *a = goss__alloc(0), *b = goss__calloc(3, 5), *c = goss__alloc_aligned(7);
    char *d = goss__strdup("name");
    a = goss__realloc(a, 100);
    T_EQ(goss__alloc_count() - before, 5);
    T_CHECK(a && b && c && d);
    T_STR(d, "name");
    goss__free(a), goss__free(b), goss__free(c), goss__free(d), goss__free(NULL);
    T_EQ(goss__alloc_count() - before, 5);
}

TEST(the_nth_allocation_fails_once) {
    goss__alloc_fail_at(3);
    void *p[4];
    for (int i = 0; i < 4; i++) p[i] = goss__alloc(8);
    T_CHECK(p[0] && p[1] && !p[2] && p[3]);
    goss__alloc_fail_at(1);
    void *kept = goss__realloc(p[0], 1000);
    T_CHECK(!kept);
    goss__alloc_fail_at(2);
    goss__alloc_fail_at(0);
    for (int i = 0; i < 3; i++) T_CHECK((p[2] = goss__realloc(p[2], 8)) != NULL);
    for (int i = 0; i < 4; i++) goss__free(p[i]);
}

TEST(sizes_are_checked) {
    size_t out;
    T_CHECK(!goss__mul_ok(SIZE_MAX / 2, 3, &out) && !goss__add_ok(SIZE_MAX, 1, &out));
    T_CHECK(goss__mul_ok(1000, 1000, &out) && out == 1000000);
    T_CHECK(!goss__calloc(SIZE_MAX / 2, 3));
    T_CHECK(!goss__alloc_aligned(SIZE_MAX - 10));
}

TEST(aligned_memory) {
    const size_t sizes[] = {0, 1, 64, 1000, (2u << 20) - 1, 2u << 20, (2u << 20) + 1, 5u << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *p = goss__alloc_aligned(sizes[i]);
        T_CHECK(p);
        T_EQ((uintptr_t)p % (sizes[i] >= 2u << 20 ? 2u << 20 : 64), 0);
        memset(p, 1, sizes[i]);
        goss__free(p);
    }
}

/* ---- arena and strings ---- */

TEST(arena_gives_zeroed_aligned_memory_that_stays) {
    goss__arena a = {0};
    unsigned char *p[300];
    for (size_t i = 0; i < 300; i++) {
        size_t size = i * 37 % 900;
        p[i] = goss__arena_alloc(&a, size);
        T_CHECK(p[i] && (uintptr_t)p[i] % 16 == 0);
        for (size_t k = 0; k < size; k++) T_EQ(p[i][k], 0);
        memset(p[i], (int)(i % 251), size);
    }
    unsigned char *large = goss__arena_alloc(&a, 3 << 20);
    T_CHECK(large && large[(3 << 20) - 1] == 0);
    for (size_t i = 0; i < 300; i++)
        for (size_t k = 0; k < i * 37 % 900; k++) T_EQ(p[i][k], i % 251);
    T_STR(goss__arena_strdup(&a, "abc"), "abc");
    T_STR(goss__arena_printf(&a, "%s-%05d", "x", 42), "x-00042");
    T_CHECK(!goss__arena_alloc(&a, SIZE_MAX - 4));
    goss__arena_free(&a);
    T_CHECK(!a.chunks && goss__arena_alloc(&a, 1));
    goss__arena_free(&a);
}

TEST(arena_out_of_memory) {
    goss__arena a = {0};
    goss__alloc_fail_at(1);
    T_CHECK(!goss__arena_printf(&a, "%d", 1));
    T_CHECK(goss__arena_strdup(&a, "again"));
    goss__arena_free(&a);
}

TEST(strings_grow) {
    goss__str s = {0};
    for (int i = 0; i < 1000; i++) goss__str_addf(&s, "%d,", i);
    goss__str_addn(&s, "a\0b", 3);
    goss__str_add(&s, "");
    T_EQ(s.size, 10 * 2 + 90 * 3 + 900 * 4 + 3);
    T_CHECK(!memcmp(s.data + s.size - 8, ",999,a\0b", 8) && s.data[s.size] == 0 && !s.failed);
    goss__str_free(&s);
    T_CHECK(!s.data && !s.size);
}

TEST(near_names_are_few) {
    static char text[60][4];
    const char *names[60];
    goss__str s = {0};
    for (int i = 0; i < 60; i++) snprintf(text[i], sizeof text[i], "%d", 300 + i), names[i] = text[i];
    goss__near_names(&s, "3O7", names, 60); /* one letter: 307, 317, ...; two: nearly all */
    T_STR(s.data, "; did you mean 307 or 317 or 327 or 337?");
    goss__str_free(&s);
    goss__near_names(&s, "something else", names, 60);
    T_CHECK(strstr(s.data, "; there are 300, 301, ") == s.data);
    T_CHECK(strstr(s.data, ", 339 and 20 more") == s.data + strlen(s.data) - strlen(", 339 and 20 more"));
    goss__str_free(&s);
    goss__near_names(&s, "block", (const char *const[]){"block1", "bock", "unlike"}, 3);
    T_STR(s.data, "; did you mean block1 or bock?");
    goss__str_free(&s);
    /* a part of a name, where no name is like it and not many hold it */
    static const char *const parts[] = {"parts/1/head.w", "weights/head.w", "weights/Conv1.w", "along/xyzzy1",
                                        "blong/xyzzy2",   "clong/xyzzy3",   "dlong/xyzzy4",    "elong/xyzzy5"};
    goss__near_names(&s, "head.w", parts, 8);
    T_STR(s.data, "; did you mean parts/1/head.w or weights/head.w?");
    goss__str_free(&s);
    goss__near_names(&s, "conv1", parts, 8);
    T_STR(s.data, "; did you mean weights/Conv1.w?");
    goss__str_free(&s);
    goss__near_names(&s, "/xyz", parts, 8); /* five */
    T_CHECK(strstr(s.data, "; there are parts/1/head.w, ") == s.data);
    goss__str_free(&s);
}

TEST(string_failure_is_sticky) {
    goss__str s = {0};
    goss__str_add(&s, "kept");
    goss__alloc_fail_at(1);
    goss__str_addf(&s, "%200d", 1);
    T_CHECK(s.failed);
    goss__str_add(&s, "more");
    T_STR(s.data, "kept");
    goss__str_free(&s);
    goss__str_addn(&s, "x", SIZE_MAX / 2);
    T_CHECK(s.failed && !s.data);
}

/* ---- random numbers ---- */

/* Known answers of the reference implementation (Random123, kat_vectors). */
TEST(philox_known_answers) {
    const uint32_t kat[3][10] = {{0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
                                 {~0u, ~0u, ~0u, ~0u, ~0u, ~0u, 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
                                 {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09,
                                  0x94fdcceb, 0x5001e420, 0x24126ea1}};
    for (int i = 0; i < 3; i++) {
        uint32_t out[4];
        goss__philox(kat[i], kat[i] + 4, out);
        for (int k = 0; k < 4; k++) T_EQ(out[k], kat[i][6 + k]);
    }
}

TEST(rng_position_is_the_state) {
    goss__rng a = goss__rng_make(7, 9);
    uint32_t drawn[20];
    for (int i = 0; i < 20; i++) drawn[i] = goss__rng_u32(&a);
    for (int i = 19; i >= 0; i--) {
        goss__rng b = goss__rng_make(7, 9);
        b.position = (uint64_t)i, a.position = (uint64_t)i;
        T_EQ(goss__rng_u32(&b), drawn[i]);
        T_EQ(goss__rng_u32(&a), drawn[i]);
    }
    goss__rng other = goss__rng_make(7, 10), seed = goss__rng_make(8, 9);
    T_CHECK(goss__rng_u32(&other) != drawn[0] && goss__rng_u32(&seed) != drawn[0]);
}

TEST(rng_moments) {
    goss__rng r = goss__rng_make(1, 2);
    const int n = 200000;
    double u = 0, m = 0, v = 0, k4 = 0;
    int counts[7] = {0};
    for (int i = 0; i < n; i++) {
        double x = goss__rng_uniform(&r), g = goss__rng_normal(&r);
        if (!(x >= 0 && x < 1 && isfinite(g))) T_FAIL("draw %d: %g %g", i, x, g);
        u += x, m += g, v += g * g, k4 += g * g * g * g;
        counts[goss__rng_below(&r, 7)]++;
    }
    T_NEAR(u / n, 0.5, 0.004);
    T_NEAR(m / n, 0, 0.012);
    T_NEAR(v / n, 1, 0.02);
    T_NEAR(k4 / n, 3, 0.15);
    for (int i = 0; i < 7; i++) T_NEAR(counts[i], n / 7.0, 5 * sqrt(n / 7.0));
    for (int i = 0; i < 100; i++) T_EQ(goss__rng_below(&r, 1), 0);
}

TEST(shuffle_draws_without_replacement) {
    goss__rng r = goss__rng_make(3, 4);
    int first[10] = {0};
    for (int round = 0; round < 5000; round++) {
        uint32_t v[10];
        unsigned seen = 0;
        for (uint32_t i = 0; i < 10; i++) v[i] = i;
        goss__rng_shuffle(&r, v, 10, round % 12);
        for (int i = 0; i < 10; i++) seen |= 1u << v[i];
        T_EQ(seen, 1023);
        if (round % 12) first[v[0]]++;
    }
    for (int i = 0; i < 10; i++) T_NEAR(first[i], 458, 110);
}

TEST(hash_of_names) {
    T_CHECK(goss__hash64("ab", 2, 0) == goss__hash64("ab", 2, 0));
    T_CHECK(goss__hash64("ab", 2, 0) != goss__hash64("ba", 2, 0));
    T_CHECK(goss__hash64("ab", 2, 0) != goss__hash64("ab", 2, 1));
    T_CHECK(goss__hash64("", 0, 0) != goss__hash64("\0", 1, 0));
}

/* ---- files ---- */

TEST(write_read_map) {
    goss_error err;
    const char *path = scratch("a.bin");
    char *data;
    size_t size;
    goss__map map;
    T_OK(goss__write_file(path, "hello\0you", 9, &err));
    T_OK(goss__read_file(path, 9, &data, &size, &err));
    T_CHECK(size == 9 && !memcmp(data, "hello\0you", 10));
    goss__free(data);
    T_OK(goss__map_file(path, &map, &err));
    T_CHECK(map.size == 9 && !memcmp(map.data, "hello\0you", 9));
    goss__unmap(&map);
    T_CHECK(!map.data && !map.size);
    T_ERR(goss__read_file(path, 8, &data, &size, &err), GOSS_E_FORMAT, "a.bin: 9 bytes, more than the 8 allowed");
    T_CHECK(!data);
    T_OK(goss__write_file(path, NULL, 0, &err));
    T_OK(goss__map_file(path, &map, &err));
    T_CHECK(!map.data && !map.size);
    goss__unmap(&map);
    scratch_empty();
}

TEST(file_errors_name_path_and_reason) {
    goss_error err;
    char *data;
    size_t size;
    goss__map map;
    T_ERR(goss__read_file(scratch("absent"), 10, &data, &size, &err), GOSS_E_IO, "absent: cannot open: No such file");
    T_ERR(goss__map_file(scratch("absent"), &map, &err), GOSS_E_IO, "absent: cannot open: No such file");
    T_ERR(goss__map_file(scratch_folder, &map, &err), GOSS_E_IO, "is a folder, not a regular file");
    T_EQ(mkfifo(scratch("fifo"), 0600), 0);
    T_ERR(goss__map_file(scratch("fifo"), &map, &err), GOSS_E_IO, "fifo: is a pipe");
    T_ERR(goss__write_file(scratch("no/such"), "x", 1, &err), GOSS_E_IO, "No such file or directory");
    T_EQ(mkdir(scratch("d"), 0700), 0);
    T_ERR(goss__write_file(scratch("d"), "x", 1, &err), GOSS_E_IO, "d: is a folder");
    T_EQ(scratch_count(), 2);
    scratch_empty();
}

/* A limit on the size of files stands for a full disk. */
TEST(a_failed_write_is_an_error) {
    goss_error err;
    struct rlimit old, small;
    T_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old, small.rlim_cur = 1000;
    signal(SIGXFSZ, SIG_IGN);
    T_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    static char block[3000];
    goss_status s = goss__write_file(scratch("f"), block, sizeof block, &err);
    setrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, SIG_DFL);
    T_EQ(s, GOSS_E_IO);
    T_CHECK(strstr(err.text, "cannot write: File too large"));
    T_EQ(scratch_count(), 0);
}

TEST(writer_replaces_at_commit_only) {
    goss_error err;
    goss__writer *w, *v;
    char *data;
    size_t size;
    const char *path = scratch("model");
    T_OK(goss__write_file(path, "old", 3, &err));
    T_OK(goss__writer_open(path, &w, &err));
    T_OK(goss__writer_open(path, &v, &err));
    T_OK(goss__writer_put(w, "new", 3, &err));
    T_OK(goss__writer_put(v, "other", 5, &err));
    T_OK(goss__read_file(path, 100, &data, &size, &err));
    T_STR(data, "old");
    goss__free(data);
    goss__writer_abandon(v);
    goss__writer_abandon(NULL);
    T_OK(goss__writer_commit(w, &err));
    T_OK(goss__read_file(path, 100, &data, &size, &err));
    T_STR(data, "new");
    goss__free(data);
    T_EQ(scratch_count(), 1);
    scratch_empty();
}

TEST(file_calls_out_of_memory) {
    goss_error err;
    char *data;
    size_t size;
    for (uint64_t n = 1; n < 10; n++) {
        goss__alloc_fail_at(n);
        goss_status s = goss__write_file(scratch("o"), "x", 1, &err);
        goss__alloc_fail_at(0);
        T_EQ(s, n <= 5 ? GOSS_E_NOMEM : GOSS_OK);
        T_EQ(scratch_count(), n > 5);
    }
    goss__alloc_fail_at(1);
    T_ERR(goss__read_file(scratch("o"), 10, &data, &size, &err), GOSS_E_NOMEM, "out of memory");
    scratch_empty();
}

TEST(folders_and_paths) {
    goss_error err;
    char nested[200];
    snprintf(nested, sizeof nested, "%s", scratch("x//y/z/"));
    T_OK(goss__mkdirs(nested, &err));
    T_OK(goss__mkdirs(nested, &err));
    T_CHECK(goss__is_dir(nested) && goss__path_exists(nested) && !goss__path_exists(scratch("q")));
    T_OK(goss__write_file(scratch("file"), "x", 1, &err));
    T_CHECK(goss__path_exists(scratch("file")) && !goss__is_dir(scratch("file")));
    T_ERR(goss__mkdirs(scratch("file/sub"), &err), GOSS_E_IO, "file: cannot make the folder: File exists");
    char *joined = goss__path_join("a", "b.png");
    T_STR(joined, "a/b.png");
    goss__free(joined);
    rmdir(scratch("x/y/z")), rmdir(scratch("x/y")), rmdir(scratch("x"));
    scratch_empty();
}

TEST(clock_and_cpus) {
    double a = goss__now(), b = goss__now();
    T_CHECK(b >= a && b - a < 1);
    int n = goss__cpu_count();
    T_CHECK(n >= 1 && n <= sysconf(_SC_NPROCESSORS_CONF));
}

/* ---- log ---- */

static void keep_line(void *ctx, goss_log_level level, const char *line) {
    snprintf(ctx, 100, "%d %s", (int)level, line);
}

TEST(log_lines_go_to_the_callback) {
    char got[100] = "nothing";
    goss__log(GOSS_LOG_INFO, "dropped");
    goss_log_set(keep_line, got);
    goss__log(GOSS_LOG_WARN, "x is %d", 5);
    T_STR(got, "2 x is 5");
    goss_log_set(NULL, NULL);
    goss__log(GOSS_LOG_WARN, "dropped");
    T_STR(got, "2 x is 5");
}

TEST_MAIN()
