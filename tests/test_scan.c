/* SPDX-License-Identifier: Apache-2.0 */
/* Scans against the same loop unrolled: values and gradients, in both directions, with lengths, nested, with run-time
 * counts, any number of threads and every way of keeping what a gradient reads. */
#include "base/alloc.h"
#include "gossamer/compose.h"
#include "gossamer/program.h"
#include "gossamer/scan.h"
#include "graph_check.h"

enum { TASKS = 3, SAMPLES = 4, STEPS = 6, IN = 3, HIDDEN = 4 };

/* h' = tanh(x + h u + b) and c' = c + w h': a matrix that tasks share or not, a bias, a second carry. */
typedef struct net {
    goss_val h0, c0, x, u, b, w, length;
    goss_extent steps;
    bool reverse, own;
    int64_t keep_every;
    goss_val last_h, last_c, ys;
} net;

static void make_net(world *w, net *n, bool own, goss_extent tasks) {
    n->own = own;
    const goss_extent s = goss_n(SAMPLES), t = own ? tasks : goss_n(1);
    n->h0 = world_normal(w, "h0", GOSS_SHAPE(tasks, s, goss_n(HIDDEN)));
    n->c0 = world_normal(w, "c0", GOSS_SHAPE(tasks, s, goss_n(HIDDEN)));
    n->x = world_normal(w, "x", GOSS_SHAPE(tasks, s, n->steps, goss_n(HIDDEN)));
    n->u = world_normal(w, "u", GOSS_SHAPE(t, goss_n(HIDDEN), goss_n(HIDDEN)));
    n->b = world_normal(w, "b", GOSS_SHAPE(t, goss_n(1), goss_n(HIDDEN)));
    n->w = world_normal(w, "w", GOSS_SHAPE(goss_n(1), goss_n(1), goss_n(HIDDEN)));
}

static void step(goss_val x, goss_val *h, goss_val *c, goss_val u, goss_val b, goss_val w) {
    *h = goss_tanh(goss_add(x, goss_add(goss_matmul(*h, u, false, false), b)));
    *c = goss_add(*c, goss_mul(goss_sigmoid(*c), goss_mul(*h, w)));
}

static void scanned(goss_graph *g, net *n) {
    goss_scan_options o = goss_scan_defaults();
    o.reverse = n->reverse, o.length = n->length, o.keep_every = n->keep_every;
    goss_scan *s = goss_scan_begin(g, n->steps, o);
    goss_val h = goss_scan_carry(s, n->h0), c = goss_scan_carry(s, n->c0), h1 = h, c1 = c;
    step(goss_scan_slice(s, n->x), &h1, &c1, goss_scan_const(s, n->u), goss_scan_const(s, n->b),
         goss_scan_const(s, n->w));
    goss_scan_next(s, h, h1);
    goss_scan_next(s, c, c1);
    const goss_val y = goss_mul(h1, c);
    goss_scan_emit(s, y);
    goss_scan_end(s);
    n->last_h = goss_scan_last(s, h), n->last_c = goss_scan_last(s, c), n->ys = goss_scan_stacked(s, y);
}

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

enum { MOST_T = 4, MOST_N = 6, MOST_L = 9 };
typedef struct counts {
    int t, n, l;
} counts;

static goss_error err;

static void fill(float *v, int64_t n, uint64_t seed) {
    goss__rng r = goss__rng_make(seed, 5);
    for (int64_t i = 0; i < n; i++) v[i] = (float)(0.7 * goss__rng_normal(&r));
}

static void declare(goss_graph *g, net *n, bool own) {
    const goss_extent t = goss_symbol(g, "T", MOST_T), s = goss_symbol(g, "N", MOST_N), h = goss_n(HIDDEN);
    n->steps = goss_symbol(g, "L", MOST_L);
    n->h0 = goss_input(g, "h0", GOSS_REAL, GOSS_SHAPE(t, s, h)),
    n->c0 = goss_input(g, "c0", GOSS_REAL, goss_shape_of(n->h0));
    n->x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(t, s, n->steps, h));
    n->u = goss_input(g, "u", GOSS_REAL, GOSS_SHAPE(own ? t : goss_n(1), h, h));
    n->b = goss_input(g, "b", GOSS_REAL, GOSS_SHAPE(own ? t : goss_n(1), goss_n(1), h));
    n->w = goss_input(g, "w", GOSS_REAL, GOSS_SHAPE(goss_n(1), goss_n(1), h));
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

/* ---- recurrent layers ---- */

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

/* The formulas of compose.h for one sample of D = 2, H = 2, on z = x w + b and v = h u + c. */
typedef void (*cell)(const double *z, const double *v, double *h, double *c);
static void rnn_cell(const double *z, const double *v, double *h, double *c) {
    for (int k = 0; k < 2; k++) h[k] = tanh(z[k] + v[k]);
}
static void gru_cell(const double *z, const double *v, double *h, double *c) {
    for (int k = 0; k < 2; k++) {
        const double r = sigmoid(z[k] + v[k]), u = sigmoid(z[2 + k] + v[2 + k]), n = tanh(z[4 + k] + r * v[4 + k]);
        h[k] = n + u * (h[k] - n);
    }
}
static void lstm_cell(const double *z, const double *v, double *h, double *c) {
    for (int k = 0; k < 2; k++) {
        const double i = sigmoid(z[k] + v[k]), f = sigmoid(z[2 + k] + v[2 + k]), g = tanh(z[4 + k] + v[4 + k]),
                     o = sigmoid(z[6 + k] + v[6 + k]);
        c[k] = f * c[k] + i * g, h[k] = o * tanh(c[k]);
    }
}

TEST(recurrent_layers_are_their_formulas) {
    static const struct {
        int gates;
        cell step;
    } layer[] = {{1, rnn_cell}, {3, gru_cell}, {4, lstm_cell}};
    enum { N = 3, L = 5 };
    for (int way = 0; way < 6; way++) {
        world w = world_new();
        const int which = way / 2, columns = 2 * layer[which].gates;
        const bool reverse = way % 2;
        const goss_extent one = goss_n(1), g = goss_n(columns);
        const goss_val x = world_normal(&w, "x", GOSS_SHAPE(one, goss_n(N), goss_n(L), goss_n(2)));
        const goss_recurrent p = {.w = world_normal(&w, "w", GOSS_SHAPE(one, goss_n(2), g)),
                                  .u = world_normal(&w, "u", GOSS_SHAPE(one, goss_n(2), g)),
                                  .b = world_normal(&w, "b", GOSS_SHAPE(one, g)),
                                  .c = world_normal(&w, "c", GOSS_SHAPE(one, g))};
        goss_scan_options o = goss_scan_defaults();
        goss_val out[3] = {{0}};
        o.reverse = reverse;
        out[0] = which == 0   ? goss_rnn(x, GOSS_NONE, p, o, &out[1])
                 : which == 1 ? goss_gru(x, GOSS_NONE, p, o, &out[1])
                              : goss_lstm(x, GOSS_NONE, GOSS_NONE, p, o, &out[1], &out[2]);
        T_NOTE("layer %d, reverse %d", which, reverse);
        if (world_compute(&w, GOSS_F64, out, which == 2 ? 3 : 2) != GOSS_OK) T_FAIL("%s", w.err.text);
        const double *xs = world_numbers(&w, "x"), *wx = world_numbers(&w, "w"), *u = world_numbers(&w, "u");
        for (int n = 0; n < N; n++) {
            double h[2] = {0, 0}, c[2] = {0, 0};
            for (int s = 0; s < L; s++) {
                const int t = reverse ? L - 1 - s : s;
                double z[8], v[8];
                for (int k = 0; k < columns; k++) {
                    const double *at = xs + (n * L + t) * 2;
                    z[k] = world_numbers(&w, "b")[k] + at[0] * wx[k] + at[1] * wx[columns + k];
                    v[k] = world_numbers(&w, "c")[k] + h[0] * u[k] + h[1] * u[columns + k];
                }
                layer[which].step(z, v, h, c);
                for (int k = 0; k < 2; k++) T_NEAR(w.out[0][(n * L + t) * 2 + k], h[k], 1e-12);
            }
            for (int k = 0; k < 2; k++) T_NEAR(w.out[1][n * 2 + k], h[k], 1e-12);
            for (int k = 0; which == 2 && k < 2; k++) T_NEAR(w.out[2][n * 2 + k], c[k], 1e-12);
        }
        world_free(&w);
    }
}

/* A parity of bits needs memory: some steps of plain gradient descent find it. */
TEST(an_lstm_learns_to_remember_a_bit) {
    enum { N = 16, L = 4, H = 8 };
    world w = world_new();
    double bits[N * L], target[N];
    for (int n = 0; n < N; n++) {
        target[n] = 2 * (n & 1) - 1; /* the first bit, three steps before the end */
        for (int t = 0; t < L; t++) bits[n * L + t] = 2 * (n >> t & 1) - 1;
    }
    const goss_extent one = goss_n(1), g = goss_n(4 * H);
    const goss_val x = world_input(&w, "x", GOSS_REAL, GOSS_SHAPE(one, goss_n(N), goss_n(L), one), bits),
                   y = world_input(&w, "y", GOSS_REAL, GOSS_SHAPE(one, goss_n(N), one), target);
    const goss_recurrent p = {.w = goss_param(w.g, "w", GOSS_SHAPE(one, one, g)),
                              .u = goss_param(w.g, "u", GOSS_SHAPE(one, goss_n(H), g)),
                              .b = goss_param(w.g, "b", GOSS_SHAPE(one, g))};
    const goss_val head = goss_param(w.g, "head", GOSS_SHAPE(one, goss_n(H), one));
    goss_val last, wrt[4] = {p.w, p.u, p.b, head}, d[4], update[4];
    (void)goss_lstm(x, GOSS_NONE, GOSS_NONE, p, goss_scan_defaults(), &last, NULL);
    const goss_val loss = goss_mean_all(goss_squared_error(goss_matmul(last, head, false, false), y));
    T_EQ(goss_grad(loss, wrt, 4, d), GOSS_OK);
    for (int i = 0; i < 4; i++) update[i] = goss_assign(wrt[i], goss_sub(wrt[i], goss_scale(d[i], 0.5)));
    if (world_open(&w, GOSS_F32, &loss, 1, update, 4) != GOSS_OK) T_FAIL("%s", w.err.text);
    goss__rng r = goss__rng_make(3, 0);
    const char *name[4] = {"w", "u", "b", "head"};
    const int numel[4] = {4 * H, 4 * H * H, 4 * H, H};
    for (int i = 0; i < 4; i++) {
        double v[4 * H * H];
        for (int k = 0; k < numel[i]; k++) v[k] = 0.6 * goss__rng_normal(&r);
        world_set_param(&w, name[i], v);
    }
    double first = 0;
    for (int i = 0; i < 300; i++) {
        if (world_run(&w) != GOSS_OK) T_FAIL("%s", w.err.text);
        if (i == 0) first = w.out[0][0];
    }
    T_CHECK(first > 0.5 && w.out[0][0] < 0.02);
    world_free(&w);
}

/* ---- in a program ---- */

#define LOOP                                                                                                           \
    "gossamer.program 1\n"                                                                                             \
    "symbol N = 4\nsymbol L = 9\n"                                                                                     \
    "%0 = input \"h\" : real[1,N,2]\n"                                                                                 \
    "%1 = input \"x\" : real[1,N,L,2]\n"
#define SCAN(operands, counts, steps)                                                                                  \
    "%2 = scan(" operands ") {" counts ", reverse=false, keep=true, stride=1, steps=" steps ", length=" steps          \
    ", axis=[2], piece=[0]} : real[] ({\n"
#define BODY(first, next)                                                                                              \
    "  %0 = arg {index=0} : real[" first "]\n  %1 = arg {index=1} : real[1,N,2]\n  %2 = arg {index=2} : real[]\n"      \
    "  %3 = add(%0, %1) : real[1,N,2]\n  return " next "})\n"
#define RESULT(attr, shape) "%3 = scan_result(%2) {" attr "} : real[" shape "]\nreturn %3 \"y\"\n"

TEST(a_loop_in_a_text_is_checked) {
    static const struct {
        const char *text, *error;
    } all[] = {
        {LOOP SCAN("%0, %1", "carries=1, slices=1, consts=0", "L") BODY("1,N,2", "%3 \"next0\"\n")
             RESULT("kind=1, index=3, axis=2", "1,N,L,2"),
         NULL},
        {LOOP SCAN("%0, %1", "carries=1, slices=1, consts=1", "L") BODY("1,N,2", "%3 \"next0\"\n")
             RESULT("kind=0, index=0, axis=0", "1,N,2"),
         "carries, slices and constants do not add up to its 2 operands"},
        {LOOP SCAN("%0, %1", "carries=1, slices=1, consts=0", "N") BODY("1,N,2", "%3 \"next0\"\n")
             RESULT("kind=0, index=0, axis=0", "1,N,2"),
         "operand 1 has no slices along its time axis"},
        {LOOP SCAN("%1, %0", "carries=1, slices=1, consts=0", "L") BODY("1,N,2", "%3 \"next0\"\n")
             RESULT("kind=0, index=0, axis=0", "1,N,2"),
         "argument 0 of its region does not have the type"},
        {LOOP SCAN("%0, %1", "carries=1, slices=1, consts=0", "L") BODY("1,N,2", "%2 \"next0\"\n")
             RESULT("kind=0, index=0, axis=0", "1,N,2"),
         "carry 0 changes its type"},
        {LOOP SCAN("%0, %1", "carries=1, slices=1, consts=0", "L") BODY("1,N,2", "%3 \"next0\"\n")
             RESULT("kind=1, index=4, axis=2", "1,N,L,2"),
         "its index is not below 4"},
        {LOOP SCAN("%0, %1", "carries=1, slices=1, consts=0", "L") BODY("1,N,2", "%3 \"next0\"\n")
             RESULT("kind=1, index=3, axis=1", "1,N,L,2"),
         "its result has another shape"},
        {LOOP "%2 = scan_result(%1) {kind=0, index=0, axis=0} : real[1,N,2]\nreturn %2 \"y\"\n",
         "its operand is no scan"},
        {LOOP "%2 = arg {index=0} : real[1,N,2]\nreturn %2 \"y\"\n", "arguments are a region's"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        goss_program *p = NULL;
        T_NOTE("text %zu", i);
        if (all[i].error) {
            T_ERR(goss_program_parse(all[i].text, &p, &err), GOSS_E_FORMAT, all[i].error);
            continue;
        }
        T_OK(goss_program_parse(all[i].text, &p, &err));
        char *again = goss_program_text(p);
        T_STR(again, all[i].text);
        goss_text_free(again), goss_program_free(p);
    }
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

/* ---- mistakes ---- */

typedef void (*mistake)(goss_graph *g, net *n);
static goss_scan *begun(goss_graph *g, net *n) { return goss_scan_begin(g, n->steps, goss_scan_defaults()); }

static void wrong_shape(goss_graph *g, net *n) {
    goss_scan *s = begun(g, n);
    const goss_val h = goss_scan_carry(s, n->h0);
    goss_scan_next(s, h, goss_sum(h, GOSS_AXIS(2), true));
    goss_scan_end(s);
}
static void wrong_steps(goss_graph *g, net *n) {
    (void)goss_scan_slice(goss_scan_begin(g, goss_n(3), goss_scan_defaults()), n->x);
}
static void no_axis(goss_graph *g, net *n) { (void)goss_scan_slice(begun(g, n), goss_const(g, 1)); }
static void captured(goss_graph *g, net *n) {
    goss_scan *s = begun(g, n);
    const goss_val h = goss_scan_carry(s, n->h0);
    goss_scan_next(s, h, goss_add(h, n->c0));
    goss_scan_end(s);
}
static void no_next(goss_graph *g, net *n) {
    goss_scan *s = begun(g, n);
    (void)goss_scan_carry(s, n->h0);
    goss_scan_end(s);
}
static void two_nexts(goss_graph *g, net *n) {
    goss_scan *s = begun(g, n);
    const goss_val h = goss_scan_carry(s, n->h0);
    goss_scan_next(s, h, h);
    goss_scan_next(s, h, goss_neg(h));
}
static void no_carry(goss_graph *g, net *n) {
    goss_scan *s = begun(g, n);
    const goss_val h = goss_scan_carry(s, n->h0);
    goss_scan_next(s, goss_neg(h), h);
}
static void param_inside(goss_graph *g, net *n) {
    goss_scan *s = begun(g, n);
    const goss_val h = goss_scan_carry(s, n->h0);
    goss_scan_next(s, h, goss_mul(h, goss_param(h.graph, "p", GOSS_SHAPE(goss_n(1), goss_n(1), goss_n(1)))));
    goss_scan_end(s);
}
static void draw_inside(goss_graph *g, net *n) {
    goss_scan *s = begun(g, n);
    const goss_val h = goss_scan_carry(s, n->h0);
    goss_scan_next(s, h, goss_dropout(h, 0.5, goss_iota(h.graph, goss_dim(h, 0))));
    goss_scan_end(s);
}
static void emitted_outside(goss_graph *g, net *n) { goss_scan_emit(begun(g, n), n->h0); }
static void not_emitted(goss_graph *g, net *n) {
    goss_scan *s = begun(g, n);
    const goss_val h = goss_scan_carry(s, n->h0);
    goss_scan_next(s, h, h);
    goss_scan_end(s);
    T_CHECK(!goss_valid(goss_scan_stacked(s, h)));
}
static void too_early(goss_graph *g, net *n) {
    goss_scan *s = begun(g, n);
    const goss_val h = goss_scan_carry(s, n->h0);
    T_CHECK(!goss_valid(goss_scan_last(s, h)));
}
static void ended(goss_graph *g, net *n) {
    goss_scan *s = begun(g, n);
    goss_scan_end(s);
    (void)goss_scan_const(s, n->w);
}
static void misfit_inside(goss_graph *g, net *n) {
    goss_scope_push(g, "cell");
    goss_scan *s = begun(g, n);
    const goss_val h = goss_scan_carry(s, n->h0);
    goss_scan_next(s, h, goss_matmul(h, goss_scan_const(s, n->w), false, false));
    goss_scan_end(s);
}
static void bad_length(goss_graph *g, net *n) {
    goss_scan_options o = goss_scan_defaults();
    o.length = n->h0;
    (void)goss_scan_begin(g, n->steps, o);
}
static void bad_keep(goss_graph *g, net *n) {
    goss_scan_options o = goss_scan_defaults();
    o.keep_every = -1;
    (void)goss_scan_begin(g, n->steps, o);
}
static void index_carry(goss_graph *g, net *n) { (void)goss_scan_carry(begun(g, n), goss_iota(g, goss_n(3))); }

TEST(mistakes_are_told) {
    static const struct {
        mistake make;
        goss_status status;
        const char *text;
    } all[] = {
        {wrong_shape, GOSS_E_SHAPE, "scan: [T,N,4] x [T,N,1]: carry 0 changes its shape"},
        {wrong_steps, GOSS_E_SHAPE, "scan: slice: [T,N,L,4]: axis 2: extent L, but 3 steps"},
        {no_axis, GOSS_E_SHAPE, "there is no time axis 2"},
        {captured, GOSS_E_ARGUMENT, "pass it in with goss_scan_const"},
        {no_next, GOSS_E_ARGUMENT, "carry 0 has no next value"},
        {two_nexts, GOSS_E_ARGUMENT, "carry 0 has two next values"},
        {no_carry, GOSS_E_ARGUMENT, "the next value of something that is not a carry"},
        {param_inside, GOSS_E_ARGUMENT, "param: not in a scan's body: make it outside"},
        {draw_inside, GOSS_E_ARGUMENT, "random_uniform: not in a scan's body"},
        {emitted_outside, GOSS_E_ARGUMENT, "not a value of the scan's body"},
        {not_emitted, GOSS_E_ARGUMENT, "result of what was not emitted"},
        {too_early, GOSS_E_ARGUMENT, "no results before goss_scan_end"},
        {ended, GOSS_E_ARGUMENT, "it has ended"},
        {misfit_inside, GOSS_E_SHAPE, "cell: matmul: "},
        {bad_length, GOSS_E_SHAPE, "one number for each sample"},
        {bad_keep, GOSS_E_ARGUMENT, "keep_every -1"},
        {index_carry, GOSS_E_ARGUMENT, "scan: carry: operand 1 is an index"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        goss_graph *g = goss_graph_new();
        net n = {.keep_every = 1};
        declare(g, &n, false);
        all[i].make(g, &n);
        T_NOTE("mistake %zu", i);
        T_ERR(goss_graph_status(g, &err), all[i].status, all[i].text);
        goss_graph_free(g);
    }
}

TEST(an_index_outside_its_table_is_told_with_its_place_in_the_body) {
    goss_graph *g = goss_graph_new();
    const goss_extent l = goss_n(4), n = goss_n(3);
    const goss_val words = goss_input(g, "words", GOSS_INDEX, GOSS_SHAPE(goss_n(1), n, l)),
                   table = goss_input(g, "table", GOSS_REAL, GOSS_SHAPE(goss_n(5), goss_n(2))),
                   h0 = goss_full(g, GOSS_SHAPE(goss_n(1), n, goss_n(2)), 0);
    goss_scope_push(g, "words");
    goss_scan *s = goss_scan_begin(g, l, goss_scan_defaults());
    const goss_val h = goss_scan_carry(s, h0), rows = goss_gather(goss_scan_const(s, table), goss_scan_slice(s, words));
    goss_scan_next(s, h, goss_add(h, rows));
    goss_scan_end(s);
    const goss_val out = goss_scan_last(s, h);
    goss_schedule *p;
    goss_threads *t;
    goss_exec *e;
    int32_t at[12] = {0, 1, 2, 3, 4, 0, 1, 2, 3, 9, 0, 1};
    float rows_of[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    T_OK(goss_compile(g, &out, 1, NULL, 0, NULL, &p, &err));
    T_OK(goss_threads_new(1, &t, &err));
    T_OK(goss_exec_new(p, NULL, t, &e, &err));
    T_OK(goss_exec_bind(e, "words", at, &err));
    T_OK(goss_exec_bind(e, "table", rows_of, &err));
    T_ERR(goss_exec_run(e, &err), GOSS_E_ARGUMENT, "words: gather: an index lies outside its table");
    at[9] = 4;
    T_OK(goss_exec_run(e, &err)); /* and is forgotten */
    T_NEAR(((const float *)goss_exec_output(e, 0, NULL))[4], 6 + 8 + 0 + 2, 1e-6);
    goss_exec_free(e), goss_threads_free(t), goss_schedule_free(p), goss_graph_free(g);
}

TEST(building_and_compiling_survive_failing_memory) {
    bool done = false;
    for (uint64_t at = 1; !done; at++) {
        goss_schedule *p = NULL;
        goss_exec *e = NULL;
        goss_threads *team;
        T_OK(goss_threads_new(1, &team, &err));
        goss__alloc_fail_at(at);
        goss_graph *g = goss_graph_new();
        goss_status s = GOSS_E_NOMEM;
        goss_val d = {0};
        if (g) {
            net n = {.keep_every = 1};
            declare(g, &n, false);
            scanned(g, &n);
            const goss_val y = goss_add(goss_sum_all(n.last_h), goss_sum_all(n.ys));
            if (goss_valid(y)) (void)goss_grad(y, &n.u, 1, &d);
            s = goss_graph_status(g, &err);
            if (s == GOSS_OK) s = goss_compile(g, &d, 1, NULL, 0, NULL, &p, &err);
            if (s == GOSS_OK) s = goss_exec_new(p, NULL, team, &e, &err);
        }
        done = s == GOSS_OK && at > 40;
        goss__alloc_fail_at(0);
        T_CHECK(s == GOSS_OK || s == GOSS_E_NOMEM);
        T_EQ(e != NULL, s == GOSS_OK);
        goss_exec_free(e), goss_threads_free(team), goss_schedule_free(p), goss_graph_free(g);
        T_CHECK(at < 5000);
    }
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
