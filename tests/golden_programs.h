/* SPDX-License-Identifier: Apache-2.0 */
/* golden_programs.h: the programs of which tests/golden keeps files: between them they hold every operation. What is
 * built here may change at any time; the files of released versions may not. */
#ifndef TESTS_GOLDEN_PROGRAMS_H
#define TESTS_GOLDEN_PROGRAMS_H

#include "gossamer/compose.h"
#include "gossamer/program.h"
#include "test.h"

enum { GOLDEN_OUTPUTS = 24, GOLDEN_UPDATES = 4 };

typedef struct golden_program {
    goss_graph *g;
    goss_val out[GOLDEN_OUTPUTS], update[GOLDEN_UPDATES];
    const char *name[GOLDEN_OUTPUTS];
    int n_out, n_updates;
} golden_program;

static inline void golden_out(golden_program *p, const char *name, goss_val v) {
    p->name[p->n_out] = name, p->out[p->n_out++] = v;
}

static inline goss_val golden_input(golden_program *p, const char *name, goss_shape s) {
    return goss_input(p->g, name, GOSS_REAL, s);
}

/* The gradient of the sum of v's squares: its operations come in with it. */
static inline goss_val golden_grad(golden_program *p, const char *name, goss_val v, goss_val wrt) {
    goss_val grad;
    if (goss_grad(goss_sum_all(goss_square(v)), &wrt, 1, &grad) == GOSS_OK) golden_out(p, name, grad);
    return grad;
}

#define E(n) goss_n(n)

/* Every row of elementwise.def, of numbers between 1/4 and 7/4. */
static inline void golden_elementwise(golden_program *p) {
    const goss_extent t = goss_symbol(p->g, "T", 3);
    const goss_val a = golden_input(p, "a", GOSS_SHAPE(t, E(3))), b = golden_input(p, "b", GOSS_SHAPE(t, E(3))),
                   c = golden_input(p, "c", GOSS_SHAPE(E(1), E(3)));
    goss_val all[64];
    int n = 0;
#define CALL_1(name) goss_##name(a)
#define CALL_2(name) goss_##name(a, b)
#define CALL_3(name) goss_##name(a, b, c)
#define ROW(name, arity, formula, va, vb, vc, ...) all[n++] = CALL_##arity(name);
#include "kernel/elementwise.def"
#undef ROW
#undef CALL_1
#undef CALL_2
#undef CALL_3
    const goss_val y = goss_concat(all, n, 1);
    golden_out(p, "elementwise", y);
    golden_grad(p, "elementwise.da", y, a);
}

/* A step of a small network with momentum, its statistics kept. */
static inline void golden_network(golden_program *p) {
    const goss_extent t = goss_symbol(p->g, "T", 3), n = goss_symbol(p->g, "N", 4);
    goss_conv_options o = goss_conv_defaults();
    o.stride_w = 2, o.pad_top = o.pad_left = o.pad_bottom = 1;
    const goss_val x = golden_input(p, "x", GOSS_SHAPE(t, n, E(7), E(8), E(2))),
                   label = goss_input(p->g, "label", GOSS_INDEX, GOSS_SHAPE(t, n)),
                   w = goss_param(p->g, "net.w", GOSS_SHAPE(E(1), E(3), E(3), E(2), E(3))),
                   m = goss_param(p->g, "net.m", GOSS_SHAPE(E(1), E(3), E(3), E(2), E(3))),
                   head = golden_input(p, "head", GOSS_SHAPE(t, E(3), E(4)));
    goss_val mean, var, grad, twice;
    goss_scope_push(p->g, "net");
    const goss_val h = goss_conv(x, w, o);
    goss_batch_stats_shared(h, GOSS_NONE, &mean, &var);
    const goss_val y = goss_max_pool(goss_relu(goss_normalize(h, mean, var, 1e-5)), goss_pool_defaults(2));
    const goss_val f = goss_reshape(
        goss_sum(goss_avg_pool(y, goss_pool_defaults(2)), GOSS_AXIS(2) | GOSS_AXIS(3), false), GOSS_SHAPE(t, n, E(3)));
    goss_scope_pop(p->g);
    const goss_val loss = goss_reduce_loss(
        goss_cross_entropy(goss_matmul(f, head, false, false), goss_one_hot(label, E(4)), 0.1, GOSS_NONE), GOSS_NONE);
    golden_out(p, "loss", loss);
    if (goss_grad(loss, &w, 1, &grad) != GOSS_OK) return;
    golden_out(p, "loss.dw", grad);
    if (goss_grad(goss_sum_all(goss_square(grad)), &x, 1, &twice) == GOSS_OK) golden_out(p, "loss.dw.dx", twice);
    const goss_val next = goss_add(goss_scale(m, 0.9), grad);
    p->update[p->n_updates++] = goss_assign(m, next);
    p->update[p->n_updates++] = goss_assign(w, goss_sub(w, goss_scale(next, 0.5)));
}

/* Small matrices: solves, determinants, singular values. */
static inline void golden_matrices(golden_program *p) {
    const goss_extent t = goss_symbol(p->g, "T", 3);
    const goss_val a = golden_input(p, "matrix", GOSS_SHAPE(t, E(3), E(4))),
                   b = golden_input(p, "right", GOSS_SHAPE(t, E(3), E(2)));
    const goss_val one = golden_input(p, "identity", GOSS_SHAPE(E(1), E(3), E(3)));
    const goss_val spd = goss_add(goss_matmul(a, a, false, true), one), x = goss_spd_solve(spd, b);
    golden_out(p, "solution", x);
    golden_grad(p, "solution.da.da", golden_grad(p, "solution.da", x, a), a);
    golden_out(p, "log_det", goss_log_det(spd));
    golden_grad(p, "log_det.da", goss_log_det(spd), a);
    golden_out(p, "singular", goss_singular_values(a));
    golden_grad(p, "singular.da", goss_singular_values(a), a);
    golden_grad(p, "vectors.da", goss_sum(goss_square(goss_singular_vectors(a)), GOSS_AXIS(2), true), a);
    golden_out(p, "root", goss_gram_root(a, 0.25));
    golden_grad(p, "root.da", goss_gram_root(a, 0.25), a);
}

/* What moves elements, looks them up, or draws them. */
static inline void golden_layout(golden_program *p) {
    const goss_extent t = goss_symbol(p->g, "T", 3);
    const goss_val a = golden_input(p, "rows", GOSS_SHAPE(t, E(2), E(5))),
                   index = goss_input(p->g, "task", GOSS_INDEX, GOSS_SHAPE(t)),
                   table = goss_param(p->g, "table", GOSS_SHAPE(E(4), E(2)));
    const goss_val moved = goss_permute(goss_pad(goss_slice(a, 2, 1, 3), 1, 1, 2), (int[]){2, 0, 1});
    golden_out(p, "moved", moved);
    golden_grad(p, "moved.da", moved, a);
    golden_out(p, "most", goss_reduce_max(a, GOSS_AXIS(2), true));
    const goss_val row = goss_gather(table, index), inner = goss_variable(goss_tanh(row));
    golden_grad(p, "inner", goss_mul(goss_mean(inner, GOSS_AXIS(0), true), goss_detach(row)), inner);
    golden_grad(p, "table.dw", row, table);
    p->update[p->n_updates++] = goss_assign_rows(table, index, goss_scale(row, 2));
    golden_out(p, "uniform", goss_random_uniform(index, GOSS_SHAPE(t, E(2))));
    golden_out(p, "normal", goss_random_normal(index, GOSS_SHAPE(t, E(2), E(3))));
    golden_out(p, "count", goss_mean(goss_broadcast(goss_const(p->g, 3), GOSS_SHAPE(t, E(2))), GOSS_AXIS(0), true));
}

/* A loop of some steps, and its gradient's. */
static inline void golden_loop(golden_program *p) {
    const goss_extent t = goss_symbol(p->g, "T", 3), steps = goss_symbol(p->g, "L", 5);
    const goss_val x = golden_input(p, "x", GOSS_SHAPE(t, E(2), steps, E(3))),
                   h = golden_input(p, "h", GOSS_SHAPE(t, E(2), E(2))),
                   c = golden_input(p, "c", GOSS_SHAPE(t, E(2), E(2)));
    const goss_recurrent w = {.w = golden_input(p, "w", GOSS_SHAPE(E(1), E(3), E(8))),
                              .u = golden_input(p, "u", GOSS_SHAPE(E(1), E(2), E(8))),
                              .b = golden_input(p, "b", GOSS_SHAPE(E(1), E(8)))};
    goss_scan_options o = goss_scan_defaults();
    o.length = golden_input(p, "length", GOSS_SHAPE(t, E(2)));
    goss_val last_h, last_c;
    const goss_val y = goss_lstm(x, h, c, w, o, &last_h, &last_c);
    golden_out(p, "lstm", y);
    golden_out(p, "last", last_c);
    golden_grad(p, "lstm.du", y, w.u);
    o.reverse = true, o.keep_every = 2;
    golden_grad(p, "reversed.du", goss_lstm(x, h, c, w, o, &last_h, &last_c), w.u);
}

/* Positions as numbers, and numbers as rows of a table. */
static inline void golden_indices(golden_program *p) {
    const goss_extent t = goss_symbol(p->g, "T", 3);
    const goss_val a = golden_input(p, "number", GOSS_SHAPE(t, E(2))),
                   table = golden_input(p, "table", GOSS_SHAPE(E(9), E(2)));
    const goss_val at = goss_to_index(goss_shift(goss_scale(goss_tanh(a), 3.4), 4));
    golden_out(p, "position", goss_to_real(goss_iota(p->g, t)));
    golden_out(p, "looked_up", goss_gather(table, at));
    golden_grad(p, "looked_up.dw", goss_gather(table, at), table);
}

#undef E

static const struct {
    const char *name;
    void (*build)(golden_program *p);
} golden_programs[] = {{"elementwise", golden_elementwise}, {"network", golden_network}, {"matrices", golden_matrices},
                       {"layout", golden_layout},           {"loop", golden_loop},       {"indices", golden_indices}};
enum { GOLDEN_PROGRAMS = sizeof golden_programs / sizeof *golden_programs };

/* Program i, as it is built today. */
static inline goss_program *golden_build(int i) {
    golden_program p = {.g = goss_graph_new()};
    goss_error err = {0};
    goss_program *out = NULL;
    golden_programs[i].build(&p);
    T_OK(goss_program_create(p.g, p.out, p.name, p.n_out, p.update, p.n_updates, &out, &err));
    goss_graph_free(p.g);
    return out;
}
#endif
