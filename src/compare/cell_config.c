/* SPDX-License-Identifier: Apache-2.0 */
/* cell_config.c: the settings of a cell's runs: those of the file, overridden by the model's and the
 * regulariser's, overridden by the protocol's. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "base/rng.h"
#include "base/str.h"
#include "compare/compare.h"
#include "gossamer/train.h"
#include "train/regularizers.h"
#include "train/run.h"

goss__cell goss__cell_at(const goss_compare *c, int i) {
    const int per_seed = c->rows * c->folds, within = i % per_seed;
    return (goss__cell){.row = &c->row[within / c->folds], .seed = 1 + i / per_seed, .fold = 1 + within % c->folds};
}

/* ---- one setting ---- */

static goss_status set(const goss_compare *c, goss_config *to, const goss__setting *one, double strength,
                       goss_error *err) {
    const char *at = strstr(one->value, GOSS__STRENGTH), *text = one->value;
    char number[GOSS__NUMBER_TEXT];
    goss__str value = {0};
    if (at) {
        goss__number_print(strength, number);
        goss__str_addn(&value, text, (size_t)(at - text));
        goss__str_add(&value, number), goss__str_add(&value, at + strlen(GOSS__STRENGTH));
        text = value.data;
    }
    goss_status s = value.failed ? goss_error_set(err, GOSS_E_NOMEM, "no memory for a setting")
                                 : goss_config_set(to, one->key, text, err);
    goss__str_free(&value);
    return one->line ? goss_error_prefix(err, s, "%s:%d", c->path, one->line) : s;
}

static goss_status set_all(const goss_compare *c, goss_config *to, const goss__settings *from, double strength,
                           goss_error *err) {
    for (int i = 0; i < from->n; i++) GOSS_TRY(set(c, to, &from->v[i], strength, err));
    return GOSS_OK;
}

/* ---- the protocol ---- */

static goss_status set_number(goss_config *to, const char *key, double value, goss_error *err) {
    char text[GOSS__NUMBER_TEXT];
    goss__number_print(value, text);
    return goss_config_set(to, key, text, err);
}

/* Training and validation samples together; their sum is the number at which the search's division cuts, so that the
 * test samples are the same. */
static goss_status join_samples(const goss_compare *c, goss_config *to, goss_error *err) {
    char a[GOSS__NUMBER_TEXT], b[GOSS__NUMBER_TEXT], text[80];
    goss__number_print(c->split[0] + c->split[1], a), goss__number_print(c->split[2], b);
    snprintf(text, sizeof text, "%s,0,%s", a, b);
    GOSS_TRY(goss_config_set(to, "data.split", text, err));
    return goss_config_set(to, "validate.every", "0", err);
}

/* Whether a section learns on validation samples: it must have some in the last training, too. */
static goss_status keeps_validation(const goss_config *c, bool *out, goss_error *err) {
    goss__regularizers r;
    const goss_status s = goss__regularizers_read(c, &r, err);
    *out = false;
    for (int i = 0; s == GOSS_OK && i < r.n; i++) *out |= goss__reg_learns_on_held(&r.at[i]);
    goss__regularizers_free(&r);
    return s;
}

static goss_status set_protocol(const goss_compare *c, const goss__cell *cell, bool refit, goss_config *to,
                                goss_error *err) {
    char dir[4200], fold[40];
    goss__run_settings set;
    const char *folder = goss_compare_folder(c);
    snprintf(dir, sizeof dir, "%s/run", folder);
    snprintf(fold, sizeof fold, "%d/%d", cell->fold, c->folds);
    GOSS_TRY(set_number(to, "run.seed", (double)(goss_config_int(to, "run.seed") + cell->seed - 1), err));
    GOSS_TRY(goss_config_set(to, "run.threads", "1", err));
    GOSS_TRY(goss_config_set(to, "run.dir", dir, err)); /* never written to */
    GOSS_TRY(goss_config_set(to, "method.joint", "no", err));
    if (c->folds > 1) GOSS_TRY(goss_config_set(to, "train.fold", fold, err));
    if (cell->row->closed) { /* which sees all rows at once */
        GOSS_TRY(goss_config_set(to, "train.tasks", "0", err));
        GOSS_TRY(goss_config_set(to, "task.support", "0", err));
        GOSS_TRY(goss_config_set(to, "task.queries", "1000000", err));
    }
    if (!cell->row->early) GOSS_TRY(set_number(to, "validate.every", (double)goss_config_int(to, "train.steps"), err));
    GOSS_TRY(goss__run_settings_read(to, &set, err));
    if (strncmp(goss__run_data_kind(&set, NULL)->name, "image", 5) == 0 && !*set.data.cache)
        GOSS_TRY(goss_config_set(to, "data.cache", folder, err));
    bool keeps = false;
    if (refit) GOSS_TRY(keeps_validation(to, &keeps, err));
    return refit && !keeps ? join_samples(c, to, err) : GOSS_OK;
}

static goss_status fill(const goss_compare *c, const goss__cell *cell, int i, bool refit, goss_config *to,
                        goss_error *err) {
    const goss__row *row = cell->row;
    GOSS_TRY(set_all(c, to, &c->base, NAN, err));
    if (row->model) GOSS_TRY(set_all(c, to, &row->model->set, row->model->strength[i], err));
    for (int k = 0; k < row->parts; k++) GOSS_TRY(set_all(c, to, &row->part[k]->set, row->part[k]->strength[i], err));
    return set_protocol(c, cell, refit, to, err);
}

goss_status goss__cell_config(const goss_compare *c, const goss__cell *cell, int i, bool refit, goss_config **out,
                              goss_error *err) {
    int n;
    const goss_key *keys = goss_train_keys(&n);
    GOSS_TRY(goss_config_new(keys, n, out, err));
    goss_status s = fill(c, cell, i, refit, *out, err);
    if (s == GOSS_OK) return s;
    goss_config_free(*out);
    *out = NULL;
    return s;
}

/* ---- what a result depends on ---- */

static goss_status default_text(char **text, goss_error *err) {
    int n;
    goss_config *defaults;
    const goss_key *keys = goss_train_keys(&n);
    GOSS_TRY(goss_config_new(keys, n, &defaults, err));
    goss_status s = goss__fingerprint(defaults, text, err);
    goss_config_free(defaults);
    return s;
}

/* Where the data is differs from machine to machine; what it is has a hash of its own (goss__result.data). */
static bool is_place(const char *line) { return strncmp(line, "data.path = ", 12) == 0; }

/* Lines that are not those of the defaults: a key that a later version has as well changes nothing. */
static uint64_t hash_lines(char *text, const char *defaults, uint64_t hash) {
    char *save = NULL;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        const size_t n = strlen(line);
        const char *same = strstr(defaults, line);
        while (same && ((same > defaults && same[-1] != '\n') || same[n] != '\n')) same = strstr(same + 1, line);
        if (!same && !is_place(line)) hash = goss__hash64(line, n, hash);
    }
    return hash;
}

goss_status goss__cell_hash(const goss_compare *c, const goss__cell *cell, uint64_t *out, goss_error *err) {
    goss_config *config;
    char *text = NULL, *defaults = NULL;
    *out = 0;
    GOSS_TRY(default_text(&defaults, err));
    goss_status s = GOSS_OK;
    for (int i = 0; s == GOSS_OK && i < cell->row->tries; i++) {
        s = goss__cell_config(c, cell, i, false, &config, err);
        if (s != GOSS_OK) break;
        s = goss__fingerprint(config, &text, err);
        goss_config_free(config);
        if (s == GOSS_OK) *out = hash_lines(text, defaults, *out);
        goss__free(text);
        text = NULL;
    }
    /* Without noise and ranks the hash is that of results made before there were any. */
    if (c->noises.n) *out = goss__hash64(c->noises.level, (size_t)c->noises.n * sizeof(double), *out);
    for (int i = 0; i < c->ranks.n; i++)
        *out = goss__hash64(c->ranks.pattern[i], strlen(c->ranks.pattern[i]) + 1, *out);
    goss__free(defaults);
    return s;
}
