/* SPDX-License-Identifier: Apache-2.0 */
/* Chains of an optimiser's step as one loop: the executor finds them, and no bit changes. */
#include <stdlib.h>

#include "runtime/exec.h"
#include "gossamer/compose.h"
#include "gossamer/log.h"
#include "gossamer/optimizer.h"
#include "machine.h"
#include "test.h"

static goss_error err;

enum { LENGTH = 5003, STATES = 8 }; /* several blocks of a chain and a rest */

typedef struct outcome {
    float state[STATES][LENGTH];
    int64_t numel[STATES];
    int states, fused; /* parameters and state; steps that are part of a fused call */
} outcome;

/* For tools/mine-chains, whose zoo has these steps: of an optimiser alone, without decay scales of named tensors. */
static void print_line(void *context, goss_log_level level, const char *line) { fprintf(stderr, "%s\n", line); }

static goss_graph *build(const goss_optimizer_options *o, goss_optimizer_result *step) {
    goss_graph *g = goss_graph_new();
    const goss_shape s = GOSS_SHAPE(goss_n(LENGTH));
    goss_val w = goss_param(g, "w", s), grad = goss_input(g, "gradient", GOSS_REAL, s);
    *step = goss_optimizer_build(o, &(goss_optimizer_param){.param = w, .gradient = grad}, 1, goss_const(g, 0.01));
    return g;
}

static int fused_steps(const machine *m) {
    int fused = 0;
    for (uint32_t k = 0; k < m->program->n_instrs; k++)
        for (int i = 0; i < m->exec->steps[k].chain; i++) fused += m->exec->steps[k + (uint32_t)i].link.ops != 1;
    return fused;
}

static void run(const goss_optimizer_options *o, const char *disabled, int threads, outcome *out) {
    static float gradient[LENGTH];
    goss_optimizer_result step;
    machine m;
    if (getenv("GOSSAMER_PRINT")) goss_log_set(print_line, NULL);
    setenv("GOSSAMER_DISABLE", disabled, 1);
    goss_graph *g = build(o, &step);
    T_OK(machine_new(&m, g, NULL, 0, step.updates, step.n_updates, NULL, threads, &err));
    for (int i = 0; i < LENGTH; i++) gradient[i] = (float)(i * 7919 % 64 - 32) / 32;
    T_OK(goss_exec_bind(m.exec, "gradient", gradient, &err));
    for (int i = 0; i < 3; i++) T_OK(goss_exec_run(m.exec, &err));
    out->states = goss_params_count(m.params);
    T_CHECK(out->states <= STATES);
    for (int i = 0; i < out->states; i++)
        goss_params_get(m.params, i, out->state[i]), out->numel[i] = goss_params_numel(m.params, i);
    out->fused = fused_steps(&m);
    machine_free(&m);
    unsetenv("GOSSAMER_DISABLE");
}

/* No bit differs; how many steps are fused. */
static int compare(goss_optimizer_options o) {
    static outcome with, without, two;
    run(&o, "", 1, &with), run(&o, "fuse-chain", 1, &without), run(&o, "", 2, &two);
    T_EQ(without.fused, 0);
    T_EQ(with.states, without.states);
    for (int i = 0; i < with.states; i++) {
        const size_t n = (size_t)with.numel[i] * sizeof(float);
        T_CHECK(memcmp(with.state[i], without.state[i], n) == 0 && memcmp(with.state[i], two.state[i], n) == 0);
    }
    T_CHECK(with.state[0][1] != 0);
    return with.fused;
}

static void fuses(goss_optimizer_options o, int steps) { T_EQ(compare(o), steps); }

/* What tools/mine-chains runs, test by test, whatever rows there are. */
enum { CLIP = 1, DECAY = 2, AVERAGE = 4 };
static void changes_no_bit(goss_optimizer_kind kind, int with) {
    goss_optimizer_options o = goss_optimizer_defaults();
    o.kind = kind;
    if (with & CLIP) o.clip_norm = 0.5;
    if (with & DECAY) o.weight_decay = 0.01;
    if (with & AVERAGE) o.ema_decay = 0.99;
    compare(o);
}
TEST(zoo_sgd_plain) { changes_no_bit(GOSS_SGD, 0); }
TEST(zoo_sgd_clip) { changes_no_bit(GOSS_SGD, CLIP); }
TEST(zoo_sgd_decay) { changes_no_bit(GOSS_SGD, DECAY); }
TEST(zoo_adam_plain) { changes_no_bit(GOSS_ADAM, 0); }
TEST(zoo_adam_clip) { changes_no_bit(GOSS_ADAM, CLIP); }
TEST(zoo_adam_decay) { changes_no_bit(GOSS_ADAM, DECAY); }
TEST(zoo_adamw_decay) { changes_no_bit(GOSS_ADAMW, DECAY); }
TEST(zoo_adamw_clip_decay) { changes_no_bit(GOSS_ADAMW, CLIP | DECAY); }
TEST(zoo_adamw_average_clip_decay) { changes_no_bit(GOSS_ADAMW, CLIP | DECAY | AVERAGE); }

TEST(steps_of_adam_are_fused) {
    goss_optimizer_options o = goss_optimizer_defaults();
    o.kind = GOSS_ADAM;
    fuses(o, 8);
    o.clip_norm = 0.5;
    fuses(o, 9);
}

TEST(steps_of_adamw_are_fused) {
    goss_optimizer_options o = goss_optimizer_defaults();
    o.clip_norm = 0.5, o.weight_decay = 0.01, o.ema_decay = 0.99;
    fuses(o, 10);
    o.clip_norm = 0, o.ema_decay = 0;
    fuses(o, 9);
}

/* Decay is added to the gradient in the same loop. */
TEST(steps_of_adam_with_decay_are_fused) {
    goss_optimizer_options o = goss_optimizer_defaults();
    o.kind = GOSS_ADAM, o.weight_decay = 0.01;
    fuses(o, 9);
}

/* less and select are a row, unless the mask is wanted, too. */
TEST(what_others_read_is_not_passed_on) {
    static float x[LENGTH];
    for (int outputs = 1; outputs <= 2; outputs++) {
        goss_graph *g = goss_graph_new();
        const goss_shape s = GOSS_SHAPE(goss_n(LENGTH));
        const goss_val a = goss_input(g, "a", GOSS_REAL, s), b = goss_input(g, "b", GOSS_REAL, s),
                       mask = goss_less(goss_const(g, 0), a);
        const goss_val out[] = {goss_select(mask, b, goss_const(g, 0)), mask};
        machine m;
        T_OK(machine_new(&m, g, out, outputs, NULL, 0, NULL, 1, &err));
        T_OK(goss_exec_bind(m.exec, "a", x, &err));
        T_OK(goss_exec_bind(m.exec, "b", x, &err));
        T_OK(goss_exec_run(m.exec, &err));
        T_EQ(fused_steps(&m), outputs == 1 ? 2 : 0);
        machine_free(&m);
    }
}

TEST_MAIN()
