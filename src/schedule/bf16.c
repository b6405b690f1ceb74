/* SPDX-License-Identifier: Apache-2.0 */
/* bf16.c: parameters stored as bfloat16 (goss_schedule_options).
 *
 * Such a parameter is read through aliases only (copy_program.c inserts one). A product that reads an alias as its
 * right operand converts it panel by panel; for other readers the alias becomes a conversion of the elements that it
 * covers. */
#include "base/alloc.h"
#include "ops/attrs.h"
#include "schedule/build.h"
#include "schedule/fusion.h"

enum { BY_PRODUCTS = 1, BY_OTHERS = 2 };

static bool reads_as_right_operand(const goss_schedule *p, const goss__value *reader, int operand) {
    return operand == 1 && reader->in[0] != reader->in[1] && p->precision == GOSS_F32 &&
           goss__fusion_find(p->off, GOSS__PROLOGUE, reader->op, &goss__op_widen);
}

/* The readers of each value, without aliases, which are handled separately. */
static void note_readers(const goss_schedule *p, uint8_t *read) {
    for (uint32_t v = 0; v < p->n_values; v++) {
        const goss__value *val = &p->values[v];
        if (val->place == GOSS__AT_ALIAS) continue;
        for (int i = 0; i < val->n_in; i++)
            read[val->in[i]] |= reads_as_right_operand(p, val, i) ? BY_PRODUCTS : BY_OTHERS;
    }
    for (int i = 0; i < p->n_outputs; i++) read[p->outputs[i]] |= BY_OTHERS;
}

/* Turns the value into a conversion of the parameter's elements from offset on. */
static goss_status become_widen(goss_schedule *p, uint32_t v, uint32_t param, int64_t offset, goss_error *err) {
    goss__value *val = &p->values[v];
    goss__node *node = goss__arena_alloc(&p->arena, sizeof *node);
    uint32_t *in = goss__arena_alloc(&p->arena, sizeof *in);
    goss__widen_attr *attr = goss__arena_alloc(&p->arena, sizeof *attr);
    if (!node || !in || !attr) return goss_error_set(err, GOSS_E_NOMEM, "compile: out of memory");
    *in = param, attr->offset = offset;
    *node = *val->node;
    node->op = val->op = &goss__op_widen, node->attr = attr;
    node->in = val->in = in, node->n_in = val->n_in = 1;
    val->node = node;
    val->place = GOSS__AT_SHARED;
    return GOSS_OK;
}

/* The bfloat16 parameter whose memory v aliases, with the element offset; false: none. */
static bool shows_bf16(const goss_schedule *p, uint32_t v, uint32_t *param, int64_t *offset) {
    *param = goss__root(p, v, offset);
    return p->values[v].place == GOSS__AT_ALIAS && p->values[*param].bf16;
}

static goss_status refuse_assignments(const goss_schedule *p, goss_error *err) {
    for (int i = 0; i < p->n_updates; i++) {
        int64_t unused;
        const goss__value *param = &p->values[goss__root(p, p->values[p->updates[i]].in[0], &unused)];
        if (param->bf16)
            return goss_error_set(err, GOSS_E_UNSUPPORTED,
                                  "compile: parameter %s is kept as bfloat16 and can not be assigned",
                                  param->node->name);
    }
    return GOSS_OK;
}

static goss_status place_readers(goss_schedule *p, const uint8_t *read, goss_error *err) {
    for (uint32_t v = 0; v < p->n_values; v++) {
        uint32_t param;
        int64_t offset;
        if (shows_bf16(p, v, &param, &offset) && read[v] & BY_OTHERS) GOSS_TRY(become_widen(p, v, param, offset, err));
    }
    for (uint32_t v = 0; v < p->n_values; v++) {
        goss__value *val = &p->values[v];
        uint32_t param;
        int64_t offset;
        const goss__fusion *f = goss__fusion_find(p->off, GOSS__PROLOGUE, val->op, &goss__op_widen);
        if (f && shows_bf16(p, val->in[1], &param, &offset)) val->op = f->fused;
    }
    return GOSS_OK;
}

goss_status goss__keep_bf16(goss_schedule *p, goss_error *err) {
    bool any = false;
    for (uint32_t v = 0; v < p->n_values; v++) any |= p->values[v].bf16;
    if (!any) return GOSS_OK;
    GOSS_TRY(refuse_assignments(p, err));
    uint8_t *read = goss__calloc(p->n_values + 1u, 1);
    if (!read) return goss_error_set(err, GOSS_E_NOMEM, "compile: out of memory");
    note_readers(p, read);
    const goss_status s = place_readers(p, read, err);
    goss__free(read);
    return s;
}
