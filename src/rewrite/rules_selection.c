/* SPDX-License-Identifier: Apache-2.0 */
/* rules_selection.c: elementwise maps commute with selections of elements: the same values, and a gradient of the size
 * of the selection. A normalised map is not materialised before a max pool, nor a scaled table before a lookup. */
#include "rewrite/match.h"
#include "rewrite/rewriter.h"

/* Operand 0 of y is a map without another reader that can be applied to y, which is not larger, instead. */
static bool has_map(goss_val y, goss__map *m) {
    const goss_val x = goss__val(y.graph, goss__node_of(y)->in[0]);
    return goss__has_one_reader(x) && goss__match_map(x, m) && goss__map_meets_result(y, 0, m) &&
           goss__is_smaller(y, 0, 1);
}

/* The largest f(u) is f of the largest u, and rounding preserves the order. */
bool goss__rule_monotone_last(goss_val y, goss_val *out) {
    goss__map m;
    if (goss__node_of(y)->op->selection != GOSS__SELECTS_LARGEST || !has_map(y, &m) || !goss__map_rises(&m))
        return false;
    *out = goss__map_of(&m, goss__with_operand(y, 0, m.u));
    return true;
}

/* Selection by an index. */
bool goss__rule_choose_first(goss_val y, goss_val *out) {
    const goss__node *n = goss__node_of(y);
    goss__map m;
    if (n->op->selection != GOSS__SELECTS_BY_PLACE || n->n_in != 2 || !has_map(y, &m)) return false;
    *out = goss__map_of(&m, goss__with_operand(y, 0, m.u));
    return true;
}

/* ---- factors of unknown sign of a max pool ---- */

/* The part of a factor that determines which tap is the largest, without a positive part such as the inverse of a
 * standard deviation. False: none. */
static bool deciding_part(goss_val factor, goss_val *part) {
    goss_val in[2], inner;
    *part = factor;
    if (goss__is_positive(factor)) return false;
    if (!goss__match_ew(factor, GOSS__EW_mul, in, 2)) return true;
    for (int i = 0; i < 2; i++)
        if (goss__is_positive(in[i]))
            return deciding_part(goss__made_by(in[1 - i], &goss__op_broadcast, 0, &inner) ? inner : in[1 - i], part);
    return true;
}

static bool has_factor(goss_val y, goss__map *m, goss_val *factor) {
    if (!has_map(y, m) || m->f != &goss__op_ew[GOSS__EW_mul]) return false;
    *factor = m->small[1 - m->full];
    return true;
}

/* It selects the tap; the tap's value is multiplied by the factor. */
bool goss__rule_pool_factor(goss_val y, goss_val *out) {
    goss_val x, factor;
    goss__map m;
    if (!goss__made_by(y, &goss__op_max_pool, 0, &x) || !has_factor(y, &m, &factor)) return false;
    const goss_shape s = goss_shape_of(y);
    *out = goss__pool_like(y, &goss__op_pool_gather, x,
                           goss__pool_like(y, &goss__op_pool_argmax, x, (goss_val){y.graph, 0}, s), s);
    return true;
}

bool goss__rule_argmax_map(goss_val y, goss_val *out) {
    goss_val x;
    goss__map m;
    if (!goss__made_by(y, &goss__op_pool_argmax, 0, &x) || !has_map(y, &m) || !goss__map_rises(&m)) return false;
    *out = goss__with_operand(y, 0, m.u);
    return true;
}

/* One number per channel of x, in the kernel's layout. */
static bool per_channel(goss_val factor, goss_val x) {
    return goss_rank(factor) == 5 && goss_extent_equal(goss_dim(factor, 4), goss_dim(x, 4));
}

bool goss__rule_argmax_factor(goss_val y, goss_val *out) {
    goss_val x, factor, part, own = {y.graph, 0};
    goss__map m;
    if (!goss__made_by(y, &goss__op_pool_argmax, 0, &x) || !has_factor(y, &m, &factor)) return false;
    if (deciding_part(factor, &part)) {
        if (!per_channel(part, x)) part = factor;
        if (goss__node_of(y)->n_in > 1 || !per_channel(part, x)) return false;
        own = part;
    } else if (goss__node_of(y)->n_in > 1) {
        own = goss__val(y.graph, goss__node_of(y)->in[1]);
    }
    *out = goss__pool_like(y, &goss__op_pool_argmax, m.u, own, goss_shape_of(y));
    return true;
}
