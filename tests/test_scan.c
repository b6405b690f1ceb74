/* SPDX-License-Identifier: Apache-2.0 */
/* Scans against the same loop unrolled: values and gradients, in both directions, with lengths, nested, with run-time
 * counts, any number of threads and every way of keeping what a gradient reads. */
#include "base/alloc.h"
#include "gossamer/compose.h"
#include "scan_net.h"
#include "schedule/schedule.h"

/* 1 for samples with more than t steps. */
static goss_val active(goss_graph *g, goss_val length, int t) {
    return goss_unsqueeze(goss_less(goss_const(g, t), length), 2);
}

static void unrolled(goss_graph *g, net *n) {
    goss_val h = n->h0, c = n->c0, y[STEPS];
    for (int i = 0; i < STEPS; i++) {
        const int t = n->reverse ? STEPS - 1 - i : i;
        const goss_val x = goss_squeeze(goss_slice(n->x, 2, t, 1), 2), before = h, c_before = c;
        step(x, &h, &c, n->u, n->b, n->w);
        y[t] = goss_mul(h, c_before);
        if (goss_valid(n->length)) {
            const goss_val on = active(g, n->length, t);
            h = goss_select(on, h, before), c = goss_select(on, c, c_before);
            y[t] = goss_select(on, y[t], goss_const(g, 0));
        }
        y[t] = goss_unsqueeze(y[t], 2);
    }
    n->last_h = h, n->last_c = c, n->ys = goss_concat(y, STEPS, 2);
}

/* Values and gradients of the first and second order. */
enum { OUTPUTS = 3 + 2 * 6 };
static int outputs(world *w, net *n, goss_val *out) {
    const goss_val wrt[6] = {n->h0, n->c0, n->x, n->u, n->b, n->w};
    goss_val d[6], loss = goss_sum_all(goss_sin(n->ys)), second = goss_const(w->g, 0);
    loss = goss_add(loss, goss_sum_all(goss_mul(n->last_h, n->last_c)));
    out[0] = n->last_h, out[1] = n->last_c, out[2] = n->ys;
    T_EQ(goss_grad(loss, wrt, 6, d), GOSS_OK);
    for (int i = 0; i < 6; i++) out[3 + i] = d[i], second = goss_add(second, goss_sum_all(goss_sin(d[i])));
    T_EQ(goss_grad(second, wrt, 6, out + 9), GOSS_OK);
    return OUTPUTS;
}

/* Largest |a - b| relative to the largest |b|: second derivatives have sums of both signs. */
static double gap_of(const double *a, const double *b, int64_t n) {
    double gap = 0, most = 1;
    for (int64_t i = 0; i < n; i++) {
        const double d = fabs(a[i] - b[i]);
        gap = d <= gap ? gap : isfinite(d) ? d : INFINITY, most = fmax(most, fabs(b[i]));
    }
    return gap / most;
}

static void compare(bool own, bool reverse, bool ragged, int64_t keep_every, goss_precision precision, double bound) {
    world w = world_new();
    net n = {.steps = goss_n(STEPS), .reverse = reverse, .keep_every = keep_every}, m;
    goss_val a[OUTPUTS], b[2 * OUTPUTS];
    const double length[TASKS * SAMPLES] = {6, 3, 1, 5, 2, 6, 4, 0, 6, 6, 1, 3};
    make_net(&w, &n, own, goss_n(TASKS));
    if (ragged) n.length = world_input(&w, "length", GOSS_REAL, GOSS_SHAPE(goss_n(TASKS), goss_n(SAMPLES)), length);
    m = n;
    scanned(w.g, &n), unrolled(w.g, &m);
    outputs(&w, &n, a), outputs(&w, &m, b);
    memcpy(b + OUTPUTS, a, sizeof a);
    goss_error err = {0};
    T_OK(goss_graph_status(w.g, &err));
    if (world_compute(&w, precision, b, 2 * OUTPUTS) != GOSS_OK) T_FAIL("%s", w.err.text);
    for (int i = 0; i < OUTPUTS; i++) {
        T_NOTE("own %d, reverse %d, ragged %d, keep_every %lld, output %d", own, reverse, ragged, (long long)keep_every,
               i);
        T_EQ(w.numel[i], w.numel[OUTPUTS + i]);
        T_NEAR(gap_of(w.out[OUTPUTS + i], w.out[i], w.numel[i]), 0, bound);
    }
    world_free(&w);
}

TEST(a_scan_is_its_loop_unrolled) {
    const int64_t keep[] = {1, 0, 3, 4, 5, 9};
    for (int i = 0; i < 8; i++)
        for (size_t k = 0; k < sizeof keep / sizeof *keep; k++) compare(i & 1, i & 2, i & 4, keep[k], GOSS_F64, 1e-11);
    for (int i = 0; i < 8; i++) compare(i & 1, i & 2, i & 4, 1, GOSS_F32, 1e-4);
}

/* ---- running it ---- */

/* All outputs of a net with symbols T, N and L, at these counts and with so many threads. */
typedef struct run {
    double *out;
    size_t n;
    char *text;
} run;

typedef struct counts {
    int t, n, l;
} counts;

static goss_error err;

static void fill(float *v, int64_t n, uint64_t seed) {
    goss__rng r = goss__rng_make(seed, 5);
    for (int64_t i = 0; i < n; i++) v[i] = (float)(0.7 * goss__rng_normal(&r));
}

static run run_net(net n, bool own, counts c, int threads, goss_schedule_options o) {
    static const char *const name[6] = {"h0", "c0", "x", "u", "b", "w"};
    goss_graph *g = goss_graph_new();
    world w = {.g = g};
    goss_val out[OUTPUTS];
    goss_schedule *p;
    goss_threads *team;
    goss_exec *e;
    declare(g, &n, own);
    scanned(g, &n);
    outputs(&w, &n, out);
    T_OK(goss_graph_status(g, &err));
    T_OK(goss_compile(g, out, OUTPUTS, NULL, 0, &o, &p, &err));
    goss_graph_free(g);
    T_OK(goss_threads_new(threads, &team, &err));
    T_OK(goss_exec_new(p, NULL, team, &e, &err));
    T_OK(goss_exec_count(e, "T", c.t, &err));
    T_OK(goss_exec_count(e, "N", c.n, &err));
    T_OK(goss_exec_count(e, "L", c.l, &err));
    const int64_t rows = (int64_t)c.t * c.n * HIDDEN,
                  numel[6] = {rows,  rows, rows * c.l, (own ? c.t : 1) * HIDDEN * HIDDEN, (own ? c.t : 1) * HIDDEN,
                              HIDDEN};
    float *in[6];
    for (int i = 0; i < 6; i++) {
        in[i] = malloc((size_t)numel[i] * sizeof(float));
        fill(in[i], numel[i], (uint64_t)i);
        T_OK(goss_exec_bind(e, name[i], in[i], &err));
    }
    for (int i = 0; i < 2; i++) {
        const uint64_t before = goss__alloc_count();
        T_OK(goss_exec_run(e, &err));
        if (i) T_EQ(goss__alloc_count() - before, 0);
    }
    run r = {.text = goss_schedule_text(p)};
    for (int i = 0; i < OUTPUTS; i++) {
        int64_t k;
        const float *v = goss_exec_output(e, i, &k);
        r.out = realloc(r.out, (r.n + (size_t)k) * sizeof *r.out);
        for (int64_t j = 0; j < k; j++) r.out[r.n++] = v[j];
    }
    for (int i = 0; i < 6; i++) free(in[i]);
    goss_exec_free(e), goss_threads_free(team), goss_schedule_free(p);
    return r;
}

static void run_free(run r) { free(r.out), goss_text_free(r.text); }

/* Bits depend neither on threads nor on where values are, and little on how work is divided. */
TEST(bits_do_not_depend_on_threads_or_places) {
    const counts all[] = {{MOST_T, MOST_N, MOST_L}, {3, 5, 7}, {1, 1, 1}, {2, 6, 2}};
    for (int i = 0; i < 32; i++) {
        const net n = {.reverse = i & 1, .keep_every = i & 16 ? 4 : 1};
        const bool own = i & 2;
        goss_schedule_options o = goss_schedule_defaults(), apart = o, one = o;
        apart.no_reuse = true, one.no_tiles = true;
        const run a = run_net(n, own, all[i / 4 % 4], 1, o), b = run_net(n, own, all[i / 4 % 4], 3, o),
                  c = run_net(n, own, all[i / 4 % 4], 2, apart), d = run_net(n, own, all[i / 4 % 4], 2, one);
        T_NOTE("case %d", i);
        T_CHECK(a.n == b.n && memcmp(a.out, b.out, a.n * sizeof *a.out) == 0);
        T_CHECK(a.n == c.n && memcmp(a.out, c.out, a.n * sizeof *a.out) == 0);
        T_NEAR(gap_of(a.out, d.out, (int64_t)a.n), 0, 1e-4);
        run_free(a), run_free(b), run_free(c), run_free(d);
    }
}

/* A unit of samples, or a task with its own weights, goes through all steps: forward and in the gradient. */
TEST(scans_run_by_samples_or_by_tasks) {
    const counts c = {MOST_T, MOST_N, MOST_L};
    run shared = run_net((net){.keep_every = 1}, false, c, 1, goss_schedule_defaults()),
        own = run_net((net){.keep_every = 1}, true, c, 1, goss_schedule_defaults());
    const char *at[2] = {shared.text, own.text}, *items[2] = {"items [N*T]", "items [T]"};
    for (int i = 0; i < 2; i++) {
        int scans = 0;
        for (const char *s = at[i]; (s = strstr(s, "= scan []")); s++, scans++) {
            const char *phase = NULL;
            for (const char *p = at[i]; (p = strstr(p, "phase ")) && p < s; p++) phase = p;
            const char *found = phase ? strstr(phase, items[i]) : NULL;
            T_CHECK(found && found < strchr(phase, '\n'));
        }
        T_CHECK(scans >= 3);
    }
    run_free(shared), run_free(own);
}

/* ---- what it costs ---- */

TEST(a_long_scan_is_as_small_as_a_short_one) {
    uint32_t nodes[2];
    size_t text[2];
    for (int i = 0; i < 2; i++) {
        world w = world_new();
        net n = {.steps = goss_n(i ? 1000 : 10), .keep_every = 1};
        goss_val out[OUTPUTS];
        make_net(&w, &n, false, goss_n(1));
        scanned(w.g, &n), outputs(&w, &n, out);
        nodes[i] = goss_graph_size(w.g);
        goss_schedule *p;
        T_OK(goss_compile(w.g, out, OUTPUTS, NULL, 0, NULL, &p, &err));
        char *t = goss_schedule_text(p);
        text[i] = strlen(t);
        goss_text_free(t), goss_schedule_free(p), world_free(&w);
    }
    T_EQ(nodes[0], nodes[1]);
    T_CHECK(text[1] < text[0] + text[0] / 10); /* longer numbers alone */
}

/* Four times the steps are four times the memory where every step is kept. */
TEST(memory_grows_with_the_root_of_the_length) {
    const int64_t keep[3] = {1, 20, 0}, lengths[2] = {400, 1600};
    double bytes[2][3];
    for (int l = 0; l < 2; l++)
        for (int k = 0; k < 3; k++) {
            world w = world_new();
            net n = {.steps = goss_symbol(w.g, "L", lengths[l]), .keep_every = keep[k]};
            const goss_shape state = GOSS_SHAPE(goss_n(1), goss_n(16), goss_n(32));
            goss_schedule *p;
            goss_val d;
            n.h0 = n.c0 = goss_full(w.g, state, 0.1),
            n.x = goss_input(w.g, "x", GOSS_REAL, GOSS_SHAPE(goss_n(1), goss_n(16), n.steps, goss_n(1)));
            n.u = goss_input(w.g, "u", GOSS_REAL, GOSS_SHAPE(goss_n(1), goss_n(32), goss_n(32)));
            n.b = n.w = goss_input(w.g, "b", GOSS_REAL, GOSS_SHAPE(goss_n(1), goss_n(1), goss_n(32)));
            scanned(w.g, &n);
            T_OK(goss_grad(goss_sum_all(n.last_h), &n.u, 1, &d));
            T_OK(goss_compile(w.g, &d, 1, NULL, 0, NULL, &p, &err));
            bytes[l][k] = (double)goss_schedule_memory(p, 1);
            goss_schedule_free(p), world_free(&w);
        }
    for (int k = 1; k < 3; k++) { /* the rest is scratch of products, as large for any length */
        T_CHECK(6 * bytes[1][k] < bytes[1][0]);
        T_CHECK(20 * (bytes[1][k] - bytes[0][k]) < bytes[1][0] - bytes[0][0]);
    }
}

/* What nobody reads is not computed: the second carry here. */
TEST(results_that_nobody_reads_are_not_computed) {
    goss_graph *g = goss_graph_new();
    net n = {.keep_every = 1};
    declare(g, &n, false);
    goss_scan *s = goss_scan_begin(g, n.steps, goss_scan_defaults());
    goss_val h = goss_scan_carry(s, n.h0), c = goss_scan_carry(s, n.c0), x = goss_scan_slice(s, n.x);
    goss_scan_next(s, h, goss_tanh(goss_add(h, x)));
    goss_scan_next(s, c, goss_exp(goss_add(c, h)));
    goss_scan_emit(s, goss_sin(c));
    goss_scan_end(s);
    goss_val out[2] = {goss_scan_last(s, h), goss_scan_last(s, c)};
    for (int i = 1; i <= 2; i++) {
        goss_schedule *p;
        T_OK(goss_compile(g, out, i, NULL, 0, NULL, &p, &err));
        char *text = goss_schedule_text(p);
        T_EQ(strstr(text, "= exp") != NULL, i == 2);
        T_CHECK(!strstr(text, "= sin"));
        goss_text_free(text), goss_schedule_free(p);
    }
    goss_graph_free(g);
}

/* (x k) l is x (k l), and -(-x) is x, in a body as outside. */
TEST(bodies_are_rewritten) {
    goss_graph *g = goss_graph_new();
    net n = {.keep_every = 1};
    declare(g, &n, false);
    goss_scan *s = goss_scan_begin(g, n.steps, goss_scan_defaults());
    const goss_val h = goss_scan_carry(s, n.h0), x = goss_scan_slice(s, n.x), w = goss_scan_const(s, n.w);
    const goss_val next = goss_scale(goss_scale(goss_sin(goss_add(h, x)), 2), 0.25),
                   y = goss_neg(goss_neg(goss_mul(next, w)));
    goss_scan_next(s, h, next);
    goss_scan_emit(s, y);
    goss_scan_end(s);
    const goss_val out[2] = {goss_scan_last(s, h), goss_scan_stacked(s, y)};
    goss_schedule *p;
    T_OK(goss_compile(g, out, 2, NULL, 0, NULL, &p, &err));
    char *text = goss_schedule_text(p);
    const char *mul = strstr(text, "= mul");
    T_CHECK(!strstr(text, "= neg") && mul && (mul = strstr(mul + 1, "= mul")) && !strstr(mul + 1, "= mul"));
    goss_text_free(text), goss_schedule_free(p), goss_graph_free(g);
}

/* The cotangent of a matrix is one product over all steps, behind the loop. */
TEST(weight_gradients_are_products_outside_the_loop) {
    const run r = run_net((net){.keep_every = 1}, false, (counts){4, 6, 9}, 1, goss_schedule_defaults());
    T_CHECK(strstr(r.text, "= matmul [1,4,4]") != NULL);
    for (const char *at = r.text; (at = strstr(at, "= matmul [1,4,4]")); at++) {
        const char *line = at;
        while (line > r.text && line[-1] != '\n') line--;
        T_CHECK(strncmp(line, "  %", 3) == 0); /* not in a body */
    }
    run_free(r);
}

/* h' = tanh(h w + x) of `tasks` tasks of one row, w shared; the cotangent of h0. */
static goss_schedule *rows_of(int tasks) {
    const goss_extent T = goss_n(tasks), one = goss_n(1), H = goss_n(16);
    goss_graph *g = goss_graph_new();
    const goss_val h0 = goss_input(g, "h0", GOSS_REAL, GOSS_SHAPE(T, one, H)),
                   x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(T, one, goss_n(50), H));
    const goss_val w = goss_input(g, "w", GOSS_REAL, GOSS_SHAPE(one, H, H));
    goss_scan *s = goss_scan_begin(g, goss_n(50), goss_scan_defaults());
    const goss_val h = goss_scan_carry(s, h0), xt = goss_scan_slice(s, x);
    goss_scan_next(s, h, goss_tanh(goss_add(goss_matmul(h, goss_scan_const(s, w), false, false), xt)));
    goss_scan_end(s);
    goss_val d;
    goss_schedule *p;
    T_OK(goss_grad(goss_sum_all(goss_scan_last(s, h)), &h0, 1, &d));
    T_OK(goss_compile(g, &d, 1, NULL, 0, NULL, &p, &err));
    goss_graph_free(g);
    return p;
}

/* The gradient's product with the transposed matrix: it is turned round before the first step. */
TEST(a_gradient_transposes_its_matrix_once) {
    goss_schedule *p = rows_of(8);
    char *text = goss_schedule_text(p);
    const char *once = strstr(text, "once:"), *each = once ? strstr(once, "each step:") : NULL,
               *turned = once ? strstr(once, "= permute") : NULL;
    T_CHECK(each && turned && turned < each);
    goss_text_free(text), goss_schedule_free(p);
}

/* A step multiplies four rows at least, and no more where there are units for all cores. */
TEST(steps_multiply_several_rows) {
    for (int tasks = 2; tasks <= 64; tasks *= 2) {
        goss_schedule *p = rows_of(tasks);
        T_NOTE("%d tasks", tasks);
        T_EQ(goss__unit_items(&p->phases[0], tasks), tasks < 4 ? tasks : tasks <= 32 ? 4 : 8);
        goss_schedule_free(p);
    }
}

/* Without scan-sums it is summed in the loop's body, to the same numbers up to rounding. */
TEST(scan_sums_can_stay_in_the_loop) {
    const run moved = run_net((net){.keep_every = 1}, false, (counts){4, 6, 9}, 1, goss_schedule_defaults());
    setenv("GOSSAMER_DISABLE", "scan-sums", 1);
    const run inside = run_net((net){.keep_every = 1}, false, (counts){4, 6, 9}, 1, goss_schedule_defaults());
    unsetenv("GOSSAMER_DISABLE");
    int in_bodies = 0;
    for (const char *at = inside.text; (at = strstr(at, "= matmul [1,4,4]")); at++) {
        const char *line = at;
        while (line > inside.text && line[-1] != '\n') line--;
        in_bodies += strncmp(line, "  %", 3) != 0;
    }
    T_CHECK(in_bodies > 0 && moved.n == inside.n);
    T_CHECK(memcmp(moved.out, inside.out, (size_t)moved.n * sizeof *moved.out) != 0);
    T_NEAR(gap_of(moved.out, inside.out, (int64_t)moved.n), 0, 1e-5);
    run_free(moved), run_free(inside);
}

/* d/dw of y with the cotangent 0, where y[t] = x[t] + log w and w = 0. `reads`: whether y reads log w at all. */
static double gradient_of_zero(const char *disabled, bool reads) {
    setenv("GOSSAMER_DISABLE", disabled, 1);
    world w = world_new();
    unsetenv("GOSSAMER_DISABLE");
    const double zeros[3] = {0};
    const goss_val x = world_input(&w, "x", GOSS_REAL, GOSS_SHAPE(goss_n(1), goss_n(1), goss_n(3)), zeros),
                   at = world_input(&w, "w", GOSS_REAL, GOSS_SHAPE(goss_n(1), goss_n(1)), zeros);
    goss_scan *s = goss_scan_begin(w.g, goss_n(3), goss_scan_defaults());
    const goss_val xt = goss_scan_slice(s, x), c = goss_scan_const(s, goss_log(at));
    const goss_val both = goss_add(xt, c), twice = goss_scale(xt, 2);
    goss_scan_emit(s, both), goss_scan_emit(s, twice);
    goss_scan_end(s);
    const goss_val y = goss_scan_stacked(s, reads ? both : twice);
    goss_val d;
    T_EQ(goss_vjp(y, goss_zeros_like(y), &at, 1, &d), GOSS_OK);
    T_OK(world_compute(&w, GOSS_F64, &d, 1));
    const double result = w.out[0][0];
    world_free(&w);
    return result;
}

/* The switch zero-cotangent acts on a scan's constants, too: 0 / w is NaN then, where y depends on it. */
TEST(a_zero_cotangent_passes_a_scan_if_it_is_asked_to) {
    T_EQ(gradient_of_zero("", true), 0);
    T_CHECK(isnan(gradient_of_zero("zero-cotangent", true)));
    T_CHECK(isnan(gradient_of_zero("zero-cotangent,scan-sums", true)));
    T_EQ(gradient_of_zero("zero-cotangent", false), 0);
}

/* ---- lengths ---- */

TEST(padding_never_changes_a_result) {
    const double length[6] = {1, 3, 6, 2, 4, 5}, junk[2] = {7, NAN};
    double *result[2] = {NULL, NULL};
    int64_t numel = 0;
    for (int k = 0; k < 2; k++) {
        world w = world_new();
        net n = {.steps = goss_n(6), .keep_every = 1};
        make_net(&w, &n, false, goss_n(1));
        n.h0 = world_normal(&w, "h", GOSS_SHAPE(goss_n(1), goss_n(6), goss_n(HIDDEN)));
        n.c0 = world_normal(&w, "c", goss_shape_of(n.h0));
        n.x = world_normal(&w, "xs", GOSS_SHAPE(goss_n(1), goss_n(6), n.steps, goss_n(HIDDEN)));
        n.length = world_input(&w, "length", GOSS_REAL, GOSS_SHAPE(goss_n(1), goss_n(6)), length);
        double *x = world_numbers(&w, "xs");
        for (int i = 0; i < 6; i++)
            for (int t = (int)length[i]; t < 6; t++)
                for (int j = 0; j < HIDDEN; j++) x[(i * 6 + t) * HIDDEN + j] = junk[k];
        goss_val out[OUTPUTS];
        scanned(w.g, &n), outputs(&w, &n, out);
        if (world_compute(&w, GOSS_F32, out, OUTPUTS) != GOSS_OK) T_FAIL("%s", w.err.text);
        for (int i = 0; i < OUTPUTS; i++) {
            result[k] = realloc(result[k], (size_t)(numel + w.numel[i]) * sizeof(double));
            memcpy(result[k] + numel, w.out[i], (size_t)w.numel[i] * sizeof(double));
            numel += w.numel[i];
        }
        for (int i = 0; k == 0 && i < 6; i++) /* and what is stacked is 0 there */
            for (int t = (int)length[i]; t < 6; t++) T_CHECK(w.out[2][(i * 6 + t) * HIDDEN] == 0);
        numel = k ? numel : 0;
        world_free(&w);
    }
    T_CHECK(memcmp(result[0], result[1], (size_t)numel * sizeof(double)) == 0);
    free(result[0]), free(result[1]);
}

/* merge-taps rebuilds what depends on a max pool, scans included, on other operands. */
TEST(a_scan_reads_a_pool_whose_taps_are_kept) {
    world w = world_new();
    const goss_extent one = goss_n(1), n = goss_n(STEPS), c = goss_n(HIDDEN);
    const goss_val map = world_normal(&w, "map", GOSS_SHAPE(one, n, goss_n(4), goss_n(4), c));
    const goss_val pooled = goss_max_pool(map, goss_pool_defaults(4));
    goss_scan *s = goss_scan_begin(w.g, n, goss_scan_defaults());
    const goss_val x = goss_reshape(pooled, GOSS_SHAPE(one, one, n, c));
    const goss_val h = goss_scan_carry(s, world_normal(&w, "h0", GOSS_SHAPE(one, one, c)));
    goss_scan_next(s, h, goss_tanh(goss_add(h, goss_scan_slice(s, x))));
    goss_scan_end(s);
    goss_val out[] = {goss_scan_last(s, h), {w.g, 0}};
    T_OK(goss_grad(goss_sum_all(out[0]), &map, 1, &out[1]));
    T_OK(world_compute(&w, GOSS_F64, out, 2));
    double state[HIDDEN], moved = 0;
    memcpy(state, world_numbers(&w, "h0"), sizeof state);
    for (int t = 0; t < STEPS; t++)
        for (int k = 0; k < HIDDEN; k++) {
            double most = -INFINITY;
            for (int p = 0; p < 16; p++) most = fmax(most, world_numbers(&w, "map")[(t * 16 + p) * HIDDEN + k]);
            state[k] = tanh(state[k] + most);
        }
    for (int k = 0; k < HIDDEN; k++) T_NEAR(w.out[0][k], state[k], 1e-12);
    for (int64_t i = 0; i < w.numel[1]; i++) moved += w.out[1][i] != 0;
    T_CHECK(moved == STEPS * HIDDEN); /* one tap a step and channel has a gradient */
    world_free(&w);
}

TEST_MAIN()
