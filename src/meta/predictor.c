/* SPDX-License-Identifier: Apache-2.0 */
/* predictor.c: repeated prediction and adaptation without recompilation. Adapting runs one program, predicting
 * another; the outputs of the first are copied to the parameters of the second. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/finite.h"
#include "meta/adapter.h"
#include "meta/network.h"

enum { BATCH = 64 };

struct goss_predictor {
    const goss_network *network;
    goss_network *own; /* that a model is adapted to; NULL: the network is the caller's */
    goss__adapter adapter;
    goss_schedule *schedule;
    goss_params *params;
    goss_exec *exec;
    goss_threads *threads, *own_threads;
    goss_weight_precision precision; /* of the networks that are adapted */
    bool adapted;
    float length[BATCH];
    float *rows; /* [BATCH, steps, channels] of sequences that have lengths, as long as the longest one; else NULL */
};

static goss_status begin(goss_threads *threads, goss_predictor **out, goss_error *err) {
    goss_predictor *p = *out = goss__calloc(1, sizeof *p);
    if (!p) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a predictor");
    if (!threads) GOSS_TRY(goss_threads_new(0, &p->own_threads, err));
    p->threads = threads ? threads : p->own_threads;
    return GOSS_OK;
}

static goss_status open_network(goss_predictor *p, goss_error *err) {
    const int gates = p->adapter.space ? goss_space_gates(p->adapter.space) : 0;
    GOSS_TRY(goss__network_compile(p->network, BATCH, p->own != NULL, gates, &p->schedule, err));
    GOSS_TRY(goss_params_new(GOSS_F32, &p->params, err));
    GOSS_TRY(goss_params_add(p->params, p->schedule, err));
    goss__network_store_items(p->network, p->params);
    if (!p->own) goss__network_store(p->network, p->params);
    const goss_task_spec *task = &p->network->data.of.task;
    if (task->lengths && !(p->rows = goss__calloc(BATCH * goss_task_input_size(task), sizeof *p->rows)))
        return goss_error_set(err, GOSS_E_NOMEM, "no memory for %d sequences", BATCH);
    return goss_exec_new(p->schedule, p->params, p->threads, &p->exec, err);
}

static goss_status finish(goss_predictor **out, goss_status s) {
    if (s == GOSS_OK) return s;
    goss_predictor_free(*out);
    *out = NULL;
    return s;
}

goss_status goss_predictor_of_network(const goss_network *network, goss_threads *threads, goss_predictor **out,
                                      goss_error *err) {
    goss_status s = begin(threads, out, err);
    if (s == GOSS_OK) {
        (*out)->network = network, (*out)->adapted = true;
        s = open_network(*out, err);
    }
    return finish(out, s);
}

static goss_status open_model(goss_predictor *p, const goss_model *model, const goss_task_spec *most,
                              const goss_adapt_options *options, goss_error *err) {
    GOSS_TRY(goss__adapter_open(&p->adapter, model, most, options, p->threads, err));
    GOSS_TRY(goss__adapter_network(&p->adapter, &p->own, err));
    if (options) p->precision = options->precision;
    if (p->adapter.space && p->precision != GOSS_WEIGHTS_F32)
        return goss_error_set(err, GOSS_E_UNSUPPORTED,
                              "int8 of a network with a structure of its own, whose scales are those of the smaller "
                              "network: goss_model_adapt_task makes it");
    p->network = p->own;
    return open_network(p, err);
}

goss_status goss_predictor_of_model(const goss_model *model, const goss_task_spec *most,
                                    const goss_adapt_options *options, goss_predictor **out, goss_error *err) {
    goss_status s = begin(options ? options->threads : NULL, out, err);
    if (s == GOSS_OK) s = open_model(*out, model, most, options, err);
    return finish(out, s);
}

void goss_predictor_free(goss_predictor *p) {
    if (!p) return;
    goss_exec_free(p->exec);
    goss_params_free(p->params);
    goss_schedule_free(p->schedule);
    goss__adapter_close(&p->adapter);
    goss_network_free(p->own);
    goss_threads_free(p->own_threads);
    goss__free(p->rows);
    goss__free(p);
}

const goss_network *goss_predictor_network(const goss_predictor *p) {
    return p->adapted && !p->adapter.space ? p->network : NULL;
}

/* A network with a structure of its own runs as the largest one, whose gates are numbers as weights are: what was
 * compiled serves every structure. */
static void store_structure(goss_predictor *p) {
    const float *structure = p->adapter.space ? goss__planner_structure(&p->adapter.planner, 0) : NULL;
    const int at = goss_params_find(p->params, GOSS__NETWORK_GATES);
    if (!structure || at < 0) return;
    memcpy(goss_params_data(p->params, at), structure, (size_t)goss_space_gates(p->adapter.space) * sizeof *structure);
}

goss_status goss_predictor_adapt(goss_predictor *p, const goss_task_source *source, uint64_t k, goss_error *err) {
    if (!p->own)
        return goss_error_set(err, GOSS_E_ARGUMENT, "this predictor is one of a network, which is adapted already");
    p->adapted = false;
    GOSS_TRY(goss__adapter_run(&p->adapter, source, k, p->own, err));
    p->own->precision = GOSS_WEIGHTS_F32; /* of new weights */
    GOSS_TRY(goss_network_set_precision(p->own, p->precision, err));
    goss__network_store(p->own, p->params);
    store_structure(p);
    p->adapted = true;
    return GOSS_OK;
}

/* ---- predicting ---- */

static goss_status not_finite(const goss_network *n, int64_t at, int count, goss_error *err) {
    const bool images = goss__data_spec_is_images(&n->data.of), classes = goss_network_classes(n) > 0;
    return goss_error_set(
        err, GOSS_E_NUMERIC, "%s %lld of %d: the network's %s are not finite: its weights are too large or damaged",
        images ? "image" : "sample", (long long)at + 1, count, classes ? "class probabilities" : "numbers");
}

/* Lengths of samples first .. first + now - 1 (NULL: all steps), and their rows, which move together to the longest. */
static goss_status bind_sequences(goss_predictor *p, const float *x, const int32_t *lengths, int first, int now,
                                  goss_error *err) {
    const goss_task_spec *task = &p->network->data.of.task;
    const size_t sample = goss_task_input_size(task);
    int64_t longest = 1;
    for (int i = 0; i < now; i++) {
        const int32_t n = lengths ? lengths[i] : (int32_t)task->input[0];
        if (n < 1 || n > task->input[0])
            return goss_error_set(err, GOSS_E_ARGUMENT, "sample %d has %d steps; the network reads 1 to %lld",
                                  first + i + 1, n, (long long)task->input[0]);
        p->length[i] = (float)n, longest = n > longest ? n : longest;
    }
    const size_t kept = (size_t)(longest * task->input[1]);
    for (int i = 0; i < now; i++) memcpy(p->rows + (size_t)i * kept, x + (size_t)i * sample, kept * sizeof *x);
    GOSS_TRY(goss_exec_bind(p->exec, "x", p->rows, err));
    GOSS_TRY(goss_exec_bind(p->exec, "length", p->length, err));
    return goss_exec_count(p->exec, "L", longest, err);
}

/* Answers at each step are as many as the longest sample of the batch has: the others are 0. */
static void take_steps(const goss_predictor *p, int now, const float *answer, float *out) {
    const goss_task_spec *task = &p->network->data.of.task;
    int64_t longest = p->rows ? 1 : task->input[0];
    for (int i = 0; p->rows && i < now; i++)
        longest = (int64_t)p->length[i] > longest ? (int64_t)p->length[i] : longest;
    const size_t w = (size_t)p->network->outputs, all = (size_t)task->input[0] * w, made = (size_t)longest * w;
    for (int i = 0; i < now; i++) {
        const size_t own = p->rows ? (size_t)p->length[i] * w : all;
        memcpy(out + (size_t)i * all, answer + (size_t)i * made, own * sizeof *out);
        memset(out + (size_t)i * all + own, 0, (all - own) * sizeof *out);
    }
}

/* beside: room for goss__network_beside numbers of each sample, or NULL. */
static goss_status run_batch(goss_predictor *p, const float *x, int now, float *out, float *beside, goss_error *err) {
    const goss_network *n = p->network;
    const int each = goss__network_beside(n);
    if (!p->rows) GOSS_TRY(goss_exec_bind(p->exec, "x", x, err));
    GOSS_TRY(goss_exec_count(p->exec, "N", now, err));
    GOSS_TRY(goss_exec_run(p->exec, err));
    if (goss_task_objective(&n->data.of.task)->steps)
        take_steps(p, now, goss_exec_output(p->exec, 0, NULL), out);
    else
        memcpy(out, goss_exec_output(p->exec, 0, NULL), (size_t)now * (size_t)n->outputs * sizeof *out);
    if (beside && each) memcpy(beside, goss_exec_output(p->exec, 1, NULL), (size_t)now * (size_t)each * sizeof *beside);
    return GOSS_OK;
}

/* out [count, answers], and beside them, in the user's units. */
static goss_status predict_all(goss_predictor *p, const float *x, const int32_t *lengths, int count, float *out,
                               float *beside, goss_error *err) {
    if (!p->adapted) return goss_error_set(err, GOSS_E_ARGUMENT, "this predictor has not been adapted to a task yet");
    const goss_network *n = p->network;
    if (lengths && !n->data.of.task.lengths)
        return goss_error_set(err, GOSS_E_ARGUMENT, "lengths of samples for a network whose samples have none");
    size_t input = goss_task_input_size(&n->data.of.task), outputs = (size_t)goss_network_answers(n);
    const size_t each = (size_t)goss__network_beside(n);
    for (int at = 0; at < count; at += BATCH) {
        int now = count - at < BATCH ? count - at : BATCH;
        float *to = out + (size_t)at * outputs, *more = beside ? beside + (size_t)at * each : NULL;
        if (p->rows) GOSS_TRY(bind_sequences(p, x + (size_t)at * input, lengths ? lengths + at : NULL, at, now, err));
        GOSS_TRY(run_batch(p, x + (size_t)at * input, now, to, more, err));
        int64_t bad = goss__first_not_finite(to, (int64_t)now * (int64_t)outputs);
        if (bad >= 0) return not_finite(n, at + bad / (int64_t)outputs, count, err);
        goss__network_to_units(n, to, now);
        if (!more || !each) continue;
        bad = goss__first_not_finite(more, (int64_t)now * (int64_t)each);
        if (bad >= 0) return not_finite(n, at + bad / (int64_t)each, count, err);
        goss__network_beside_to_units(n, more, now);
    }
    return GOSS_OK;
}

/* One number for all components of a target: the root mean square of their standardised deviations. */
static void merge(const goss_network *n, const float *deviation, int count, float *out) {
    const float *unit = n->data.of.task.scale.deviation;
    for (int i = 0; i < count; i++) {
        double sum = 0;
        for (int w = 0; w < n->outputs; w++, deviation++)
            sum += pow((double)*deviation / (unit ? (double)unit[w] : 1), 2) / n->outputs;
        out[i] = (float)sqrt(sum);
    }
}

goss_status goss_predictor_predict_ragged(goss_predictor *p, const float *x, const int32_t *lengths, int count,
                                          float *out, float *uncertainty, goss_error *err) {
    const bool told = goss_network_tells_uncertainty(p->network);
    const int each = goss__network_beside(p->network);
    if (uncertainty && !told) memset(uncertainty, 0, (size_t)count * sizeof *uncertainty);
    if (!uncertainty || !told || each == 1)
        return predict_all(p, x, lengths, count, out, told ? uncertainty : NULL, err);
    float *own = goss__calloc((size_t)count * (size_t)each + 1, sizeof *own);
    if (!own) return goss_error_set(err, GOSS_E_NOMEM, "no memory for %d deviations", each);
    const goss_status s = predict_all(p, x, lengths, count, out, own, err);
    if (s == GOSS_OK) merge(p->network, own, count, uncertainty);
    goss__free(own);
    return s;
}

goss_status goss_predictor_predict_deviations(goss_predictor *p, const float *x, const int32_t *lengths, int count,
                                              float *out, float *deviations, goss_error *err) {
    if (!goss_network_tells_uncertainty(p->network) || goss_network_classes(p->network) > 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "a network of objective %s, of one member, predicts no deviations",
                              goss_task_objective(&p->network->data.of.task)->name);
    return predict_all(p, x, lengths, count, out, deviations, err);
}

goss_status goss_predictor_predict_quantiles(goss_predictor *p, const float *x, const int32_t *lengths, int count,
                                             float *out, float *quantiles, goss_error *err) {
    int levels;
    if (!goss_network_levels(p->network, &levels))
        return goss_error_set(err, GOSS_E_ARGUMENT, "a network of objective %s predicts no quantiles",
                              goss_task_objective(&p->network->data.of.task)->name);
    return predict_all(p, x, lengths, count, out, quantiles, err);
}

goss_status goss_predictor_predict(goss_predictor *p, const float *x, int count, float *out, float *uncertainty,
                                   goss_error *err) {
    return goss_predictor_predict_ragged(p, x, NULL, count, out, uncertainty, err);
}

goss_status goss_network_predict_ragged(const goss_network *n, const float *x, const int32_t *lengths, int count,
                                        float *out, float *uncertainty, goss_threads *threads, goss_error *err) {
    goss_predictor *p;
    GOSS_TRY(goss_predictor_of_network(n, threads, &p, err));
    goss_status s = goss_predictor_predict_ragged(p, x, lengths, count, out, uncertainty, err);
    goss_predictor_free(p);
    return s;
}

goss_status goss_network_predict(const goss_network *n, const float *x, int count, float *out, float *uncertainty,
                                 goss_threads *threads, goss_error *err) {
    return goss_network_predict_ragged(n, x, NULL, count, out, uncertainty, threads, err);
}
