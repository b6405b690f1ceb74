/* SPDX-License-Identifier: Apache-2.0 */
/* tiny_run.h: training runs on the tiny set, for tests: a configuration with overrides, in a folder of the scratch one.
 */
#ifndef GOSS_TINY_RUN_H
#define GOSS_TINY_RUN_H

#include "gossamer/train.h"
#include "test.h"
#include "tiny_set.h"

static goss_error err;

/* A configuration of the tiny set with those overrides; run.dir is `dir` in the scratch folder. */
static inline goss_config *config(const char *dir, const char *const *more) {
    static const char *const base[] = {"data.height=8",
                                       "data.width=8",
                                       "data.invert=no",
                                       "model.backbone=mlp 32 16",
                                       "train.steps=60",
                                       "train.ways=5",
                                       "train.queries=4",
                                       "train.tasks=2",
                                       "validate.every=15",
                                       "validate.episodes=20",
                                       "validate.ways=3",
                                       "validate.queries=4",
                                       "data.hold_out=0.3",
                                       "train.log_every=5",
                                       "run.threads=2",
                                       "optimizer.rate=0.01",
                                       NULL};
    int n;
    goss_config *c;
    const goss_key *keys = goss_train_keys(&n);
    char pair[400];
    if (goss_config_new(keys, n, &c, &err) != GOSS_OK) return NULL;
    goss_status s = GOSS_OK;
    for (int i = 0; base[i] && s == GOSS_OK; i++) s = goss_config_override(c, base[i], &err);
    snprintf(pair, sizeof pair, "data.path=%s", tiny_set());
    if (s == GOSS_OK) s = goss_config_override(c, pair, &err);
    snprintf(pair, sizeof pair, "run.dir=%s", tiny_path(dir));
    if (s == GOSS_OK) s = goss_config_override(c, pair, &err);
    for (int i = 0; more && more[i] && s == GOSS_OK; i++) s = goss_config_override(c, more[i], &err);
    if (s == GOSS_OK) return c;
    printf("  %s\n", err.text);
    goss_config_free(c);
    return NULL;
}

static inline goss_status train(const char *dir, const char *const *more, const goss_train_options *o,
                                goss_train_report *report) {
    goss_config *c = config(dir, more);
    if (!c) return GOSS_E_ARGUMENT;
    goss_status s = goss_train(c, o, report, &err);
    goss_config_free(c);
    return s;
}

static inline const char *model_of(const char *dir) {
    char name[128];
    snprintf(name, sizeof name, "%s/model.safetensors", dir);
    return tiny_path(name);
}

/* A stop at a step, as a signal would give it. */
static volatile sig_atomic_t stop;
static int64_t stop_at;
static inline void stop_at_step(void *context, const goss_train_progress *p) { stop = p->step >= stop_at; }

#endif
