/* SPDX-License-Identifier: Apache-2.0 */
/* env_kinds.c: the table of environments, families of them, and the draw of tasks. */
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "env/env.h"

static const goss_env_kind *const kinds[] = {&goss__env_bandit,  &goss__env_tabular,  &goss__env_gridnavi,
                                             &goss__env_point,   &goss__env_cartpole, &goss__env_mountaincar,
                                             &goss__env_acrobot, &goss__env_pendulum};
enum { KINDS = sizeof kinds / sizeof *kinds, NAMED = 32 };

const goss_env_kind *goss_env_kind_at(int i) { return i >= 0 && i < KINDS ? kinds[i] : NULL; }

/* ---- random streams ---- */

double goss_env_uniform(goss_env_random *r) { return goss__rng_uniform(&r->rng); }
double goss_env_normal(goss_env_random *r) { return goss__rng_normal(&r->rng); }
int goss_env_below(goss_env_random *r, int n) { return (int)goss__rng_below(&r->rng, (uint32_t)n); }

goss_env_random goss__env_stream(uint64_t seed, bool held_out, uint64_t k, uint64_t purpose) {
    const uint64_t of[3] = {k, held_out, purpose};
    return (goss_env_random){goss__rng_make(seed, goss__hash64(of, sizeof of, 0x656e76))}; /* "env" */
}

/* ---- families ---- */

static goss_status misfit(const goss_env_kind *k, const char *what, goss_error *err) {
    return goss_error_set(err, GOSS_E_ARGUMENT, "environment %s: %s", k->name ? k->name : "without a name", what);
}

/* Names are keys of [env.family] and of --set. */
static bool is_name(const char *name) {
    const char *at = name;
    while (*at && (goss__ascii_is_alnum(*at) || *at == '_' || *at == '-')) at++;
    return at > name && !*at;
}

static goss_status check_parameter(const goss_env_kind *k, int i, goss_error *err) {
    const goss_env_parameter *p = &k->parameter[i];
    if (!p->name || !is_name(p->name))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "environment %s: parameter \"%.60s\": wanted a name of letters, digits, _ and -", k->name,
                              p->name ? p->name : "");
    for (int before = 0; before < i; before++)
        if (strcmp(k->parameter[before].name, p->name) == 0)
            return goss_error_set(err, GOSS_E_ARGUMENT, "environment %s: two parameters are called %s", k->name,
                                  p->name);
    if (p->least <= p->low && p->low <= p->high && p->high <= p->most && isfinite(p->low) && isfinite(p->high))
        return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "environment %s: parameter %s: wanted least <= low <= high <= most, low and high finite",
                          k->name, p->name);
}

static goss_status check_kind(const goss_env_kind *k, goss_error *err) {
    if (!k->name || !*k->name) return misfit(k, "it has no name", err);
    const goss_env_many *m = k->many;
    if (m ? !m->open || !m->close || !m->reset || !m->step : !k->reset || !k->step || !k->observe)
        return misfit(k, m ? "open, close, reset and step must be there" : "reset, step and observe must be there",
                      err);
    if (k->observations < 1 || k->observations > GOSS_ENV_MOST_OBSERVATIONS)
        return misfit(k, "observations are from 1 to 1048576", err);
    if (k->shape[0] && (int64_t)k->shape[0] * k->shape[1] * k->shape[2] != k->observations)
        return misfit(k, "an image has height * width * channels observations", err);
    if (m ? k->state != 0 : k->state < 1 || k->state > GOSS_ENV_MOST_STATE)
        return misfit(k, m ? "lives that are advanced together have no state here" : "a state has from 1 to 32 numbers",
                      err);
    if (k->actions < 0 || k->actions == 1 || k->actions > 4096)
        return misfit(k, "actions are from 2 to 4096, or 0", err);
    if ((k->actions == 0) != (k->controls > 0) || k->controls > GOSS_ENV_MOST_CONTROLS)
        return misfit(k, "either actions (discrete) or 1 to 8 controls (continuous)", err);
    if (k->horizon < 1 || k->episodes < 1) return misfit(k, "horizon and episodes are at least 1", err);
    if (k->named < 0 || k->named > NAMED || k->parameters < k->named || k->parameters > GOSS_ENV_MOST_PARAMETERS)
        return misfit(k, "at most 32 named parameters, and 640 in all", err);
    if (k->parameters > k->named && !k->draw) return misfit(k, "parameters without a name are made by `draw`", err);
    if (k->paint && (k->height < 1 || k->width < 1 || k->height > 4096 || k->width > 4096))
        return misfit(k, "paint wants height and width from 1 to 4096", err);
    if (k->show && (k->rows < 1 || k->columns < 1)) return misfit(k, "show wants rows and columns", err);
    for (int i = 0; i < k->named; i++) GOSS_TRY(check_parameter(k, i, err));
    return GOSS_OK;
}

goss_status goss_env_family_own(const goss_env_kind *kind, goss_env_family *out, goss_error *err) {
    GOSS_TRY(check_kind(kind, err));
    *out = (goss_env_family){.kind = kind, .horizon = kind->horizon};
    for (int i = 0; i < kind->named; i++) out->low[i] = kind->parameter[i].low, out->high[i] = kind->parameter[i].high;
    return GOSS_OK;
}

goss_status goss_env_family_of(const char *name, goss_env_family *out, goss_error *err) {
    const char *names[KINDS];
    goss__str near = {0};
    for (int i = 0; i < KINDS; i++) {
        if (strcmp(kinds[i]->name, name) == 0) return goss_env_family_own(kinds[i], out, err);
        names[i] = kinds[i]->name;
    }
    goss__near_names(&near, name, names, KINDS);
    goss_status s =
        goss_error_set(err, GOSS_E_ARGUMENT, "there is no environment \"%.60s\"%s", name, near.data ? near.data : "");
    goss__str_free(&near);
    return s;
}

static goss_status no_parameter(const goss_env_kind *k, const char *name, goss_error *err) {
    const char *names[NAMED];
    goss__str near = {0};
    for (int i = 0; i < k->named; i++) names[i] = k->parameter[i].name;
    goss__near_names(&near, name, names, k->named);
    goss_status s = goss_error_set(err, GOSS_E_ARGUMENT, "environment %s has no parameter \"%.60s\"%s", k->name, name,
                                   near.data ? near.data : "");
    goss__str_free(&near);
    return s;
}

goss_status goss_env_family_set(goss_env_family *f, const char *name, double low, double high, goss_error *err) {
    const goss_env_kind *k = f->kind;
    int i = 0;
    while (i < k->named && strcmp(k->parameter[i].name, name) != 0) i++;
    if (i == k->named) return no_parameter(k, name, err);
    const goss_env_parameter *p = &k->parameter[i];
    const bool whole = !p->whole || (low == floor(low) && high == floor(high));
    if (!(low <= high && low >= p->least && high <= p->most) || !whole)
        return goss_error_set(err, GOSS_E_ARGUMENT, "environment %s: %s = %g..%g: wanted %s from %g to %g, low first",
                              k->name, name, low, high, p->whole ? "integers" : "numbers", p->least, p->most);
    f->low[i] = low, f->high[i] = high;
    return GOSS_OK;
}

void goss_env_task(const goss_env_family *f, uint64_t seed, bool held_out, uint64_t k, double *out) {
    goss_env_random r = goss__env_stream(seed, held_out, k, 1);
    for (int i = 0; i < f->kind->named; i++) {
        const double u = goss_env_uniform(&r), width = f->high[i] - f->low[i];
        out[i] = f->kind->parameter[i].whole ? f->low[i] + floor(u * (width + 1)) : f->low[i] + u * width;
    }
    if (f->kind->draw) f->kind->draw(out, &r);
}

/* ---- text ---- */

void goss__env_put(const goss_env_kind *k, char *canvas, int row, int column, char c) {
    if (row >= 0 && row < k->rows && column >= 0 && column < k->columns) canvas[row * k->columns + column] = c;
}

void goss__env_line(const goss_env_kind *k, char *canvas, double row, double column, double to_row, double to_column,
                    char c) {
    const double down = to_row - row, across = to_column - column;
    const int n = 1 + (int)(2 * fmax(fabs(down), fabs(across)));
    for (int i = 0; i <= n; i++)
        goss__env_put(k, canvas, (int)lround(row + down * i / n), (int)lround(column + across * i / n), c);
}
