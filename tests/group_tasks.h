/* SPDX-License-Identifier: Apache-2.0 */
/* group_tasks.h: linear tasks whose structure is known, as a run's own tasks: those of a group have nearly the same
 * weights, the last ones are of their own. Step k of a run with train.tasks = GROUP_TASKS has all of them, in order. */
#ifndef GOSS_GROUP_TASKS_H
#define GOSS_GROUP_TASKS_H

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "gossamer/model.h"
#include "gossamer/train.h"
#include "scratch.h"
#include "test.h"

enum { GROUP_TASKS = 14, GROUP_LONERS = 2, GROUPS = 3, GROUP_ROWS = 16, GROUP_INPUTS = 6 };

static goss_error err;

/* Settings of a run, ended by NULL; the kind of its section a. */
#define LINES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define KIND(name) "regularizer.a.kind=" name

static inline bool group_is_edge(int s, int t) {
    return s != t && s < GROUP_TASKS - GROUP_LONERS && t < GROUP_TASKS - GROUP_LONERS && s % GROUPS == t % GROUPS;
}

typedef struct group_world {
    uint64_t seed;
    double noise; /* of targets */
    int part;     /* 0: rows that are trained on, 1: others */
    float weight[GROUP_TASKS][GROUP_INPUTS];
} group_world;

static inline void group_make(group_world *w, uint64_t seed, double noise, int part) {
    goss__rng r = goss__rng_make(seed, 0);
    double group[GROUPS][GROUP_INPUTS];
    *w = (group_world){.seed = seed, .noise = noise, .part = part};
    for (int i = 0; i < GROUPS * GROUP_INPUTS; i++) group[i / GROUP_INPUTS][i % GROUP_INPUTS] = goss__rng_normal(&r);
    for (int t = 0; t < GROUP_TASKS; t++)
        for (int d = 0; d < GROUP_INPUTS; d++) {
            const double own = goss__rng_normal(&r);
            w->weight[t][d] = (float)(t < GROUP_TASKS - GROUP_LONERS ? group[t % GROUPS][d] + 0.2 * own : own);
        }
}

static inline void group_draw(const goss_task_source *source, uint64_t k, goss_task *task) {
    const group_world *w = source->context;
    const int t = (int)(k % GROUP_TASKS);
    goss__rng r = goss__rng_make(w->seed + 1 + (uint64_t)w->part, (uint64_t)t);
    task->supports = 0, task->queries = GROUP_ROWS, task->id = t;
    for (int i = 0; i < GROUP_ROWS; i++) {
        double y = w->noise * goss__rng_normal(&r);
        for (int d = 0; d < GROUP_INPUTS; d++) {
            const double x = goss__rng_normal(&r);
            if (task->query) task->query[i * GROUP_INPUTS + d] = (float)x;
            y += x * (double)w->weight[t][d];
        }
        if (task->query_target) task->query_target[i] = (float)y;
    }
    if (!task->descriptor) return;
    const int group = t < GROUP_TASKS - GROUP_LONERS ? t % GROUPS : t;
    task->descriptor[0] = (float)group / GROUP_TASKS, task->descriptor[1] = (float)(group % 2);
}

static inline goss_task_source group_source(group_world *w) {
    static const float mean = 0, deviation = 1;
    goss_task_source s = {.spec = {.input_rank = 1,
                                   .input = {GROUP_INPUTS},
                                   .outputs = 1,
                                   .supports = 0,
                                   .queries = GROUP_ROWS,
                                   .descriptor = 2,
                                   .ids = GROUP_TASKS,
                                   .scale = {&mean, &deviation}},
                          .context = w,
                          .draw = group_draw,
                          .tasks = GROUP_TASKS};
    T_OK(goss_objective_find("regression", &s.spec.objective, &err));
    return s;
}

static const char *const group_names[GROUP_TASKS] = {"t00", "t01", "t02", "t03", "t04", "t05", "t06",
                                                     "t07", "t08", "t09", "t10", "t11", "t12", "t13"};

/* A configuration of these tasks with those overrides; run.dir is `dir` in the scratch folder. */
static inline goss_config *group_config(const char *dir, const char *const *more) {
    static const char *const base[] = {"train.method=hypernet",
                                       "hyper.condition=id",
                                       "hyper.rules=*=full",
                                       "model.backbone=dense 5; tanh",
                                       "train.tasks=14",
                                       "train.steps=30",
                                       "validate.every=10",
                                       "train.log_every=10",
                                       "optimizer.rate=0.02",
                                       "run.threads=1",
                                       NULL};
    int n;
    goss_config *c;
    const goss_key *keys = goss_train_keys(&n);
    T_OK(goss_config_new(keys, n, &c, &err));
    T_OK(goss_config_set(c, "run.dir", scratch(dir), &err));
    for (int i = 0; base[i]; i++) T_OK(goss_config_override(c, base[i], &err));
    for (; more && *more; more++) T_OK(goss_config_override(c, *more, &err));
    return c;
}

static double group_noise = 0.5;                  /* of targets */
static void (*group_change)(goss_task_source *s); /* what else the sources of a run are; NULL: nothing */

/* Trains on the tasks of a seed; the model is in `dir`. */
static inline goss_status group_train(const char *dir, uint64_t seed, const char *const *more,
                                      const goss_train_options *with, goss_train_report *report) {
    static group_world seen, held;
    group_make(&seen, seed, group_noise, 0), group_make(&held, seed, group_noise, 1);
    goss_task_source train = group_source(&seen), validation = group_source(&held);
    if (group_change) group_change(&train), group_change(&validation);
    const goss_train_tasks tasks = {.kind = "groups",
                                    .train = &train,
                                    .validation = &validation,
                                    .judged = GROUP_TASKS,
                                    .hash = seed,
                                    .task_names = group_names};
    goss_train_options o = with ? *with : (goss_train_options){0};
    o.tasks = &tasks;
    goss_config *c = group_config(dir, more);
    const goss_status s = goss_train(c, &o, report, &err);
    goss_config_free(c);
    return s;
}

static inline goss_model *group_model(const char *dir) {
    char path[300];
    goss_model *m;
    snprintf(path, sizeof path, "%s/model.safetensors", scratch(dir));
    T_OK(goss_model_load(path, &m, &err));
    return m;
}

/* A hash of all weights of the model in `dir`. */
static inline uint64_t group_weights(const char *dir) {
    goss_model *m = group_model(dir);
    uint64_t hash = 0;
    for (int i = 0; i < goss_method_params(goss_model_method(m)); i++) {
        const size_t n = (size_t)goss_layout_total(goss_method_param_at(goss_model_method(m), i).layout);
        hash = goss__hash64(goss_model_values(m, i), n * sizeof(float), hash);
    }
    goss_model_free(m);
    return hash;
}

/* The mean of a key's last values in metrics.jsonl; NaN: it is not there. */
static inline double group_mean(const char *dir, const char *key, int last) {
    char path[300], quoted[100], line[8192];
    double all[4096], sum = 0;
    int n = 0;
    snprintf(path, sizeof path, "%s/metrics.jsonl", scratch(dir));
    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    FILE *f = fopen(path, "r");
    while (f && n < 4096 && fgets(line, sizeof line, f)) {
        const char *at = strstr(line, quoted);
        if (at) all[n++] = strtod(at + strlen(quoted), NULL);
    }
    if (f) fclose(f);
    for (int i = n > last ? n - last : 0; i < n; i++) sum += all[i];
    return n ? sum / (n < last ? n : last) : NAN;
}
static inline double group_metric(const char *dir, const char *key) { return group_mean(dir, key, 1); }

/* Removes a run's files, so that the folder can have another. */
static inline bool unlink_run(const char *dir) {
    static const char *const files[] = {"config.ini", "metrics.jsonl", "checkpoint.safetensors", "best.safetensors",
                                        "model.safetensors"};
    char path[300];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", scratch(dir), files[i]);
        (void)unlink(path);
    }
    return rmdir(scratch(dir)) == 0;
}

static inline void group_write(const char *name, const char *text) {
    FILE *f = fopen(scratch(name), "w");
    if (!f || fputs(text, f) < 0 || fclose(f) != 0) T_FAIL("%s is not written", name);
}

/* Root mean square error on other rows of the tasks from `first` on. */
static inline double group_error_of_model(const goss_model *m, uint64_t seed, int first) {
    group_world held;
    group_make(&held, seed, 0, 1); /* what is there without noise */
    goss_task_source source = group_source(&held);
    static float x[GROUP_ROWS * GROUP_INPUTS], y[GROUP_ROWS], out[GROUP_ROWS], d[2];
    double sum = 0;
    int n = 0;
    for (int t = first; t < GROUP_TASKS; t++) {
        goss_task task = {.query = x, .query_target = y, .descriptor = d};
        goss_network *net;
        T_OK(goss_model_adapt_task(m, &source, (uint64_t)t, NULL, NULL, &net, &err));
        source.draw(&source, (uint64_t)t, &task);
        T_OK(goss_network_predict(net, x, GROUP_ROWS, out, NULL, NULL, &err));
        for (int i = 0; i < GROUP_ROWS; i++, n++) sum += (double)(out[i] - y[i]) * (double)(out[i] - y[i]);
        goss_network_free(net);
    }
    return sqrt(sum / n);
}
static inline double group_error_of(const char *dir, uint64_t seed, int first) {
    goss_model *m = group_model(dir);
    const double e = group_error_of_model(m, seed, first);
    goss_model_free(m);
    return e;
}

/* Interrupted and resumed, a run comes to the same bits. */
static volatile sig_atomic_t group_stop;
static inline void group_on_step(void *context, const goss_train_progress *p) { group_stop = p->step >= 13; }

static inline void group_resumes(const char *const *more) {
    static int runs;
    char whole[40], cut[40];
    const goss_train_options o = {.stop = &group_stop, .progress = group_on_step};
    snprintf(whole, sizeof whole, "whole%d", runs), snprintf(cut, sizeof cut, "cut%d", runs++);
    T_OK(group_train(whole, 1, more, NULL, NULL));
    T_EQ(group_train(cut, 1, more, &o, NULL), GOSS_E_INTERRUPTED);
    T_OK(group_train(cut, 1, more, NULL, NULL));
    T_CHECK(group_weights(whole) == group_weights(cut));
    T_NEAR(group_metric(whole, "regularizer.a"), group_metric(cut, "regularizer.a"), 0);
    group_stop = 0;
}

#endif
