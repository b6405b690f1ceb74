/* SPDX-License-Identifier: Apache-2.0 */
/* serve.c: the command line and the timing of a contender. */
#include "serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gossamer/log.h"

#define BLOCK_SECONDS 0.2
#define BLOCK_STEPS 2000

typedef void (*step_fn)(void *context);

/* The most memory held since the program started. (getrusage would count the parent's from before exec.) */
static double peak_mb(void) {
    char line[256];
    long kb = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "VmHWM: %ld", &kb) == 1) break;
    if (f) fclose(f);
    return (double)kb / 1024;
}

double serve_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- the command line ---- */

static void usage(const char *program, const char *const *names) {
    fprintf(stderr, "usage: %s [--workload NAME] [--threads N] [--repeats N] [--interactive] [--profile] [--text]\n",
            program);
    for (; *names; names++) fprintf(stderr, "  %s\n", *names);
    exit(2);
}

static int find_workload(const char *name, const char *const *names) {
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0) return i;
    return -1;
}

static void print_line(void *context, goss_log_level level, const char *line) { fprintf(stderr, "%s\n", line); }

void serve_open(serving *s, int argc, char **argv, const char *const *names) {
    goss_log_set(print_line, NULL);
    *s = (serving){.repeats = 7};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--interactive") == 0)
            s->interactive = true;
        else if (strcmp(argv[i], "--profile") == 0)
            s->profile = true;
        else if (strcmp(argv[i], "--text") == 0)
            s->text = true;
        else if (strcmp(argv[i], "--threads") == 0)
            s->threads = atoi(value), i++;
        else if (strcmp(argv[i], "--repeats") == 0)
            s->repeats = atoi(value), i++;
        else if (strcmp(argv[i], "--workload") == 0)
            s->which = find_workload(value, names), i++;
        else
            usage(argv[0], names);
    }
    if (s->which < 0 || s->threads < 0 || s->repeats < 0 || s->repeats > 1000) usage(argv[0], names);
    s->workload = names[s->which];
    s->start_mb = peak_mb();
    s->started = serve_now();
}

/* ---- timing ---- */

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *t, int n) {
    qsort(t, (size_t)n, sizeof *t, ascending);
    return n % 2 ? t[n / 2] : 0.5 * (t[n / 2 - 1] + t[n / 2]);
}

/* Milliseconds of a block's steps: the median, what all but one in a hundred stay below, and the mean (where a busy
 * machine makes two kinds of steps, a median knows one of them). */
typedef struct block_times {
    double ms, p99, mean;
} block_times;

static block_times time_block(step_fn step, void *context) {
    static double t[BLOCK_STEPS];
    int n = 0;
    for (double start = serve_now(), last = start; n < BLOCK_STEPS && (n == 0 || last - start < BLOCK_SECONDS);) {
        step(context);
        const double end = serve_now();
        t[n++] = (end - last) * 1e3;
        last = end;
    }
    double sum = 0;
    for (int i = 0; i < n; i++) sum += t[i];
    const double ms = median(t, n); /* sorts t */
    return (block_times){ms, t[(n * 99 + 99) / 100 - 1], sum / n};
}

static void run_repeats(const serving *s, step_fn step, void *context) {
    double t[1000], p99[1000];
    time_block(step, context); /* warm-up */
    for (int i = 0; i < s->repeats; i++) {
        const block_times b = time_block(step, context);
        t[i] = b.ms, p99[i] = b.p99;
    }
    const double ms = median(t, s->repeats); /* sorts t */
    printf(",\"ms\":%.6g,\"ms_least\":%.6g,\"ms_most\":%.6g,\"ms_p99\":%.6g,\"peak_mb\":%.1f,\"start_mb\":%.1f}\n", ms,
           t[0], t[s->repeats - 1], median(p99, s->repeats), peak_mb(), s->start_mb);
}

static void run_on_request(const serving *s, step_fn step, void *context) {
    printf("}\n");
    fflush(stdout);
    for (int c; (c = getchar()) != EOF;) {
        if (c != '\n') continue;
        const block_times b = time_block(step, context);
        printf("{\"ms\":%.6g,\"ms_p99\":%.6g,\"ms_mean\":%.6g,\"peak_mb\":%.1f,\"start_mb\":%.1f}\n", b.ms, b.p99,
               b.mean, peak_mb(), s->start_mb);
        fflush(stdout);
    }
}

void serve(const serving *s, step_fn step, void *context) {
    if (s->interactive)
        run_on_request(s, step, context);
    else if (s->repeats == 0)
        printf("}\n");
    else
        run_repeats(s, step, context);
}
