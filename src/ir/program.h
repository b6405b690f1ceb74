/* SPDX-License-Identifier: Apache-2.0 */
/* program.h (private): how a canonical program is kept, and how one is filled: by goss_program_create from a graph, by
 * the parser from a text. */
#ifndef GOSS_IR_PROGRAM_H
#define GOSS_IR_PROGRAM_H

#include "base/arena.h"
#include "gossamer/program.h"
#include "graph/node.h"

enum { GOSS__PROGRAM_DEPTH = 8 }; /* regions in regions */

typedef struct goss__operation {
    goss_program_operation shown; /* what the public interface shows */
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
    goss__symbols symbols; /* a region's are those of the program that it stands in */
    goss_program_value *values;
    goss__operation *operations;
    int n_values, n_operations, values_capacity, operations_capacity;
    goss__named_list inputs, parameters, outputs;
    int *updates; /* operations */
    int n_updates, updates_capacity;
    int depth; /* 0; of a region: 1 more than the program it stands in */
};

/* ---- filling; each copies what it is given. false: out of memory ---- */

typedef struct goss__operation_proto {
    const goss__op *op;
    const void *attr;
    const char *name, *scope;
    int n_operands, n_results, n_regions;
    const int *operands;
    const goss_type *types;   /* of the results */
    const goss_shape *shapes; /* of the results */
    goss_program **regions;   /* become the program's own, also where this fails */
} goss__operation_proto;

/* An empty program with these symbols. */
goss_program *goss__program_new(const goss__symbols *symbols);
/* Appends an operation; inputs, parameters and assignments are also listed as such. */
bool goss__program_add(goss_program *p, const goss__operation_proto *o);
/* A name of NULL: that of its position. */
bool goss__program_add_output(goss_program *p, int value, const char *name);

/* ---- from a graph ---- */

/* The errors of goss_program_create in outputs and updates. */
goss_status goss__program_check(const goss_graph *g, const goss_val *outputs, int n_outputs, const goss_val *updates,
                                int n_updates, goss_error *err);
/* The n nodes of a list, operands first, as a program; all of its assignments are updates. */
goss_status goss__program_of(const goss_graph *g, const uint32_t *list, uint32_t n, const goss_val *outputs,
                             const char *const *names, int n_outputs, goss_program **out, goss_error *err);

/* ---- passes over a program, while it is part of a graph ---- */

typedef struct goss__program_pass {
    const char *name;
    /* Lets n values, outputs and updates, become others. */
    void (*run)(goss_graph *g, goss_val *v, int n);
    int off; /* the rule that leaves it out (rewrite/rules.def) */
    const char *what;
} goss__program_pass;
/* In their order; NULL behind the last. */
const goss__program_pass *goss__program_pass_at(int i);
/* Told of the program as it is after each pass; NULL: nobody. An error ends the passes. */
typedef goss_status (*goss__after_pass)(void *ctx, const goss__program_pass *pass, const goss_program *p,
                                        goss_error *err);

/* Runs them over outputs and updates, in the graph, and makes a program of what those become. */
goss_status goss__program_rewritten(goss_graph *g, const goss_val *outputs, int n_outputs, const goss_val *updates,
                                    int n_updates, goss__after_pass after, void *ctx, goss_program **out,
                                    goss_error *err);
/* Runs them over a program. */
goss_status goss__program_rewrite(const goss_program *p, goss__after_pass after, void *ctx, goss_program **out,
                                  goss_error *err);

/* ---- reading ---- */

/* The operation's first result; of an assignment, which has none, its parameter: type and shape of its node. */
static inline const goss_program_value *goss__operation_like(const goss_program *p, const goss__operation *o) {
    return &p->values[o->shown.n_results ? o->shown.first_result : o->shown.operands[0]];
}
/* The operation of which a value is a result. */
static inline const goss__operation *goss__maker(const goss_program *p, int value) {
    return &p->operations[p->values[value].operation];
}
/* What the operation's rules see. */
void goss__operation_site(goss__site *s, const goss_program *p, const goss__operation *o);

/* ---- texts ---- */

/* "%3 = conv" of an operation, for errors; into buf, which is returned. */
enum { GOSS__OPERATION_TEXT = 200 };
const char *goss__operation_text(const goss_program *p, int operation, char buf[GOSS__OPERATION_TEXT]);
#endif
