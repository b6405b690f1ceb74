/* SPDX-License-Identifier: Apache-2.0 */
/* workload.c: building a workload's graph from named tensors whose numbers follow from their names. Compiling, timing
 * and printing are in workload_run.c. */
#include "workload.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bench_open(bench *b, int argc, char **argv, const char *const *names) {
    memset(b, 0, sizeof *b);
    serve_open(&b->run, argc, argv, names);
    b->g = goss_graph_new();
    if (!b->g) exit(1);
}

/* ---- tensors ---- */

goss_extent bench_symbol(bench *b, const char *name, int64_t maximum) {
    b->maximum[b->n_symbols] = maximum;
    return b->symbol[b->n_symbols++] = goss_symbol(b->g, name, maximum);
}

/* Elements at the maxima, of shapes whose extents are numbers or one symbol each. */
static int64_t numel(const bench *b, const goss_shape *s) {
    int64_t n = 1;
    for (int i = 0; i < s->rank; i++) {
        n *= s->dim[i].count;
        for (int k = 0; k < b->n_symbols; k++)
            if (s->dim[i].symbols == b->symbol[k].symbols) n *= b->maximum[k];
    }
    return n;
}

static bench_tensor *append(bench_tensor *list, int *n, const char *name) {
    if (*n == BENCH_MAX) {
        fprintf(stderr, "more than %d tensors\n", BENCH_MAX);
        exit(1);
    }
    bench_tensor *t = &list[(*n)++];
    snprintf(t->name, sizeof t->name, "%s", name);
    return t;
}

goss_val bench_input(bench *b, const char *name, goss_shape shape, double scale, double offset) {
    bench_tensor *t = append(b->input, &b->n_inputs, name);
    t->numel = numel(b, &shape), t->scale = scale, t->offset = offset;
    return goss_input(b->g, name, GOSS_REAL, shape);
}

goss_val bench_labels(bench *b, const char *name, goss_shape shape, int ways) {
    bench_tensor *t = append(b->input, &b->n_inputs, name);
    t->numel = numel(b, &shape), t->ways = ways;
    return goss_input(b->g, name, GOSS_INDEX, shape);
}

static void train(bench *b, goss_val param, goss_val wrt, goss_val rows) {
    b->trained[b->n_trained++] = (goss_optimizer_param){.param = param, .gradient = wrt, .rows = rows};
}

goss_val bench_weight(bench *b, const char *name, goss_shape shape, double scale) {
    bench_tensor *t = append(b->param, &b->n_params, name);
    t->numel = numel(b, &shape), t->scale = scale;
    goss_val p = goss_param(b->g, name, shape);
    train(b, p, p, GOSS_NONE);
    return p;
}

goss_val bench_table(bench *b, const char *name, int64_t rows, goss_extent n, int64_t width, double scale) {
    bench_tensor *t = append(b->param, &b->n_params, name);
    t->numel = rows * width, t->scale = scale;
    goss_val table = goss_param(b->g, name, GOSS_SHAPE(goss_n(rows), goss_n(width)));
    goss_val index = bench_labels(b, "rows", GOSS_SHAPE(n), -1), gathered = goss_gather(table, index);
    train(b, table, gathered, index);
    return gathered;
}

goss_weights *bench_target_weights(bench *b, const goss_target *target) {
    bench_tensor *t = append(b->param, &b->n_params, "target");
    t->layout = goss_target_layout(target), t->numel = goss_layout_total(t->layout);
    goss_weights *w = goss_weights_from_params(b->g, t->layout, "target");
    if (!w) exit(1);
    train(b, goss_weights_slab(w), goss_weights_slab(w), GOSS_NONE);
    return w;
}

goss_target *bench_target(bench *b, const char *text, const int64_t *input, int rank, int64_t outputs) {
    goss_target *t = NULL;
    if (goss_target_parse(text, input, rank, outputs, &t, &b->err) == GOSS_OK) return t;
    fprintf(stderr, "%s: %s\n", b->run.workload, b->err.text);
    exit(1);
}

goss_val bench_linear(bench *b, const char *name, goss_val x, int64_t in, int64_t out, double scale,
                      double bias_scale) {
    char w[48], bias[48];
    snprintf(w, sizeof w, "%s.w", name), snprintf(bias, sizeof bias, "%s.b", name);
    goss_val weight = bench_weight(b, w, GOSS_SHAPE(goss_n(1), goss_n(in), goss_n(out)), scale);
    return goss_linear(x, weight, bench_weight(b, bias, GOSS_SHAPE(goss_n(1), goss_n(out)), bias_scale));
}

goss_val bench_hypernetwork(bench *b, goss_extent tasks, int64_t n_tasks, int64_t total, double scale,
                            double bias_scale) {
    goss_val e = bench_table(b, "embedding", n_tasks, tasks, 32, sqrt(3));
    goss_val h = goss_relu(bench_linear(b, "hidden1", goss_unsqueeze(e, 0), 32, 128, sqrt(6.0 / 32), 0.1));
    h = goss_relu(bench_linear(b, "hidden2", h, 128, 128, sqrt(6.0 / 128), 0.1));
    return goss_squeeze(bench_linear(b, "generator", h, 128, total, scale, bias_scale), 0);
}

/* ---- the step ---- */

void bench_output(bench *b, const char *name, goss_val value) {
    b->output_name[b->n_outputs] = name;
    b->output[b->n_outputs++] = value;
}

void bench_train(bench *b, goss_val loss, double clip) {
    goss_val wrt[BENCH_MAX], gradient[BENCH_MAX];
    for (int i = 0; i < b->n_trained; i++) wrt[i] = b->trained[i].gradient;
    bench_output(b, "loss", loss);
    if (goss_grad(loss, wrt, b->n_trained, gradient) != GOSS_OK) return; /* sticky: compiling tells */
    for (int i = 0; i < b->n_trained; i++) b->trained[i].gradient = gradient[i];
    goss_optimizer_options o = goss_optimizer_defaults();
    o.kind = GOSS_ADAM;
    o.clip_norm = clip;
    goss_val rate = goss_input(b->g, "rate", GOSS_REAL, (goss_shape){.rank = 0});
    b->step = goss_optimizer_build(&o, b->trained, b->n_trained, rate);
    bench_output(b, "gradient_norm", b->step.gradient_norm);
}
