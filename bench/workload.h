/* SPDX-License-Identifier: Apache-2.0 */
/* workload.h: what the programs of one workload each share: named tensors whose numbers follow from their names
 * (numbers.h), the training step around a loss, and the JSON (serve.h).
 *
 * A workload is its loss and the gradient norm at these numbers, and the loss after one step of Adam: the peers must
 * print the same three before they are timed. These are programs, not a library: an error ends them with its text. */
#ifndef GOSS_BENCH_WORKLOAD_H
#define GOSS_BENCH_WORKLOAD_H

#include "gossamer/exec.h"
#include "gossamer/nn.h"
#include "gossamer/optimizer.h"
#include "serve.h"

#define BENCH_MAX 64

/* Values for a parameter or an input, kept until the program is compiled. */
typedef struct bench_tensor {
    char name[64];
    int64_t numel;
    double scale, offset;
    int ways;                  /* > 0: labels; -1: 0, 1, 2, ... */
    const goss_layout *layout; /* entries named and scaled each by itself */
    void *data;                /* inputs only */
} bench_tensor;

typedef struct bench {
    serving run;
    goss_graph *g;
    goss_extent symbol[BENCH_MAX];
    int64_t maximum[BENCH_MAX];
    bench_tensor input[BENCH_MAX], param[BENCH_MAX];
    goss_optimizer_param trained[BENCH_MAX];
    const char *output_name[BENCH_MAX];
    goss_val output[BENCH_MAX];
    goss_optimizer_result step; /* no updates: forward only */
    int n_symbols, n_inputs, n_params, n_trained, n_outputs;
    const char *bf16; /* parameters kept as bfloat16; NULL: none */
    float rate;
    double compile_ms; /* building the graph, its gradients, compiling */
    goss_schedule *program;
    goss_params *params;
    goss_threads *pool;
    goss_exec *exec;
    goss_error err;
} bench;

/* Reads the command line (serve_open) and begins a graph. */
void bench_open(bench *b, int argc, char **argv, const char *const *names);
/* A symbol that runs at its maximum. */
goss_extent bench_symbol(bench *b, const char *name, int64_t maximum);
goss_val bench_input(bench *b, const char *name, goss_shape shape, double scale, double offset);
goss_val bench_labels(bench *b, const char *name, goss_shape shape, int ways); /* index */
goss_val bench_weight(bench *b, const char *name, goss_shape shape, double scale);
/* The gathered rows [n, width] of a table [rows, width] at 0 .. n-1, trained by rows. */
goss_val bench_table(bench *b, const char *name, int64_t rows, goss_extent n, int64_t width, double scale);
/* All weights of a target as one parameter; each tensor is named and scaled as its entry says. */
goss_weights *bench_target_weights(bench *b, const goss_target *t);
goss_target *bench_target(bench *b, const char *text, const int64_t *input, int rank, int64_t outputs);
/* A dense layer on x[T, N, in] with weights NAME.w and NAME.b. */
goss_val bench_linear(bench *b, const char *name, goss_val x, int64_t in, int64_t out, double scale, double bias_scale);
/* 32 numbers a task -> 128 -> 128 -> layout's total: weights of a target for each task, slab [T, P]. */
goss_val bench_hypernetwork(bench *b, goss_extent tasks, int64_t n_tasks, int64_t total, double scale,
                            double bias_scale);
/* Weights of a target [goss_layout_total]: as wide as He initialisation, gains about 1, the rest small but not zero. */
void bench_fill_layout(const goss_layout *l, float *out);
void bench_output(bench *b, const char *name, goss_val value); /* printed and checked; rank 0 */
/* The gradient of everything declared as weight or table, and a step of Adam; clip 0 is off. */
void bench_train(bench *b, goss_val loss, double clip);
/* Runs, times, prints, frees. flops: of one step, counted without padding taps and elementwise work. */
int bench_run(bench *b, double flops);
#endif
