/* SPDX-License-Identifier: Apache-2.0 */
/* bench_baselines: how long baselines take to fit (goss_baselines_fit). Usage: bench_baselines TASKS ROWS INPUTS
 * CLASSES [THREADS], ROWS of each task, CLASSES 0: numbers. Inputs are normal, or, of 1,000 inputs and more, 20 counts
 * a row as of words. Prints {"tasks":,"rows":,"inputs":,"classes":,"seconds":,"cpu_seconds":,"work":}. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "gossamer/baseline.h"

enum { WORDS = 20, WIDE = 1000 };

static uint64_t state = 88172645463325252u;

static double uniform(void) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (double)(state >> 11) / 9007199254740992.0;
}

static double normal(void) { return sqrt(-2 * log(uniform() + 1e-300)) * cos(6.283185307179586 * uniform()); }

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void fill_row(double *x, int inputs) {
    if (inputs < WIDE)
        for (int j = 0; j < inputs; j++) x[j] = normal();
    else
        for (int k = 0; k < WORDS; k++) x[(size_t)(uniform() * inputs)] += 1;
}

/* The largest of a few linear functions, with constants of the task's own; or their first. */
static double target_of(const double *x, int inputs, int classes, const double *w, const double *own) {
    double best = -INFINITY, at = 0;
    for (int c = 0; c < (classes ? classes : 1); c++) {
        double sum = own[c] + normal() / 2;
        for (int j = 0; j < inputs; j++) sum += x[j] * w[(size_t)c * (size_t)inputs + (size_t)j];
        if (sum > best) best = sum, at = c;
    }
    return classes ? at : best;
}

static void make(goss_rows *tasks, int n, int rows, int inputs, int classes) {
    const size_t outputs = classes ? (size_t)classes : 1;
    double *w = calloc(outputs * (size_t)inputs, sizeof *w), *own = calloc(outputs, sizeof *own);
    for (size_t i = 0; i < outputs * (size_t)inputs; i++) w[i] = normal() / sqrt(inputs < WIDE ? inputs : WORDS);
    for (int k = 0; k < n; k++) {
        double *x = calloc((size_t)rows * (size_t)inputs, sizeof *x), *y = calloc((size_t)rows, sizeof *y);
        for (size_t c = 0; c < outputs; c++) own[c] = normal();
        for (int i = 0; i < rows; i++) {
            fill_row(x + (size_t)i * (size_t)inputs, inputs);
            y[i] = target_of(x + (size_t)i * (size_t)inputs, inputs, classes, w, own);
        }
        tasks[k] = (goss_rows){.n = rows, .x = x, .y = y};
    }
    free(w), free(own);
}

int main(int argc, char **argv) {
    if (argc < 5 || argc > 6) {
        fputs("usage: bench_baselines TASKS ROWS INPUTS CLASSES [THREADS]\n", stderr);
        return 2;
    }
    const int n = atoi(argv[1]), rows = atoi(argv[2]);
    goss_baselines_options o = goss_baselines_defaults();
    o.width = atoi(argv[3]), o.classes = atoi(argv[4]), o.threads = argc > 5 ? atoi(argv[5]) : 0;
    goss_rows *tasks = calloc((size_t)n, sizeof *tasks);
    goss_baselines *b;
    goss_error err;
    make(tasks, n, rows, o.width, o.classes);
    const double begin = seconds();
    const clock_t cpu = clock();
    if (goss_baselines_fit(tasks, n, &o, &b, &err) != GOSS_OK) {
        fprintf(stderr, "bench_baselines: %s\n", err.text);
        return 1;
    }
    printf(
        "{\"tasks\":%d,\"rows\":%d,\"inputs\":%d,\"classes\":%d,\"seconds\":%.2f,\"cpu_seconds\":%.2f,\"work\":%.3g}\n",
        n, rows, o.width, o.classes, seconds() - begin, (double)(clock() - cpu) / CLOCKS_PER_SEC,
        goss_baselines_work(tasks, n, &o));
    goss_baselines_free(b);
    for (int k = 0; k < n; k++) free((double *)tasks[k].x), free((double *)tasks[k].y);
    free(tasks);
    return 0;
}
