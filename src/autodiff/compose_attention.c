/* SPDX-License-Identifier: Apache-2.0 */
/* compose_attention.c: attention over a set (Vaswani et al. 2017).
 *
 * Heads become a leading axis, so that all heads of all tasks are one batched product. A query whose keys are all
 * masked gets 0, not the mean of masked values. */
#include <math.h>

#include "autodiff/compose.h"

/* [T, M, heads * d] -> [T, heads, M, d] */
static goss_val split_heads(goss_val x, int heads, const char *what) {
    if (!goss__rank_at_least(x, 3, "attention")) return (goss_val){x.graph, 0};
    goss_shape s = goss_shape_of(x);
    if (s.rank != 3 || heads < 1 || s.dim[2].symbols || s.dim[2].count % heads)
        return goss_graph_fail(x.graph, GOSS_E_SHAPE, "attention: %s has %lld features, which %d heads do not divide",
                               what, (long long)s.dim[2].count, heads);
    goss_val split = goss_reshape(x, GOSS_SHAPE(s.dim[0], s.dim[1], goss_n(heads), goss_n(s.dim[2].count / heads)));
    return goss_permute(split, (int[]){0, 2, 1, 3});
}

static goss_val masked_softmax(goss_val scores, goss_val key_mask) {
    if (!goss__given(key_mask)) return goss_softmax(scores);
    if (!goss_valid(scores)) return scores;
    goss_val mask = goss__as_channels(key_mask, 4, "attention: key mask");
    goss_val p = goss_softmax(goss_select(mask, scores, goss_const(scores.graph, GOSS__MASKED)));
    return goss_select(mask, p, goss_const(scores.graph, 0));
}

goss_val goss_attention(goss_val q, goss_val k, goss_val v, int heads, goss_val key_mask) {
    q = split_heads(q, heads, "the query");
    k = split_heads(k, heads, "the key");
    v = split_heads(v, heads, "the value");
    if (!goss_valid(q) || !goss_valid(k) || !goss_valid(v)) return (goss_val){q.graph, 0};
    double scale = 1 / sqrt((double)goss_dim(q, 3).count);
    goss_val scores = goss_scale(goss_matmul(q, k, false, true), scale);
    goss_val y = goss_matmul(masked_softmax(scores, key_mask), v, false, false);
    if (!goss_valid(y)) return y;
    goss_shape s = goss_shape_of(y);
    y = goss_permute(y, (int[]){0, 2, 1, 3});
    return goss_reshape(y, GOSS_SHAPE(s.dim[0], s.dim[2], goss_n(heads * s.dim[3].count)));
}
