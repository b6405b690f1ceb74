/* SPDX-License-Identifier: Apache-2.0 */
/* target_gates.c: what gates between 0 and 1 do to a network in a graph, and what structures of 0 and 1 say.
 *
 * Units are masked where they are read (target_apply.c), so that a closed gate has a gradient: behind an activation
 * that is flat at 0 it would have none. */
#include "nn/target.h"

/* ---- in a graph ---- */

goss_val goss__gates_factor(goss_val gates, int i, int rank) {
    goss_shape s = {.rank = rank};
    for (int k = 0; k < rank; k++) s.dim[k] = goss_n(1);
    s.dim[0] = goss_dim(gates, 0);
    return goss_reshape(goss_slice(gates, 1, i, 1), s);
}

/* [Tw, n] -> [Tw, n times], each number `times` in a row, or the whole row `times` times. */
static goss_val repeated(goss_val v, int64_t times, bool rows) {
    if (times == 1) return v;
    const goss_extent lead = goss_dim(v, 0), n = goss_dim(v, 1), k = goss_n(times);
    v = goss_unsqueeze(v, rows ? 1 : 2);
    v = goss_broadcast(v, rows ? GOSS_SHAPE(lead, k, n) : GOSS_SHAPE(lead, n, k));
    return goss_reshape(v, GOSS_SHAPE(lead, goss_extent_mul(n, k)));
}

goss_val goss__gates_units(const goss_target *t, int i, goss_val gates) {
    const goss__unit_choice *c = &t->unit_choice[i];
    if (!c->count || !goss_valid(gates)) return GOSS_NONE;
    goss_val open = repeated(goss_slice(gates, 1, c->gate, c->count), c->step, false);
    if (c->core) {
        const goss_val core = goss_full(gates.graph, GOSS_SHAPE(goss_dim(gates, 0), goss_n(c->core)), 1);
        open = goss_concat((goss_val[]){core, open}, 2, 1);
    }
    return repeated(open, goss_target_units_count(t, i) / c->per, true);
}

goss_val goss__gates_channels(const goss_target *t, int i, int64_t channels, goss_val gates) {
    const goss_val units = i < 0 ? GOSS_NONE : goss__gates_units(t, i, gates);
    return goss_valid(units) ? repeated(units, channels / goss_target_units_count(t, i), true) : GOSS_NONE;
}

/* 1 on the taps of the kernel of size k, 0 around it: [1, kh, kw, 1, 1] of the largest one. */
static goss_val taps(goss_graph *g, const goss__layer *l, int k) {
    const int *size = l->kernels[k], h = (l->kernel[0] - size[0]) / 2, w = (l->kernel[1] - size[1]) / 2;
    goss_val inner = goss_full(g, GOSS_SHAPE(goss_n(1), goss_n(size[0]), goss_n(size[1]), goss_n(1), goss_n(1)), 1);
    if (h) inner = goss_pad(inner, 1, h, h);
    return w ? goss_pad(inner, 2, w, w) : inner;
}

goss_val goss__gates_kernel(const goss__layer *l, goss_val gates) {
    goss_val sum = taps(gates.graph, l, 0);
    for (int k = 1; k < l->n_kernels; k++) {
        const goss_val ring = goss_sub(taps(gates.graph, l, k), taps(gates.graph, l, k - 1));
        sum = goss_add(sum, goss_mul(ring, goss__gates_factor(gates, l->gate + k - 1, 5)));
    }
    return sum;
}

/* ---- structures ---- */

bool goss__structure_has(const goss_target *t, const float *structure, int inside) {
    for (; structure && inside >= 0; inside = t->gate_inside[inside])
        if (structure[inside] == 0) return false;
    return true;
}

int goss__structure_open(const float *structure, const goss_space_group_info *group) {
    int n = 0;
    for (int i = 0; i < group->count; i++) n += structure[group->first + i] != 0;
    return n;
}
