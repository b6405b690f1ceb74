/* SPDX-License-Identifier: Apache-2.0 */
/* structure_pool.c: a budget for the mean over tasks. One price for all of them opens in each task the gates that are
 * worth it, so that a task gets as much as its gates do for it; the least price at which the mean of exact bytes is
 * within the budget is found by bisection. Logits of a model trained with structure.pooled have a level that means
 * something; those of others only an order. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "meta/structure.h"

enum { HALVINGS = 40, DOUBLINGS = 24 };

goss_status goss__pool_init(goss__pool *p, const goss_space *s, goss_error *err) {
    const int n = goss_space_gates(s);
    *p = (goss__pool){.space = s, .gates = n, .price = (double)NAN};
    p->weight = goss__calloc((size_t)n, sizeof *p->weight);
    p->scratch = goss__calloc(2 * (size_t)n, sizeof *p->scratch);
    if (!p->weight || !p->scratch) return goss_error_set(err, GOSS_E_NOMEM, "no memory for %d gates", n);
    return goss__structure_price_weights(s, p->weight, err);
}

void goss__pool_free(goss__pool *p) {
    goss__free(p->weight), goss__free(p->scratch), goss__free(p->logits), goss__free(p->outputs);
    *p = (goss__pool){0};
}

static goss_status make_room(goss__pool *p, int64_t more, goss_error *err) {
    if (p->tasks + more <= p->capacity) return GOSS_OK;
    const int64_t capacity = 2 * p->capacity + more;
    float *logits = goss__realloc(p->logits, (size_t)capacity * (size_t)p->gates * sizeof *logits);
    if (logits) p->logits = logits;
    int *outputs = goss__realloc(p->outputs, (size_t)capacity * sizeof *outputs);
    if (outputs) p->outputs = outputs;
    if (!logits || !outputs)
        return goss_error_set(err, GOSS_E_NOMEM, "no memory for the logits of %lld tasks", (long long)capacity);
    p->capacity = capacity;
    return GOSS_OK;
}

goss_status goss__pool_add(goss__pool *p, const float *logits, const int *outputs, int tasks, goss_error *err) {
    GOSS_TRY(make_room(p, tasks, err));
    memcpy(p->logits + (size_t)p->tasks * (size_t)p->gates, logits, (size_t)tasks * (size_t)p->gates * sizeof *logits);
    memcpy(p->outputs + p->tasks, outputs, (size_t)tasks * sizeof *outputs);
    p->tasks += tasks;
    return GOSS_OK;
}

/* Alternatives are compared at the price; other gates are open or not. */
static void order_at(const goss__pool *p, const float *logits, double price, float *order) {
    const goss_space *s = p->space;
    for (int k = 0; k < goss_space_groups(s); k++) {
        const goss_space_group_info group = goss_space_group(s, k);
        for (int i = group.first; i < group.first + group.count; i++) {
            const double worth = (double)logits[i] - price * (double)p->weight[i];
            order[i] = group.rule == GOSS_RULE_ONE || worth > 0 ? (float)worth : -INFINITY;
        }
    }
}

goss_status goss__pool_choose(const goss__pool *p, const float *logits, const goss_space_budget *limit, int outputs,
                              float *structure, goss_error *err) {
    const goss_space_budget rest = {.macs = limit->macs, .ram = limit->ram};
    order_at(p, logits, p->price, p->scratch);
    return goss_space_project(p->space, p->scratch, GOSS_SPACE_BY_PRIORITY, &rest, outputs, structure, err);
}

static goss_status mean_at(goss__pool *p, double price, const goss_space_budget *limit, double *mean, goss_error *err) {
    float *structure = p->scratch + p->gates;
    double sum = 0;
    p->price = price;
    for (int64_t t = 0; t < p->tasks; t++) {
        const float *own = p->logits + (size_t)t * (size_t)p->gates;
        GOSS_TRY(goss__pool_choose(p, own, limit, p->outputs[t], structure, err));
        sum += (double)goss_space_cost_of(p->space, structure, p->outputs[t]).bytes;
    }
    *mean = sum / (double)p->tasks;
    return GOSS_OK;
}

goss_status goss__pool_settle(goss__pool *p, const goss_space_budget *limit, goss_error *err) {
    double low = INFINITY, high = -INFINITY, mean;
    for (int64_t i = 0; i < p->tasks * p->gates; i++) {
        low = fmin(low, (double)p->logits[i] - 1);
        high = fmax(high, (double)p->logits[i] + 1);
    }
    GOSS_TRY(mean_at(p, high, limit, &mean, err));
    /* Between alternatives whose bytes hardly differ it takes a higher price than any logit. */
    double span = high - low;
    for (int i = 0; i < DOUBLINGS && mean > (double)limit->bytes; i++, span *= 2) {
        low = high, high += span;
        GOSS_TRY(mean_at(p, high, limit, &mean, err));
    }
    if (mean > (double)limit->bytes)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "networks of %lld bytes on average: the smallest have %.0f on average over these tasks",
                              (long long)limit->bytes, ceil(mean));
    for (int i = 0; i < HALVINGS; i++) {
        const double at = 0.5 * (low + high);
        GOSS_TRY(mean_at(p, at, limit, &mean, err));
        if (mean > (double)limit->bytes)
            low = at;
        else
            high = at;
    }
    p->price = high;
    return GOSS_OK;
}
