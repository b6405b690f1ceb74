/* SPDX-License-Identifier: Apache-2.0 */
/* generator.c: a hypernetwork's step by hand. */
#include "generator.h"

#include <math.h>
#include <string.h>

enum { TASKS = GENERATOR_TASKS, CODE = 32, HIDDEN = 128, PANEL = 384 };

static int64_t width(const generator *g, int64_t panel) {
    return panel == g->panels - 1 ? g->total - panel * PANEL : PANEL;
}

/* ---- forward ---- */

static void hidden(generator *g) {
    lean_product(g->l, 0,
                 &(goss__gemm){.m = TASKS,
                               .n = HIDDEN,
                               .k = CODE,
                               .a = g->code->value,
                               .lda = CODE,
                               .b = g->w1->value,
                               .ldb = HIDDEN,
                               .c = g->h1,
                               .ldc = HIDDEN});
    lean_bias_relu(g->h1, g->b1->value, TASKS, HIDDEN);
    lean_product(g->l, 0,
                 &(goss__gemm){.m = TASKS,
                               .n = HIDDEN,
                               .k = HIDDEN,
                               .a = g->h1,
                               .lda = HIDDEN,
                               .b = g->w2->value,
                               .ldb = HIDDEN,
                               .c = g->h2,
                               .ldc = HIDDEN});
    lean_bias_relu(g->h2, g->b2->value, TASKS, HIDDEN);
}

static void generate(void *context, int64_t panel, int worker) {
    generator *g = context;
    const int64_t at = panel * PANEL, n = width(g, panel);
    lean_product(g->l, worker,
                 &(goss__gemm){.m = TASKS,
                               .n = n,
                               .k = HIDDEN,
                               .a = g->h2,
                               .lda = HIDDEN,
                               .b = g->w->value + at,
                               .ldb = g->total,
                               .c = g->slab + at,
                               .ldc = g->total});
    for (int t = 0; t < TASKS; t++) lean_bias(g->slab + t * g->total + at, g->b->value + at, 1, n);
}

void generator_run(generator *g) {
    g->moments = lean_next_step(g->l, 1);
    hidden(g);
    goss__pool_run(g->l->pool, g->panels, generate, g);
}

/* ---- backward ---- */

static void adam_panel(const generator *g, int64_t panel) {
    const int64_t at = panel * PANEL, n = width(g, panel);
    for (int64_t r = 0; r < HIDDEN; r++) lean_adam(&g->moments, g->w, r * g->total + at, n);
    lean_adam(&g->moments, g->b, at, n);
}

static void panel_back(void *context, int64_t panel, int worker) {
    generator *g = context;
    const int64_t at = panel * PANEL, n = width(g, panel);
    const float *gy = g->slab_gradient + at;
    float *gw = g->w->gradient + at, *gb = g->b->gradient + at;
    lean_product(g->l, worker,
                 &(goss__gemm){.m = TASKS,
                               .n = HIDDEN,
                               .k = n,
                               .tb = true,
                               .a = gy,
                               .lda = g->total,
                               .b = g->w->value + at,
                               .ldb = g->total,
                               .c = g->back + panel * TASKS * HIDDEN,
                               .ldc = HIDDEN});
    lean_product(g->l, worker,
                 &(goss__gemm){.m = HIDDEN,
                               .n = n,
                               .k = TASKS,
                               .ta = true,
                               .a = g->h2,
                               .lda = HIDDEN,
                               .b = gy,
                               .ldb = g->total,
                               .c = gw,
                               .ldc = g->total});
    lean_column_sums(gy, TASKS, n, g->total, gb);
    g->squares[panel] = lean_squares(gw, HIDDEN, n, g->total) + lean_squares(gb, 1, n, n);
    if (g->clip == 0) adam_panel(g, panel);
}

/* Gradients of a hidden layer: gy [TASKS, HIDDEN] is masked first. */
static void hidden_back(generator *g, const float *x, int k, const float *y, float *gy, lean_param *w, lean_param *b,
                        float *gx) {
    lean_relu_back(gy, y, TASKS * HIDDEN);
    lean_product(g->l, 0,
                 &(goss__gemm){.m = k,
                               .n = HIDDEN,
                               .k = TASKS,
                               .ta = true,
                               .a = x,
                               .lda = k,
                               .b = gy,
                               .ldb = HIDDEN,
                               .c = w->gradient,
                               .ldc = HIDDEN});
    lean_column_sums(gy, TASKS, HIDDEN, HIDDEN, b->gradient);
    lean_product(g->l, 0,
                 &(goss__gemm){.m = TASKS,
                               .n = k,
                               .k = HIDDEN,
                               .tb = true,
                               .a = gy,
                               .lda = HIDDEN,
                               .b = w->value,
                               .ldb = HIDDEN,
                               .c = gx,
                               .ldc = k});
}

static bool is_last(const generator *g, const lean_param *p) { return p == g->w || p == g->b; }

static void small_back(generator *g) {
    memcpy(g->g2, g->back, TASKS * HIDDEN * sizeof *g->g2);
    for (int64_t p = 1; p < g->panels; p++)
        for (int i = 0; i < TASKS * HIDDEN; i++) g->g2[i] += g->back[p * TASKS * HIDDEN + i];
    hidden_back(g, g->h1, HIDDEN, g->h2, g->g2, g->w2, g->b2, g->g1);
    hidden_back(g, g->code->value, CODE, g->h1, g->g1, g->w1, g->b1, g->code->gradient);
    double squares = 0;
    for (int64_t p = 0; p < g->panels; p++) squares += g->squares[p];
    for (int i = 0; i < g->l->n_params; i++) {
        const lean_param *p = &g->l->param[i];
        if (!is_last(g, p)) squares += lean_squares(p->gradient, 1, p->n, p->n);
    }
    g->norm = sqrt(squares);
}

static void late_adam(void *context, int64_t panel, int worker) { adam_panel(context, panel); }

void generator_back(generator *g) {
    goss__pool_run(g->l->pool, g->panels, panel_back, g);
    small_back(g);
    if (g->clip > 0) {
        g->moments.scale = g->norm > (double)g->clip ? (float)((double)g->clip / g->norm) : 1;
        goss__pool_run(g->l->pool, g->panels, late_adam, g);
    }
    for (int i = 0; i < g->l->n_params; i++)
        if (!is_last(g, &g->l->param[i])) lean_adam(&g->moments, &g->l->param[i], 0, g->l->param[i].n);
}

void generator_prepare(generator *g, lean *l, int64_t total, double scale, double bias_scale, float clip) {
    *g = (generator){.l = l, .total = total, .panels = (total + PANEL - 1) / PANEL, .clip = clip};
    g->code = lean_weight(l, "embedding", TASKS * CODE, sqrt(3));
    g->w1 = lean_weight(l, "hidden1.w", CODE * HIDDEN, sqrt(6.0 / CODE)),
    g->b1 = lean_weight(l, "hidden1.b", HIDDEN, 0.1);
    g->w2 = lean_weight(l, "hidden2.w", HIDDEN * HIDDEN, sqrt(6.0 / HIDDEN)),
    g->b2 = lean_weight(l, "hidden2.b", HIDDEN, 0.1);
    g->w = lean_weight(l, "generator.w", HIDDEN * total, scale),
    g->b = lean_weight(l, "generator.b", total, bias_scale);
    g->h1 = lean_floats(TASKS * HIDDEN), g->h2 = lean_floats(TASKS * HIDDEN);
    g->g1 = lean_floats(TASKS * HIDDEN), g->g2 = lean_floats(TASKS * HIDDEN);
    g->slab = lean_floats(TASKS * total), g->slab_gradient = lean_floats(TASKS * total);
    g->back = lean_floats(g->panels * TASKS * HIDDEN);
    g->squares = (double *)lean_floats(2 * g->panels);
}
