/* SPDX-License-Identifier: Apache-2.0 */
/* tune.c: gradient steps on labelled rows from a network that is there already; how many is told by rows held out. */
#include <string.h>

#include "base/alloc.h"
#include "gossamer/distil.h"
#include "train/row_student.h"

enum { FIRST = 16, PATIENCE = 2, MOST = 1 << 20 };

typedef struct tuning {
    goss_network *network;
    goss_tune_options o;
    const goss_labelled_rows *rows, *held;
    goss__student *student; /* [members] */
    int members, opened, taken;
    goss__rng *rng; /* [members] */
    float *t, *held_t, *best;
    size_t size; /* of a member's weights */
} tuning;

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "no memory for tuning"); }

static goss_status take(tuning *a, int until, goss_error *err) {
    for (; a->taken < until; a->taken++)
        for (int i = 0; i < a->members; i++)
            GOSS_TRY(goss__student_take(&a->student[i], a->rows->x, a->t, a->rows->n, &a->rng[i], a->o.rate,
                                        (uint64_t)a->taken + 1, err));
    for (int i = 0; i < a->members; i++) goss__student_get(&a->student[i], a->network->slab + (size_t)i * a->size);
    return GOSS_OK;
}

static goss_status judge(const tuning *a, double *loss, goss_error *err) {
    return goss__student_loss(&a->student[0], a->network, a->held->x, a->held_t, a->held->n, loss, err);
}

/* Twice as many steps each time. */
static goss_status search(tuning *a, int *best, double loss[2], goss_error *err) {
    const size_t all = a->size * (size_t)a->members * sizeof *a->best;
    int worse = 0;
    *best = 0;
    GOSS_TRY(judge(a, &loss[0], err));
    loss[1] = loss[0];
    memcpy(a->best, a->network->slab, all);
    for (int n = FIRST < a->o.steps ? FIRST : a->o.steps; worse < PATIENCE && a->taken < a->o.steps;
         n = 2 * n < a->o.steps ? 2 * n : a->o.steps) {
        double now;
        GOSS_TRY(take(a, n, err));
        GOSS_TRY(judge(a, &now, err));
        worse = now < loss[1] ? 0 : worse + 1;
        if (worse) continue;
        *best = n, loss[1] = now;
        memcpy(a->best, a->network->slab, all);
    }
    memcpy(a->network->slab, a->best, all);
    return GOSS_OK;
}

static goss_status open(tuning *a, goss_error *err) {
    const size_t members = (size_t)a->members;
    a->student = goss__calloc(members, sizeof *a->student), a->rng = goss__calloc(members, sizeof *a->rng);
    a->best = goss__calloc(a->size * members, sizeof *a->best);
    if (!a->student || !a->rng || !a->best) return no_memory(err);
    for (; a->opened < a->members; a->opened++) {
        const int i = a->opened;
        a->rng[i] = goss__rng_make(a->o.seed, (uint64_t)i);
        GOSS_TRY(goss__student_open(&a->student[i], a->network, a->o.batch, a->o.threads, err));
        goss__student_set(&a->student[i], a->network->slab + (size_t)i * a->size);
    }
    const size_t wanted = (size_t)a->student[0].wanted;
    a->t = goss__calloc((size_t)a->rows->n * wanted, sizeof *a->t);
    if (a->held) a->held_t = goss__calloc((size_t)a->held->n * wanted, sizeof *a->t);
    if (!a->t || (a->held && !a->held_t)) return no_memory(err);
    goss__student_want(&a->student[0], a->rows->y, a->rows->n, a->t);
    if (a->held) goss__student_want(&a->student[0], a->held->y, a->held->n, a->held_t);
    return GOSS_OK;
}

static void close_all(tuning *a) {
    for (int i = 0; i < a->opened; i++) goss__student_close(&a->student[i]);
    goss__free(a->student), goss__free(a->rng), goss__free(a->best), goss__free(a->t), goss__free(a->held_t);
}

static goss_status check(const tuning *a, goss_error *err) {
    if (a->network->precision != GOSS_WEIGHTS_F32)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "tuning: the network's weights are rounded to %s; take the steps before",
                              goss_weight_precision_name(a->network->precision));
    if (a->rows->n < 1 || (a->held && a->held->n < 1)) return goss_error_set(err, GOSS_E_ARGUMENT, "tuning: no rows");
    if (a->o.steps >= 1 && a->o.steps <= MOST && a->o.rate > 0) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "tuning: %d steps at a rate of %g", a->o.steps, a->o.rate);
}

goss_status goss_network_tune(goss_network *network, const goss_labelled_rows *rows, const goss_labelled_rows *held,
                              const goss_tune_options *options, int *taken, double *loss, goss_error *err) {
    tuning a = {.network = network, .rows = rows, .held = held, .members = network->members};
    double own[2];
    int best;
    if (options) a.o = *options;
    if (!a.o.steps) a.o.steps = 1024;
    if (!a.o.batch) a.o.batch = 128;
    if (a.o.rate == 0) a.o.rate = 0.001;
    a.size = (size_t)goss_layout_total(goss_target_layout(network->target));
    GOSS_TRY(check(&a, err));
    const size_t all = a.size * (size_t)a.members * sizeof(float);
    float *before = goss__alloc(all);
    if (!before) return no_memory(err);
    memcpy(before, network->slab, all);
    goss_status s = open(&a, err);
    if (s == GOSS_OK) s = held ? search(&a, &best, loss ? loss : own, err) : take(&a, a.o.steps, err);
    if (s == GOSS_OK && taken) *taken = held ? best : a.taken;
    if (s != GOSS_OK) memcpy(network->slab, before, all);
    close_all(&a);
    goss__free(before);
    return s;
}
