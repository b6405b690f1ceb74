/* SPDX-License-Identifier: Apache-2.0 */
/* reg_matrix.c: penalties of matrices: nuclear and spectral norm, orthogonality, and the learned norm. */
#include <math.h>
#include <stdio.h>

#include "base/rng.h"
#include "reg/reg.h"

static goss_val trace(goss_val a) {
    if (!goss_valid(a)) return a;
    return goss__reg_matrix_sum(goss_mul(a, goss__reg_eye(a.graph, goss_dim(a, -1), goss_rank(a))));
}

static goss_val nuclear_norm(goss_val m, double eps) {
    goss_val root = goss_gram_root(m, eps);
    if (!goss_valid(root) || eps == 0) return trace(root);
    return goss_shift(trace(root), -eps * (double)goss_dim(root, -1).count);
}

GOSS__REG_BUILD(nuclear) { return nuclear_norm(goss__reg_matrix(x[0], o), o->epsilon); }

/* A shift of the root by eps, as of every size; the values fall, so that the first is the largest. */
GOSS__REG_BUILD(spectral) {
    goss_val values = goss_singular_values(goss__reg_matrix(x[0], o));
    if (!goss_valid(values)) return values;
    return goss__reg_size(goss_squeeze(goss_slice(values, -1, 0, 1), -1), o->epsilon);
}

/* By the smaller side, or that which is a number. */
GOSS__REG_BUILD(orthogonal) {
    goss_val m = goss__reg_matrix(x[0], o);
    if (!goss_valid(m)) return m;
    goss_extent rows = goss_dim(m, -2), columns = goss_dim(m, -1);
    bool by_rows = columns.symbols || (!rows.symbols && rows.count <= columns.count);
    goss_val gram = goss_matmul(m, m, !by_rows, by_rows);
    goss_val off = goss_sub(gram, goss__reg_eye(m.graph, by_rows ? rows : columns, goss_rank(m)));
    return goss_scale(goss__reg_matrix_sum(goss_square(off)), 0.5);
}

/* Singular value thresholding: U max(sigma - t, 0) V' = U diag(max(sigma - t, 0) / sigma) U' W, U of the smaller
 * side. */
GOSS__REG_PROX(nuclear) {
    goss_val m = goss__reg_matrix(w, o), u = goss_singular_vectors(m), sigma = goss_singular_values(m);
    if (!goss_valid(u)) return u;
    goss_val share = goss__reg_ratio(goss_relu(goss_sub(sigma, t)), sigma);
    goss_val keep = goss_matmul(goss_mul(u, goss_unsqueeze(share, goss_rank(m) - 2)), u, false, true);
    bool by_rows = goss_extent_equal(goss_dim(u, -1), goss_dim(m, -2));
    goss_val kept = by_rows ? goss_matmul(keep, m, false, false) : goss_matmul(m, keep, false, false);
    return goss_reshape(kept, goss_shape_of(w));
}

/* ---- norm_hyper: M = W + tanh(W A + a) B + b ---- */

static bool network_fits(goss_val m, const goss_val *p) {
    goss_extent d = goss_dim(m, -1);
    for (int i = 1; i < 5; i++) {
        if (!goss_valid(p[i])) return false;
        if (goss_rank(p[i]) == (i % 2 ? 2 : 1)) continue;
        goss__reg_misfit(m, "its network is A [D, H], a [H], B [H, D], b [D]: tensor %d has rank %d", i + 1,
                         goss_rank(p[i]));
        return false;
    }
    goss_extent h = goss_dim(p[1], 1);
    bool fits = goss_extent_equal(goss_dim(p[1], 0), d) && goss_extent_equal(goss_dim(p[2], 0), h) &&
                goss_extent_equal(goss_dim(p[3], 0), h) && goss_extent_equal(goss_dim(p[3], 1), d) &&
                goss_extent_equal(goss_dim(p[4], 0), d);
    if (!fits) goss__reg_misfit(m, "its network is A [D, H], a [H], B [H, D], b [D], D the columns of the matrix");
    return fits;
}

/* p of rank 1 or 2 with ones in front up to that rank. */
static goss_val in_front(goss_val p, int rank) {
    while (goss_valid(p) && goss_rank(p) < rank) p = goss_unsqueeze(p, 0);
    return p;
}

static goss_val norm_of(goss_val m, const goss_reg_options *o) {
    int r = goss_rank(m);
    uint32_t both = goss__reg_axes(r - 2, r);
    switch (o->norm) {
    case GOSS_NORM_L1:
        return goss__reg_matrix_sum(goss__reg_size(m, o->epsilon));
    case GOSS_NORM_L2:
        return goss__reg_matrix_sum(goss__reg_norm(m, both, o->epsilon));
    case GOSS_NORM_LINF:
        return goss_reduce_max(goss__reg_size(m, o->epsilon), both, false);
    case GOSS_NORM_NUCLEAR:
        return nuclear_norm(m, o->epsilon);
    default:
        return goss__reg_matrix_sum(goss__reg_norm(m, GOSS_AXIS(r - 2), o->epsilon));
    }
}

GOSS__REG_BUILD(norm_hyper) {
    goss_val m = goss__reg_matrix(x[0], o);
    if (!goss_valid(m) || !network_fits(m, x)) return (goss_val){x[0].graph, 0};
    int r = goss_rank(m);
    goss_val hidden = goss_tanh(goss_add(goss_matmul(m, in_front(x[1], r), false, false), in_front(x[2], r)));
    goss_val change = goss_add(goss_matmul(hidden, in_front(x[3], r), false, false), in_front(x[4], r));
    goss_val mapped = goss_add(m, change);
    return goss_valid(mapped) ? norm_of(mapped, o) : mapped;
}

void goss_reg_network(goss_graph *g, const char *name, int64_t width, int64_t hidden, goss_val out[4]) {
    static const char *const suffix[4] = {".a", ".a.bias", ".b", ".b.bias"};
    for (int i = 0; i < 4; i++) {
        char full[256];
        if (width < 1 || hidden < 1 || snprintf(full, sizeof full, "%s%s", name, suffix[i]) >= (int)sizeof full) {
            out[i] =
                goss_graph_fail(g, GOSS_E_ARGUMENT, "regularizer norm_hyper: a network %.40s of %lld x %lld numbers",
                                name, (long long)width, (long long)hidden);
            continue;
        }
        goss_extent d = goss_n(width), h = goss_n(hidden), first = i < 2 ? d : h, last = i < 2 ? h : d;
        out[i] = goss_param(g, full, i % 2 ? GOSS_SHAPE(last) : GOSS_SHAPE(first, last));
    }
}

void goss_reg_network_start(int64_t width, int64_t hidden, uint64_t seed, float *a) {
    goss__rng r = goss__rng_make(seed, 0);
    for (int64_t i = 0; i < width * hidden; i++) a[i] = (float)(goss__rng_normal(&r) / sqrt((double)width));
}
