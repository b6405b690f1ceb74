/* SPDX-License-Identifier: Apache-2.0 */
/* distil.c: an ensemble becomes one network: the answers of all members on rows, and on mixtures of rows, are what the
 * first member is trained towards. */
#include "gossamer/distil.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "gossamer/step.h"
#include "meta/network.h"

enum { JUDGED = 256, MOST = 1 << 20 };

typedef struct distilling {
    const goss_network *ensemble;
    goss_distil_options o;
    int width, targets; /* numbers of a sample, and of what is answered: probabilities, or a mean and a variance */
    bool classes, variance;
    int pool;
    float *x, *t;             /* [pool, width], [pool, targets] */
    float *batch_x, *batch_t; /* [rows of a step, ...] */
    goss_threads *threads, *own;
    goss_step *step;
} distilling;

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "no memory for distilling"); }

/* ---- what is asked of the ensemble ---- */

/* Rows as they are, in random order (all, or a quarter of the pool), then mixtures l a + (1 - l) b of two. */
static void fill_pool(distilling *d, const float *x, int n) {
    goss__rng rng = goss__rng_make(d->o.seed, 0);
    const int plain = n < d->pool / 4 ? n : d->pool / 4;
    const size_t w = (size_t)d->width;
    for (int i = 0; i < d->pool; i++) {
        const float *a = x + (size_t)(plain == n && i < n ? (uint32_t)i : goss__rng_below(&rng, (uint32_t)n)) * w;
        const float *b = i < plain ? a : x + (size_t)goss__rng_below(&rng, (uint32_t)n) * w;
        const float l = i < plain ? 1 : (float)goss__rng_uniform(&rng);
        for (size_t k = 0; k < w; k++) d->x[(size_t)i * w + k] = b[k] + l * (a[k] - b[k]);
    }
}

/* Numbers standardised, as networks give them. */
static goss_status ask(distilling *d, goss_error *err) {
    const goss_target_scale s = d->ensemble->data.of.task.scale;
    const float unit = s.deviation ? s.deviation[0] : 1, mean = s.mean ? s.mean[0] : 0;
    const int outputs = d->ensemble->outputs;
    float *said = goss__calloc((size_t)d->pool * (size_t)(outputs + 1), sizeof *said);
    float *doubt = said + (size_t)d->pool * (size_t)outputs;
    if (!said) return no_memory(err);
    goss_status status = goss_network_predict(d->ensemble, d->x, d->pool, said, doubt, d->threads, err);
    for (int i = 0; status == GOSS_OK && i < d->pool; i++) {
        float *t = d->t + (size_t)i * (size_t)d->targets;
        memcpy(t, said + (size_t)i * (size_t)outputs, (size_t)outputs * sizeof *t);
        if (d->classes) continue;
        t[0] = (t[0] - mean) / unit;
        if (d->variance) t[1] = fmaxf(doubt[i] / unit * (doubt[i] / unit), 1e-6f);
    }
    goss__free(said);
    return status;
}

/* ---- the loss ---- */

/* sum p log(p / q) */
static goss_val divergence_of_classes(goss_val logits, goss_val p) {
    const goss_val least = goss_const(p.graph, 1e-30);
    const goss_val own = goss_mul(p, goss_log(goss_max(p, least)));
    return goss_sum(goss_sub(own, goss_mul(p, goss_log_softmax(logits))), GOSS_AXIS(2), false);
}

/* (log(v / u) + (u + (m - n)^2) / v - 1) / 2, the ensemble's u and m. */
static goss_val divergence_of_numbers(const distilling *d, goss_val output, goss_val t) {
    const goss_objective *o = goss_task_objective(&d->ensemble->data.of.task);
    const goss_val off = goss_square(goss_sub(o->answer(output), goss_slice(t, 2, 0, 1)));
    if (!d->variance) return goss_scale(goss_squeeze(off, 2), 0.5);
    const goss_val v = o->variance(output), u = goss_slice(t, 2, 1, 1);
    const goss_val sum = goss_add(goss_log(goss_div(v, u)), goss_div(goss_add(u, off), v));
    return goss_scale(goss_shift(goss_squeeze(sum, 2), -1), 0.5);
}

static goss_status build(void *context, goss_graph *g, int64_t tasks, goss_step_loss *out, goss_error *err) {
    const distilling *d = context;
    const goss_layout *l = goss_target_layout(d->ensemble->target);
    const goss_extent n = goss_n(d->o.batch);
    (void)tasks;
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(goss_n(1), n, goss_n(d->width)));
    goss_val t = goss_input(g, "t", GOSS_REAL, GOSS_SHAPE(goss_n(1), n, goss_n(d->targets)));
    goss_weights *w = goss_weights_from_params(g, l, "student");
    if (!w) return no_memory(err);
    const goss_val y = goss_target_apply(d->ensemble->target, x, w, NULL).logits;
    goss_weights_free(w);
    const goss_val loss = d->classes ? divergence_of_classes(y, t) : divergence_of_numbers(d, y, t);
    out->loss = goss_mean(loss, GOSS_AXIS(0) | GOSS_AXIS(1), false);
    out->param[out->n_params++] = (goss_step_param){
        .name = "student", .layout = l, .param = goss_param(g, "student", GOSS_SHAPE(goss_n(goss_layout_total(l))))};
    return GOSS_OK;
}

static goss_status bind(void *context, goss_exec *exec, int64_t first, int64_t tasks, goss_error *err) {
    const distilling *d = context;
    (void)first, (void)tasks;
    GOSS_TRY(goss_exec_bind(exec, "x", d->batch_x, err));
    return goss_exec_bind(exec, "t", d->batch_t, err);
}

/* ---- steps ---- */

static void take_row(distilling *d, int at, int from) {
    const size_t w = (size_t)d->width, t = (size_t)d->targets;
    memcpy(d->batch_x + (size_t)at * w, d->x + (size_t)from * w, w * sizeof *d->x);
    memcpy(d->batch_t + (size_t)at * t, d->t + (size_t)from * t, t * sizeof *d->t);
}

/* The loss of 256 rows, or as many batches as hold them: steps of rate 0. */
static goss_status judge(distilling *d, double *loss, goss_error *err) {
    goss_step_result r;
    int batches = 0;
    *loss = 0;
    for (int at = 0; at < JUDGED; at += d->o.batch, batches++) {
        for (int i = 0; i < d->o.batch; i++) take_row(d, i, (int)((int64_t)(at + i) * d->pool / (JUDGED + d->o.batch)));
        GOSS_TRY(goss_step_run(d->step, 1, 0, d->o.seed, 0, &r, err));
        *loss += r.loss;
    }
    *loss /= batches;
    return GOSS_OK;
}

static goss_status train(distilling *d, double *before, double *after, goss_error *err) {
    goss__rng rng = goss__rng_make(d->o.seed, 1);
    double unread;
    GOSS_TRY(judge(d, before ? before : &unread, err));
    for (int k = 0; k < d->o.steps; k++) {
        goss_step_result r;
        for (int i = 0; i < d->o.batch; i++) take_row(d, i, (int)goss__rng_below(&rng, (uint32_t)d->pool));
        const double rate = d->o.rate * (0.5 + 0.5 * cos(M_PI * k / d->o.steps));
        GOSS_TRY(goss_step_run(d->step, 1, rate, d->o.seed, (uint64_t)k + 1, &r, err));
        if (!r.applied) return goss_error_set(err, GOSS_E_NUMERIC, "distilling: step %d is not finite", k + 1);
    }
    return judge(d, after ? after : &unread, err);
}

/* The first member of an ensemble as a network. */
static goss_status first_member(const goss_network *from, goss_network **out, goss_error *err) {
    goss_network *n = *out = goss__calloc(1, sizeof *n);
    if (!n) return no_memory(err);
    n->members = 1;
    GOSS_TRY(goss_target_parse(goss_target_text(from->target), goss_target_input(from->target),
                               goss_target_input_rank(from->target), goss_target_outputs(from->target), &n->target,
                               err));
    GOSS_TRY(goss__data_spec_copy(&from->data.of, &n->data, err));
    GOSS_TRY(goss__network_room(n, from->outputs, err));
    memcpy(n->slab, from->slab, (size_t)goss_layout_total(goss_target_layout(n->target)) * sizeof *n->slab);
    for (int i = 0; i < n->outputs; i++)
        if (from->names[i] && !(n->names[i] = goss__strdup(from->names[i]))) return no_memory(err);
    for (int i = 0; i < from->notes.n; i++)
        GOSS_TRY(goss_network_note(n, from->notes.text[2 * i], from->notes.text[2 * i + 1], err));
    return GOSS_OK;
}

static goss_status distil(distilling *d, const float *x, int n, double *before, double *after, goss_network **out,
                          goss_error *err) {
    const goss_step_source source = {.build = build, .bind = bind, .context = d};
    goss_step_options o = goss_step_defaults();
    const size_t rows = (size_t)d->pool, batch = (size_t)d->o.batch, w = (size_t)d->width, t = (size_t)d->targets;
    o.tasks = 1, o.optimizer.clip_norm = 1;
    if (!d->threads) GOSS_TRY(goss_threads_new(0, &d->own, err));
    if (!d->threads) d->threads = d->own;
    d->x = goss__calloc(rows * w, sizeof *d->x), d->t = goss__calloc(rows * t, sizeof *d->t);
    d->batch_x = goss__calloc(batch * w, sizeof *d->x), d->batch_t = goss__calloc(batch * t, sizeof *d->t);
    if (!d->x || !d->t || !d->batch_x || !d->batch_t) return no_memory(err);
    fill_pool(d, x, n);
    GOSS_TRY(ask(d, err));
    GOSS_TRY(first_member(d->ensemble, out, err));
    GOSS_TRY(goss_step_new(&source, &o, d->threads, &d->step, err));
    goss_params *params = goss_step_params(d->step);
    const int at = goss_params_find(params, "student");
    goss_params_set(params, at, (*out)->slab);
    GOSS_TRY(train(d, before, after, err));
    memcpy((*out)->slab, goss_params_data(params, at),
           (size_t)goss_layout_total(goss_target_layout((*out)->target)) * sizeof(float));
    return GOSS_OK;
}

/* ---- checks ---- */

static goss_status check(const goss_network *e, int n, const goss_distil_options *o, goss_error *err) {
    const goss_task_spec *task = &e->data.of.task;
    if (e->members < 2)
        return goss_error_set(err, GOSS_E_ARGUMENT, "distilling: a single network, and no ensemble to learn from");
    if (n < 1) return goss_error_set(err, GOSS_E_ARGUMENT, "distilling: no samples");
    if (o->steps < 1 || o->batch < 1 || o->pool < 4 || o->steps > MOST || o->batch > MOST || o->pool > MOST ||
        !(o->rate > 0))
        return goss_error_set(err, GOSS_E_ARGUMENT, "distilling: %d steps of %d rows of %d at a rate of %g", o->steps,
                              o->batch, o->pool, o->rate);
    if (e->statistics || task->lengths || goss_target_input_rank(e->target) != 1)
        return goss_error_set(err, GOSS_E_UNSUPPORTED, "distilling is for networks of rows without a batch norm");
    if (!goss_task_objective(task)->classes && e->outputs != 1)
        return goss_error_set(err, GOSS_E_UNSUPPORTED, "distilling: %d numbers a sample, not one", e->outputs);
    return GOSS_OK;
}

goss_status goss_network_distil(const goss_network *ensemble, const float *x, int n, const goss_distil_options *options,
                                double *before, double *after, goss_network **out, goss_error *err) {
    distilling d = {.ensemble = ensemble};
    *out = NULL;
    if (options) d.o = *options;
    if (!d.o.steps) d.o.steps = 400;
    if (!d.o.batch) d.o.batch = 128;
    if (!d.o.pool) d.o.pool = 4096;
    if (d.o.rate == 0) d.o.rate = 0.002;
    GOSS_TRY(check(ensemble, n, &d.o, err));
    const goss_objective *o = goss_task_objective(&ensemble->data.of.task);
    d.classes = o->classes, d.variance = o->variance != NULL;
    d.width = (int)goss_target_input(ensemble->target)[0], d.pool = d.o.pool, d.threads = d.o.threads;
    d.targets = o->classes ? ensemble->outputs : 1 + d.variance;
    const goss_status s = distil(&d, x, n, before, after, out, err);
    goss_step_free(d.step);
    goss_threads_free(d.own);
    goss__free(d.x), goss__free(d.t), goss__free(d.batch_x), goss__free(d.batch_t);
    if (s == GOSS_OK) return s;
    goss_network_free(*out);
    *out = NULL;
    return s;
}
