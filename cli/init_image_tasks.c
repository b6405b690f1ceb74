/* SPDX-License-Identifier: Apache-2.0 */
/* init_image_tasks.c: a configuration for images in tasks that are trained together (data.task=folder,
 * data.tasks=FILE): how classes are divided, what a step holds and how long it takes, by what is there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gossamer/image_task.h"
#include "init.h"

enum { STEP_IMAGES = 256, LEAST_QUERIES = 4, MOST_QUERIES = 32, ROUNDS = 60 };

bool init_is_image_tasks(const init_plan *p) {
    return *goss_config_text(p->declared, "data.task") || *goss_config_text(p->declared, "data.tasks");
}

/* ---- shares ---- */

static bool has_part(const goss_images *set, goss_split part) {
    for (int c = 0; c < goss_images_classes(set); c++)
        if (goss_images_class_split(set, c) == part) return true;
    return false;
}

/* The first shares that leave every class something in each part. */
static goss_status open_with(const init_plan *p, const goss_images *set, const char *const *shares,
                             goss_image_tasks **out, const char **chosen, goss_error *err) {
    goss_image_tasks_options o = goss_image_tasks_defaults();
    goss_status s = GOSS_E_ARGUMENT;
    o.file = goss_config_text(p->declared, "data.tasks"), o.tasks = goss_config_text(p->declared, "data.train_tasks");
    o.per_class = (int)goss_config_int(p->declared, "data.per_class");
    for (; *shares && s == GOSS_E_ARGUMENT; shares++) {
        memset(o.split, 0, sizeof o.split);
        if (**shares && sscanf(*shares, "%lf,%lf,%lf", &o.split[0], &o.split[1], &o.split[2]) != 3)
            return goss_error_set(err, GOSS_E_ARGUMENT, "data.split: \"%.40s\" is no list of three shares, as .5,.2,.3",
                                  *shares);
        *chosen = *shares;
        s = goss_image_tasks_open(set, &o, out, err);
    }
    return s;
}

static goss_status open_tasks(init_plan *p, const goss_images *set, goss_image_tasks **out, goss_error *err) {
    static const char *const whole[] = {".5,.2,.3", ".5,.25,.25", ".34,.33,.33", NULL},
                             *const test_apart[] = {".8,.2,0", ".5,.5,0", NULL},
                             *const val_apart[] = {".8,0,.2", ".5,0,.5", NULL}, *const all_apart[] = {"", NULL};
    const bool val = has_part(set, GOSS_SPLIT_VAL), test = has_part(set, GOSS_SPLIT_TEST);
    const char *const *shares = val && test ? all_apart : test ? test_apart : val ? val_apart : whole;
    const char *const declared[] = {goss_config_text(p->declared, "data.split"), NULL}, *chosen = "";
    GOSS_TRY(open_with(p, set, *declared[0] ? declared : shares, out, &chosen, err));
    init_set(p, "data.split", "%s", chosen);
    init_mark(p, "data.split",
              val || test ? "folders val and test of the data are taken as they are, the images of train are divided"
                          : "shares of each class's images to train, validate and test on");
    return GOSS_OK;
}

/* ---- what a step holds ---- */

static void set_steps(init_plan *p, const goss_image_tasks *t) {
    const int tasks = goss_image_tasks_count(t);
    int images = 0, least = 1 << 30;
    for (int i = 0, n; i < tasks; i++) {
        goss_image_tasks_images(t, i, GOSS_PART_TRAIN, NULL, &n);
        images += n, least = n < least ? n : least;
    }
    int queries = STEP_IMAGES / tasks;
    queries = queries > MOST_QUERIES ? MOST_QUERIES : queries < LEAST_QUERIES ? LEAST_QUERIES : queries;
    const int64_t rounds = (int64_t)ROUNDS * images / (queries * tasks) / 100 * 100;
    const int steps = (int)(rounds < 500 ? 500 : rounds > 10000 ? 10000 : rounds);
    init_set(p, "train.tasks", "0");
    init_set(p, "task.queries", "%d", queries);
    init_mark(p, "task.queries", "every step has all %d tasks with so many images of each; the smallest has %d", tasks,
              least);
    init_set(p, "train.steps", "%d", steps);
    init_mark(p, "train.steps", "about %lld times through the images; more is better",
              (long long)((int64_t)steps * queries * tasks / images));
    init_set(p, "validate.every", "%d", steps / 10);
}

static void set_method(init_plan *p) {
    const int64_t side = goss_config_int(p->config, "data.height");
    init_set(p, "task.support", "0");
    init_set(p, "train.method", "multitask");
    init_set(p, "share.preset", "hard");
    init_mark(
        p, "share.preset",
        "a trunk that all tasks share and a head for each; alone: a network for each task; gossamer compare tries "
        "several and says which tasks they help");
    if (side >= 16)
        init_set(p, "model.backbone", "conv4 32 group 8");
    else if (side >= 6)
        init_set(p, "model.backbone",
                 "conv 32 3 pad 1; norm group 8; relu; pool max 2; conv 32 3 pad 1; norm group 8; relu; flatten");
    init_set(p, "optimizer.rate", "0.003");
    init_set(p, "optimizer.weight_decay", "0.0005");
    init_set(p, "optimizer.clip_norm", "0");
}

goss_status init_image_tasks(init_plan *p, const goss_images *set, goss_error *err) {
    goss_image_tasks *t;
    int outputs = 0;
    p->unused = NULL;
    GOSS_TRY(open_tasks(p, set, &t, err));
    for (int i = 0; i < goss_image_tasks_count(t); i++) outputs += goss_image_tasks_outputs(t, i);
    set_steps(p, t);
    set_method(p);
    snprintf(p->summary, sizeof p->summary, "%d images in %d tasks with %d classes", goss_images_count(set),
             goss_image_tasks_count(t), outputs);
    goss_image_tasks_free(t);
    return GOSS_OK;
}
