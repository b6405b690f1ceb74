/* workload_run.c: compiles a workload, fills its tensors, checks and times it.
 *
 * A timing is the median step of a block of at least BLOCK_SECONDS; `--repeats` blocks, or with `--interactive` one for
 * each line on stdin, so that bench/race.py can let several contenders take turns. Timed steps have a learning rate of
 * RATE_TIMED, which changes no weight: every block does the same work, and nothing decays into denormals. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "workload.h"

#define BLOCK_SECONDS 0.2
#define BLOCK_STEPS 2000
#define RATE_CHECKED 1e-4f
#define RATE_TIMED 1e-9f

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void must(bench *b, goss_status s) {
    if (s == GOSS_OK) return;
    fprintf(stderr, "%s: %s\n", b->workload, b->err.text[0] ? b->err.text : goss_status_name(s));
    exit(1);
}

/* ---- numbers ---- */

static uint32_t hash_name(const char *s) {
    uint32_t h = 2166136261u;
    for (; *s; s++) h = (h ^ (unsigned char)*s) * 16777619u;
    return h;
}

static uint32_t hash_element(uint32_t name, int64_t i) {
    uint32_t h = name ^ (uint32_t)i * 0x9E3779B9u;
    h = (h ^ h >> 16) * 0x85EBCA6Bu;
    h = (h ^ h >> 13) * 0xC2B2AE35u;
    return h ^ h >> 16;
}

static void fill_reals(const char *name, double scale, double offset, float *out, int64_t n) {
    const uint32_t key = hash_name(name);
    for (int64_t i = 0; i < n; i++)
        out[i] = (float)(offset + scale * (2 * (double)(hash_element(key, i) >> 8) / 16777216.0 - 1));
}

/* Weights of a target: as wide as He initialisation, gains about 1, the rest small but not zero. */
static void fill_layout(const goss_layout *l, float *out) {
    for (int i = 0; i < goss_layout_count(l); i++) {
        const goss_entry *e = goss_layout_entry(l, i);
        const double deviation = goss_entry_deviation(e);
        const double scale = e->role == GOSS_ROLE_WEIGHT ? 1.7320508075688772 * deviation : 0.1;
        fill_reals(e->name, scale, e->role == GOSS_ROLE_GAIN, out + e->offset, e->numel);
    }
}

static void fill_indices(const bench_tensor *t, int32_t *out) {
    const uint32_t key = hash_name(t->name);
    for (int64_t i = 0; i < t->numel; i++)
        out[i] = (int32_t)(t->ways < 0 ? i : hash_element(key, i) % (uint32_t)t->ways);
}

static void bind_inputs(bench *b) {
    for (int i = 0; i < b->n_inputs; i++) {
        bench_tensor *t = &b->input[i];
        if (!(t->data = malloc((size_t)t->numel * 4))) exit(1);
        if (t->ways)
            fill_indices(t, t->data);
        else
            fill_reals(t->name, t->scale, t->offset, t->data, t->numel);
        must(b, goss_exec_bind(b->exec, t->name, t->data, &b->err));
    }
    if (b->step.n_updates) must(b, goss_exec_bind(b->exec, "rate", &b->rate, &b->err));
}

static void fill_params(bench *b) {
    for (int i = 0; i < b->n_params; i++) {
        const bench_tensor *t = &b->param[i];
        const int at = goss_params_find(b->params, t->name);
        if (at < 0 || goss_params_numel(b->params, at) != t->numel) {
            fprintf(stderr, "%s: the program has no parameter %s of %lld numbers\n", b->workload, t->name,
                    (long long)t->numel);
            exit(1);
        }
        if (t->layout)
            fill_layout(t->layout, goss_params_data(b->params, at));
        else
            fill_reals(t->name, t->scale, t->offset, goss_params_data(b->params, at), t->numel);
    }
}

/* ---- running ---- */

static void prepare(bench *b) {
    must(b,
         goss_compile(b->g, b->output, b->n_outputs, b->step.updates, b->step.n_updates, NULL, &b->program, &b->err));
    must(b, goss_params_new(GOSS_F32, &b->params, &b->err));
    must(b, goss_params_add(b->params, b->program, &b->err));
    must(b, goss_threads_new(b->threads, &b->pool, &b->err));
    must(b, goss_exec_new(b->program, b->params, b->pool, &b->exec, &b->err));
    fill_params(b);
    bind_inputs(b);
}

static double output(const bench *b, int i) { return *(const float *)goss_exec_output(b->exec, i, NULL); }

static void print_head(bench *b, double flops) {
    printf("{\"workload\":\"%s\",\"threads\":%d,\"flops\":%.0f,\"check\":{", b->workload, goss_threads_count(b->pool),
           flops);
    b->rate = RATE_CHECKED;
    must(b, goss_exec_run(b->exec, &b->err));
    for (int i = 0; i < b->n_outputs; i++) printf("%s\"%s\":%.8g", i ? "," : "", b->output_name[i], output(b, i));
    if (b->step.n_updates) {
        must(b, goss_exec_run(b->exec, &b->err));
        printf(",\"next_loss\":%.8g", output(b, 0));
    }
    printf("}");
    b->rate = RATE_TIMED;
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *t, int n) {
    qsort(t, (size_t)n, sizeof *t, ascending);
    return n % 2 ? t[n / 2] : 0.5 * (t[n / 2 - 1] + t[n / 2]);
}

/* Milliseconds of the block's median step. */
static double time_block(bench *b) {
    static double t[BLOCK_STEPS];
    int n = 0;
    for (double start = now(), last = start; n < BLOCK_STEPS && (n == 0 || last - start < BLOCK_SECONDS);) {
        must(b, goss_exec_run(b->exec, &b->err));
        const double end = now();
        t[n++] = (end - last) * 1e3;
        last = end;
    }
    return median(t, n);
}

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

static void run_repeats(bench *b) {
    double t[1000];
    time_block(b); /* warm-up */
    for (int i = 0; i < b->repeats; i++) t[i] = time_block(b);
    const double ms = median(t, b->repeats); /* sorts t */
    printf(",\"ms\":%.6g,\"ms_least\":%.6g,\"ms_most\":%.6g,\"peak_mb\":%.1f}\n", ms, t[0], t[b->repeats - 1],
           peak_mb());
}

static void run_on_request(bench *b) {
    printf("}\n");
    fflush(stdout);
    for (int c; (c = getchar()) != EOF;) {
        if (c != '\n') continue;
        const double ms = time_block(b);
        printf("{\"ms\":%.6g,\"peak_mb\":%.1f}\n", ms, peak_mb());
        fflush(stdout);
    }
}

/* Prints a text of the library's to stderr and frees it. */
static void show(bench *b, char *text) {
    if (!text) must(b, GOSS_E_NOMEM);
    fputs(text, stderr);
    goss_text_free(text);
}

static void close_all(bench *b) {
    goss_exec_free(b->exec);
    goss_threads_free(b->pool);
    goss_params_free(b->params);
    goss_program_free(b->program);
    goss_graph_free(b->g);
    for (int i = 0; i < b->n_inputs; i++) free(b->input[i].data);
}

int bench_run(bench *b, double flops) {
    prepare(b);
    if (b->text) show(b, goss_program_text(b->program));
    print_head(b, flops);
    if (b->interactive)
        run_on_request(b);
    else
        run_repeats(b);
    if (b->profile) show(b, goss_exec_profile(b->exec, 5, &b->err));
    close_all(b);
    return 0;
}
