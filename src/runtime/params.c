/* SPDX-License-Identifier: Apache-2.0 */
/* params.c: the store of persistent tensors. Each is one zeroed, aligned block whose address never changes. */
#include <string.h>

#include "base/alloc.h"
#include "base/bf16.h"
#include "schedule/schedule.h"

typedef struct param {
    char *name;
    int rank;
    int64_t dim[GOSS_MAX_RANK], numel;
    bool bf16;
    void *data;
} param;

struct goss_params {
    goss_precision precision;
    param *list;
    int n, capacity;
};

goss_status goss_params_new(goss_precision precision, goss_params **out, goss_error *err) {
    *out = goss__calloc(1, sizeof **out);
    if (!*out) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    (*out)->precision = precision;
    return GOSS_OK;
}

void goss_params_free(goss_params *p) {
    if (!p) return;
    for (int i = 0; i < p->n; i++) goss__free(p->list[i].name), goss__free(p->list[i].data);
    goss__free(p->list);
    goss__free(p);
}

goss_precision goss_params_precision(const goss_params *p) { return p->precision; }
int goss_params_count(const goss_params *p) { return p->n; }
const char *goss_params_name(const goss_params *p, int i) { return p->list[i].name; }
int64_t goss_params_numel(const goss_params *p, int i) { return p->list[i].numel; }
int goss_params_rank(const goss_params *p, int i) { return p->list[i].rank; }
const int64_t *goss_params_shape(const goss_params *p, int i) { return p->list[i].dim; }
bool goss_params_is_bf16(const goss_params *p, int i) { return p->list[i].bf16; }
void *goss_params_data(const goss_params *p, int i) { return p->list[i].data; }

void goss_params_set(goss_params *p, int i, const float *values) {
    const param *q = &p->list[i];
    if (q->bf16)
        for (int64_t k = 0; k < q->numel; k++) ((uint16_t *)q->data)[k] = goss__to_bf16(values[k]);
    else if (p->precision == GOSS_F64)
        for (int64_t k = 0; k < q->numel; k++) ((double *)q->data)[k] = (double)values[k];
    else
        memcpy(q->data, values, (size_t)q->numel * sizeof *values);
}

void goss_params_get(const goss_params *p, int i, float *values) {
    const param *q = &p->list[i];
    if (q->bf16)
        for (int64_t k = 0; k < q->numel; k++) values[k] = goss__from_bf16(((const uint16_t *)q->data)[k]);
    else if (p->precision == GOSS_F64)
        for (int64_t k = 0; k < q->numel; k++) values[k] = (float)((const double *)q->data)[k];
    else
        memcpy(values, q->data, (size_t)q->numel * sizeof *values);
}

int goss_params_find(const goss_params *p, const char *name) {
    for (int i = 0; i < p->n; i++)
        if (strcmp(p->list[i].name, name) == 0) return i;
    return -1;
}

static goss_status reserve(goss_params *p, goss_error *err) {
    if (p->n < p->capacity) return GOSS_OK;
    int capacity = p->capacity ? 2 * p->capacity : 16;
    param *grown = goss__realloc(p->list, (size_t)capacity * sizeof *grown);
    if (!grown) return goss_error_set(err, GOSS_E_NOMEM, "out of memory for parameters");
    p->list = grown;
    p->capacity = capacity;
    return GOSS_OK;
}

/* A parameter of a program or a schedule. */
typedef struct wanted {
    const char *name;
    const goss_shape *shape;
    bool bf16;
} wanted;

static goss_status add_param(goss_params *p, const wanted *w, goss_error *err) {
    GOSS_TRY(reserve(p, err));
    param q = {.rank = w->shape->rank, .numel = 1, .bf16 = w->bf16};
    for (int i = 0; i < q.rank; i++) q.dim[i] = w->shape->dim[i].count, q.numel *= q.dim[i];
    size_t bytes = (size_t)q.numel * (w->bf16 ? 2 : p->precision == GOSS_F64 ? 8 : 4);
    q.name = goss__strdup(w->name);
    q.data = goss__alloc_aligned(bytes);
    if (!q.name || !q.data) {
        goss__free(q.name), goss__free(q.data);
        return goss_error_set(err, GOSS_E_NOMEM, "out of memory for parameter %s (%zu bytes)", w->name, bytes);
    }
    memset(q.data, 0, bytes);
    p->list[p->n++] = q;
    return GOSS_OK;
}

static goss_status check_param(const param *q, const wanted *w, goss_error *err) {
    if (q->bf16 != w->bf16)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "parameter %s is kept as bfloat16 by %s alone: each needs a store of its own", w->name,
                              w->bf16 ? "this program" : "another program");
    bool same = q->rank == w->shape->rank;
    for (int i = 0; same && i < q->rank; i++) same = q->dim[i] == w->shape->dim[i].count;
    if (same) return GOSS_OK;
    static const goss__symbols none; /* extents of parameters are numbers */
    char want[GOSS__SHAPE_TEXT], have[GOSS__SHAPE_TEXT];
    goss_shape s = {.rank = q->rank};
    for (int i = 0; i < q->rank; i++) s.dim[i] = goss_n(q->dim[i]);
    return goss_error_set(err, GOSS_E_SHAPE, "parameter %s is %s in the store, but %s in the program", w->name,
                          goss__shape_text(&none, &s, have, sizeof have),
                          goss__shape_text(&none, w->shape, want, sizeof want));
}

static goss_status add_wanted(goss_params *p, const wanted *w, goss_error *err) {
    const int at = goss_params_find(p, w->name);
    return at < 0 ? add_param(p, w, err) : check_param(&p->list[at], w, err);
}

goss_status goss_params_add(goss_params *p, const goss_schedule *schedule, goss_error *err) {
    if (p->precision != schedule->precision)
        return goss_error_set(err, GOSS_E_ARGUMENT, "the parameters and the program are of different precision");
    for (uint32_t i = 0; i < schedule->n_values; i++) {
        const goss__value *v = &schedule->values[i];
        if (v->place != GOSS__AT_PARAM) continue;
        GOSS_TRY(add_wanted(p, &(wanted){v->node->name, &v->node->shape, v->bf16}, err));
    }
    return GOSS_OK;
}

goss_status goss_params_add_program(goss_params *p, const goss_program *program, goss_error *err) {
    for (int i = 0; i < goss_program_parameters(program); i++) {
        const goss_shape *shape = &goss_program_value_at(program, goss_program_parameter(program, i))->shape;
        GOSS_TRY(add_wanted(p, &(wanted){goss_program_parameter_name(program, i), shape, false}, err));
    }
    return GOSS_OK;
}
