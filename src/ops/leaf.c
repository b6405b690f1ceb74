/* SPDX-License-Identifier: Apache-2.0 */
/* leaf.c: inputs, parameters, constants, counts, and assignments.
 *
 * Inputs, parameters and assignments are handled by the executor and have no run function. A constant tensor is a
 * broadcast of a rank 0 constant, which is read as a view. */
#include "ops/ops.h"

/* ---- inputs and parameters ---- */

const goss__op goss__op_input = {.name = "input", .leaf = true, .no_gradient = true};
const goss__op goss__op_param = {.name = "param", .leaf = true, .no_gradient = true};

static bool name_ok(goss_graph *g, const goss__proto *p) {
    if (!p->name || !p->name[0]) {
        goss_graph_fail(g, GOSS_E_ARGUMENT, "%s: it needs a name", p->op->name);
        return false;
    }
    for (uint32_t id = 1; id < g->n_nodes; id++) {
        const goss__node *n = g->nodes[id];
        if (n->op != &goss__op_input && n->op != &goss__op_param) continue;
        if (strcmp(n->name, p->name) != 0) continue;
        if (n->op == p->op && n->type == p->type && goss_shape_equal(n->shape, p->shape)) continue;
        char before[GOSS__SHAPE_TEXT], now[GOSS__SHAPE_TEXT];
        goss_graph_fail(g, GOSS_E_ARGUMENT, "%s %s %s: the name is taken by the %s %s", p->op->name, p->name,
                        goss__shape_text(&g->symbols, &p->shape, now, sizeof now), n->op->name,
                        goss__shape_text(&g->symbols, &n->shape, before, sizeof before));
        return false;
    }
    return true;
}

static goss_val named(goss_graph *g, const goss__op *op, const char *name, goss_type type, goss_shape shape) {
    goss__proto p = {.op = op, .type = type, .shape = shape, .name = name};
    return goss__shape_ok(g, op->name, &shape) && name_ok(g, &p) ? goss__emit(g, &p) : (goss_val){g, 0};
}

goss_val goss_input(goss_graph *g, const char *name, goss_type type, goss_shape shape) {
    return named(g, &goss__op_input, name, type, shape);
}

goss_val goss_param(goss_graph *g, const char *name, goss_shape shape) {
    for (int i = 0; goss__shape_ok(g, "param", &shape) && i < shape.rank; i++)
        if (shape.dim[i].symbols != 0)
            return goss_graph_fail(g, GOSS_E_SHAPE, "param %s: axis %d must have a fixed extent", name ? name : "", i);
    return named(g, &goss__op_param, name, GOSS_REAL, shape);
}

/* ---- constants and counts ---- */

static const goss__attr_field const_fields[] = {
    GOSS__FIELD(const, value, REAL),
};
GOSS__DEFINE_ATTRS(const, const_fields);
static const goss__attr_field extent_fields[] = {
    GOSS__FIELD(extent, extent, EXTENT),
};
GOSS__DEFINE_ATTRS(extent, extent_fields);

static void const_f32(const goss__call *c) { *(float *)c->out = (float)GOSS__ATTR(c->shapes, const)->value; }
static void const_f64(const goss__call *c) { *(double *)c->out = GOSS__ATTR(c->shapes, const)->value; }
const goss__op goss__op_const = {.name = "const",
                                 .attrs = &goss__const_attrs,
                                 .no_gradient = true,
                                 .kernel = {.run_f32 = const_f32, .run_f64 = const_f64}};

goss_val goss_const(goss_graph *g, double value) {
    if (!g) return (goss_val){NULL, 0}; /* for an invalid value without a graph */
    goss__proto p = {.op = &goss__op_const, .type = GOSS_REAL, .attr = &(goss__const_attr){value}};
    return goss__emit(g, &p);
}

goss_val goss_full(goss_graph *g, goss_shape shape, double value) {
    return goss_broadcast(goss_const(g, value), shape);
}

goss_val goss_zeros_like(goss_val a) {
    return goss_valid(a) ? goss_full(a.graph, goss_shape_of(a), 0) : (goss_val){a.graph, 0};
}

static void extent_f32(const goss__call *c) { *(float *)c->out = (float)GOSS__ATTR(c->shapes, extent)->extent.count; }
static void extent_f64(const goss__call *c) { *(double *)c->out = (double)GOSS__ATTR(c->shapes, extent)->extent.count; }
const goss__op goss__op_extent = {.name = "extent",
                                  .attrs = &goss__extent_attrs,
                                  .no_gradient = true,
                                  .kernel = {.run_f32 = extent_f32, .run_f64 = extent_f64}};

goss_val goss__extent_value(goss_graph *g, goss_extent e) {
    if (e.symbols == 0) return goss_const(g, (double)e.count);
    goss__proto p = {.op = &goss__op_extent, .type = GOSS_REAL, .attr = &(goss__extent_attr){e}};
    return goss__emit(g, &p);
}

static void iota_run(const goss__call *c) {
    int32_t *out = c->out;
    for (int64_t i = 0; i < c->shapes->out->numel; i++) out[i] = (int32_t)(c->first_element + i);
}
const goss__op goss__op_iota = {.name = "iota",
                                .no_gradient = true,
                                .slicing = {.slice = goss__slice_same},
                                .kernel = {.run_f32 = iota_run, .run_f64 = iota_run}};

goss_val goss_iota(goss_graph *g, goss_extent n) {
    if (!goss__extent_ok(g, "iota", "it", n)) return (goss_val){g, 0};
    int64_t most;
    if (!goss__extent_most(&g->symbols, n, &most) || most > INT32_MAX)
        return goss_graph_fail(g, GOSS_E_SHAPE, "iota: its numbers go beyond 2^31 - 1 at the planned maxima");
    goss__proto p = {.op = &goss__op_iota, .type = GOSS_INDEX, .shape = GOSS_SHAPE(n)};
    return goss__emit(g, &p);
}

/* ---- assignments ---- */

const goss__op goss__op_assign = {.name = "assign", .assignment = true, .no_gradient = true};
const goss__op goss__op_assign_rows = {.name = "assign_rows", .assignment = true, .no_gradient = true};

static bool param_ok(const char *op, goss_val param) {
    if (goss__node_of(param)->op == &goss__op_param) return true;
    goss_graph_fail(param.graph, GOSS_E_ARGUMENT, "%s: operand 1 is not a parameter", op);
    return false;
}

goss_val goss_assign(goss_val param, goss_val value) {
    goss_val in[2] = {param, value};
    if (!goss__typed("assign", in, 2, GOSS_REAL) || !param_ok("assign", param))
        return (goss_val){goss__graph_of(in, 2), 0};
    goss_shape shape = goss_shape_of(param);
    if (!goss_shape_equal(shape, goss_shape_of(value))) return goss__misfit2("assign", param, value, "shapes differ");
    return goss__make(&goss__op_assign, GOSS_REAL, shape, in, 2, NULL);
}

goss_val goss_assign_rows(goss_val param, goss_val index, goss_val value) {
    goss_val in[3] = {param, index, value}, reals[2] = {param, value};
    if (!goss__all_valid(in, 3) || !goss__typed("assign_rows", reals, 2, GOSS_REAL) ||
        !goss__typed("assign_rows", &index, 1, GOSS_INDEX) || !param_ok("assign_rows", param))
        return (goss_val){goss__graph_of(in, 3), 0};
    goss_shape table = goss_shape_of(param), rows = goss_shape_of(value);
    if (goss_rank(index) != 1) return goss__misfit("assign_rows", index, "the index must have rank 1");
    if (table.rank < 1 || rows.rank != table.rank || !goss_extent_equal(rows.dim[0], goss_dim(index, 0)))
        return goss__misfit2("assign_rows", param, value, "one row for each index is needed");
    for (int i = 1; i < table.rank; i++)
        if (!goss_extent_equal(table.dim[i], rows.dim[i]))
            return goss__misfit2("assign_rows", param, value, "axis %d: rows differ", i);
    return goss__make(&goss__op_assign_rows, GOSS_REAL, table, in, 3, NULL);
}
