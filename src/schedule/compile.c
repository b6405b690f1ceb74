/* SPDX-License-Identifier: Apache-2.0 */
/* compile.c: from a program to a schedule: its operations become values (copy_program.c), which the passes of passes.c
 * arrange in phases and memory. */
#include <string.h>

#include "base/alloc.h"
#include "schedule/loop.h"

goss_schedule_options goss_schedule_defaults(void) { return (goss_schedule_options){.precision = GOSS_F32}; }

void goss_schedule_free(goss_schedule *p) {
    if (!p) return;
    for (uint32_t v = 0; p->values && v < p->n_values; v++)
        if (p->values[v].loop) goss_schedule_free(p->values[v].loop->body);
    goss__arena_free(&p->arena);
    goss__free(p);
}

/* A schedule is independent of the graph and program it was compiled from. */
static void forget_program(goss_schedule *p) {
    for (uint32_t v = 0; v < p->n_values; v++) p->values[v].region = NULL;
}

static goss_status fill(goss_schedule *p, const goss_program *from, goss_error *err) {
    if (!goss__copy_program(p, from)) return goss_error_set(err, GOSS_E_NOMEM, "compile: out of memory");
    GOSS_TRY(goss__run_passes(p, from, err));
    forget_program(p);
    return GOSS_OK;
}

/* rules: the options may disable rewrite rules. */
static goss_status check(const goss_schedule_options *options, bool rules, goss_schedule_options *o, goss_error *err) {
    *o = options ? *options : goss_schedule_defaults();
    GOSS_TRY(goss__disable_check(goss__disabled(), "GOSSAMER_DISABLE", true, err));
    GOSS_TRY(goss__disable_check(o->disable, "disable", rules, err));
    return goss__kernels_asked(err);
}

/* Compiles a rewritten program with checked options. */
static goss_status schedule(const goss_program *program, const goss_schedule_options *o, goss_schedule **out,
                            goss_error *err) {
    goss_schedule *p = goss__calloc(1, sizeof *p);
    if (!p) return goss_error_set(err, GOSS_E_NOMEM, "compile: out of memory");
    p->options = *o;
    p->precision = o->precision;
    p->off = goss__passes_in(goss__disabled()) | goss__passes_in(o->disable);
    const goss_status s = fill(p, program, err);
    p->options.bf16 = p->options.disable = p->options.print = NULL; /* owned by the caller */
    if (s == GOSS_OK)
        *out = p;
    else
        goss_schedule_free(p);
    return s;
}

goss_status goss_schedule_compile(const goss_program *program, const goss_schedule_options *options,
                                  goss_schedule **out, goss_error *err) {
    goss_schedule_options o;
    goss_program *rewritten;
    uint64_t printed;
    *out = NULL;
    GOSS_TRY(check(options, true, &o, err));
    GOSS_TRY(goss__passes_printed(&o, &printed, err));
    GOSS_TRY(
        goss__program_rewrite(program, o.disable, printed ? goss__print_program : NULL, &printed, &rewritten, err));
    const goss_status s = schedule(rewritten, &o, out, err);
    goss_program_free(rewritten);
    return s;
}

goss_status goss_compile(goss_graph *g, const goss_val *outputs, int n_outputs, const goss_val *updates, int n_updates,
                         const goss_schedule_options *options, goss_schedule **out, goss_error *err) {
    goss_schedule_options o;
    goss_program *program;
    uint64_t printed;
    *out = NULL;
    GOSS_TRY(goss_graph_status(g, err));
    GOSS_TRY(check(options, false, &o, err));
    GOSS_TRY(goss__passes_printed(&o, &printed, err));
    GOSS_TRY(goss__program_rewritten(g, outputs, n_outputs, updates, n_updates, printed ? goss__print_program : NULL,
                                     &printed, &program, err));
    const goss_status s = schedule(program, &o, out, err);
    goss_program_free(program);
    return s;
}
