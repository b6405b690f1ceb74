/* SPDX-License-Identifier: Apache-2.0 */
/* run_data.c: the table of kinds of data, and what all have in common. */
#include "train/run_data.h"

#include <string.h>

#include "base/os.h"
#include "gossamer/table.h"

static const struct {
    const char *word; /* data.kind */
    const goss__data_kind *kind;
} kinds[] = {{"images", &goss__data_images},
             {"idx", &goss__data_images},
             {"table", &goss__data_table},
             {"arrays", &goss__data_table}};

/* Images in tasks of their own, or in classes that episodes are drawn from. */
static const goss__data_kind *images_kind(const goss_config *c) {
    const bool tasks = *goss_config_text(c, "data.tasks") || *goss_config_text(c, "data.task");
    return tasks ? &goss__data_image_tasks : &goss__data_images;
}

static const goss__data_kind *kind_of_word(const goss_config *c) {
    const char *word = goss_config_text(c, "data.kind");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(word, kinds[i].word) == 0) return kinds[i].kind;
    return goss_table_is(goss_config_text(c, "data.path")) ? &goss__data_table : &goss__data_images;
}

const goss__data_kind *goss__run_data_kind(const goss_config *c, const goss_train_tasks *own) {
    if (own) return &goss__data_own;
    const goss__data_kind *kind = kind_of_word(c);
    return kind == &goss__data_images ? images_kind(c) : kind;
}

goss_status goss__run_file_is_there(const goss_config *c, const char *key, goss_error *err) {
    const char *path = goss_config_text(c, key);
    if (!*path || (goss__path_exists(path) && !goss__is_dir(path))) return GOSS_OK;
    return goss_error_set(err, GOSS_E_IO, "%s: %s: %s", key, path,
                          goss__is_dir(path) ? "is a folder, not a file" : "there is no such file");
}

static goss_status choose_metric(goss__run_data *d, const goss_config *c, goss_error *err) {
    const goss_objective *o = goss_task_objective(&d->source.spec);
    return goss_error_prefix(err, goss_metric_find(o, goss_config_text(c, "task.metric"), &d->metric, err),
                             "task.metric");
}

/* train.tasks = 0: row t of a step is task t. */
static goss_status take_all_tasks(goss__run_data *d, goss_error *err) {
    if (d->source.tasks <= 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "train.tasks = 0 is every training task in each step, but these tasks (%s) are drawn "
                              "without an end: say how many a step has",
                              d->kind->name);
    if (d->source.tasks > 100000)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "train.tasks = 0 is every training task in each step, and there are %lld: at most 100000",
                              (long long)d->source.tasks);
    d->tasks = (int)d->source.tasks;
    return GOSS_OK;
}

goss_status goss__run_data_open(goss__run_data *d, const goss_config *c, const goss__run_place *place,
                                goss_error *err) {
    *d = (goss__run_data){.seed = (uint64_t)goss_config_int(c, "run.seed"),
                          .tasks = (int)goss_config_int(c, "train.tasks")};
    d->kind = goss__run_data_kind(c, place->tasks);
    goss_status s = d->kind->open(d, c, place, err);
    if (s == GOSS_OK && d->tasks == 0) s = take_all_tasks(d, err);
    if (s == GOSS_OK) s = choose_metric(d, c, err);
    if (s != GOSS_OK) goss__run_data_close(d);
    return s;
}

void goss__run_data_close(goss__run_data *d) {
    goss_task_source_free(&d->source);
    goss_task_source_free(&d->validation);
    if (d->kind) d->kind->close(d);
    *d = (goss__run_data){0};
}

goss_status goss__run_data_test(const goss__run_data *d, goss_task_source *out, goss_error *err) {
    *out = (goss_task_source){0};
    if (d->kind->test) return d->kind->test(d, out, err);
    return goss_error_set(err, GOSS_E_ARGUMENT, "tasks of this kind (%s) have no test samples of their own",
                          d->kind->name);
}

void goss__run_data_draw(const goss__run_data *d, uint64_t k, goss__task_pack *pack) {
    goss__task_pack_draw(pack, &d->source, k * (uint64_t)d->tasks,
                         pack->max_tasks < d->tasks ? pack->max_tasks : d->tasks);
}
