/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles: their arithmetic, their trace, and that they change nothing. */
#include "base/alloc.h"
#include "gossamer/compose.h"
#include "gossamer/exec.h"
#include "io/json.h"
#include "test.h"

enum { T = 8, N = 40, IN = 50, OUT = 60, RUNS = 4 };

static goss_error err;

typedef struct bench {
    goss_schedule *program;
    goss_threads *threads;
    goss_exec *exec;
    float x[T * N * IN], w[T * IN * OUT];
} bench;

/* relu(x w) for T tasks with weights of their own, in a scope that has to be escaped. */
static goss_status open_bench(bench *b, int threads) {
    goss_graph *g = goss_graph_new();
    goss_extent tasks = goss_symbol(g, "T", T);
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(tasks, goss_n(N), goss_n(IN)));
    goss_val w = goss_input(g, "w", GOSS_REAL, GOSS_SHAPE(tasks, goss_n(IN), goss_n(OUT)));
    goss_scope_push(g, "a \"quoted\" \\ scope");
    goss_val y = goss_relu(goss_matmul(x, w, false, false));
    goss_scope_pop(g);
    for (int i = 0; i < T * N * IN; i++) b->x[i] = (float)(i % 7) - 3;
    for (int i = 0; i < T * IN * OUT; i++) b->w[i] = (float)(i % 5) - 2;
    goss_status s = goss_compile(g, &y, 1, NULL, 0, NULL, &b->program, &err);
    goss_graph_free(g);
    GOSS_TRY(s);
    GOSS_TRY(goss_threads_new(threads, &b->threads, &err));
    GOSS_TRY(goss_exec_new(b->program, NULL, b->threads, &b->exec, &err));
    GOSS_TRY(goss_exec_bind(b->exec, "x", b->x, &err));
    return goss_exec_bind(b->exec, "w", b->w, &err);
}

static void close_bench(bench *b) {
    goss_exec_free(b->exec);
    goss_threads_free(b->threads);
    goss_schedule_free(b->program);
}

/* The line of `text` that holds `part`, as ms and GFLOP/s. */
static bool rates_of(const char *text, const char *part, double *ms, double *rate) {
    const char *at = strstr(text, part);
    while (at && at > text && at[-1] != '\n') at--;
    return at && sscanf(at, "%lf ms %*f %% %lf", ms, rate) == 2;
}

/* Runs of T tasks, and of `other` tasks in turn. */
static void check_operations(int64_t other) {
    static bench b;
    double ms, rate;
    T_OK(open_bench(&b, 2));
    T_OK(goss_profile_begin(b.exec, &err));
    T_CHECK(!goss_profile_text(b.exec, NULL) && !goss_profile_trace(b.exec)); /* nothing was run */
    for (int i = 0; i < 2000; i++) {
        T_OK(goss_exec_count(b.exec, "T", i % 2 ? T : other, &err));
        T_OK(goss_exec_run(b.exec, &err));
    }
    char *text = goss_profile_text(b.exec, NULL);
    T_CHECK(text && strstr(text, "mean of 2000"));
    T_CHECK(rates_of(text, "1 x matmul", &ms, &rate));
    /* 2 T N IN OUT operations; the text has a thousandth of a millisecond */
    const double flops = (double)(T + other) * N * IN * OUT;
    if (fabs(ms * rate * 1e6 - flops) > flops * (0.0006 / ms + 0.06 / rate))
        T_FAIL("%g ms at %g GFLOP/s are not %g operations", ms, rate, flops);
    goss_text_free(text);
    goss_profile_end(b.exec);
    T_CHECK(!goss_profile_text(b.exec, NULL));
    close_bench(&b);
}

TEST(operations_add_up) { check_operations(T); }
TEST(operations_add_up_when_counts_change) { check_operations(1); }

TEST(results_stay) {
    static bench b;
    int64_t n;
    T_OK(open_bench(&b, 2));
    T_OK(goss_exec_run(b.exec, &err));
    const float *y = goss_exec_output(b.exec, 0, &n);
    float *kept = malloc((size_t)n * sizeof *kept);
    memcpy(kept, y, (size_t)n * sizeof *kept);
    char *text = goss_exec_profile(b.exec, RUNS, &err);
    T_CHECK(text && strstr(text, "mean of 4") && strstr(text, "of peak") && strstr(text, "machine: "));
    goss_text_free(text);
    T_CHECK(memcmp(kept, goss_exec_output(b.exec, 0, NULL), (size_t)n * sizeof *kept) == 0);
    free(kept);
    T_CHECK(!goss_exec_profile(b.exec, 0, &err) && strstr(err.text, "0 runs"));
    close_bench(&b);
}

TEST(division_of_a_phase_is_that_of_the_last_run) {
    static bench b;
    T_OK(open_bench(&b, 2));
    char *all = goss_exec_profile(b.exec, 1, &err);
    T_OK(goss_exec_count(b.exec, "T", 1, &err));
    char *one = goss_exec_profile(b.exec, 1, &err);
    T_CHECK(all && strstr(all, "  0: 8 items by 1, in 8 groups; 2 operations"));
    T_CHECK(one && strstr(one, "  0: 1 items by 1, on one thread; 2 operations"));
    goss_text_free(all), goss_text_free(one);
    close_bench(&b);
}

TEST(runs_allocate_nothing) {
    static bench b;
    T_OK(open_bench(&b, 2));
    T_OK(goss_profile_begin(b.exec, &err));
    T_OK(goss_exec_run(b.exec, &err));
    const uint64_t before = goss__alloc_count();
    for (int i = 0; i < 20; i++) T_OK(goss_exec_run(b.exec, &err));
    T_EQ(goss__alloc_count() - before, 0);
    close_bench(&b); /* ends the profile, too */
}

TEST(without_memory_there_is_no_profile) {
    static bench b;
    int failed = 0;
    T_OK(open_bench(&b, 2));
    for (goss_status s = GOSS_E_NOMEM; s != GOSS_OK; failed++) {
        goss__alloc_fail_at((uint64_t)failed + 1);
        s = goss_profile_begin(b.exec, &err);
        goss__alloc_fail_at(0);
        T_CHECK(s == GOSS_OK || s == GOSS_E_NOMEM);
        T_OK(goss_exec_run(b.exec, &err));
    }
    T_CHECK(failed > 3);
    close_bench(&b);
}

#if GOSS_HAVE_JANSSON
TEST(the_trace_is_json) {
    static bench b;
    json_t *trace;
    T_OK(open_bench(&b, 2));
    T_OK(goss_profile_begin(b.exec, &err));
    for (int i = 0; i < RUNS; i++) T_OK(goss_exec_run(b.exec, &err));
    char *text = goss_profile_trace(b.exec);
    T_CHECK(text);
    T_OK(goss__json_parse(text, strlen(text), 0, &trace, &err));
    const json_t *events = json_object_get(trace, "traceEvents");
    int phases = 0, named = 0;
    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *v = json_array_get(events, i), *args = json_object_get(v, "args");
        const char *scope = json_string_value(json_object_get(args, "scope"));
        phases += strncmp(json_string_value(json_object_get(v, "name")), "phase ", 6) == 0;
        named += scope && strcmp(scope, "a \"quoted\" \\ scope") == 0;
        if (json_object_get(v, "dur")) T_CHECK(json_number_value(json_object_get(v, "dur")) >= 0);
    }
    T_CHECK(phases >= RUNS && phases % RUNS == 0);
    T_CHECK(named >= RUNS);
    json_decref(trace);
    goss_text_free(text);
    close_bench(&b);
}
#endif

TEST(the_machine_is_measured) {
    goss_threads *t;
    goss_machine m;
    T_OK(goss_threads_new(2, &t, &err));
    T_OK(goss_machine_measure(t, &m, &err));
    T_EQ(m.threads, 2);
    /* between a tenth and a hundred thousand times a thousand million */
    T_CHECK(m.flops > 1e8 && m.flops < 1e14 && m.bytes > 1e8 && m.bytes < 1e14);
    goss_threads_free(t);
}

TEST_MAIN()
