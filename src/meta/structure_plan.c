/* SPDX-License-Identifier: Apache-2.0 */
/* structure_plan.c: structures outside training. A program computes what the gates of each task are ordered by: their
 * logits, or how large weights are; goss_space_project makes structures of these; the program that follows has them as
 * inputs. Comparisons differ in the order alone: that of another task, of the mean over tasks, a random one. */
#include "meta/structure.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "meta/hypernet.h"
#include "nn/target.h"

/* ---- the program ---- */

/* Of T tasks, whatever v is for: [1 or T, G]. */
static goss_val for_tasks(goss_val v, goss_extent T) {
    return goss_valid(v) ? goss_broadcast(v, GOSS_SHAPE(T, goss_dim(v, 1))) : v;
}

/* Mean |w| of the tensors [Tw,...,units] of a unit group, by the mean over its units: [Tw,units]. */
static goss_val unit_sizes(const goss_method *m, const goss_weights *w, int group) {
    const goss_layout *l = goss_target_layout(m->target);
    goss_val sum = GOSS_NONE;
    for (int i = 0; i < goss_layout_count(l); i++) {
        const goss_entry *e = goss_layout_entry(l, i);
        if (e->out_units != group || e->role != GOSS_ROLE_WEIGHT) continue;
        goss_val v = goss_weights_get(w, e->name);
        const uint32_t axes = ((1u << e->rank) - 1) & ~1u; /* all but tasks and units */
        v = goss_mean(goss_abs(v), axes, false);
        const int64_t units = goss_target_units_count(m->target, group), gates = e->dim[e->rank - 1] / units;
        if (gates > 1) /* of recurrent units */
            v = goss_mean(goss_reshape(v, GOSS_SHAPE(goss_dim(v, 0), goss_n(gates), goss_n(units))), GOSS_AXIS(1),
                          false);
        v = goss_div(v, goss_max(goss_mean(v, GOSS_AXIS(1), true), goss_const(v.graph, 1e-12)));
        sum = goss_valid(sum) ? goss_add(sum, v) : v;
    }
    return sum;
}

/* sum over units of size x mask(gates): its gradient by the gates is the sum over each gate's units. */
static goss_val masked_sizes(const goss_method *m, const goss_weights *w, goss_val gates, bool count) {
    goss_val sum = goss_const(gates.graph, 0);
    for (int i = 0; i < goss_target_units(m->target); i++) {
        const goss_val mask = goss__gates_units(m->target, i, gates);
        if (!goss_valid(mask)) continue;
        const goss_val size = count ? GOSS_NONE : unit_sizes(m, w, i);
        sum = goss_add(sum, goss_sum_all(goss_valid(size) ? goss_mul(goss_detach(size), mask) : mask));
    }
    return sum;
}

/* [T,G]: of gates of units their mean size; other gates come first, and of alternatives the first one. */
static goss_val magnitudes(const goss_method *m, const goss_task_batch *b, const goss__solution *s) {
    const double first = 1e6;
    const int n = goss_space_gates(m->space);
    float *other = goss__calloc((size_t)n, sizeof *other);
    if (!other) return goss_graph_fail(s->graph, GOSS_E_NOMEM, "no memory for %d gates", n);
    for (int i = 0; i < n; i++) other[i] = goss_space_gate(m->space, i).of == GOSS_GATE_UNITS ? 0 : (float)first;
    const goss_val at = goss_variable(goss_full(s->graph, GOSS_SHAPE(b->T, goss_n(n)), 1));
    goss_val size = GOSS_NONE, count = GOSS_NONE;
    goss_status status = goss_grad(masked_sizes(m, s->net.weights, at, false), &at, 1, &size);
    if (status == GOSS_OK) status = goss_grad(masked_sizes(m, s->net.weights, at, true), &at, 1, &count);
    const goss_val row = goss__structure_row(s->graph, other, n);
    goss__free(other);
    if (status != GOSS_OK) return goss_graph_fail(s->graph, status, "unit masks have no gradient");
    return goss_add(goss_div(size, goss_max(count, goss_const(s->graph, 1))), row);
}

static goss_val priorities(const goss_method *m, goss_graph *g, const goss_task_batch *b, goss_structure_source of) {
    goss__solution s;
    goss_scope_push(g, m->kind->name);
    goss__solution_begin(m, g, false, &s);
    s.size = GOSS__SIZE_ANY;
    goss__hypernet_generate(m, b, goss__hypernet_rows(m, b, &s), &s);
    const goss_val v = of == GOSS_STRUCTURE_MAGNITUDE ? magnitudes(m, b, &s) : s.logits;
    goss__solution_free(&s);
    goss_scope_pop(g);
    return for_tasks(v, b->T);
}

static goss_status compile(goss__planner *p, const goss_task_spec *spec, const char *bf16, goss_error *err) {
    goss_graph *g = goss_graph_new();
    if (!g) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a graph");
    goss_task_batch b = goss_task_batch_declare(g, spec, p->max_tasks);
    goss_val out = priorities(p->method, g, &b, p->ask.source);
    goss_schedule_options o = goss_schedule_defaults();
    o.bf16 = bf16;
    const goss_status s = goss_compile(g, &out, 1, NULL, 0, &o, &p->schedule, err);
    goss_graph_free(g);
    return s;
}

/* ---- life ---- */

static bool needs_program(goss_structure_source s) { return s != GOSS_STRUCTURE_UNIFORM && s != GOSS_STRUCTURE_RANDOM; }

static goss_status make_room(goss__planner *p, goss_error *err) {
    const size_t T = (size_t)p->max_tasks, G = (size_t)p->gates;
    p->sum = goss__calloc(3 * G, sizeof *p->sum);
    p->first = p->sum + G, p->second = p->first + G;
    p->priority = goss__calloc(T * G, sizeof *p->priority);
    p->last = goss__calloc(G, sizeof *p->last);
    p->structure = goss__alloc_aligned(T * G * sizeof *p->structure);
    p->budget = goss__alloc_aligned(T * sizeof *p->budget);
    if (p->sum && p->priority && p->last && p->structure && p->budget) return GOSS_OK;
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for %zu structures of %zu gates", T, G);
}

static goss_status init(goss__planner *p, const goss_task_spec *spec, const char *bf16, goss_params *params,
                        goss_threads *threads, goss_error *err) {
    GOSS_TRY(make_room(p, err));
    if (!needs_program(p->ask.source)) return GOSS_OK;
    GOSS_TRY(compile(p, spec, bf16, err));
    GOSS_TRY(goss_params_add(params, p->schedule, err));
    return goss_exec_new(p->schedule, params, threads, &p->exec, err);
}

/* Each network of an ensemble has its share. */
static void share(int64_t *limit, int networks) {
    if (*limit > 0) *limit = *limit > networks ? *limit / networks : 1;
}

/* A limit in bytes holds for the file that is written. */
static goss_status count_in_precision(goss__planner *p, goss_error *err) {
    if (p->ask.budget.bytes <= 0 || p->ask.stored == GOSS_WEIGHTS_F32) return GOSS_OK;
    float *most = goss__calloc((size_t)p->gates + 1, sizeof *most);
    goss_status s = most ? goss_space_create_stored(p->method->target, p->ask.stored, &p->own, err)
                         : goss_error_set(err, GOSS_E_NOMEM, "no memory for a structure");
    if (s == GOSS_OK) {
        goss_space_dearest(p->method->space, most);
        p->as_floats = (double)goss_space_cost_of(p->space, most, 0).bytes;
        p->as_floats /= (double)goss_space_cost_of(p->own, most, 0).bytes;
        p->space = p->own;
    }
    goss__free(most);
    return s;
}

goss_status goss__planner_init(goss__planner *p, const goss_method *m, const goss_structure_ask *ask, int networks,
                               int max_tasks, const goss_task_spec *spec, const char *bf16, goss_params *params,
                               goss_threads *threads, goss_error *err) {
    *p = (goss__planner){.max_tasks = max_tasks, .networks = networks > 0 ? networks : m->options.networks};
    if (p->networks < 1) p->networks = 1;
    if (!goss__structure_chooses(m)) {
        if (!ask) return GOSS_OK;
        return goss_error_set(err, GOSS_E_UNSUPPORTED,
                              "the networks of this model have no structures of their own to choose within a budget "
                              "(structure.choose when it was trained)");
    }
    p->method = m, p->space = m->space, p->gates = goss_space_gates(m->space), p->as_floats = 1;
    if (ask) p->ask = *ask;
    GOSS_TRY(count_in_precision(p, err));
    share(&p->ask.budget.bytes, p->networks), share(&p->ask.budget.macs, p->networks);
    const bool own = p->ask.source == GOSS_STRUCTURE_OWN || p->ask.source == GOSS_STRUCTURE_SHUFFLED;
    p->pooled = own && p->ask.pooled && p->ask.budget.bytes > 0;
    p->collecting = p->pooled || p->ask.source == GOSS_STRUCTURE_MEAN;
    goss_status s = p->pooled ? goss__pool_init(&p->pool, p->space, err) : GOSS_OK;
    if (s == GOSS_OK) s = init(p, spec, bf16, params, threads, err);
    if (s != GOSS_OK) goss__planner_free(p);
    return s;
}

void goss__planner_free(goss__planner *p) {
    goss_exec_free(p->exec);
    goss_schedule_free(p->schedule);
    goss__pool_free(&p->pool);
    goss_space_free(p->own);
    goss__free(p->sum), goss__free(p->priority), goss__free(p->last);
    goss__free(p->structure), goss__free(p->budget);
    *p = (goss__planner){0};
}

/* ---- a batch ---- */

/* A program need not have an input that nothing depends on. */
static goss_status bind(goss_exec *exec, const char *input, const float *numbers, goss_error *err) {
    const goss_status s = goss_exec_bind(exec, input, numbers, err);
    return s == GOSS_E_ARGUMENT ? GOSS_OK : s;
}

/* Of task t of the batch. Without a limit in bytes it is the most that was trained for. */
static goss_space_budget limit_of(const goss__planner *p, int t) {
    enum { POINTS = 5 };
    const double low = (double)p->method->structure.low, high = (double)p->method->structure.high;
    goss_space_budget b = p->ask.budget;
    if (p->spread) b.bytes = (int64_t)(high * pow(low / high, (double)((p->drawn + t) % POINTS) / (POINTS - 1)));
    if (b.bytes == 0 && !p->method->any_size) b.bytes = p->method->structure.high;
    return b;
}

/* What of that limit the hypernetwork is told, which has learned of floats. */
static float told_of(const goss__planner *p, int t) {
    const double bytes = (double)limit_of(p, t).bytes * p->as_floats;
    return bytes > 0 ? (float)goss__structure_scaled(p->method, (int64_t)bytes) : 1;
}

static goss_status compute(goss__planner *p, const goss__task_pack *pack, goss_error *err) {
    for (int t = 0; t < pack->tasks; t++) p->budget[t] = told_of(p, t);
    if (!p->exec) return GOSS_OK;
    GOSS_TRY(goss__task_pack_bind(pack, p->exec, err));
    GOSS_TRY(bind(p->exec, GOSS__STRUCTURE_BUDGET, p->budget, err));
    GOSS_TRY(goss_exec_run(p->exec, err));
    memcpy(p->priority, goss_exec_output(p->exec, 0, NULL),
           (size_t)pack->tasks * (size_t)p->gates * sizeof *p->priority);
    return GOSS_OK;
}

/* Another order for each task, whatever the batches are. */
static void shuffle(goss__planner *p, int t) {
    goss__rng r = goss__rng_make(p->ask.seed ^ 0x7c15a3e1u, (uint64_t)(p->drawn + t));
    for (int i = 0; i < p->gates; i++) p->priority[t * p->gates + i] = (float)goss__rng_uniform(&r);
}

static goss_status add_up(goss__planner *p, const goss__task_pack *pack, goss_error *err) {
    const int tasks = pack->tasks;
    for (int t = 0; t < tasks && p->pooled; t++)
        GOSS_TRY(goss__pool_add(&p->pool, p->priority + (size_t)t * (size_t)p->gates, &pack->sizes[t].outputs, 1, err));
    for (int t = 0; t < tasks; t++)
        for (int i = 0; i < p->gates; i++) p->sum[i] += (double)p->priority[t * p->gates + i];
    p->summed += tasks;
    return GOSS_OK;
}

/* Each task gets the order of the one before; the first of all that of the last one of its batch. */
static void exchange(goss__planner *p, int tasks) {
    const size_t G = (size_t)p->gates;
    float *own = p->structure; /* free until structures are chosen */
    memcpy(own, p->priority, (size_t)tasks * G * sizeof *own);
    for (int t = 1; t < tasks; t++) memcpy(p->priority + (size_t)t * G, own + (size_t)(t - 1) * G, G * sizeof *own);
    memcpy(p->priority, p->has_last ? p->last : own + (size_t)(tasks - 1) * G, G * sizeof *own);
    memcpy(p->last, own + (size_t)(tasks - 1) * G, G * sizeof *own);
    p->has_last = true;
}

static void order(goss__planner *p, int tasks) {
    if (p->ask.source == GOSS_STRUCTURE_SHUFFLED) exchange(p, tasks);
    for (int t = 0; t < tasks && p->ask.source == GOSS_STRUCTURE_RANDOM; t++) shuffle(p, t);
    for (int t = 0; t < tasks && p->ask.source == GOSS_STRUCTURE_MEAN && p->summed > 0; t++)
        for (int i = 0; i < p->gates; i++) p->priority[t * p->gates + i] = (float)(p->sum[i] / (double)p->summed);
}

/* Sums from which the spread between tasks and gates follows. */
static void note_spread(goss__planner *p, int tasks) {
    for (int t = 0; t < tasks; t++)
        for (int i = 0; i < p->gates; i++) {
            const double x = (double)p->priority[t * p->gates + i];
            p->first[i] += x, p->second[i] += x * x;
        }
    p->ordered += tasks;
}

static void find_spread(const goss__planner *p, goss_structure_figures *f) {
    const double n = (double)p->ordered, G = p->gates;
    double within = 0, sum = 0, square = 0;
    f->spread_tasks = f->spread_gates = (double)NAN;
    if (p->ordered == 0) return;
    for (int i = 0; i < p->gates; i++) {
        const double mean = p->first[i] / n;
        within += fmax(p->second[i] / n - mean * mean, 0), sum += mean, square += mean * mean;
    }
    f->spread_tasks = sqrt(within / G), f->spread_gates = sqrt(fmax(square / G - sum * sum / G / G, 0));
}

static bool is_beyond(const goss_space_budget *limit, const goss_space_figures *f) {
    return (limit->bytes > 0 && f->bytes > limit->bytes) || (limit->macs > 0 && f->macs > limit->macs) ||
           (limit->ram > 0 && f->ram > limit->ram);
}

static void count(goss_structure_figures *to, const goss_space_budget *limit, goss_space_figures f) {
    to->networks++;
    to->bytes_mean += (double)f.bytes, to->macs_mean += (double)f.macs;
    if (f.bytes > to->bytes_max) to->bytes_max = f.bytes;
    if (f.ram > to->ram_max) to->ram_max = f.ram;
    to->violations += is_beyond(limit, &f);
}

goss_structure_figures goss__planner_figures(const goss__planner *p) {
    goss_structure_figures f = p->figures;
    const double n = f.networks > 0 ? (double)f.networks : NAN;
    f.bytes_mean /= n, f.macs_mean /= n;
    find_spread(p, &f);
    if (p->pooled && f.bytes_mean > (double)p->ask.budget.bytes) f.violations = f.networks;
    f.bytes_mean *= p->networks, f.macs_mean *= p->networks, f.bytes_max *= p->networks;
    return f;
}

const float *goss__planner_structure(const goss__planner *p, int t) {
    return p->structure ? p->structure + (size_t)t * (size_t)p->gates : NULL;
}

static goss_status choose(goss__planner *p, int t, int outputs, goss_error *err) {
    const goss_space *s = p->space;
    float *structure = p->structure + (size_t)t * (size_t)p->gates;
    goss_space_budget limit = limit_of(p, t);
    if (p->spread) { /* that nothing fits into the least budget is no reason not to validate */
        goss_space_cheapest(s, structure);
        const int64_t least = goss_space_cost_of(s, structure, outputs).bytes;
        if (limit.bytes < least) limit.bytes = least;
    }
    if (p->ask.source == GOSS_STRUCTURE_UNIFORM)
        GOSS_TRY(goss_space_shrink(s, &limit, outputs, structure, err));
    else if (p->pooled)
        GOSS_TRY(
            goss__pool_choose(&p->pool, p->priority + (size_t)t * (size_t)p->gates, &limit, outputs, structure, err));
    else
        GOSS_TRY(goss_space_project(s, p->priority + (size_t)t * (size_t)p->gates, GOSS_SPACE_BY_PRIORITY, &limit,
                                    outputs, structure, err));
    if (p->pooled) limit.bytes = 0; /* of each network */
    const goss_space_figures f = goss_space_cost_of(s, structure, outputs);
    count(&p->figures, p->pooled ? &limit : &p->ask.budget, f);
    if (p->ask.log.bytes) p->ask.log.bytes[p->drawn + t] = (double)f.bytes * p->networks;
    return GOSS_OK;
}

goss_status goss__planner_run(goss__planner *p, const goss__task_pack *pack, goss_error *err) {
    if (!p->method) return GOSS_OK;
    GOSS_TRY(compute(p, pack, err));
    if (p->collecting) return add_up(p, pack, err);
    if (p->exec) note_spread(p, pack->tasks);
    order(p, pack->tasks);
    for (int t = 0; t < pack->tasks; t++) {
        const goss_status s = choose(p, t, pack->sizes[t].outputs, err);
        if (s != GOSS_OK && p->networks > 1)
            return goss_error_prefix(err, s, "of %d networks that share a budget, each", p->networks);
        GOSS_TRY(s);
        goss__structure_log(&p->ask.log, p->drawn + t, pack, t, goss__planner_structure(p, t), p->gates);
    }
    p->drawn += pack->tasks;
    return GOSS_OK;
}

goss_status goss__planner_collect(goss__planner *p, goss__task_pack *pack, const goss_task_source *source,
                                  int64_t draws, goss_error *err) {
    for (int64_t k = 0; p->collecting && k < draws; k += pack->tasks) {
        goss__task_pack_draw(pack, source, (uint64_t)k,
                             draws - k < pack->max_tasks ? (int)(draws - k) : pack->max_tasks);
        GOSS_TRY(goss__planner_run(p, pack, err));
    }
    if (p->collecting && p->pooled) GOSS_TRY(goss__pool_settle(&p->pool, &p->ask.budget, err));
    p->collecting = false;
    return GOSS_OK;
}

goss_status goss__planner_bind(const goss__planner *p, goss_exec *exec, goss_error *err) {
    if (!p->method) return GOSS_OK;
    GOSS_TRY(bind(exec, GOSS__STRUCTURE_GATES, p->structure, err));
    return bind(exec, GOSS__STRUCTURE_BUDGET, p->budget, err);
}
