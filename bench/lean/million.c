/* SPDX-License-Identifier: Apache-2.0 */
/* million.c: the part of bench_million's two steps that is the same. */
#include "million.h"

#include <math.h>
#include <stdio.h>

#include "../numbers.h"

void million_prepare(million *m) {
    m->x = lean_input("x", TASKS * SAMPLES * IN, 1.7, 0);
    m->y = (int32_t *)lean_floats(TASKS * SAMPLES);
    numbers_labels("y", WAYS, m->y, TASKS * SAMPLES);
    m->embedding = lean_weight(&m->l, "embedding", TASKS * CODE, sqrt(3));
    m->code_w = lean_weight(&m->l, "code.w", CODE * HIDDEN, sqrt(6.0 / CODE)),
    m->code_b = lean_weight(&m->l, "code.b", HIDDEN, 0.1);
    m->code = lean_floats(TASKS * HIDDEN), m->code_gradient = lean_floats(TASKS * HIDDEN);
}

lean_param *million_linear(million *m, const char *name, int64_t n, double scale, double bias_scale) {
    char w[16], b[16];
    snprintf(w, sizeof w, "%s.w", name), snprintf(b, sizeof b, "%s.b", name);
    lean_param *p = lean_weight_alone(&m->l, w, ROWS * n, scale);
    numbers_reals(b, bias_scale, 0, p->value + HIDDEN * n, n);
    return p;
}

void million_begin(million *m) {
    m->moments = lean_next_step(&m->l, 1);
    lean_product(&m->l, 0,
                 &(goss__gemm){.m = TASKS,
                               .n = HIDDEN,
                               .k = CODE,
                               .a = m->embedding->value,
                               .lda = CODE,
                               .b = m->code_w->value,
                               .ldb = HIDDEN,
                               .c = m->code,
                               .ldc = HIDDEN,
                               .add = m->code_b->value});
}

double million_train(const million *m, const lean_param *p, int64_t from, int64_t count, float *gradient) {
    const lean_param part = {count, p->value + from, gradient, p->first + from, p->second + from};
    lean_adam(&m->moments, &part, 0, count);
    return lean_squares(gradient, 1, count, count);
}

void million_end(million *m, double squares) {
    lean_dense_back(&m->l, 0, TASKS, m->embedding->value, CODE, m->code_w->value, HIDDEN, m->code_gradient,
                    m->code_w->gradient, m->code_b->gradient, m->embedding->gradient);
    for (int i = 0; i < m->l.n_params; i++) {
        const lean_param *p = &m->l.param[i];
        if (p->gradient) squares += million_train(m, p, 0, p->n, p->gradient);
    }
    m->norm = sqrt(squares);
}
