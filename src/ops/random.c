/* SPDX-License-Identifier: Apache-2.0 */
/* random.c: counter-based draws (Philox4x32-10, Salmon et al. 2011).
 *
 * Key: seed and the node's name (scope and ordinal). Counter: task id, sample, element, step. A draw therefore does not
 * depend on the number of tasks in the batch, on slices or on threads. */
#include <math.h>

#include "base/rng.h"
#include "ops/ops.h"

static const goss__attr_field random_fields[] = {
    GOSS__FIELD(random, elements, INT),
};
GOSS__DEFINE_ATTRS(random, random_fields);

/* Task ids are needed whole: a slice finds its rows by first_element. */
static goss__slicing random_slice(const goss__site *s, goss_extent L, goss__cut *cut) {
    goss_extent rest;
    cut[0] = cut[1] = GOSS__WHOLE;
    return goss__cut_prefix(s->out, L, &rest) ? GOSS__LOCAL : GOSS__NO_SLICES;
}

typedef struct stream {
    uint32_t key[2], step;
    int64_t samples, elements; /* per task; per sample */
    const int32_t *task;
} stream;

static stream open_stream(const goss__call *c) {
    uint64_t name = goss__hash64(c->name, strlen(c->name), c->seed);
    return (stream){.key = {(uint32_t)name, (uint32_t)(name >> 32)},
                    .step = (uint32_t)c->step,
                    .task = c->in[0],
                    .samples = c->shapes->in[1].numel,
                    .elements = GOSS__ATTR(c->shapes, random)->elements};
}

static double uniform_of(const uint32_t *w) { return (double)(w[0] >> 8) * 0x1p-24; }
static double normal_of(const uint32_t *w) {
    double u = ((double)w[0] + 1) * 0x1p-32, v = (double)w[1] * 0x1p-32;
    return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

/* Elements first .. first + n of one sample. */
static void draw_sample(const stream *s, int64_t task, int64_t sample, int64_t first, int64_t n, bool f64, bool normal,
                        void *out) {
    uint32_t block[4], counter[4] = {(uint32_t)s->task[task], (uint32_t)sample, 0, s->step};
    for (int64_t i = 0; i < n; i++) {
        counter[2] = (uint32_t)(first + i);
        goss__philox(counter, s->key, block);
        const double v = normal ? normal_of(block) : uniform_of(block);
        if (f64)
            ((double *)out)[i] = v;
        else
            ((float *)out)[i] = (float)v;
    }
}

static void draw(const goss__call *c, bool f64, bool normal) {
    const stream s = open_stream(c);
    const int64_t numel = c->shapes->out->numel;
    for (int64_t i = 0, n; i < numel; i += n) {
        const int64_t at = c->first_element + i, sample = at / s.elements, first = at % s.elements;
        n = s.elements - first < numel - i ? s.elements - first : numel - i;
        draw_sample(&s, sample / s.samples, sample % s.samples, first, n, f64, normal,
                    (char *)c->out + (size_t)i * (f64 ? sizeof(double) : sizeof(float)));
    }
}
static void uniform_f32(const goss__call *c) { draw(c, false, false); }
static void uniform_f64(const goss__call *c) { draw(c, true, false); }
static void normal_f32(const goss__call *c) { draw(c, false, true); }
static void normal_f64(const goss__call *c) { draw(c, true, true); }
static double random_cost(const goss__shapes *s) { return 50 * (double)s->out->numel; }

const goss__op goss__op_random_uniform = {.name = "random_uniform",
                                          .attrs = &goss__random_attrs,
                                          .no_gradient = true,
                                          .seeded = true,
                                          .slicing = {.slice = random_slice},
                                          .cost = {.flops = random_cost},
                                          .kernel = {.run_f32 = uniform_f32, .run_f64 = uniform_f64}};
const goss__op goss__op_random_normal = {.name = "random_normal",
                                         .attrs = &goss__random_attrs,
                                         .no_gradient = true,
                                         .seeded = true,
                                         .slicing = {.slice = random_slice},
                                         .cost = {.flops = random_cost},
                                         .kernel = {.run_f32 = normal_f32, .run_f64 = normal_f64}};

/* ---- builders ---- */

/* The extent of operand 1 (0, 1, 2, ...) is the run-time number of samples. */
static goss_val make_random(const goss__op *op, goss_val task, goss_shape shape) {
    if (!goss__typed(op->name, &task, 1, GOSS_INDEX) || !goss__shape_ok(task.graph, op->name, &shape))
        return (goss_val){task.graph, 0};
    goss_graph *g = task.graph;
    if (goss_rank(task) != 1 || shape.rank < 1 || !goss_extent_equal(goss_dim(task, 0), shape.dim[0]))
        return goss__misfit(op->name, task, "it must have one id for each task of the result");
    goss_extent elements = goss__shape_product(&shape, shape.rank < 2 ? 1 : 2, shape.rank);
    if (elements.symbols)
        return goss_graph_fail(g, GOSS_E_SHAPE, "%s: only the first two extents may be symbols", op->name);
    if (elements.count > UINT32_MAX) /* the counter has 32 bits: draws would repeat */
        return goss_graph_fail(g, GOSS_E_SHAPE, "%s: more than 2^32 - 1 elements per sample", op->name);
    char *name = goss__arena_printf(&g->arena, "%s #%u", g->scope, g->random_ordinal++);
    if (!name) return goss_graph_fail(g, GOSS_E_NOMEM, "out of memory");
    goss_val in[2] = {task, goss_iota(g, shape.rank < 2 ? goss_n(1) : shape.dim[1])};
    goss__proto p = {.op = op,
                     .type = GOSS_REAL,
                     .shape = shape,
                     .n_in = 2,
                     .in = in,
                     .attr = &(goss__random_attr){elements.count},
                     .name = name};
    return goss__emit(g, &p);
}

goss_val goss_random_uniform(goss_val task, goss_shape shape) {
    return make_random(&goss__op_random_uniform, task, shape);
}
goss_val goss_random_normal(goss_val task, goss_shape shape) {
    return make_random(&goss__op_random_normal, task, shape);
}
