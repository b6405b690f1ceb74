/* SPDX-License-Identifier: Apache-2.0 */
/* The schedule's passes: each changes the program, keeps the results, and can be switched off by name. */
#include <stdlib.h>

#include "base/rng.h"
#include "gossamer/compose.h"
#include "gossamer/program.h"
#include "machine.h"
#include "pass_names.h"
#include "schedule/build.h"
#include "test.h"

enum { T = 2, N = 22, SIDE = 32, C = 24, WAYS = 5, STEPS = 3 };

static goss_error err;
/* What some tests have otherwise: channels of an image, pooling, steps (each makes roundings larger). */
static int64_t depth = C;
static goss_val (*pool)(goss_val, goss_pool_options) = goss_max_pool;
static int steps = STEPS;

/* Momentum that is left alone where the gradients are too large: m = 0.9 m + g, p = p - 0.1 m. */
static void assign_step(goss_val p, const char *name, goss_val grad, goss_val calm, goss_val *update) {
    goss_val m = goss_param(p.graph, name, goss_shape_of(p));
    goss_val next = goss_add(goss_scale(m, 0.9), grad);
    update[0] = goss_assign(m, goss_select(calm, next, m));
    update[1] = goss_assign(p, goss_select(calm, goss_sub(p, goss_scale(next, 0.1)), p));
}

static goss_val block(goss_val x, goss_val w) {
    goss_conv_options o = goss_conv_defaults();
    goss_val mean, var;
    o.pad_top = o.pad_left = o.pad_bottom = o.pad_right = 1;
    goss_val h = goss_conv(x, w, o);
    goss_batch_stats_shared(h, GOSS_NONE, &mean, &var);
    return pool(goss_relu(goss_normalize(h, mean, var, 1e-5)), goss_pool_defaults(2));
}

/* Two shared convolutions with batch norm over all images, a dense head, clipped momentum. */
static goss_graph *build(goss_val *loss, goss_val update[6]) {
    goss_graph *g = goss_graph_new();
    goss_extent tasks = goss_symbol(g, "T", T), n = goss_symbol(g, "N", N);
    goss_shape filter = GOSS_SHAPE(goss_n(1), goss_n(3), goss_n(3), goss_n(C), goss_n(C)), first = filter;
    first.dim[3] = goss_n(depth);
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(tasks, n, goss_n(SIDE), goss_n(SIDE), goss_n(depth)));
    goss_val label = goss_input(g, "label", GOSS_INDEX, GOSS_SHAPE(tasks, n));
    goss_val w[3] = {goss_param(g, "w0", first), goss_param(g, "w1", filter),
                     goss_param(g, "w2", GOSS_SHAPE(goss_n(1), goss_n(C * SIDE * SIDE / 16), goss_n(WAYS)))};
    goss_val logits = goss_linear(goss_flatten(block(block(x, w[0]), w[1])), w[2], GOSS_NONE), grad[3];
    *loss = goss_reduce_loss(goss_cross_entropy(logits, goss_one_hot(label, goss_n(WAYS)), 0, GOSS_NONE), GOSS_NONE);
    goss_grad(*loss, w, 3, grad);
    goss_val size = goss_const(g, 0);
    for (int i = 0; i < 3; i++) size = goss_add(size, goss_sum_all(goss_square(grad[i])));
    static const char *const names[] = {"m0", "m1", "m2"};
    for (int i = 0; i < 3; i++)
        assign_step(w[i], names[i], grad[i], goss_less(size, goss_const(g, 1e6)), update + 2 * i);
    return g;
}

typedef struct outcome {
    float loss, weights[2 * 9 * C * C];
    char text[100000];
    size_t memory;
    goss_status status;
} outcome;

static float images[T * N * SIDE * SIDE * C];
static int32_t labels[T * N];

static void fill(goss_params *params) {
    goss__rng r = goss__rng_make(3, 0);
    for (size_t i = 0; i < sizeof images / sizeof *images; i++) images[i] = (float)goss__rng_normal(&r);
    for (int i = 0; i < T * N; i++) labels[i] = i % WAYS;
    for (int i = 0; i < goss_params_count(params); i++)
        for (int64_t j = 0; j < goss_params_numel(params, i); j++)
            ((float *)goss_params_data(params, i))[j] = (float)(0.1 * goss__rng_normal(&r));
}

/* Some steps without the passes that `disabled` names. */
static void run(const char *disabled, int threads, outcome *out) {
    goss_val loss, update[6];
    machine m;
    setenv("GOSSAMER_DISABLE", disabled, 1);
    goss_graph *g = build(&loss, update);
    T_OK(machine_new(&m, g, &loss, 1, update, 6, NULL, threads, &err));
    fill(m.params);
    T_OK(goss_exec_bind(m.exec, "x", images, &err));
    T_OK(goss_exec_bind(m.exec, "label", labels, &err));
    out->status = GOSS_OK;
    for (int i = 0; i < steps && out->status == GOSS_OK; i++) out->status = goss_exec_run(m.exec, &err);
    out->loss = *(const float *)goss_exec_output(m.exec, 0, NULL);
    memset(out->weights, 0, sizeof out->weights);
    machine_copy_param(&m, "w0", out->weights), machine_copy_param(&m, "w1", out->weights + 9 * C * C);
    T_CHECK(machine_describe(&m, out->text, sizeof out->text, &out->memory));
    machine_free(&m);
    unsetenv("GOSSAMER_DISABLE");
}

static outcome a, b;

static bool same_bits(void) { return memcmp(a.weights, b.weights, sizeof a.weights) == 0 && a.loss == b.loss; }
static void check_near(void) {
    T_CHECK(isfinite(a.loss) && a.loss > 0);
    T_NEAR(a.loss, b.loss, 1e-4);
    for (size_t i = 0; i < sizeof a.weights / sizeof *a.weights; i++) T_NEAR(a.weights[i], b.weights[i], 1e-4);
}
static bool says(const outcome *o, const char *what) { return strstr(o->text, what) != NULL; }

TEST(winograd_changes_roundings_only) {
    run("", 2, &a), run("winograd", 2, &b);
    T_CHECK(!same_bits());
    check_near();
}

TEST(products_are_fused_into_sums) {
    run("", 2, &a), run("fuse-sum", 2, &b);
    T_CHECK(says(&a, "sum_product") && !says(&b, "sum_product"));
    T_CHECK(says(&a, "sum_deviation") && !says(&b, "sum_deviation"));
    check_near();
}

TEST(products_are_fused_into_additions) {
    run("", 2, &a), run("fuse-add", 2, &b);
    T_CHECK(says(&a, "mul_add") && !says(&b, "mul_add"));
    check_near(); /* sums of a phase are cut otherwise; an element has the same bits */
}

TEST(convolutions_with_shared_weights_are_batched) {
    run("", 2, &a), run("batch", 2, &b);
    T_CHECK(says(&a, "batched") && !says(&b, "batched"));
    check_near();
}

/* Sums of a phase are cut otherwise when its work changes. */
TEST(sinking_changes_roundings_only) {
    run("", 2, &a), run("sink", 2, &b);
    T_CHECK(strcmp(a.text, b.text) != 0);
    check_near();
}

TEST(updates_in_place_keep_every_bit) {
    run("", 2, &a), run("in-place", 2, &b);
    T_CHECK(says(&a, "in place of w0") && says(&a, "in place of m2") && !says(&b, "in place"));
    T_CHECK(a.memory <= b.memory);
    T_CHECK(same_bits());
}

static int times(const outcome *o, const char *what) {
    int n = 0;
    for (const char *at = o->text; (at = strstr(at, what)); at++) n++;
    return n;
}

/* Differences from means, 4 MB, of a map that is stored are rematerialised in each phase that reads them. */
TEST(cheap_values_are_rematerialised) {
    pool = goss_avg_pool;
    run("", 2, &a), run("rematerialise", 2, &b);
    pool = goss_max_pool;
    T_EQ(times(&a, "= sub [T,N,32,32,24]  private"), 3);
    T_EQ(times(&a, "= sub [T,N,32,32,24]"), 3);
    T_EQ(times(&b, "= sub [T,N,32,32,24]  shared"), 2);
    T_EQ(times(&b, "= sub [T,N,32,32,24]"), 2);
    T_CHECK(a.memory < b.memory);
    check_near(); /* sums of a phase are cut otherwise */
}

/* The map of a first layer on grey images, 4 MB, is rematerialised in the second phase that reads it, with the
 * difference from the mean; neither is stored. */
TEST(maps_of_few_products_are_rematerialised) {
    depth = 1, steps = 1;
    run("", 2, &a), run("rematerialise", 2, &b);
    depth = C, steps = STEPS;
    T_EQ(times(&a, "= conv [1,N*T,32,32,24]  private"), 2);
    T_EQ(times(&b, "= conv [1,N*T,32,32,24]"), 1);
    T_EQ(times(&a, "= conv [1,N*T,16,16,24]"), 1);
    T_CHECK(a.memory + (3 << 20) < b.memory);
    check_near(); /* sums of a phase are cut otherwise */
}

/* The map of a single image has no phase of many items, to which a copy could sink: it is not rematerialised. */
TEST(maps_of_one_image_are_computed_once) {
    goss_graph *g = goss_graph_new();
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(goss_n(1), goss_n(1), goss_n(300), goss_n(300), goss_n(1)));
    goss_val w = goss_input(g, "w", GOSS_REAL, GOSS_SHAPE(goss_n(1), goss_n(3), goss_n(3), goss_n(1), goss_n(16)));
    goss_val h = goss_conv(x, w, goss_conv_defaults());
    goss_val centred = goss_sub(h, goss_mean(h, GOSS_AXIS(2) | GOSS_AXIS(3), true));
    goss_val out = goss_sum_all(goss_mul(goss_relu(centred), goss_exp(h)));
    goss_schedule *p;
    T_OK(goss_compile(g, &out, 1, NULL, 0, NULL, &p, &err));
    char *text = goss_schedule_text(p);
    snprintf(a.text, sizeof a.text, "%s", text);
    T_EQ(times(&a, "= conv"), 1);
    goss_text_free(text), goss_schedule_free(p), goss_graph_free(g);
}

/* The index of the largest taps and their values are computed in one pass, with the bits of two. */
TEST(index_and_taps_are_fused) {
    run("", 2, &a), run("fuse-along", 2, &b);
    T_CHECK(same_bits());
    T_EQ(times(&a, "= pool_argmax"), 2);
}

/* A pool's scattered gradient, larger than its operand, is materialised in the phase that reads it. */
TEST(scatters_sink_into_the_phase_of_their_reader) {
    run("", 2, &a), run("sink", 2, &b);
    T_EQ(times(&a, "= pool_scatter [T,N,32,32,24]  private"), 1);
    T_EQ(times(&b, "= pool_scatter [T,N,32,32,24]  shared"), 1);
    check_near();
}

TEST(fusion_can_be_disabled_as_a_whole) {
    run("", 2, &a), run("fuse", 2, &b);
    T_CHECK(says(&a, "sum_product") && says(&a, "mul_add"));
    T_CHECK(!says(&b, "sum_product") && !says(&b, "sum_deviation") && !says(&b, "mul_add"));
    check_near();
}

/* Without the pass a phase computes a copy of the map for each of its readers. */
TEST(copies_of_a_phase_are_merged) {
    depth = 1, steps = 1;
    run("", 2, &a), run("merge-copies", 2, &b);
    depth = C, steps = STEPS;
    T_EQ(times(&a, "= conv [1,N*T,32,32,24]"), 2);
    T_CHECK(times(&b, "= conv [1,N*T,32,32,24]") > 2);
    check_near();
}

/* With it disabled, instructions of a phase are in the order of the program, that of value numbers. */
static bool is_ascending(const outcome *o) {
    int last = -1;
    for (const char *at = o->text; at; at = strchr(at, '\n')) {
        int number;
        at += *at == '\n';
        if (strncmp(at, "phase", 5) == 0) last = -1;
        if (sscanf(at, " %%%d =", &number) != 1) continue;
        if (number < last) return false;
        last = number;
    }
    return true;
}

TEST(instructions_are_ordered_for_chains) {
    run("", 2, &a), run("order", 2, &b);
    T_CHECK(!is_ascending(&a) && is_ascending(&b));
    check_near();
}

TEST(all_disables_every_pass_and_rule) {
    char list[2000];
    every_name(list, sizeof list);
    run("all", 2, &a), run(list, 2, &b);
    T_STR(a.text, b.text);
    T_CHECK(same_bits());
    run("", 2, &b);
    T_CHECK(!says(&a, "sum_product") && !says(&a, "batched") && says(&b, "sum_product") && says(&b, "batched"));
    check_near();
}

/* ---- rows whose factor is 0 ---- */

/* x w for x = (0, 1) and a w whose first row is NaN: a row, a column (w' x'), w as bfloat16, a 1 x 1 convolution. */
static double product_with_zero(int kind, const char *disable) {
    enum { COLS = 300 };
    machine m;
    goss_graph *g = goss_graph_new();
    const goss_extent one = goss_n(1), two = goss_n(2), n = goss_n(COLS);
    const bool conv = kind == 3;
    goss_val x = conv ? goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(one, one, one, one, two))
                      : goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(one, two));
    goss_val w = goss_param(g, "w", conv ? GOSS_SHAPE(one, one, one, two, n) : GOSS_SHAPE(two, n));
    goss_val y = conv        ? goss_conv(x, w, goss_conv_defaults())
                 : kind == 1 ? goss_matmul(w, x, true, true)
                             : goss_matmul(x, w, false, false);
    goss_schedule_options o = goss_schedule_defaults();
    o.disable = disable, o.bf16 = kind == 2 ? "w" : NULL;
    T_OK(machine_new(&m, g, &y, 1, NULL, 0, &o, 1, &err));
    float in[2] = {0, 1}, numbers[2 * COLS];
    for (int i = 0; i < 2 * COLS; i++) numbers[i] = i < COLS ? NAN : 3;
    goss_params_set(m.params, 0, numbers);
    T_OK(goss_exec_bind(m.exec, "x", in, &err));
    T_OK(goss_exec_run(m.exec, &err));
    const double result = *(const float *)goss_exec_output(m.exec, 0, NULL);
    machine_free(&m);
    return result;
}

TEST(rows_whose_factor_is_0_are_skipped_unless_disabled) {
    for (int kind = 0; kind < 4; kind++) {
        T_EQ(product_with_zero(kind, NULL), 3);
        T_CHECK(isnan(product_with_zero(kind, "skip-zeros")));
    }
}

TEST(threads_change_no_bit) {
    run("", 1, &a), run("", 3, &b);
    T_CHECK(same_bits());
}

/* one_hot takes any label: only a table's rows can be missing. The failure comes before anything is written in place.
 */
TEST(a_failed_run_changes_no_parameter) {
    enum { ROWS = 256 }; /* dear enough for a phase of its own, after the one that looks rows up */
    goss_graph *g = goss_graph_new();
    goss_shape s = GOSS_SHAPE(goss_n(ROWS), goss_n(128));
    goss_val p = goss_param(g, "p", s), at = goss_input(g, "at", GOSS_INDEX, GOSS_SHAPE(goss_n(4)));
    goss_val rows = goss_gather(goss_param(g, "table", GOSS_SHAPE(goss_n(8), goss_n(128))), at);
    goss_val update = goss_assign(p, goss_add(goss_scale(p, 2), goss_shift(goss_sum_all(rows), 1)));
    machine m;
    T_OK(machine_new(&m, g, NULL, 0, &update, 1, NULL, 2, &err));
    char *text = goss_schedule_text(m.program);
    T_CHECK(strstr(text, "in place of p") != NULL);
    goss_text_free(text);
    float *v = goss_params_data(m.params, goss_params_find(m.params, "p"));
    for (int i = 0; i < ROWS * 128; i++) v[i] = (float)i;
    int32_t index[4] = {0, 7, 8, 1};
    T_OK(goss_exec_bind(m.exec, "at", index, &err));
    T_ERR(goss_exec_run(m.exec, &err), GOSS_E_ARGUMENT, "gather: an index lies outside its table");
    for (int i = 0; i < ROWS * 128; i++) T_CHECK(v[i] == (float)i);
    index[2] = 2;
    T_OK(goss_exec_run(m.exec, &err));
    for (int i = 0; i < ROWS * 128; i++) T_CHECK(v[i] == (float)(2 * i + 1));
    machine_free(&m);
}

/* ---- a large matrix that many small items share ---- */

/* Sum over tasks and columns of relu(x B), x [T,1,K]; the program's text, the memory of one thread's run. */
static double shared_product(int64_t tasks, const char *disabled, bool *batched, size_t *memory) {
    enum { K = 128, M = 2100 };
    static float x[600 * K];
    machine m;
    goss_graph *g = goss_graph_new();
    goss_extent t = goss_symbol(g, "T", tasks), one = goss_n(1);
    goss_val in = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(t, one, goss_n(K)));
    goss_val matrix = goss_param(g, "b", GOSS_SHAPE(one, goss_n(K), goss_n(M)));
    goss_val sum = goss_sum_all(goss_relu(goss_matmul(in, matrix, false, false)));
    goss__rng r = goss__rng_make(4, 0);
    for (int64_t i = 0; i < tasks * K; i++) x[i] = (float)goss__rng_normal(&r);
    setenv("GOSSAMER_DISABLE", disabled, 1);
    if (machine_new(&m, g, &sum, 1, NULL, 0, NULL, 2, &err) != GOSS_OK) return NAN;
    float *numbers = goss_params_data(m.params, 0);
    for (int i = 0; i < K * M; i++) numbers[i] = (float)goss__rng_normal(&r);
    double result = goss_exec_bind(m.exec, "x", x, &err) == GOSS_OK && goss_exec_run(m.exec, &err) == GOSS_OK
                        ? (double)*(const float *)goss_exec_output(m.exec, 0, NULL)
                        : NAN;
    char *text = goss_schedule_text(m.program);
    *batched = text && strstr(text, "batched") != NULL;
    *memory = goss_schedule_memory(m.program, 1);
    goss_text_free(text);
    machine_free(&m);
    unsetenv("GOSSAMER_DISABLE");
    return result;
}

TEST(a_large_shared_matrix_is_read_once_per_tile) {
    bool batched, whole;
    size_t memory, before;
    const double sum = shared_product(600, "", &batched, &memory);
    T_CHECK(isfinite(sum) && sum > 0 && batched && memory < (2 << 20)); /* all results: 5 MB */
    T_NEAR(shared_product(600, "batch", &whole, &before) / sum, 1, 1e-5);
    T_CHECK(!whole);
    T_CHECK(isfinite(shared_product(20, "", &batched, &memory)));
    T_CHECK(!batched); /* a phase of its own, divided by columns */
}

/* ---- addends of products ---- */

enum { ROWS = 9, INNER = 19, COLS = 37, ADDENDS = 8, WIDE = 9000 };

/* Products and addends that fit an epilogue (rows, one for all or one for each task; arrays; other products), and that
 * do not (a number; a column). */
static void build_sums(goss_graph *g, goss_val *y) {
    goss_extent t = goss_symbol(g, "T", 3), one = goss_n(1), m = goss_n(ROWS), k = goss_n(INNER), n = goss_n(COLS);
#define IN(name, ...) goss_param(g, name, GOSS_SHAPE(__VA_ARGS__))
    goss_val u = IN("a", goss_n(3), m, k), v = IN("b", goss_n(3), k, n), turned = IN("bt", goss_n(3), n, k),
             task = IN("task", goss_n(3), one, n);
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(t, m, k)), w = IN("w", one, k, n);
    goss_val per_task = goss_matmul(u, v, false, false), by_turned = goss_matmul(u, turned, false, true);
    y[0] = goss_add(per_task, task);
    y[1] = goss_add(IN("all", one, one, n), by_turned);
    y[2] = goss_add(goss_matmul(x, goss_broadcast(w, GOSS_SHAPE(t, k, n)), false, false), IN("whole", one, m, n));
    y[3] = goss_add(goss_matmul(goss_scale(u, 2), v, false, false), goss_matmul(goss_scale(u, 3), turned, false, true));
    y[4] = goss_add(goss_matmul(IN("row", one, one, k), IN("matrix", one, k, goss_n(WIDE)), false, false),
                    IN("bias", one, one, goss_n(WIDE)));
    y[5] = goss_add(goss_matmul(goss_scale(u, 5), v, false, false), goss_const(g, 3));
    y[6] = goss_add(goss_matmul(goss_scale(u, 6), v, false, false), IN("column", goss_n(3), m, one));
    y[7] = goss_add(goss_matmul(goss_shift(v, 7), goss_scale(u, 8), true, true), IN("square", goss_n(3), n, m));
#undef IN
}

static void draw(goss__rng *r, void *data, int64_t n, goss_precision precision) {
    for (int64_t i = 0; i < n; i++) {
        const double v = goss__rng_normal(r);
        if (precision == GOSS_F64)
            ((double *)data)[i] = v;
        else
            ((float *)data)[i] = (float)v;
    }
}

/* All results of these, one after the other; how many products have an addend. */
static void run_sums(const char *disabled, goss_precision precision, int threads, int64_t tasks, double *out,
                     int64_t *count, int *three) {
    goss_val y[ADDENDS];
    machine m;
    static double x[3 * ROWS * INNER];
    goss_graph *g = goss_graph_new();
    goss_schedule_options o = goss_schedule_defaults();
    o.precision = precision;
    build_sums(g, y);
    setenv("GOSSAMER_DISABLE", disabled, 1);
    T_OK(machine_new(&m, g, y, ADDENDS, NULL, 0, &o, threads, &err));
    goss__rng r = goss__rng_make(5, 0);
    for (int i = 0; i < goss_params_count(m.params); i++)
        draw(&r, goss_params_data(m.params, i), goss_params_numel(m.params, i), precision);
    draw(&r, x, sizeof x / sizeof *x, precision);
    T_OK(goss_exec_bind(m.exec, "x", x, &err));
    T_OK(goss_exec_count(m.exec, "T", tasks, &err));
    T_OK(goss_exec_run(m.exec, &err));
    *count = 0;
    for (int i = 0; i < ADDENDS; i++) {
        int64_t n;
        const void *data = goss_exec_output(m.exec, i, &n);
        for (int64_t j = 0; j < n; j++)
            out[(*count)++] = precision == GOSS_F64 ? ((const double *)data)[j] : (double)((const float *)data)[j];
    }
    char *text = goss_schedule_text(m.program);
    *three = 0;
    for (const char *at = text; (at = strstr(at, "= matmul")); at++) { /* two commas between its operands */
        const char *open = strchr(at, '('), *close = strchr(at, ')'), *comma = strchr(open, ',');
        *three += comma && comma < close && strchr(comma + 1, ',') && strchr(comma + 1, ',') < close;
    }
    goss_text_free(text);
    machine_free(&m);
    unsetenv("GOSSAMER_DISABLE");
}

TEST(addends_are_fused_into_products) {
    enum { MOST = 4 * 3 * ROWS * COLS * 2 + WIDE + 8 };
    static double fused[MOST], apart[MOST];
    int64_t n, m;
    int with, without;
    for (int f64 = 0; f64 < 2; f64++)
        for (int64_t tasks = 1; tasks <= 3; tasks++) {
            run_sums("", f64 ? GOSS_F64 : GOSS_F32, (int)tasks, tasks, fused, &n, &with);
            run_sums("fuse-addend", f64 ? GOSS_F64 : GOSS_F32, 1, tasks, apart, &m, &without);
            T_EQ(with, 6);
            T_EQ(without, 0);
            T_EQ(n, m);
            T_CHECK(n < MOST && memcmp(fused, apart, (size_t)n * sizeof *fused) == 0);
        }
}

TEST_MAIN()
