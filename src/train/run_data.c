/* SPDX-License-Identifier: Apache-2.0 */
/* run_data.c: the table of kinds of data, and what all have in common. */
#include "train/run_data.h"

#include <stdio.h>
#include <string.h>

#include "base/os.h"
#include "gossamer/recommend.h"
#include "gossamer/table.h"
#include "meta/settings.h"

/* By data.kind; auto is by content. */
static const goss__data_kind *const kinds[] = {
    [GOSS__DATA_IMAGES] = &goss__data_images,    [GOSS__DATA_IDX] = &goss__data_images,
    [GOSS__DATA_TABLE] = &goss__data_table,      [GOSS__DATA_ARRAYS] = &goss__data_table,
    [GOSS__DATA_PRIOR] = &goss__data_prior,      [GOSS__DATA_SOUND] = &goss__data_sound,
    [GOSS__DATA_RATINGS] = &goss__data_ratings,  [GOSS__DATA_SERIES] = &goss__data_table,
    [GOSS__DATA_TABLES] = &goss__data_own_tables};

/* Images in tasks of their own, or in classes that episodes are drawn from. */
static const goss__data_kind *images_kind(const goss__run_settings *s) {
    return *s->image_tasks.file || *s->table.task ? &goss__data_image_tasks : &goss__data_images;
}

/* Naming columns of users, items or ratings selects ratings, whatever the file is called. */
static bool names_ratings(const goss__run_settings *s) {
    for (int i = 0; i < GOSS_RATINGS_COLUMNS; i++)
        if (s->ratings.column[i] && *s->ratings.column[i]) return true;
    return s->ratings.items && *s->ratings.items;
}

const goss__data_kind *goss__run_data_kind(const goss__run_settings *s, const goss_train_tasks *own) {
    if (own) return &goss__data_own;
    const goss__data_kind *kind = kinds[s->data.kind];
    if (!kind) kind = names_ratings(s) ? &goss__data_ratings : goss__data_guess(s->data.path);
    if (kind == &goss__data_table && *s->table.text && !*s->table.task) return &goss__data_text;
    return kind == &goss__data_images ? images_kind(s) : kind;
}

goss_status goss__run_file_is_there(const char *key, const char *path, goss_error *err) {
    if (!path || !*path || (goss__path_exists(path) && !goss__is_dir(path))) return GOSS_OK;
    return goss_error_set(err, GOSS_E_IO, "%s: %s: %s", key, path,
                          goss__is_dir(path) ? "is a folder, not a file" : "there is no such file");
}

bool goss__run_sees_descriptors(const goss__run_settings *s) {
    goss__method_settings method;
    return strcmp(s->train.method, "hypernet") == 0 &&
           goss__method_settings_read(s->config, &method, NULL) == GOSS_OK &&
           method.hyper.conditioner & GOSS_CONDITION_DESCRIPTOR;
}

/* Beside those, [regularizer.NAME] graph = side does. */
bool goss__run_reads_descriptors(const goss__run_settings *s) {
    const char *name;
    char key[300];
    if (goss__run_sees_descriptors(s)) return true;
    for (int i = 0; (name = goss_config_section(s->config, "regularizer", i)); i++) {
        snprintf(key, sizeof key, "regularizer.%s.graph", name);
        if (strcmp(goss_config_text(s->config, key), "side") == 0) return true;
    }
    return false;
}

/* For other methods, which may share the configuration, unused_keys.c reports it. */
goss_status goss__run_check_descriptor(const goss__run_settings *s, goss_error *err) {
    const char *file = s->table.descriptor;
    GOSS_TRY(goss__run_file_is_there("data.descriptor", file, err));
    if (!file || !*file || strcmp(s->train.method, "hypernet") != 0 || goss__run_reads_descriptors(s)) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "data.descriptor = %s: nothing reads it; add descriptor to hyper.condition (as "
                          "hyper.condition = %s, descriptor), or leave the file out",
                          file, goss_config_text(s->config, "hyper.condition"));
}

/* Checked first: a missing path has no kind. */
goss_status goss__run_data_is_there(const goss__run_settings *s, goss_error *err) {
    if (!*s->data.path || goss__path_exists(s->data.path)) return GOSS_OK;
    return goss_error_set(err, GOSS_E_IO, "data.path: %s: there is no such file or folder", s->data.path);
}

/* The first of a list, whose others evaluation reports as well. */
static goss_status choose_metric(goss__run_data *d, const char *names, goss_error *err) {
    const goss_objective *o = goss_task_objective(&d->source.spec);
    const goss_metric *m[GOSS_METRICS_MOST];
    int n = 0;
    GOSS_TRY(goss_error_prefix(
        err, d->kind->lists_metrics ? goss_metrics_find(o, d->metrics, m, &n, err) : goss_metric_find(o, names, m, err),
        "task.metric"));
    d->metric = m[0];
    return goss_error_prefix(err, goss_metric_chooses(d->metric, err), "task.metric");
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

goss_status goss__run_refuse_unknown(const goss__run_settings *set, goss_status s, goss_error *err) {
    goss_error why;
    if (s == GOSS_E_INTERRUPTED || s == GOSS_E_NOMEM || set->data.kind != GOSS__DATA_AUTO) return s;
    const goss_status known = goss_train_data_known(set->data.path, &why);
    return known == GOSS_OK ? s : goss_error_set(err, known, "data.path: %s", why.text);
}

goss_status goss__run_data_open(goss__run_data *d, const goss__run_settings *set, const goss__run_place *place,
                                goss_error *err) {
    *d = (goss__run_data){.seed = set->run.seed, .tasks = set->train.tasks, .mixup = set->train.mixup};
    if (!place->tasks) GOSS_TRY(goss__run_data_is_there(set, err));
    d->kind = goss__run_data_kind(set, place->tasks);
    goss_status s = d->kind->open(d, set, place, err);
    if (s != GOSS_OK && !place->tasks) s = goss__run_refuse_unknown(set, s, err);
    d->spec.tokens = d->tokens;
    if (s == GOSS_OK && d->mixup > 0 && d->source.spec.items > 0)
        s = goss_error_set(err, GOSS_E_ARGUMENT, "train.mixup = %g: items are no numbers that can be mixed", d->mixup);
    if (s == GOSS_OK && d->tasks == 0) s = take_all_tasks(d, err);
    if (s == GOSS_OK) s = choose_metric(d, set->metric, err);
    if (s != GOSS_OK) goss__run_data_close(d);
    return s;
}

void goss__run_data_close(goss__run_data *d) {
    goss_task_source_free(&d->source);
    goss_task_source_free(&d->validation);
    if (d->kind) d->kind->close(d);
    *d = (goss__run_data){0};
}

bool goss__run_data_tests(const goss__run_data *d) { return d->kind->tests && d->kind->tests(d); }

goss_status goss__run_data_test(const goss__run_data *d, goss_task_source *out, goss_error *err) {
    *out = (goss_task_source){0};
    if (d->kind->test) return d->kind->test(d, out, err);
    return goss_error_set(
        err, GOSS_E_ARGUMENT,
        "tasks of this kind (%s) have no test samples of their own: look at those of validation or training",
        d->kind->name);
}

void goss__run_data_draw(const goss__run_data *d, uint64_t k, goss__task_pack *pack) {
    const uint64_t first = k * (uint64_t)d->tasks;
    goss__task_pack_draw(pack, &d->source, first, pack->max_tasks < d->tasks ? pack->max_tasks : d->tasks);
    if (d->mixup > 0) goss__task_pack_mix(pack, d->mixup, d->seed, first);
}
