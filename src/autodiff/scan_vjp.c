/* SPDX-License-Identifier: Apache-2.0 */
/* scan_vjp.c: the gradient of a scan is a scan in the other direction.
 *
 * Its body is the forward body followed by its vector-Jacobian product: carries are the cotangents of the forward
 * carries; slices are the forward carries at each step, the forward slices, and the cotangents of stacked results.
 * Cheap values of the forward body are rematerialised; expensive ones (products, exponentials) are stacked by the
 * forward scan and read, unless `keep` is off. The cotangent of a constant is the sum over all steps: if a step's
 * addend is a product over rows or a sum, its factors are stacked and the product is computed once, after the loop;
 * otherwise it is accumulated in a carry. */
#include "autodiff/scan_vjp.h"
#include "rewrite/rewriter.h"

enum { MAX_STACKS = 4 * GOSS__MAX_IN };

typedef struct stack_request {
    goss_val v;
    int64_t axis;
    bool join;
} stack_request;

typedef struct adjoint {
    goss_val y;
    const goss__node *node;
    const goss__scan_attr *attr;
    const goss_graph *forward; /* its body */
    goss_scan *s;
    goss_val *clone;  /* of each forward node, in s->body */
    uint32_t *origin; /* of each node of s->body up to n_clones: the forward node that it clones, 0: none */
    uint32_t n_clones;
    goss_val *kept;  /* of each forward node: the slice that replaces it, once there is one */
    uint8_t *varies; /* of each forward node: it is not loop invariant */
    int n_stacks;
    stack_request stack[MAX_STACKS];
    goss_val wrt[GOSS__MAX_IN], d[GOSS__MAX_IN]; /* arguments, and their cotangents in a step */
    int n_wrt, of[GOSS__MAX_IN];                 /* the operand of each */
    int n_sums, sum_carry[GOSS__MAX_IN];         /* values accumulated in a carry */
    uint32_t sum_of[GOSS__MAX_IN];
} adjoint;

/* ---- values kept by the forward scan ---- */

static bool is_dear(const goss__node *n) {
    static const enum goss__ew_op dear[] = {GOSS__EW_exp,      GOSS__EW_log,  GOSS__EW_sin,
                                            GOSS__EW_cos,      GOSS__EW_tanh, GOSS__EW_sigmoid,
                                            GOSS__EW_softplus, GOSS__EW_sqrt, GOSS__EW_rsqrt};
    for (size_t i = 0; i < sizeof dear / sizeof *dear; i++)
        if (n->op == &goss__op_ew[dear[i]]) return true;
    return n->op->selects || (n->op->cost.flops && !n->op->results); /* of several results each, never their node */
}

static void find_varying(adjoint *a) {
    const goss__scan_attr *attr = a->attr;
    const uint32_t first_const = (uint32_t)(attr->carries + attr->slices) + 1, step = (uint32_t)a->node->region->n_args;
    for (uint32_t id = 1; id < a->forward->n_nodes; id++) {
        const goss__node *n = a->forward->nodes[id];
        if (n->op == &goss__op_arg) a->varies[id] = id < first_const || id == step;
        for (int i = 0; i < n->n_in; i++) a->varies[id] |= a->varies[n->in[i]];
    }
}

/* The forward node that a node of the body clones, if the forward scan is to stack it; 0: rematerialise it. */
static uint32_t kept_forward(const adjoint *a, uint32_t node) {
    const uint32_t id = node < a->n_clones ? a->origin[node] : 0;
    const bool real =
        id && a->forward->nodes[id]->type == GOSS_REAL && a->forward->nodes[id]->shape.rank < GOSS_MAX_RANK;
    return a->attr->keep && real && a->varies[id] && is_dear(a->forward->nodes[id]) ? id : 0;
}

static int64_t axis_of(goss_shape s) { return goss__scan_axis(s, 2); }

static goss_val keep_instead(void *ctx, uint32_t node) {
    adjoint *a = ctx;
    const uint32_t id = kept_forward(a, node);
    const goss_scan *s = a->s;
    if (!id) return (goss_val){0};
    if (!a->kept[id].id && s->carry.n + s->slice.n + s->constant.n < GOSS__MAX_IN) {
        const int64_t axis = axis_of(a->forward->nodes[id]->shape);
        a->kept[id] = goss__scan_add_slice(a->s, goss__scan_stack(a->y, id, axis, false), axis, 0);
    }
    return a->kept[id];
}

/* ---- the body ---- */

/* Carries start as the cotangents of the forward scan's last carries. */
static void add_carries(adjoint *a, const goss_val *in, const goss_val *result, const goss_val *g, int n) {
    for (int i = 0; i < a->attr->carries; i++) {
        goss_val init = goss_zeros_like(in[i]);
        for (int j = 0; j < n; j++) {
            const goss__scan_result_attr *r = GOSS__ATTR(goss__node_of(result[j]), scan_result);
            if (r->kind == GOSS__SCAN_LAST && r->index == i) init = g[j];
        }
        goss__scan_add_carry(a->s, init);
    }
}

/* The arguments of the forward body. */
static void add_forward(adjoint *a, const goss_val *in) {
    const goss__scan_attr *attr = a->attr;
    uint32_t arg = 1;
    for (int i = 0; i < attr->carries; i++, arg++) {
        const int64_t axis = axis_of(goss_shape_of(in[i]));
        a->clone[arg] = goss__scan_add_slice(a->s, goss__scan_stack(a->y, arg, axis, false), axis, 0);
    }
    for (int i = 0; i < attr->slices; i++, arg++)
        a->clone[arg] = goss__scan_add_slice(a->s, in[arg - 1], attr->axis.item[i], attr->piece.item[i]);
    for (int i = 0; i < attr->consts; i++, arg++) a->clone[arg] = goss__scan_add_const(a->s, in[arg - 1]);
    a->clone[arg] = a->s->step;
}

static void copy_forward(adjoint *a) {
    for (uint32_t id = (uint32_t)a->node->region->n_args + 1; id < a->forward->n_nodes; id++)
        a->clone[id] = goss__copy_node(a->s->body, a->forward->nodes[id], a->clone);
}

/* After differentiation: which nodes clone which forward nodes, including rewritten ones. */
static bool find_origins(adjoint *a) {
    goss_graph *body = a->s->body;
    const uint32_t first = (uint32_t)a->node->region->n_args + 1;
    for (uint32_t id = first; id < a->forward->n_nodes; id++) (void)goss__rewrite(a->clone[id]);
    if (goss_graph_status(body, NULL) != GOSS_OK) return false;
    a->n_clones = body->n_nodes;
    a->origin = goss__arena_alloc(&a->s->outer->arena, a->n_clones * sizeof *a->origin);
    for (uint32_t id = first; a->origin && id < a->forward->n_nodes; id++) {
        const goss_val image = goss__rewrite(a->clone[id]);
        a->origin[a->clone[id].id] = id;
        if (goss_valid(image) && !a->origin[image.id]) a->origin[image.id] = id;
    }
    return a->origin && goss_graph_status(body, NULL) == GOSS_OK;
}

/* The cotangent of stacked results at a step. */
static goss_val slice_cotangent(adjoint *a, goss_val result, goss_val g) {
    const goss__scan_result_attr *r = GOSS__ATTR(goss__node_of(result), scan_result);
    const goss_shape shape = a->forward->nodes[r->index]->shape;
    double value;
    if (goss__is_full(g, &value) && r->kind == GOSS__SCAN_STACK) return goss_full(a->s->body, shape, value);
    return goss__scan_add_slice(a->s, g, r->axis, r->kind == GOSS__SCAN_JOIN ? shape.dim[r->axis].count : 0);
}

static bool pull_back_step(adjoint *a, const goss_val *result, const goss_val *g, int n, const bool *want) {
    goss_val y[2 * GOSS__MAX_IN + 256], cot[2 * GOSS__MAX_IN + 256];
    int n_y = 0;
    for (int i = 0; i < a->attr->carries; i++)
        y[n_y] = a->clone[a->node->region->yield[i]], cot[n_y++] = a->s->carry.inside[i];
    for (int j = 0; j < n; j++) {
        const goss__scan_result_attr *r = GOSS__ATTR(goss__node_of(result[j]), scan_result);
        if (r->kind == GOSS__SCAN_LAST) continue;
        y[n_y] = a->clone[r->index], cot[n_y++] = slice_cotangent(a, result[j], g[j]);
    }
    for (int i = 0; i < a->node->n_in; i++) /* all carries: an unwanted one still propagates the cotangents of others */
        if (i < a->attr->carries || want[i]) a->of[a->n_wrt] = i, a->wrt[a->n_wrt++] = a->clone[i + 1];
    if (n_y == 0 || goss__vjp_reached(y, cot, n_y, a->wrt, a->n_wrt, a->d) != GOSS_OK) return false;
    for (int i = 0; i < a->attr->carries; i++)
        a->s->next[i] = goss_valid(a->d[i]) ? a->d[i] : goss_zeros_like(a->wrt[i]);
    return true;
}

/* ---- sums over all steps ---- The switch scan-sums: without it, as without `keep`, every sum is a carry. */

static void ask_stack(adjoint *a, goss_val v, int64_t axis, bool join) {
    for (int i = 0; i < a->n_stacks; i++)
        if (a->stack[i].v.id == v.id) return;
    if (a->n_stacks == MAX_STACKS)
        goss_graph_fail(a->s->outer, GOSS_E_UNSUPPORTED, "grad: a scan's gradient has more than %d results",
                        MAX_STACKS);
    else
        a->stack[a->n_stacks++] = (stack_request){v, axis, join};
}

static goss_val built_stack(const adjoint *a, goss_val v, int64_t axis, bool join) {
    return goss__scan_stack(a->s->node, a->s->map[v.id].id, axis, join);
}

static goss_shape with_steps(const adjoint *a, goss_shape s, int64_t axis) {
    for (int i = s.rank++; i > axis; i--) s.dim[i] = s.dim[i - 1];
    s.dim[axis] = a->attr->steps;
    return s;
}

/* Whether both have the same elements in the same order, with the time axis at that position. */
static bool same_around(goss_shape s, goss_shape t, int64_t axis) {
    bool same = s.rank == t.rank && axis <= s.rank &&
                goss_extent_equal(goss__shape_product(&s, 0, (int)axis), goss__shape_product(&t, 0, (int)axis));
    for (int i = (int)axis; same && i < s.rank; i++) same = goss_extent_equal(s.dim[i], t.dim[i]);
    return same;
}

/* Everything below runs twice: before the scan is closed (build: false), to request its results, and after, to build
 * from them. */

/* v of all steps, outside. */
static goss_val stacked(adjoint *a, goss_val v, int64_t axis, bool build) {
    const goss__scan_list *slices = &a->s->slice;
    const goss_shape shape = goss_shape_of(v);
    goss_val inner;
    double value;
    if (goss__is_full(v, &value)) return build ? goss_full(a->s->outer, with_steps(a, shape, axis), value) : v;
    if (goss__made_by(v, &goss__op_reshape, 0, &inner) && same_around(goss_shape_of(inner), shape, axis)) {
        inner = stacked(a, inner, axis, build);
        return build ? goss_reshape(inner, with_steps(a, shape, axis)) : inner;
    }
    for (int i = 0; i < slices->n; i++)
        if (slices->inside[i].id == v.id && a->s->attr.axis.item[i] == axis && !a->s->attr.piece.item[i])
            return slices->outside[i];
    const uint32_t forward = kept_forward(a, v.id);
    if (forward) return goss__scan_stack(a->y, forward, axis, false);
    if (!build) ask_stack(a, v, axis, false);
    return build ? built_stack(a, v, axis, false) : v;
}

/* Rows of all steps as one axis: [..., K, M] of each to [..., K L, M]. */
static goss_val stacked_rows(adjoint *a, goss_val v, bool build) {
    const int rank = goss_rank(v);
    const goss_val all = stacked(a, v, rank - 1, build);
    goss_shape s = goss_shape_of(v);
    s.dim[rank - 2] = goss_extent_mul(s.dim[rank - 2], a->attr->steps);
    return build ? goss_reshape(all, s) : all;
}

static goss_val total_product(adjoint *a, const goss_val *in, bool build) {
    const goss_val x = stacked_rows(a, in[0], build), y = stacked_rows(a, in[1], build);
    return build ? goss_matmul(x, y, true, false) : x;
}

static goss_val total_sum(adjoint *a, goss_val v, goss_val of, bool build) {
    const int64_t axis = axis_of(goss_shape_of(of));
    const goss_val all = stacked(a, of, axis, build);
    uint32_t axes = 0, inner = (uint32_t)GOSS__ATTR(goss__node_of(v), reduce)->axes;
    for (int i = 0; i < goss_rank(of); i++)
        if (inner & GOSS_AXIS(i)) axes |= GOSS_AXIS(i + (i >= axis));
    return build ? goss_reshape(goss_sum(all, axes | GOSS_AXIS(axis), true), goss_shape_of(v)) : all;
}

static goss_val total_carry(adjoint *a, goss_val v, bool build) {
    int i = 0;
    while (i < a->n_sums && a->sum_of[i] != v.id) i++;
    if (build) return goss__scan_last(a->s->node, a->sum_carry[i]);
    if (i < a->n_sums) return v;
    const goss_val sum = goss__scan_add_carry(a->s, goss_full(a->s->outer, goss_shape_of(v), 0));
    if (!goss_valid(sum)) return sum;
    a->sum_of[a->n_sums] = v.id, a->sum_carry[a->n_sums++] = a->s->carry.n - 1;
    a->s->next[a->s->carry.n - 1] = goss_add(sum, v);
    return v;
}

static bool is_row_product(const goss__node *n) {
    if (n->op != &goss__op_matmul || n->shape.rank == GOSS_MAX_RANK) return false;
    return GOSS__ATTR(n, matmul)->transpose_a && !GOSS__ATTR(n, matmul)->transpose_b;
}

/* The sum of v over all steps, outside. */
static goss_val total(adjoint *a, goss_val v, bool build) {
    const goss__node *n = goss__node_of(v);
    goss_val in[2] = {v, v};
    double k;
    for (int i = 0; i < n->n_in && i < 2; i++) in[i] = goss__val(a->s->body, n->in[i]);
    if (!a->attr->keep || !goss__rule_is_on(a->s->outer, GOSS__RULE_scan_sums)) return total_carry(a, v, build);
    if (is_row_product(n)) return total_product(a, in, build);
    if (n->op == &goss__op_sum && n->shape.rank < GOSS_MAX_RANK) return total_sum(a, v, in[0], build);
    const bool adds = n->op == &goss__op_ew[GOSS__EW_add], subtracts = n->op == &goss__op_ew[GOSS__EW_sub];
    if (adds || subtracts) {
        const goss_val x = total(a, in[0], build), y = total(a, in[1], build);
        return !build ? v : adds ? goss_add(x, y) : goss_sub(x, y);
    }
    if (n->op == &goss__op_ew[GOSS__EW_neg]) {
        const goss_val x = total(a, in[0], build);
        return build ? goss_neg(x) : v;
    }
    if (n->op == &goss__op_ew[GOSS__EW_mul] && goss__is_full(in[1], &k)) {
        const goss_val x = total(a, in[0], build);
        return build ? goss_scale(x, k) : v;
    }
    if (n->op == &goss__op_reshape || n->op == &goss__op_variable) {
        const goss_val x = total(a, in[0], build);
        return build ? goss_reshape(x, n->shape) : v;
    }
    if (n->op == &goss__op_permute) {
        const goss__axis_list *axes = &GOSS__ATTR(n, permute)->axes;
        int axis[GOSS_MAX_RANK];
        for (int i = 0; i < n->shape.rank; i++) axis[i] = (int)axes->axis[i];
        const goss_val x = total(a, in[0], build);
        return build ? goss_permute(x, axis) : v;
    }
    return total_carry(a, v, build);
}

/* ---- the gradient ---- */

/* Requests the cotangent of each wanted operand, or builds it. */
static void each_operand(adjoint *a, const bool *want, bool build, goss_val *cot) {
    const goss__scan_attr *attr = a->attr;
    for (int i = 0; i < a->n_wrt; i++) {
        const int64_t operand = a->of[i], slice = operand - attr->carries;
        if (!want[operand] || !goss_valid(a->d[i]) || goss__is_zero_cotangent(a->d[i])) continue;
        goss_val c;
        if (operand < attr->carries) {
            c = build ? goss__scan_last(a->s->node, operand) : a->d[i];
        } else if (slice < attr->slices) {
            if (!build) ask_stack(a, a->d[i], attr->axis.item[slice], attr->piece.item[slice] != 0);
            c = build ? built_stack(a, a->d[i], attr->axis.item[slice], attr->piece.item[slice] != 0) : a->d[i];
        } else {
            c = total(a, a->d[i], build);
        }
        if (build) cot[operand] = c;
    }
}

static bool close_scan(adjoint *a) {
    goss_val roots[MAX_STACKS];
    for (int i = 0; i < a->n_stacks; i++) roots[i] = a->stack[i].v;
    a->s->instead = keep_instead, a->s->ctx = a;
    return goss__scan_close(a->s, roots, a->n_stacks);
}

static bool allocate(adjoint *a) {
    goss__arena *arena = &a->s->outer->arena;
    const uint32_t n = a->forward->n_nodes;
    a->clone = goss__arena_alloc(arena, n * sizeof *a->clone);
    a->kept = goss__arena_alloc(arena, n * sizeof *a->kept);
    a->varies = goss__arena_alloc(arena, n);
    if (a->clone && a->kept && a->varies) return true;
    goss_graph_fail(a->s->outer, GOSS_E_NOMEM, "grad: out of memory");
    return false;
}

void goss__scan_vjp(goss_val y, const goss_val *in, const goss_val *result, const goss_val *g, int n, const bool *want,
                    goss_val *cot) {
    adjoint a = {.y = y, .node = goss__node_of(y)};
    a.attr = GOSS__ATTR(a.node, scan), a.forward = a.node->region->body;
    a.s = goss__scan_open(y.graph, a.attr->steps, a.attr->length, !a.attr->reverse, a.attr->keep);
    if (!a.s) return;
    a.s->attr.stride = a.attr->stride;
    if (allocate(&a)) {
        find_varying(&a);
        add_carries(&a, in, result, g, n);
        add_forward(&a, in);
        copy_forward(&a);
        if (pull_back_step(&a, result, g, n, want) && find_origins(&a)) {
            each_operand(&a, want, false, cot);
            if (close_scan(&a)) each_operand(&a, want, true, cot);
        }
    }
    goss__scan_drop(a.s);
}
