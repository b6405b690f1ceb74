/* SPDX-License-Identifier: Apache-2.0 */
/* target_pairs.c: `fm K`, products of pairs of inputs, as in a factorisation machine (Rendle 2010): of x [D], with a
 * row v_i [K] of weights for each input, output k is
 *
 *     sum_{i<j} x_i x_j v_ik v_jk = ((sum_i x_i v_ik)^2 - sum_i x_i^2 v_ik^2) / 2,
 *
 * two products with a matrix. A head sums over k with weights of its own; `beside { fm K }` passes x on, too, and is a
 * factorisation machine with it, or in front of more layers a neural one (He and Chua 2017). */
#include "nn/target.h"

static goss_status read_pairs(const goss__words *w, goss__layer *l, goss_error *err) {
    GOSS_TRY(goss__word_int(w, 1, 1, GOSS__TARGET_MAX_EXTENT, &l->out, err));
    return w->n > 2 ? goss__word_bad(w, 2, err) : GOSS_OK;
}

static goss_status flow_pairs(const goss__layer *l, goss__flow *f, goss_error *err) {
    if (f->rank == 3)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "fm: requires features, but its input is maps of %lld x %lld x %lld; put flatten or pool "
                              "global before it",
                              (long long)f->dim[0], (long long)f->dim[1], (long long)f->dim[2]);
    f->dim[f->rank - 1] = l->out;
    return GOSS_OK;
}

static void write_pairs(const goss__layer *l, goss__str *s) { goss__str_addf(s, " %lld", (long long)l->out); }

/* Of variance 1 / D, so that outputs are of the magnitude of the inputs. */
static goss_status declare_pairs(goss_target *t, int i, goss_error *err) {
    goss__layer *l = &t->layers[i];
    const int64_t in = goss__flow_channels(&l->in_flow);
    const goss_entry e = {.rank = 2,
                          .dim = {in, l->out},
                          .init = GOSS_INIT_LECUN,
                          .role = GOSS_ROLE_WEIGHT,
                          .fan_in = in,
                          .fan_out = l->out,
                          .out_units = -1,
                          .in_units = -1};
    l->first_entry = goss_layout_count(t->layout);
    return goss__layer_entry(t->layout, l, "w", e, err);
}

static goss_val apply_pairs(goss__apply *a, const goss__layer *l, goss_val x) {
    const goss_val v = goss__apply_tensor(a, l, "w");
    const goss_val sum = goss_linear(x, v, GOSS_NONE), own = goss_linear(goss_square(x), goss_square(v), GOSS_NONE);
    return goss_scale(goss_sub(goss_square(sum), own), 0.5);
}

const goss__layer_kind goss__pairs_kind = {.word = "fm",
                                           .usage = "fm K",
                                           .product = true,
                                           .site = true,
                                           .opaque = true,
                                           .keeps_padding = true,
                                           .read = read_pairs,
                                           .flow = flow_pairs,
                                           .write = write_pairs,
                                           .declare = declare_pairs,
                                           .apply = apply_pairs};
