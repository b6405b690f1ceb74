/* SPDX-License-Identifier: Apache-2.0 */
/* target_steps.c: lengths of sequences, and the layers that act along their steps, but recurrent ones
 * (target_recurrent.c).
 *
 * Steps beyond a sample's length are 0 in front of every layer: a window that reaches over the end of a short sample
 * reads what it would read of that sample alone, with zeros as padding. apply_layer (target_apply.c) makes them 0 again
 * behind layers that do not keep that, so that only layers that count steps (norms, softmax, means) see lengths. */
#include <math.h>

#include "nn/target.h"
#include "graph/node.h"

/* Minus infinity in masked scores: its exp is 0 and differences do not overflow in f32. */
static const double masked = -1e30;

static goss_val zero(goss_val x) { return goss_const(x.graph, 0); }

/* v [1,...] repeated to the leading extent of `like`: members of an ensemble, or tasks that have weights of their own,
 * may see the same samples. */
static goss_val with_lead(goss_val v, goss_val like) {
    if (!goss_valid(v) || !goss_valid(like) || !goss_extent_is(goss_dim(v, 0), 1)) return v;
    goss_shape s = goss_shape_of(v);
    s.dim[0] = goss_dim(like, 0);
    return goss_broadcast(v, s);
}

/* [T,N] -> [T,N,1,...] of that rank. */
static goss_val as_samples(goss_val v, int rank) {
    if (!goss_valid(v)) return v;
    goss_shape s = goss_shape_of(v);
    for (; s.rank < rank; s.rank++) s.dim[s.rank] = goss_n(1);
    return goss_reshape(v, s);
}

/* ---- masks ---- */

/* 1 at steps `from`, `from` + 1, ... before the length: [T,N,L,1] */
static goss_val steps_before(goss_val lengths, goss_extent steps, double from) {
    const goss_extent one = goss_n(1);
    const goss_val at = goss_to_real(goss_iota(lengths.graph, steps));
    if (!goss_valid(at)) return at;
    return goss_less(goss_shift(goss_reshape(at, GOSS_SHAPE(one, one, steps, one)), from), as_samples(lengths, 4));
}

goss_val goss__step_mask(const goss__apply *a, goss_val x) {
    const goss_val lengths = goss__apply_lengths(a);
    if (!goss_valid(lengths) || !goss_valid(x)) return GOSS_NONE;
    return with_lead(steps_before(lengths, goss_dim(x, 2), 0), x);
}

goss_val goss__mask_steps(const goss__apply *a, goss_val x) {
    const goss_val mask = goss__step_mask(a, x);
    return goss_valid(mask) ? goss_select(mask, x, zero(x)) : x;
}

/* A product with rows of the identity, since a pad has no symbols. */
goss_val goss__all_steps(goss_val x, int64_t steps) {
    if (!goss_valid(x) || goss_extent_is(goss_dim(x, 2), steps)) return x;
    const goss_extent one = goss_n(1), now = goss_dim(x, 2), all = goss_n(steps);
    const goss_val place = goss_one_hot(goss_iota(x.graph, now), all);
    if (!goss_valid(place)) return place;
    return goss_matmul(goss_reshape(place, GOSS_SHAPE(one, one, now, all)), x, true, false);
}

goss_val goss__first_steps(goss_val x, goss_val like) {
    static const int steps_first[] = {2, 0, 1, 3}, back[] = {1, 2, 0, 3};
    const goss_extent now = goss_dim(like, 2);
    if (!goss_valid(x) || goss_extent_equal(goss_dim(x, 2), now)) return x;
    return goss_permute(goss_gather(goss_permute(x, steps_first), goss_iota(x.graph, now)), back);
}

goss_val goss__dropout_steps(const goss__layer *l, goss_val x, goss_val task) {
    if (!goss_valid(x)) return x;
    goss_shape all = goss_shape_of(x);
    all.dim[2] = goss_n(l->in_flow.dim[0]);
    return goss_mul(x, goss__first_steps(goss_dropout(goss_full(x.graph, all, 1), l->rate, task), x));
}

/* ---- norms ---- */

void goss__fold_steps(const goss__apply *a, goss_val *x, goss_val *weight) {
    goss_val mask = goss__step_mask(a, *x);
    if (!goss_valid(mask)) return;
    if (goss_valid(*weight)) mask = goss_mul(mask, as_samples(*weight, 4));
    if (!goss_valid(mask)) return;
    const goss_shape s = goss_shape_of(*x);
    const goss_extent all = goss_extent_mul(s.dim[1], s.dim[2]);
    *weight = goss_reshape(mask, GOSS_SHAPE(goss_dim(mask, 0), all));
    *x = goss_reshape(*x, GOSS_SHAPE(s.dim[0], all, s.dim[3]));
}

goss_val goss__group_norm_steps(const goss__apply *a, goss_val x, int groups, goss_val unit_mask) {
    const goss_val steps = goss__step_mask(a, x);
    if (!goss_valid(steps)) return (goss_val){x.graph, 0};
    return goss_group_norm_steps(x, steps, groups, GOSS__NORM_EPS, unit_mask);
}

/* ---- windows ---- */

/* The image of one column [T,N,L,1,C], and back. */
static goss_val as_column(goss_val x) { return goss_valid(x) ? goss_unsqueeze(x, 3) : x; }
static goss_val as_steps(goss_val x) { return goss_valid(x) ? goss_squeeze(x, 3) : x; }

/* Windows that lie within the sample and its padding; one that is shorter than a window keeps one step, for which the
 * window reads 0 beyond its end. A half keeps the quotient clear of rounding. */
static void slide_lengths(goss__apply *a, const goss__layer *l) {
    const goss_val now = goss__apply_lengths(a);
    if (!goss_valid(now)) return;
    const int reach = l->dilation[0] * (l->kernel[0] - 1) + 1;
    const goss_val one = goss_const(now.graph, 1);
    const goss_val room = goss_shift(now, 2.0 * l->pad[0] - reach + 0.5);
    const goss_val windows = goss_shift(goss_floor(goss_div(room, goss_const(now.graph, l->stride[0]))), 1);
    goss__apply_set_lengths(a, goss_mul(goss_max(windows, one), goss_min(now, one)));
}

goss_val goss__apply_conv1d(goss__apply *a, const goss__layer *l, goss_val x) {
    goss_conv_options o = goss_conv_defaults();
    o.stride_h = l->stride[0], o.dilation_h = l->dilation[0], o.groups = l->groups;
    o.pad_top = o.pad_bottom = l->pad[0];
    slide_lengths(a, l);
    const goss_val w = goss__apply_tensor(a, l, "w"), b = goss__apply_tensor(a, l, "b");
    return as_steps(goss_conv_bias(as_column(x), goss__apply_kernel(a, l, w), b, o));
}

goss_val goss__apply_pool1d(goss__apply *a, const goss__layer *l, goss_val x) {
    const goss_pool_options o = {.size_h = l->kernel[0], .size_w = 1, .stride_h = l->stride[0], .stride_w = 1};
    slide_lengths(a, l);
    return as_steps((l->pool == GOSS__POOL_MAX ? goss_max_pool : goss_avg_pool)(as_column(x), o));
}

/* ---- embedding, positions ---- */

/* Tables of tasks lie one behind the other; an id outside of its own must not find a row of the next one's, and becomes
 * one that no table has. */
static goss_val rows_of_tasks(goss_val id, goss_val table, goss_extent tasks, int64_t rows) {
    goss_graph *g = id.graph;
    int64_t most;
    if (!goss__extent_most(&g->symbols, tasks, &most) || most > ((int64_t)1 << 24) / rows)
        return goss_graph_fail(g, GOSS_E_UNSUPPORTED,
                               "embedding: tables of %lld rows for up to %lld tasks are more than 2^24 rows",
                               (long long)rows, (long long)most);
    const goss_extent one = goss_n(1);
    const goss_val first =
        goss_reshape(goss_scale(goss_to_real(goss_iota(g, tasks)), (double)rows), GOSS_SHAPE(tasks, one, one));
    const goss_val inside =
        goss_mul(goss_less(goss_const(g, -0.5), id), goss_less(id, goss_const(g, (double)rows - 0.5)));
    return goss_gather(table, goss_to_index(goss_select(inside, goss_add(id, first), goss_const(g, -1))));
}

goss_val goss__apply_embedding(goss__apply *a, const goss__layer *l, goss_val x) {
    const goss_val w = goss__apply_tensor(a, l, "w");
    if (!goss_valid(w) || !goss_valid(x)) return (goss_val){goss__apply_graph(a), 0};
    const goss_extent tasks = goss_dim(w, 0), width = goss_n(l->out);
    const goss_val table = goss_reshape(w, GOSS_SHAPE(goss_extent_mul(tasks, goss_n(l->rows)), width)),
                   id = goss_squeeze(x, 3);
    if (goss_extent_is(tasks, 1)) return goss_gather(table, goss_to_index(id));
    return rows_of_tasks(id, table, tasks, l->rows);
}

goss_val goss__apply_positions(goss__apply *a, const goss__layer *l, goss_val x) {
    if (!goss_valid(x)) return x;
    if (!l->sinusoidal) return goss_add(x, goss__first_steps(goss_unsqueeze(goss__apply_tensor(a, l, "w"), 1), x));
    const goss_val table = goss_sinusoids(x.graph, goss_dim(x, 2), l->in_flow.dim[1]);
    return goss_add(x, goss_unsqueeze(goss_unsqueeze(table, 0), 0));
}

/* ---- attention ---- */

/* [T,N,L,D] -> [T N, L, D] */
static goss_val samples_apart(goss_val x) {
    if (!goss_valid(x)) return x;
    const goss_shape s = goss_shape_of(x);
    return goss_reshape(x, GOSS_SHAPE(goss_extent_mul(s.dim[0], s.dim[1]), s.dim[2], s.dim[3]));
}

/* 0 excludes a key: [T N or 1, 1, L or 1, L]; GOSS_NONE: none is. */
static goss_val attention_mask(const goss__apply *a, const goss__layer *l, goss_val like) {
    const goss_extent one = goss_n(1);
    goss_val keys = goss__step_mask(a, like), past = GOSS_NONE;
    if (l->causal) past = goss_causal_mask(like.graph, goss_dim(like, 2));
    if (!goss_valid(keys)) return past;
    const goss_shape s = goss_shape_of(keys);
    keys = goss_reshape(keys, GOSS_SHAPE(goss_extent_mul(s.dim[0], s.dim[1]), one, one, s.dim[2]));
    return l->causal ? goss_mul(keys, past) : keys;
}

goss_val goss__apply_attention(goss__apply *a, const goss__layer *l, goss_val x) {
    goss_val part[3], most = x;
    for (int i = 0; i < 3; i++) {
        const char w[] = {"qkv"[i], '.', 'w', 0}, b[] = {"qkv"[i], '.', 'b', 0};
        part[i] = goss_linear(x, goss__apply_tensor(a, l, w), goss__apply_tensor(a, l, b));
        if (!goss_valid(part[i])) return part[i];
        if (!goss_extent_is(goss_dim(part[i], 0), 1)) most = part[i];
    }
    const goss_shape s = {4, {goss_dim(most, 0), goss_dim(x, 1), goss_dim(x, 2), goss_n(goss__layer_heads_width(l))}};
    for (int i = 0; i < 3; i++) {
        part[i] = samples_apart(with_lead(part[i], most));
        if (i < 2 && l->rotary) part[i] = goss_rotary(part[i], l->heads);
    }
    const goss_val y = goss_attention_masked(part[0], part[1], part[2], l->heads, attention_mask(a, l, most));
    if (!goss_valid(y)) return y;
    const goss_val live = goss_affine(goss_reshape(y, s), goss__apply_live(a, l), GOSS_NONE);
    return goss_linear(live, goss__apply_tensor(a, l, "o.w"), goss__apply_tensor(a, l, "o.b"));
}

goss_val goss__apply_steps(goss__apply *a, const goss__layer *l, goss_val x) {
    if (!goss_valid(x)) return x;
    return goss_reshape(x, GOSS_SHAPE(goss_dim(x, 0), goss_dim(x, 1), goss_n(l->out_flow.dim[0]), goss_n(l->rows)));
}

/* ---- readouts: [T,N,L,D] -> [T,N,D] ---- */

/* Steps seen so far, [T,N,1]: of this piece and of those before it. */
static goss_val count_steps(const goss__apply *a, const goss__layer *l) {
    const goss_val now = as_samples(goss__apply_lengths(a), 3), before = goss__state_before(a, l, 1);
    const goss_val all = goss_valid(before) ? goss_add(before, now) : now;
    goss__keep_state(a, l, 1, all);
    return all;
}

static goss_val read_mean(goss__apply *a, const goss__layer *l, goss_val x) {
    if (!goss_valid(goss__apply_lengths(a))) return goss_mean(x, GOSS_AXIS(2), false);
    const goss_val before = goss__state_before(a, l, 0);
    goss_val sum = goss_sum(x, GOSS_AXIS(2), false);
    if (goss_valid(before)) sum = goss_add(before, sum);
    goss__keep_state(a, l, 0, sum);
    return goss_div(sum, goss_max(count_steps(a, l), goss_const(x.graph, 1)));
}

static goss_val read_max(goss__apply *a, const goss__layer *l, goss_val x) {
    const goss_val mask = goss__step_mask(a, x), before = goss__state_before(a, l, 0);
    if (!goss_valid(mask)) return goss_reduce_max(x, GOSS_AXIS(2), false);
    goss_val most = goss_reduce_max(goss_select(mask, x, goss_const(x.graph, masked)), GOSS_AXIS(2), false);
    if (goss_valid(before)) /* zeros before the first piece are no state */
        most = goss_select(goss_less(zero(x), goss__state_before(a, l, 1)), goss_max(before, most), most);
    goss__keep_state(a, l, 0, most);
    return goss_select(goss_less(zero(x), count_steps(a, l)), most, zero(x));
}

static goss_val read_last(goss__apply *a, const goss__layer *l, goss_val x) {
    const goss_val lengths = goss__apply_lengths(a), mask = goss__step_mask(a, x);
    const int64_t steps = goss_dim(x, 2).count;
    if (!goss_valid(mask)) return goss_squeeze(goss_slice(x, 2, steps - 1, 1), 2);
    const goss_val last = goss_sub(mask, with_lead(steps_before(lengths, goss_dim(x, 2), 1), x));
    return goss_sum(goss_select(last, x, zero(x)), GOSS_AXIS(2), false);
}

static goss_val read_attention(goss__apply *a, const goss__layer *l, goss_val x) {
    const goss_val w = goss__apply_tensor(a, l, "w");
    goss_val score = goss_scale(goss_linear(x, w, GOSS_NONE), 1 / sqrt((double)l->in_flow.dim[1]));
    if (!goss_valid(score)) return score;
    const goss_shape s = goss_shape_of(score), flat = GOSS_SHAPE(s.dim[0], s.dim[1], s.dim[2]);
    const goss_val mask = goss__step_mask(a, score), alive = goss_valid(mask) ? goss_reshape(mask, flat) : GOSS_NONE;
    score = goss_reshape(score, flat);
    if (goss_valid(alive)) score = goss_select(alive, score, goss_const(x.graph, masked));
    goss_val p = goss_softmax(score);
    if (goss_valid(alive)) p = goss_select(alive, p, zero(x));
    return goss_sum(goss_mul(x, goss_unsqueeze(p, 3)), GOSS_AXIS(2), false);
}

goss_val goss__apply_readout(goss__apply *a, const goss__layer *l, goss_val x) {
    static goss_val (*const by_kind[])(goss__apply *, const goss__layer *, goss_val) = {read_mean, read_max, read_last,
                                                                                        read_attention};
    return goss_valid(x) ? by_kind[l->readout](a, l, x) : x;
}
