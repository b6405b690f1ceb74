/* SPDX-License-Identifier: Apache-2.0 */
/* Composites against the formulas written out in doubles, masked ones against the smaller problem without what is
 * masked, and their gradients (first and second) against differences. */
#include "gossamer/compose.h"
#include "graph_check.h"

#define S(...) GOSS_SHAPE(__VA_ARGS__)
#define n(x) goss_n(x)

/* Runs w for the outputs in f64; a failure ends the test. */
#define RUN64(...)                                                                                                     \
    do {                                                                                                               \
        goss_val outs_[] = {__VA_ARGS__};                                                                              \
        if (world_compute(&w, GOSS_F64, outs_, (int)(sizeof outs_ / sizeof *outs_)) != GOSS_OK)                        \
            T_FAIL("%s", w.err.text);                                                                                  \
    } while (0)

TEST(linear_folds_the_axes_between_task_and_feature) {
    enum { T = 2, A = 3, B = 4, D = 5, E = 2 };
    world w = world_new();
    goss_val x = world_normal(&w, "x", S(n(T), n(A), n(B), n(D))), m = world_normal(&w, "m", S(n(T), n(D), n(E))),
             one = world_normal(&w, "one", S(n(1), n(D), n(E))), b = world_normal(&w, "b", S(n(1), n(E)));
    RUN64(goss_linear(x, m, b), goss_linear(x, one, GOSS_NONE));
    const double *X = world_numbers(&w, "x"), *M = world_numbers(&w, "m"), *O = world_numbers(&w, "one");
    T_EQ(w.numel[0], T * A * B * E);
    for (int i = 0; i < T * A * B * E; i++) {
        double own = world_numbers(&w, "b")[i % E], shared = 0;
        for (int d = 0; d < D; d++) {
            own += X[i / E * D + d] * M[i / (A * B * E) * D * E + d * E + i % E];
            shared += X[i / E * D + d] * O[d * E + i % E];
        }
        T_NEAR(w.out[0][i], own, 1e-12);
        T_NEAR(w.out[1][i], shared, 1e-12);
    }
    world_free(&w);
}

/* The bias is added after pooling; to the bit it is as if it had been added before. */
TEST(max_pool_of_a_biased_map) {
    world w = world_new();
    goss_val x = world_normal(&w, "x", S(n(2), n(3), n(4), n(4), n(5))),
             b = world_normal(&w, "b", S(n(2), n(1), n(1), n(1), n(5)));
    goss_val pooled = goss_max_pool(goss_add(x, b), goss_pool_defaults(2));
    RUN64(pooled, goss_max_pool(x, goss_pool_defaults(2)));
    const double *X = world_numbers(&w, "x"), *B = world_numbers(&w, "b");
    T_EQ(w.numel[0], 2 * 3 * 2 * 2 * 5);
    for (int i = 0; i < w.numel[0]; i++) {
        const int c = i % 5, q = i / 5 % 2, p = i / 10 % 2, image = i / 20;
        double most = -1e300;
        for (int tap = 0; tap < 4; tap++) {
            const int at = ((image * 4 + 2 * p + tap / 2) * 4 + 2 * q + tap % 2) * 5 + c;
            most = fmax(most, X[at] + B[image / 3 * 5 + c]);
        }
        T_CHECK(w.out[0][i] == most);
    }
    world_free(&w);
}

TEST(conv_bias_adds_one_number_a_channel) {
    world w = world_new();
    goss_val x = world_normal(&w, "x", S(n(2), n(3), n(4), n(4), n(2))),
             k = world_normal(&w, "k", S(n(1), n(3), n(3), n(2), n(5))), b = world_normal(&w, "b", S(n(2), n(5)));
    goss_conv_options o = goss_conv_defaults();
    RUN64(goss_conv_bias(x, k, b, o), goss_conv(x, k, o));
    T_EQ(w.numel[0], 2 * 3 * 2 * 2 * 5);
    for (int i = 0; i < w.numel[0]; i++)
        T_NEAR(w.out[0][i], w.out[1][i] + world_numbers(&w, "b")[i / 60 * 5 + i % 5], 1e-12);
    world_free(&w);
}

TEST(softmax_is_stable_and_sums_to_one) {
    world w = world_new();
    const double v[] = {1, 2, 3, 1e4, -1e4, 1e4 - 1, -700, -701, -702};
    goss_val x = world_input(&w, "x", GOSS_REAL, S(n(3), n(3)), v);
    RUN64(goss_softmax(x), goss_log_softmax(x));
    for (int r = 0; r < 3; r++) {
        double top = fmax(v[3 * r], fmax(v[3 * r + 1], v[3 * r + 2])), sum = 0;
        for (int i = 0; i < 3; i++) sum += exp(v[3 * r + i] - top);
        for (int i = 3 * r; i < 3 * r + 3; i++) {
            T_NEAR(w.out[0][i], exp(v[i] - top) / sum, 1e-14);
            T_NEAR(w.out[1][i], v[i] - top - log(sum), 1e-10);
        }
    }
    world_free(&w);
}

static double gelu(double x) { return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); }
static double silu(double x) { return x / (1 + exp(-x)); }
static double leaky(double x) { return x < 0 ? 0.2 * x : x; }
static double elu(double x) { return x < 0 ? exp(x) - 1 : x; }

TEST(activations_and_their_slopes) {
    double (*const f[])(double) = {gelu, silu, leaky, elu};
    const double v[] = {-1000, -3, -0.5, -1e-3, 1e-3, 0.7, 4, 1000};
    world w = world_new();
    goss_val x = world_input(&w, "x", GOSS_REAL, S(n(8)), v),
             y[4] = {goss_gelu(x), goss_silu(x), goss_leaky_relu(x, 0.2), goss_elu(x)}, d[4];
    for (int i = 0; i < 4; i++) T_EQ(goss_grad(y[i], &x, 1, &d[i]), GOSS_OK);
    RUN64(y[0], y[1], y[2], y[3], d[0], d[1], d[2], d[3]);
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 8; k++) {
            double h = 1e-5, slope = (f[i](v[k] + h) - f[i](v[k] - h)) / (2 * h);
            T_NEAR(w.out[i][k], f[i](v[k]), 1e-12 * (1 + fabs(v[k])));
            T_NEAR(w.out[4 + i][k], slope, 1e-6);
        }
    world_free(&w);
}

/* ---- norms ---- */

static void standardize(const double *x, int count, int stride, double eps, double *y) {
    double mean = 0, var = 0;
    for (int i = 0; i < count; i++) mean += x[i * stride] / count;
    for (int i = 0; i < count; i++) var += (x[i * stride] - mean) * (x[i * stride] - mean) / count;
    for (int i = 0; i < count; i++) y[i * stride] = (x[i * stride] - mean) / sqrt(var + eps);
}

TEST(norms_by_hand) {
    enum { T = 2, N = 3, P = 4, C = 6 }; /* P = 2 x 2 positions */
    world w = world_new();
    goss_val x = world_normal(&w, "x", S(n(T), n(N), n(2), n(2), n(C)));
    RUN64(goss_layer_norm(x, 1e-5, GOSS_NONE), goss_instance_norm(x, 1e-5), goss_group_norm(x, 3, 1e-5, GOSS_NONE));
    const double *X = world_numbers(&w, "x");
    double y[3][T * N * P * C];
    for (int i = 0; i < T * N * P; i++) standardize(X + i * C, C, 1, 1e-5, y[0] + i * C);
    for (int i = 0; i < T * N; i++)
        for (int c = 0; c < C; c++) standardize(X + i * P * C + c, P, C, 1e-5, y[1] + i * P * C + c);
    for (int i = 0; i < T * N; i++)
        for (int k = 0; k < 3; k++) {
            double in[8], out[8];
            for (int j = 0; j < 8; j++) in[j] = X[i * P * C + j / 2 * C + 2 * k + j % 2];
            standardize(in, 8, 1, 1e-5, out);
            for (int j = 0; j < 8; j++) y[2][i * P * C + j / 2 * C + 2 * k + j % 2] = out[j];
        }
    for (int i = 0; i < 3; i++) T_CHECK(world_gap(w.out[i], y[i], T * N * P * C) < 1e-12);
    world_free(&w);
}

/* Units 1 and 4 of 6 are dead: what is left must be the norm of the other four, which dead ones do not change. */
TEST(masked_norms_see_the_living_units_only) {
    const double mask[] = {1, 0, 1, 1, 0, 1};
    const int living[] = {0, 2, 3, 5};
    world w = world_new();
    goss_val x = world_normal(&w, "x", S(n(2), n(3), n(2), n(2), n(6))),
             m = world_input(&w, "m", GOSS_REAL, S(n(1), n(6)), mask);
    goss_val part[4];
    for (int i = 0; i < 4; i++) part[i] = goss_slice(x, 4, living[i], 1);
    goss_val small = goss_concat(part, 4, 4);
    x = goss_add(x, goss_scale(goss_reshape(m, S(n(1), n(1), n(1), n(1), n(6))), -7));
    x = goss_shift(x, 7); /* the dead ones stand out */
    RUN64(goss_layer_norm(x, 1e-5, m), goss_layer_norm(small, 1e-5, GOSS_NONE), goss_group_norm(x, 2, 1e-5, m),
          goss_group_norm(small, 2, 1e-5, GOSS_NONE));
    for (int k = 0; k < 4; k += 2)
        for (int p = 0; p < 24; p++)
            for (int i = 0; i < 4; i++) T_NEAR(w.out[k][6 * p + living[i]], w.out[k + 1][4 * p + i], 1e-12);
    world_free(&w);
}

TEST(batch_statistics_weighted_and_shared) {
    enum { T = 2, N = 4, C = 3 };
    const double weight[] = {1, 1, 0, 1, 0.5, 0, 0.5, 0.5}; /* sample 2 of task 0 and 1 of task 1 are padding */
    world w = world_new();
    goss_val x = world_normal(&w, "x", S(n(T), n(N), n(2), n(1), n(C))),
             k = world_input(&w, "k", GOSS_REAL, S(n(T), n(N)), weight);
    goss_val m[3], v[3];
    goss_batch_stats(x, GOSS_NONE, &m[0], &v[0]);
    goss_batch_stats(x, k, &m[1], &v[1]);
    goss_batch_stats_shared(x, GOSS_NONE, &m[2], &v[2]);
    RUN64(m[0], v[0], m[1], v[1], m[2], v[2], goss_normalize(x, m[0], v[0], 0.5));
    const double *X = world_numbers(&w, "x");
    for (int c = 0; c < C; c++) {
        double all = 0, all2 = 0;
        for (int t = 0; t < T; t++) {
            double mean[2] = {0}, square[2] = {0};
            for (int i = 0; i < 2 * N; i++) {
                double u = X[(t * 2 * N + i) * C + c],
                       share[2] = {1.0 / (2 * N), weight[t * N + i / 2] != 0 ? 1.0 / 6 : 0};
                for (int q = 0; q < 2; q++) mean[q] += share[q] * u, square[q] += share[q] * u * u;
                all += u / (2 * T * N), all2 += u * u / (2 * T * N);
            }
            for (int q = 0; q < 2; q++) {
                T_NEAR(w.out[2 * q][t * C + c], mean[q], 1e-12);
                T_NEAR(w.out[2 * q + 1][t * C + c], square[q] - mean[q] * mean[q], 1e-12);
            }
            T_NEAR(w.out[6][t * 2 * N * C + c],
                   (X[t * 2 * N * C + c] - mean[0]) / sqrt(square[0] - mean[0] * mean[0] + 0.5), 1e-12);
        }
        T_EQ(w.numel[4], C);
        T_NEAR(w.out[4][c], all, 1e-12);
        T_NEAR(w.out[5][c], all2 - all * all, 1e-12);
    }
    world_free(&w);
}

/* ---- losses ---- */

TEST(cross_entropy_with_smoothing_and_masked_classes) {
    const double target[] = {0, 1, 0, 0, 1, 0, 0, 0}, mask[] = {1, 1, 0, 1};
    world w = world_new();
    goss_val z = world_normal(&w, "z", S(n(1), n(2), n(4))),
             t = world_input(&w, "t", GOSS_REAL, S(n(1), n(2), n(4)), target),
             m = world_input(&w, "m", GOSS_REAL, S(n(1), n(4)), mask), d;
    goss_val masked = goss_cross_entropy(z, t, 0.3, m);
    T_EQ(goss_grad(masked, &z, 1, &d), GOSS_OK);
    RUN64(goss_cross_entropy(z, t, 0, GOSS_NONE), goss_cross_entropy(z, t, 0.3, GOSS_NONE), masked, d);
    const double *Z = world_numbers(&w, "z");
    for (int r = 0; r < 2; r++) {
        double sum = 0, living = 0, smooth = 0, smooth_living = 0;
        for (int i = 0; i < 4; i++) sum += exp(Z[4 * r + i]), living += mask[i] * exp(Z[4 * r + i]);
        for (int i = 0; i < 4; i++) {
            double q = 0.7 * target[4 * r + i];
            smooth -= (q + 0.3 / 4) * (Z[4 * r + i] - log(sum));
            if (mask[i] != 0) smooth_living -= (q + 0.3 / 3) * (Z[4 * r + i] - log(living));
        }
        T_NEAR(w.out[0][r], log(sum) - Z[4 * r + (r ? 0 : 1)], 1e-12);
        T_NEAR(w.out[1][r], smooth, 1e-12);
        T_NEAR(w.out[2][r], smooth_living, 1e-12);
        for (int i = 0; i < 4; i++) {
            double want = mask[i] != 0 ? exp(Z[4 * r + i]) / living - 0.7 * target[4 * r + i] - 0.1 : 0;
            T_NEAR(w.out[3][4 * r + i], want, 1e-12);
        }
    }
    world_free(&w);
}

TEST(masked_logits_stay_finite_in_f32) {
    const double target[] = {1, 0}, mask[] = {1, 0}, logits[] = {3e4, 3e38};
    world w = world_new();
    goss_val z = world_input(&w, "z", GOSS_REAL, S(n(1), n(1), n(2)), logits),
             t = world_input(&w, "t", GOSS_REAL, S(n(1), n(1), n(2)), target),
             m = world_input(&w, "m", GOSS_REAL, S(n(1), n(2)), mask), loss = goss_cross_entropy(z, t, 0.1, m), d;
    T_EQ(goss_grad(loss, &z, 1, &d), GOSS_OK);
    if (world_compute(&w, GOSS_F32, (goss_val[]){loss, d}, 2) != GOSS_OK) T_FAIL("%s", w.err.text);
    T_CHECK(w.out[0][0] == 0 && w.out[1][0] == 0 && w.out[1][1] == 0);
    world_free(&w);
}

TEST(squared_and_huber_error) {
    const double a[] = {0, 0.5, -2, 1, 3, -1}, b[] = {0, 0, 0, 0, 0, 0};
    world w = world_new();
    goss_val x = world_input(&w, "x", GOSS_REAL, S(n(1), n(3), n(2)), a),
             y = world_input(&w, "y", GOSS_REAL, S(n(1), n(3), n(2)), b), d;
    goss_val huber = goss_huber(x, y, 1);
    T_EQ(goss_grad(huber, &x, 1, &d), GOSS_OK);
    RUN64(goss_squared_error(x, y), huber, d);
    for (int i = 0; i < 3; i++) {
        double square = 0, h = 0;
        for (int k = 2 * i; k < 2 * i + 2; k++) {
            square += a[k] * a[k] / 2;
            h += (fabs(a[k]) <= 1 ? a[k] * a[k] / 2 : fabs(a[k]) - 0.5) / 2;
            T_NEAR(w.out[2][k], fmax(-1, fmin(1, a[k])) / 2, 1e-14);
        }
        T_NEAR(w.out[0][i], square, 1e-14);
        T_NEAR(w.out[1][i], h, 1e-14);
    }
    world_free(&w);
}

TEST(loss_reduction_leaves_padding_out) {
    const double loss[] = {1, 2, 100, 4, 100, 100}, weight[] = {1, 1, 0, 2, 0, 0};
    world w = world_new();
    goss_val l = world_input(&w, "l", GOSS_REAL, S(n(2), n(3)), loss),
             k = world_input(&w, "k", GOSS_REAL, S(n(2), n(3)), weight);
    RUN64(goss_reduce_loss(l, k), goss_reduce_loss(l, GOSS_NONE));
    T_NEAR(w.out[0][0], (1.5 + 4) / 2, 1e-14);
    T_NEAR(w.out[1][0], 307.0 / 6, 1e-12);
    world_free(&w);
}

TEST(equal_logits_score_chance) {
    const double z[] = {1, 3, 2, 5, 5, 5, 2, 2, 1}, t[] = {0, 1, 0, 0, 0, 1, 0, 0, 1};
    world w = world_new();
    goss_val x = world_input(&w, "x", GOSS_REAL, S(n(1), n(3), n(3)), z),
             y = world_input(&w, "y", GOSS_REAL, S(n(1), n(3), n(3)), t);
    RUN64(goss_correct(x, y));
    T_NEAR(w.out[0][0], 1, 0);
    T_NEAR(w.out[0][1], 1.0 / 3, 1e-15);
    T_NEAR(w.out[0][2], 0, 0);
    world_free(&w);
}

/* ---- attention ---- */

enum { HEADS = 2, QS = 3, KS = 4, DIM = 4, VAL = 6 };

/* One task by hand; keys [from 0, keys). */
static void attend(const double *q, const double *k, const double *v, int keys, double *y) {
    for (int i = 0; i < QS; i++)
        for (int h = 0; h < HEADS; h++) {
            double p[KS], sum = 0;
            for (int j = 0; j < keys; j++) {
                double dot = 0;
                for (int d = 0; d < DIM / HEADS; d++) dot += q[i * DIM + h * 2 + d] * k[j * DIM + h * 2 + d];
                sum += p[j] = exp(dot / sqrt(DIM / HEADS));
            }
            for (int e = 0; e < VAL / HEADS; e++) {
                y[i * VAL + h * 3 + e] = 0;
                for (int j = 0; j < keys; j++) y[i * VAL + h * 3 + e] += p[j] / sum * v[j * VAL + h * 3 + e];
            }
        }
}

TEST(attention_by_hand_and_masked) {
    const double mask[] = {1, 1, 1, 0, 0, 0, 0, 0}; /* task 0 without its last key, task 1 without any */
    const int turned[] = {2, 0, 3, 1};
    world w = world_new();
    goss_val q = world_normal(&w, "q", S(n(2), n(QS), n(DIM))), k = world_normal(&w, "k", S(n(2), n(KS), n(DIM))),
             v = world_normal(&w, "v", S(n(2), n(KS), n(VAL))),
             m = world_input(&w, "m", GOSS_REAL, S(n(2), n(KS)), mask), kp[4], vp[4];
    for (int i = 0; i < 4; i++) kp[i] = goss_slice(k, 1, turned[i], 1), vp[i] = goss_slice(v, 1, turned[i], 1);
    RUN64(goss_attention(q, k, v, HEADS, GOSS_NONE), goss_attention(q, k, v, HEADS, m),
          goss_attention(q, goss_concat(kp, 4, 1), goss_concat(vp, 4, 1), HEADS, GOSS_NONE));
    const double *Q = world_numbers(&w, "q"), *K = world_numbers(&w, "k"), *V = world_numbers(&w, "v");
    double y[2 * QS * VAL], z[QS * VAL];
    for (int t = 0; t < 2; t++) attend(Q + t * QS * DIM, K + t * KS * DIM, V + t * KS * VAL, KS, y + t * QS * VAL);
    attend(Q, K, V, 3, z);
    T_CHECK(world_gap(w.out[0], y, 2 * QS * VAL) < 1e-12);
    T_CHECK(world_gap(w.out[1], z, QS * VAL) < 1e-12);
    for (int i = QS * VAL; i < 2 * QS * VAL; i++) T_NEAR(w.out[1][i], 0, 0);
    T_CHECK(world_gap(w.out[2], w.out[0], 2 * QS * VAL) < 1e-13); /* the order of a set means nothing */
    world_free(&w);
}

/* ---- small layers ---- */

TEST(dropout_keeps_the_mean_and_follows_the_task_id) {
    enum { D = 20000 };
    const double ids[] = {5, 9, 5};
    world w = world_new();
    goss_val x = goss_full(w.g, S(n(3), n(1), n(D)), 2), task = world_input(&w, "task", GOSS_INDEX, S(n(3)), ids);
    goss_val y = goss_dropout(x, 0.25, task), z = goss_dropout(x, 0.25, task);
    T_CHECK(goss_dropout(x, 0, task).id == x.id);
    if (world_open(&w, GOSS_F64, (goss_val[]){y, z}, 2, NULL, 0) != GOSS_OK) T_FAIL("%s", w.err.text);
    goss_exec_seed(w.exec, 3, 1);
    if (world_run(&w) != GOSS_OK) T_FAIL("%s", w.err.text);
    double sum = 0;
    int same_draw = 0, same_id = 0;
    for (int i = 0; i < 3 * D; i++) {
        T_CHECK(w.out[0][i] == 0 || fabs(w.out[0][i] - 2 / 0.75) < 1e-12);
        sum += w.out[0][i] / (3 * D);
        same_draw += w.out[0][i] == w.out[1][i];
    }
    for (int i = 0; i < D; i++) {
        same_id += w.out[0][i] == w.out[0][D + i];
        T_CHECK(w.out[0][i] == w.out[0][2 * D + i]); /* the same id: the same draw, wherever the task stands */
    }
    T_NEAR(sum, 2, 0.03);
    T_NEAR(same_draw / (3.0 * D), 0.625, 0.02); /* independent draws agree with probability 0.75^2 + 0.25^2 */
    T_NEAR(same_id / (double)D, 0.625, 0.02);
    world_free(&w);
}

TEST(class_means_distances_and_lengths) {
    const double assign[] = {0.5, 0, 0.5, 0, 1, 0};
    world w = world_new();
    goss_val x = world_normal(&w, "x", S(n(1), n(3), n(4))),
             a = world_input(&w, "a", GOSS_REAL, S(n(1), n(2), n(3)), assign),
             image = world_normal(&w, "image", S(n(2), n(1), n(3), n(2), n(5)));
    goss_val c = goss_class_mean(x, a);
    RUN64(c, goss_pairwise_distance(x, c), goss_l2_normalize(x, 1e-9), goss_norm2(x), goss_global_avg_pool(image),
          goss_flatten(image));
    const double *X = world_numbers(&w, "x"), *I = world_numbers(&w, "image");
    double total = 0;
    for (int d = 0; d < 4; d++) {
        T_NEAR(w.out[0][d], (X[d] + X[8 + d]) / 2, 1e-14);
        T_NEAR(w.out[0][4 + d], X[4 + d], 1e-14);
    }
    for (int i = 0; i < 3; i++) {
        double length = 1e-9;
        for (int d = 0; d < 4; d++) length += X[4 * i + d] * X[4 * i + d];
        for (int d = 0; d < 4; d++) T_NEAR(w.out[2][4 * i + d], X[4 * i + d] / sqrt(length), 1e-13);
        total += length - 1e-9;
        for (int k = 0; k < 2; k++) {
            double sum = 0;
            for (int d = 0; d < 4; d++) sum += pow(X[4 * i + d] - w.out[0][4 * k + d], 2);
            T_NEAR(w.out[1][2 * i + k], sum, 1e-12);
        }
    }
    T_NEAR(w.out[3][0], total, 1e-12);
    for (int i = 0; i < 10; i++) {
        double mean = 0;
        for (int p = 0; p < 6; p++) mean += I[i / 5 * 30 + p * 5 + i % 5] / 6;
        T_NEAR(w.out[4][i], mean, 1e-14);
    }
    T_CHECK(world_gap(w.out[5], I, 60) == 0);
    world_free(&w);
}

/* ---- gradients ---- */

/* Everything at once: a loss that passes through each composite with a smooth derivative. */
static goss_val everything(world *w, goss_val x, goss_val shift) {
    const double target[] = {1, 0, 0, 0, 1, 0, 0, 0, 1, 0.5, 0.5, 0};
    goss_val t = world_input(w, "t", GOSS_REAL, S(n(2), n(2), n(3)), target), mean, var;
    goss_val h = goss_group_norm(goss_affine(x, GOSS_NONE, shift), 3, 1e-3, GOSS_NONE); /* [2,2,6] */
    goss_batch_stats(goss_mul(h, x), GOSS_NONE, &mean, &var);
    h = goss_add(goss_gelu(h), goss_normalize(x, mean, var, 1e-2));
    h = goss_add(h, goss_attention(h, goss_layer_norm(h, 1e-3, GOSS_NONE), goss_silu(x), 2, GOSS_NONE));
    h = goss_l2_normalize(h, 1e-3);
    goss_val logits = goss_pairwise_distance(h, goss_concat((goss_val[]){x, goss_slice(h, 1, 0, 1)}, 2, 1));
    return goss_add(goss_reduce_loss(goss_cross_entropy(logits, t, 0.1, GOSS_NONE), GOSS_NONE),
                    goss_norm2(goss_elu(goss_shift(x, 5))));
}

TEST(gradients_of_first_and_second_order_agree_with_differences) {
    world w = world_new();
    goss_val x = world_normal(&w, "x", S(n(2), n(2), n(6))), b = world_normal(&w, "b", S(n(1), n(6))),
             u = world_normal(&w, "u", S(n(2), n(2), n(6))), wrt[2] = {x, b}, g[2], second[2];
    goss_val loss = everything(&w, x, b);
    T_EQ(goss_grad(loss, wrt, 2, g), GOSS_OK);
    goss_val slope = goss_sum_all(goss_mul(g[0], u)); /* along u: d loss(x + a u) / da */
    T_EQ(goss_grad(slope, wrt, 2, second), GOSS_OK);
    RUN64(loss, slope, g[1], second[0], second[1]);
    const double slope0 = w.out[1][0], h = 1e-5;
    double curve = 0, mixed = w.out[4][2], *X = world_numbers(&w, "x"), *U = world_numbers(&w, "u"),
           *B = world_numbers(&w, "b");
    for (int i = 0; i < 24; i++) curve += w.out[3][i] * U[i];
    double at[2][2];
    for (int side = 0; side < 2; side++) {
        for (int i = 0; i < 24; i++) X[i] += (side ? -2 : 1) * h * U[i];
        T_EQ(world_run(&w), GOSS_OK);
        at[side][0] = w.out[0][0], at[side][1] = w.out[1][0];
    }
    for (int i = 0; i < 24; i++) X[i] += h * U[i];
    T_NEAR((at[0][0] - at[1][0]) / (2 * h), slope0, 1e-6 * (1 + fabs(slope0)));
    T_NEAR((at[0][1] - at[1][1]) / (2 * h), curve, 1e-5 * (1 + fabs(curve)));
    double by_b[2];
    for (int side = 0; side < 2; side++) {
        B[2] += side ? -2 * h : h;
        T_EQ(world_run(&w), GOSS_OK);
        by_b[side] = w.out[1][0];
    }
    T_NEAR((by_b[0] - by_b[1]) / (2 * h), mixed, 1e-5 * (1 + fabs(mixed)));
    world_free(&w);
}

/* ---- errors ---- */

TEST(what_does_not_fit_is_a_sticky_error) {
    goss_error err;
    struct {
        const char *says;
        int kind;
    } cases[] = {{"6 channels do not divide into 4 groups", 0},
                 {"3 heads", 1},
                 {"smoothing 1", 2},
                 {"dropout: -1", 3},
                 {"scale has rank 3", 4},
                 {"delta 0", 5},
                 {"instance_norm: rank 3", 6}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        goss_graph *g = goss_graph_new();
        goss_val x = goss_full(g, S(n(1), n(2), n(6)), 1), task = goss_iota(g, n(1));
        if (cases[i].kind == 0) goss_group_norm(x, 4, 1e-5, GOSS_NONE);
        if (cases[i].kind == 1) goss_attention(x, x, goss_full(g, S(n(1), n(2), n(7)), 1), 3, GOSS_NONE);
        if (cases[i].kind == 2) goss_cross_entropy(x, x, 1, GOSS_NONE);
        if (cases[i].kind == 3) goss_dropout(x, -1, task);
        if (cases[i].kind == 4) goss_affine(x, x, GOSS_NONE);
        if (cases[i].kind == 5) goss_huber(x, x, 0);
        if (cases[i].kind == 6) goss_instance_norm(x, 1e-5);
        T_CHECK(goss_graph_status(g, &err) != GOSS_OK);
        if (!strstr(err.text, cases[i].says)) T_FAIL("\"%s\" does not say \"%s\"", err.text, cases[i].says);
        goss_graph_free(g);
    }
}
TEST_MAIN()
