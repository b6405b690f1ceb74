/* SPDX-License-Identifier: Apache-2.0 */
/* learning_rate.c: learning rates as pure functions of progress and validation history, and kinds by name.
 *
 * There is no scheduler state to save: progress and validation figures, which the run logs, determine the rate. */
#include <math.h>
#include <string.h>

#include "gossamer/optimizer.h"

goss_rate_schedule goss_rate_defaults(void) {
    return (goss_rate_schedule){.kind = GOSS_RATE_COSINE, .base = 1e-3, .warmup = 0.02, .factor = 0.1, .patience = 5};
}

static goss_status bad(goss_error *err, const char *field, double value, const char *range) {
    return goss_error_set(err, GOSS_E_ARGUMENT, "learning rate: %s is %g, which is not %s", field, value, range);
}

goss_status goss_rate_check(const goss_rate_schedule *s, goss_error *err) {
    if (!(s->base >= 0 && s->base < INFINITY)) return bad(err, "base", s->base, "at least 0");
    if (!(s->warmup >= 0 && s->warmup < 1)) return bad(err, "warmup", s->warmup, "in [0, 1)");
    if (!(s->floor >= 0 && s->floor <= 1)) return bad(err, "floor", s->floor, "in [0, 1]");
    if (!(s->factor > 0 && s->factor <= 1)) return bad(err, "factor", s->factor, "in (0, 1]");
    if (s->n_at < 0 || s->n_at > 8) return bad(err, "the number of steps", s->n_at, "from 0 to 8");
    for (int i = 0; i < s->n_at; i++)
        if (!(s->at[i] > (i ? s->at[i - 1] : 0) && s->at[i] < 1))
            return bad(err, "a step", s->at[i], "in (0, 1) and ascending");
    if (s->kind == GOSS_RATE_PLATEAU && s->patience < 1) return bad(err, "patience", s->patience, "at least 1");
    if (!(s->threshold >= 0)) return bad(err, "threshold", s->threshold, "at least 0");
    return GOSS_OK;
}

static double constant(const goss_rate_schedule *s, double progress, const double *history, int n) { return 1; }

/* Progress after the warm-up goes from 0 to 1 along the curve. */
static double cosine(const goss_rate_schedule *s, double progress, const double *history, int n) {
    double x = progress <= s->warmup ? 0 : (progress - s->warmup) / (1 - s->warmup);
    return s->floor + (1 - s->floor) * 0.5 * (1 + cos(3.14159265358979323846 * x));
}

static double steps(const goss_rate_schedule *s, double progress, const double *history, int n) {
    double rate = 1;
    for (int i = 0; i < s->n_at; i++)
        if (progress >= s->at[i]) rate *= s->factor;
    return rate;
}

/* NaN is never better. */
static double plateau(const goss_rate_schedule *s, double progress, const double *history, int n) {
    double rate = 1, best = -INFINITY;
    int waited = 0;
    for (int i = 0; i < n; i++) {
        double v = s->smaller_better ? -history[i] : history[i];
        if (v > best + s->threshold) {
            best = v;
            waited = 0;
        } else if (++waited == s->patience) {
            rate *= s->factor;
            waited = 0;
        }
    }
    return fmax(rate, s->floor);
}

double goss_rate_at(const goss_rate_schedule *s, double progress, const double *history, int n) {
    static double (*const by_kind[])(const goss_rate_schedule *, double, const double *, int) = {constant, cosine,
                                                                                                 steps, plateau};
    progress = fmin(fmax(progress, 0), 1);
    double warm = progress < s->warmup ? progress / s->warmup : 1;
    return s->base * warm * by_kind[s->kind](s, progress, history, n);
}

/* Index of a name in a list. */
static goss_status find_name(const char *what, const char *name, const char *const *names, int n, int *out,
                             goss_error *err) {
    char all[128] = "";
    for (int i = 0; i < n; i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = i;
            return GOSS_OK;
        }
        strcat(strcat(all, i ? ", " : ""), names[i]); /* a few short constants */
    }
    return goss_error_set(err, GOSS_E_ARGUMENT, "there is no %s \"%.60s\"; there are %s", what, name, all);
}

goss_status goss_optimizer_kind_parse(const char *name, goss_optimizer_kind *out, goss_error *err) {
    static const char *const names[] = {"sgd", "adam", "adamw"};
    int i = 0;
    GOSS_TRY(find_name("optimizer", name, names, 3, &i, err));
    *out = (goss_optimizer_kind)i;
    return GOSS_OK;
}

goss_status goss_rate_kind_parse(const char *name, goss_rate_kind *out, goss_error *err) {
    static const char *const names[] = {"constant", "cosine", "step", "plateau"};
    int i = 0;
    GOSS_TRY(find_name("learning-rate schedule", name, names, 4, &i, err));
    *out = (goss_rate_kind)i;
    return GOSS_OK;
}
