/* SPDX-License-Identifier: Apache-2.0 */
/* row_student.c: see row_student.h. Numbers are standardised here, as networks give them. */
#include "train/row_student.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

enum { MOST = 1 << 20 };
static const float least_variance = 1e-6f;

static goss_status no_memory(goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for training rows");
}

static goss_target_scale scale_of(const goss__student *s) { return s->network->data.of.task.scale; }

/* ---- the loss ---- */

/* sum p log(p / q) */
static goss_val divergence_of_classes(goss_val logits, goss_val p) {
    const goss_val own = goss_mul(p, goss_log(goss_max(p, goss_const(p.graph, 1e-30))));
    return goss_sum(goss_sub(own, goss_mul(p, goss_log_softmax(logits))), GOSS_AXIS(2), false);
}

/* (log(v / u) + (u + (m - n)^2) / v - 1) / 2 of normal distributions, wanted n and u. */
static goss_val divergence_of_numbers(const goss__student *s, goss_val output, goss_val t) {
    const goss_objective *o = goss_task_objective(&s->network->data.of.task);
    const goss_val off = goss_square(goss_sub(o->answer(o, output), goss_slice(t, 2, 0, 1)));
    if (!s->variance) return goss_scale(goss_squeeze(off, 2), 0.5);
    const goss_val v = o->variance(output), u = goss_slice(t, 2, 1, 1);
    const goss_val sum = goss_add(goss_log(goss_div(v, u)), goss_div(goss_add(u, off), v));
    return goss_scale(goss_shift(goss_squeeze(sum, 2), -1), 0.5);
}

static goss_status build(void *context, goss_graph *g, int64_t tasks, goss_step_loss *out, goss_error *err) {
    const goss__student *s = context;
    const goss_layout *l = goss_target_layout(s->network->target);
    const goss_extent n = goss_n(s->batch);
    (void)tasks;
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(goss_n(1), n, goss_n(s->width)));
    goss_val t = goss_input(g, "t", GOSS_REAL, GOSS_SHAPE(goss_n(1), n, goss_n(s->wanted)));
    goss_weights *w = goss_weights_from_params(g, l, "student");
    if (!w) return no_memory(err);
    const goss_val y = goss_target_apply(s->network->target, x, w, NULL).logits;
    goss_weights_free(w);
    const goss_val loss = s->classes ? divergence_of_classes(y, t) : divergence_of_numbers(s, y, t);
    out->loss = goss_mean(loss, GOSS_AXIS(0) | GOSS_AXIS(1), false);
    out->param[out->n_params++] = (goss_step_param){
        .name = "student", .layout = l, .param = goss_param(g, "student", GOSS_SHAPE(goss_n(goss_layout_total(l))))};
    return GOSS_OK;
}

static goss_status bind(void *context, goss_exec *exec, int64_t first, int64_t tasks, goss_error *err) {
    const goss__student *s = context;
    (void)first, (void)tasks;
    GOSS_TRY(goss_exec_bind(exec, "x", s->x, err));
    return goss_exec_bind(exec, "t", s->t, err);
}

/* ---- life ---- */

static goss_status check(const goss_network *n, int batch, goss_error *err) {
    const goss_task_spec *task = &n->data.of.task;
    if (batch < 1 || batch > MOST) return goss_error_set(err, GOSS_E_ARGUMENT, "steps of %d rows", batch);
    if (n->statistics || task->lengths || goss_target_input_rank(n->target) != 1)
        return goss_error_set(err, GOSS_E_UNSUPPORTED,
                              "only a network of rows, without a batch norm, is trained alone");
    if (goss_task_objective(task)->levels)
        return goss_error_set(err, GOSS_E_UNSUPPORTED, "a network of quantiles is not trained alone");
    if (!goss_task_objective(task)->classes && n->outputs != 1)
        return goss_error_set(err, GOSS_E_UNSUPPORTED, "a network of %d numbers a row, not one", n->outputs);
    return GOSS_OK;
}

static goss_status open(goss__student *s, goss_error *err) {
    const goss_step_source source = {.build = build, .bind = bind, .context = s};
    goss_step_options o = goss_step_defaults();
    o.tasks = 1, o.optimizer.clip_norm = 1;
    if (!s->threads) GOSS_TRY(goss_threads_new(0, &s->own, err));
    if (!s->threads) s->threads = s->own;
    s->x = goss__calloc((size_t)s->batch * (size_t)s->width, sizeof *s->x);
    s->t = goss__calloc((size_t)s->batch * (size_t)s->wanted, sizeof *s->t);
    if (!s->x || !s->t) return no_memory(err);
    return goss_step_new(&source, &o, s->threads, &s->step, err);
}

goss_status goss__student_open(goss__student *s, const goss_network *of, int batch, goss_threads *threads,
                               goss_error *err) {
    const goss_objective *o = goss_task_objective(&of->data.of.task);
    *s = (goss__student){.network = of, .batch = batch, .threads = threads};
    GOSS_TRY(check(of, batch, err));
    s->classes = o->classes, s->variance = o->variance != NULL;
    s->width = (int)goss_target_input(of->target)[0], s->wanted = o->classes ? of->outputs : 1 + s->variance;
    const goss_status status = open(s, err);
    if (status != GOSS_OK) goss__student_close(s);
    return status;
}

void goss__student_close(goss__student *s) {
    goss_step_free(s->step);
    goss_threads_free(s->own);
    goss__free(s->x), goss__free(s->t);
    *s = (goss__student){0};
}

void goss__student_set(const goss__student *s, const float *slab) {
    goss_params *p = goss_step_params(s->step);
    goss_params_set(p, goss_params_find(p, "student"), slab);
}

void goss__student_get(const goss__student *s, float *slab) {
    const goss_params *p = goss_step_params(s->step);
    memcpy(slab, goss_params_data(p, goss_params_find(p, "student")),
           (size_t)goss_layout_total(goss_target_layout(s->network->target)) * sizeof *slab);
}

/* ---- steps ---- */

goss_status goss__student_take(goss__student *s, const float *x, const float *t, int n, goss__rng *rng, double rate,
                               uint64_t number, goss_error *err) {
    goss_step_result r;
    const size_t w = (size_t)s->width, k = (size_t)s->wanted;
    for (int i = 0; i < s->batch; i++) {
        const size_t from = goss__rng_below(rng, (uint32_t)n);
        memcpy(s->x + (size_t)i * w, x + from * w, w * sizeof *x);
        memcpy(s->t + (size_t)i * k, t + from * k, k * sizeof *t);
    }
    GOSS_TRY(goss_step_run(s->step, 1, rate, 0, number, &r, err));
    if (r.applied) return GOSS_OK;
    return goss_error_set(err, GOSS_E_NUMERIC, "gradient step %llu on the rows is not finite",
                          (unsigned long long)number);
}

void goss__student_want(const goss__student *s, const float *y, int n, float *t) {
    const goss_target_scale scale = scale_of(s);
    memset(t, 0, (size_t)n * (size_t)s->wanted * sizeof *t);
    for (int i = 0; i < n; i++) {
        float *own = t + (size_t)i * (size_t)s->wanted;
        if (s->classes)
            own[(int)y[i]] = 1;
        else
            own[0] = (y[i] - (scale.mean ? scale.mean[0] : 0)) / (scale.deviation ? scale.deviation[0] : 1);
        if (s->variance) own[1] = least_variance;
    }
}

/* ---- judging ---- */

static double divergence(const goss__student *s, const float *said, float doubt, const float *t) {
    const goss_target_scale scale = scale_of(s);
    double sum = 0;
    for (int c = 0; s->classes && c < s->wanted; c++)
        if (t[c] > 0) sum += (double)t[c] * log((double)t[c] / fmax((double)said[c], 1e-12));
    if (s->classes) return sum;
    const double unit = scale.deviation ? (double)scale.deviation[0] : 1, mean = scale.mean ? (double)scale.mean[0] : 0;
    const double off = pow(((double)said[0] - mean) / unit - (double)t[0], 2);
    if (!s->variance) return off / 2;
    const double v = fmax(pow((double)doubt / unit, 2), 1e-12), u = (double)t[1];
    return (log(v / u) + (u + off) / v - 1) / 2;
}

goss_status goss__student_loss(const goss__student *s, const goss_network *said, const float *x, const float *t, int n,
                               double *loss, goss_error *err) {
    const size_t outputs = (size_t)said->outputs;
    float *y = goss__calloc((size_t)n * (outputs + 1), sizeof *y), *doubt = y + (size_t)n * outputs;
    if (!y) return no_memory(err);
    goss_status status = goss_network_predict(said, x, n, y, doubt, s->threads, err);
    *loss = 0;
    for (int i = 0; status == GOSS_OK && i < n; i++)
        *loss += divergence(s, y + (size_t)i * outputs, doubt[i], t + (size_t)i * (size_t)s->wanted) / n;
    goss__free(y);
    return status;
}

/* ---- members ---- */

static goss_status copy_member(const goss_network *from, int i, goss_network *n, goss_error *err) {
    n->members = 1;
    GOSS_TRY(goss_target_parse(goss_target_text(from->target), goss_target_input(from->target),
                               goss_target_input_rank(from->target), goss_target_outputs(from->target), &n->target,
                               err));
    GOSS_TRY(goss__data_spec_copy(&from->data.of, &n->data, err));
    GOSS_TRY(goss__network_room(n, from->outputs, err));
    const int64_t size = goss_layout_total(goss_target_layout(n->target));
    memcpy(n->slab, from->slab + i * size, (size_t)size * sizeof *n->slab);
    for (int k = 0; k < n->outputs; k++)
        if (from->names[k] && !(n->names[k] = goss__strdup(from->names[k]))) return no_memory(err);
    for (int k = 0; k < from->notes.n; k++)
        GOSS_TRY(goss_network_note(n, from->notes.text[2 * k], from->notes.text[2 * k + 1], err));
    return GOSS_OK;
}

goss_status goss__network_member(const goss_network *from, int i, goss_network **out, goss_error *err) {
    goss_network *n = goss__calloc(1, sizeof *n);
    *out = NULL;
    if (!n) return no_memory(err);
    const goss_status s = copy_member(from, i, n, err);
    if (s == GOSS_OK)
        *out = n;
    else
        goss_network_free(n);
    return s;
}
