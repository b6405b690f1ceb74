/* Chains of elementwise ops as one loop: each row of fused.def against its ops one after the other, on every variant; and the
 * optimisers' steps, in which the executor must find them. Bits are the same. */
#include <stdlib.h>

#include "exec/exec.h"
#include "gossamer/compose.h"
#include "gossamer/optimizer.h"
#include "kernel/fused.h"
#include "kernel_check.h"
#include "machine.h"

static goss_error err;

/* ---- kernels ---- */

static const struct {
    const goss__fused_op *op;
    int n;
    const char *name;
} rows[] = {
#define FUSED(name, ...) {goss__fused_##name, sizeof goss__fused_##name / sizeof(goss__fused_op), #name},
#include "kernel/fused.def"
#undef FUSED
};

enum { ROWS = 3 };

/* A row's ops on ROWS x n elements. A result that is kept lies where the op's first array did, as in place. */
typedef struct operands {
    guarded array[GOSS__FUSED_MOST][3], result[GOSS__FUSED_MOST];
    float number[GOSS__FUSED_MOST][3];
    goss__ew e[GOSS__FUSED_MOST];
} operands;

static void make(operands *o, int row, int64_t n, float zero) {
    check_seed = (uint32_t)(row + 7 * n);
    for (int k = 0; k < rows[row].n; k++) {
        const goss__fused_op *op = &rows[row].op[k];
        o->result[k] = guarded_new(ROWS * n);
        o->e[k] = (goss__ew){.out = o->result[k].v, .outer = ROWS, .inner = n};
        for (int j = 0; j < 3; j++) {
            const int from = op->in[j];
            o->array[k][j] = guarded_new(from == GOSS__FUSED_ARRAY ? ROWS * n : from == GOSS__FUSED_ROW ? n : 0);
            for (int64_t i = 0; i < o->array[k][j].n; i++) o->array[k][j].v[i] = fabsf(o->array[k][j].v[i]);
            o->number[k][j] = op->op == GOSS__EW_select ? zero : 0.5f + 0.5f * check_random();
            o->e[k].in[j] = from >= 0 ? o->result[from].v : o->array[k][j].n ? o->array[k][j].v : &o->number[k][j];
            if (from == GOSS__FUSED_ARRAY && op->kept) o->e[k].out = o->array[k][j].v;
            o->e[k].in_inner[j] = from != GOSS__FUSED_NUMBER;
            o->e[k].in_outer[j] = from == GOSS__FUSED_NUMBER || from == GOSS__FUSED_ROW ? 0 : n;
        }
    }
    for (int k = 0; k < rows[row].n; k++)
        for (int j = 0; j < 3; j++)
            if (rows[row].op[k].in[j] >= 0) o->e[k].in[j] = o->e[rows[row].op[k].in[j]].out;
}

static bool intact(const operands *o, int n) {
    bool all = true;
    for (int k = 0; k < n; k++) {
        all &= guarded_intact(&o->result[k]);
        for (int j = 0; j < 3; j++) all &= guarded_intact(&o->array[k][j]);
    }
    return all;
}

static void drop(operands *o, int n) {
    for (int k = 0; k < n; k++) {
        guarded_free(&o->result[k]);
        for (int j = 0; j < 3; j++) guarded_free(&o->array[k][j]);
    }
}

static void one_row(const goss__kernels *k, int row, int64_t n, float zero) {
    operands apart, at_once;
    bool same = true;
    make(&apart, row, n, zero), make(&at_once, row, n, zero);
    for (int i = 0; i < rows[row].n; i++) k->ew[rows[row].op[i].op](&apart.e[i]);
    k->fused[row](at_once.e);
    for (int i = 0; i < rows[row].n; i++)
        if (rows[row].op[i].kept) same &= first_difference(apart.e[i].out, at_once.e[i].out, ROWS * n) < 0;
    const bool kept = intact(&at_once, rows[row].n);
    drop(&apart, rows[row].n), drop(&at_once, rows[row].n);
    if (!same || !kept) T_FAIL("%s %s of %lld:%s%s", k->name, rows[row].name, (long long)n, same ? "" : " other bits", kept ? "" : " wrote outside");
}

static void check_rows(const goss__kernels *k) {
    for (int row = 0; row < GOSS__FUSED_COUNT; row++)
        for (int64_t n = 0; n < 70 && !t_failed; n++) one_row(k, row, n, 0), one_row(k, row, n, 1);
}
EACH_VARIANT(fused_rows, check_rows)

/* ---- in a program ---- */

enum { LENGTH = 5003, STATES = 8 }; /* several blocks of a chain and a rest */

typedef struct outcome {
    float state[STATES][LENGTH];
    int64_t numel[STATES];
    int states, fused; /* parameters and state; steps that are part of a fused call */
} outcome;

static goss_graph *build(const goss_optimizer_options *o, goss_optimizer_result *step) {
    goss_graph *g = goss_graph_new();
    const goss_shape s = GOSS_SHAPE(goss_n(LENGTH));
    goss_val w = goss_param(g, "w", s), wanted = goss_input(g, "wanted", GOSS_REAL, s), grad;
    goss_grad(goss_sum_all(goss_square(goss_sub(goss_sin(w), wanted))), &w, 1, &grad);
    *step = goss_optimizer_build(o, &(goss_optimizer_param){.param = w, .gradient = grad}, 1, goss_const(g, 0.01));
    return g;
}

static void run(const goss_optimizer_options *o, const char *disabled, int threads, outcome *out) {
    static float wanted[LENGTH];
    goss_optimizer_result step;
    machine m;
    setenv("GOSSAMER_DISABLE", disabled, 1);
    goss_graph *g = build(o, &step);
    T_OK(machine_new(&m, g, NULL, 0, step.updates, step.n_updates, NULL, threads, &err));
    check_seed = 5;
    for (int i = 0; i < LENGTH; i++) wanted[i] = check_random();
    T_OK(goss_exec_bind(m.exec, "wanted", wanted, &err));
    for (int i = 0; i < 3; i++) T_OK(goss_exec_run(m.exec, &err));
    out->states = goss_params_count(m.params), out->fused = 0;
    T_CHECK(out->states <= STATES);
    for (int i = 0; i < out->states; i++) goss_params_get(m.params, i, out->state[i]), out->numel[i] = goss_params_numel(m.params, i);
    for (uint32_t k = 0; k < m.program->n_instrs; k++)
        if (m.exec->steps[k].chain)
            for (int i = 0; i < m.exec->steps[k].chain; i++) out->fused += m.exec->steps[k + (uint32_t)i].link.ops != 1;
    machine_free(&m);
    unsetenv("GOSSAMER_DISABLE");
}

static void fuses(goss_optimizer_options o, int steps) {
    static outcome with, without, two;
    run(&o, "", 1, &with), run(&o, "fuse-chain", 1, &without), run(&o, "", 2, &two);
    T_EQ(with.fused, steps);
    T_EQ(without.fused, 0);
    T_EQ(with.states, without.states);
    for (int i = 0; i < with.states; i++) {
        const size_t n = (size_t)with.numel[i] * sizeof(float);
        T_CHECK(memcmp(with.state[i], without.state[i], n) == 0 && memcmp(with.state[i], two.state[i], n) == 0);
    }
    T_CHECK(with.state[0][1] != 0);
}

TEST(steps_of_adam_are_fused) {
    goss_optimizer_options o = goss_optimizer_defaults();
    o.kind = GOSS_ADAM;
    fuses(o, 5);
    o.clip_norm = 0.5;
    fuses(o, 6);
}

TEST(steps_of_adamw_are_fused) {
    goss_optimizer_options o = goss_optimizer_defaults();
    o.clip_norm = 0.5, o.weight_decay = 0.01, o.ema_decay = 0.99;
    fuses(o, 7);
    o.clip_norm = 0, o.ema_decay = 0;
    fuses(o, 6);
}

TEST(what_others_read_is_not_passed_on) {
    goss_optimizer_options o = goss_optimizer_defaults();
    o.kind = GOSS_ADAM, o.weight_decay = 0.01; /* decay is added to the gradient: the row without clipping begins after it */
    fuses(o, 5);
}

TEST_MAIN()
