/* SPDX-License-Identifier: Apache-2.0 */
/* test_environment.c: what the environment switches is read once, where a graph is begun or a program compiled: a
 * change between compiling, making a run and running changes no bit and breaks nothing. */
#include <sys/wait.h>
#include <unistd.h>

#include "gossamer/compose.h"
#include "gossamer/log.h"
#include "graph_check.h"

static goss_extent n(int64_t count) { return goss_n(count); }

static goss_status compile_something(goss_error *err) {
    goss_graph *g = goss_graph_new();
    goss_val y = goss_exp(goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(n(3))));
    goss_schedule *p = NULL;
    goss_status s = goss_compile(g, &y, 1, NULL, 0, NULL, &p, err);
    goss_schedule_free(p);
    goss_graph_free(g);
    return s;
}

/* The first test: kernels are chosen once in a process. */
TEST(kernels_that_cannot_run_are_refused_by_name) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        goss_error err = {0};
        setenv("GOSSAMER_ISA", "avx1024", 1);
        const bool right = compile_something(&err) == GOSS_E_ARGUMENT && strstr(err.text, "GOSSAMER_ISA=avx1024: ") &&
                           strstr(err.text, "has the kernels generic") && strstr(err.text, "processor runs generic");
        setenv("GOSSAMER_ISA", "generic", 1); /* too late */
        _exit(right && compile_something(&err) == GOSS_E_ARGUMENT ? 0 : 1);
    }
    int status = 1;
    T_CHECK(child > 0 && waitpid(child, &status, 0) == child);
    T_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* A convolution that Winograd's transform wins, its gradients, a chain, sums and a norm. */
static int build(world *w, goss_val *out) {
    goss_val x = world_normal(w, "x", GOSS_SHAPE(n(1), n(6), n(12), n(12), n(16)));
    goss_val f = world_normal(w, "f", GOSS_SHAPE(n(1), n(3), n(3), n(16), n(16))), mean, var;
    goss_conv_options o = goss_conv_defaults();
    o.pad_top = o.pad_left = o.pad_bottom = o.pad_right = 1;
    goss_val y = goss_conv(x, f, o);
    goss_batch_stats(y, GOSS_NONE, &mean, &var);
    y = goss_max_pool(goss_relu(goss_normalize(y, mean, var, 1e-5)), goss_pool_defaults(2));
    out[0] = goss_mean_all(goss_square(y));
    if (goss_grad(out[0], (goss_val[]){x, f}, 2, out + 1) != GOSS_OK) return 0;
    return 3;
}

static void environment(const char *disabled) {
    if (disabled)
        setenv("GOSSAMER_DISABLE", disabled, 1);
    else
        unsetenv("GOSSAMER_DISABLE");
}

/* Compiled under one environment, run under another. */
static goss_status run_under(const char *compiled, const char *run, world *w) {
    goss_val out[3];
    environment(compiled);
    *w = world_new();
    const int outputs = build(w, out);
    goss_schedule_options o = goss_schedule_defaults();
    GOSS_TRY(goss_compile(w->g, out, outputs, NULL, 0, &o, &w->program, &w->err));
    environment(run);
    w->n_out = outputs, w->precision = GOSS_F32;
    GOSS_TRY(goss_params_new(GOSS_F32, &w->params, &w->err));
    GOSS_TRY(goss_threads_new(2, &w->threads, &w->err));
    GOSS_TRY(goss_exec_new(w->program, w->params, w->threads, &w->exec, &w->err));
    for (int i = 0; i < w->n_in; i++) {
        w->bound[i] = calloc((size_t)w->in_numel[i], sizeof(double));
        GOSS_TRY(goss_exec_bind(w->exec, w->name[i], w->bound[i], &w->err));
    }
    GOSS_TRY(world_run(w));
    environment(NULL);
    return GOSS_OK;
}

TEST(a_change_between_compiling_and_running_changes_nothing) {
    const char *const sets[] = {NULL, "winograd", "fuse-along", "fuse-chain", "all"};
    enum { SETS = sizeof sets / sizeof *sets };
    int differ = 0;
    for (int i = 0; i < SETS; i++) {
        world same;
        if (run_under(sets[i], sets[i], &same) != GOSS_OK) T_FAIL("%s", same.err.text);
        for (int j = 0; j < SETS; j++) {
            world other;
            if (run_under(sets[i], j == i ? "late,nonsense" : sets[j], &other) != GOSS_OK) T_FAIL("%s", other.err.text);
            for (int k = 0; k < 3; k++)
                if (memcmp(same.out[k], other.out[k], (size_t)same.numel[k] * sizeof(double)) != 0)
                    T_FAIL("compiled with \"%s\" and run with \"%s\": output %d is another", sets[i] ? sets[i] : "",
                           sets[j] ? sets[j] : "", k);
            world_free(&other);
        }
        if (i == 1) { /* and so does the test see what is switched */
            world on;
            if (run_under(NULL, NULL, &on) != GOSS_OK) T_FAIL("%s", on.err.text);
            differ = memcmp(same.out[1], on.out[1], (size_t)on.numel[1] * sizeof(double)) != 0;
            world_free(&on);
        }
        world_free(&same);
    }
    T_CHECK(differ);
}

TEST(names_that_switch_nothing_are_errors) {
    goss_error err = {0};
    environment("rewrite,winogrand");
    T_ERR(compile_something(&err), GOSS_E_ARGUMENT, "nothing is called \"winogrand\"; there are batch bf16");
    environment(NULL);
    T_OK(compile_something(&err));
}

static char *text_of(world *w, const char *disable) {
    goss_val out[3];
    goss_schedule_options o = goss_schedule_defaults();
    o.disable = disable;
    *w = world_new();
    if (goss_compile(w->g, out, build(w, out), NULL, 0, &o, &w->program, &w->err) != GOSS_OK) T_FAIL("%s", w->err.text);
    return goss_schedule_text(w->program);
}

TEST(an_option_switches_off_what_the_environment_does) {
    world w[4];
    char *all = text_of(&w[0], NULL), *by_option = text_of(&w[1], "fuse-sum");
    environment("fuse-sum");
    char *by_environment = text_of(&w[2], NULL);
    environment("batch");
    char *both = text_of(&w[3], "fuse-sum");
    environment(NULL);
    T_CHECK(strcmp(all, by_option) != 0);
    T_STR(by_option, by_environment);
    T_CHECK(strstr(by_option, "batched") && !strstr(both, "batched") && !strstr(both, "sum_product"));
    goss_text_free(all), goss_text_free(by_option), goss_text_free(by_environment), goss_text_free(both);
    for (int i = 0; i < 4; i++) world_free(&w[i]);
    goss_schedule_options o = goss_schedule_defaults();
    goss_schedule *p = NULL;
    goss_error err = {0};
    w[0] = world_new();
    goss_val y = goss_exp(goss_input(w[0].g, "x", GOSS_REAL, GOSS_SHAPE(n(3))));
    o.disable = "sink,partition";
    T_ERR(goss_compile(w[0].g, &y, 1, NULL, 0, &o, &p, &err), GOSS_E_ARGUMENT, "disable: partition is mandatory");
    world_free(&w[0]);
}

/* ---- what passes print ---- */

typedef struct lines {
    int after[2], program[2], values, phases, n;
} lines;

static void keep_line(void *ctx, goss_log_level level, const char *line) {
    lines *l = ctx;
    l->n++;
    l->after[0] += strncmp(line, "schedule after place (", 22) == 0;
    l->after[1] += strncmp(line, "schedule after plan-memory (", 28) == 0;
    l->program[0] += strncmp(line, "program after rewrite (", 23) == 0;
    l->program[1] += strncmp(line, "program after merge-taps (", 26) == 0;
    l->values += strncmp(line, "  %0 = input x [1,6,12,12,16]", 29) == 0;
    l->phases += strncmp(line, "phase 0: items", 14) == 0;
}

static lines printed(const char *by_environment, const char *by_option, goss_error *error) {
    lines l = {0};
    goss_val out[3];
    world w = world_new();
    goss_schedule_options o = goss_schedule_defaults();
    o.print = by_option;
    if (by_environment) setenv("GOSSAMER_PRINT", by_environment, 1);
    goss_log_set(keep_line, &l);
    error->status = goss_compile(w.g, out, build(&w, out), NULL, 0, &o, &w.program, error);
    goss_log_set(NULL, NULL);
    unsetenv("GOSSAMER_PRINT");
    world_free(&w);
    return l;
}

TEST(the_schedule_is_printed_after_the_passes_that_are_named) {
    goss_error e = {0};
    T_EQ(printed(NULL, NULL, &e).n, 0);
    const lines place = printed(NULL, "place", &e), last = printed("plan-memory", NULL, &e),
                both = printed("plan-memory", "place", &e), all = printed(NULL, "all", &e);
    T_CHECK(place.after[0] == 1 && place.after[1] == 0 && place.values == 1 && place.phases == 0);
    T_CHECK(last.after[0] == 0 && last.after[1] == 1 && last.phases == 1);
    T_EQ(both.n, place.n + last.n);
    T_CHECK(all.after[0] == 1 && all.after[1] == 1 && all.n > 8 * place.n);
    const lines program = printed("rewrite", NULL, &e);
    T_CHECK(program.program[0] == 1 && program.program[1] == 0 && program.n > 20 && program.after[0] == 0);
    T_CHECK(all.program[0] == 1 && all.program[1] == 1);
    T_EQ(printed("place,plan", NULL, &e).n, 0);
    T_CHECK(
        e.status == GOSS_E_ARGUMENT &&
        strstr(e.text,
               "GOSSAMER_PRINT: no pass is called \"plan\"; there are all program chains rewrite merge-taps place bf16 "
               "fuse"));
}

TEST_MAIN()
