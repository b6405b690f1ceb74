/* SPDX-License-Identifier: Apache-2.0 */
/* lean_lstm: bench_lstm by hand: the sequences in as many strips as threads, or a task's with its own weights. */
#include <math.h>
#include <string.h>

#include "../numbers.h"
#include "generator.h"
#include "lstm_pass.h"

enum { CLASSES = 10, STRIPS = 16, TASKS = GENERATOR_TASKS };
static const char *const names[] = {"lstm-64", "lstm-256", "lstm-generated", NULL};

typedef struct step {
    lean l;
    generator g;         /* of lstm-generated */
    int strips, samples; /* a strip */
    lstm_pass pass[TASKS];
    float *logits[TASKS], *gh[TASKS], *gb[TASKS]; /* gh, gb: a strip's gradients of the head */
    const int32_t *y;
    const float *head, *head_b;
    lean_param *w, *u, *b, *hw, *hb;
    double strip_loss[TASKS], loss, norm;
} step;

static void work(void *context, int64_t i, int worker) {
    step *s = context;
    lstm_pass *p = &s->pass[i];
    const float *head = s->head ? s->head : p->b + 4 * p->hidden,
                *head_b = s->head ? s->head_b : head + p->hidden * CLASSES;
    const int all = s->strips * s->samples;
    lstm_forward(&s->l, worker, p);
    lean_multiply(&s->l, worker, p->rows, CLASSES, p->hidden, false, lstm_result(p), false, head, s->logits[i]);
    lean_bias(s->logits[i], head_b, p->rows, CLASSES);
    s->strip_loss[i] = lean_cross_entropy(s->logits[i], s->y + i * p->rows, (int)p->rows, CLASSES, 1.0f / (float)all);
    lean_dense_back(&s->l, worker, (int)p->rows, lstm_result(p), (int)p->hidden, head, CLASSES, s->logits[i], s->gh[i],
                    s->gb[i], p->back_state);
    lstm_back(&s->l, worker, p);
}

static void sum_losses(step *s) {
    s->loss = 0;
    for (int i = 0; i < s->strips; i++) s->loss += s->strip_loss[i] / (s->strips * s->samples);
}

/* ---- shared weights ---- */

static void add_strips(const step *s, lean_param *to, float *const *of) {
    memcpy(to->gradient, of[0], (size_t)to->n * sizeof *to->gradient);
    for (int i = 1; i < s->strips; i++)
        for (int64_t k = 0; k < to->n; k++) to->gradient[k] += of[i][k];
}

static void run_shared(void *context) {
    step *s = context;
    float *gw[STRIPS], *gu[STRIPS], *gb[STRIPS];
    goss__pool_run(s->l.pool, s->strips, work, s);
    for (int i = 0; i < s->strips; i++) gw[i] = s->pass[i].gw, gu[i] = s->pass[i].gu, gb[i] = s->pass[i].gb;
    add_strips(s, s->w, gw), add_strips(s, s->u, gu), add_strips(s, s->b, gb);
    add_strips(s, s->hw, s->gh), add_strips(s, s->hb, s->gb);
    double squares = 0;
    for (int i = 0; i < s->l.n_params; i++) squares += lean_squares(s->l.param[i].gradient, 1, s->l.param[i].n, 0);
    const lean_moments m = lean_next_step(&s->l, 1);
    for (int i = 0; i < s->l.n_params; i++) lean_adam(&m, &s->l.param[i], 0, s->l.param[i].n);
    s->norm = sqrt(squares);
    sum_losses(s);
}

static void prepare_pass(step *s, int i, int64_t steps, int64_t in, int64_t hidden, const float *x) {
    lstm_pass *p = &s->pass[i];
    p->rows = s->samples, p->steps = steps, p->in = in, p->hidden = hidden;
    lstm_prepare(p);
    lstm_turn(p, x + (int64_t)i * s->samples * steps * in);
    s->logits[i] = lean_floats(s->samples * CLASSES);
}

static void shared(step *s, int64_t hidden) {
    enum { BATCH = 64, STEPS = 100 };
    const double scale = sqrt(3.0 / (double)hidden);
    s->strips = s->l.threads < STRIPS ? s->l.threads : STRIPS;
    while (BATCH % s->strips) s->strips--;
    s->samples = BATCH / s->strips;
    s->w = lean_weight(&s->l, "lstm.w", hidden * 4 * hidden, scale),
    s->u = lean_weight(&s->l, "lstm.u", hidden * 4 * hidden, scale);
    s->b = lean_weight(&s->l, "lstm.b", 4 * hidden, 0.1), s->hw = lean_weight(&s->l, "head.w", hidden * CLASSES, scale);
    s->hb = lean_weight(&s->l, "head.b", CLASSES, 0.1);
    s->head = s->hw->value, s->head_b = s->hb->value;
    const float *x = lean_input("x", BATCH * STEPS * hidden, 1.7, 0);
    int32_t *y = (int32_t *)lean_floats(BATCH);
    numbers_labels("y", CLASSES, y, BATCH);
    s->y = y;
    for (int i = 0; i < s->strips; i++) {
        prepare_pass(s, i, STEPS, hidden, hidden, x);
        lstm_pass *p = &s->pass[i];
        p->w = s->w->value, p->u = s->u->value, p->b = s->b->value;
        p->gw = lean_floats(s->w->n), p->gu = lean_floats(s->u->n), p->gb = lean_floats(s->b->n);
        s->gh[i] = lean_floats(s->hw->n), s->gb[i] = lean_floats(CLASSES);
    }
    lean_train(&s->l, run_shared, s, &s->loss, &s->norm);
}

/* ---- generated weights ---- */

static void run_generated(void *context) {
    step *s = context;
    generator_run(&s->g);
    goss__pool_run(s->l.pool, TASKS, work, s);
    generator_back(&s->g);
    sum_losses(s);
}

static void generated(step *s) {
    enum { SAMPLES = 8, STEPS = 50, IN = 16, HIDDEN = 64, GATES = 4 * HIDDEN };
    enum { U = IN * GATES, B = U + HIDDEN * GATES, HEAD = B + GATES, HEAD_B = HEAD + HIDDEN * CLASSES };
    enum { TOTAL = HEAD_B + CLASSES };
    s->strips = TASKS, s->samples = SAMPLES;
    generator_prepare(&s->g, &s->l, TOTAL, 0.02, 0.2, 0);
    const float *x = lean_input("x", TASKS * SAMPLES * STEPS * IN, 1.7, 0);
    int32_t *y = (int32_t *)lean_floats(TASKS * SAMPLES);
    numbers_labels("y", CLASSES, y, TASKS * SAMPLES);
    s->y = y;
    for (int i = 0; i < TASKS; i++) {
        prepare_pass(s, i, STEPS, IN, HIDDEN, x);
        lstm_pass *p = &s->pass[i];
        const float *w = s->g.slab + (int64_t)i * TOTAL;
        float *g = s->g.slab_gradient + (int64_t)i * TOTAL;
        p->w = w, p->u = w + U, p->b = w + B, p->gw = g, p->gu = g + U, p->gb = g + B;
        s->gh[i] = g + HEAD, s->gb[i] = g + HEAD_B;
    }
    lean_train(&s->l, run_generated, s, &s->loss, &s->g.norm);
}

int main(int argc, char **argv) {
    static step s;
    lean_open(&s.l, argc, argv, names);
    if (s.l.run.which == 2)
        generated(&s);
    else
        shared(&s, s.l.run.which ? 256 : 64);
    return 0;
}
