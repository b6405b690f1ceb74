/* SPDX-License-Identifier: Apache-2.0 */
/* convert.c: conversion of storage formats. These operations are created by the schedule only (schedule/bf16.c); a
 * graph has real numbers only. */
#include "base/bf16.h"
#include "graph/cost_model.h"
#include "ops/ops.h"

static const goss__attr_field widen_fields[] = {
    GOSS__FIELD(widen, offset, INT),
};
GOSS__DEFINE_ATTRS(widen, widen_fields);

/* out = elements from `offset` on of a parameter stored as bfloat16. */
static goss__slicing widen_slice(const goss__site *s, goss_extent L, goss__cut *cut) {
    goss_extent rest;
    cut[0] = GOSS__WHOLE;
    return goss__cut_prefix(s->out, L, &rest) ? GOSS__LOCAL : GOSS__NO_SLICES;
}

/* The number of parts that are worth a dispatch. */
static int widen_parts(const goss__shapes *s, int threads) {
    const int64_t parts = s->out->numel / GOSS__COST_PART_ELEMENTS;
    return parts < 1 ? 1 : parts > GOSS__COST_PARTS_MOST ? GOSS__COST_PARTS_MOST : (int)parts;
}

static const uint16_t *widen_range(const goss__call *c, int64_t *from, int64_t *count) {
    int64_t to;
    goss__share(c->shapes->out->numel, c->part, c->parts, from, &to);
    *count = to - *from;
    return (const uint16_t *)c->in[0] + GOSS__ATTR(c->shapes, widen)->offset + c->first_element + *from;
}

static void widen_f32(const goss__call *c) {
    int64_t from, count;
    const uint16_t *in = widen_range(c, &from, &count);
    c->kernels->widen((float *)c->out + from, in, count);
}

static void widen_f64(const goss__call *c) {
    int64_t from, count;
    const uint16_t *in = widen_range(c, &from, &count);
    for (int64_t i = 0; i < count; i++) ((double *)c->out)[from + i] = (double)goss__from_bf16(in[i]);
}

const goss__op goss__op_widen = {.name = "widen",
                                 .attrs = &goss__widen_attrs,
                                 .no_gradient = true,
                                 .slicing = {.slice = widen_slice},
                                 .cost = {.parts = widen_parts},
                                 .kernel = {.run_f32 = widen_f32, .run_f64 = widen_f64}};
