/* SPDX-License-Identifier: Apache-2.0 */
/* Regularizers without a graph: the same numbers as in one, programs kept, no allocations, threads, bad input. */
#include <pthread.h>

#include "base/alloc.h"
#include "reg_check.h"

static goss_error err;

static int64_t numel_of(const reg_case *c, int i) {
    int64_t n = 1;
    for (int k = 0; k < c->rank[i]; k++) n *= c->shape[i][k];
    return n;
}

static void tensors_of(world *w, const reg_case *c, float data[REG_TENSORS][256], goss_reg_tensor *t) {
    for (int i = 0; i < c->n; i++) {
        char name[16];
        snprintf(name, sizeof name, "x%d", i);
        for (int64_t k = 0; k < numel_of(c, i); k++) data[i][k] = (float)world_numbers(w, name)[k];
        t[i] = (goss_reg_tensor){.data = data[i], .rank = c->rank[i]};
        memcpy(t[i].shape, c->shape[i], (size_t)c->rank[i] * sizeof *t[i].shape);
    }
}

TEST(numbers_are_those_of_the_graph) {
    for (int i = 0; i < REG_CASES; i++) {
        const reg_case *c = &reg_cases[i];
        if (c->with == WITH_WEIGHT) continue;
        world w = world_new();
        goss_val x[REG_TENSORS], out[REG_TENSORS + 1];
        out[0] = goss_sum_all(reg_build(&w, c, x));
        goss_grad(out[0], x, c->n, out + 1);
        if (world_compute(&w, GOSS_F64, out, c->n + 1) != GOSS_OK) T_FAIL("%s: %s", c->kind, w.err.text);

        static float data[REG_TENSORS][256], made[REG_TENSORS][256];
        goss_reg_tensor t[REG_TENSORS];
        goss_reg_options o = reg_options(c);
        goss_reg *r;
        double value;
        float *grads[REG_TENSORS] = {made[0], made[1], made[2], made[3], made[4]};
        tensors_of(&w, c, data, t);
        T_OK(goss_reg_new(c->kind, &o, reg_edges, c->with == WITH_GRAPH ? 4 : 0, 1, &r, &err));
        T_OK(goss_reg_value_grad(r, t, c->n, &value, grads, &err));
        T_NEAR(value, w.out[0][0], 2e-6 * (1 + fabs(value)));
        for (int k = 0; k < c->n; k++)
            for (int64_t j = 0; j < numel_of(c, k); j++)
                if (!(fabs(made[k][j] - w.out[k + 1][j]) < 1e-5 * (1 + fabs(w.out[k + 1][j]))))
                    T_FAIL("%s, %s: gradient %d is %g, not %g", c->kind, c->name, k, made[k][j], w.out[k + 1][j]);
        goss_reg_free(r);
        world_free(&w);
    }
}

static goss_reg_tensor matrix(const float *data, int64_t rows, int64_t columns) {
    return (goss_reg_tensor){.data = data, .rank = 2, .shape = {rows, columns}};
}

TEST(shapes_come_and_go) {
    static float data[400], grad[400];
    for (int i = 0; i < 400; i++) data[i] = (float)i;
    goss_reg *r;
    T_OK(goss_reg_new("l2", NULL, NULL, 0, 1, &r, &err));
    for (int round = 0; round < 2; round++)
        for (int rows = 1; rows <= 20; rows++) { /* more than are kept */
            goss_reg_tensor t = matrix(data, rows, 20);
            double value, sum = 0;
            float *grads[1] = {rows % 3 ? grad : NULL};
            memset(grad, 0, sizeof grad);
            for (int i = 0; i < rows * 20; i++) sum += 0.5 * i * i;
            T_OK(goss_reg_value_grad(r, &t, 1, &value, grads, &err));
            T_NEAR(value, sum, 1e-6 * sum);
            for (int i = 0; i < 400; i++) T_CHECK(grad[i] == (rows % 3 && i < rows * 20 ? data[i] : 0));
            T_OK(goss_reg_value_grad(r, &t, 1, &value, NULL, &err));
            T_NEAR(value, sum, 1e-6 * sum);
        }
    goss_reg_free(r);
    goss_reg_free(NULL);
}

TEST(a_call_with_known_shapes_allocates_nothing) {
    static float data[600], grad[600];
    goss_reg *r;
    double value;
    float *grads[1] = {grad};
    goss_reg_tensor t = matrix(data, 20, 30);
    for (int i = 0; i < 600; i++) data[i] = (float)(i * 37 % 101) - 50;
    T_OK(goss_reg_new("nuclear", NULL, NULL, 0, 1, &r, &err));
    T_OK(goss_reg_value_grad(r, &t, 1, &value, grads, &err));
    uint64_t before = goss__alloc_count();
    for (int i = 0; i < 3; i++) T_OK(goss_reg_value_grad(r, &t, 1, &value, grads, &err));
    T_EQ(goss__alloc_count() - before, 0);
    goss_reg_free(r);
}

TEST(strength_0_gives_zeros) {
    float data[6] = {1, 2, 3, 4, 5, 6}, grad[6] = {9, 9, 9, 9, 9, 9}, *grads[1] = {grad};
    goss_reg_options o = goss_reg_defaults();
    goss_reg *r;
    double value = 9;
    goss_reg_tensor t = matrix(data, 2, 3);
    o.strength = 0;
    T_OK(goss_reg_new("nuclear", &o, NULL, 0, 1, &r, &err));
    T_OK(goss_reg_value_grad(r, &t, 1, &value, grads, &err));
    T_CHECK(value == 0);
    for (int i = 0; i < 6; i++) T_CHECK(grad[i] == 0);
    goss_reg_free(r);
}

TEST(a_nan_is_seen_in_the_value_and_in_the_gradient) {
    for (int i = 0; i < REG_CASES; i++) {
        const reg_case *c = &reg_cases[i];
        if (c->with == WITH_WEIGHT) continue;
        world w = world_new();
        goss_val x[REG_TENSORS];
        static float data[REG_TENSORS][256], made[REG_TENSORS][256];
        goss_reg_tensor t[REG_TENSORS];
        goss_reg_options o = reg_options(c);
        goss_reg *r;
        double value;
        float *grads[REG_TENSORS] = {made[0], made[1], made[2], made[3], made[4]};
        reg_build(&w, c, x); /* the tensors' numbers */
        tensors_of(&w, c, data, t);
        data[0][0] = NAN;
        T_OK(goss_reg_new(c->kind, &o, reg_edges, c->with == WITH_GRAPH ? 4 : 0, 1, &r, &err));
        T_OK(goss_reg_value_grad(r, t, c->n, &value, grads, &err));
        if (!isnan(value)) T_FAIL("%s, %s: the value is %g", c->kind, c->name, value);
        T_OK(goss_reg_value_grad(r, t, c->n, NULL, grads, &err)); /* the gradient alone */
        goss_reg_free(r);
        world_free(&w);
    }
}

/* ---- threads ---- */

typedef struct job {
    goss_status status;
    double value[40];
} job;

static void *work(void *arg) {
    job *j = arg;
    float data[120];
    goss_reg *r = NULL;
    j->status = goss_reg_new("nuclear", NULL, NULL, 0, 1, &r, NULL);
    for (int i = 0; j->status == GOSS_OK && i < 40; i++) {
        for (int k = 0; k < 120; k++) data[k] = (float)((k * 31 + i * 17) % 23) - 11;
        goss_reg_tensor t = matrix(data, 4 + i % 4, 12);
        j->status = goss_reg_value_grad(r, &t, 1, &j->value[i], NULL, NULL);
    }
    goss_reg_free(r);
    return NULL;
}

TEST(two_at_the_same_time) {
    pthread_t thread[2];
    job j[3];
    memset(j, 0, sizeof j);
    for (int i = 0; i < 2; i++) T_EQ(pthread_create(&thread[i], NULL, work, &j[i]), 0);
    for (int i = 0; i < 2; i++) pthread_join(thread[i], NULL);
    work(&j[2]);
    for (int i = 0; i < 3; i++) T_EQ(j[i].status, GOSS_OK);
    T_CHECK(j[2].value[0] > 1 && memcmp(&j[0], &j[2], sizeof j[0]) == 0 && memcmp(&j[1], &j[2], sizeof j[1]) == 0);
}

/* ---- bad input ---- */

TEST(bad_input_is_told) {
    goss_reg *r = NULL;
    goss_reg_options o = goss_reg_defaults();
    float data[12] = {0};
    double value;
    T_ERR(goss_reg_new("laplacain", NULL, NULL, 0, 1, &r, &err), GOSS_E_ARGUMENT, "did you mean laplacian?");
    T_CHECK(!r);
    T_ERR(goss_reg_new("l1", NULL, reg_edges, 4, 1, &r, &err), GOSS_E_ARGUMENT,
          "regularizer l1: it takes no graph, but 4 edges are given");
    o.strength = -2;
    T_ERR(goss_reg_new("l1", &o, NULL, 0, 1, &r, &err), GOSS_E_ARGUMENT, "regularizer l1: strength -2");
    o = goss_reg_defaults(), o.ridge = 3;
    T_ERR(goss_reg_new("l1", &o, NULL, 0, 1, &r, &err), GOSS_E_ARGUMENT, "it has no setting ridge");
    T_OK(goss_reg_new("laplacian", NULL, reg_edges, 4, 1, &r, &err));
    goss_reg_tensor t = matrix(data, 3, 4), flat = {.data = data, .rank = 0}, none = matrix(data, 0, 4),
                    missing = matrix(NULL, 3, 4);
    for (int i = 0; i < 2; i++) /* an error leaves it as it was */
        T_ERR(goss_reg_value_grad(r, &t, 1, &value, NULL, &err), GOSS_E_ARGUMENT,
              "regularizer laplacian: edge 3 (0, 3): there are 3 nodes, 0 to 2");
    T_ERR(goss_reg_value_grad(r, &flat, 1, &value, NULL, &err), GOSS_E_SHAPE, "tensor 1 has rank 0");
    T_ERR(goss_reg_value_grad(r, &none, 1, &value, NULL, &err), GOSS_E_SHAPE, "tensor 1 has extent 0 on axis 0");
    T_ERR(goss_reg_value_grad(r, &missing, 1, &value, NULL, &err), GOSS_E_ARGUMENT, "tensor 1 has no data");
    T_ERR(goss_reg_value_grad(r, &t, 0, &value, NULL, &err), GOSS_E_ARGUMENT, "0 tensors; it takes 1 to 64");
    t = matrix(data, 4, 3);
    T_OK(goss_reg_value_grad(r, &t, 1, &value, NULL, &err));
    goss_reg_free(r);
    T_OK(goss_reg_new("nuclear", NULL, NULL, 0, 1, &r, &err));
    t = (goss_reg_tensor){.data = data, .rank = 2, .shape = {1 << 20, 1 << 20}};
    T_ERR(goss_reg_value_grad(r, &t, 1, &value, NULL, &err), GOSS_E_SHAPE,
          "regularizer nuclear: gram_root: [1048576,1048576]: the smaller side");
    goss_reg_free(r);
}

TEST(memory_that_runs_out_is_told) {
    float data[12] = {1, 2, 3}, grad[12], *grads[1] = {grad};
    goss_reg_tensor t = matrix(data, 4, 3);
    for (uint64_t n = 1; n < 200; n++) {
        goss_reg *r = NULL;
        double value;
        goss__alloc_fail_at(n);
        goss_status s = goss_reg_new("laplacian", NULL, reg_edges, 4, 1, &r, &err);
        if (s == GOSS_OK) s = goss_reg_value_grad(r, &t, 1, &value, grads, &err);
        goss__alloc_fail_at(0);
        if (r && s != GOSS_OK) { /* and the next call comes through */
            T_EQ(s, GOSS_E_NOMEM);
            T_OK(goss_reg_value_grad(r, &t, 1, &value, grads, &err));
        }
        goss_reg_free(r);
    }
}

/* ---- effective rank ---- */

TEST(the_effective_rank_of_a_matrix_with_known_singular_values) {
    double rank;
    /* orthogonal rows of sizes 3, 3, 3: three directions alike */
    const float same[] = {3, 0, 0, 0, 0, 0, 3, 0, 0, -3, 0, 0};
    T_OK(goss_effective_rank(same, 3, 4, false, &rank, &err));
    T_NEAR(rank, 3, 1e-9);
    T_OK(goss_effective_rank(same, 4, 3, false, &rank, &err));
    T_NEAR(rank, 1, 1e-9); /* the same numbers in rows of 3 are one direction */
    /* sizes 2 and 1: p = 2/3, 1/3 */
    const float two[] = {0, 2, 0, 1, 0, 0};
    T_OK(goss_effective_rank(two, 2, 3, false, &rank, &err));
    T_NEAR(rank, exp(-(2.0 / 3) * log(2.0 / 3) - (1.0 / 3) * log(1.0 / 3)), 1e-9);
    /* one direction, however many rows; around its mean another one */
    float rows[5 * 7];
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 7; j++) rows[i * 7 + j] = 4 + (float)(j == 2) * (float)(i - 2);
    T_OK(goss_effective_rank(rows, 5, 7, true, &rank, &err));
    T_NEAR(rank, 1, 1e-6);
    T_OK(goss_effective_rank(rows, 5, 7, false, &rank, &err));
    T_CHECK(rank > 1.05 && rank < 2);
    /* a random matrix against rotations of it from both sides is left as it is: by its transpose */
    float x[6 * 9], t[9 * 6];
    for (int i = 0; i < 54; i++) x[i] = (float)sin(3.7 * i * i + 1);
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 9; j++) t[j * 6 + i] = x[i * 9 + j];
    double other;
    T_OK(goss_effective_rank(x, 6, 9, false, &rank, &err));
    T_OK(goss_effective_rank(t, 9, 6, false, &other, &err));
    T_NEAR(rank, other, 1e-9);
    T_CHECK(rank > 4 && rank < 6);
    const float zero[4] = {0};
    T_OK(goss_effective_rank(zero, 2, 2, false, &rank, &err));
    T_CHECK(isnan(rank));
    T_ERR(goss_effective_rank(zero, 3000, 3000, false, &rank, &err), GOSS_E_ARGUMENT, "3000 x 3000");
}

TEST_MAIN()
