/* SPDX-License-Identifier: Apache-2.0 */
/* machine.h: a graph compiled and ready to run, with zeroed parameters of its own. */
#ifndef TESTS_MACHINE_H
#define TESTS_MACHINE_H

#include <stdio.h>
#include <string.h>

#include "gossamer/exec.h"

typedef struct machine {
    goss_schedule *program;
    goss_params *params;
    goss_threads *threads;
    goss_exec *exec;
} machine;

static inline void machine_free(machine *m) {
    goss_exec_free(m->exec);
    goss_threads_free(m->threads);
    goss_params_free(m->params);
    goss_schedule_free(m->program);
    *m = (machine){0};
}

/* Takes the graph. On an error there is nothing to free. */
static inline goss_status machine_new(machine *m, goss_graph *g, const goss_val *outputs, int n_outputs,
                                      const goss_val *updates, int n_updates, const goss_schedule_options *options,
                                      int threads, goss_error *err) {
    *m = (machine){0};
    goss_status s = goss_compile(g, outputs, n_outputs, updates, n_updates, options, &m->program, err);
    goss_graph_free(g);
    if (s == GOSS_OK) s = goss_params_new(options ? options->precision : GOSS_F32, &m->params, err);
    if (s == GOSS_OK) s = goss_params_add(m->params, m->program, err);
    if (s == GOSS_OK) s = goss_threads_new(threads, &m->threads, err);
    if (s == GOSS_OK) s = goss_exec_new(m->program, m->params, m->threads, &m->exec, err);
    if (s != GOSS_OK) machine_free(m);
    return s;
}

/* One parameter's numbers. */
static inline void machine_copy_param(const machine *m, const char *name, float *out) {
    const int at = goss_params_find(m->params, name);
    memcpy(out, goss_params_data(m->params, at), (size_t)goss_params_numel(m->params, at) * sizeof *out);
}

/* The schedule's text, and what memory it needs with one thread. false: text[size] is too short. */
static inline bool machine_describe(const machine *m, char *text, size_t size, size_t *memory) {
    char *all = goss_schedule_text(m->program);
    const bool fits = strlen(all) < size;
    snprintf(text, size, "%s", all);
    goss_text_free(all);
    *memory = goss_schedule_memory(m->program, 1);
    return fits;
}

#endif
