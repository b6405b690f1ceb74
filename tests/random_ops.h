/* SPDX-License-Identifier: Apache-2.0 */
/* random_ops.h: convolutions, pools, indexing, random numbers and composites for random programs, and the list of all
 * operations that they are made of. */
#ifndef GOSS_RANDOM_OPS_H
#define GOSS_RANDOM_OPS_H

#include "random_chain.h"
#include "random_scan.h"

/* ---- convolutions and pools ---- */

static bool rp_is_image(const rp_step *s) {
    return rp_any(s) && s->shape.rank == 5 && rp_fixed(s->shape.dim[2]) && rp_fixed(s->shape.dim[3]) &&
           rp_fixed(s->shape.dim[4]) && (rp_is_tasks(s->shape.dim[0]) || goss_extent_is(s->shape.dim[0], 1));
}
static int rp_image(rp_maker *m) {
    const int at = rp_chance(m, 0.85) ? rp_value(m, rp_is_image) : RP_NONE;
    if (at != RP_NONE) return at;
    const int64_t side = 2 + rp_below(m, m->size > 0 ? 9 : 5),
                  c = m->size > 0 && rp_chance(m, 0.5) ? RP_ONE_OF(m, 16, 17, 20) : 1 + rp_below(m, 4);
    return rp_fresh(m,
                    GOSS_SHAPE(rp_chance(m, 0.8) ? rp_extent(0) : goss_n(1),
                               rp_chance(m, 0.8) ? rp_extent(1) : goss_n(1 + rp_below(m, 2)), goss_n(side),
                               goss_n(2 + rp_below(m, side)), goss_n(c)),
                    rp_within(1.5));
}
static goss_conv_options rp_conv_options(const rp_step *s) {
    return (goss_conv_options){(int)s->attr[0], (int)s->attr[1], (int)s->attr[2], (int)s->attr[3], (int)s->attr[4],
                               (int)s->attr[5], (int)s->attr[6], (int)s->attr[7], (int)s->attr[8]};
}
RP_BUILD(conv, goss_conv(in[0], in[1], rp_conv_options(s)))
RP_MAKE(conv) {
    RP_TAKE(s, rp_image(m));
    const goss_shape x = RP_SHAPE(0);
    const int64_t c = x.dim[4].count;
    const bool plain = c >= 16 || rp_chance(m, 0.4); /* 3 x 3 at stride 1, as Winograd's transform wants it */
    const int64_t kh = plain ? 3 : 1 + rp_below(m, 3), kw = plain ? 3 : 1 + rp_below(m, 3);
    for (int i = 0; i < 2; i++) {
        s->attr[i] = plain ? 1 : 1 + rp_below(m, 2);
        s->attr[2 + i] = plain || rp_chance(m, 0.7) ? 1 : 2;
    }
    s->attr[4] = !plain && c > 1 && rp_chance(m, 0.4) ? (c % 2 == 0 && rp_chance(m, 0.5) ? 2 : c) : 1;
    for (int i = 5; i < 9; i++) s->attr[i] = plain ? 1 : rp_below(m, 3);
    for (int i = 0; i < 2; i++) {
        const int64_t k = i ? kw : kh, span = s->attr[2 + i] * (k - 1) + 1;
        if (x.dim[2 + i].count + s->attr[5 + i] + s->attr[7 + i] < span) return false;
    }
    const int64_t per = c / s->attr[4],
                  out = m->size == 3 ? 8 * s->attr[4]
                                     : s->attr[4] * (plain && c >= 16 && rp_chance(m, 0.7) ? 16 : 1 + rp_below(m, 3));
    const goss_extent tasks = rp_chance(m, 0.5) ? goss_n(1) : rp_extent(0);
    const double terms = (double)(kh * kw * per);
    RP_TAKE(s, rp_fresh(m, GOSS_SHAPE(tasks, goss_n(kh), goss_n(kw), goss_n(per), goss_n(out)),
                        rp_within(1.7 / sqrt(terms))));
    s->range = rp_within(terms * rp_size(RP_RANGE(0)) * rp_size(RP_RANGE(1)));
    return true;
}
static goss_pool_options rp_pool_options(const rp_step *s) {
    return (goss_pool_options){(int)s->attr[0], (int)s->attr[1], (int)s->attr[2], (int)s->attr[3],
                               (int)s->attr[4], (int)s->attr[5], (int)s->attr[6], (int)s->attr[7]};
}
RP_BUILD(max_pool, goss_max_pool(in[0], rp_pool_options(s)))
RP_BUILD(avg_pool, goss_avg_pool(in[0], rp_pool_options(s)))
static goss_val rp_batch_norm(goss_val x) {
    goss_val mean, var;
    goss_batch_stats_shared(x, GOSS_NONE, &mean, &var);
    return goss_normalize(x, mean, var, 0.1);
}
RP_BUILD(batch_norm, rp_batch_norm(in[0]))
RP_MAKE(batch_norm) {
    RP_TAKE(s, rp_image(m));
    s->mixes = true, s->range = rp_within(7 * rp_size(RP_RANGE(0)));
    return true;
}
/* A norm over all images, a relu, a pool: what rewrites move about. */
static goss_val rp_block(goss_val x, goss_pool_options o) { return goss_max_pool(goss_relu(rp_batch_norm(x)), o); }
RP_BUILD(norm_pool, rp_block(in[0], rp_pool_options(s)))
RP_MAKE(max_pool) {
    RP_TAKE(s, rp_image(m));
    const bool plain = rp_chance(m, 0.5);
    for (int i = 0; i < 2; i++) {
        const int64_t extent = RP_SHAPE(0).dim[2 + i].count, size = plain ? 2 : 1 + rp_below(m, 3);
        s->attr[i] = size < extent ? size : extent;
        s->attr[2 + i] = plain ? 2 : 1 + rp_below(m, 3);
        s->attr[4 + i] = plain ? 0 : rp_below(m, s->attr[i]), s->attr[6 + i] = plain ? 0 : rp_below(m, s->attr[i]);
    }
    s->range = RP_RANGE(0);
    return true;
}
/* Sums, differences and factors of either sign that all of an image shares, in front of a pool. */
static goss_val rp_shared(const rp_step *s, const goss_val *in) {
    goss_val x = in[0];
    for (int i = 1; i < s->n_in; i++) {
        const int64_t way = s->attr[7 + i];
        x = way == 0   ? goss_add(x, in[i])
            : way == 1 ? goss_sub(x, in[i])
            : way == 2 ? goss_sub(in[i], x)
            : way == 3 ? goss_mul(in[i], x)
                       : goss_mul(goss_relu(x), in[i]);
    }
    return goss_max_pool(x, rp_pool_options(s));
}
RP_BUILD(shared_pool, rp_shared(s, in))
RP_MAKE(shared_pool) {
    if (!rp_make_max_pool(m, s)) return false;
    double size = rp_size(s->range);
    for (int64_t i = 1 + rp_below(m, 3); i > 0; i--) {
        goss_shape shape = rp_thinned(m, RP_SHAPE(0));
        if (shape.rank > 0) shape.dim[2] = shape.dim[3] = goss_n(1);
        RP_TAKE(s, rp_fresh(m, shape, rp_within(1.5)));
        s->attr[7 + s->n_in - 1] = rp_below(m, 5);
        size = fmax(size + 1.5, 1.5 * size);
    }
    s->range = rp_within(size);
    return true;
}
RP_MAKE(avg_pool) {
    if (!rp_make_max_pool(m, s)) return false;
    s->range = rp_join(s->range, (rp_range){0, 0});
    return true;
}
RP_MAKE(norm_pool) {
    if (!rp_make_max_pool(m, s)) return false;
    s->mixes = true, s->range = (rp_range){0, 7 * rp_size(s->range)};
    return true;
}

/* ---- indexing and random numbers ---- */

static bool rp_is_table(const rp_step *s) {
    return rp_any(s) && s->shape.rank > 0 && s->shape.rank < 6 && rp_fixed(s->shape.dim[0]);
}
RP_BUILD(gather, goss_gather(in[0], in[1]))
RP_MAKE(gather) {
    const int table = rp_chance(m, 0.6)
                          ? rp_value(m, rp_is_table)
                          : rp_fresh(m, GOSS_SHAPE(goss_n(2 + rp_below(m, 6)), rp_feature(m)), rp_within(1.5));
    RP_TAKE(s, table);
    const int64_t way = rp_below(m, 3);
    const goss_shape index = way == 0   ? GOSS_SHAPE(rp_extent(0), rp_extent(1))
                             : way == 1 ? GOSS_SHAPE(goss_n(1 + rp_below(m, 6)))
                                        : GOSS_SHAPE(rp_extent(0));
    RP_TAKE(s, rp_index(m, index, RP_SHAPE(0).dim[0].count));
    return rp_moved(m, s);
}
RP_BUILD(scatter_add, goss_scatter_add(in[0], in[1], goss_n(s->attr[0])))
RP_MAKE(scatter_add) {
    RP_TAKE(s, rp_value(m, rp_has_axes));
    goss_shape index = RP_SHAPE(0);
    s->attr[0] = 1 + rp_below(m, 6);
    index.rank = 1 + (int)rp_below(m, index.rank);
    for (int i = index.rank; i < GOSS_MAX_RANK; i++) index.dim[i] = (goss_extent){0};
    RP_TAKE(s, rp_index(m, index, s->attr[0]));
    m->p->huge |= rp_numel(&index, m->p->maximum) > 500 * s->attr[0]; /* rows are added in sequence */
    s->mixes = true;
    s->range = rp_within(rp_size(RP_RANGE(0)) * rp_reduced(m, &index, (1 << index.rank) - 1));
    return true;
}
RP_BUILD(one_hot, goss_one_hot(in[0], goss_n(s->attr[0])))
RP_MAKE(one_hot) {
    s->attr[0] = 2 + rp_below(m, 5);
    const goss_shape shape =
        rp_chance(m, 0.5) ? GOSS_SHAPE(rp_extent(0), rp_extent(1)) : GOSS_SHAPE(rp_extent((int)rp_below(m, 3)));
    RP_TAKE(s, rp_index(m, shape, s->attr[0] + 1)); /* one that has no place is a row of zeros */
    s->range = (rp_range){0, 1}, s->crisp = true;
    return true;
}
RP_BUILD(iota, goss_iota(g, shape->dim[0]))
RP_MAKE(iota) {
    s->index = true, s->crisp = true, s->mixes = true;
    s->shape = GOSS_SHAPE(rp_chance(m, 0.4) ? goss_n(1 + rp_below(m, 6)) : rp_extent((int)rp_below(m, 3)));
    s->mixes = rp_is_tasks(s->shape.dim[0]);
    s->range = (rp_range){0, (double)(rp_eval(s->shape.dim[0], m->p->maximum) - 1)};
    return true;
}
RP_BUILD(to_real, goss_to_real(in[0]))
RP_MAKE(to_real) {
    const int64_t most = 2 + rp_below(m, 9);
    RP_TAKE(s,
            rp_index(m, rp_chance(m, 0.5) ? GOSS_SHAPE(rp_extent(0), rp_extent(1)) : GOSS_SHAPE(rp_extent(0)), most));
    s->range = (rp_range){0, (double)(most - 1)}, s->crisp = true;
    return true;
}
RP_BUILD(to_index, goss_to_index(in[0]))
RP_MAKE(to_index) {
    const goss_shape shape = rp_chance(m, 0.5) ? GOSS_SHAPE(rp_extent(0), rp_extent(1)) : GOSS_SHAPE(rp_extent(0));
    RP_TAKE(s, rp_leaf(m, &rp_op_input, shape, false, (rp_range){0, 1}, RP_MASK));
    s->index = true, s->crisp = true;
    s->range = (rp_range){0, 1};
    return true;
}
RP_BUILD(random_uniform, goss_random_uniform(in[0], *shape))
RP_BUILD(random_normal, goss_random_normal(in[0], *shape))
static bool rp_make_random(rp_maker *m, rp_step *s, rp_range range) {
    RP_TAKE(s, rp_index(m, GOSS_SHAPE(rp_extent(0)), 100000));
    s->shape = GOSS_SHAPE(rp_extent(0), rp_chance(m, 0.7) ? rp_extent(1) : rp_feature(m), rp_feature(m));
    s->shape.rank = 1 + (int)rp_below(m, 3);
    for (int i = s->shape.rank; i < 3; i++) s->shape.dim[i] = (goss_extent){0};
    s->range = range;
    return true;
}
RP_MAKE(random_uniform) { return rp_make_random(m, s, (rp_range){0, 1}); }
RP_MAKE(random_normal) { return rp_make_random(m, s, rp_within(7)); }

/* ---- composites ---- */

RP_BUILD(softmax, goss_softmax(in[0]))
RP_BUILD(log_softmax, goss_log_softmax(in[0]))
RP_MAKE(softmax) {
    RP_TAKE(s, rp_value(m, rp_has_axes));
    s->mixes = RP_SHAPE(0).rank == 1, s->range = (rp_range){0, 1};
    return true;
}
RP_MAKE(log_softmax) {
    if (!rp_make_softmax(m, s)) return false;
    s->range = (rp_range){-2 * rp_size(RP_RANGE(0)) - log(rp_reduced(m, &RP_SHAPE(0), 1 << (RP_SHAPE(0).rank - 1))), 0};
    return true;
}
static bool rp_is_activation(const rp_step *s) {
    return rp_any(s) && s->shape.rank >= 3 && rp_fixed(s->shape.dim[s->shape.rank - 1]);
}
RP_BUILD(layer_norm, goss_layer_norm(in[0], 0.1, GOSS_NONE))
RP_MAKE(layer_norm) {
    RP_TAKE(s, rp_value(m, rp_is_activation));
    s->range = rp_within(7 * rp_size(RP_RANGE(0)));
    return true;
}
RP_BUILD(l2_normalize, goss_l2_normalize(in[0], 0.1))
RP_MAKE(l2_normalize) {
    RP_TAKE(s, rp_value(m, rp_is_activation));
    s->range = rp_within(1);
    return true;
}
static goss_val rp_momentum(goss_val x) {
    return goss_div(x, goss_shift(goss_sqrt(goss_shift(goss_square(x), 0.4)), 0.1));
}
RP_BUILD(scaled_root, rp_momentum(in[0]))
RP_MAKE(scaled_root) {
    RP_TAKE(s, rp_value(m, rp_any));
    s->range = rp_within(1);
    return true;
}
RP_BUILD(gelu, goss_gelu(in[0]))
RP_BUILD(silu, goss_silu(in[0]))
RP_MAKE(gelu) {
    RP_TAKE(s, rp_value(m, rp_any));
    s->range = rp_within(rp_size(RP_RANGE(0)));
    return true;
}

/* ---- what the generator plans itself ---- */

static goss_val rp_gradient(goss_val y, const goss_val *cotangent, goss_val wrt) {
    goss_val out = {y.graph, 0};
    goss_status status = cotangent ? goss_vjp(y, *cotangent, &wrt, 1, &out) : goss_grad(y, &wrt, 1, &out);
    return status == GOSS_OK ? out : (goss_val){y.graph, 0};
}
RP_BUILD(grad, rp_gradient(in[0], s->n_in > 2 ? &in[2] : NULL, in[1]))
RP_BUILD(norm2, goss_norm2(in[0]))
RP_BUILD(assign, goss_assign(in[0], in[1]))
RP_BUILD(assign_rows, goss_assign_rows(in[0], in[1], in[2]))
static const rp_op rp_op_grad = {.name = "grad", .build = rp_build_grad};
static const rp_op rp_op_norm2 = {.name = "norm2", .build = rp_build_norm2};
static const rp_op rp_op_assign = {.name = "assign", .build = rp_build_assign, .row = RP_NO_VALUE};
static const rp_op rp_op_assign_rows = {.name = "assign_rows", .build = rp_build_assign_rows, .row = RP_NO_VALUE};

#define RP_ROW(name, weight)                                                                                           \
    { #name, weight, rp_make_##name, rp_build_##name, 0 }
static const rp_op rp_op_mean = RP_ROW(mean, 0);
static const rp_op rp_ops[] = {
    RP_ROW(scale, 6),
    RP_ROW(shift, 3),
    {"chain", 4, rp_make_chain, NULL, 0},
    RP_ROW(detach, 1),
    RP_ROW(variable, 2),
    RP_ROW(broadcast, 4),
    RP_ROW(reshape, 5),
    RP_ROW(permute, 5),
    RP_ROW(slice, 4),
    RP_ROW(pad, 3),
    RP_ROW(concat, 4),
    RP_ROW(sum, 7),
    RP_ROW(mean, 5),
    RP_ROW(reduce_max, 4),
    RP_ROW(deviation, 3),
    RP_ROW(variance, 3),
    RP_ROW(dot, 4),
    RP_ROW(squares, 4),
    RP_ROW(matmul, 12),
    RP_ROW(linear, 8),
    RP_ROW(generated, 4),
    RP_ROW(spd_solve, 4),
    RP_ROW(log_det, 1),
    RP_ROW(singular_values, 1),
    RP_ROW(singular_vectors, 1),
    RP_ROW(gram_root, 3),
    RP_ROW(conv, 9),
    RP_ROW(max_pool, 4),
    RP_ROW(avg_pool, 3),
    RP_ROW(norm_pool, 3),
    RP_ROW(shared_pool, 4),
    RP_ROW(batch_norm, 2),
    RP_ROW(gather, 3),
    RP_ROW(scatter_add, 3),
    RP_ROW(one_hot, 2),
    RP_ROW(iota, 1),
    RP_ROW(to_real, 1),
    RP_ROW(to_index, 1),
    RP_ROW(random_uniform, 2),
    RP_ROW(random_normal, 2),
    RP_ROW(scan, 5),
    RP_ROW(softmax, 2),
    RP_ROW(log_softmax, 1),
    RP_ROW(layer_norm, 3),
    RP_ROW(l2_normalize, 1),
    RP_ROW(scaled_root, 1),
    {"gelu", 1, rp_make_gelu, rp_build_gelu, 0},
    {"silu", 1, rp_make_gelu, rp_build_silu, 0},
};
enum { RP_OPS = sizeof rp_ops / sizeof *rp_ops };
#endif
