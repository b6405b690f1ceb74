/* SPDX-License-Identifier: Apache-2.0 */
/* adapt_auto.c: chooses the number of gradient steps on a support set by cross-validation. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "meta/adapter.h"
#include "meta/network.h"

enum { FOLDS = 4, MOST_STEPS = 128, PATIENCE = 2 };

/* A task's support set; as a source it yields the samples outside a fold. */
typedef struct part {
    goss_task_spec spec; /* of the whole */
    goss_task all;
    int n, x, y; /* samples; numbers a sample and a target */
    int *fold;   /* [n] where a sample is held out; -1: never */
    int folds, held;
} part;

static void draw_rest(const goss_task_source *source, uint64_t k, goss_task *task) {
    const part *p = source->context;
    int n = 0;
    (void)k;
    for (int i = 0; i < p->n; i++) {
        const size_t from = (size_t)i, to = (size_t)n;
        if (p->fold[i] == p->held) continue;
        if (task->support)
            memcpy(task->support + to * (size_t)p->x, p->all.support + from * (size_t)p->x,
                   (size_t)p->x * sizeof(float));
        if (task->support_length) task->support_length[to] = p->all.support_length[from];
        if (task->support_target)
            memcpy(task->support_target + to * (size_t)p->y, p->all.support_target + from * (size_t)p->y,
                   (size_t)p->y * sizeof(float));
        n++;
    }
    if (task->descriptor && p->spec.descriptor)
        memcpy(task->descriptor, p->all.descriptor, (size_t)p->spec.descriptor * sizeof(float));
    if (task->class_mask && p->all.class_mask)
        memcpy(task->class_mask, p->all.class_mask, (size_t)p->spec.outputs * sizeof(float));
    task->supports = n, task->queries = 0, task->id = p->all.id, task->outputs = p->all.outputs;
}

/* Folds are dealt round-robin within each class; the first sample of a class is never held out. */
static void deal(part *p, bool classes) {
    int most = 0, n = 0;
    for (int i = 0; i < p->n; i++) {
        int before = 0;
        for (int j = 0; classes && j < i; j++) before += p->all.support_target[j] == p->all.support_target[i];
        p->fold[i] = classes ? (before == 0 ? -1 : (before - 1) % FOLDS) : n++ % FOLDS;
        most = p->fold[i] > most ? p->fold[i] : most;
        p->folds += p->fold[i] >= 0;
    }
    p->folds = p->folds ? most + 1 : 0;
    if (!classes && p->n < FOLDS) p->folds = 0; /* too few samples would remain */
}

/* Ordered samples: the last quarter, since samples in between would only test interpolation and predictions are of
 * later ones. */
static void deal_last(part *p) {
    for (int i = 0; i < p->n; i++) p->fold[i] = i >= p->n - p->n / FOLDS ? 0 : -1;
    p->folds = p->n >= FOLDS;
}

static goss_status open_part(part *p, const goss_task_source *source, uint64_t k, bool ordered, goss_threads *threads,
                             goss_error *err) {
    const size_t n = (size_t)source->spec.supports + 1;
    p->spec = source->spec;
    p->x = (int)goss_task_input_size(&source->spec), p->y = goss_task_target_size(&source->spec);
    p->all.support = goss__calloc(n * (size_t)p->x, sizeof(float));
    p->all.support_target = goss__calloc(n * (size_t)p->y, sizeof(float));
    p->all.descriptor = goss__calloc((size_t)source->spec.descriptor + 1, sizeof(float));
    p->all.class_mask = goss__calloc((size_t)source->spec.outputs + 1, sizeof(float));
    p->fold = goss__calloc(n, sizeof *p->fold);
    p->all.support_length = goss__calloc(n, sizeof *p->all.support_length);
    if (!p->all.support_length || !p->all.support || !p->all.support_target || !p->all.descriptor ||
        !p->all.class_mask || !p->fold)
        return goss_error_set(err, GOSS_E_NOMEM, "no memory to hold out support samples");
    for (int i = 0; i < source->spec.outputs; i++) p->all.class_mask[i] = 1;
    for (int i = 0; i < source->spec.supports; i++) p->all.support_length[i] = (int32_t)source->spec.input[0];
    p->all.outputs = source->spec.outputs, p->all.threads = threads;
    source->draw(source, k, &p->all);
    p->n = p->all.supports;
    if (ordered)
        deal_last(p);
    else
        deal(p, goss_task_objective(&source->spec)->classes && !goss_task_objective(&source->spec)->steps);
    return GOSS_OK;
}

static void close_part(part *p) {
    goss__free(p->all.support), goss__free(p->all.support_target), goss__free(p->all.descriptor);
    goss__free(p->all.class_mask), goss__free(p->fold), goss__free(p->all.support_length);
}

/* ---- what held-out samples lose ---- */

/* Of a sample with an answer at each step: the mean over those with a label. */
static double loss_of_steps(const float *y, int steps, const float *out, int outputs) {
    double sum = 0;
    int n = 0;
    for (int i = 0; i < steps; i++)
        if (y[i] >= 0) sum -= log(fmax((double)out[i * outputs + (int)y[i]], 1e-12)), n++;
    return n ? sum / n : 0;
}

static double loss_of(const part *p, const float *out, int sample, int outputs) {
    const float *y = p->all.support_target + (size_t)sample * (size_t)p->y;
    if (goss_task_objective(&p->spec)->steps) return loss_of_steps(y, p->y, out, outputs);
    if (goss_task_objective(&p->spec)->classes) return -log(fmax((double)out[(int)y[0]], 1e-12));
    double sum = 0;
    for (int i = 0; i < outputs; i++) {
        const double unit = p->spec.scale.deviation ? (double)p->spec.scale.deviation[i] : 1;
        if (!isnan(y[i])) sum += pow(((double)out[i] - (double)y[i]) / unit, 2);
    }
    return sum;
}

static goss_status held_loss(const part *p, const goss_network *net, goss_threads *threads, double *sum, int *count,
                             goss_error *err) {
    const int outputs = goss_network_outputs(net), answers = goss_network_answers(net);
    float *out = goss__calloc((size_t)p->n * (size_t)answers + 1, sizeof *out);
    if (!out) return goss_error_set(err, GOSS_E_NOMEM, "no memory to hold out support samples");
    const int32_t *lengths = p->spec.lengths ? p->all.support_length : NULL;
    goss_status s = goss_network_predict_ragged(net, p->all.support, lengths, p->n, out, NULL, threads, err);
    for (int i = 0; i < p->n && s == GOSS_OK; i++)
        if (p->fold[i] == p->held) *sum += loss_of(p, out + (size_t)i * (size_t)answers, i, outputs), ++*count;
    goss__free(out);
    return s;
}

/* Mean loss over all folds after so many steps; infinite where a network or its answers are not finite. */
static goss_status judge(const goss_model *m, part *p, const goss_adapt_options *o, double *loss, goss_error *err) {
    goss_task_source source = {.spec = p->spec, .context = p, .draw = draw_rest, .tasks = 1};
    double sum = 0;
    int count = 0;
    for (p->held = 0; p->held < p->folds; p->held++) {
        goss_network *net = NULL;
        goss_status s = goss_model_adapt_task(m, &source, 0, NULL, o, &net, err);
        if (s == GOSS_OK) s = held_loss(p, net, o->threads, &sum, &count, err);
        goss_network_free(net);
        if (s == GOSS_E_NUMERIC) sum = INFINITY;
        if (s != GOSS_OK && s != GOSS_E_NUMERIC) return s;
    }
    *loss = isfinite(sum) ? sum / count : INFINITY;
    return GOSS_OK;
}

static goss_status search(const goss_model *m, part *p, const goss_adapt_options *options, int *steps,
                          goss_error *err) {
    goss_adapt_options o = *options;
    double best = INFINITY, first = 0;
    int worse = 0;
    for (o.fine_tune = 0; o.fine_tune <= MOST_STEPS && worse < PATIENCE; o.fine_tune = 2 * o.fine_tune + !o.fine_tune) {
        double loss;
        GOSS_TRY(judge(m, p, &o, &loss, err));
        if (o.fine_tune == 0) first = loss;
        worse = loss < best ? 0 : worse + 1;
        if (loss < best) best = loss, *steps = o.fine_tune;
    }
    goss__log(GOSS_LOG_INFO, "fine-tuning: %d steps, by %s of the support set (loss %.4g; without %.4g)", *steps,
              options->ordered ? "the last quarter" : "held-out quarters", best, first);
    return GOSS_OK;
}

goss_status goss__choose_fine_tune(const goss_model *m, const goss_task_source *source, uint64_t k,
                                   const goss_adapt_options *options, int *steps, goss_error *err) {
    part p = {0};
    *steps = 0;
    goss_status s = open_part(&p, source, k, options->ordered, options->threads, err);
    if (s == GOSS_OK && p.folds > 0) s = search(m, &p, options, steps, err);
    if (s == GOSS_OK && p.folds == 0)
        goss__log(GOSS_LOG_INFO, "fine-tuning: none, since the support set is too small to hold samples out of it");
    close_part(&p);
    return s;
}
