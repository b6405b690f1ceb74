/* SPDX-License-Identifier: Apache-2.0 */
/* bind.c: making a run, and resolving its shapes and places when counts change. */
#include <string.h>

#include "base/alloc.h"
#include "runtime/exec.h"

static bool same_text(const char *a, const char *b) { return a && strcmp(a, b) == 0; }

goss_status goss_threads_new(int threads, goss_threads **out, goss_error *err) {
    *out = goss__calloc(1, sizeof **out);
    if (!*out) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    goss_status s = goss__pool_create(threads, &(*out)->pool, err);
    if (s != GOSS_OK) {
        goss__free(*out);
        *out = NULL;
    }
    return s;
}

void goss_threads_free(goss_threads *t) {
    if (!t) return;
    goss__pool_destroy(t->pool);
    goss__free(t);
}

int goss_threads_count(const goss_threads *t) { return goss__pool_threads(t->pool); }

const char *goss_kernel_variant(void) { return goss__kernels_best()->name; }

size_t goss_schedule_memory(const goss_schedule *p, int threads) {
    return p->slab_bytes + p->const_bytes + (size_t)threads * (p->private_bytes + p->scratch_bytes);
}

static goss_status bind_params(goss_exec *e, goss_error *err) {
    const goss_schedule *p = e->program;
    for (uint32_t i = 0; i < p->n_values; i++) {
        if (p->values[i].place != GOSS__AT_PARAM) continue;
        int at = e->params ? goss_params_find(e->params, p->values[i].node->name) : -1;
        if (at < 0)
            return goss_error_set(err, GOSS_E_ARGUMENT, "parameter %s is not in the store: call goss_params_add first",
                                  p->values[i].node->name);
        if (goss_params_is_bf16(e->params, at) != p->values[i].bf16)
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "parameter %s is kept as bfloat16 by %s alone: each needs a store of its own",
                                  p->values[i].node->name, p->values[i].bf16 ? "the program" : "the store");
        e->storage[i] = goss_params_data(e->params, at);
    }
    return GOSS_OK;
}

static bool allocate(goss_exec *e) {
    const goss_schedule *p = e->program;
    size_t operands = 0, plans = 0, attrs = 0;
    for (uint32_t k = 0; k < p->n_instrs; k++) {
        const goss__value *v = &p->values[p->instrs[k].value];
        operands += 1u + v->n_in, plans += 2 * goss__round64(v->op->kernel.plan_size);
        if (goss__attrs_have_extents(v->op->attrs)) attrs += v->op->attrs->size;
    }
    e->arena_stride = goss__round64(p->private_bytes) + p->scratch_bytes + 64;
    e->storage = goss__calloc(p->n_values + 1u, sizeof *e->storage);
    e->steps = goss__calloc(p->n_instrs + 1u, sizeof *e->steps);
    e->phase_runs = goss__calloc(p->n_phases + 1u, sizeof *e->phase_runs);
    e->tensors = goss__calloc(2 * operands + 1, sizeof *e->tensors);
    e->plans = goss__alloc_aligned(plans);
    e->attrs = goss__calloc(attrs + 1, 1);
    e->places = goss__calloc(operands + 1, sizeof *e->places);
    e->slab = goss__alloc_aligned(p->slab_bytes);
    e->constants = goss__alloc_aligned(p->const_bytes);
    if (!e->is_body) e->arenas = goss__alloc_aligned((size_t)e->n_threads * e->arena_stride);
    return e->storage && e->steps && e->phase_runs && e->tensors && e->plans && e->attrs && e->places && e->slab &&
           e->constants && (e->is_body || e->arenas);
}

/* A loop's body has tables of its own. */
static bool make_bodies(goss_exec *e) {
    const goss_schedule *p = e->program;
    bool ok = true;
    for (uint32_t k = 0; k < p->n_instrs && ok; k++) {
        const goss__loop *l = p->values[p->instrs[k].value].loop;
        if (l) ok = (e->steps[k].body = goss__body_new(e, l->body)) != NULL;
    }
    return ok;
}

/* The parts of the tables that no count changes. */
static void lay_out(goss_exec *e) {
    const goss_schedule *p = e->program;
    goss__tensor *t = e->tensors;
    goss__place_at *at = e->places;
    char *plans = e->plans, *attrs = e->attrs;
    for (uint32_t i = 0; i < p->n_values; i++) {
        if (p->values[i].place == GOSS__AT_SHARED)
            e->storage[i] =
                p->values[i].in_place_of >= 0 ? e->storage[p->values[i].in_place_of] : e->slab + p->values[i].offset;
        if (p->values[i].place == GOSS__AT_CONST) e->storage[i] = e->constants + p->values[i].offset;
    }
    for (uint32_t k = 0; k < p->n_instrs; k++) {
        const goss__value *v = &p->values[p->instrs[k].value];
        goss__step *s = &e->steps[k];
        *s = (goss__step){.value = v, .tensors = t, .at = at, .plans = v->op->kernel.plan ? plans : NULL};
        s->run = p->precision == GOSS_F64 ? v->op->kernel.run_f64 : v->op->kernel.run_f32;
        if (goss__attrs_have_extents(v->op->attrs)) s->attr = attrs, attrs += v->op->attrs->size;
        for (int j = 0; j < 2; j++) {
            const goss__tensor *base = t + j * (1 + v->n_in);
            s->shapes[j] = (goss__shapes){.op = v->op,
                                          .attr = s->attr ? s->attr : v->node->attr,
                                          .off = p->off,
                                          .n_in = v->n_in,
                                          .out = base,
                                          .in = base + 1};
        }
        t += 2 * (1 + v->n_in), at += 1 + v->n_in, plans += 2 * goss__round64(v->op->kernel.plan_size);
    }
}

goss_status goss_exec_new(const goss_schedule *program, goss_params *params, goss_threads *threads, goss_exec **out,
                          goss_error *err) {
    *out = NULL;
    goss_exec *e = goss__calloc(1, sizeof *e);
    if (!e) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    e->program = program, e->params = params, e->threads = threads;
    e->kernels = goss__kernels_best();
    e->n_threads = goss_threads_count(threads);
    e->dirty = true;
    goss__symbol_maxima(&program->symbols, e->counts);
    goss_status s = GOSS_E_NOMEM;
    if (allocate(e)) s = bind_params(e, err);
    if (s == GOSS_OK) {
        lay_out(e);
        s = make_bodies(e) ? GOSS_OK : GOSS_E_NOMEM;
    }
    if (s == GOSS_E_NOMEM)
        goss_error_set(err, s, "out of memory: the run needs %zu MB",
                       goss_schedule_memory(program, e->n_threads) >> 20);
    if (s != GOSS_OK) {
        goss_exec_free(e);
        return s;
    }
    *out = e;
    return GOSS_OK;
}

goss_exec *goss__body_new(const goss_exec *of, const goss_schedule *body) {
    goss_exec *e = goss__calloc(1, sizeof *e);
    if (!e) return NULL;
    e->program = body, e->threads = of->threads, e->kernels = of->kernels, e->n_threads = of->n_threads;
    e->is_body = true;
    bool ok = allocate(e);
    if (ok) lay_out(e);
    if (ok && make_bodies(e)) return e;
    goss_exec_free(e);
    return NULL;
}

void goss_exec_free(goss_exec *e) {
    if (!e) return;
    goss_profile_end(e);
    for (uint32_t k = 0; e->steps && k < e->program->n_instrs; k++) goss_exec_free(e->steps[k].body);
    goss__free(e->storage), goss__free(e->steps), goss__free(e->phase_runs);
    goss__free(e->tensors), goss__free(e->plans), goss__free(e->attrs);
    goss__free(e->places);
    goss__free(e->slab), goss__free(e->constants), goss__free(e->arenas);
    goss__free(e);
}

goss_status goss_exec_bind(goss_exec *e, const char *input, const void *data, goss_error *err) {
    const goss_schedule *p = e->program;
    for (uint32_t i = 0; i < p->n_values; i++)
        if (p->values[i].place == GOSS__AT_INPUT && same_text(p->values[i].node->name, input)) {
            e->storage[i] = (char *)(uintptr_t)data; /* inputs are only read */
            return GOSS_OK;
        }
    return goss_error_set(err, GOSS_E_ARGUMENT, "the program has no input \"%s\"", input);
}

goss_status goss_exec_count(goss_exec *e, const char *symbol, int64_t count, goss_error *err) {
    const goss_schedule *p = e->program;
    for (int i = 0; i < p->symbols.n; i++) {
        if (!same_text(p->symbols.symbol[i].name, symbol)) continue;
        if (count < 1 || count > p->symbols.symbol[i].maximum)
            return goss_error_set(err, GOSS_E_ARGUMENT, "%s = %lld: the planned range is 1 to %lld", symbol,
                                  (long long)count, (long long)p->symbols.symbol[i].maximum);
        e->dirty |= e->counts[i] != count;
        e->counts[i] = count;
        return GOSS_OK;
    }
    return goss_error_set(err, GOSS_E_ARGUMENT, "the program has no symbol \"%s\"", symbol);
}

void goss_exec_seed(goss_exec *e, uint64_t seed, uint64_t step) { e->seed = seed, e->step = step; }

/* ---- resolving ---- */

static void resolve_phase(goss_exec *e, uint32_t f) {
    const goss__phase *ph = &e->program->phases[f];
    goss__phase_run *r = &e->phase_runs[f];
    r->items = goss__extent_eval(ph->items, e->counts);
    r->unit = goss__unit_items(ph, r->items);
    r->tile = goss__tile_items(ph, r->items);
    r->tiles = (r->items + r->tile - 1) / r->tile;
    r->groups = r->tiles;
    r->tiles_a_group = 1;
    if (ph->slots && r->tiles > ph->slots) {
        r->tiles_a_group = (r->tiles + ph->slots - 1) / ph->slots;
        r->groups = (r->tiles + r->tiles_a_group - 1) / r->tiles_a_group;
    }
    r->parallel = r->groups > 1 && ph->item_cost * (double)r->items > 40000;
}

/* A cut operand moves on with the units; in the private arena only one that holds a whole tile does. */
static void place_operand(goss_exec *e, uint32_t v, bool cut, int64_t items, int64_t unit, goss__place_at *at) {
    const goss_schedule *p = e->program;
    int64_t elements;
    uint32_t root = goss__root(p, v, &elements);
    goss__tensor whole;
    goss__resolve(p, v, e->counts, goss_n(1), 0, &whole);
    int64_t size = (int64_t)goss__elem_size(p, &p->values[root]);
    *at = (goss__place_at){.storage = root, .offset = elements * size, .arg = p->values[root].arg};
    if (at->arg >= 0) return; /* the address comes with the call */
    at->is_private = p->values[root].place == GOSS__AT_PRIVATE;
    if (at->is_private) at->offset += (int64_t)p->values[root].offset;
    if (cut && (!at->is_private || p->values[root].whole_tile)) at->step = whole.numel / items * unit * size;
}

/* The plan of shapes number i of a step: 0 a full unit, 1 the last one. */
static void plan_step(goss__step *s, goss__shapes *shapes, int i) {
    if (!s->plans) return;
    shapes->plan = s->plans + (size_t)i * goss__round64(s->value->op->kernel.plan_size);
    s->value->op->kernel.plan(shapes, shapes->plan);
}

/* Tensors and places of one instruction; L = 1 for constants and serial phases. */
static void resolve_step(goss_exec *e, uint32_t k, goss_extent L, const goss__phase_run *r) {
    const goss_schedule *p = e->program;
    const goss__instr *in = &p->instrs[k];
    const goss__value *v = &p->values[in->value];
    goss__step *s = &e->steps[k];
    const bool addend = v->partial || in->addend;
    if (in->whole) L = goss_n(1);
    s->batched = in->batched;
    if (s->attr) goss__attrs_resolve(v->op->attrs, v->node->attr, e->counts, s->attr); /* plans may read them */
    const int64_t unit = s->batched ? r->tile : r->unit, last = r->items - (r->items - 1) / unit * unit;
    for (int j = 0; j < 2; j++) {
        int64_t n = goss_extent_is(L, 1) ? 0 : j ? last : unit;
        goss__tensor *t = s->tensors + j * (1 + v->n_in);
        goss__resolve(p, in->value, e->counts, L, addend ? 0 : n, &t[0]);
        for (int i = 0; i < v->n_in; i++) {
            uint32_t source;
            goss__cut cut;
            goss__resolve_operand(p, v->in[i], in->cut[i], e->counts, L, n, &t[i + 1], &source, &cut);
            place_operand(e, source, cut == GOSS__CUT && n > 0, r->items, unit, &s->at[i + 1]);
        }
        plan_step(s, &s->shapes[j], j);
    }
    place_operand(e, in->value, !addend && !goss_extent_is(L, 1), r->items, unit, &s->at[0]);
    goss__tensor whole;
    goss__resolve(p, in->value, e->counts, goss_n(1), 0, &whole);
    s->first_step = addend || in->whole ? 0 : whole.numel / r->items * unit;
}

/* Tables of a phase's instructions. */
static void resolve_steps(goss_exec *e, uint32_t f) {
    const goss_schedule *p = e->program;
    const goss__phase *ph = &p->phases[f];
    for (uint32_t k = ph->first; k < ph->first + ph->count; k++) {
        uint32_t from, to;
        resolve_step(e, k, ph->items, &e->phase_runs[f]);
        goss__stretch_of(p, ph, k, &from, &to);
        e->steps[k].stretch = k == from ? to - from + 1 : 0;
        e->steps[k].along = goss__goes_along(p, ph, k);
    }
    if (!p->options.no_tiles) goss__resolve_chains(e, f);
}

static void resolve_constants(goss_exec *e) {
    const goss__phase_run once = {.items = 1, .unit = 1, .tile = 1, .tiles = 1, .groups = 1, .tiles_a_group = 1};
    for (uint32_t k = 0; k < e->program->n_const; k++) resolve_step(e, k, goss_n(1), &once);
}

/* A body's units are those of the phase that its scan is in; constants have a phase of one item. */
static void resolve_bodies(goss_exec *e, char *arena) {
    for (uint32_t k = 0; k < e->program->n_instrs; k++) {
        goss_exec *body = e->steps[k].body;
        if (!body) continue;
        const int32_t f = e->program->values[e->program->instrs[k].value].phase;
        const goss__phase_run once = {.items = 1, .unit = 1, .tile = 1, .tiles = 1, .groups = 1, .tiles_a_group = 1};
        memcpy(body->counts, e->counts, sizeof body->counts);
        resolve_constants(body);
        for (uint32_t g = 0; g < body->program->n_phases; g++) {
            body->phase_runs[g] = f >= 0 ? e->phase_runs[f] : once;
            resolve_steps(body, g);
        }
        body->arenas = arena;
        resolve_bodies(body, arena);
        goss__exec_constants(body);
        body->arenas = NULL;
    }
}

void goss__exec_resolve(goss_exec *e) {
    const goss_schedule *p = e->program;
    resolve_constants(e);
    for (uint32_t f = 0; f < p->n_phases; f++) {
        resolve_phase(e, f);
        resolve_steps(e, f);
        goss__phase_run *r = &e->phase_runs[f];
        const goss__phase *ph = &p->phases[f];
        r->parts =
            ph->parts ? e->steps[ph->first].value->op->cost.parts(&e->steps[ph->first].shapes[0], e->n_threads) : 1;
    }
    resolve_bodies(e, e->arenas);
    e->dirty = false;
    goss__exec_constants(e);
}
