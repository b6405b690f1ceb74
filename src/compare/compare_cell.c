/* SPDX-License-Identifier: Apache-2.0 */
/* compare_cell.c: the protocol of one cell: every strength on training samples; what validates best, with its number of
 * steps, once more on training and validation samples; that model on test samples, once. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "compare/compare.h"
#include "train/run_data.h"

void goss__result_free(goss__result *r) {
    for (int k = 0; k < r->tasks; k++) goss__free(r->task[k]);
    goss__free(r->task), goss__free(r->value);
    *r = (goss__result){0};
}

/* ---- search ---- */

/* What is penalised and by how much, for reports: of a row that searches; NaN else. */
static double strength_of(const goss__row *row, int i) {
    for (int k = 0; k < row->parts; k++)
        if (row->part[k]->searches) return row->part[k]->strength[i];
    return row->model && row->model->searches ? row->model->strength[i] : (double)NAN;
}

static goss_status try_one(const goss_compare *c, const goss__cell *cell, int i, const volatile sig_atomic_t *stop,
                           goss__result *r, goss_error *err) {
    goss_config *config;
    goss__trial fit;
    GOSS_TRY(goss__cell_config(c, cell, i, false, &config, err));
    goss_status s = goss__train_trial(config, &(goss__trial_options){.stop = stop}, &fit, err);
    goss_config_free(config);
    GOSS_TRY(s);
    r->data = fit.hash, r->metric = fit.metric;
    r->tried[i] = (goss__try){strength_of(cell->row, i), fit.validation, fit.seconds, fit.step};
    return GOSS_OK;
}

/* Tries the strengths one after the other and stores each try when it ends. A try that diverges is not chosen. */
static goss_status search(const goss_compare *c, const goss__cell *cell, const volatile sig_atomic_t *stop,
                          goss__result *r, goss_error *err) {
    goss_error why = {0};
    r->best = -1;
    for (int i = 0; i < cell->row->tries; i++) {
        if (i >= r->tries) {
            const goss_status s = try_one(c, cell, i, stop, r, &why);
            if (s != GOSS_OK && s != GOSS_E_NUMERIC) return goss_error_set(err, s, "%s", why.text);
            if (s != GOSS_OK) r->tried[i] = (goss__try){strength_of(cell->row, i), NAN, 0, 0};
            r->tries = i + 1;
            if (cell->row->tries > 1) GOSS_TRY(goss__tries_write(c, cell, r, err));
        }
        if (!isnan(r->tried[i].validation) &&
            (r->best < 0 || goss_metric_better(r->metric, r->tried[i].validation, r->tried[r->best].validation)))
            r->best = i;
    }
    if (r->best >= 0) return GOSS_OK;
    return goss_error_set(err, GOSS_E_NUMERIC, "no strength gave a validation that is a number: %s", why.text);
}

/* ---- the whole ---- */

static goss_status take_test(goss__result *r, goss__trial *fit, goss_error *err) {
    r->explained = fit->test.explained;
    memcpy(r->noisy, fit->noisy, sizeof r->noisy);
    memcpy(r->rank, fit->rank, sizeof r->rank);
    r->tasks = fit->test.tasks, r->task = fit->test.name, r->value = fit->test.value;
    fit->test.name = NULL, fit->test.value = NULL, fit->test.tasks = 0;
    for (int k = 0; k < r->tasks; k++)
        if (!isnan(r->value[k])) return GOSS_OK;
    return goss_error_set(err, GOSS_E_NUMERIC, "%s is not defined for any task's test samples", r->metric->name);
}

static goss_status refit(const goss_compare *c, const goss__cell *cell, const volatile sig_atomic_t *stop,
                         goss__result *r, goss_error *err) {
    goss_config *config;
    goss__trial fit;
    const goss__try *best = &r->tried[r->best];
    GOSS_TRY(goss__cell_config(c, cell, r->best, true, &config, err));
    const goss__trial_options o = {
        .last_step = best->step, .judges = true, .noises = &c->noises, .ranks = &c->ranks, .stop = stop};
    goss_status s = goss__train_trial(config, &o, &fit, err);
    goss_config_free(config);
    GOSS_TRY(s);
    r->strength = best->strength, r->step = best->step, r->validation = best->validation;
    r->seconds = fit.seconds;
    for (int i = 0; i < r->tries; i++) r->seconds += r->tried[i].seconds;
    s = take_test(r, &fit, err);
    goss__judged_close(&fit.test);
    return s;
}

static goss_status run_model(const goss_compare *c, const goss__cell *cell, const volatile sig_atomic_t *stop,
                             goss__result *r, goss_error *err) {
    GOSS_TRY(goss__tries_read(c, cell, r, err));
    GOSS_TRY(search(c, cell, stop, r, err));
    return refit(c, cell, stop, r, err);
}

static goss_status run_closed(const goss_compare *c, const goss__cell *cell, const goss_config *before,
                              const goss_config *after, goss__result *r, goss_error *err) {
    goss__trial fit = {0};
    GOSS_TRY(cell->row->closed->fit(before, after, &c->noises, &fit, &r->strength, err));
    r->validation = fit.validation, r->seconds = fit.seconds, r->data = fit.hash, r->metric = fit.metric;
    goss_status s = take_test(r, &fit, err);
    goss__judged_close(&fit.test);
    return s;
}

goss_status goss__cell_run(const goss_compare *c, const goss__cell *cell, const volatile sig_atomic_t *stop,
                           goss_error *err) {
    goss__result r = {.strength = NAN, .explained = NAN};
    goss_config *before = NULL, *after = NULL;
    goss_status s = goss__cell_hash(c, cell, &r.settings, err);
    if (s == GOSS_OK) s = goss__cell_config(c, cell, 0, false, &before, err);
    if (s == GOSS_OK) s = goss__cell_config(c, cell, 0, true, &after, err);
    if (s == GOSS_OK)
        s = cell->row->closed ? run_closed(c, cell, before, after, &r, err) : run_model(c, cell, stop, &r, err);
    if (s == GOSS_OK) s = goss__result_write(c, cell, &r, err);
    goss_config_free(before), goss_config_free(after);
    goss__result_free(&r);
    return s;
}

/* ---- whether results are of the present data ---- */

/* Of a draw's data and its division, as they are now. */
static goss_status draw_hash(const goss_compare *c, int seed, int fold, uint64_t *out, goss_error *err) {
    const goss__cell first = {.row = &c->row[0], .seed = seed, .fold = fold};
    goss_config *config;
    goss__run_settings set;
    goss__run_data data;
    GOSS_TRY(goss__cell_config(c, &first, 0, false, &config, err));
    goss_status s = goss__run_settings_read(config, &set, err);
    if (s == GOSS_OK) s = goss__run_data_open(&data, &set, &(goss__run_place){.bare = true}, err);
    if (s == GOSS_OK) {
        *out = data.hash;
        goss__run_data_close(&data);
    }
    goss_config_free(config);
    return s;
}

goss_status goss__draw_check(const goss_compare *c, int seed, int fold, goss_error *err) {
    uint64_t now;
    GOSS_TRY(draw_hash(c, seed, fold, &now, err));
    for (int i = 0; i < c->rows; i++) {
        const goss__cell cell = {.row = &c->row[i], .seed = seed, .fold = fold};
        goss__result done, tries = {0};
        bool found;
        GOSS_TRY(goss__result_read(c, &cell, &done, &found, err));
        tries.settings = done.settings;
        bool same = !found || done.data == now;
        goss__result_free(&done);
        if (!found) {
            GOSS_TRY(goss__tries_read(c, &cell, &tries, err));
            same = tries.tries == 0 || tries.data == now;
        }
        if (!same) return goss__result_differs(c, &cell, "data", err);
    }
    return GOSS_OK;
}

/* ---- before anything is trained ---- */

goss_status goss__cell_look(const goss_compare *c, const goss__cell *cell, goss_error *err) {
    const int last = cell->row->tries - 1;
    goss_status s = GOSS_OK;
    for (int refit = 0; s == GOSS_OK && refit < 2; refit++) {
        goss_config *config;
        goss__trial fit;
        s = goss__cell_config(c, cell, refit ? last : 0, refit, &config, err);
        if (s != GOSS_OK) break;
        const goss__trial_options o = {.judges = true, .dry = true, .ranks = &c->ranks};
        s = cell->row->closed ? goss__closed_look(config, err) : goss__train_trial(config, &o, &fit, err);
        goss_config_free(config);
    }
    return s;
}
