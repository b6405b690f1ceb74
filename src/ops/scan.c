/* SPDX-License-Identifier: Apache-2.0 */
/* scan.c: loops: building a body and the scan node, whose results are separate nodes. Schedule and runtime compile and
 * run the body; the gradient is in autodiff/scan_vjp.c. */
#include "ops/attrs.h"
#include "ops/scan.h"

/* ---- internal interface ---- */

goss_scan *goss__scan_open(goss_graph *outer, goss_extent steps, goss_extent length, int64_t reverse, int64_t keep) {
    goss_scan *s = goss__arena_alloc(&outer->arena, sizeof *s);
    if (!s || !(s->body = goss__region_open(outer))) {
        goss_graph_fail(outer, GOSS_E_NOMEM, "out of memory for a scan");
        return NULL;
    }
    s->outer = outer;
    s->attr.steps = steps, s->attr.length = length, s->attr.reverse = reverse, s->attr.keep = keep, s->attr.stride = 1;
    s->step = goss__region_arg(s->body, 0, GOSS_REAL, (goss_shape){0});
    return s;
}

/* Arguments are distinguished by a number until the body is closed. */
static goss_val add(goss_scan *s, goss__scan_list *list, goss_val outside, goss_shape shape) {
    if (!goss_valid(outside)) return (goss_val){s->body, 0}; /* after an error */
    const int number = 1 + s->carry.n + s->slice.n + s->constant.n;
    if (number > GOSS__MAX_IN)
        return goss_graph_fail(s->outer, GOSS_E_ARGUMENT, "scan: more than %d operands", GOSS__MAX_IN);
    const goss_val inside = goss__region_arg(s->body, number, (goss_type)goss__node_of(outside)->type, shape);
    list->outside[list->n] = outside, list->inside[list->n++] = inside;
    return inside;
}

goss_val goss__scan_add_carry(goss_scan *s, goss_val init) { return add(s, &s->carry, init, goss_shape_of(init)); }
goss_val goss__scan_add_const(goss_scan *s, goss_val a) { return add(s, &s->constant, a, goss_shape_of(a)); }

goss_val goss__scan_add_slice(goss_scan *s, goss_val x, int64_t axis, int64_t piece) {
    goss_shape shape = goss_shape_of(x);
    if (!goss_valid(x)) return (goss_val){s->body, 0};
    if (piece) {
        shape.dim[axis] = goss_n(piece);
    } else {
        for (int i = (int)axis; i + 1 < shape.rank; i++) shape.dim[i] = shape.dim[i + 1];
        shape.dim[--shape.rank] = (goss_extent){0};
    }
    if (s->slice.n < GOSS__MAX_IN) s->attr.axis.item[s->slice.n] = axis, s->attr.piece.item[s->slice.n] = piece;
    return add(s, &s->slice, x, shape);
}

/* The nodes of the body that the roots need. Ids are in topological order; replacements from `instead` are newer and
 * recorded separately. */
static void mark_needed(goss_scan *s, uint8_t *needed, goss_val *map, uint32_t n) {
    goss_graph *b = s->body;
    for (uint32_t id = n; id-- > 1;) {
        if (!needed[id]) continue;
        const goss_val other = s->instead ? s->instead(s->ctx, id) : (goss_val){0};
        if (goss_valid(other)) {
            map[id] = other; /* an argument: used ones come first */
            continue;
        }
        for (int i = 0; i < b->nodes[id]->n_in; i++) needed[b->nodes[id]->in[i]] = 1;
    }
}

/* A node replaced by an argument needs that argument. */
static bool is_used(const goss_val *map, const uint8_t *needed, uint32_t n, goss_val arg) {
    if (arg.id < n) return needed[arg.id];
    for (uint32_t id = 1; id < n; id++)
        if (map[id].id == arg.id) return true;
    return false;
}

typedef struct closing {
    goss_scan *s;
    goss_graph *to;
    goss_val *map;
    const uint8_t *needed;
    uint32_t n;
    int n_args, n_in;
    goss_val in[GOSS__MAX_IN];
} closing;

/* The argument of the closed body for `arg` of the open one, and for every node that it replaces. */
static void place_arg(closing *c, goss_val arg) {
    const goss__node *n = goss__node_of(arg);
    const goss_val placed = goss__region_arg(c->to, c->n_args++, (goss_type)n->type, n->shape);
    for (uint32_t id = 1; id < c->n; id++)
        if (id == arg.id || (c->map[id].graph == c->s->body && c->map[id].id == arg.id)) c->map[id] = placed;
}

static int place_args(closing *c, const goss__scan_list *list, goss__int_list *axis, goss__int_list *piece, bool all) {
    int n = 0;
    for (int i = 0; i < list->n; i++) {
        if (!all && !is_used(c->map, c->needed, c->n, list->inside[i])) continue;
        if (axis) axis->item[n] = axis->item[i], piece->item[n] = piece->item[i];
        c->in[c->n_in++] = list->outside[i];
        place_arg(c, list->inside[i]);
        n++;
    }
    for (int i = n; axis && i < list->n; i++) axis->item[i] = piece->item[i] = 0;
    if (axis) axis->n = piece->n = n;
    return n;
}

static bool is_one_of(const goss__scan_list *list, uint32_t id) {
    for (int i = 0; i < list->n; i++)
        if (list->inside[i].id == id) return true;
    return false;
}

/* Whether a node differs from step to step; those of its operands are known. */
static bool varies(const closing *c, const uint8_t *varying, uint32_t id) {
    const goss__node *n = c->s->body->nodes[id];
    bool any = n->op == &goss__op_arg && !is_one_of(&c->s->constant, id);
    for (int i = 0; i < n->n_in; i++) any |= varying[n->in[i]];
    return any;
}

/* A product with a transposed matrix that is the same in all steps, as gradients of products have them: it is
 * transposed before them, once, instead of at each. The same sums. */
static goss_val place_node(const closing *c, const uint8_t *varying, uint32_t id) {
    const goss__node *n = c->s->body->nodes[id];
    const bool transposed = n->op == &goss__op_matmul && GOSS__ATTR(n, matmul)->transpose_b;
    if (!transposed || !varying[n->in[0]] || varying[n->in[1]]) return goss__copy_node(c->to, n, c->map);
    return goss_matmul(c->map[n->in[0]], goss_transpose(c->map[n->in[1]]), GOSS__ATTR(n, matmul)->transpose_a, false);
}

static bool place_nodes(closing *c) {
    uint8_t *varying = goss__arena_alloc(&c->s->outer->arena, c->n);
    for (uint32_t id = 1; varying && id < c->n; id++) {
        if (!c->needed[id]) continue;
        varying[id] = varies(c, varying, id);
        if (!c->map[id].id) c->map[id] = place_node(c, varying, id);
    }
    return varying;
}

static bool finish(closing *c) {
    goss_scan *s = c->s;
    uint32_t yield[GOSS__MAX_IN];
    s->attr.carries = place_args(c, &s->carry, NULL, NULL, true);
    s->attr.slices = place_args(c, &s->slice, &s->attr.axis, &s->attr.piece, false);
    s->attr.consts = place_args(c, &s->constant, NULL, NULL, false);
    place_arg(c, s->step);
    if (!place_nodes(c)) return false;
    for (int i = 0; i < s->carry.n; i++) yield[i] = c->map[s->next[i].id].id;
    if (goss_graph_status(c->to, NULL) != GOSS_OK) return false;
    const goss__region *r = goss__region_close(c->to, c->n_args, yield, s->carry.n);
    if (!r) return false;
    c->to = NULL; /* owned by the region now, or freed */
    const goss__proto p = {
        .op = &goss__op_scan, .type = GOSS_REAL, .n_in = c->n_in, .in = c->in, .attr = &s->attr, .region = r};
    s->node = goss__emit(s->outer, &p);
    s->map = c->map;
    return goss_valid(s->node);
}

/* An error of either graph; errors inside are propagated outside. */
static bool has_failed(goss_scan *s) {
    if (s->outer->error.status == GOSS_OK) s->outer->error = s->body->error;
    return s->outer->error.status != GOSS_OK;
}

bool goss__scan_close(goss_scan *s, const goss_val *roots, int n_roots) {
    if (has_failed(s)) return false;
    closing c = {.s = s, .n = s->body->n_nodes};
    uint8_t *needed = goss__arena_alloc(&s->outer->arena, c.n);
    c.map = goss__arena_alloc(&s->outer->arena, c.n * sizeof *c.map);
    c.needed = needed;
    bool ok = needed && c.map;
    for (int i = 0; ok && i < s->carry.n; i++) needed[s->next[i].id] = 1;
    for (int i = 0; ok && i < n_roots; i++) needed[roots[i].id] = 1;
    if (ok) mark_needed(s, needed, c.map, c.n);
    ok = ok && (c.to = goss__region_open(s->outer)) && finish(&c);
    if (!ok) {
        if (c.to && c.to->error.status != GOSS_OK && s->outer->error.status == GOSS_OK) s->outer->error = c.to->error;
        goss_graph_fail(s->outer, GOSS_E_NOMEM, "out of memory for a scan");
        goss__region_drop(c.to);
    }
    return ok;
}

void goss__scan_drop(goss_scan *s) {
    goss__region_drop(s->body);
    s->body = NULL;
}

static goss_val result(goss_val scan, goss_shape shape, goss__scan_kind kind, int64_t index, int64_t axis) {
    const goss__scan_result_attr attr = {kind, index, axis};
    return goss__make(&goss__op_scan_result, GOSS_REAL, shape, &scan, 1, &attr);
}

goss_val goss__scan_last(goss_val scan, int64_t carry) {
    return result(scan, goss_shape_of(goss__val(scan.graph, goss__node_of(scan)->in[carry])), GOSS__SCAN_LAST, carry,
                  0);
}

goss_val goss__scan_stack(goss_val scan, uint32_t node, int64_t axis, bool join) {
    const goss__node *n = goss__node_of(scan);
    goss_shape shape = n->region->body->nodes[node]->shape;
    if (join) {
        shape.dim[axis] = GOSS__ATTR(n, scan)->length;
    } else {
        if (shape.rank == GOSS_MAX_RANK)
            return goss_graph_fail(scan.graph, GOSS_E_SHAPE,
                                   "scan: the rank would exceed the maximum with a time axis");
        for (int i = shape.rank++; i > axis; i--) shape.dim[i] = shape.dim[i - 1];
        shape.dim[axis] = GOSS__ATTR(n, scan)->steps;
    }
    return result(scan, shape, join ? GOSS__SCAN_JOIN : GOSS__SCAN_STACK, node, axis);
}

static const goss__attr_field scan_fields[] = {
    GOSS__FIELD(scan, carries, INT),
    GOSS__FIELD(scan, slices, INT),
    GOSS__FIELD(scan, consts, INT),
    GOSS__FIELD(scan, reverse, BOOL),
    GOSS__FIELD(scan, keep, BOOL),
    GOSS__FIELD(scan, stride, INT),
    GOSS__FIELD(scan, steps, EXTENT),
    GOSS__FIELD(scan, length, EXTENT),
    GOSS__FIELD(scan, axis, INT_LIST),
    GOSS__FIELD(scan, piece, INT_LIST),
    GOSS__FIELD_SINCE(scan, y_axis, BYTE_LIST, 2),
    GOSS__FIELD_SINCE(scan, y_join, BYTE_LIST, 2),
};
GOSS__DEFINE_ATTRS(scan, scan_fields);
static const goss__attr_field scan_result_fields[] = {
    GOSS__FIELD(scan_result, kind, INT),
    GOSS__FIELD(scan_result, index, INT),
    GOSS__FIELD(scan_result, axis, INT),
};
GOSS__DEFINE_ATTRS(scan_result, scan_result_fields);

/* ---- descriptors ---- */

/* Of attributes that were not verified, too: without overflow. */
static int64_t count_results(const void *attr) {
    const goss__scan_attr *a = attr;
    return (int64_t)((uint64_t)a->carries + (uint64_t)a->y_axis.n);
}

/* A carry; the node itself is a handle. */
static void result_shape(const goss_shape *const *in, int k, goss_shape *out) {
    *out = k < 0 ? (goss_shape){0} : *in[k];
}

/* The cost of a scan is that of its body (schedule/loop.c); the gradient is in autodiff/scan_vjp.c. */
static double no_cost(const goss__shapes *s) { return 0; }
static const goss__results results = {
    .selector = {&goss__op_scan_result}, .n_selectors = 1, .count = count_results, .shape = result_shape};
const goss__op goss__op_scan = {
    .name = "scan", .attrs = &goss__scan_attrs, .results = &results, .cost = {.flops = no_cost}};
const goss__op goss__op_scan_result = {.name = "scan_result",
                                       .attrs = &goss__scan_result_attrs,
                                       .selects = &goss__op_scan,
                                       .is_result = true,
                                       .cost = {.flops = no_cost}};

/* ---- public builders ---- */

goss_scan_options goss_scan_defaults(void) { return (goss_scan_options){.axis = 2, .keep_every = 1}; }

static bool is_open(const goss_scan *s) {
    if (!s) return false;
    if (s->ended) goss_graph_fail(s->outer, GOSS_E_ARGUMENT, "scan: it has ended");
    return !s->ended;
}

static void check_options(goss_graph *g, goss_extent steps, const goss_scan_options *o) {
    if (!goss__extent_ok(g, "scan", "the number of steps", steps)) return;
    if (o->axis < 0 || o->axis >= GOSS_MAX_RANK)
        goss_graph_fail(g, GOSS_E_ARGUMENT, "scan: there is no time axis %d", o->axis);
    else if (o->keep_every < 0)
        goss_graph_fail(g, GOSS_E_ARGUMENT, "scan: keep_every %lld is negative", (long long)o->keep_every);
    else if (o->length.graph && o->length.graph != g)
        goss_graph_fail(g, GOSS_E_ARGUMENT, "scan: length is not a value of the graph of the scan");
    else if (o->length.graph && goss__typed("scan: length", &o->length, 1, GOSS_REAL) && goss_rank(o->length) != 2)
        goss__misfit("scan: length", o->length, "one number for each sample is needed, [T,N]");
}

goss_scan *goss_scan_begin(goss_graph *g, goss_extent steps, goss_scan_options options) {
    goss_scan *s = goss__scan_open(g, steps, steps, options.reverse, 1);
    if (!s) return NULL;
    s->options = options;
    check_options(g, steps, &options);
    return s;
}

static bool outside_ok(goss_scan *s, goss_val a) {
    if (!is_open(s) || !goss__all_valid(&a, 1)) return false;
    if (a.graph == s->outer) return true;
    goss_graph_fail(s->outer, GOSS_E_ARGUMENT, "scan: an operand is not a value of the graph of the scan");
    return false;
}

static goss_val invalid(const goss_scan *s) { return (goss_val){s ? s->body : NULL, 0}; }

goss_val goss_scan_carry(goss_scan *s, goss_val init) {
    if (!outside_ok(s, init) || !goss__typed("scan: carry", &init, 1, GOSS_REAL)) return invalid(s);
    return goss__scan_add_carry(s, init);
}

goss_val goss_scan_const(goss_scan *s, goss_val a) {
    return outside_ok(s, a) ? goss__scan_add_const(s, a) : invalid(s);
}

/* 1 where the sample has a step, as [T,N] with extents 1 up to that rank. */
static goss_val is_active(goss_scan *s, int rank) {
    if (!s->length.graph) s->length = goss__scan_add_const(s, s->options.length);
    const goss_val active = goss_less(s->step, s->length);
    goss_shape shape = goss_shape_of(active);
    for (; shape.rank < rank; shape.rank++) shape.dim[shape.rank] = goss_n(1);
    return goss_reshape(active, shape);
}

goss_val goss_scan_slice(goss_scan *s, goss_val x) {
    if (!outside_ok(s, x)) return invalid(s);
    const int axis = s->options.axis;
    const goss_shape shape = goss_shape_of(x);
    if (axis < 0 || axis >= shape.rank) {
        goss__misfit("scan: slice", x, "there is no time axis %d", axis);
        return invalid(s);
    }
    if (!goss_extent_equal(shape.dim[axis], s->attr.steps)) {
        char have[GOSS__EXTENT_TEXT], want[GOSS__EXTENT_TEXT];
        goss__misfit("scan: slice", x, "axis %d: extent %s, but %s steps", axis,
                     goss__extent_text(&x.graph->symbols, shape.dim[axis], have, sizeof have),
                     goss__extent_text(&x.graph->symbols, s->attr.steps, want, sizeof want));
        return invalid(s);
    }
    const goss_val a = goss__scan_add_slice(s, x, axis, 0);
    if (!goss_valid(s->options.length) || !goss_valid(a) || goss__node_of(a)->type != GOSS_REAL || goss_rank(a) < 2)
        return a;
    return goss_select(is_active(s, goss_rank(a)), a, goss_const(s->body, 0));
}

goss_val goss_scan_step(goss_scan *s) { return is_open(s) ? s->step : invalid(s); }

static bool inside_ok(goss_scan *s, const char *what, goss_val a) {
    if (!is_open(s)) return false;
    if (goss_valid(a) && a.graph == s->body) return goss__typed(what, &a, 1, GOSS_REAL);
    if (!goss_valid(a) && a.graph == s->body && s->body->error.status != GOSS_OK) return false; /* already reported */
    goss_graph_fail(s->outer, GOSS_E_ARGUMENT, "%s: it is not a value of the scan's body", what);
    return false;
}

void goss_scan_next(goss_scan *s, goss_val carry, goss_val next) {
    if (!inside_ok(s, "scan: carry", carry) || !inside_ok(s, "scan: next value", next)) return;
    int i = 0;
    while (i < s->carry.n && s->carry.inside[i].id != carry.id) i++;
    if (i == s->carry.n)
        goss_graph_fail(s->outer, GOSS_E_ARGUMENT, "scan: the next value of something that is not a carry");
    else if (s->next[i].id)
        goss_graph_fail(s->outer, GOSS_E_ARGUMENT, "scan: carry %d has two next values", i);
    else if (!goss_shape_equal(goss_shape_of(carry), goss_shape_of(next)))
        goss__misfit2("scan", carry, next, "carry %d changes its shape", i);
    else
        s->next[i] = next;
}

void goss_scan_emit(goss_scan *s, goss_val y) {
    if (!inside_ok(s, "scan: emitted value", y)) return;
    if (s->n_emitted == GOSS__MAX_IN) {
        goss_graph_fail(s->outer, GOSS_E_ARGUMENT, "scan: more than %d values are emitted", GOSS__MAX_IN);
        return;
    }
    s->asked[s->n_emitted] = y.id;
    s->emitted[s->n_emitted++] = y;
}

/* Beyond a sample's length carries are kept and zeros emitted. */
static void apply_length(goss_scan *s) {
    for (int i = 0; i < s->carry.n; i++)
        s->next[i] = goss_select(is_active(s, goss_rank(s->carry.inside[i])), s->next[i], s->carry.inside[i]);
    for (int i = 0; i < s->n_emitted; i++)
        s->emitted[i] = goss_select(is_active(s, goss_rank(s->emitted[i])), s->emitted[i], goss_const(s->body, 0));
}

/* Steps per segment; 1: no segments. */
static int64_t segment_of(const goss_scan *s) {
    int64_t most, k = s->options.keep_every;
    if (!goss__extent_most(&goss__root_of(s->outer)->symbols, s->attr.steps, &most)) return 1;
    if (k == 0)
        for (k = 1; (k + 1) * (k + 1) <= most;) k++;
    return k < most ? k : 1;
}

static void close_scan(goss_scan *s) {
    const int64_t k = segment_of(s);
    if (k > 1) {
        goss__scan_close_segments(s, k);
        return;
    }
    if (!goss__scan_close(s, s->emitted, s->n_emitted)) return;
    for (int i = 0; i < s->n_emitted; i++) s->stacked[i] = s->map[s->emitted[i].id].id;
}

void goss_scan_end(goss_scan *s) {
    if (!is_open(s)) return;
    s->ended = true;
    for (int i = 0; i < s->carry.n && !has_failed(s); i++)
        if (!s->next[i].id) goss_graph_fail(s->outer, GOSS_E_ARGUMENT, "scan: carry %d has no next value", i);
    if (!has_failed(s) && goss_valid(s->options.length)) apply_length(s);
    if (!has_failed(s)) close_scan(s);
    goss__scan_drop(s);
}

/* The index of a node in a list of n; n: not found, an error. */
static int find(const goss_scan *s, const char *what, const uint32_t *node, int n, goss_val v) {
    int i = 0;
    while (i < n && (v.id == 0 || node[i] != v.id)) i++;
    if (i == n && s->ended)
        goss_graph_fail(s->outer, GOSS_E_ARGUMENT, "scan: result of what %s", what);
    else if (!s->ended)
        goss_graph_fail(s->outer, GOSS_E_ARGUMENT, "scan: there are no results before goss_scan_end");
    return goss_valid(s->node) ? i : n;
}

goss_val goss_scan_last(const goss_scan *s, goss_val carry) {
    if (!s) return (goss_val){0};
    uint32_t node[GOSS__MAX_IN];
    for (int i = 0; i < s->carry.n; i++) node[i] = s->carry.inside[i].id;
    const int i = find(s, "is no carry", node, s->carry.n, carry);
    return i < s->carry.n ? goss__scan_last(s->node, i) : (goss_val){s->outer, 0};
}

goss_val goss_scan_stacked(const goss_scan *s, goss_val y) {
    if (!s) return (goss_val){0};
    const int i = find(s, "was not emitted", s->asked, s->n_emitted, y);
    if (i == s->n_emitted) return (goss_val){s->outer, 0};
    const uint32_t node = s->stacked[i];
    const goss_shape shape = goss__node_of(s->node)->region->body->nodes[node]->shape;
    const int64_t rank = shape.rank - s->joined; /* of one step's value */
    return goss__scan_stack(s->node, node, s->options.axis < rank ? s->options.axis : rank, s->joined);
}
