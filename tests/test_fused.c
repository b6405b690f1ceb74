/* SPDX-License-Identifier: Apache-2.0 */
/* Chains of an optimiser's step as one loop: the executor finds them, and no bit changes. */
#include <stdlib.h>

#include "runtime/exec.h"
#include "gossamer/compose.h"
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
    for (int i = 0; i < LENGTH; i++) wanted[i] = (float)(i * 7919 % 64 - 32) / 32;
    T_OK(goss_exec_bind(m.exec, "wanted", wanted, &err));
    for (int i = 0; i < 3; i++) T_OK(goss_exec_run(m.exec, &err));
    out->states = goss_params_count(m.params), out->fused = 0;
    T_CHECK(out->states <= STATES);
    for (int i = 0; i < out->states; i++)
        goss_params_get(m.params, i, out->state[i]), out->numel[i] = goss_params_numel(m.params, i);
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
    o.kind = GOSS_ADAM,
    o.weight_decay = 0.01; /* decay is added to the gradient: the row without clipping begins after it */
    fuses(o, 5);
}

TEST_MAIN()
