/* lean_hyper_mlp: bench_hyper_mlp by hand. The generator's last layer goes panel by panel of columns: its gradient is
 * used while it is in the cache, for the norm, for what goes back and, without clipping, for Adam at once. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../numbers.h"
#include "lean.h"

enum { TASKS = 32, SAMPLES = 25, CODE = 32, HIDDEN = 128, IN = 20, UNITS = 64, WAYS = 5 };
enum { W1 = 0, B1 = W1 + IN * UNITS, W2 = B1 + UNITS, B2 = W2 + UNITS * UNITS, W3 = B2 + UNITS, B3 = W3 + UNITS * WAYS,
       TOTAL = B3 + WAYS };
enum { PANEL = 384, PANELS = (TOTAL + PANEL - 1) / PANEL };

static const char *const names[] = {"hyper-mlp", "hyper-mlp-clip", NULL};

typedef struct step {
    lean l;
    float clip;
    lean_param *code, *w1, *b1, *w2, *b2, *generator, *bias;
    const float *x;
    int32_t *y;
    float *h1, *h2, *slab, *slab_gradient, *back, *g2, *g1; /* back: [PANELS, TASKS, HIDDEN] */
    double task_loss[TASKS], squares[PANELS], norm, loss;
    lean_moments moments;
} step;

static int64_t width(int64_t panel) { return panel == PANELS - 1 ? TOTAL - panel * PANEL : PANEL; }

/* ---- forward ---- */

static void hidden(step *s) {
    lean_product(&s->l, 0, &(goss__gemm){.m = TASKS, .n = HIDDEN, .k = CODE, .a = s->code->value, .lda = CODE,
                                         .b = s->w1->value, .ldb = HIDDEN, .c = s->h1, .ldc = HIDDEN});
    lean_bias_relu(s->h1, s->b1->value, TASKS, HIDDEN);
    lean_product(&s->l, 0, &(goss__gemm){.m = TASKS, .n = HIDDEN, .k = HIDDEN, .a = s->h1, .lda = HIDDEN,
                                         .b = s->w2->value, .ldb = HIDDEN, .c = s->h2, .ldc = HIDDEN});
    lean_bias_relu(s->h2, s->b2->value, TASKS, HIDDEN);
}

static void generate(void *context, int64_t panel, int worker) {
    step *s = context;
    const int64_t at = panel * PANEL, n = width(panel);
    lean_product(&s->l, worker, &(goss__gemm){.m = TASKS, .n = n, .k = HIDDEN, .a = s->h2, .lda = HIDDEN,
                                              .b = s->generator->value + at, .ldb = TOTAL, .c = s->slab + at, .ldc = TOTAL});
    for (int t = 0; t < TASKS; t++) lean_bias(s->slab + (int64_t)t * TOTAL + at, s->bias->value + at, 1, n);
}

/* ---- a task: the target network, there and back ---- */

/* Logits become their gradient; the sum of losses comes back. */
static double cross_entropy(float *z, const int32_t *y) {
    double loss = 0;
    for (int i = 0; i < SAMPLES; i++, z += WAYS) {
        float top = z[0], sum = 0;
        for (int c = 1; c < WAYS; c++) top = fmaxf(top, z[c]);
        const float right = z[y[i]] - top;
        for (int c = 0; c < WAYS; c++) z[c] = expf(z[c] - top), sum += z[c];
        loss += (double)(logf(sum) - right);
        for (int c = 0; c < WAYS; c++) z[c] = (z[c] / sum - (c == y[i])) / (TASKS * SAMPLES);
    }
    return loss;
}

/* y[SAMPLES, n] = x[SAMPLES, k] w */
static void apply(const step *s, int worker, const float *x, int k, const float *w, int n, float *y) {
    lean_product(&s->l, worker, &(goss__gemm){.m = SAMPLES, .n = n, .k = k, .a = x, .lda = k, .b = w, .ldb = n, .c = y, .ldc = n});
}

/* gw = x^T gy, gb = column sums of gy; gx = gy w^T where x is positive, if asked for */
static void back(const step *s, int worker, const float *x, int k, const float *w, int n, const float *gy, float *gw, float *gb,
                 float *gx) {
    lean_product(&s->l, worker, &(goss__gemm){.m = k, .n = n, .k = SAMPLES, .ta = true, .a = x, .lda = k, .b = gy, .ldb = n,
                                              .c = gw, .ldc = n});
    lean_column_sums(gy, SAMPLES, n, n, gb);
    if (!gx) return;
    lean_product(&s->l, worker, &(goss__gemm){.m = SAMPLES, .n = k, .k = n, .tb = true, .a = gy, .lda = n, .b = w, .ldb = n,
                                              .c = gx, .ldc = k});
    lean_relu_back(gx, x, SAMPLES * k);
}

static void task(void *context, int64_t t, int worker) {
    step *s = context;
    const float *x = s->x + t * SAMPLES * IN, *w = s->slab + t * TOTAL;
    float *g = s->slab_gradient + t * TOTAL, a1[SAMPLES * UNITS], a2[SAMPLES * UNITS], z[SAMPLES * WAYS], ga[SAMPLES * UNITS],
          gb[SAMPLES * UNITS];
    apply(s, worker, x, IN, w + W1, UNITS, a1);
    lean_bias_relu(a1, w + B1, SAMPLES, UNITS);
    apply(s, worker, a1, UNITS, w + W2, UNITS, a2);
    lean_bias_relu(a2, w + B2, SAMPLES, UNITS);
    apply(s, worker, a2, UNITS, w + W3, WAYS, z);
    lean_bias(z, w + B3, SAMPLES, WAYS);
    s->task_loss[t] = cross_entropy(z, s->y + t * SAMPLES);
    back(s, worker, a2, UNITS, w + W3, WAYS, z, g + W3, g + B3, ga);
    back(s, worker, a1, UNITS, w + W2, UNITS, ga, g + W2, g + B2, gb);
    back(s, worker, x, IN, w + W1, UNITS, gb, g + W1, g + B1, NULL);
}

/* ---- backward ---- */

static void adam_panel(const step *s, int64_t panel) {
    const int64_t at = panel * PANEL, n = width(panel);
    for (int64_t r = 0; r < HIDDEN; r++) lean_adam(&s->moments, s->generator, r * TOTAL + at, n);
    lean_adam(&s->moments, s->bias, at, n);
}

static void generator_back(void *context, int64_t panel, int worker) {
    step *s = context;
    const int64_t at = panel * PANEL, n = width(panel);
    const float *gy = s->slab_gradient + at;
    float *gw = s->generator->gradient + at, *gb = s->bias->gradient + at;
    lean_product(&s->l, worker, &(goss__gemm){.m = TASKS, .n = HIDDEN, .k = n, .tb = true, .a = gy, .lda = TOTAL,
                                              .b = s->generator->value + at, .ldb = TOTAL,
                                              .c = s->back + panel * TASKS * HIDDEN, .ldc = HIDDEN});
    lean_product(&s->l, worker, &(goss__gemm){.m = HIDDEN, .n = n, .k = TASKS, .ta = true, .a = s->h2, .lda = HIDDEN, .b = gy,
                                              .ldb = TOTAL, .c = gw, .ldc = TOTAL});
    lean_column_sums(gy, TASKS, n, TOTAL, gb);
    s->squares[panel] = lean_squares(gw, HIDDEN, n, TOTAL) + lean_squares(gb, 1, n, n);
    if (s->clip == 0) adam_panel(s, panel);
}

/* Gradients of a hidden layer: gy [TASKS, HIDDEN] is masked first. */
static void hidden_back(step *s, const float *x, int k, const float *y, float *gy, lean_param *w, lean_param *b, float *gx) {
    lean_relu_back(gy, y, TASKS * HIDDEN);
    lean_product(&s->l, 0, &(goss__gemm){.m = k, .n = HIDDEN, .k = TASKS, .ta = true, .a = x, .lda = k, .b = gy, .ldb = HIDDEN,
                                         .c = w->gradient, .ldc = HIDDEN});
    lean_column_sums(gy, TASKS, HIDDEN, HIDDEN, b->gradient);
    lean_product(&s->l, 0, &(goss__gemm){.m = TASKS, .n = k, .k = HIDDEN, .tb = true, .a = gy, .lda = HIDDEN, .b = w->value,
                                         .ldb = HIDDEN, .c = gx, .ldc = k});
}

static void small_back(step *s) {
    memcpy(s->g2, s->back, TASKS * HIDDEN * sizeof *s->g2);
    for (int p = 1; p < PANELS; p++)
        for (int i = 0; i < TASKS * HIDDEN; i++) s->g2[i] += s->back[p * TASKS * HIDDEN + i];
    hidden_back(s, s->h1, HIDDEN, s->h2, s->g2, s->w2, s->b2, s->g1);
    hidden_back(s, s->code->value, CODE, s->h1, s->g1, s->w1, s->b1, s->code->gradient);
    double squares = 0;
    for (int p = 0; p < PANELS; p++) squares += s->squares[p];
    for (int i = 0; i < s->l.n_params; i++)
        if (&s->l.param[i] != s->generator && &s->l.param[i] != s->bias)
            squares += lean_squares(s->l.param[i].gradient, 1, s->l.param[i].n, s->l.param[i].n);
    s->norm = sqrt(squares);
}

static void late_adam(void *context, int64_t panel, int worker) { adam_panel(context, panel); }

static void run(void *context) {
    step *s = context;
    s->moments = lean_next_step(&s->l, 1);
    hidden(s);
    goss__pool_run(s->l.pool, PANELS, generate, s);
    goss__pool_run(s->l.pool, TASKS, task, s);
    goss__pool_run(s->l.pool, PANELS, generator_back, s);
    small_back(s);
    if (s->clip > 0) {
        s->moments.scale = s->norm > (double)s->clip ? (float)((double)s->clip / s->norm) : 1;
        goss__pool_run(s->l.pool, PANELS, late_adam, s);
    }
    for (int i = 0; i < s->l.n_params; i++)
        if (&s->l.param[i] != s->generator && &s->l.param[i] != s->bias) lean_adam(&s->moments, &s->l.param[i], 0, s->l.param[i].n);
    s->loss = 0;
    for (int t = 0; t < TASKS; t++) s->loss += s->task_loss[t] / (TASKS * SAMPLES);
}

static void prepare(step *s) {
    lean *l = &s->l;
    s->clip = l->run.which == 1 ? 1 : 0;
    s->code = lean_weight(l, "embedding", TASKS * CODE, sqrt(3));
    s->w1 = lean_weight(l, "hidden1.w", CODE * HIDDEN, sqrt(6.0 / CODE)), s->b1 = lean_weight(l, "hidden1.b", HIDDEN, 0.1);
    s->w2 = lean_weight(l, "hidden2.w", HIDDEN * HIDDEN, sqrt(6.0 / HIDDEN)), s->b2 = lean_weight(l, "hidden2.b", HIDDEN, 0.1);
    s->generator = lean_weight(l, "generator.w", (int64_t)HIDDEN * TOTAL, 0.02);
    s->bias = lean_weight(l, "generator.b", TOTAL, 0.2);
    s->x = lean_input("x", TASKS * SAMPLES * IN, 1.7, 0);
    s->y = (int32_t *)lean_floats(TASKS * SAMPLES);
    numbers_labels("y", WAYS, s->y, TASKS * SAMPLES);
    s->h1 = lean_floats(TASKS * HIDDEN), s->h2 = lean_floats(TASKS * HIDDEN);
    s->g1 = lean_floats(TASKS * HIDDEN), s->g2 = lean_floats(TASKS * HIDDEN);
    s->slab = lean_floats((int64_t)TASKS * TOTAL), s->slab_gradient = lean_floats((int64_t)TASKS * TOTAL);
    s->back = lean_floats((int64_t)PANELS * TASKS * HIDDEN);
}

int main(int argc, char **argv) {
    static step s;
    lean_open(&s.l, argc, argv, names);
    prepare(&s);
    lean_train(&s.l, run, &s, &s.loss, &s.norm);
    return 0;
}
