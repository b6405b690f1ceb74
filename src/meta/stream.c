/* SPDX-License-Identifier: Apache-2.0 */
/* stream.c: a network that reads a sequence in pieces. Its program has the states of layers as inputs and as outputs;
 * between two pieces they are copied from these to those. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/finite.h"
#include "meta/network.h"

struct goss_stream {
    const goss_network *network;
    goss_schedule *schedule;
    goss_params *params;
    goss_threads *threads, *own_threads;
    goss_exec *exec;
    float *state; /* of all layers, one behind the other */
    size_t states;
    int piece;
    int64_t steps;
};

static const char *input_name(char name[24], int i) {
    snprintf(name, 24, "state%d", i);
    return name;
}

static int64_t width_of(const goss_stream *s, int i) { return goss_target_state_width(s->network->target, i); }

static goss_status compile(goss_stream *s, goss_graph *g, goss_error *err) {
    const goss_target *t = s->network->target;
    const goss_extent one = goss_n(1), steps = goss_symbol(g, "L", s->piece);
    const goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(one, one, steps, goss_n(goss_target_input(t)[1])));
    goss_target_carry carry;
    goss_target_context c = goss_target_context_defaults();
    goss_val outputs[2 + GOSS_TARGET_MAX_STATES], answer[2];
    char name[24];
    memset(&carry, 0, sizeof carry);
    for (int i = 0; i < goss_target_states(t); i++)
        carry.before[i] = goss_input(g, input_name(name, i), GOSS_REAL, GOSS_SHAPE(one, one, goss_n(width_of(s, i))));
    c.lengths = goss_sum(goss_full(g, GOSS_SHAPE(one, one, steps), 1), GOSS_AXIS(2), false);
    c.carry = &carry;
    GOSS_TRY(goss__network_build(s->network, g, x, c, false, answer, err));
    outputs[0] = answer[0];
    for (int i = 0; i < goss_target_states(t); i++) outputs[1 + i] = carry.after[i];
    const goss_schedule_options o = goss_schedule_defaults();
    return goss_compile(g, outputs, 1 + goss_target_states(t), NULL, 0, &o, &s->schedule, err);
}

static goss_status prepare(goss_stream *s, goss_error *err) {
    goss_graph *g = goss_graph_new();
    if (!g) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a graph");
    const goss_status status = compile(s, g, err);
    goss_graph_free(g);
    GOSS_TRY(status);
    GOSS_TRY(goss_params_new(GOSS_F32, &s->params, err));
    GOSS_TRY(goss_params_add(s->params, s->schedule, err));
    goss__network_store(s->network, s->params);
    if (!s->threads) GOSS_TRY(goss_threads_new(0, &s->own_threads, err));
    GOSS_TRY(goss_exec_new(s->schedule, s->params, s->threads ? s->threads : s->own_threads, &s->exec, err));
    for (int i = 0; i < goss_target_states(s->network->target); i++) s->states += (size_t)width_of(s, i);
    s->state = goss__calloc(s->states + 1, sizeof *s->state);
    if (!s->state) return goss_error_set(err, GOSS_E_NOMEM, "no memory for the states of a stream");
    float *at = s->state;
    for (int i = 0; i < goss_target_states(s->network->target); at += width_of(s, i), i++) {
        char name[24];
        GOSS_TRY(goss_exec_bind(s->exec, input_name(name, i), at, err));
    }
    return GOSS_OK;
}

goss_status goss_stream_open(const goss_network *network, int piece, goss_threads *threads, goss_stream **out,
                             goss_error *err) {
    *out = NULL;
    if (piece < 1) return goss_error_set(err, GOSS_E_ARGUMENT, "stream: pieces of up to %d steps", piece);
    if (network->members > 1)
        return goss_error_set(err, GOSS_E_UNSUPPORTED, "stream: an ensemble of %d networks, not one", network->members);
    GOSS_TRY(goss_error_prefix(err, goss_target_continues(network->target, err), "stream"));
    goss_stream *s = goss__calloc(1, sizeof *s);
    if (!s) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a stream");
    s->network = network, s->piece = piece, s->threads = threads;
    const goss_status status = prepare(s, err);
    if (status == GOSS_OK)
        *out = s;
    else
        goss_stream_free(s);
    return status;
}

void goss_stream_free(goss_stream *s) {
    if (!s) return;
    goss_exec_free(s->exec);
    goss_threads_free(s->own_threads);
    goss_params_free(s->params);
    goss_schedule_free(s->schedule);
    goss__free(s->state);
    goss__free(s);
}

goss_status goss_stream_read(goss_stream *s, const float *x, int steps, float *out, goss_error *err) {
    const goss_network *n = s->network;
    if (steps < 1 || steps > s->piece)
        return goss_error_set(err, GOSS_E_ARGUMENT, "stream: a piece of %d steps; 1 to %d were planned", steps,
                              s->piece);
    GOSS_TRY(goss_exec_bind(s->exec, "x", x, err));
    GOSS_TRY(goss_exec_count(s->exec, "L", steps, err));
    GOSS_TRY(goss_exec_run(s->exec, err));
    const bool each = goss_task_objective(&n->data.of.task)->steps; /* the last step's answer */
    const float *answer = (const float *)goss_exec_output(s->exec, 0, NULL) + (each ? (steps - 1) * n->outputs : 0);
    if (goss__first_not_finite(answer, n->outputs) >= 0)
        return goss_error_set(err, GOSS_E_NUMERIC, "stream: the answer after step %lld is not finite",
                              (long long)(s->steps + steps));
    memcpy(out, answer, (size_t)n->outputs * sizeof *out);
    goss__network_to_units(n, out, 1);
    float *at = s->state;
    for (int i = 0; i < goss_target_states(n->target); at += width_of(s, i), i++)
        memcpy(at, goss_exec_output(s->exec, 1 + i, NULL), (size_t)width_of(s, i) * sizeof *at);
    s->steps += steps;
    return GOSS_OK;
}

int64_t goss_stream_steps(const goss_stream *s) { return s->steps; }

void goss_stream_reset(goss_stream *s) {
    memset(s->state, 0, s->states * sizeof *s->state);
    s->steps = 0;
}
