/* SPDX-License-Identifier: Apache-2.0 */
/* workload_run.c: compiles a workload, fills its tensors, checks it and has it timed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "numbers.h"
#include "workload.h"

static void must(bench *b, goss_status s) {
    if (s == GOSS_OK) return;
    fprintf(stderr, "%s: %s\n", b->run.workload, b->err.text[0] ? b->err.text : goss_status_name(s));
    exit(1);
}

/* ---- numbers ---- */

void bench_fill_layout(const goss_layout *l, float *out) {
    for (int i = 0; i < goss_layout_count(l); i++) {
        const goss_entry *e = goss_layout_entry(l, i);
        const double deviation = goss_entry_deviation(e);
        const double scale = e->role == GOSS_ROLE_WEIGHT ? 1.7320508075688772 * deviation : 0.1;
        numbers_reals(e->name, scale, e->role == GOSS_ROLE_GAIN, out + e->offset, e->numel);
    }
}

static void bind_inputs(bench *b) {
    for (int i = 0; i < b->n_inputs; i++) {
        bench_tensor *t = &b->input[i];
        if (!(t->data = malloc((size_t)t->numel * 4))) exit(1);
        if (t->ways)
            numbers_labels(t->name, t->ways, t->data, t->numel);
        else
            numbers_reals(t->name, t->scale, t->offset, t->data, t->numel);
        must(b, goss_exec_bind(b->exec, t->name, t->data, &b->err));
    }
    if (b->step.n_updates) must(b, goss_exec_bind(b->exec, "rate", &b->rate, &b->err));
}

static void fill_params(bench *b) {
    for (int i = 0; i < b->n_params; i++) {
        const bench_tensor *t = &b->param[i];
        const int at = goss_params_find(b->params, t->name);
        if (at < 0 || goss_params_numel(b->params, at) != t->numel) {
            fprintf(stderr, "%s: the program has no parameter %s of %lld numbers\n", b->run.workload, t->name,
                    (long long)t->numel);
            exit(1);
        }
        const bool bf16 = goss_params_is_bf16(b->params, at);
        float *values = bf16 ? malloc((size_t)t->numel * sizeof *values) : goss_params_data(b->params, at);
        if (!values) exit(1);
        if (t->layout)
            bench_fill_layout(t->layout, values);
        else
            numbers_reals(t->name, t->scale, t->offset, values, t->numel);
        if (!bf16) continue;
        goss_params_set(b->params, at, values);
        free(values);
    }
}

/* ---- running ---- */

static void prepare(bench *b) {
    goss_schedule_options o = goss_schedule_defaults();
    o.bf16 = b->bf16;
    must(b, goss_compile(b->g, b->output, b->n_outputs, b->step.updates, b->step.n_updates, &o, &b->program, &b->err));
    b->compile_ms = 1e3 * (serve_now() - b->run.started);
    goss_graph_free(b->g); /* as every step of the library's own does (src/train/step_build.c) */
    must(b, goss_params_new(GOSS_F32, &b->params, &b->err));
    must(b, goss_params_add(b->params, b->program, &b->err));
    must(b, goss_threads_new(b->run.threads, &b->pool, &b->err));
    must(b, goss_exec_new(b->program, b->params, b->pool, &b->exec, &b->err));
    fill_params(b);
    bind_inputs(b);
}

static double output(const bench *b, int i) { return *(const float *)goss_exec_output(b->exec, i, NULL); }

static void print_head(bench *b, double flops) {
    printf("{\"workload\":\"%s\",\"threads\":%d,\"flops\":%.0f,\"compile_ms\":%.3f,\"check\":{", b->run.workload,
           goss_threads_count(b->pool), flops, b->compile_ms);
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

static void step(void *context) {
    bench *b = context;
    must(b, goss_exec_run(b->exec, &b->err));
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
    goss_schedule_free(b->program);
    for (int i = 0; i < b->n_inputs; i++) free(b->input[i].data);
}

int bench_run(bench *b, double flops) {
    prepare(b);
    if (b->run.text) show(b, goss_schedule_text(b->program));
    print_head(b, flops);
    serve(&b->run, step, b);
    if (b->run.profile) show(b, goss_exec_profile(b->exec, b->run.repeats ? 5 : 1, &b->err));
    close_all(b);
    return 0;
}
