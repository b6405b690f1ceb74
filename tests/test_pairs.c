/* SPDX-License-Identifier: Apache-2.0 */
/* Networks of recommendation: fm (products of pairs) and beside (wide & deep): what they compute, their gradients,
 * their text, what is refused, and that a smaller network equals a masked one. */
#include "gossamer/nn.h"
#include "nn/target.h"
#include "gossamer/space.h"
#include "graph_check.h"
#include "nn/nn.h"

#define S(...) GOSS_SHAPE(__VA_ARGS__)
#define n(x) goss_n(x)

enum { T = 2, N = 3, D = 5, K = 4 };

static goss_error err;

static goss_target *parse(const char *text, int64_t inputs, int64_t outputs) {
    goss_target *t = NULL;
    if (goss_target_parse(text, &inputs, 1, outputs, &t, &err) != GOSS_OK) T_FAIL("%s", err.text);
    return t;
}

static double pairs(const double *x, const double *v, int k) {
    double sum = 0;
    for (int i = 0; i < D; i++)
        for (int j = i + 1; j < D; j++) sum += x[i] * x[j] * v[i * K + k] * v[j * K + k];
    return sum;
}

/* A factorisation machine by the double sum, w0 + w x + sum over k of the head's weight times pairs. */
TEST(a_factorisation_machine_is_a_sum_over_pairs) {
    goss_target *t = parse("beside { fm 4 }; head", D, 1);
    T_STR(goss_target_text(t), "beside {\nfm 4\n}\nhead\n");
    const goss_layout *l = goss_target_layout(t);
    T_EQ(goss_layout_total(l), D * K + (D + K) + 1);
    world w = world_new();
    const int64_t p = goss_layout_total(l);
    goss_val x = world_normal(&w, "x", S(n(T), n(N), n(D))), slab = world_normal(&w, "slab", S(n(T), n(p)));
    goss_weights *v = goss_weights_from_slab(l, slab);
    goss_val out[] = {goss_target_apply(t, x, v, NULL).logits, goss_target_features(t, x, v, NULL)};
    if (world_compute(&w, GOSS_F64, out, 2) != GOSS_OK) T_FAIL("%s", w.err.text);
    const double *in = world_numbers(&w, "x"), *all = world_numbers(&w, "slab");
    for (int i = 0; i < T * N; i++) {
        const double *own = all + (i / N) * p, *row = in + i * D;
        const double *fm = own + goss_layout_offset(l, goss_layout_find(l, "fm1.w"));
        const double *head = own + goss_layout_offset(l, goss_layout_find(l, "head.w"));
        double y = own[goss_layout_offset(l, goss_layout_find(l, "head.b"))];
        for (int j = 0; j < D; j++) {
            T_NEAR(w.out[1][i * (D + K) + j], row[j], 0);
            y += row[j] * head[j];
        }
        for (int k = 0; k < K; k++) y += pairs(row, fm, k) * head[D + k];
        T_NEAR(w.out[0][i], y, 1e-12);
    }
    goss_weights_free(v);
    goss_target_free(t);
    world_free(&w);
}

/* Wide & deep: the head sees the input and what the deep part makes of it. */
TEST(a_wide_and_deep_network_is_the_sum_of_a_linear_and_a_deep_one) {
    goss_target *t = parse("beside { dense 4; tanh; dense 3; relu }; head", D, 2);
    world w = world_new();
    const int64_t p = goss_layout_total(goss_target_layout(t));
    goss_val x = world_normal(&w, "x", S(n(T), n(N), n(D))), slab = world_normal(&w, "slab", S(n(1), n(p)));
    goss_weights *v = goss_weights_from_slab(goss_target_layout(t), slab);
    goss_val h = goss_tanh(goss_linear(x, goss_weights_get(v, "dense1.w"), goss_weights_get(v, "dense1.b")));
    h = goss_relu(goss_linear(h, goss_weights_get(v, "dense2.w"), goss_weights_get(v, "dense2.b")));
    const goss_val head = goss_weights_get(v, "head.w");
    const goss_val wide = goss_linear(x, goss_slice(head, 1, 0, D), goss_weights_get(v, "head.b"));
    const goss_val deep = goss_linear(h, goss_slice(head, 1, D, 3), GOSS_NONE);
    goss_val out[] = {goss_target_apply(t, x, v, NULL).logits, goss_add(wide, deep)};
    if (world_compute(&w, GOSS_F64, out, 2) != GOSS_OK) T_FAIL("%s", w.err.text);
    T_CHECK(world_gap(w.out[0], w.out[1], w.numel[1]) < 1e-13);
    goss_weights_free(v);
    goss_target_free(t);
    world_free(&w);
}

/* Central differences of the loss along random directions, with weights of each task. */
TEST(gradients_of_pairs_agree_with_differences) {
    static const char *const texts[] = {"beside { fm 3 }", "beside { fm 3; dense 4; tanh }; dense 2; silu",
                                        "dense 4; tanh; beside { beside { fm 2 }; dense 2 }"};
    for (int k = 0; k < 3; k++) {
        goss_target *t = parse(texts[k], D, 1);
        world w = world_new();
        const int64_t p = goss_layout_total(goss_target_layout(t));
        const double h = 1e-5;
        goss_val x = world_normal(&w, "x", S(n(1), n(N), n(D))), slab = world_normal(&w, "slab", S(n(T), n(p))),
                 way = world_normal(&w, "way", S(n(T), n(p))), grad, loss[3];
        for (int i = 0; i < 3; i++) { /* x is one for both tasks */
            goss_weights *v =
                goss_weights_from_slab(goss_target_layout(t), goss_add(slab, goss_scale(way, (i - 1) * h)));
            loss[i] = goss_sum_all(goss_square(goss_target_apply(t, x, v, NULL).logits));
            goss_weights_free(v);
        }
        T_OK(goss_grad(loss[1], &slab, 1, &grad));
        goss_val out[] = {goss_sum_all(goss_mul(grad, way)), loss[0], loss[2]};
        if (world_compute(&w, GOSS_F64, out, 3) != GOSS_OK) T_FAIL("%s: %s", texts[k], w.err.text);
        const double along = (w.out[2][0] - w.out[1][0]) / (2 * h);
        T_NEAR(w.out[0][0] / along, 1, 1e-6);
        goss_target_free(t);
        world_free(&w);
    }
}

TEST(what_cannot_stand_beside_its_input_is_refused) {
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"fm", "fm: incomplete; write: fm K"},
        {"fm 0", "fm: \"0\" is not an integer from 1"},
        {"fm 3 4", "fm: \"4\" is not expected here"},
        {"beside", "beside: a { must follow"},
        {"beside { dense 3", "a { without its }"},
        {"beside { steps 1 }", "beside: the body yields"},
        {"nothing 3", "there are conv, depthwise, separable, dense, fm, norm,"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        goss_target *t = NULL;
        const int64_t inputs = D, image[] = {4, 4, 2};
        T_ERR(goss_target_parse(rows[i].text, &inputs, 1, 1, &t, &err), GOSS_E_ARGUMENT, rows[i].says);
        T_ERR(goss_target_parse("fm 3", image, 3, 1, &t, &err), GOSS_E_ARGUMENT, "put flatten or pool global before");
    }
}

/* A dead unit inside a part is left out; those on either side of it cannot be masked. */
TEST(a_smaller_wide_and_deep_network_equals_the_masked_one) {
    goss_target *t = parse("dense 4; tanh; beside { dense 6; relu; dense 3 }; head", D, 2), *small;
    T_EQ(goss_target_units(t), 1);
    T_STR(goss_target_units_name(t, 0), "dense2");
    const float mask[] = {1, 0, 1, 1, 0, 1};
    const int64_t p = goss_layout_total(goss_target_layout(t));
    float *slab = malloc((size_t)p * sizeof *slab), *less = NULL;
    goss_layout_initialize(goss_target_layout(t), 3, slab);
    T_OK(goss_target_compact(t, (const float *[]){mask}, slab, NULL, &small, &less, NULL, &err));
    T_STR(goss_target_text(small), "dense 4\ntanh\nbeside {\ndense 4\nrelu\ndense 3\n}\nhead\n");
    world w = world_new();
    double *wide = malloc((size_t)p * sizeof *wide);
    const int64_t q = goss_layout_total(goss_target_layout(small));
    for (int64_t i = 0; i < p; i++) wide[i] = (double)slab[i];
    goss_val x = world_normal(&w, "x", S(n(1), n(N), n(D)));
    goss_val a = world_input(&w, "a", GOSS_REAL, S(n(1), n(p)), wide);
    for (int64_t i = 0; i < q; i++) wide[i] = (double)less[i];
    goss_val b = world_input(&w, "b", GOSS_REAL, S(n(1), n(q)), wide);
    double ones[6];
    for (int i = 0; i < 6; i++) ones[i] = (double)mask[i];
    goss_val alive = world_input(&w, "m", GOSS_REAL, S(n(1), n(6)), ones);
    goss_weights *va = goss_weights_from_slab(goss_target_layout(t), a),
                 *vb = goss_weights_from_slab(goss_target_layout(small), b);
    goss_target_context c = goss_target_context_defaults();
    c.unit_mask = &alive;
    goss_val out[] = {goss_target_apply(t, x, va, &c).logits, goss_target_apply(small, x, vb, NULL).logits};
    if (world_compute(&w, GOSS_F64, out, 2) != GOSS_OK) T_FAIL("%s", w.err.text);
    T_CHECK(world_gap(w.out[0], w.out[1], w.numel[1]) < 1e-12);
    goss_weights_free(va), goss_weights_free(vb);
    goss_target_free(t), goss_target_free(small);
    free(slab), free(wide), goss_numbers_free(less);
    world_free(&w);
}

/* Codes of a network's graph have a place for each kind of layer. */
TEST(every_kind_of_layer_has_a_number_of_its_own) {
    static const char *const words[] = {"conv", "dense", "end", "conv1d", "readout", "rnn", "hyperlstm", "fm"};
    bool taken[256] = {false};
    T_CHECK(goss__layer_kinds() < 256);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const int k = goss__layer_kind_number(goss__layer_kind_find(words[i], (int)strlen(words[i])));
        if (k < 0 || k >= goss__layer_kinds() || taken[k]) T_FAIL("%s is number %d", words[i], k);
        taken[k] = true;
    }
}
TEST_MAIN()
