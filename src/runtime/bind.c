/* SPDX-License-Identifier: Apache-2.0 */
/* bind.c: creating an executor: its memory, its parameters, the parts of its tables that do not depend on counts. */
#include <string.h>

#include "base/alloc.h"
#include "runtime/exec.h"

static bool same_text(const char *a, const char *b) { return a && strcmp(a, b) == 0; }

const char *goss_kernel_variant(void) { return goss__kernels_best()->name; }

size_t goss_schedule_memory(const goss_schedule *p, int threads) {
    return p->slab_bytes + p->const_bytes + (size_t)threads * (p->private_bytes + p->scratch_bytes);
}

static goss_status bind_params(goss_exec *e, goss_error *err) {
    const goss_schedule *p = e->schedule;
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
    const goss_schedule *p = e->schedule;
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

/* A loop's body has its own tables. */
static bool make_bodies(goss_exec *e) {
    const goss_schedule *p = e->schedule;
    bool ok = true;
    for (uint32_t k = 0; k < p->n_instrs && ok; k++) {
        const goss__loop *l = p->values[p->instrs[k].value].loop;
        if (l) ok = (e->steps[k].body = goss__body_new(e, l->body)) != NULL;
    }
    return ok;
}

/* The parts of the tables that do not depend on counts. */
static void lay_out(goss_exec *e) {
    const goss_schedule *p = e->schedule;
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

goss_status goss_exec_new(const goss_schedule *schedule, goss_params *params, goss_threads *threads, goss_exec **out,
                          goss_error *err) {
    *out = NULL;
    goss_exec *e = goss__calloc(1, sizeof *e);
    if (!e) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    e->schedule = schedule, e->params = params, e->threads = threads;
    e->kernels = goss__kernels_best();
    e->n_threads = goss_threads_count(threads);
    e->dirty = true, e->repeats = 1;
    goss__symbol_maxima(&schedule->symbols, e->counts);
    goss_status s = GOSS_E_NOMEM;
    if (allocate(e)) s = bind_params(e, err);
    if (s == GOSS_OK) {
        lay_out(e);
        s = make_bodies(e) ? GOSS_OK : GOSS_E_NOMEM;
    }
    if (s == GOSS_E_NOMEM)
        goss_error_set(err, s, "out of memory: the run needs %zu MB",
                       goss_schedule_memory(schedule, e->n_threads) >> 20);
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
    e->schedule = body, e->threads = of->threads, e->kernels = of->kernels, e->n_threads = of->n_threads;
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
    for (uint32_t k = 0; e->steps && k < e->schedule->n_instrs; k++) goss_exec_free(e->steps[k].body);
    goss__free(e->storage), goss__free(e->steps), goss__free(e->phase_runs);
    goss__free(e->tensors), goss__free(e->plans), goss__free(e->attrs);
    goss__free(e->places);
    goss__free(e->slab), goss__free(e->constants), goss__free(e->arenas);
    goss__free(e);
}

goss_status goss_exec_bind(goss_exec *e, const char *input, const void *data, goss_error *err) {
    const goss_schedule *p = e->schedule;
    for (uint32_t i = 0; i < p->n_values; i++)
        if (p->values[i].place == GOSS__AT_INPUT && same_text(p->values[i].node->name, input)) {
            e->storage[i] = (char *)(uintptr_t)data; /* inputs are read-only */
            return GOSS_OK;
        }
    return goss_error_set(err, GOSS_E_ARGUMENT, "the program has no input \"%s\"", input);
}

goss_status goss_exec_count(goss_exec *e, const char *symbol, int64_t count, goss_error *err) {
    const goss_schedule *p = e->schedule;
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
