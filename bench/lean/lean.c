/* SPDX-License-Identifier: Apache-2.0 */
/* lean.c: what hand-written steps share. */
#include "lean.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../numbers.h"
#include "base/alloc.h"

#define SCRATCH (8 << 20)

static void fail(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

void lean_open(lean *l, int argc, char **argv, const char *const *names) {
    goss_error err;
    memset(l, 0, sizeof *l);
    serve_open(&l->run, argc, argv, names);
    l->kernels = goss__kernels_best();
    if (goss__pool_create(l->run.threads, &l->pool, &err) != GOSS_OK) fail(err.text);
    l->threads = goss__pool_threads(l->pool);
    l->scratch = calloc((size_t)l->threads, sizeof *l->scratch);
    for (int i = 0; l->scratch && i < l->threads; i++)
        if (!(l->scratch[i] = goss__alloc_aligned(SCRATCH))) fail("no memory");
}

void lean_train(lean *l, void (*run)(void *context), void *context, const double *loss, const double *gradient_norm) {
    l->rate = RATE_CHECKED;
    run(context);
    printf("{\"peer\":\"lean\",\"workload\":\"%s\",\"threads\":%d,\"check\":{\"loss\":%.8g,\"gradient_norm\":%.8g",
           l->run.workload, l->threads, *loss, *gradient_norm);
    run(context);
    printf(",\"next_loss\":%.8g}", *loss);
    l->rate = RATE_TIMED;
    serve(&l->run, run, context);
}

void lean_predict(const lean *l, void (*run)(void *context), void *context, double probability, double squares) {
    printf("{\"peer\":\"lean\",\"workload\":\"%s\",\"threads\":%d,\"check\":{\"probability\":%.8g,\"squares\":%.8g}",
           l->run.workload, l->threads, probability, squares);
    serve(&l->run, run, context);
}

float *lean_floats(int64_t n) {
    float *x = goss__alloc_aligned((size_t)n * sizeof *x);
    if (!x) fail("no memory");
    memset(x, 0, (size_t)n * sizeof *x);
    return x;
}

float *lean_input(const char *name, int64_t n, double scale, double offset) {
    float *x = lean_floats(n);
    numbers_reals(name, scale, offset, x, n);
    return x;
}

lean_param *lean_weight_alone(lean *l, const char *name, int64_t n, double scale) {
    if (l->n_params == LEAN_PARAMS) fail("too many parameters");
    lean_param *p = &l->param[l->n_params++];
    *p = (lean_param){n, lean_input(name, n, scale, 0), NULL, lean_floats(n), lean_floats(n)};
    return p;
}

lean_param *lean_weight(lean *l, const char *name, int64_t n, double scale) {
    lean_param *p = lean_weight_alone(l, name, n, scale);
    p->gradient = lean_floats(n);
    return p;
}

void lean_product(const lean *l, int worker, const goss__gemm *g) {
    if (l->kernels->gemm_scratch(g->m, g->n, g->k, g->ta, g->tb) > SCRATCH) fail("a product wants more scratch");
    l->kernels->gemm(g, l->scratch[worker]);
}

void lean_relu(float *x, int64_t n) {
    for (int64_t i = 0; i < n; i++) x[i] = x[i] > 0 ? x[i] : 0;
}

void lean_multiply(const lean *l, int worker, int64_t m, int64_t n, int64_t k, bool ta, const float *a, bool tb,
                   const float *b, float *c) {
    const goss__gemm g = {.m = m,
                          .n = n,
                          .k = k,
                          .ta = ta,
                          .tb = tb,
                          .a = a,
                          .lda = ta ? m : k,
                          .b = b,
                          .ldb = tb ? k : n,
                          .c = c,
                          .ldc = n};
    lean_product(l, worker, &g);
}

void lean_bias(float *x, const float *bias, int64_t rows, int64_t columns) {
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++) x[r * columns + c] += bias[c];
}

void lean_bias_relu(float *x, const float *bias, int64_t rows, int64_t columns) {
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++) {
            const float v = x[r * columns + c] + bias[c];
            x[r * columns + c] = v > 0 ? v : 0;
        }
}

void lean_relu_back(float *gradient, const float *y, int64_t n) {
    for (int64_t i = 0; i < n; i++) gradient[i] = y[i] > 0 ? gradient[i] : 0;
}

void lean_column_sums(const float *x, int64_t rows, int64_t columns, int64_t stride, float *out) {
    memcpy(out, x, (size_t)columns * sizeof *out);
    for (int64_t r = 1; r < rows; r++)
        for (int64_t c = 0; c < columns; c++) out[c] += x[r * stride + c];
}

double lean_cross_entropy(float *z, const int32_t *y, int samples, int ways, float scale) {
    double loss = 0;
    for (int i = 0; i < samples; i++, z += ways) {
        float top = z[0], sum = 0;
        for (int c = 1; c < ways; c++) top = fmaxf(top, z[c]);
        const float right = z[y[i]] - top;
        for (int c = 0; c < ways; c++) z[c] = expf(z[c] - top), sum += z[c];
        loss += (double)(logf(sum) - right);
        for (int c = 0; c < ways; c++) z[c] = (z[c] / sum - (c == y[i])) * scale;
    }
    return loss;
}

void lean_dense_back(const lean *l, int worker, int samples, const float *x, int k, const float *w, int n,
                     const float *gy, float *gw, float *gb, float *gx) {
    lean_product(l, worker,
                 &(goss__gemm){
                     .m = k, .n = n, .k = samples, .ta = true, .a = x, .lda = k, .b = gy, .ldb = n, .c = gw, .ldc = n});
    lean_column_sums(gy, samples, n, n, gb);
    if (gx)
        lean_product(
            l, worker,
            &(goss__gemm){
                .m = samples, .n = k, .k = n, .tb = true, .a = gy, .lda = n, .b = w, .ldb = n, .c = gx, .ldc = k});
}

double lean_squares(const float *x, int64_t rows, int64_t columns, int64_t stride) {
    double all = 0;
    for (int64_t r = 0; r < rows; r++) {
        float lane[16] = {0};
        int64_t c = 0;
        for (; c + 16 <= columns; c += 16)
            for (int i = 0; i < 16; i++) lane[i] += x[r * stride + c + i] * x[r * stride + c + i];
        for (; c < columns; c++) lane[0] += x[r * stride + c] * x[r * stride + c];
        for (int i = 0; i < 16; i++) all += (double)lane[i];
    }
    return all;
}

lean_moments lean_next_step(lean *l, float scale) {
    const double t = ++l->steps;
    return (lean_moments){l->rate, (float)(1 / (1 - pow(0.9, t))), (float)(1 / (1 - pow(0.999, t))), scale};
}

void lean_adam(const lean_moments *m, const lean_param *p, int64_t from, int64_t count) {
    float *restrict value = p->value + from, *restrict first = p->first + from, *restrict second = p->second + from;
    const float *restrict gradient = p->gradient + from;
    for (int64_t i = 0; i < count; i++) {
        const float g = m->scale * gradient[i];
        first[i] = 0.9f * first[i] + 0.1f * g;
        second[i] = 0.999f * second[i] + 0.001f * g * g;
        value[i] -= m->rate * (m->correction1 * first[i]) / (sqrtf(m->correction2 * second[i]) + 1e-8f);
    }
}
