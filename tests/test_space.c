/* SPDX-License-Identifier: Apache-2.0 */
/* Spaces of networks: the text, gates and their rules, masked and compacted networks, costs, projection. */
#include "gossamer/space.h"

#include "base/alloc.h"
#include "graph_check.h"
#include "space/space.h"

#define S(...) GOSS_SHAPE(__VA_ARGS__)
#define n(x) goss_n(x)

static goss_error err;

static const int64_t image[] = {16, 16, 2}, row[] = {12}, steps[] = {10, 3};
static const int64_t *const inputs[] = {NULL, row, steps, image};

static const struct {
    const char *text;
    int rank; /* of the input */
} spaces[] = {
    {"conv 4..8 3 pad 1; norm group 2; relu; flatten; dense 3..6; gelu; head", 3},
    {"conv 4..12/4 1|3|5 pad same; norm batch; relu|gelu; pool max|avg 2; pool global; head", 3},
    {"conv 4..8 3 pad 1; relu; residual { conv 3..6 3 pad 1; norm group 3; relu; conv 4..8 3 pad 1 }; relu; "
     "optional { conv 4..8 3 pad 1; norm layer; silu }; pool global; head",
     3},
    {"conv 2..6 3 pad 1 nested; repeat 1..3 { conv 2..6 3|5x3 pad same nested; norm instance; relu }; flatten; head",
     3},
    {"conv 6 3 pad 1; relu; conv|separable 4..8/2 3|5 pad same; norm group 2; relu; conv 4..8/2 3 pad same optional; "
     "tanh; pool global; head",
     3},
    {"resnet 4..8 group 2", 3},
    {"conv4 4..8 group 2", 3},
    {"columns any 2; dense 4..9; relu|tanh; optional { dense 4..9; norm layer; relu }; head", 1},
    {"columns any; norm layer; dense 3..9/2 nested; norm batch; leaky; dense 3..9/2 nested optional; mlp 4..8 3..6", 1},
    {"choose { conv 4..8 3 pad 1 } or { conv 4..8 1; relu; conv 4..8 3 pad 1 } or { conv 4..8 5 pad same }; flatten; "
     "norm group 4; head",
     3},
    {"shifts 1; conv 2..4 3 pad 1 stride 2; relu; pool global; dense 2..4; elu; head", 3},
    {"conv 4..8 3 pad 1; depthwise 3|5 pad same stride 2; norm group 2; relu; flatten; head", 3},
    {"conv 4 3 pad 1; optional { conv 4 3 pad 1; optional { norm batch } }; norm layer; residual { optional { conv 4 1 "
     "} }; norm group 2; pool global; head",
     3},
    {"conv 4..8 3 pad 1; residual { choose { conv 4..8 1|3 pad same; norm batch } or { } } shortcut { conv 4..8 1 }; "
     "pool max 2; flatten; head",
     3},
    {"conv 3..7 3 pad 1; norm layer; relu; optional { residual { conv 6 3 pad 1; relu; conv 3..7 3 pad 1 }; repeat "
     "1..2 { relu } }; flatten; head",
     3},
    {"conv1d 4..8 3 pad 1; norm group 2; relu; optional { conv1d 4..8 1|3|5 pad same; norm layer; gelu }; pool1d max "
     "2; dense "
     "3..6/3; readout attention; head",
     2},
    {"gru 3..6 start; tanh; readout mean; dense 4; head", 2},
    {"conv1d 2..4 3 pad 1; lstm 2..6/2 bidirectional; norm group 2; tanh; rnn 2..5 nested; optional { dense 2..5 "
     "nested }; "
     "readout last; head",
     2},
    {"optional { dense 3 }; gru 5; dense 3..6; relu|tanh; readout mean; optional { residual { dense 3..6 } }; head", 2},
};
enum { SPACES = sizeof spaces / sizeof *spaces };

static goss_target *parse(const char *text, int rank, int64_t outputs) {
    goss_target *t = NULL;
    T_NOTE("%s", text);
    T_OK(goss_target_parse(text, inputs[rank], rank, outputs, &t, &err));
    return t;
}

static goss_space *space_of(const goss_target *t) {
    goss_space *s = NULL;
    T_OK(goss_space_create(t, &s, &err));
    return s;
}

static float *numbers_of(const goss_layout *l, uint64_t stream, bool positive) {
    const int64_t count = goss_layout_total(l);
    float *v = malloc((size_t)(count + 1) * sizeof *v);
    goss__rng r = goss__rng_make(2, stream);
    for (int64_t i = 0; i < count; i++) {
        v[i] = (float)(0.3 * goss__rng_normal(&r) + 0.1);
        if (positive) v[i] = fabsf(v[i]) + 0.1f;
    }
    return v;
}

/* ---- networks ---- */

/* Opens a network; structure: with gates as an input of 0. */
static void open_network(const goss_target *t, int gates, goss_norm_source norm, goss_precision precision, world *w) {
    const goss_layout *l = goss_target_layout(t), *r = goss_target_statistics(t);
    static const double zeros[4096] = {0};
    const int64_t *in = goss_target_input(t);
    goss_shape s = {.rank = 2 + goss_target_input_rank(t), .dim = {n(1), n(3)}};
    for (int i = 2; i < s.rank; i++) s.dim[i] = n(in[i - 2]);
    goss_val x = world_normal(w, "x", s);
    goss_weights *v = goss_weights_from_params(w->g, l, "w"), *running = goss_weights_from_params(w->g, r, "r");
    goss_target_context c = goss_target_context_defaults();
    if (gates) c.structure = world_input(w, "gates", GOSS_REAL, S(n(1), n(gates)), zeros);
    c.running = running;
    c.norm = goss_layout_count(r) ? norm : GOSS_NORM_BATCH;
    goss_val y = goss_target_apply(t, x, v, &c).logits;
    goss_weights_free(v);
    goss_weights_free(running);
    if (world_open(w, precision, &y, 1, NULL, 0) != GOSS_OK) T_FAIL("%s: %s", goss_target_text(t), w->err.text);
}

static void run_network(const goss_target *t, const float *slab, const float *stats, world *w) {
    const int64_t p = goss_layout_total(goss_target_layout(t)), q = goss_layout_total(goss_target_statistics(t));
    double *v = malloc((size_t)(p + q + 1) * sizeof *v);
    for (int64_t i = 0; i < p; i++) v[i] = (double)slab[i];
    world_set_param(w, "w", v);
    for (int64_t i = 0; i < q; i++) v[i] = (double)stats[i];
    world_set_param(w, "r", v);
    free(v);
    if (world_run(w) != GOSS_OK) T_FAIL("%s: %s", goss_target_text(t), w->err.text);
}

/* ---- a plain count of a plain text, independent of the library's ---- */

typedef struct tally {
    int64_t macs, ram, h, w, c; /* the map that flows; h = 0: c features */
    int64_t views;
    struct {
        int64_t kept, h, w, c;
    } part[20];
    int depth;
} tally;

static int64_t flowing(const tally *t) { return 4 * t->views * (t->h ? t->h * t->w : 1) * t->c; }

static void moment(tally *t, int64_t now) {
    for (int i = 0; i < t->depth; i++) now += t->part[i].kept;
    if (now > t->ram) t->ram = now;
}

static int word_after(const char *line, const char *word, int otherwise) {
    const char *p = strstr(line, word);
    return p ? atoi(p + strlen(word)) : otherwise;
}

static void pair_after(const char *p, int otherwise, int pair[2]) {
    pair[0] = pair[1] = otherwise;
    if (p && sscanf(p, "%dx%d", &pair[0], &pair[1]) == 1) pair[1] = pair[0];
}

static void count_window(tally *t, const char *line, const char *size, bool conv, int64_t outputs) {
    int k[2], p[2] = {0, 0}, s[2];
    const char *pad = strstr(line, " pad "), *stride = strstr(line, " stride ");
    const int64_t before = flowing(t), from = t->c;
    pair_after(size, 1, k);
    if (pad) pair_after(pad + 5, 0, p);
    s[0] = conv ? 1 : k[0], s[1] = conv ? 1 : k[1];
    if (stride) pair_after(stride + 8, 1, s);
    t->h = (t->h + 2 * p[0] - k[0]) / s[0] + 1;
    t->w = (t->w + 2 * p[1] - k[1]) / s[1] + 1;
    t->c = outputs;
    if (conv) t->macs += t->views * t->h * t->w * k[0] * k[1] * (from / word_after(line, " groups ", 1)) * outputs;
    moment(t, before + flowing(t));
}

static void count_dense(tally *t, int64_t outputs) {
    const int64_t before = flowing(t);
    t->macs += t->views * (t->h ? t->h * t->w : 1) * t->c * outputs;
    t->c = outputs;
    moment(t, before + flowing(t));
}

static void count_line(tally *t, const char *line, int64_t outputs) {
    const int64_t before = flowing(t);
    const int top = t->depth - 1;
    if (strncmp(line, "conv ", 5) == 0) {
        count_window(t, line, strchr(line + 5, ' ') + 1, true, atoi(line + 5));
    } else if (strncmp(line, "conv1d", 6) == 0) { /* keeps the number of steps, in these spaces */
        t->macs += t->h * atoi(strchr(line + 7, ' ')) * t->c * atoi(line + 7);
        t->c = atoi(line + 7);
        moment(t, before + flowing(t));
    } else if (strncmp(line, "pool1d max 2", 12) == 0) {
        t->h /= 2;
        moment(t, before + flowing(t));
    } else if (strncmp(line, "gru", 3) == 0 || strncmp(line, "rnn", 3) == 0 || strncmp(line, "lstm", 4) == 0) {
        const int gates = line[0] == 'g' ? 3 : line[0] == 'r' ? 1 : 4, units = atoi(strchr(line, ' '));
        const int ways = strstr(line, "bidirectional") ? 2 : 1;
        t->macs += t->h * ways * gates * (t->c + units) * units;
        t->c = ways * units;
        moment(t, before + flowing(t));
    } else if (strncmp(line, "readout", 7) == 0) {
        t->macs += strstr(line, "attention") ? t->h * t->c : 0;
        t->h = 0;
        moment(t, before + flowing(t));
    } else if (strncmp(line, "pool global", 11) == 0) {
        t->h = 0;
        moment(t, before + flowing(t));
    } else if (strncmp(line, "pool", 4) == 0) {
        count_window(t, line, line + 9, false, t->c);
    } else if (strncmp(line, "flatten", 7) == 0) {
        t->c *= t->h * t->w, t->h = 0;
    } else if (strncmp(line, "dense", 5) == 0) {
        count_dense(t, atoi(line + 6));
    } else if (strncmp(line, "head", 4) == 0) {
        t->views = 1;
        count_dense(t, outputs);
    } else if (strncmp(line, "shifts", 6) == 0) {
        t->views = 5;
        moment(t, flowing(t));
    } else if (strncmp(line, "columns", 7) == 0) {
        t->c = 0;
        for (const char *p = line + 7; *p == ' ';) {
            int a = 0, b = 0, used = 0;
            if (sscanf(p, " %d..%d%n", &a, &b, &used) != 2) sscanf(p, " %d%n", &a, &used), b = a;
            t->c += b - a + 1;
            p += used;
        }
        moment(t, before + flowing(t));
    } else if (strncmp(line, "residual", 8) == 0) {
        t->part[t->depth].h = t->h, t->part[t->depth].w = t->w, t->part[t->depth].c = t->c;
        t->part[t->depth++].kept = before;
        moment(t, before);
    } else if (strncmp(line, "shortcut", 8) == 0) {
        t->part[top].kept = before;
        t->h = t->part[top].h, t->w = t->part[top].w, t->c = t->part[top].c;
        moment(t, flowing(t));
    } else if (line[0] == '}' && strncmp(line + 2, "shortcut", 8) != 0) {
        moment(t, before);
        t->depth--;
    }
}

static goss_space_figures count_plain(const goss_target *t) {
    const int64_t *in = goss_target_input(t);
    const int rank = goss_target_input_rank(t);
    tally k = {.views = 1, .h = rank > 1 ? in[0] : 0, .w = rank == 3 ? in[1] : 1, .c = in[rank - 1]};
    const char *text = goss_target_text(t);
    for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
        /* "}" and "shortcut {" are lines of their own; a residual part without a shortcut ends in "}" alone. */
        const char *next = strchr(line, '\n') + 1;
        if (line[0] == '}' && strncmp(next, "shortcut", 8) == 0) continue;
        char copy[512];
        snprintf(copy, sizeof copy, "%.*s", (int)(next - 1 - line), line);
        count_line(&k, copy, goss_target_outputs(t));
    }
    const int64_t numbers = goss_layout_total(goss_target_layout(t)) + goss_layout_total(goss_target_statistics(t));
    return (goss_space_figures){4 * numbers, k.macs, k.ram};
}

/* ---- masked and compacted ---- */

static void compare(const goss_space *s, const float *structure, const float *slab, const float *stats,
                    goss_norm_source norm, world *masked, double bound) {
    const goss_target *t = goss_space_target(s);
    goss_target *small = NULL;
    float *small_slab = NULL, *small_stats = NULL;
    T_OK(goss_space_compact(s, structure, slab, stats, &small, &small_slab, &small_stats, &err));
    T_EQ(goss_target_gates(small), 0);
    const goss_space_figures f = goss_space_cost_of(s, structure, 99), real = count_plain(small);
    if (f.bytes != real.bytes || f.macs != real.macs || f.ram != real.ram)
        T_FAIL("%lld %lld %lld, not %lld %lld %lld bytes, MACs, RAM of\n%s", (long long)f.bytes, (long long)f.macs,
               (long long)f.ram, (long long)real.bytes, (long long)real.macs, (long long)real.ram,
               goss_target_text(small));
    double *gates = world_numbers(masked, "gates");
    for (int i = 0; i < goss_space_gates(s); i++) gates[i] = (double)structure[i];
    run_network(t, slab, stats, masked);
    world w = world_new();
    open_network(small, 0, norm, masked->precision, &w);
    run_network(small, small_slab, small_stats, &w);
    double largest = 1;
    for (int64_t i = 0; i < w.numel[0]; i++) largest = fmax(largest, fabs(w.out[0][i]));
    const double gap = world_gap(masked->out[0], w.out[0], w.numel[0]) / largest;
    if (!(gap < bound)) T_FAIL("masked and compacted differ by %g:\n%s", gap, goss_target_text(small));
    world_free(&w);
    goss_target_free(small);
    goss_numbers_free(small_slab), goss_numbers_free(small_stats);
}

TEST(compacted_networks_equal_masked_ones_and_cost_what_was_said) {
    enum { EACH = 68 }; /* above 1,000 in all */
    int distinct = 0;
    for (int k = 0; k < SPACES; k++) {
        goss_target *t = parse(spaces[k].text, spaces[k].rank, 3);
        goss_space *s = space_of(t);
        const int gates = goss_space_gates(s);
        float *slab = numbers_of(goss_target_layout(t), (uint64_t)k, false), structure[512], last[512] = {-1};
        float *stats = numbers_of(goss_target_statistics(t), (uint64_t)(100 + k), true);
        const goss_norm_source norm = k % 2 ? GOSS_NORM_BATCH : GOSS_NORM_RUNNING;
        T_CHECK(gates > 0 && gates < 512);
        world w = world_new(), single = world_new();
        open_network(t, gates, norm, GOSS_F64, &w), open_network(t, gates, norm, GOSS_F32, &single);
        for (int i = 0; i < EACH; i++) {
            T_NOTE("%s: structure %d", spaces[k].text, i);
            if (i == 0) goss_space_cheapest(s, structure);
            if (i == 1) goss_space_dearest(s, structure);
            if (i > 1) goss_space_random(s, 5, (uint64_t)i, structure);
            T_OK(goss_space_check(s, structure, &err));
            compare(s, structure, slab, stats, norm, &w, 1e-8);
            if (i < 8) compare(s, structure, slab, stats, norm, &single, 1e-5);
            distinct += memcmp(structure, last, (size_t)gates * sizeof *structure) != 0;
            memcpy(last, structure, sizeof last);
        }
        world_free(&w), world_free(&single);
        goss_space_free(s);
        goss_target_free(t);
        free(slab), free(stats);
    }
    T_CHECK(distinct > 600);
}

/* The largest network of a text with choices is that of the text with its largest choices. */
TEST(without_gates_a_space_is_its_largest_network) {
    static const char *const pairs[][2] = {
        {"conv 4..8 1|3 pad same; norm batch; relu|gelu; optional { conv 4..8 3 pad 1 }; flatten; head",
         "conv 8 3 pad 1; norm batch; relu; conv 8 3 pad 1; flatten; head"},
        {"conv 4..8/2 3 pad 1 nested; pool max|avg 2; repeat 1..2 { relu }; flatten; mlp 3..5",
         "conv 8 3 pad 1; pool max 2; relu; relu; flatten; mlp 5"},
    };
    for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++) {
        goss_target *a = parse(pairs[k][0], 3, 3), *b = parse(pairs[k][1], 3, 3);
        T_EQ(goss_layout_total(goss_target_layout(a)), goss_layout_total(goss_target_layout(b)));
        float *slab = numbers_of(goss_target_layout(a), k, false),
              *stats = numbers_of(goss_target_statistics(a), 9, true);
        world u = world_new(), v = world_new();
        open_network(a, 0, GOSS_NORM_BATCH, GOSS_F64, &u), open_network(b, 0, GOSS_NORM_BATCH, GOSS_F64, &v);
        run_network(a, slab, stats, &u), run_network(b, slab, stats, &v);
        T_CHECK(memcmp(u.out[0], v.out[0], (size_t)u.numel[0] * sizeof(double)) == 0);
        world_free(&u), world_free(&v);
        free(slab), free(stats);
        goss_target_free(a), goss_target_free(b);
    }
}

TEST(the_text_of_a_space_is_canonical) {
    for (int k = 0; k < SPACES; k++) {
        goss_target *t = parse(spaces[k].text, spaces[k].rank, 3), *u = NULL;
        T_OK(goss_target_parse(goss_target_text(t), inputs[spaces[k].rank], spaces[k].rank, 3, &u, &err));
        T_STR(goss_target_text(u), goss_target_text(t));
        T_EQ(goss_target_gates(u), goss_target_gates(t));
        goss_target_free(t), goss_target_free(u);
    }
}
/* ---- gates and costs in a graph ---- */

TEST(costs_of_gates_are_exact_at_0_and_1_and_have_gradients) {
    enum { TASKS = 24, CLASSES = 7 };
    for (int k = 0; k < SPACES; k++) {
        goss_target *t = parse(spaces[k].text, spaces[k].rank, k % 2 ? 3 : 0);
        goss_space *s = space_of(t);
        const int gates = goss_space_gates(s);
        float structure[512];
        double *v = malloc((size_t)(TASKS * gates) * sizeof *v);
        for (int i = 0; i < TASKS; i++) {
            goss_space_random(s, 6, (uint64_t)i, structure);
            for (int j = 0; j < gates; j++) v[i * gates + j] = (double)structure[j];
        }
        world w = world_new();
        goss_val g = world_input(&w, "gates", GOSS_REAL, S(n(TASKS), n(gates)), v);
        const goss_space_costs c = goss_space_cost(s, g, CLASSES);
        if (world_compute(&w, GOSS_F32, (goss_val[]){c.bytes, c.macs, c.ram}, 3) != GOSS_OK) T_FAIL("%s", w.err.text);
        T_EQ(w.numel[0], TASKS);
        for (int i = 0; i < TASKS; i++) {
            for (int j = 0; j < gates; j++) structure[j] = (float)v[i * gates + j];
            const goss_space_figures f = goss_space_cost_of(s, structure, CLASSES);
            T_EQ(w.out[0][i], f.bytes);
            T_EQ(w.out[1][i], f.macs);
            T_EQ(w.out[2][i], f.ram);
        }
        world_free(&w);
        free(v);
        goss_space_free(s), goss_target_free(t);
    }
}

/* Between 0 and 1: differences in every gate, over what bytes and MACs are linear in. */
TEST(gradients_of_costs_agree_with_differences) {
    for (int k = 0; k < SPACES; k++) {
        goss_target *t = parse(spaces[k].text, spaces[k].rank, 3);
        goss_space *s = space_of(t);
        const int gates = goss_space_gates(s);
        double *v = malloc((size_t)gates * sizeof *v);
        goss__rng r = goss__rng_make(3, (uint64_t)k);
        for (int i = 0; i < gates; i++) v[i] = 0.2 + 0.6 * goss__rng_uniform(&r);
        world w = world_new();
        goss_val g = world_input(&w, "gates", GOSS_REAL, S(n(1), n(gates)), v), slope[3];
        const goss_space_costs c = goss_space_cost(s, g, 3);
        const goss_val cost[3] = {c.bytes, c.macs, c.ram};
        for (int i = 0; i < 3; i++) goss_grad(goss_sum_all(cost[i]), &g, 1, &slope[i]);
        if (world_compute(&w, GOSS_F64, (goss_val[]){cost[0], cost[1], cost[2], slope[0], slope[1], slope[2]}, 6) !=
            GOSS_OK)
            T_FAIL("%s", w.err.text);
        double *at = world_numbers(&w, "gates"), base[3][512], high[3], low[3];
        bool moves = false;
        for (int i = 0; i < 3; i++) memcpy(base[i], w.out[3 + i], (size_t)gates * sizeof(double));
        for (int j = 0; j < gates; j++) {
            const double h = 1e-6, was = at[j];
            at[j] = was + h;
            T_CHECK(world_run(&w) == GOSS_OK);
            for (int i = 0; i < 3; i++) high[i] = w.out[i][0];
            at[j] = was - h;
            T_CHECK(world_run(&w) == GOSS_OK);
            for (int i = 0; i < 3; i++) low[i] = w.out[i][0];
            at[j] = was;
            for (int i = 0; i < 3; i++) T_NEAR(base[i][j], (high[i] - low[i]) / (2 * h), 1e-3 * (1 + fabs(base[i][j])));
            moves |= base[0][j] > 0 && base[1][j] > 0;
        }
        T_CHECK(moves);
        world_free(&w);
        free(v);
        goss_space_free(s), goss_target_free(t);
    }
}

TEST(gates_of_logits_follow_the_rules_of_their_groups) {
    enum { TASKS = 50 };
    static const double ids[TASKS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    for (int k = 0; k < SPACES; k++) {
        goss_target *t = parse(spaces[k].text, spaces[k].rank, 3);
        goss_space *s = space_of(t);
        const int gates = goss_space_gates(s);
        world w = world_new();
        goss_val logits = world_normal(&w, "logits", S(n(TASKS), n(gates))),
                 task = world_input(&w, "task", GOSS_INDEX, S(n(TASKS)), ids);
        goss_gate_options one = goss_gate_defaults(GOSS_GATE_HARD_CONCRETE), of = goss_gate_defaults(GOSS_GATE_GUMBEL);
        one.hard = of.hard = true;
        const goss_val hard = goss_space_open(s, logits, &one, &of, task);
        one.hard = of.hard = false;
        one.kind = GOSS_GATE_SIGMOID;
        const goss_val soft = goss_space_open(s, logits, &one, &of, GOSS_NONE);
        if (world_compute(&w, GOSS_F32, (goss_val[]){hard, soft}, 2) != GOSS_OK) T_FAIL("%s", w.err.text);
        for (int i = 0; i < TASKS; i++) {
            float structure[512];
            for (int j = 0; j < gates; j++) structure[j] = (float)w.out[0][i * gates + j];
            for (int j = 0; j < goss_space_groups(s); j++) { /* columns: nothing is asked of gates */
                const goss_space_group_info g = goss_space_group(s, j);
                for (int m = 0; m < g.low; m++) structure[g.first + m] = 1;
                double sum = 0;
                for (int m = 0; m < g.count; m++) sum += w.out[1][i * gates + g.first + m];
                if (g.rule == GOSS_RULE_ONE) T_NEAR(sum, 1, 1e-5);
                for (int m = 1; g.rule == GOSS_RULE_NESTED && m < g.count; m++)
                    T_CHECK(w.out[1][i * gates + g.first + m] <= w.out[1][i * gates + g.first + m - 1]);
            }
            T_OK(goss_space_check(s, structure, &err));
        }
        world_free(&w);
        goss_space_free(s), goss_target_free(t);
    }
}

/* Rounded gates: what a closed unit, ring, part or alternative would contribute still has a gradient. */
TEST(closed_gates_have_gradients) {
    goss_target *t =
        parse("conv 4..8 1|3 pad same; norm group 2; relu|gelu; optional { conv 4..8 3 pad 1; norm group 2; "
              "relu }; pool global; head",
              3, 3);
    goss_space *s = space_of(t);
    float *slab = numbers_of(goss_target_layout(t), 4, false), *stats = numbers_of(goss_target_statistics(t), 5, true);
    float cheapest[64];
    goss_space_cheapest(s, cheapest);
    world w = world_new();
    double v[64];
    for (int i = 0; i < goss_space_gates(s); i++) v[i] = (double)cheapest[i];
    goss_target_context c = goss_target_context_defaults();
    c.structure = world_input(&w, "gates", GOSS_REAL, S(n(1), n(goss_space_gates(s))), v);
    goss_weights *p = goss_weights_from_params(w.g, goss_target_layout(t), "w");
    goss_val y = goss_target_apply(t, world_normal(&w, "x", S(n(1), n(3), n(16), n(16), n(2))), p, &c).logits, slope;
    goss_grad(goss_sum_all(goss_square(y)), &c.structure, 1, &slope);
    goss_weights_free(p);
    if (world_open(&w, GOSS_F64, &slope, 1, NULL, 0) != GOSS_OK) T_FAIL("%s", w.err.text);
    run_network(t, slab, stats, &w);
    for (int i = 0; i < goss_space_gates(s); i++) {
        T_NOTE("%s", goss_space_gate(s, i).name);
        T_CHECK(fabs(w.out[0][i]) > 1e-6);
    }
    world_free(&w);
    free(slab), free(stats);
    goss_space_free(s), goss_target_free(t);
}

/* ---- structures ---- */

TEST(the_number_of_networks_is_that_of_different_structures) {
    int counted = 0;
    for (int k = 0; k < SPACES; k++) {
        goss_target *t = parse(spaces[k].text, spaces[k].rank, 3);
        goss_space *s = space_of(t);
        const int gates = goss_space_gates(s);
        double exact = 0, log10_of = goss_space_size(s, &exact);
        if (gates <= 16) {
            double all = 0;
            for (long i = 0; i < 1L << gates; i++) {
                float structure[16], settled[16];
                goss_target *small = NULL;
                for (int j = 0; j < gates; j++) structure[j] = settled[j] = (float)(i >> j & 1);
                if (goss_space_check(s, structure, &err) != GOSS_OK) continue;
                /* Text and back keeps what it is; absent parts closed is the form that is counted. */
                char *text = goss_space_write(s, structure);
                T_OK(goss_space_read(s, text, settled, &err));
                T_CHECK(memcmp(structure, settled, (size_t)gates * sizeof *structure) == 0);
                goss_text_free(text);
                goss__space_settle(s, settled);
                all += memcmp(structure, settled, (size_t)gates * sizeof *structure) == 0;
                if (i % 97 == 0) T_OK(goss_space_compact(s, structure, NULL, NULL, &small, NULL, NULL, &err));
                goss_target_free(small);
            }
            T_EQ(exact, all);
            T_NEAR(log10_of, log10(all), 1e-9);
            counted++;
        }
        goss_space_free(s), goss_target_free(t);
    }
    T_CHECK(counted >= 4);
    goss_target *t = parse("conv 100..2000 3; flatten", 3, 2);
    goss_space *s = space_of(t);
    double exact = 1;
    T_NEAR(goss_space_size(s, &exact), 1900 * log10(2), 1e-6);
    T_CHECK(exact == 0);
    goss_space_free(s), goss_target_free(t);
}

TEST(what_is_no_structure_is_refused_by_name) {
    goss_target *t = parse("conv 4..6 1|3|5 pad same; relu|gelu|tanh; flatten; head", 3, 2);
    goss_space *s = space_of(t);
    T_EQ(goss_space_gates(s), 7);
    T_STR(goss_space_gate(s, 0).name, "conv1.units[4]");
    T_STR(goss_space_gate(s, 3).name, "conv1.kernel[5x5]");
    T_STR(goss_space_gate(s, 6).name, "choice1.tanh");
    float v[7] = {1, 0, 1, 1, 0, 1, 0};
    T_OK(goss_space_check(s, v, &err));
    T_ERR(goss_space_check(s, (float[]){0.5f, 0, 1, 1, 0, 1, 0}, &err), GOSS_E_ARGUMENT, "conv1.units[4] is 0.5");
    T_ERR(goss_space_check(s, (float[]){1, 0, 0, 1, 0, 1, 0}, &err), GOSS_E_ARGUMENT, "conv1.kernel[5x5] is open, but");
    T_ERR(goss_space_check(s, (float[]){1, 0, 0, 0, 1, 1, 0}, &err), GOSS_E_ARGUMENT, "2 of the 3 alternatives");
    T_ERR(goss_space_check(s, (float[]){1, 0, 0, 0, 0, 0, 0}, &err), GOSS_E_ARGUMENT, "0 of the 3 alternatives");
    T_OK(goss_space_read(s, "10.11.010", v, &err));
    static const char *const bad[] = {"",         "10",        "10.11.01",  "10.11.0100", "10.11.010.1",
                                      "1011.010", "10.1x.010", "10.01.010", "10.11.110"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        T_NOTE("%s", bad[i]);
        T_ERR(goss_space_read(s, bad[i], v, &err), GOSS_E_FORMAT, "structure:");
    }
    goss_space_free(s), goss_target_free(t);
}

/* ---- projection ---- */

static int64_t between(goss__rng *r, int64_t low, int64_t high) {
    return low + (int64_t)(goss__rng_uniform(r) * (double)(high - low + 1));
}

static void check_within(const goss_space *s, const float *structure, const goss_space_budget *b) {
    T_OK(goss_space_check(s, structure, &err));
    const goss_space_figures f = goss_space_cost_of(s, structure, 5);
    T_CHECK(b->bytes == 0 || f.bytes <= b->bytes);
    T_CHECK(b->macs == 0 || f.macs <= b->macs);
    T_CHECK(b->ram == 0 || f.ram <= b->ram);
}

/* No further gate of a group of units or columns can be opened. */
static void check_full(const goss_space *s, float *structure, const goss_space_budget *b) {
    for (int i = 0; i < goss_space_gates(s); i++) {
        const goss_space_group_info g = goss_space_group(s, goss_space_gate(s, i).group);
        if (g.rule != GOSS_RULE_FREE || g.of == GOSS_GATE_SKIP || structure[i] != 0) continue;
        const goss_space_figures f = goss_space_cost_of(s, structure, 5);
        structure[i] = 1;
        const goss_space_figures more = goss_space_cost_of(s, structure, 5);
        structure[i] = 0;
        const bool absent = f.bytes == more.bytes;
        if (!absent && more.bytes <= b->bytes)
            T_FAIL("%s could be open: %lld of %lld bytes", goss_space_gate(s, i).name, (long long)more.bytes,
                   (long long)b->bytes);
    }
}

TEST(projections_are_never_above_a_budget) {
    int bounded = 0;
    for (int k = 0; k < SPACES; k++) {
        goss_target *t = parse(spaces[k].text, spaces[k].rank, 0);
        goss_space *s = space_of(t);
        const int gates = goss_space_gates(s);
        float low[512], high[512], structure[512], priority[512];
        goss__rng r = goss__rng_make(8, (uint64_t)k);
        goss_space_cheapest(s, low), goss_space_dearest(s, high);
        const goss_space_figures a = goss_space_cost_of(s, low, 5), z = goss_space_cost_of(s, high, 5);
        T_CHECK(a.bytes < z.bytes);
        for (int i = 0; i < 40; i++) {
            goss_space_budget b = {.bytes = between(&r, a.bytes, z.bytes)};
            const goss_space_order order = i % 2 ? GOSS_SPACE_BY_RATIO : GOSS_SPACE_BY_PRIORITY;
            for (int j = 0; j < gates; j++) priority[j] = (float)(goss__rng_normal(&r) + (i % 2 ? 6 : 0));
            T_OK(goss_space_project(s, priority, order, &b, 5, structure, &err));
            check_within(s, structure, &b);
            check_full(s, structure, &b);
            bounded += goss_space_cost_of(s, structure, 5).bytes * 2 > b.bytes;
            T_OK(goss_space_shrink(s, &b, 5, structure, &err));
            check_within(s, structure, &b);
            b.macs = between(&r, a.macs, z.macs), b.ram = between(&r, a.ram, z.ram);
            if (goss_space_project(s, priority, order, &b, 5, structure, &err) == GOSS_OK)
                check_within(s, structure, &b);
            else
                T_CHECK(strstr(err.text, "the smallest ones have"));
        }
        char want[64];
        goss_space_budget none = {.bytes = a.bytes - 1};
        snprintf(want, sizeof want, "smallest ones have %lld bytes", (long long)a.bytes);
        T_ERR(goss_space_project(s, priority, GOSS_SPACE_BY_PRIORITY, &none, 5, structure, &err), GOSS_E_ARGUMENT,
              want);
        T_ERR(goss_space_shrink(s, &none, 5, structure, &err), GOSS_E_ARGUMENT, want);
        goss_space_free(s), goss_target_free(t);
    }
    T_CHECK(bounded > 500);
}

TEST(projection_takes_what_has_priority) {
    goss_target *t = parse("dense 2..6; relu|tanh; head", 1, 3);
    goss_space *s = space_of(t);
    /* 12 w + w + 3 w + 3 numbers for w units */
    float structure[6];
    const float priority[6] = {0.5f, 2, -1, 1.5f, 0, 3};
    T_OK(goss_space_project(s, priority, GOSS_SPACE_BY_PRIORITY, &(goss_space_budget){.bytes = 4 * (16 * 4 + 3)}, 0,
                            structure, &err));
    T_CHECK(memcmp(structure, (float[]){0, 1, 0, 1, 0, 1}, sizeof structure) == 0);
    T_OK(goss_space_project(s, priority, GOSS_SPACE_BY_RATIO, &(goss_space_budget){0}, 0, structure, &err));
    T_CHECK(memcmp(structure, (float[]){1, 1, 0, 1, 0, 1}, sizeof structure) == 0); /* what has no gain stays closed */
    T_ERR(goss_space_project(s, (float[]){0, NAN, 0, 0, 0, 0}, GOSS_SPACE_BY_RATIO, &(goss_space_budget){0}, 0,
                             structure, &err),
          GOSS_E_ARGUMENT, "dense1.units[3] is not a number");
    T_OK(goss_space_shrink(s, &(goss_space_budget){.bytes = 4 * (16 * 5 + 3) + 8}, 0, structure, &err));
    T_CHECK(memcmp(structure, (float[]){1, 1, 1, 0, 1, 0}, sizeof structure) == 0);
    goss_space_free(s), goss_target_free(t);
}

/* The better alternative costs less once there are many units, so that units that did not fit before do. */
TEST(what_did_not_fit_is_tried_again_when_an_alternative_is_exchanged) {
    goss_target *t = parse("dense 2..40; choose { dense 4; dense 10 } or { dense 10 }", 1, 0);
    goss_space *s = space_of(t);
    float priority[40], structure[40];
    T_EQ(goss_space_gates(s), 40);
    for (int i = 0; i < 38; i++) priority[i] = 2;
    priority[38] = 1, priority[39] = 0;
    /* numbers for w units: 13 w + 4 w + 54, or 13 w + 10 w + 10: 245 are enough for 11, or for 10 */
    T_OK(goss_space_project(s, priority, GOSS_SPACE_BY_PRIORITY, &(goss_space_budget){.bytes = 4 * 245}, 0, structure,
                            &err));
    int open = 0;
    for (int i = 0; i < 38; i++) open += structure[i] != 0;
    T_CHECK(structure[38] == 1 && structure[39] == 0);
    T_EQ(open, 9);
    goss_space_free(s), goss_target_free(t);
}

/* The first alternatives have fewer bytes, the second ones fewer MACs: within both limits is one of each. */
TEST(alternatives_that_trade_costs_are_balanced) {
    goss_target *t = parse("choose { conv 8 1; pool max 4 } or { pool max 4; conv 8 3 pad 1 }; "
                           "choose { conv 8 1; conv 8 1; pool max 2 } or { pool max 2; conv 8 1x3 pad 0x1 }; flatten",
                           3, 0);
    goss_space *s = space_of(t);
    float structure[4];
    const goss_space_budget both = {.bytes = 900, .macs = 4900}, less = {.bytes = 800, .macs = 4900};
    T_OK(goss_space_project(s, (float[]){0, 0, 0, 0}, GOSS_SPACE_BY_PRIORITY, &both, 0, structure, &err));
    T_CHECK(memcmp(structure, (float[]){1, 0, 0, 1}, sizeof structure) == 0);
    const goss_space_figures f = goss_space_cost_of(s, structure, 0);
    T_EQ(f.bytes, 896);
    T_EQ(f.macs, 4864);
    T_ERR(goss_space_project(s, (float[]){0, 0, 0, 0}, GOSS_SPACE_BY_PRIORITY, &less, 0, structure, &err),
          GOSS_E_ARGUMENT, "800 bytes, 4900 MACs: the smallest ones have 672 bytes, 3072 MACs");
    goss_space_free(s), goss_target_free(t);
}

/* ---- drawings ---- */

TEST(drawings_say_what_was_kept) {
    goss_target *t = parse("conv 4..8/2 1|3 pad same; norm group 2; relu|gelu; optional { conv 4..8/2 3 pad 1; relu }; "
                           "flatten; dense 3",
                           3, 0);
    goss_space *s = space_of(t);
    float structure[6];
    T_OK(goss_space_read(s, "10.0.01.0", structure, &err));
    /* 6 channels of 1x1 of 2: 12; gains and shifts 12; 16 x 16 x 6 to 3: 4608 + 3; a head of 5: 20 */
    char *text = goss_space_draw(s, structure, 5);
    T_STR(text, "                          kept                       bytes        of        MACs          of\n"
                "conv 4..8/2 1|3 pad same  6 of 8, 1x1 of 3x3            48       576        3072       36864  ###.\n"
                "norm group 2                                            48        64           0           0\n"
                "choose {                  gelu\n"
                "  relu                    dropped\n"
                "or {\n"
                "  gelu\n"
                "}\n"
                "optional {                dropped\n"
                "  conv 4..8/2 3 pad 1     dropped                        0      2336           0      147456\n"
                "  relu                    dropped\n"
                "}\n"
                "flatten\n"
                "dense 3                                              18444     24588        4608        6144\n"
                "head of 5                                               80        80          15          15\n"
                "bytes 18620 of 27644 (67 %), MACs 7695 of 190479 (4 %), bytes of RAM 8192 of 16384 (50 %)\n");
    goss_text_free(text);
    text = goss_space_draw_svg(s, structure, 5);
    T_CHECK(strncmp(text, "<svg xmlns=", 11) == 0 && strstr(text, "</svg>\n"));
    T_CHECK(strstr(text, ">6 of 8, 1x1 of 3x3</text>") && strstr(text, ">18620 of 27644 bytes, "));
    T_CHECK(strstr(text, "class=\"gone\">  ") == NULL && strstr(text, "class=\"gone\">conv 4..8/2 3 pad 1</text>"));
    goss_text_free(text);
    goss_space_free(s), goss_target_free(t);
}

/* ---- texts ---- */

TEST(choices_that_cannot_be_made_are_refused_with_the_reason) {
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"conv 8..4 3", "LOW..HIGH"},
        {"conv 4..8/3 3", "4 to 8 units by 3"},
        {"conv 4..8 3; norm group 3", "does not divide 8"},
        {"conv 3..8 3; norm group 4", "from 3 to 8 units by 4"},
        {"conv 4..8 3|5", "need pad same"},
        {"conv 4..8 5|3 pad same", "sizes of a kernel increase"},
        {"conv 4..8 2|4 pad same", "odd kernels"},
        {"gru 2..4 norm", "over all units"},
        {"conv1d 4..8 3|5", "need pad same"},
        {"conv1d 8 3x1", "\"3x1\" is not expected"},
        {"conv1d 8 4 pad same", "odd kernels, not 4"},
        {"conv 8 3 nested", "\"nested\" is not expected"},
        {"conv 4..8 3 groups 2", "with groups"},
        {"residual { conv 1..2 1 }", "meet those of the input"},
        {"conv 8 3; residual { conv 4..8 3 pad 1 }", "same range for both"},
        {"conv 4..8 3; residual { conv 4..8 3 pad 1 nested }", "same range for both"},
        {"conv 8 3 optional", "what may be left out keeps the shape"},
        {"conv 4..8 3; relu|; flatten", "an alternative is empty"},
        {"pool max|avg 2|3", "all alternatives yield the same shape"},
        {"choose { relu }", "from 2 to 64 alternatives"},
        {"or { relu }", "can only follow choose"},
        {"repeat 3..2 { relu }", "write: repeat LOW..HIGH"},
        {"repeat 2..99 { relu }", "write: repeat LOW..HIGH"},
        {"repeat 2..3 relu", "\"relu\" is not expected"},
        {"repeat 2 { relu", "without its }"},
        {"choose { head } or { head }", "not allowed inside braces"},
        {"columns any", "not features"},
        {"flatten; columns any", "can only be the first layer"},
        {"choose { optional { } } or { flatten }", "the same shape"},
        {"optional { optional { conv 1..9 3 pad 1 optional } }", "line 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        goss_target *t = NULL;
        T_NOTE("%s", cases[i].text);
        T_ERR(goss_target_parse(cases[i].text, image, 3, 0, &t, &err), GOSS_E_ARGUMENT, cases[i].part);
        T_CHECK(t == NULL);
    }
    goss_target *t = NULL;
    T_ERR(goss_target_parse("columns 3 2", row, 1, 2, &t, &err), GOSS_E_ARGUMENT, "no column from 4");
    T_ERR(goss_target_parse("columns 3 12", row, 1, 2, &t, &err), GOSS_E_ARGUMENT, "has 12 columns, not 13");
    T_ERR(goss_target_parse("columns any; residual { dense 12 }", row, 1, 2, &t, &err), GOSS_E_ARGUMENT, "columns: ");
    T_ERR(goss_target_parse("relu\nrepeat 2 { dense 3 }\n\nrepeat 1..2 {\n dense 0\n}", row, 1, 2, &t, &err),
          GOSS_E_ARGUMENT, "line 4: repeat: dense");
}

TEST(no_memory_is_an_error_wherever_it_ends) {
    for (uint64_t at = 1;; at++) {
        goss_target *t = NULL, *small = NULL;
        goss_space *s = NULL;
        float structure[512], *slab = NULL;
        goss__alloc_fail_at(at);
        goss_status status = goss_target_parse(spaces[4].text, image, 3, 0, &t, &err);
        if (status == GOSS_OK) status = goss_space_create(t, &s, &err);
        if (status == GOSS_OK) goss_space_dearest(s, structure);
        if (status == GOSS_OK)
            status = goss_space_project(s, structure, GOSS_SPACE_BY_RATIO, &(goss_space_budget){.ram = 1 << 20}, 3,
                                        structure, &err);
        if (status == GOSS_OK) status = goss_space_compact(s, structure, NULL, NULL, &small, &slab, NULL, &err);
        goss__alloc_fail_at(0);
        goss_space_free(s), goss_target_free(t), goss_target_free(small), goss_numbers_free(slab);
        if (status == GOSS_OK) {
            T_CHECK(at > 60);
            break;
        }
        T_CHECK(status == GOSS_E_NOMEM);
    }
}
TEST_MAIN()
