/* SPDX-License-Identifier: Apache-2.0 */
/* compose_attention.c: attention over a set (Vaswani et al. 2017), and the positions that make a sequence of it.
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

static goss_val masked_softmax(goss_val scores, goss_val mask) {
    if (!goss__given(mask)) return goss_softmax(scores);
    if (!goss_valid(scores) || !goss_valid(mask)) return (goss_val){scores.graph, 0};
    goss_val p = goss_softmax(goss_select(mask, scores, goss_const(scores.graph, GOSS__MASKED)));
    return goss_select(mask, p, goss_const(scores.graph, 0));
}

goss_val goss_attention_masked(goss_val q, goss_val k, goss_val v, int heads, goss_val mask) {
    q = split_heads(q, heads, "the query");
    k = split_heads(k, heads, "the key");
    v = split_heads(v, heads, "the value");
    if (!goss_valid(q) || !goss_valid(k) || !goss_valid(v)) return (goss_val){q.graph, 0};
    double scale = 1 / sqrt((double)goss_dim(q, 3).count);
    goss_val scores = goss_scale(goss_matmul(q, k, false, true), scale);
    goss_val y = goss_matmul(masked_softmax(scores, mask), v, false, false);
    if (!goss_valid(y)) return y;
    goss_shape s = goss_shape_of(y);
    y = goss_permute(y, (int[]){0, 2, 1, 3});
    return goss_reshape(y, GOSS_SHAPE(s.dim[0], s.dim[2], goss_n(heads * s.dim[3].count)));
}

goss_val goss_attention(goss_val q, goss_val k, goss_val v, int heads, goss_val key_mask) {
    if (goss__given(key_mask)) key_mask = goss__as_channels(key_mask, 4, "attention: key mask");
    return goss_attention_masked(q, k, v, heads, key_mask);
}

goss_val goss_causal_mask(goss_graph *g, goss_extent steps) {
    const goss_extent one = goss_n(1);
    const goss_val at = goss_to_real(goss_iota(g, steps));
    if (!goss_valid(at)) return at;
    const goss_val key = goss_reshape(at, GOSS_SHAPE(one, one, one, steps));
    return goss_less(key, goss_shift(goss_reshape(at, GOSS_SHAPE(one, one, steps, one)), 1));
}

/* ---- positions ---- */

static const double base = 10000;

/* l base^(-2 i / width) of steps l [..., L]: [..., L, half] */
static goss_val angles(goss_val at, int64_t half, int64_t width) {
    if (!goss_valid(at)) return at;
    const goss_val i = goss_to_real(goss_iota(at.graph, goss_n(half)));
    const goss_val rate = goss_exp(goss_scale(i, -2 * log(base) / (double)width));
    const goss_val steps = goss_unsqueeze(at, goss_rank(at));
    if (!goss_valid(rate) || !goss_valid(steps)) return (goss_val){at.graph, 0};
    goss_shape row = {.rank = goss_rank(steps)};
    for (int k = 0; k < row.rank - 1; k++) row.dim[k] = goss_n(1);
    row.dim[row.rank - 1] = goss_n(half);
    return goss_mul(steps, goss_reshape(rate, row));
}

static goss_val all_steps(goss_graph *g, goss_extent steps) { return goss_to_real(goss_iota(g, steps)); }

goss_val goss_sinusoids_at(goss_val at, int64_t width) {
    if (width < 1) return goss_graph_fail(at.graph, GOSS_E_ARGUMENT, "sinusoids: a width of %lld", (long long)width);
    const int64_t half = (width + 1) / 2;
    const goss_val angle = angles(at, half, width);
    if (!goss_valid(angle) || width == 1) return goss_sin(angle);
    const int last = goss_rank(angle) - 1;
    return goss_concat((goss_val[]){goss_sin(angle), goss_slice(goss_cos(angle), last, 0, width - half)}, 2, last);
}

goss_val goss_sinusoids(goss_graph *g, goss_extent steps, int64_t width) {
    return goss_sinusoids_at(all_steps(g, steps), width);
}

goss_val goss_rotary(goss_val x, int heads) {
    if (!goss__rank_at_least(x, 3, "rotary")) return (goss_val){x.graph, 0};
    const goss_shape s = goss_shape_of(x);
    const goss_extent one = goss_n(1);
    if (s.rank != 3 || heads < 1 || s.dim[2].symbols || s.dim[2].count % (2 * (int64_t)heads))
        return goss_graph_fail(x.graph, GOSS_E_SHAPE, "rotary: %lld features do not divide into %d heads of even width",
                               (long long)s.dim[2].count, heads);
    const int64_t width = s.dim[2].count / heads, half = width / 2;
    const goss_val angle =
        goss_reshape(angles(all_steps(x.graph, s.dim[1]), half, width), GOSS_SHAPE(one, s.dim[1], one, goss_n(half)));
    const goss_val apart = goss_reshape(x, GOSS_SHAPE(s.dim[0], s.dim[1], goss_n(heads), goss_n(width)));
    const goss_val a = goss_slice(apart, 3, 0, half), b = goss_slice(apart, 3, half, half), cos = goss_cos(angle),
                   sin = goss_sin(angle);
    const goss_val turned[] = {goss_sub(goss_mul(a, cos), goss_mul(b, sin)),
                               goss_add(goss_mul(b, cos), goss_mul(a, sin))};
    return goss_reshape(goss_concat(turned, 2, 3), s);
}
