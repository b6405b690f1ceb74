/* SPDX-License-Identifier: Apache-2.0 */
/* program.h (private): the representation of canonical programs, and filling one: by goss_program_create from a graph,
 * by the parser from text. */
#ifndef GOSS_IR_PROGRAM_H
#define GOSS_IR_PROGRAM_H

#include <stdarg.h>

#include "base/arena.h"
#include "gossamer/program.h"
#include "graph/node.h"

enum { GOSS__PROGRAM_DEPTH = 8 }; /* regions in regions */

typedef struct goss__operation {
    goss_program_operation shown; /* the public view */
    const goss__op *op;
    const void *attr; /* GOSS__ATTR(operation, kind) */
} goss__operation;

typedef struct goss__named {
    const char *name;
    int value;
} goss__named;

typedef struct goss__named_list {
    goss__named *at;
    int n, capacity;
} goss__named_list;

struct goss_program {
    goss__arena arena;
    goss__symbols symbols; /* a region's are those of the enclosing program */
    goss_program_value *values;
    goss__operation *operations;
    int n_values, n_operations, values_capacity, operations_capacity;
    goss__named_list inputs, parameters, outputs;
    int *updates; /* operations */
    int n_updates, updates_capacity;
    int depth; /* nesting: 0, or 1 more than the enclosing program */
};

/* ---- filling: arguments are copied. false: out of memory ---- */

typedef struct goss__operation_proto {
    const goss__op *op;
    const void *attr;
    const char *name, *scope;
    int n_operands, n_results, n_regions;
    const int *operands;
    const goss_type *types;   /* of the results */
    const goss_shape *shapes; /* of the results */
    goss_program **regions;   /* owned by the program from here on, even if this fails */
} goss__operation_proto;

/* An empty program with these symbols. */
goss_program *goss__program_new(const goss__symbols *symbols);
/* Appends an operation, and lists inputs, parameters and assignments. */
bool goss__program_add(goss_program *p, const goss__operation_proto *o);
/* Appends an output; name NULL: by position. */
bool goss__program_add_output(goss_program *p, int value, const char *name);

/* ---- from a graph ---- */

/* Checks outputs and updates for goss_program_create. */
goss_status goss__program_check(const goss_graph *g, const goss_val *outputs, int n_outputs, const goss_val *updates,
                                int n_updates, goss_error *err);
/* The program of n nodes, operands first; all assignments are updates. */
goss_status goss__program_of(const goss_graph *g, const uint32_t *list, uint32_t n, const goss_val *outputs,
                             const char *const *names, int n_outputs, goss_program **out, goss_error *err);

/* ---- passes over a program in graph form ---- */

typedef struct goss__program_pass {
    const char *name;
    /* Replaces n values, outputs and updates. */
    void (*run)(goss_graph *g, goss_val *v, int n);
    int off; /* the switch that disables it (rewrite/rules.def) */
    const char *what;
} goss__program_pass;
/* In order; NULL behind the last. */
const goss__program_pass *goss__program_pass_at(int i);
/* Receives the program after each pass; NULL: none. An error ends the passes. */
typedef goss_status (*goss__after_pass)(void *ctx, const goss__program_pass *pass, const goss_program *p,
                                        goss_error *err);

/* Runs the passes on outputs and updates of a graph and creates a program of the results. */
goss_status goss__program_rewritten(goss_graph *g, const goss_val *outputs, int n_outputs, const goss_val *updates,
                                    int n_updates, goss__after_pass after, void *ctx, goss_program **out,
                                    goss_error *err);
/* goss_program_graph, with these names switched off (NULL: none). */
goss_status goss__program_graph(const goss_program *p, const char *disable, goss_graph **out, goss_val *values,
                                goss_val *updates, goss_error *err);
/* Runs the passes on a program, without those rules that `disable` names (NULL: none). */
goss_status goss__program_rewrite(const goss_program *p, const char *disable, goss__after_pass after, void *ctx,
                                  goss_program **out, goss_error *err);

/* ---- reading ---- */

/* An operation's result, or the parameter of an assignment: type and shape of its node. Not of several results
 * (program_results.h). */
static inline const goss_program_value *goss__operation_like(const goss_program *p, const goss__operation *o) {
    return &p->values[o->shown.n_results ? o->shown.first_result : o->shown.operands[0]];
}
/* The operation that defines a value. */
static inline const goss__operation *goss__maker(const goss_program *p, int value) {
    return &p->operations[p->values[value].operation];
}
/* The site of an operation, for its rules. */
void goss__operation_site(goss__site *s, const goss_program *p, const goss__operation *o);

/* ---- texts ---- */

/* Formats "%3 = conv" into buf, for errors, and returns it. */
enum { GOSS__OPERATION_TEXT = 200 };
const char *goss__operation_text(const goss_program *p, int operation, char buf[GOSS__OPERATION_TEXT]);
/* GOSS_E_FORMAT with that and a text. */
goss_status goss__operation_error(const goss_program *p, int operation, goss_error *err, const char *fmt, va_list args);
#endif
