/* SPDX-License-Identifier: Apache-2.0 */
/* rules_layout.c: chains of operations that only move elements. */
#include "rewrite/match.h"
#include "rewrite/rewriter.h"

bool goss__rule_merge_reshapes(goss_val y, goss_val *out) {
    goss_val inner;
    if (!goss__made_by(y, &goss__op_reshape, 0, &inner) || !goss__made_by(inner, &goss__op_reshape, 0, &inner))
        return false;
    *out = goss_reshape(inner, goss_shape_of(y));
    return true;
}

bool goss__rule_merge_permutes(goss_val y, goss_val *out) {
    goss_val first, x;
    int both[GOSS_MAX_RANK];
    if (!goss__made_by(y, &goss__op_permute, 0, &first) || !goss__made_by(first, &goss__op_permute, 0, &x))
        return false;
    const goss__axis_list *inner = &GOSS__ATTR(goss__node_of(first), permute)->axes,
                          *outer = &GOSS__ATTR(goss__node_of(y), permute)->axes;
    for (int i = 0; i < goss_rank(y); i++) both[i] = (int)inner->axis[outer->axis[i]];
    *out = goss_permute(x, both);
    return true;
}

/* `count` from `start` along an axis. */
typedef struct range {
    goss_val of;
    int axis;
    int64_t start, count;
} range;

static bool is_slice(goss_val y, range *r) {
    if (!goss__made_by(y, &goss__op_slice, 0, &r->of)) return false;
    const goss__slice_attr *attr = GOSS__ATTR(goss__node_of(y), slice);
    r->axis = (int)attr->axis, r->start = attr->start, r->count = attr->count;
    return true;
}

bool goss__rule_merge_slices(goss_val y, goss_val *out) {
    range r, inner;
    if (!is_slice(y, &r) || !is_slice(r.of, &inner) || inner.axis != r.axis) return false;
    *out = goss_slice(inner.of, r.axis, inner.start + r.start, r.count);
    return true;
}

/* Frequent in gradients of slices. */
bool goss__rule_slice_of_pad(goss_val y, goss_val *out) {
    range r;
    goss_val x;
    if (!is_slice(y, &r) || !goss__made_by(r.of, &goss__op_pad, 0, &x)) return false;
    const goss__pad_attr *pad = GOSS__ATTR(goss__node_of(r.of), pad);
    if (pad->axis != r.axis || r.start < pad->before || r.start + r.count > pad->before + goss_dim(x, r.axis).count)
        return false;
    *out = goss_slice(x, r.axis, r.start - pad->before, r.count);
    return true;
}
