/* SPDX-License-Identifier: Apache-2.0 */
/* What a task got (instance.h): applied with modulation and masks it says what the plain network says that they are
 * folded into. */
#include "gossamer/instance.h"

#include "graph_check.h"

enum { IN = 3, OUTPUTS = 4, SHOWN = 2, SAMPLES = 5 };

/* Weights of every tensor as inputs [1,...]: the same graph holds the instance and what comes of it. */
static goss_weights *random_weights(world *w, const goss_layout *l) {
    goss_weights *out = goss_weights_empty(w->g, l);
    for (int i = 0; i < goss_layout_count(l); i++) {
        const goss_entry *e = goss_layout_entry(l, i);
        goss_shape s = {.rank = 1 + e->rank, .dim = {goss_n(1)}};
        for (int k = 0; k < e->rank; k++) s.dim[1 + k] = goss_n(e->dim[k]);
        goss_weights_set(out, e->name, world_normal(w, e->name, s));
    }
    return out;
}

/* With a head of 4 columns of which the network keeps the first 2. refused: part of the error; NULL: none. */
static void check(const char *text, goss_shape input, const int64_t *extents, int rank, const char *refused) {
    world w = world_new();
    goss_error err;
    goss_target *t, *with_head;
    goss_val mask[8];
    char own[200];
    T_OK(goss_target_parse(text, extents, rank, 0, &t, &err));
    snprintf(own, sizeof own, "%s; head", text);
    T_OK(goss_target_parse(own, extents, rank, SHOWN, &with_head, &err));
    goss_instance net = {.weights = random_weights(&w, goss_target_layout(t)), .unit_mask = mask};
    const int64_t features = goss_target_feature_count(t);
    net.head_w = world_normal(&w, "head_w", GOSS_SHAPE(goss_n(1), goss_n(features), goss_n(OUTPUTS)));
    net.head_b = world_normal(&w, "head_b", GOSS_SHAPE(goss_n(1), goss_n(OUTPUTS)));
    T_CHECK(goss_target_sites(t) > 1 && goss_target_units(t) > 1);
    for (int i = 0; i < goss_target_sites(t); i++) {
        const goss_shape s = GOSS_SHAPE(goss_n(1), goss_n(goss_target_site_channels(t, i)));
        char name[2][80];
        snprintf(name[0], 80, "scale %s", goss_target_site_name(t, i));
        snprintf(name[1], 80, "shift %s", goss_target_site_name(t, i));
        net.film_scale[i] = world_normal(&w, name[0], s), net.film_shift[i] = world_normal(&w, name[1], s);
    }
    for (int i = 0; i < goss_target_units(t); i++) {
        const int64_t n = goss_target_units_count(t, i);
        double alive[16];
        for (int k = 0; k < n; k++) alive[k] = (i + k) % 3 != 0;
        mask[i] = world_input(&w, goss_target_units_name(t, i), GOSS_REAL, GOSS_SHAPE(goss_n(1), goss_n(n)), alive);
    }
    goss_val x = world_normal(&w, "x", input);
    goss_target_context c = goss_target_context_defaults();
    goss_instance_context(&net, &c);
    goss_val y = goss_linear(goss_flatten(goss_target_features(t, x, net.weights, &c)), net.head_w, net.head_b);
    goss_weights *plain = goss_weights_from_slab(goss_target_layout(with_head), goss_instance_slab(&net, t, with_head));
    const goss_target_context none = goss_target_context_defaults();
    goss_val out[] = {y, goss_target_apply(with_head, x, plain, &none).logits};
    const goss_status s = world_compute(&w, GOSS_F64, out, 2);
    if (refused ? s == GOSS_OK || !strstr(w.err.text, refused) : s != GOSS_OK) T_FAIL("%s: %s", text, w.err.text);
    for (int i = 0; i < SAMPLES && !refused; i++)
        for (int k = 0; k < SHOWN; k++) T_NEAR(w.out[1][i * SHOWN + k], w.out[0][i * OUTPUTS + k], 1e-9);
    goss_weights_free(plain), goss_instance_free(&net);
    goss_target_free(t), goss_target_free(with_head), world_free(&w);
}

TEST(modulation_and_masks_fold_into_plain_weights) {
    check("dense 6; tanh; dense 5; relu", GOSS_SHAPE(goss_n(1), goss_n(SAMPLES), goss_n(IN)), (int64_t[]){IN}, 1, NULL);
    check("dense 6; norm layer; tanh; dense 5", GOSS_SHAPE(goss_n(1), goss_n(SAMPLES), goss_n(IN)), (int64_t[]){IN}, 1,
          "units that a layer or group norm averages over");
    check("conv 4 3 pad 1; relu; pool max 2; conv 3 3; flatten; dense 5; relu",
          GOSS_SHAPE(goss_n(1), goss_n(SAMPLES), goss_n(8), goss_n(8), goss_n(1)), (int64_t[]){8, 8, 1}, 3, NULL);
}

/* What a caller has masked by itself stays, where the instance says nothing of masks or modulation. */
TEST(an_instance_without_modulation_leaves_the_context) {
    const goss_val mine[1] = {GOSS_NONE};
    goss_target_context c = goss_target_context_defaults();
    c.unit_mask = mine;
    goss_instance_context(&(goss_instance){0}, &c);
    T_CHECK(c.unit_mask == mine && !c.film_scale && !c.film_shift);
    goss_instance_free(NULL);
}

TEST_MAIN()
