/* SPDX-License-Identifier: Apache-2.0 */
/* whole_make.c: rows of a table become a network, and what may follow: gradient steps on them, as many as rows held out
 * want; an ensemble that becomes one network. */
#include <stdlib.h>
#include <string.h>

#include "gossamer/distil.h"
#include "gossamer/table_data.h"
#include "whole_table.h"

enum { DISTILLED = 8, MOST_STEPS = 4096 };

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "out of memory"); }

/* ---- rows as a network reads them ---- */

typedef struct read_rows {
    float *x, *y;
    int n;
} read_rows;

static void close_rows(read_rows *r) { free(r->x), free(r->y); }

static goss_status apply(const goss_table_fit *fit, const whole_set *set, const int32_t *rows, int n, read_rows *r,
                         goss_error *err) {
    const size_t width = (size_t)goss_encoding_width(goss_table_transform_inputs(fit->transform));
    *r = (read_rows){calloc((size_t)n * width + 1, sizeof *r->x), calloc((size_t)n + 1, sizeof *r->y), n};
    if (!r->x || !r->y) return no_memory(err);
    GOSS_TRY(goss_table_transform_apply(fit->transform, set->table, rows, n, r->x, NULL, err));
    return goss_table_transform_targets(fit->transform, set->table, rows, n, r->y, err);
}

/* close_rows whatever happens. */
static goss_status read_set(const whole_set *set, const goss_network *net, const int32_t *rows, int n, read_rows *r,
                            goss_error *err) {
    goss_table_fit *fit;
    *r = (read_rows){0};
    GOSS_TRY(goss_table_fit_parse(goss_network_data(net)->transform, &fit, err));
    const goss_status s = apply(fit, set, rows, n, r, err);
    goss_table_fit_free(fit);
    return s;
}

/* ---- gradient steps ---- */

static goss_status take_steps(const whole_set *set, const int32_t *rows, int n, const goss_tune_options *o,
                              goss_network *net, goss_error *err) {
    read_rows r;
    goss_status s = read_set(set, net, rows, n, &r, err);
    if (s == GOSS_OK) s = goss_network_tune(net, &(goss_labelled_rows){r.x, r.y, r.n}, NULL, o, NULL, NULL, err);
    close_rows(&r);
    return s;
}

/* Every fourth row is held out, of each class by itself; the first one of a class never is. order [n]: rows that stay,
 * then the others. Returns how many stay. */
static goss_status hold_out(const whole_set *set, const int32_t *rows, int n, int32_t *order, int *stay,
                            goss_error *err) {
    int *count = calloc((size_t)set->classes + 1, sizeof *count), last = n;
    int32_t *class_of = calloc((size_t)goss_table_rows(set->table) + 1, sizeof *class_of);
    goss_status s = count && class_of ? GOSS_OK : no_memory(err);
    for (int i = 0; s == GOSS_OK && set->classes && i < set->n; i++) class_of[set->rows[i]] = set->of[i];
    *stay = 0;
    for (int i = 0; s == GOSS_OK && i < n; i++) {
        if (count[class_of[rows[i]]]++ % 4 == 3)
            order[--last] = rows[i];
        else
            order[(*stay)++] = rows[i];
    }
    free(count), free(class_of);
    return s;
}

/* By a network of three quarters of the rows: the head of one that is made of all has seen those that are held out. */
static goss_status search_on(const goss_model *model, const whole_set *set, const int32_t *order, int stay, int n,
                             const whole_making *m, int *steps, goss_error *err) {
    goss_network *net = NULL;
    read_rows shown = {0}, held = {0};
    double loss[2];
    const goss_tune_options o = {.steps = MOST_STEPS, .seed = m->network.seed, .threads = m->network.threads};
    goss_status s = goss_table_network_adapt(model, set->table, &set->roles, order, stay, &m->network, &net, err);
    if (s == GOSS_E_ARGUMENT) { /* all of the rows do make one: these say nothing, as where their target is constant */
        if (m->tells)
            cli_tell("fine-tuning: no steps: without a quarter of the rows there is no network (%s)", err->text);
        return GOSS_OK;
    }
    if (s == GOSS_OK) s = read_set(set, net, order, stay, &shown, err);
    if (s == GOSS_OK) s = read_set(set, net, order + stay, n - stay, &held, err);
    if (s == GOSS_OK)
        s = goss_network_tune(net, &(goss_labelled_rows){shown.x, shown.y, shown.n},
                              &(goss_labelled_rows){held.x, held.y, held.n}, &o, steps, loss, err);
    if (s == GOSS_OK && m->tells)
        cli_tell("fine-tuning: %d steps, by a quarter of the rows held out (loss %.4g; without %.4g)", *steps, loss[1],
                 loss[0]);
    close_rows(&shown), close_rows(&held);
    goss_network_free(net);
    return s;
}

static goss_status choose_steps(const goss_model *model, const whole_set *set, const int32_t *rows, int n,
                                const whole_making *m, int *steps, goss_error *err) {
    int stay;
    int32_t *order = calloc((size_t)n + 1, sizeof *order);
    if (!order) return no_memory(err);
    goss_status s = hold_out(set, rows, n, order, &stay, err);
    *steps = 0;
    if (s == GOSS_OK && stay < n) s = search_on(model, set, order, stay, n, m, steps, err);
    if (s == GOSS_OK && stay == n && m->tells)
        cli_tell("fine-tuning: no steps: %d rows are too few to hold some out and choose their number", n);
    free(order);
    return s;
}

static goss_status tune(const goss_model *model, const whole_set *set, const int32_t *rows, int n,
                        const whole_making *m, goss_network *net, goss_error *err) {
    goss_tune_options o = {.steps = m->fine_tune, .seed = m->network.seed, .threads = m->network.threads};
    if (m->fine_tune == GOSS_FINE_TUNE_AUTO) GOSS_TRY(choose_steps(model, set, rows, n, m, &o.steps, err));
    return o.steps ? take_steps(set, rows, n, &o, net, err) : GOSS_OK;
}

/* ---- distilling ---- */

static goss_status distil(const whole_set *set, const int32_t *rows, int n, const whole_making *m, goss_network **net,
                          goss_error *err) {
    const goss_distil_options o = {.seed = m->network.seed, .threads = m->network.threads};
    double before, after;
    read_rows r;
    goss_network *one = NULL;
    goss_status s = read_set(set, *net, rows, n, &r, err);
    if (s == GOSS_OK) s = goss_network_distil(*net, r.x, r.n, &o, &before, &after, &one, err);
    close_rows(&r);
    if (s != GOSS_OK) return s;
    if (m->tells)
        cli_tell("%d networks were distilled into one: its divergence from all is %.3g, that of the first was %.3g",
                 goss_network_members(*net), after, before);
    goss_network_free(*net);
    *net = one;
    return GOSS_OK;
}

/* ---- all ---- */

goss_status whole_make_network(const goss_model *model, const whole_set *set, const int32_t *rows, int n,
                               const whole_making *making, goss_network **out, goss_error *err) {
    whole_making m = *making;
    *out = NULL;
    if (m.distil && m.network.networks == 0) m.network.networks = set->classes ? DISTILLED : 2;
    m.network.budget_each = m.distil; /* of the one that comes out */
    m.network.stored = m.precision;
    GOSS_TRY(whole_objective(set, &m.network.objective, err));
    GOSS_TRY(goss_table_network_adapt(model, set->table, &set->roles, rows, n, &m.network, out, err));
    goss_status s = m.fine_tune ? tune(model, set, rows, n, &m, *out, err) : GOSS_OK;
    if (s == GOSS_OK && m.distil) s = distil(set, rows, n, &m, out, err);
    if (s == GOSS_OK && !m.unrounded) s = goss_network_set_precision(*out, m.precision, err);
    if (s == GOSS_OK) return s;
    goss_network_free(*out);
    *out = NULL;
    return s;
}
