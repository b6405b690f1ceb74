/* SPDX-License-Identifier: Apache-2.0 */
/* Layers whose weights change from step to step, as they begin (test_sequence.c holds what they compute). */
#include "sequence_net.h"
#include "sequence_reference.h"

enum { UNITS = 5 };

static bool is_product(const goss_entry *e) { return strstr(e->name, "1.w") || strstr(e->name, "1.u"); }

/* The values at the start, but codes that say nothing, and products `times` as large. Returns the largest embedding. */
static double start(const goss_layout *l, double *slab, double times) {
    float *first = calloc((size_t)goss_layout_total(l), sizeof *first);
    double most = 0;
    goss_layout_initialize(l, 3, first);
    for (int k = 0; k < goss_layout_count(l); k++) {
        const goss_entry *e = goss_layout_entry(l, k);
        const bool embeds = strstr(e->name, "embed.w") != NULL;
        for (int64_t j = e->offset; j < e->offset + e->numel; j++) {
            if (embeds) most = fmax(most, fabs((double)first[j]));
            slab[j] = embeds ? 0 : (double)first[j] * (is_product(e) ? times : 1);
        }
    }
    free(first);
    return most;
}

/* The layer without modulation, whose tensors have the same names. */
static sequence plain(const reference *r, const char *kind, const sequence *x) {
    char name[32];
    sequence y = {.steps = x->steps, .width = UNITS};
    snprintf(name, sizeof name, "hyper%s1", kind);
    if (strcmp(kind, "dense") == 0) return ref_dense(r, x, name, UNITS);
    ref_direction(r, kind, name, x, UNITS, false, 0, &y);
    return y;
}

/* Of codes that say nothing yet, factors are 1 where the position modulates, or dense layers, and 0.1 where a small
 * cell modulates a recurrent one (Ha, Dai and Le 2017). */
TEST(modulated_layers_begin_as_plain_ones) {
    static const struct {
        const char *text, *plain;
        double factor;
    } cases[] = {{"hyperdense 5 3 2", "dense", 1},        {"hyperdense 5 3 2 position", "dense", 1},
                 {"hypergru 5 3 2 position", "gru", 1},   {"hyperrnn 5 3 2", "rnn", 0.1},
                 {"hyperlstm 5 3 2 position", "lstm", 1}, {"hypergru 5 3 2", "gru", 0.1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        net n = net_new(cases[i].text, WIDTH, STEPS, false, 0);
        const goss_layout *l = goss_target_layout(n.t);
        double *slab = world_numbers(&n.w, "slab");
        const double most = start(l, slab, 1 / cases[i].factor);
        T_CHECK(most > 0 && most < 0.06); /* little, but not the same for all units */
        net_run(&n, GOSS_F64, cases[i].text);
        start(l, slab, 1);
        for (int s = 0; s < TASKS * SAMPLES; s++) {
            const reference r = {n.t, slab};
            sequence x = {.steps = length_of(s / SAMPLES, s % SAMPLES), .width = WIDTH};
            for (int t = 0; t < x.steps; t++)
                memcpy(x.at[t], world_numbers(&n.w, "x") + (s * STEPS + t) * WIDTH, WIDTH * sizeof(double));
            const sequence y = plain(&r, cases[i].plain, &x);
            for (int t = 0; t < x.steps; t++)
                for (int j = 0; j < UNITS; j++)
                    T_NEAR(n.w.out[0][(s * STEPS + t) * UNITS + j], y.at[t][j], 1e-7); /* 0.1f is not 0.1 */
        }
        net_free(&n);
    }
}
TEST_MAIN()
