/* SPDX-License-Identifier: Apache-2.0 */
/* Plain regularisers of samples: mixup of what was drawn, and dropout of units and of whole channels. */
#include <math.h>
#include <string.h>

#include "gossamer/nn.h"
#include "graph_check.h"
#include "task/task_pack.h"

#define S(...) GOSS_SHAPE(__VA_ARGS__)
#define n(x) goss_n(x)

static goss_error err;

/* ---- mixup ---- */

enum { X = 6, W = 3, Q = 9, T = 4 };

/* Task k has Q - k % 3 queries; query i of it is X numbers of its own, of class i % (2 + k % 2). */
static void draw(const goss_task_source *s, uint64_t k, goss_task *out) {
    (void)s;
    out->queries = Q - (int)(k % 3), out->outputs = 2 + (int)(k % 2);
    for (int i = 0; i < out->queries; i++) {
        for (int j = 0; j < X; j++) out->query[i * X + j] = (float)(100 * k + 10 * (unsigned)i + (unsigned)j);
        out->query_target[i] = (float)(i % out->outputs);
    }
}

static goss_task_source source(void) {
    return (goss_task_source){.spec = {.input_rank = 1, .input = {X}, .outputs = W, .queries = Q}, .draw = draw};
}

static void fill(goss__task_pack *b, double alpha, uint64_t seed) {
    const goss_task_source s = source();
    T_OK(goss__task_pack_init(b, T, &s.spec, NULL, &err));
    goss__task_pack_draw(b, &s, 0, T);
    if (alpha > 0) goss__task_pack_mix(b, alpha, seed, 0);
}

TEST(mixup_pairs_queries_of_a_task_with_their_targets) {
    goss__task_pack plain, mixed;
    fill(&plain, 0, 1), fill(&mixed, 0.7, 1);
    const int w = mixed.outputs, q = mixed.queries;
    int changed = 0;
    for (int t = 0; t < T; t++) {
        const int count = mixed.sizes[t].queries;
        double sum[2][W] = {{0}}, sum_x[2] = {0};
        for (int i = 0; i < count; i++) {
            const float *y = mixed.query_target + (t * q + i) * w, *x = mixed.query + (t * q + i) * X;
            double total = 0;
            /* x[0] = 100 t + 10 (l i + (1 - l) j): all numbers move alike */
            for (int k = 0; k < X; k++) T_NEAR(x[k] - x[0], k, 1e-3);
            for (int k = 0; k < w; k++) {
                T_CHECK(y[k] >= 0 && y[k] <= 1);
                total += (double)y[k];
                sum[0][k] += (double)plain.query_target[(t * q + i) * w + k], sum[1][k] += (double)y[k];
            }
            T_NEAR(total, 1, 1e-6);
            sum_x[0] += (double)plain.query[(t * q + i) * X], sum_x[1] += (double)x[0];
            changed += x[0] != plain.query[(t * q + i) * X];
        }
        T_NEAR(sum_x[0], sum_x[1], 1e-2); /* pairs keep their sums */
        for (int k = 0; k < w; k++) T_NEAR(sum[0][k], sum[1][k], 1e-5);
        for (int i = count; i < q; i++) T_EQ(mixed.query[(t * q + i) * X], 0);
    }
    T_EQ(changed, 8 + 8 + 6 + 8); /* of 9, 8, 7 and 9 queries an odd one stays */
    goss__task_pack_free(&plain), goss__task_pack_free(&mixed);
}

TEST(mixup_is_a_pure_function_of_seed_and_step) {
    goss__task_pack a, b, c;
    fill(&a, 0.7, 1), fill(&b, 0.7, 1), fill(&c, 0.7, 2);
    const size_t size = (size_t)(T * a.queries * X) * sizeof(float);
    T_EQ(memcmp(a.query, b.query, size), 0);
    T_CHECK(memcmp(a.query, c.query, size) != 0);
    T_CHECK(memcmp(a.query, a.query + (size_t)(a.queries * X), 7 * X * sizeof(float)) != 0);
    goss__task_pack_free(&a), goss__task_pack_free(&b), goss__task_pack_free(&c);
}

/* Mean 1/2, variance 1 / (4 (2 alpha + 1)). */
TEST(beta_draws_have_their_moments) {
    enum { N = 20000 };
    static const double alpha[] = {0.02, 0.2, 1, 4};
    for (int k = 0; k < 4; k++) {
        goss__rng rng = goss__rng_make(3, (uint64_t)k);
        double mean = 0, square = 0;
        for (int i = 0; i < N; i++) {
            const double l = goss__beta_draw(alpha[k], &rng);
            T_CHECK(l >= 0 && l <= 1);
            mean += l / N, square += l * l / N;
        }
        T_NEAR(mean, 0.5, 0.012);
        T_NEAR(square - mean * mean, 1 / (4 * (2 * alpha[k] + 1)), 0.004);
    }
}

/* ---- dropout ---- */

static goss_target *parse(const char *text, double dropout, int64_t side, int64_t channels) {
    goss_target *t;
    T_OK(goss_target_parse_dropout(text, (int64_t[]){side, side, channels}, 3, 0, dropout, &t, &err));
    return t;
}

TEST(channels_are_dropped_whole_with_draws_of_their_own_for_each_sample) {
    enum { TASKS = 2, N = 3, SIDE = 4, C = 50 };
    const double ids[] = {3, 8};
    world w = world_new();
    goss_val x = goss_full(w.g, S(n(TASKS), n(N), n(SIDE), n(SIDE), n(C)), 1);
    goss_val task = world_input(&w, "task", GOSS_INDEX, S(n(TASKS)), ids);
    goss_val y = goss_dropout_channels(x, 0.4, task);
    goss_val flat = goss_dropout_channels(goss_full(w.g, S(n(TASKS), n(N), n(C)), 1), 0.4, task);
    T_CHECK(goss_dropout_channels(x, 0, task).id == x.id);
    if (world_compute(&w, GOSS_F64, (goss_val[]){y, flat}, 2) != GOSS_OK) T_FAIL("%s", w.err.text);
    int dead = 0, alike = 0, single = 0;
    for (int s = 0; s < TASKS * N; s++)
        for (int c = 0; c < C; c++) {
            const double *map = w.out[0] + s * SIDE * SIDE * C + c;
            for (int i = 0; i < SIDE * SIDE; i++) T_CHECK(map[i * C] == map[0]);
            T_CHECK(map[0] == 0 || fabs(map[0] - 1 / 0.6) < 1e-12);
            dead += map[0] == 0, single += w.out[1][s * C + c] == 0;
            alike += map[0] == w.out[0][c];
        }
    T_CHECK(dead > 85 && dead < 155);     /* of 300, 120 are expected */
    T_CHECK(single > 85 && single < 155); /* of features, single ones */
    T_CHECK(alike > C && alike < TASKS * N * C - 40);
    world_free(&w);
}

TEST(the_gradient_of_dropped_channels_is_that_of_what_is_kept) {
    enum { SIDE = 3, C = 8 };
    const double ids[] = {1};
    world w = world_new();
    goss_val x = world_normal(&w, "x", S(n(1), n(2), n(SIDE), n(SIDE), n(C))), grad, second;
    goss_val y = goss_dropout_channels(x, 0.5, world_input(&w, "task", GOSS_INDEX, S(n(1)), ids));
    T_OK(goss_grad(goss_scale(goss_sum_all(goss_square(goss_square(y))), 0.25), &x, 1, &grad)); /* y^3 dy/dx */
    T_OK(goss_grad(goss_sum_all(grad), &x, 1, &second));                                        /* 3 y^2 (dy/dx)^2 */
    if (world_compute(&w, GOSS_F64, (goss_val[]){y, grad, second}, 3) != GOSS_OK) T_FAIL("%s", w.err.text);
    for (int i = 0; i < 2 * SIDE * SIDE * C; i++) {
        const double slope = w.out[0][i] == 0 ? 0 : 2, at = w.out[0][i];
        T_NEAR(w.out[1][i], at * at * at * slope, 1e-9);
        T_NEAR(w.out[2][i], 3 * at * at * slope * slope, 1e-9);
    }
    world_free(&w);
}

TEST(dropout_can_follow_every_activation) {
    goss_target *t = parse("conv4 4 layer", 0.25, 16, 1), *same, *plain = parse("conv4 4 layer", 0, 16, 1);
    const char *text = goss_target_text(t);
    int layers = 0;
    for (const char *at = text; (at = strstr(at, "relu\ndropout 0.25 channels\n")); at++) layers++;
    T_EQ(layers, 4);
    T_CHECK(!strstr(goss_target_text(plain), "dropout"));
    same = parse(text, 0, 16, 1); /* the text says all */
    T_STR(goss_target_text(same), text);
    T_EQ(goss_layout_total(goss_target_layout(t)), goss_layout_total(goss_target_layout(plain)));
    goss_target_free(t), goss_target_free(same), goss_target_free(plain);
    T_ERR(goss_target_parse_dropout("conv4 4", (int64_t[]){16, 16, 1}, 3, 0, 1, &t, &err), GOSS_E_ARGUMENT,
          "dropout 1 is not in [0, 1)");
    T_ERR(goss_target_parse("dropout 0.5 maps", (int64_t[]){16, 16, 1}, 3, 0, &t, &err), GOSS_E_ARGUMENT,
          "dropout P [channels]");
}

TEST_MAIN()
