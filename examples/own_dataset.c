/* SPDX-License-Identifier: Apache-2.0 */
/* own_dataset.c: a data set of one's own. A task is a sine wave, of which a few points are seen (Finn et al. 2017):
 * amplitude 0.1 to 5, phase 0 to pi, x from -5 to 5. The source is `draw` and `waves`; what follows trains
 * hypernetworks and MAML on it, adapts each to 600 new waves, and prints their mean squared errors.
 *
 *     own_dataset [STEPS [POINTS]]      of training (2000); points that are seen of a new wave (10) */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "gossamer/model.h"
#include "gossamer/train.h"

enum { POINTS = 10, QUERIES = 30, NEW = 600, FIRST_NEW = 1 << 30 };
static goss_error err;

static void must(goss_status s) {
    if (s == GOSS_OK) return;
    fprintf(stderr, "%s\n", err.text);
    exit(1);
}

/* Number i of task k, uniform in [0, 1): a pure function of both (SplitMix64). */
static double uniform(uint64_t k, uint64_t i) {
    uint64_t z = k * 0x9e3779b97f4a7c15u + i * 0xbf58476d1ce4e5b9u + 0x94d049bb133111ebu;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u, z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (double)((z ^ z >> 31) >> 11) / 9007199254740992.0;
}

static void draw(const goss_task_source *source, uint64_t k, goss_task *t) {
    double amplitude = 0.1 + 4.9 * uniform(k, 0), phase = 3.14159265358979 * uniform(k, 1);
    t->supports = source->spec.supports, t->queries = source->spec.queries, t->id = -1;
    for (int i = 0; i < t->supports + t->queries; i++) {
        double x = 10 * uniform(k, 2 + (uint64_t)i) - 5;
        int at = i < t->supports ? i : i - t->supports;
        (i < t->supports ? t->support : t->query)[at] = (float)x;
        (i < t->supports ? t->support_target : t->query_target)[at] = (float)(amplitude * sin(x + phase));
    }
}

/* Validation and judging draw from numbers that training never comes to. */
static void draw_new(const goss_task_source *source, uint64_t k, goss_task *t) { draw(source, FIRST_NEW + k, t); }

static goss_task_source waves(int points, bool new) {
    static const float mean = 0, deviation = 2;
    goss_task_source s = {.spec = {.input_rank = 1, .input = {1}, .outputs = 1, .supports = points, .queries = QUERIES},
                          .draw = new ? draw_new : draw};
    must(goss_objective_find("regression", &s.spec.objective, &err));
    s.spec.scale = (goss_target_scale){&mean, &deviation};
    return s;
}

/* Trains as the settings say; the model is DIR/model.safetensors. */
static goss_model *train(const char *dir, const char *const *settings, int points) {
    const goss_task_source seen = waves(points, false), held = waves(points, true);
    const goss_train_tasks tasks = {.kind = "waves", .train = &seen, .validation = &held, .judged = 100};
    char path[300];
    int n;
    goss_config *c;
    goss_model *m;
    const goss_key *keys = goss_train_keys(&n);
    must(goss_config_new(keys, n, &c, &err));
    must(goss_config_set(c, "run.dir", dir, &err));
    for (; *settings; settings++) must(goss_config_override(c, *settings, &err));
    must(goss_train(c, &(goss_train_options){.tasks = &tasks}, NULL, &err));
    goss_config_free(c);
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    must(goss_model_load(path, &m, &err));
    return m;
}

/* The mean squared error on new waves: adapt and predict, compiled once. */
static double judge(const goss_model *m, int points) {
    goss_task_source held = waves(points, true);
    goss_predictor *p;
    double sum = 0;
    must(goss_predictor_of_model(m, &held.spec, NULL, &p, &err));
    for (uint64_t k = 1000; k < 1000 + NEW; k++) {
        float s[POINTS * 2], sy[POINTS * 2], x[QUERIES], y[QUERIES], said[QUERIES];
        goss_task t = {.support = s, .support_target = sy, .query = x, .query_target = y};
        held.draw(&held, k, &t);
        must(goss_predictor_adapt(p, &held, k, &err));
        must(goss_predictor_predict(p, x, QUERIES, said, NULL, &err));
        for (int i = 0; i < QUERIES; i++) sum += pow((double)said[i] - (double)y[i], 2) / QUERIES;
    }
    goss_predictor_free(p);
    return sum / NEW;
}

int main(int argc, char **argv) {
    const int points = argc > 2 ? atoi(argv[2]) : POINTS;
    char steps[40];
    snprintf(steps, sizeof steps, "train.steps=%s", argc > 1 ? argv[1] : "2000");
#define COMMON "model.backbone=dense 40; relu; dense 40; relu", "train.tasks=25", "validate.every=250", steps
    const struct {
        const char *name, *dir;
        const char *settings[12];
    } race[] = {
        {"hypernet", "waves-hypernet", {COMMON, "hyper.rules=*=full", "optimizer.rate=0.002"}},
        {"hypernet, ridge head", "waves-ridge", {COMMON, "method.ridge_head=true", "optimizer.rate=0.005"}},
        {"maml", "waves-maml", {COMMON, "train.method=maml", "method.inner_rate=0.01", "optimizer.rate=0.002"}},
    };
    if (points < 1 || points > 2 * POINTS) return 2;
    printf("mean squared error on %d new waves, %d points seen of each\n", NEW, points);
    for (size_t i = 0; i < sizeof race / sizeof *race; i++) {
        goss_model *m = train(race[i].dir, race[i].settings, points);
        printf("%-22s %.4f\n", race[i].name, judge(m, points));
        fflush(stdout);
        goss_model_free(m);
    }
    return 0;
}
