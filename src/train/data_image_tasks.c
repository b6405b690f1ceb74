/* SPDX-License-Identifier: Apache-2.0 */
/* data_image_tasks.c: images in tasks that are trained together as the data of a run: each task has its classes, and of
 * each class images to train, to validate and to test on. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "meta/settings.h"
#include "train/run.h"

typedef struct image_tasks {
    goss_images *set;
    goss_image_tasks *tasks;
    const char **names; /* [tasks] */
    char *text;         /* goss_image_tasks_text */
} image_tasks;

/* ---- settings ---- */

static goss_status check_tasks(const goss__run_settings *s, goss_error *err) {
    const char *word = s->table.task, *file = s->image_tasks.file;
    if (*file && *word)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "data.tasks = %s and data.task = %s both say what the tasks are: give one of them", file,
                              word);
    if (*word && strcmp(word, "folder") != 0 && strcmp(word, "all") != 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "data.task = %.60s: of images a task is a folder (data.task=folder), all classes "
                              "together (data.task=all), or what a table says (data.tasks=FILE.csv)",
                              word);
    if (s->table.most_support > 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "task.support = %d, but images in tasks (%s) are trained together, without support "
                              "sets: set task.support=0. Episodes of one folder's classes are train.one_alphabet=true "
                              "without data.task",
                              s->table.most_support, *word ? "data.task" : "data.tasks");
    return GOSS_OK;
}

static goss_status check(const goss__run_settings *s, goss_error *err) {
    goss_image_format f;
    GOSS_TRY(goss__run_file_is_there("data.labels", s->images.labels, err));
    GOSS_TRY(goss__run_file_is_there("data.tasks", s->image_tasks.file, err));
    GOSS_TRY(goss__run_file_is_there("data.train_tasks", s->image_tasks.tasks, err));
    GOSS_TRY(goss__run_image_format(s, &f, err));
    return check_tasks(s, err);
}

/* ---- opening ---- */

static void close_tasks(goss__run_data *data) {
    image_tasks *t = data->own;
    if (!t) return;
    goss_image_tasks_free(t->tasks);
    goss_images_close(t->set);
    goss__free(t->names);
    goss_csv_text_free(t->text);
    goss__free(t);
    data->own = NULL;
}

static goss_status take_names(image_tasks *t, goss_data_spec *spec, goss_error *err) {
    const int n = goss_image_tasks_count(t->tasks);
    t->names = goss__calloc((size_t)n + 1, sizeof *t->names);
    if (!t->names) return goss_error_set(err, GOSS_E_NOMEM, "no memory for names");
    for (int i = 0; i < n; i++) t->names[i] = goss_image_tasks_name(t->tasks, i);
    GOSS_TRY(goss_image_tasks_text(t->tasks, &t->text, err));
    spec->task_names = t->names, spec->transform = t->text;
    return GOSS_OK;
}

static goss_status open_train(goss__run_data *d, const image_tasks *t, const goss__run_settings *s, goss_error *err) {
    goss_image_source_options o = goss_image_source_defaults();
    o.queries = s->table.queries, o.shuffle = s->train.tasks > 0;
    o.augment = s->train_episodes.augment, o.elastic = s->train_episodes.elastic, o.mirror = s->train_episodes.mirror;
    o.seed = d->seed;
    return goss_image_tasks_source(t->tasks, &o, &d->source, err);
}

static goss_status open_part(const image_tasks *t, goss_row_part part, goss_task_source *out, goss_error *err) {
    goss_image_source_options o = goss_image_source_defaults();
    o.part = part;
    return goss_image_tasks_source(t->tasks, &o, out, err);
}

static goss_status open_validation(goss__run_data *d, const image_tasks *t, const goss__run_settings *s,
                                   goss_error *err) {
    if (s->validate.every == 0) return GOSS_OK;
    GOSS_TRY(goss_error_prefix(err, open_part(t, GOSS_PART_VALIDATE, &d->validation, err), "validate.every = %lld",
                               (long long)s->validate.every));
    d->judged = (int)d->validation.tasks, d->validates = true;
    return GOSS_OK;
}

static bool tests(const goss__run_data *d) {
    const image_tasks *t = d->own;
    int of = 0;
    for (int i = 0; i < goss_image_tasks_count(t->tasks) && of == 0; i++)
        goss_image_tasks_images(t->tasks, i, GOSS_PART_TEST, NULL, &of);
    return of > 0;
}

static goss_status test(const goss__run_data *d, goss_task_source *out, goss_error *err) {
    return open_part(d->own, GOSS_PART_TEST, out, err);
}

static void describe(goss__run_data *d, const image_tasks *t) {
    const goss_image_format f = goss_images_format(t->set);
    const int n = goss_image_tasks_count(t->tasks);
    int images[3] = {0}, outputs = 0, all = 0;
    for (int i = 0; i < n; i++) {
        outputs += goss_image_tasks_outputs(t->tasks, i);
        for (int p = 0, of; p < 3; p++)
            goss_image_tasks_images(t->tasks, i, (goss_row_part)p, NULL, &of), images[p] += of, all += of;
    }
    snprintf(d->size, sizeof d->size, "%d of %d", all, n);
    snprintf(d->about, sizeof d->about, "%d images of %d tasks", all, n);
    goss__log(GOSS_LOG_INFO,
              "data: %d tasks with %d classes, %d x %d x %d%s; %d images to train, %d to validate, %d to test on", n,
              outputs, f.height, f.width, f.channels, f.invert ? ", inverted" : "", images[0], images[1], images[2]);
}

static goss_status open_tasks(goss__run_data *d, const goss__run_settings *s, const goss__run_place *place,
                              goss_error *err) {
    image_tasks *t = d->own = goss__calloc(1, sizeof *t);
    if (!t) return goss_error_set(err, GOSS_E_NOMEM, "no memory for tasks");
    GOSS_TRY(check_tasks(s, err));
    GOSS_TRY(goss__run_open_images(s, place, GOSS_SPLIT_EACH, &t->set, err));
    GOSS_TRY(goss_image_tasks_open(t->set, &s->image_tasks, &t->tasks, err));
    GOSS_TRY(open_train(d, t, s, err));
    d->spec = goss_data_spec_tasks("images", &d->source.spec);
    d->spec.image = goss_images_format(t->set);
    d->hash = goss_image_tasks_hash(t->tasks);
    GOSS_TRY(take_names(t, &d->spec, err));
    GOSS_TRY(open_validation(d, t, s, err));
    describe(d, t);
    return GOSS_OK;
}

/* ---- what a model notes ---- */

static goss_status mark_part(const image_tasks *t, goss_row_part part, goss_use use, goss_model *m, goss_error *err) {
    size_t all = 0;
    int n;
    for (int i = 0; i < goss_image_tasks_count(t->tasks); i++)
        goss_image_tasks_images(t->tasks, i, part, NULL, &n), all += (size_t)n;
    uint64_t *hash = goss__calloc(all + 1, sizeof *hash);
    if (!hash) return goss_error_set(err, GOSS_E_NOMEM, "no memory for the hashes of %zu images", all);
    all = 0;
    for (int i = 0; i < goss_image_tasks_count(t->tasks); i++) {
        const int32_t *image = goss_image_tasks_images(t->tasks, i, part, NULL, &n);
        for (int k = 0; k < n; k++) hash[all++] = goss_images_sample(t->set, image[k]);
    }
    const goss_status s = goss_model_mark_samples(m, use, hash, all, err);
    goss__free(hash);
    return s;
}

static goss_status mark(const goss__run_data *d, goss_model *m, goss_error *err) {
    const image_tasks *t = d->own;
    char text[64];
    snprintf(text, sizeof text, "%d of %d", goss_image_tasks_count(t->tasks), goss_image_tasks_count(t->tasks));
    GOSS_TRY(goss_model_note(m, "data.trained_tasks", text, err));
    GOSS_TRY(mark_part(t, GOSS_PART_TRAIN, GOSS_USE_TRAIN, m, err));
    return d->validates ? mark_part(t, GOSS_PART_VALIDATE, GOSS_USE_VALIDATE, m, err) : GOSS_OK;
}

static void validated_on(const goss__run_data *d, const goss__run_settings *s, char *out, size_t size) {
    (void)s;
    snprintf(out, size, "images of %d tasks that were kept for it, %s", d->judged, d->metric->name);
}

const goss_image_tasks *goss__data_image_tasks_of(const goss__run_data *d) {
    return d->kind == &goss__data_image_tasks && d->own ? ((const image_tasks *)d->own)->tasks : NULL;
}

const goss__data_kind goss__data_image_tasks = {.name = "image tasks",
                                                .check = check,
                                                .open = open_tasks,
                                                .close = close_tasks,
                                                .tests = tests,
                                                .test = test,
                                                .mark = mark,
                                                .validated_on = validated_on,
                                                .things = "images, tasks or divisions"};
