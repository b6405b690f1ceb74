/* SPDX-License-Identifier: Apache-2.0 */
/* test_op_properties.c: what descriptors declare of operations (graph/op.h), against numbers.
 *
 * Every node of every case of op_cases.h is computed by itself, on operands that are moved: a property that an
 * operation declares must hold at each of them, and one that holds at all of them must be declared, or be on the list
 * of those that hold in the cases alone. */
#include "op_cases.h"

enum { PROBE_IN = 8, ROUNDS = 12, FIRST = 3 /* operands whose undeclared properties are looked for */ };
#define TOLERANCE 1e-9

static goss_error err;
static goss_threads *threads;
static goss__rng rng;

/* A node alone: its operands are inputs. */
typedef struct probe {
    const goss__node *node; /* of the case's graph */
    const char *in_case;
    goss_schedule *program;
    goss_exec *exec;
    int n_in;
    int64_t numel, in_numel[PROBE_IN];
    bool is_index[PROBE_IN];
    double *at[PROBE_IN]; /* operands as the case has them */
    void *bound[PROBE_IN];
} probe;

/* A value of a program that shows a node: of several results their concatenation. */
static goss_val shown(goss_val v) {
    const goss__node *n = goss__node_of(v);
    const goss__results *r = n->op->results;
    goss_val result[GOSS__MOST_SELECTORS], in[PROBE_IN + 1];
    const goss_shape *operand[PROBE_IN];
    if (!r) return v;
    if (n->region) return goss_const(v.graph, 0); /* a handle without a value */
    for (int i = 0; i < n->n_in; i++) in[i] = goss__val(v.graph, n->in[i]), operand[i] = &goss__node_of(in[i])->shape;
    in[n->n_in] = v;
    for (int k = 0; k < r->n_selectors; k++) {
        goss_shape s;
        r->shape(operand, k, &s);
        result[k] = goss__make(r->selector[k], GOSS_REAL, s, in, n->n_in + 1, NULL);
        if (s.rank < n->shape.rank) result[k] = goss_unsqueeze(result[k], s.rank);
    }
    return goss_concat(result, r->n_selectors, n->shape.rank - 1);
}

/* The node of that kind on other operands; of a selector those that it repeats. */
static goss_val node_on(const goss_graph *g, const goss__node *n, goss_val in[PROBE_IN]) {
    goss__proto p = {.op = n->op,
                     .type = (goss_type)n->type,
                     .shape = n->shape,
                     .n_in = n->n_in,
                     .in = in,
                     .attr = n->attr,
                     .name = n->name};
    if (n->op->selects) in[n->n_in - 1] = node_on(g, goss__in(g, n, n->n_in - 1), in);
    return goss__emit(in[0].graph, &p);
}

static void open_probe(probe *p, const goss_graph *g) {
    goss_graph *alone = goss_graph_new();
    goss_symbol(alone, "T", MAX_T), goss_symbol(alone, "N", MAX_N);
    goss_val in[PROBE_IN];
    char name[PROBE_IN][8];
    p->n_in = p->node->n_in - (p->node->op->selects != NULL);
    p->numel = run_numel(p->node->shape);
    for (int i = 0; i < p->n_in; i++) {
        const goss__node *operand = goss__in(g, p->node, i);
        snprintf(name[i], sizeof name[i], "i%d", i);
        p->is_index[i] = operand->type == GOSS_INDEX;
        p->in_numel[i] = run_numel(operand->shape);
        p->bound[i] = calloc((size_t)p->in_numel[i], sizeof(double));
        in[i] = goss_input(alone, name[i], (goss_type)operand->type, operand->shape);
    }
    const goss_val y = shown(node_on(g, p->node, in));
    goss_schedule_options o = goss_schedule_defaults();
    o.precision = GOSS_F64;
    T_OK(goss_compile(alone, &y, 1, NULL, 0, &o, &p->program, &err));
    T_OK(goss_exec_new(p->program, NULL, threads, &p->exec, &err));
    T_OK(goss_exec_count(p->exec, "T", RUN_T, &err));
    T_OK(goss_exec_count(p->exec, "N", RUN_N, &err));
    for (int i = 0; i < p->n_in; i++) T_OK(goss_exec_bind(p->exec, name[i], p->bound[i], &err));
    goss_graph_free(alone);
}

static void close_probe(probe *p) {
    goss_exec_free(p->exec), goss_schedule_free(p->program);
    for (int i = 0; i < p->n_in; i++) free(p->bound[i]), free(p->at[i]);
}

/* ---- computing it ---- */

typedef struct operands {
    double *v[PROBE_IN];
} operands;

static double *copy_of(const double *v, int64_t n) {
    double *copy = malloc((size_t)n * sizeof *copy);
    memcpy(copy, v, (size_t)n * sizeof *copy);
    return copy;
}

static operands as_in_case(const probe *p) {
    operands x;
    for (int i = 0; i < p->n_in; i++) x.v[i] = copy_of(p->at[i], p->in_numel[i]);
    return x;
}

static void free_operands(const probe *p, operands *x) {
    for (int i = 0; i < p->n_in; i++) free(x->v[i]);
}

/* The node's result, to be freed. */
static double *compute(probe *p, const operands *x) {
    for (int i = 0; i < p->n_in; i++)
        for (int64_t k = 0; k < p->in_numel[i]; k++) {
            if (p->is_index[i])
                ((int32_t *)p->bound[i])[k] = (int32_t)x->v[i][k];
            else
                ((double *)p->bound[i])[k] = x->v[i][k];
        }
    T_OK(goss_exec_run(p->exec, &err));
    return copy_of(goss_exec_output(p->exec, 0, NULL), p->numel);
}

static bool all_real(const probe *p, uint32_t set) {
    for (int i = 0; i < p->n_in; i++)
        if (set >> i & 1 && p->is_index[i]) return false;
    return set >> p->n_in == 0;
}

static int64_t extent_of(const goss_shape *s, int axis) {
    return run_numel((goss_shape){.rank = 1, .dim = {s->dim[axis]}});
}

/* The index along an axis of element k. */
static int64_t index_along(const goss_shape *s, int64_t k, int axis) {
    for (int a = s->rank; --a > axis;) k /= extent_of(s, a);
    return k % extent_of(s, axis);
}

/* ---- what may hold of it ---- */

/* op(a x + b z) = a op(x) + b op(z) for the operands in `set`, the others as they are. */
static bool is_linear(probe *p, uint32_t set) {
    operands x = as_in_case(p), z = as_in_case(p), sum = as_in_case(p);
    const double a = 1.5 * goss__rng_normal(&rng), b = goss__rng_normal(&rng) + 0.3;
    for (int i = 0; i < p->n_in; i++)
        for (int64_t k = 0; set >> i & 1 && k < p->in_numel[i]; k++) {
            z.v[i][k] = goss__rng_normal(&rng);
            sum.v[i][k] = a * x.v[i][k] + b * z.v[i][k];
        }
    double *fx = compute(p, &x), *fz = compute(p, &z), *fsum = compute(p, &sum);
    bool holds = true;
    for (int64_t k = 0; k < p->numel; k++) {
        const double want = a * fx[k] + b * fz[k];
        holds &= fabs(fsum[k] - want) <= TOLERANCE * (1 + fabs(a * fx[k]) + fabs(b * fz[k])); /* false for NaN */
    }
    free(fx), free(fz), free(fsum);
    free_operands(p, &x), free_operands(p, &z), free_operands(p, &sum);
    return holds;
}

/* Where some elements of operand i rise, none of the result falls. */
static bool is_monotone(probe *p, int i) {
    operands x = as_in_case(p), more = as_in_case(p);
    for (int64_t k = 0; k < p->in_numel[i]; k++)
        if (goss__rng_below(&rng, 2)) more.v[i][k] += fabs(goss__rng_normal(&rng));
    double *fx = compute(p, &x), *fmore = compute(p, &more);
    bool holds = true;
    for (int64_t k = 0; k < p->numel; k++) holds &= fmore[k] >= fx[k] - 1e-12 * (1 + fabs(fx[k]));
    free(fx), free(fmore);
    free_operands(p, &x), free_operands(p, &more);
    return holds;
}

static double any_map(double v) { return sin(3 * v) + 0.7 * v * v - 0.2; }
static double rising_map(double v) { return floor(2 * v) + (v > 0.3) - 0.4; }

/* op(map(x)) = map(op(x)), to the bit. */
static bool commutes(probe *p, double (*map)(double)) {
    operands x = as_in_case(p), mapped = as_in_case(p);
    for (int64_t k = 0; k < p->in_numel[0]; k++) mapped.v[0][k] = map(x.v[0][k]);
    double *fx = compute(p, &x), *fmapped = compute(p, &mapped);
    bool holds = true;
    for (int64_t k = 0; k < p->numel; k++) holds &= fmapped[k] == map(fx[k]);
    free(fx), free(fmapped);
    free_operands(p, &x), free_operands(p, &mapped);
    return holds;
}

/* Elements of all operands in another order give the result in that order, and an element that changes changes its own
 * alone. */
static bool is_elementwise(probe *p, const goss_graph *g) {
    for (int i = 0; i < p->n_in; i++)
        if (!goss_shape_equal(goss__in(g, p->node, i)->shape, p->node->shape)) return false;
    operands x = as_in_case(p), turned = as_in_case(p), touched = as_in_case(p);
    const int64_t n = p->numel, one = (int64_t)goss__rng_below(&rng, (uint32_t)n);
    uint32_t *order = malloc((size_t)n * sizeof *order);
    for (int64_t k = 0; k < n; k++) order[k] = (uint32_t)k;
    goss__rng_shuffle(&rng, order, (uint32_t)n, (uint32_t)n);
    for (int i = 0; i < p->n_in; i++) {
        for (int64_t k = 0; k < n; k++) turned.v[i][k] = x.v[i][order[k]];
        touched.v[i][one] = x.v[i][order[0]];
    }
    double *fx = compute(p, &x), *fturned = compute(p, &turned), *ftouched = compute(p, &touched);
    bool holds = true;
    for (int64_t k = 0; k < n; k++)
        holds &= fturned[k] == fx[order[k]] && ftouched[k] == (k == one ? fx[order[0]] : fx[k]);
    free(fx), free(fturned), free(ftouched), free(order);
    free_operands(p, &x), free_operands(p, &turned), free_operands(p, &touched);
    return holds;
}

/* Element [i, j, ...] is operand 0's, with 0 for the indices of its extents 1. */
static bool is_broadcast(probe *p, const goss_graph *g) {
    const goss_shape *out = &p->node->shape, *in = &goss__in(g, p->node, 0)->shape;
    if (p->n_in != 1 || (in->rank != 0 && in->rank != out->rank) || goss_shape_equal(*in, *out)) return false;
    operands x = as_in_case(p);
    double *fx = compute(p, &x);
    bool holds = true;
    for (int64_t k = 0; k < p->numel; k++) {
        int64_t rest = k, at = 0, stride = 1;
        for (int d = out->rank; in->rank && d-- > 0;) {
            const int64_t extent = extent_of(out, d);
            const bool repeats = goss_extent_is(in->dim[d], 1);
            at += repeats ? 0 : rest % extent * stride;
            stride *= repeats ? 1 : extent;
            rest /= extent;
        }
        holds &= at < p->in_numel[0] && fx[k] == x.v[0][at];
    }
    free(fx);
    free_operands(p, &x);
    return holds;
}

/* Operand i at j of an axis moves no element of the result but those at j. */
static bool is_batch_axis(probe *p, const goss_graph *g, int i, int axis) {
    const goss_shape *in = &goss__in(g, p->node, i)->shape;
    const int64_t extent = extent_of(in, axis), j = (int64_t)goss__rng_below(&rng, (uint32_t)extent);
    operands x = as_in_case(p), moved = as_in_case(p);
    for (int64_t k = 0; k < p->in_numel[i]; k++)
        if (index_along(in, k, axis) == j) moved.v[i][k] += goss__rng_normal(&rng);
    double *fx = compute(p, &x), *fmoved = compute(p, &moved);
    bool holds = true;
    for (int64_t k = 0; k < p->numel; k++) holds &= fx[k] == fmoved[k] || index_along(&p->node->shape, k, axis) == j;
    free(fx), free(fmoved);
    free_operands(p, &x), free_operands(p, &moved);
    return holds;
}

/* ---- what is declared ---- */

typedef enum key {
    LINEAR,
    MONOTONE = LINEAR + FIRST,
    TOGETHER = MONOTONE + FIRST, /* + set of operands */
    BY_PLACE = TOGETHER + (1 << FIRST),
    LARGEST,
    ELEMENTWISE,
    BROADCAST,
    BATCH, /* + operand * GOSS_MAX_RANK + axis */
    KEYS = BATCH + FIRST * GOSS_MAX_RANK
} key;

/* Of the registry's operations: whether a property was found to fail; was looked for; was declared. */
static bool fails[256][KEYS], sought[256][KEYS], declares[256][KEYS];

static int number_of(const goss__op *op) {
    int i = 0;
    while (goss__op_all[i] && goss__op_all[i] != op) i++;
    T_CHECK(goss__op_all[i] != NULL);
    return i;
}

static void name_key(key k, char *text, size_t size) {
    static const char *const single[] = {"a selection by place", "a selection of the largest", "elementwise",
                                         "a broadcast"};
    if (k < MONOTONE)
        snprintf(text, size, "linear in operand %d", k - LINEAR);
    else if (k < TOGETHER)
        snprintf(text, size, "monotone in operand %d", k - MONOTONE);
    else if (k < BY_PLACE)
        snprintf(text, size, "linear in operands 0x%x together", (unsigned)k - TOGETHER);
    else if (k < BATCH)
        snprintf(text, size, "%s", single[k - BY_PLACE]);
    else
        snprintf(text, size, "a batch along axis %d of operand %d", (k - BATCH) % GOSS_MAX_RANK,
                 (k - BATCH) / GOSS_MAX_RANK);
}

/* Looks whether a property holds, which it must where it is declared. */
#define JUDGE(p, k, declared, call)                                                                                    \
    do {                                                                                                               \
        const int number = number_of((p)->node->op);                                                                   \
        sought[number][k] = true;                                                                                      \
        declares[number][k] |= (declared);                                                                             \
        for (int round = 0; round < ROUNDS; round++) {                                                                 \
            const bool holds = call;                                                                                   \
            fails[number][k] |= !holds;                                                                                \
            if (!(declared) || holds) continue;                                                                        \
            char text[64];                                                                                             \
            name_key(k, text, sizeof text);                                                                            \
            T_FAIL("%s is declared to be %s: not so in the case \"%s\"", (p)->node->op->name, text, (p)->in_case);     \
        }                                                                                                              \
    } while (0)

static void judge_operands(probe *p) {
    const goss__op *op = p->node->op;
    const uint32_t all = (1u << p->n_in) - 1, together = op->linear_together & all;
    for (int i = 0; i < p->n_in; i++) {
        const bool linear = op->linear >> i & 1, monotone = op->monotone >> i & 1;
        if (p->is_index[i]) {
            if ((linear && op->linear != GOSS__ALL_OPERANDS) || (monotone && op->monotone != GOSS__ALL_OPERANDS))
                T_FAIL("%s: operand %d is an index", op->name, i);
            continue;
        }
        const int at = i < FIRST ? i : FIRST - 1; /* what is declared is held to for all of them */
        if (i < FIRST || linear) JUDGE(p, LINEAR + at, linear, is_linear(p, 1u << i));
        if (i < FIRST || monotone) JUDGE(p, MONOTONE + at, monotone, is_monotone(p, i));
    }
    for (uint32_t set = 3; set < 1u << FIRST; set++)
        if ((set & (set - 1)) && all_real(p, set) && !op->linear_together)
            JUDGE(p, TOGETHER + (int)set, false, is_linear(p, set));
    if (together) JUDGE(p, TOGETHER + (int)(together & ((1u << FIRST) - 1)), true, is_linear(p, together));
}

static void judge_axes(probe *p, const goss_graph *g) {
    goss__site site;
    goss__site_of(&site, g, p->node);
    for (int i = 0; i < p->n_in; i++) {
        if (p->is_index[i]) continue;
        const uint32_t batch = goss__batch_axes(&site, i);
        for (int a = 0; a < site.out->rank && a < site.in[i]->rank; a++) {
            const bool may_be = goss_extent_equal(site.out->dim[a], site.in[i]->dim[a]) && extent_of(site.out, a) > 1;
            const int at = BATCH + (i < FIRST ? i : FIRST - 1) * GOSS_MAX_RANK + a;
            if (may_be) JUDGE(p, at, batch >> a & 1, is_batch_axis(p, g, i, a));
        }
    }
}

static void judge(probe *p, const goss_graph *g) {
    const goss__op *op = p->node->op;
    judge_operands(p);
    judge_axes(p, g);
    if (!p->is_index[0]) {
        const bool by_place = op->selection == GOSS__SELECTS_BY_PLACE, largest = op->selection == GOSS__SELECTS_LARGEST;
        JUDGE(p, BY_PLACE, by_place, commutes(p, any_map));
        if (!by_place) JUDGE(p, LARGEST, largest, commutes(p, rising_map));
    }
    JUDGE(p, ELEMENTWISE, op->elementwise, is_elementwise(p, g));
    JUDGE(p, BROADCAST, op->broadcast, is_broadcast(p, g));
}

/* ---- the cases ---- */

/* Values of all nodes of a case. */
static void judge_case(const op_case *c) {
    goss_graph *g = goss_graph_new();
    goss_val x[CASE_INPUTS];
    const goss_val y = case_build(g, c, x);
    if (!goss_valid(y)) T_OK(goss_graph_status(g, &err));
    const uint32_t n = g->n_nodes - 1;
    goss_val *all = calloc(n + 1, sizeof *all);
    for (uint32_t i = 0; i < n; i++) all[i] = shown(goss__val(g, i + 1));
    goss_schedule_options o = goss_schedule_defaults();
    o.precision = GOSS_F64;
    goss_schedule *program;
    goss_exec *exec;
    T_OK(goss_compile(g, all, (int)n, NULL, 0, &o, &program, &err));
    T_OK(goss_exec_new(program, NULL, threads, &exec, &err));
    T_OK(goss_exec_count(exec, "T", RUN_T, &err));
    T_OK(goss_exec_count(exec, "N", RUN_N, &err));
    void *data[CASE_INPUTS] = {NULL};
    for (int i = 0; i < CASE_INPUTS && c->in[i].kind; i++) {
        static double v[CASE_NUMBERS];
        char name[8];
        const int64_t numel = run_numel(goss_shape_of(x[i]));
        case_fill(c, i, v, numel, &rng);
        data[i] = copy_of(v, numel);
        for (int64_t k = 0; c->in[i].kind == INDEX && k < numel; k++) ((int32_t *)data[i])[k] = (int32_t)v[k];
        snprintf(name, sizeof name, "x%d", i);
        T_OK(goss_exec_bind(exec, name, data[i], &err));
    }
    T_OK(goss_exec_run(exec, &err));
    for (uint32_t id = 1; id <= n; id++) {
        probe p = {.node = g->nodes[id], .in_case = c->name};
        if (p.node->n_in == 0 || p.node->type != GOSS_REAL) continue;
        if (p.node->region || goss__in(g, p.node, 0)->region) continue; /* a loop is what its body is */
        T_CHECK(p.node->n_in <= PROBE_IN);
        open_probe(&p, g);
        for (int i = 0; i < p.n_in; i++) {
            const void *v = goss_exec_output(exec, (int)p.node->in[i] - 1, NULL);
            p.at[i] = malloc((size_t)p.in_numel[i] * sizeof(double));
            for (int64_t k = 0; k < p.in_numel[i]; k++)
                p.at[i][k] = p.is_index[i] ? ((const int32_t *)v)[k] : ((const double *)v)[k];
        }
        judge(&p, g);
        close_probe(&p);
    }
    for (int i = 0; i < CASE_INPUTS; i++) free(data[i]);
    goss_exec_free(exec), goss_schedule_free(program), goss_graph_free(g);
    free(all);
}

/* What holds in the cases, but not in general; KEYS: whatever holds. */
static const struct {
    const char *op;
    int property;
    const char *why;
} excused[] = {
    {"window_sum", BATCH + 3, "windows of the one case that keeps its extent there are of one column"},
    {"singular_values", KEYS, "they decompose their operand"},
    {"singular_vectors", KEYS, "the same"},
    {"gram_root", KEYS, "operands 1 and 2 are made from operand 0: none moves alone"},
    {"to_real", ELEMENTWISE, "it does not compute on reals, which chains of elementwise operations do"},
    {"lyapunov", KEYS, "operands 0, 1 and 2 are made from one matrix"},
};

static bool is_excused(const char *op, int property, bool failed) {
    for (size_t i = 0; i < sizeof excused / sizeof *excused; i++)
        if (strcmp(excused[i].op, op) == 0 &&
            (excused[i].property == property || (excused[i].property == KEYS && !failed)))
            return true;
    return false;
}

TEST(declarations_hold_and_are_complete) {
    T_OK(goss_threads_new(1, &threads, &err));
    for (int i = 0; i < CASES; i++) {
        const op_case c = case_at(i);
        rng = goss__rng_make(goss__hash64(c.name, strlen(c.name), 0), (uint64_t)i); /* a case more changes no other */
        judge_case(&c);
    }
    int missing = 0, declared = 0;
    for (int i = 0; goss__op_all[i]; i++)
        for (int k = 0; k < KEYS; k++) {
            const goss__op *op = goss__op_all[i];
            declared += declares[i][k];
            if (!sought[i][k] || declares[i][k] || fails[i][k] != is_excused(op->name, k, fails[i][k])) continue;
            char text[64];
            name_key(k, text, sizeof text);
            printf("  %s is %s in all cases%s\n", op->name, text, fails[i][k] ? " but those that it fails in" : "");
            missing++;
        }
    if (missing) T_FAIL("%d properties hold and are not declared, or are excused and need not be", missing);
    T_CHECK(declared > 60);
    goss_threads_free(threads);
}

TEST_MAIN()
