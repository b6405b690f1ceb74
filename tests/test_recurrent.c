/* SPDX-License-Identifier: Apache-2.0 */
/* Recurrent layers against their formulas, and one that learns. */
#include "gossamer/compose.h"
#include "gossamer/scan.h"
#include "graph_check.h"

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

/* The formulas of compose.h for one sample of D = 2, H = 2, on z = x w + b and v = h u + c. */
typedef void (*cell)(const double *z, const double *v, double *h, double *c);
static void rnn_cell(const double *z, const double *v, double *h, double *c) {
    for (int k = 0; k < 2; k++) h[k] = tanh(z[k] + v[k]);
}
static void gru_cell(const double *z, const double *v, double *h, double *c) {
    for (int k = 0; k < 2; k++) {
        const double r = sigmoid(z[k] + v[k]), u = sigmoid(z[2 + k] + v[2 + k]), n = tanh(z[4 + k] + r * v[4 + k]);
        h[k] = n + u * (h[k] - n);
    }
}
static void lstm_cell(const double *z, const double *v, double *h, double *c) {
    for (int k = 0; k < 2; k++) {
        const double i = sigmoid(z[k] + v[k]), f = sigmoid(z[2 + k] + v[2 + k]), g = tanh(z[4 + k] + v[4 + k]),
                     o = sigmoid(z[6 + k] + v[6 + k]);
        c[k] = f * c[k] + i * g, h[k] = o * tanh(c[k]);
    }
}

TEST(recurrent_layers_are_their_formulas) {
    static const struct {
        int gates;
        cell step;
    } layer[] = {{1, rnn_cell}, {3, gru_cell}, {4, lstm_cell}};
    enum { N = 3, L = 5 };
    for (int way = 0; way < 12; way++) {
        world w = world_new();
        const int which = way / 2 % 3, columns = 2 * layer[which].gates;
        const bool masked = way >= 6;
        const bool reverse = way % 2;
        const goss_extent one = goss_n(1), g = goss_n(columns);
        const goss_val x = world_normal(&w, "x", GOSS_SHAPE(one, goss_n(N), goss_n(L), goss_n(2)));
        const goss_val mask = world_normal(&w, "mask", GOSS_SHAPE(one, goss_n(N), goss_n(2)));
        const goss_recurrent p = {.mask = masked ? mask : GOSS_NONE,
                                  .w = world_normal(&w, "w", GOSS_SHAPE(one, goss_n(2), g)),
                                  .u = world_normal(&w, "u", GOSS_SHAPE(one, goss_n(2), g)),
                                  .b = world_normal(&w, "b", GOSS_SHAPE(one, g)),
                                  .c = world_normal(&w, "c", GOSS_SHAPE(one, g))};
        goss_scan_options o = goss_scan_defaults();
        goss_val out[3] = {{0}};
        o.reverse = reverse;
        out[0] = which == 0   ? goss_rnn(x, GOSS_NONE, p, o, &out[1])
                 : which == 1 ? goss_gru(x, GOSS_NONE, p, o, &out[1])
                              : goss_lstm(x, GOSS_NONE, GOSS_NONE, p, o, &out[1], &out[2]);
        T_NOTE("layer %d, reverse %d, masked %d", which, reverse, masked);
        if (world_compute(&w, GOSS_F64, out, which == 2 ? 3 : 2) != GOSS_OK) T_FAIL("%s", w.err.text);
        const double *xs = world_numbers(&w, "x"), *wx = world_numbers(&w, "w"), *u = world_numbers(&w, "u");
        for (int n = 0; n < N; n++) {
            double h[2] = {0, 0}, c[2] = {0, 0}, m[2] = {1, 1};
            for (int k = 0; masked && k < 2; k++) m[k] = world_numbers(&w, "mask")[n * 2 + k];
            for (int s = 0; s < L; s++) {
                const int t = reverse ? L - 1 - s : s;
                double z[8], v[8];
                for (int k = 0; k < columns; k++) {
                    const double *at = xs + (n * L + t) * 2;
                    z[k] = world_numbers(&w, "b")[k] + at[0] * wx[k] + at[1] * wx[columns + k];
                    v[k] = world_numbers(&w, "c")[k] + m[0] * h[0] * u[k] + m[1] * h[1] * u[columns + k];
                }
                layer[which].step(z, v, h, c);
                for (int k = 0; k < 2; k++) T_NEAR(w.out[0][(n * L + t) * 2 + k], h[k], 1e-12);
            }
            for (int k = 0; k < 2; k++) T_NEAR(w.out[1][n * 2 + k], h[k], 1e-12);
            for (int k = 0; which == 2 && k < 2; k++) T_NEAR(w.out[2][n * 2 + k], c[k], 1e-12);
        }
        world_free(&w);
    }
}

/* A parity of bits needs memory: some steps of plain gradient descent find it. */
TEST(an_lstm_learns_to_remember_a_bit) {
    enum { N = 16, L = 4, H = 8 };
    world w = world_new();
    double bits[N * L], target[N];
    for (int n = 0; n < N; n++) {
        target[n] = 2 * (n & 1) - 1; /* the first bit, three steps before the end */
        for (int t = 0; t < L; t++) bits[n * L + t] = 2 * (n >> t & 1) - 1;
    }
    const goss_extent one = goss_n(1), g = goss_n(4 * H);
    const goss_val x = world_input(&w, "x", GOSS_REAL, GOSS_SHAPE(one, goss_n(N), goss_n(L), one), bits),
                   y = world_input(&w, "y", GOSS_REAL, GOSS_SHAPE(one, goss_n(N), one), target);
    const goss_recurrent p = {.w = goss_param(w.g, "w", GOSS_SHAPE(one, one, g)),
                              .u = goss_param(w.g, "u", GOSS_SHAPE(one, goss_n(H), g)),
                              .b = goss_param(w.g, "b", GOSS_SHAPE(one, g))};
    const goss_val head = goss_param(w.g, "head", GOSS_SHAPE(one, goss_n(H), one));
    goss_val last, wrt[4] = {p.w, p.u, p.b, head}, d[4], update[4];
    (void)goss_lstm(x, GOSS_NONE, GOSS_NONE, p, goss_scan_defaults(), &last, NULL);
    const goss_val loss = goss_mean_all(goss_squared_error(goss_matmul(last, head, false, false), y));
    T_EQ(goss_grad(loss, wrt, 4, d), GOSS_OK);
    for (int i = 0; i < 4; i++) update[i] = goss_assign(wrt[i], goss_sub(wrt[i], goss_scale(d[i], 0.5)));
    if (world_open(&w, GOSS_F32, &loss, 1, update, 4) != GOSS_OK) T_FAIL("%s", w.err.text);
    goss__rng r = goss__rng_make(3, 0);
    const char *name[4] = {"w", "u", "b", "head"};
    const int numel[4] = {4 * H, 4 * H * H, 4 * H, H};
    for (int i = 0; i < 4; i++) {
        double v[4 * H * H];
        for (int k = 0; k < numel[i]; k++) v[k] = 0.6 * goss__rng_normal(&r);
        world_set_param(&w, name[i], v);
    }
    double first = 0;
    for (int i = 0; i < 300; i++) {
        if (world_run(&w) != GOSS_OK) T_FAIL("%s", w.err.text);
        if (i == 0) first = w.out[0][0];
    }
    T_CHECK(first > 0.5 && w.out[0][0] < 0.02);
    world_free(&w);
}

TEST_MAIN()
