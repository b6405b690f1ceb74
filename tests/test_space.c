/* SPDX-License-Identifier: Apache-2.0 */
/* Spaces of networks: the text, gates and their rules, masked and compacted networks, costs. */
#include "base/alloc.h"
#include "graph_check.h"
#include "space/space.h"
#include "space_check.h"

#define S(...) GOSS_SHAPE(__VA_ARGS__)
#define n(x) goss_n(x)

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
    } else if (strncmp(line, "attention", 9) == 0) {
        const int heads = atoi(line + 10), width = word_after(line, " width ", (int)t->c / heads);
        t->macs += t->h * 4 * t->c * heads * width + 2 * t->h * t->h * heads * width;
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

static int64_t stored_bytes(const goss_layout *l) {
    int64_t sum = 0;
    for (int i = 0; i < goss_layout_count(l); i++) sum += goss_entry_bytes(goss_layout_entry(l, i), GOSS_WEIGHTS_INT8);
    return sum;
}

/* Bytes in 8 bits are those of the smaller network's tensors. */
static void check_stored(const goss_target *t, const float *structure, const goss_target *small) {
    goss_space *s;
    T_OK(goss_space_create_stored(t, GOSS_WEIGHTS_INT8, &s, &err));
    T_EQ(goss_space_cost_of(s, structure, 99).bytes,
         stored_bytes(goss_target_layout(small)) + stored_bytes(goss_target_statistics(small)));
    goss_space_free(s);
}

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
    check_stored(t, structure, small);
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
