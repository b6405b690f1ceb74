/* SPDX-License-Identifier: Apache-2.0 */
/* The executor against itself: tiling, planning, threads and counts may change where and when, never the bits that they
 * promise to keep. */
#include "base/alloc.h"
#include "base/rng.h"
#include "graph/cost_model.h"
#include "schedule/schedule.h"
#include "gossamer/compose.h"
#include "gossamer/exec.h"
#include "machine.h"
#include "test.h"

static goss_error err;

typedef struct net {
    goss_graph *g;
    goss_val out[8];
    int n;
    goss_val update[4];
    int n_updates;
} net;

/* A per-task two-layer network with generated-like weights [T,...], a shared convolution in front, softmax loss,
 * gradients. */
static net build(void) {
    goss_graph *g = goss_graph_new();
    goss_extent T = goss_symbol(g, "T", 6), N = goss_symbol(g, "N", 9);
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(T, N, goss_n(8), goss_n(8), goss_n(2)));
    goss_val y = goss_input(g, "y", GOSS_REAL, GOSS_SHAPE(T, N, goss_n(3)));
    goss_val w1 = goss_input(g, "w1", GOSS_REAL, GOSS_SHAPE(T, goss_n(16 * 8), goss_n(20)));
    goss_val k = goss_param(g, "k", GOSS_SHAPE(goss_n(1), goss_n(3), goss_n(3), goss_n(2), goss_n(8)));
    goss_val w2 = goss_param(g, "w2", GOSS_SHAPE(goss_n(1), goss_n(20), goss_n(3)));
    goss_conv_options o = goss_conv_defaults();
    o.pad_top = o.pad_left = o.pad_bottom = o.pad_right = 1;
    goss_scope_push(g, "net");
    goss_val h = goss_max_pool(goss_relu(goss_conv(x, k, o)), goss_pool_defaults(2));
    h = goss_tanh(goss_linear(goss_flatten(h), w1, GOSS_NONE));
    goss_val logits = goss_linear(h, w2, GOSS_NONE);
    goss_scope_pop(g);
    goss_val loss = goss_reduce_loss(goss_cross_entropy(logits, y, 0.1, GOSS_NONE), GOSS_NONE);
    goss_val wrt[3] = {w1, k, w2}, grad[3];
    goss_grad(loss, wrt, 3, grad);
    goss_val second;
    goss_grad(goss_norm2(grad[2]), &wrt[1], 1, &second);
    net n = {.g = g, .n = 6, .n_updates = 2};
    goss_val out[] = {loss, logits, grad[0], grad[1], grad[2], second};
    memcpy(n.out, out, sizeof out);
    n.update[0] = goss_assign(k, goss_sub(k, goss_scale(grad[1], 0.1)));
    n.update[1] = goss_assign(w2, goss_sub(w2, goss_scale(grad[2], 0.1)));
    return n;
}

#define MAX_T 6
#define MAX_N 9
static float x[MAX_T * MAX_N * 128], y[MAX_T * MAX_N * 3], w1[MAX_T * 128 * 20];

static void fill(void) {
    goss__rng r = goss__rng_make(7, 0);
    for (size_t i = 0; i < sizeof x / sizeof *x; i++) x[i] = (float)goss__rng_normal(&r);
    for (size_t i = 0; i < sizeof w1 / sizeof *w1; i++) w1[i] = (float)(0.1 * goss__rng_normal(&r));
    memset(y, 0, sizeof y);
    for (size_t i = 0; i < MAX_T * MAX_N; i++) y[3 * i + goss__rng_below(&r, 3)] = 1;
}

typedef struct result {
    float v[40000];
    int64_t n;
} result;

/* Three steps at counts T, N; everything read out after the last. */
static goss_status run(goss_schedule_options o, int threads, int64_t T, int64_t N, result *r, uint64_t *allocs) {
    net n = build();
    goss_schedule *p = NULL;
    goss_params *params = NULL;
    goss_threads *th = NULL;
    goss_exec *e = NULL;
    fill();
    r->n = 0;
    GOSS_TRY(goss_compile(n.g, n.out, n.n, n.update, n.n_updates, &o, &p, &err));
    goss_graph_free(n.g);
    GOSS_TRY(goss_params_new(GOSS_F32, &params, &err));
    GOSS_TRY(goss_params_add(params, p, &err));
    goss__rng rng = goss__rng_make(9, 0);
    for (int i = 0; i < goss_params_count(params); i++)
        for (int64_t j = 0; j < goss_params_numel(params, i); j++)
            ((float *)goss_params_data(params, i))[j] = (float)(0.3 * goss__rng_normal(&rng));
    GOSS_TRY(goss_threads_new(threads, &th, &err));
    GOSS_TRY(goss_exec_new(p, params, th, &e, &err));
    GOSS_TRY(goss_exec_bind(e, "x", x, &err));
    GOSS_TRY(goss_exec_bind(e, "y", y, &err));
    GOSS_TRY(goss_exec_bind(e, "w1", w1, &err));
    GOSS_TRY(goss_exec_count(e, "T", T, &err));
    GOSS_TRY(goss_exec_count(e, "N", N, &err));
    uint64_t before = goss__alloc_count();
    for (int i = 0; i < 3; i++) GOSS_TRY(goss_exec_run(e, &err));
    if (allocs) *allocs = goss__alloc_count() - before;
    for (int i = 0; i < n.n; i++) {
        int64_t numel;
        const float *v = goss_exec_output(e, i, &numel);
        memcpy(r->v + r->n, v, (size_t)numel * sizeof *v);
        r->n += numel;
    }
    goss_exec_free(e);
    goss_threads_free(th);
    goss_params_free(params);
    goss_schedule_free(p);
    return GOSS_OK;
}

static result a, b;

TEST(planned_memory_changes_no_bit) {
    goss_schedule_options o = goss_schedule_defaults();
    T_OK(run(o, 2, 5, 7, &a, NULL));
    o.no_reuse = true;
    T_OK(run(o, 2, 5, 7, &b, NULL));
    T_EQ(a.n, b.n);
    T_CHECK(memcmp(a.v, b.v, (size_t)a.n * sizeof *a.v) == 0);
}

/* A sum over items whose units are many, beside arrays that only neighbours read: units are as large without planning.
 */
TEST(planned_memory_cuts_sums_as_unplanned_memory_does) {
    enum { ROWS = 33, WIDE = 8192 };
    static float v[ROWS * WIDE];
    float sum[2], *all[2] = {calloc(ROWS * WIDE, sizeof(float)), calloc(ROWS * WIDE, sizeof(float))};
    goss__rng r = goss__rng_make(4, 0);
    for (int i = 0; i < ROWS * WIDE; i++) v[i] = (float)goss__rng_normal(&r);
    for (int k = 0; k < 2; k++) {
        goss_graph *g = goss_graph_new();
        goss_val in = goss_input(g, "v", GOSS_REAL, GOSS_SHAPE(goss_symbol(g, "N", ROWS), goss_n(WIDE)));
        goss_val out[2] = {goss_sum_all(in), goss_square(goss_neg(in))};
        goss_schedule_options o = goss_schedule_defaults();
        o.no_reuse = k == 1;
        machine m;
        T_OK(machine_new(&m, g, out, 2, NULL, 0, &o, 2, &err));
        T_OK(goss_exec_bind(m.exec, "v", v, &err));
        T_OK(goss_exec_run(m.exec, &err));
        sum[k] = *(const float *)goss_exec_output(m.exec, 0, NULL);
        memcpy(all[k], goss_exec_output(m.exec, 1, NULL), sizeof v);
        machine_free(&m);
    }
    T_CHECK(sum[0] == sum[1] && memcmp(all[0], all[1], sizeof v) == 0);
    free(all[0]), free(all[1]);
}

/* An output that is a parameter, or part of one under another shape, is what the run's operations read, in place or
 * not. */
TEST(outputs_show_parameters_as_they_were) {
    goss_graph *g = goss_graph_new();
    goss_val p = goss_param(g, "p", GOSS_SHAPE(goss_n(4), goss_n(3)));
    goss_val out[4] = {p, goss_reshape(p, GOSS_SHAPE(goss_n(12))), goss_slice(p, 0, 2, 2), goss_scale(p, 1)};
    goss_val update = goss_assign(p, goss_shift(goss_scale(p, 2), 1));
    machine m;
    T_OK(machine_new(&m, g, out, 4, &update, 1, NULL, 1, &err));
    float *v = goss_params_data(m.params, 0);
    for (int i = 0; i < 12; i++) v[i] = (float)i;
    for (int run = 0; run < 3; run++) {
        float before[12];
        memcpy(before, v, sizeof before);
        T_OK(goss_exec_run(m.exec, &err));
        for (int k = 0; k < 4; k++)
            T_CHECK(memcmp(goss_exec_output(m.exec, k, NULL), before + (k == 2 ? 6 : 0),
                           (k == 2 ? 6 : 12) * sizeof(float)) == 0);
        for (int i = 0; i < 12; i++) T_CHECK(v[i] == 2 * before[i] + 1);
    }
    machine_free(&m);
}

/* What is less than the smallest normal number is 0 in work that is shared out, in work that is not, and in constants.
 */
TEST(denormal_numbers_are_zero_everywhere) {
    enum { MOST = 64, WIDE = 4096 };
    static float v[MOST * WIDE];
    for (int i = 0; i < MOST * WIDE; i++) v[i] = 1e-20f;
    goss_graph *g = goss_graph_new();
    goss_val in = goss_input(g, "v", GOSS_REAL, GOSS_SHAPE(goss_symbol(g, "N", MOST), goss_n(WIDE))),
             h = goss_square(in);
    goss_val hot = goss_one_hot(goss_iota(g, goss_n(3)), goss_n(3));
    goss_val out[2] = {goss_scale(h, 1e30), goss_scale(goss_square(goss_scale(hot, 1e-20)), 1e30)};
    machine m;
    T_OK(machine_new(&m, g, out, 2, NULL, 0, NULL, 2, &err));
    T_OK(goss_exec_bind(m.exec, "v", v, &err));
    for (int64_t n = 1; n <= MOST; n *= MOST) {
        T_OK(goss_exec_count(m.exec, "N", n, &err));
        T_OK(goss_exec_run(m.exec, &err));
        const float *got = goss_exec_output(m.exec, 0, NULL);
        for (int64_t i = 0; i < n * WIDE; i++) T_CHECK(got[i] == 0);
        got = goss_exec_output(m.exec, 1, NULL);
        for (int i = 0; i < 9; i++) T_CHECK(got[i] == 0);
    }
    machine_free(&m);
}

TEST(threads_change_no_bit) {
    goss_schedule_options o = goss_schedule_defaults();
    T_OK(run(o, 1, 6, 9, &a, NULL));
    for (int threads = 2; threads <= 5; threads++) {
        T_OK(run(o, threads, 6, 9, &b, NULL));
        T_CHECK(memcmp(a.v, b.v, (size_t)a.n * sizeof *a.v) == 0);
    }
}

TEST(tiles_agree_with_whole_operations) {
    goss_schedule_options o = goss_schedule_defaults();
    for (int64_t T = 1; T <= 6; T += 5)
        for (int64_t N = 1; N <= 9; N += 4) {
            o.no_tiles = false;
            T_OK(run(o, 2, T, N, &a, NULL));
            o.no_tiles = true;
            T_OK(run(o, 1, T, N, &b, NULL));
            T_EQ(a.n, b.n);
            for (int64_t i = 0; i < a.n; i++) T_NEAR(a.v[i], b.v[i], 2e-5 * (1 + fabs(b.v[i])));
        }
}

/* Tiles large enough for chains of several blocks, with rows and maps that live in the thread's arena: what a block of
 * a later step writes must not be what an earlier step still reads. */
static goss_status run_chains(goss_schedule_options o, int64_t T, int64_t N, int64_t D, result *r) {
    static float big[3 * 96 * 128];
    goss__rng rng = goss__rng_make(5, 0);
    for (size_t i = 0; i < sizeof big / sizeof *big; i++) big[i] = (float)goss__rng_normal(&rng);
    goss_graph *g = goss_graph_new();
    goss_val v = goss_input(g, "v", GOSS_REAL, GOSS_SHAPE(goss_n(T), goss_n(N), goss_n(D)));
    goss_val row = goss_mean(goss_square(v), GOSS_AXIS(1), true), h = v;
    for (int i = 0; i < 3; i++) {
        goss_val up = goss_relu(goss_add(goss_mul(h, row), goss_tanh(row)));
        goss_val mask = goss_less(goss_const(g, 0.2), up);
        h = goss_sub(goss_select(mask, up, goss_neg(h)), goss_exp(goss_neg(goss_square(up))));
        row = goss_mean(h, GOSS_AXIS(1), true);
    }
    goss_val grad, out[2] = {goss_sum(h, GOSS_AXIS(1), false), row};
    goss_grad(goss_norm2(out[0]), &v, 1, &grad);
    out[1] = goss_sum(grad, GOSS_AXIS(1), false);
    goss_schedule *p;
    goss_threads *th;
    goss_exec *e;
    GOSS_TRY(goss_compile(g, out, 2, NULL, 0, &o, &p, &err));
    goss_graph_free(g);
    GOSS_TRY(goss_threads_new(2, &th, &err));
    GOSS_TRY(goss_exec_new(p, NULL, th, &e, &err));
    GOSS_TRY(goss_exec_bind(e, "v", big, &err));
    GOSS_TRY(goss_exec_run(e, &err));
    r->n = 0;
    for (int i = 0; i < 2; i++) {
        int64_t numel;
        const float *from = goss_exec_output(e, i, &numel);
        memcpy(r->v + r->n, from, (size_t)numel * sizeof *from);
        r->n += numel;
    }
    goss_exec_free(e);
    goss_threads_free(th);
    goss_schedule_free(p);
    return GOSS_OK;
}

static void chains_of(int64_t T, int64_t N, int64_t D) {
    goss_schedule_options o = goss_schedule_defaults();
    T_OK(run_chains(o, T, N, D, &a));
    o.no_reuse = true;
    T_OK(run_chains(o, T, N, D, &b));
    T_EQ(a.n, b.n);
    T_CHECK(memcmp(a.v, b.v, (size_t)a.n * sizeof *a.v) == 0);
    o.no_tiles = true;
    T_OK(run_chains(o, T, N, D, &b));
    for (int64_t i = 0; i < a.n; i++) T_NEAR(a.v[i], b.v[i], 1e-4 * (1 + fabs(b.v[i])));
}

TEST(chains_keep_what_they_still_read) { chains_of(3, 96, 128); }

/* Units of several tasks, each of which has a row of its own. */
TEST(chains_go_task_by_task_where_rows_differ) {
    chains_of(24, 12, 96);
    chains_of(23, 13, 83); /* a last unit of fewer tasks, and rows that no block holds whole times */
}

/* What a chain leaves lies where the array lay that it is the last to read. */
TEST(a_chain_takes_over_what_it_reads_last) {
    enum { N = 64, D = 256 };
    goss_graph *g = goss_graph_new();
    goss_extent t = goss_symbol(g, "T", 16);
    goss_val v = goss_input(g, "v", GOSS_REAL, GOSS_SHAPE(t, goss_n(N), goss_n(D)));
    goss_val w = goss_input(g, "w", GOSS_REAL, GOSS_SHAPE(t, goss_n(D), goss_n(D)));
    goss_val h = goss_matmul(v, w, false, false), squares = goss_add(goss_tanh(h), goss_mul(h, h));
    goss_val sum = goss_sum_all(goss_matmul(squares, w, false, false));
    goss_schedule *p;
    T_OK(goss_compile(g, &sum, 1, NULL, 0, NULL, &p, &err));
    goss_graph_free(g);
    char *text = goss_schedule_text(p);
    T_CHECK(strstr(text, "= matmul [T,64,256]  private +0 ") && strstr(text, "= mul_add [T,64,256]  private +0 "));
    goss_text_free(text);
    goss_schedule_free(p);
}

/* Assignments read what was there before the run: two parameters change places, and a third takes the first's old rows.
 */
TEST(assignments_read_what_was_there) {
    goss_graph *g = goss_graph_new();
    goss_shape s = GOSS_SHAPE(goss_n(4), goss_n(3));
    goss_val p = goss_param(g, "p", s), q = goss_param(g, "q", s), r = goss_param(g, "r", s);
    goss_val at = goss_input(g, "at", GOSS_INDEX, GOSS_SHAPE(goss_n(2)));
    goss_val updates[3] = {goss_assign(p, q), goss_assign(q, p), goss_assign_rows(r, at, goss_slice(p, 0, 1, 2))};
    goss_schedule *program;
    goss_params *params;
    goss_threads *th;
    goss_exec *e;
    T_ERR(goss_compile(g, NULL, 0, &p, 1, NULL, &program, &err), GOSS_E_ARGUMENT, "is a param, not an assignment");
    T_OK(goss_compile(g, NULL, 0, updates, 3, NULL, &program, &err));
    goss_graph_free(g);
    T_OK(goss_params_new(GOSS_F32, &params, &err));
    T_OK(goss_params_add(params, program, &err));
    float *v[3];
    const char *const names[3] = {"p", "q", "r"};
    for (int i = 0; i < 3; i++) {
        v[i] = goss_params_data(params, goss_params_find(params, names[i]));
        for (int j = 0; j < 12; j++) v[i][j] = (float)(100 * i + j);
    }
    T_OK(goss_threads_new(2, &th, &err));
    T_OK(goss_exec_new(program, params, th, &e, &err));
    int32_t rows[2] = {3, 4};
    T_OK(goss_exec_bind(e, "at", rows, &err));
    T_ERR(goss_exec_run(e, &err), GOSS_E_ARGUMENT, "assign_rows: an index lies outside its table");
    for (int j = 0; j < 12; j++)
        T_CHECK(v[0][j] == (float)j && v[1][j] == (float)(100 + j) && v[2][j] == (float)(200 + j));
    rows[1] = 0;
    T_OK(goss_exec_run(e, &err));
    for (int j = 0; j < 12; j++) T_CHECK(v[0][j] == (float)(100 + j) && v[1][j] == (float)j);
    for (int j = 0; j < 3; j++)
        T_CHECK(v[2][9 + j] == (float)(3 + j) && v[2][j] == (float)(6 + j) && v[2][3 + j] == (float)(203 + j));
    goss_exec_free(e);
    goss_threads_free(th);
    goss_params_free(params);
    goss_schedule_free(program);
}

TEST(a_run_allocates_nothing) {
    uint64_t allocs = 1;
    T_OK(run(goss_schedule_defaults(), 2, 4, 6, &a, &allocs));
    T_EQ(allocs, 0);
}

TEST(a_loss_is_finite_and_falls) {
    T_OK(run(goss_schedule_defaults(), 2, 6, 9, &a, NULL));
    T_CHECK(isfinite(a.v[0]));
    T_CHECK(a.v[0] > 0 && a.v[0] < 5);
}

TEST(errors_are_told) {
    net n = build();
    goss_schedule *p;
    goss_threads *th;
    goss_params *params;
    goss_exec *e;
    T_OK(goss_compile(n.g, n.out, 1, NULL, 0, NULL, &p, &err));
    T_OK(goss_threads_new(1, &th, &err));
    T_OK(goss_params_new(GOSS_F32, &params, &err));
    T_ERR(goss_exec_new(p, params, th, &e, &err), GOSS_E_ARGUMENT, "goss_params_add");
    T_OK(goss_params_add(params, p, &err));
    T_OK(goss_exec_new(p, params, th, &e, &err));
    T_ERR(goss_exec_bind(e, "z", x, &err), GOSS_E_ARGUMENT, "no input \"z\"");
    T_ERR(goss_exec_count(e, "T", 7, &err), GOSS_E_ARGUMENT, "1 to 6");
    T_ERR(goss_exec_run(e, &err), GOSS_E_ARGUMENT, "is not bound");
    goss_exec_free(e);
    goss_params_free(params);
    goss_threads_free(th);
    goss_schedule_free(p);
    goss_val bad = goss_add(n.out[1], goss_input(n.g, "q", GOSS_REAL, GOSS_SHAPE(goss_n(4))));
    T_CHECK(!goss_valid(bad));
    T_CHECK(goss_compile(n.g, n.out, 1, NULL, 0, NULL, &p, &err) != GOSS_OK);
    T_CHECK(strstr(err.text, "add"));
    goss_graph_free(n.g);
}

/* Perturbing task i leaves the other tasks' gradients with the bits they had. */
TEST(tasks_do_not_mix) {
    net n = build();
    goss_schedule *p;
    goss_threads *th;
    goss_params *params;
    goss_exec *e;
    T_OK(goss_compile(n.g, &n.out[2], 1, NULL, 0, NULL, &p, &err));
    T_OK(goss_threads_new(2, &th, &err));
    T_OK(goss_params_new(GOSS_F32, &params, &err));
    T_OK(goss_params_add(params, p, &err));
    fill();
    for (int i = 0; i < goss_params_count(params); i++)
        for (int64_t j = 0; j < goss_params_numel(params, i); j++)
            ((float *)goss_params_data(params, i))[j] = 0.01f * (float)(j % 17) - 0.05f;
    T_OK(goss_exec_new(p, params, th, &e, &err));
    T_OK(goss_exec_bind(e, "x", x, &err));
    T_OK(goss_exec_bind(e, "y", y, &err));
    T_OK(goss_exec_bind(e, "w1", w1, &err));
    T_OK(goss_exec_run(e, &err));
    int64_t numel;
    const float *v = goss_exec_output(e, 0, &numel);
    memcpy(a.v, v, (size_t)numel * sizeof *v);
    x[3 * MAX_N * 128 + 5] += 1; /* in task 3 */
    T_OK(goss_exec_run(e, &err));
    int64_t each = numel / MAX_T;
    for (int t = 0; t < MAX_T; t++) {
        bool same = memcmp(a.v + t * each, v + t * each, (size_t)each * sizeof *v) == 0;
        T_CHECK(same == (t != 3));
    }
    goss_exec_free(e);
    goss_params_free(params);
    goss_threads_free(th);
    goss_schedule_free(p);
    goss_graph_free(n.g);
}

/* ---- a sum over tasks whose addends are 4 MB ---- */

enum { LARGE_T = 32, LARGE_ROWS = 32, LARGE_IN = 128, LARGE_OUT = 8192 };

static float large_at(int64_t i) { return (float)((i * 7919) % 64 - 32) / 32; }

/* x^T g summed over the rows of all tasks, as a shared layer's gradient is; what it takes beside its inputs. */
static void large_sum(int threads, float *out, size_t *memory) {
    static float large_x[LARGE_T * LARGE_ROWS * LARGE_IN], large_g[LARGE_T * LARGE_ROWS * LARGE_OUT];
    for (int64_t i = 0; i < LARGE_T * LARGE_ROWS * LARGE_IN; i++) large_x[i] = large_at(i);
    for (int64_t i = 0; i < LARGE_T * LARGE_ROWS * LARGE_OUT; i++) large_g[i] = large_at(3 * i + 1);
    goss_graph *g = goss_graph_new();
    goss_extent t = goss_symbol(g, "T", LARGE_T), rows = goss_extent_mul(t, goss_n(LARGE_ROWS));
    goss_val in = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(t, goss_n(LARGE_ROWS), goss_n(LARGE_IN)));
    goss_val back = goss_input(g, "g", GOSS_REAL, GOSS_SHAPE(t, goss_n(LARGE_ROWS), goss_n(LARGE_OUT)));
    goss_val sum = goss_matmul(goss_reshape(in, GOSS_SHAPE(goss_n(1), rows, goss_n(LARGE_IN))),
                               goss_reshape(back, GOSS_SHAPE(goss_n(1), rows, goss_n(LARGE_OUT))), true, false);
    machine m;
    T_OK(machine_new(&m, g, &sum, 1, NULL, 0, NULL, threads, &err));
    T_OK(goss_exec_bind(m.exec, "x", large_x, &err));
    T_OK(goss_exec_bind(m.exec, "g", large_g, &err));
    T_OK(goss_exec_run(m.exec, &err));
    memcpy(out, goss_exec_output(m.exec, 0, NULL), LARGE_IN * LARGE_OUT * sizeof *out);
    *memory = goss_schedule_memory(m.program, threads);
    machine_free(&m);
}

static double large_exact(int64_t i, int64_t j) {
    double sum = 0;
    for (int64_t r = 0; r < LARGE_T * LARGE_ROWS; r++)
        sum += (double)large_at(r * LARGE_IN + i) * (double)large_at(3 * (r * LARGE_OUT + j) + 1);
    return sum;
}

TEST(large_addends_have_few_slots) {
    static float one[LARGE_IN * LARGE_OUT], three[LARGE_IN * LARGE_OUT];
    size_t memory, more;
    large_sum(1, one, &memory), large_sum(3, three, &more);
    T_CHECK(memcmp(one, three, sizeof one) == 0);
    T_CHECK(memory < sizeof one * (GOSS__SLOTS_LEAST + 3)); /* slots, the result, a thread's next addend */
    for (int64_t i = 0; i < LARGE_IN; i += 9)
        for (int64_t j = 0; j < LARGE_OUT; j += 777) T_NEAR(one[i * LARGE_OUT + j], large_exact(i, j), 1e-3);
}

TEST_MAIN()
