/* SPDX-License-Identifier: Apache-2.0 */
/* distil.c: an ensemble becomes one network: the answers of all members on rows, and on mixtures of rows, are what the
 * first member is trained towards. */
#include "gossamer/distil.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "train/row_student.h"

enum { JUDGED = 256, MOST = 1 << 20 };

typedef struct distilling {
    const goss_network *ensemble;
    goss_distil_options o;
    goss__student student;
    float *x, *t; /* [pool, width], [pool, wanted] */
} distilling;

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "no memory for distilling"); }

/* ---- what is asked of the ensemble ---- */

/* Rows as they are (all, or a quarter of the pool drawn from them), then mixtures l a + (1 - l) b of two. */
static void fill_pool(distilling *d, const float *x, int n) {
    goss__rng rng = goss__rng_make(d->o.seed, 0);
    const int plain = n < d->o.pool / 4 ? n : d->o.pool / 4;
    const size_t w = (size_t)d->student.width;
    for (int i = 0; i < d->o.pool; i++) {
        const size_t row = plain == n && i < n ? (uint32_t)i : goss__rng_below(&rng, (uint32_t)n);
        const float *a = x + row * w, *b = i < plain ? a : x + (size_t)goss__rng_below(&rng, (uint32_t)n) * w;
        const float l = i < plain ? 1 : (float)goss__rng_uniform(&rng);
        for (size_t k = 0; k < w; k++) d->x[(size_t)i * w + k] = b[k] + l * (a[k] - b[k]);
    }
}

static goss_status ask(distilling *d, goss_error *err) {
    const goss__student *s = &d->student;
    const goss_target_scale scale = d->ensemble->data.of.task.scale;
    const float unit = scale.deviation ? scale.deviation[0] : 1;
    const size_t outputs = (size_t)d->ensemble->outputs, pool = (size_t)d->o.pool;
    float *said = goss__calloc(pool * (outputs + 1), sizeof *said), *doubt = said + pool * outputs;
    if (!said) return no_memory(err);
    const goss_status status = goss_network_predict(d->ensemble, d->x, d->o.pool, said, doubt, s->threads, err);
    if (s->classes)
        memcpy(d->t, said, pool * outputs * sizeof *said);
    else
        goss__student_want(s, said, d->o.pool, d->t);
    for (size_t i = 0; s->variance && i < pool; i++)
        d->t[2 * i + 1] = fmaxf(doubt[i] / unit * (doubt[i] / unit), 1e-6f);
    goss__free(said);
    return status;
}

/* ---- training ---- */

/* On rows that are plain and mixed in the pool's shares. */
static goss_status judge(const distilling *d, const goss_network *n, double *loss, goss_error *err) {
    const int rows = d->o.pool < JUDGED ? d->o.pool : JUDGED, first = d->o.pool - rows;
    double unread;
    return goss__student_loss(&d->student, n, d->x + (size_t)first * (size_t)d->student.width,
                              d->t + (size_t)first * (size_t)d->student.wanted, rows, loss ? loss : &unread, err);
}

static goss_status train(distilling *d, goss_network *n, double *before, double *after, goss_error *err) {
    goss__rng rng = goss__rng_make(d->o.seed, 1);
    GOSS_TRY(judge(d, n, before, err));
    goss__student_set(&d->student, n->slab);
    for (int k = 0; k < d->o.steps; k++) {
        const double rate = d->o.rate * (0.5 + 0.5 * cos(M_PI * k / d->o.steps));
        GOSS_TRY(goss__student_take(&d->student, d->x, d->t, d->o.pool, &rng, rate, (uint64_t)k + 1, err));
    }
    goss__student_get(&d->student, n->slab);
    return judge(d, n, after, err);
}

static goss_status distil(distilling *d, const float *x, int n, double *before, double *after, goss_network **out,
                          goss_error *err) {
    const size_t pool = (size_t)d->o.pool;
    GOSS_TRY(goss__student_open(&d->student, d->ensemble, d->o.batch, d->o.threads, err));
    d->x = goss__calloc(pool * (size_t)d->student.width, sizeof *d->x);
    d->t = goss__calloc(pool * (size_t)d->student.wanted, sizeof *d->t);
    if (!d->x || !d->t) return no_memory(err);
    fill_pool(d, x, n);
    GOSS_TRY(ask(d, err));
    GOSS_TRY(goss__network_member(d->ensemble, 0, out, err));
    return train(d, *out, before, after, err);
}

static goss_status check(const goss_network *e, int n, const goss_distil_options *o, goss_error *err) {
    if (e->members < 2)
        return goss_error_set(err, GOSS_E_ARGUMENT, "distilling: a single network, and no ensemble to learn from");
    if (n < 1) return goss_error_set(err, GOSS_E_ARGUMENT, "distilling: no samples");
    if (o->steps >= 1 && o->pool >= 4 && o->steps <= MOST && o->pool <= MOST && o->rate > 0) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "distilling: %d steps on %d rows at a rate of %g", o->steps, o->pool,
                          o->rate);
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
    const goss_status s = distil(&d, x, n, before, after, out, err);
    goss__student_close(&d.student);
    goss__free(d.x), goss__free(d.t);
    if (s == GOSS_OK) return s;
    goss_network_free(*out);
    *out = NULL;
    return s;
}
