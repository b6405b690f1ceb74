/* SPDX-License-Identifier: Apache-2.0 */
/* Training a table by rows: the dense step where each row is met once; rows that are not met; samples that share a
 * row; threads; a resume; what is refused. */
#include "base/alloc.h"
#include "base/rng.h"
#include "gossamer/step.h"
#include "test.h"

enum { ROWS = 64, D = 3, SAMPLES = 64, MANY = 4096 };

/* loss = mean(c x^2 / 2 + e x) over samples, x the sample's row of the table: a gradient that each sample sets. */
typedef struct problem {
    int rows, samples;
    bool dense, broken; /* all of the table is trained; its values are not given */
    goss_layout *table;
    goss_threads *threads;
    int32_t of[MANY];                    /* the row of a sample */
    int32_t distinct[MANY], place[MANY]; /* those of the step, and each sample's place among them */
    int n;                               /* of them */
    float c[MANY * D], e[MANY * D];
} problem;

static goss_error err;

static void begin(problem *p, int rows, int samples, int threads) {
    *p = (problem){.rows = rows, .samples = samples};
    const goss_entry e = {.name = "rows",
                          .rank = 2,
                          .dim = {rows, D},
                          .init = GOSS_INIT_NORMAL,
                          .fan_in = 1,
                          .fan_out = D,
                          .role = GOSS_ROLE_WEIGHT,
                          .layer = -1,
                          .out_units = -1,
                          .in_units = -1};
    T_OK(goss_layout_new(&p->table, &err));
    T_OK(goss_layout_add(p->table, &e, &err));
    T_OK(goss_threads_new(threads, &p->threads, &err));
}

static void end(problem *p) { goss_layout_free(p->table), goss_threads_free(p->threads); }

/* Numbers of step k; rows are drawn from the first `from`, each once if `once`. */
static void draw(problem *p, int k, int from, bool once) {
    goss__rng r = goss__rng_make(17, (uint64_t)k);
    uint32_t turn[MANY];
    for (int i = 0; i < from; i++) turn[i] = (uint32_t)i;
    if (once) goss__rng_shuffle(&r, turn, (uint32_t)from, (uint32_t)p->samples);
    for (int i = 0; i < p->samples; i++)
        p->of[i] = once ? (int32_t)turn[i] : (int32_t)goss__rng_below(&r, (uint32_t)from);
    for (int i = 0; i < p->samples * D; i++)
        p->c[i] = (float)goss__rng_normal(&r), p->e[i] = (float)goss__rng_normal(&r);
    p->n = 0;
    for (int i = 0; i < p->samples; i++) {
        int at = 0;
        while (at < p->n && p->distinct[at] != p->of[i]) at++;
        if (at == p->n) p->distinct[p->n++] = p->of[i];
        p->place[i] = at;
    }
}

static goss_status build(void *context, goss_graph *g, int64_t tasks, goss_step_loss *out, goss_error *e) {
    const problem *p = context;
    const goss_shape samples = GOSS_SHAPE(goss_n(p->samples), goss_n(D));
    goss_extent R = goss_symbol(g, "R", p->samples);
    goss_val table = goss_param(g, "table", GOSS_SHAPE(goss_n(p->rows), goss_n(D)));
    goss_val rows = goss_input(g, "rows", GOSS_INDEX, GOSS_SHAPE(R));
    goss_val values = goss_variable(goss_gather(table, rows));
    goss_val at = goss_input(g, p->dense ? "of" : "place", GOSS_INDEX, GOSS_SHAPE(goss_n(p->samples)));
    goss_val x = goss_gather(p->dense ? table : values, at);
    goss_val c = goss_input(g, "c", GOSS_REAL, samples), b = goss_input(g, "e", GOSS_REAL, samples);
    goss_val loss = goss_add(goss_scale(goss_mul(c, goss_square(x)), 0.5), goss_mul(b, x));
    *out = (goss_step_loss){.loss = goss_sum_all(loss), .n_params = 1};
    out->param[0] = (goss_step_param){.name = "table", .layout = p->table, .param = table};
    if (!p->dense) out->param[0].rows = rows, out->param[0].values = p->broken ? GOSS_NONE : values;
    return goss_graph_status(g, e);
}

static goss_status bind(void *context, goss_exec *exec, int64_t first, int64_t tasks, goss_error *e) {
    const problem *p = context;
    GOSS_TRY(goss_exec_bind(exec, "c", p->c, e));
    GOSS_TRY(goss_exec_bind(exec, "e", p->e, e));
    if (p->dense) return goss_exec_bind(exec, "of", p->of, e);
    GOSS_TRY(goss_exec_bind(exec, "place", p->place, e));
    GOSS_TRY(goss_exec_bind(exec, "rows", p->distinct, e));
    return goss_exec_count(exec, "R", p->n, e);
}

static goss_step *open(problem *p, goss_optimizer_options optimizer) {
    goss_step *s;
    goss_step_options o = goss_step_defaults();
    o.optimizer = optimizer;
    T_OK(goss_step_new(&(goss_step_source){build, bind, p}, &o, p->threads, &s, &err));
    goss_params *params = goss_step_params(s);
    goss_layout_initialize(p->table, 5, goss_params_data(params, goss_params_find(params, "table")));
    return s;
}

static void run(problem *p, goss_step *s, int k, int from, bool once) {
    goss_step_result r;
    draw(p, k, from, once);
    T_OK(goss_step_run(s, 1, 0.05, 9, (uint64_t)k, &r, &err));
    T_CHECK(r.applied);
}

static const float *numbers_of(const goss_step *s, const char *name) {
    goss_params *p = goss_step_params(s);
    const int at = goss_params_find(p, name);
    if (at < 0) T_FAIL("there is no parameter %s", name);
    return goss_params_data(p, at);
}

static bool same(const goss_step *a, const goss_step *b, const char *name, int rows) {
    return memcmp(numbers_of(a, name), numbers_of(b, name), (size_t)rows * D * sizeof(float)) == 0;
}

static goss_optimizer_options options(goss_optimizer_kind kind) {
    goss_optimizer_options o = goss_optimizer_defaults();
    o.kind = kind, o.weight_decay = 0.02, o.ema_decay = 0.9;
    return o;
}

/* All rows, in another order in each step. */
TEST(a_step_that_meets_each_row_once_is_the_dense_step) {
    for (int kind = GOSS_SGD; kind <= GOSS_ADAMW; kind++) {
        problem by_rows, dense;
        begin(&by_rows, ROWS, SAMPLES, 1), begin(&dense, ROWS, SAMPLES, 1);
        dense.dense = true;
        goss_step *a = open(&by_rows, options((goss_optimizer_kind)kind));
        goss_step *b = open(&dense, options((goss_optimizer_kind)kind));
        for (int k = 0; k < 20; k++) run(&by_rows, a, k, ROWS, true), run(&dense, b, k, ROWS, true);
        T_NOTE("optimizer %d", kind);
        T_CHECK(same(a, b, "table", ROWS) && same(a, b, "ema.table", ROWS));
        if (kind == GOSS_SGD) T_CHECK(same(a, b, "sgd.m.table", ROWS));
        if (kind != GOSS_SGD) T_CHECK(same(a, b, "adam.m.table", ROWS) && same(a, b, "adam.v.table", ROWS));
        goss_step_free(a), goss_step_free(b);
        end(&by_rows), end(&dense);
    }
}

/* Plain SGD has no state: a row that is not met has gradient 0 in the dense step, too. */
TEST(plain_sgd_sums_a_row_s_gradients_as_the_dense_step_does) {
    problem by_rows, dense;
    begin(&by_rows, ROWS, SAMPLES, 1), begin(&dense, ROWS, SAMPLES, 1);
    dense.dense = true;
    goss_optimizer_options o = goss_optimizer_defaults();
    o.kind = GOSS_SGD, o.momentum = 0;
    goss_step *a = open(&by_rows, o), *b = open(&dense, o);
    for (int k = 0; k < 20; k++) {
        run(&by_rows, a, k, ROWS / 4, false), run(&dense, b, k, ROWS / 4, false);
        T_CHECK(by_rows.n < SAMPLES); /* samples share rows */
    }
    T_CHECK(same(a, b, "table", ROWS));
    goss_step_free(a), goss_step_free(b);
    end(&by_rows), end(&dense);
}

TEST(a_row_that_is_not_met_keeps_its_bits) {
    static const char *const names[] = {"table", "adam.m.table", "adam.v.table", "ema.table"};
    problem p;
    float before[4][ROWS * D];
    begin(&p, ROWS, 24, 1);
    goss_optimizer_options o = options(GOSS_ADAMW);
    o.clip_norm = 0.3;
    goss_step *s = open(&p, o);
    for (int k = 0; k < 5; k++) run(&p, s, k, ROWS, false);
    for (int k = 5; k < 12; k++) {
        bool met[ROWS] = {0};
        float steps[ROWS];
        for (int i = 0; i < 4; i++) memcpy(before[i], numbers_of(s, names[i]), sizeof before[i]);
        memcpy(steps, numbers_of(s, "optimizer.t.table"), sizeof steps);
        run(&p, s, k, ROWS, false);
        for (int i = 0; i < p.n; i++) met[p.distinct[i]] = true;
        for (int row = 0; row < ROWS; row++) {
            for (int i = 0; i < 4; i++) {
                const float *now = numbers_of(s, names[i]) + row * D;
                const bool kept = memcmp(before[i] + row * D, now, D * sizeof *now) == 0;
                if (kept == met[row]) T_FAIL("step %d, row %d: %s %s", k, row, names[i], kept ? "stays" : "changes");
            }
            T_CHECK(numbers_of(s, "optimizer.t.table")[row] == steps[row] + (float)met[row]);
        }
    }
    goss_step_free(s);
    end(&p);
}

TEST(any_number_of_threads_gives_the_same_bits) {
    problem p[3];
    goss_step *s[3];
    goss_optimizer_options o = options(GOSS_ADAM);
    o.clip_norm = 1;
    for (int i = 0; i < 3; i++) {
        begin(&p[i], MANY, MANY, i + 1);
        s[i] = open(&p[i], o);
        for (int k = 0; k < 4; k++) run(&p[i], s[i], k, MANY / 8, false);
    }
    for (int i = 1; i < 3; i++) T_CHECK(same(s[0], s[i], "table", MANY) && same(s[0], s[i], "adam.v.table", MANY));
    for (int i = 0; i < 3; i++) goss_step_free(s[i]), end(&p[i]);
}

/* A checkpoint of the store is complete. */
TEST(a_resume_goes_on_with_the_same_bits) {
    problem p;
    begin(&p, ROWS, 24, 1);
    goss_step *whole = open(&p, options(GOSS_ADAMW)), *begun = open(&p, options(GOSS_ADAMW));
    goss_step *resumed = open(&p, options(GOSS_ADAMW));
    for (int k = 0; k < 10; k++) run(&p, whole, k, ROWS, false);
    for (int k = 0; k < 4; k++) run(&p, begun, k, ROWS, false);
    goss_params *from = goss_step_params(begun), *to = goss_step_params(resumed);
    for (int i = 0; i < goss_params_count(from); i++)
        memcpy(goss_params_data(to, goss_params_find(to, goss_params_name(from, i))), goss_params_data(from, i),
               (size_t)goss_params_numel(from, i) * sizeof(float));
    for (int k = 4; k < 10; k++) run(&p, resumed, k, ROWS, false);
    T_CHECK(same(whole, resumed, "table", ROWS) && same(whole, resumed, "ema.table", ROWS));
    T_CHECK(!same(whole, begun, "table", ROWS));
    goss_step_free(whole), goss_step_free(begun), goss_step_free(resumed);
    end(&p);
}

/* No step holds a number for each row of the table, nor allocates. */
TEST(memory_of_a_step_does_not_depend_on_the_table) {
    size_t bytes[2];
    for (int i = 0; i < 2; i++) {
        problem p;
        begin(&p, i ? 300000 : 300, 24, 1);
        goss_step *s = open(&p, options(GOSS_ADAMW));
        bytes[i] = goss_step_memory(s);
        run(&p, s, 0, 300, false);
        const uint64_t allocated = goss__alloc_count();
        for (int k = 1; k < 4; k++) run(&p, s, k, 300, false);
        T_EQ(goss__alloc_count() - allocated, 0);
        goss_step_free(s);
        end(&p);
    }
    T_EQ(bytes[0], bytes[1]);
}

TEST(a_factor_of_the_rate_is_that_of_all_rows) {
    problem p;
    begin(&p, ROWS, 24, 1);
    float start[ROWS * D];
    goss_step_options o = goss_step_defaults();
    const goss_scale_rule none[] = {{"table", 0}};
    goss_step *s;
    o.rates = none, o.n_rates = 1, o.optimizer.weight_decay = 0.1;
    T_OK(goss_step_new(&(goss_step_source){build, bind, &p}, &o, p.threads, &s, &err));
    goss_params *params = goss_step_params(s);
    goss_layout_initialize(p.table, 5, goss_params_data(params, goss_params_find(params, "table")));
    memcpy(start, numbers_of(s, "table"), sizeof start);
    for (int k = 0; k < 3; k++) run(&p, s, k, ROWS, false);
    T_CHECK(memcmp(start, numbers_of(s, "table"), sizeof start) == 0);
    goss_step_free(s);
    end(&p);
}

TEST(what_can_not_be_trained_by_rows_is_refused) {
    problem p;
    goss_step *s;
    goss_step_result r;
    begin(&p, ROWS, 24, 1);
    goss_step_options o = goss_step_defaults();
    o.micro_batch = 1;
    T_ERR(goss_step_new(&(goss_step_source){build, bind, &p}, &o, p.threads, &s, &err), GOSS_E_ARGUMENT,
          "parameter table is trained by the rows of a whole batch");
    o.micro_batch = 0, p.broken = true;
    T_ERR(goss_step_new(&(goss_step_source){build, bind, &p}, &o, p.threads, &s, &err), GOSS_E_ARGUMENT,
          "parameter table of a step is trained by rows: it needs rows and values");
    p.broken = false;
    s = open(&p, options(GOSS_ADAMW));
    float start[ROWS * D];
    memcpy(start, numbers_of(s, "table"), sizeof start);
    draw(&p, 0, ROWS, false);
    p.distinct[p.n - 1] = ROWS;
    T_ERR(goss_step_run(s, 1, 0.05, 9, 0, &r, &err), GOSS_E_ARGUMENT, "an index lies outside its table");
    T_CHECK(memcmp(start, numbers_of(s, "table"), sizeof start) == 0);
    goss_step_free(s);
    end(&p);
}
TEST_MAIN()
