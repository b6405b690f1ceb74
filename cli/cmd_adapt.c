/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_adapt.c: gossamer adapt: a folder of labelled images, or the rows of a task, become a network file. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "gossamer/file.h"
#include "gossamer/image_task.h"
#include "gossamer/model.h"
#include "table_net.h"

static void tell(const goss_network *n, int images) {
    char members[64] = "a network";
    if (goss_network_members(n) > 1)
        snprintf(members, sizeof members, "an ensemble of %d networks", goss_network_members(n));
    fprintf(stderr, "%d images of %d classes became %s of %lld weights\n", images, goss_network_classes(n), members,
            (long long)goss_layout_total(goss_target_layout(goss_network_target(n))));
}

/* Of a tree with train/ and test/ above its classes only train/ is shown. */
static goss_status open_support(const goss_model *m, const char *path, const char *labels, bool skip_bad,
                                goss_images **out, goss_error *err) {
    goss_images_options o = goss_images_options_defaults();
    o.split = GOSS_SPLIT_TRAIN, o.skip_bad = skip_bad, o.labels = labels;
    GOSS_TRY(goss_model_open_images(m, path, &o, out, err));
    return goss_images_need_classes(*out, path, 2, err);
}

typedef struct request {
    const char *model, *support, *task, *labels, *descriptor, *out, *strengths;
    goss_adapt_options o;
    bool skip_bad;
} request;

static goss_status adapt_images(const goss_model *m, const request *q, goss_network **out, goss_error *err) {
    goss_images *set = NULL;
    if (q->descriptor)
        return goss_error_set(err, GOSS_E_ARGUMENT, "--descriptor is for models of tables, and %s is of images",
                              q->model);
    goss_status s = open_support(m, q->support, q->labels, q->skip_bad, &set, err);
    if (s == GOSS_OK) s = goss_model_adapt(m, set, &q->o, out, err);
    if (s == GOSS_OK) tell(*out, goss_images_count(set));
    goss_images_close(set);
    return s;
}

static goss_status adapt_table(const goss_model *m, const request *q, goss_network **out, goss_error *err) {
    if (q->labels || q->skip_bad)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s is for models of images, and %s is of a table",
                              q->labels ? "--labels" : "--skip-bad", q->model);
    return cli_adapt_table(m, q->support, q->descriptor, &q->o, out, err);
}

/* ---- a task that was trained on, by its name ---- */

static goss_status find_task(const goss_data_spec *d, const request *q, int64_t *id, goss_error *err) {
    for (*id = 0; d->task_names && *id < d->task.ids; ++*id)
        if (strcmp(d->task_names[*id], q->task) == 0) return GOSS_OK;
    const bool some = d->task_names && d->task.ids > 0;
    return goss_error_set(err, GOSS_E_ARGUMENT, "--task %.100s: %s was not trained on a task of that name%s%.60s%s",
                          q->task, q->model, some ? "; gossamer inspect shows them (" : "",
                          some ? d->task_names[0] : "", some ? ", ...)" : "");
}

static goss_status adapt_known(const goss_model *m, const request *q, goss_network **out, goss_error *err) {
    const goss_data_spec *d = goss_model_data(m);
    char **names = NULL;
    int outputs = 0;
    int64_t id;
    GOSS_TRY(find_task(d, q, &id, err));
    if (d->task.task_classes && d->transform)
        GOSS_TRY(goss_image_task_names(d->transform, q->task, &names, &outputs, err));
    goss_status s = goss_model_adapt_known(m, id, outputs, (const char *const *)names, &q->o, out, err);
    goss_image_names_free(names);
    if (s == GOSS_OK) s = goss_network_note(*out, "support.task", q->task, err);
    if (s == GOSS_OK)
        cli_tell("task %s became a network of %lld weights", q->task,
                 (long long)goss_layout_total(goss_target_layout(goss_network_target(*out))));
    return s;
}

static goss_status adapt_shown(const goss_model *m, const request *q, goss_network **out, goss_error *err) {
    return (cli_is_table_model(goss_model_data(m)) ? adapt_table : adapt_images)(m, q, out, err);
}

static goss_status adapt(const request *q, goss_error *err) {
    goss_model *m = NULL;
    goss_network *n = NULL;
    goss_status s = goss_output_check(q->out, (const char *[]){q->model, q->support, q->labels, q->descriptor}, 4, err);
    if (s == GOSS_OK) s = goss_model_load(q->model, &m, err);
    if (s == GOSS_OK) s = cli_set_strengths(m, q->strengths, err);
    if (s == GOSS_OK) s = (q->task ? adapt_known : adapt_shown)(m, q, &n, err);
    if (s == GOSS_OK) s = goss_network_note(n, "model.file", q->model, err);
    if (s == GOSS_OK) s = goss_network_save(n, q->out, err);
    goss_network_free(n);
    goss_model_free(m);
    return s;
}

/* A number of steps, or auto. */
static goss_status read_fine_tune(const char *text, void *to, goss_error *err) {
    static const goss_key steps = {
        .name = "", .type = GOSS_KEY_INT, .fallback = "0", .max = 100000, .field = {GOSS_FIELD_INT, 0}};
    int n = GOSS_FINE_TUNE_AUTO;
    if (strcmp(text, "auto") != 0) GOSS_TRY(goss_key_parse(&steps, text, &n, err));
    if (to) *(int *)to = n;
    return GOSS_OK;
}

int cmd_adapt(int argc, char **argv) {
    request q = {0};
    const cli_option options[] = {
        CLI_TEXT("support", "DIR_OR_ZIP", &q.support,
                 "labelled images, a folder per class; or a table: the rows of one task"),
        CLI_TEXT("task", "NAME", &q.task, "instead of a support set: the name of a task that MODEL was trained on"),
        CLI_TEXT("labels", "FILE", &q.labels, "idx: the file of labels, if it is not beside the images"),
        CLI_TEXT("descriptor", "FILE", &q.descriptor,
                 "table: the task's descriptor row, for a model conditioned on descriptors"),
        CLI_TEXT("o", "NET", &q.out, "the network file to write"),
        CLI_FORM("fine-tune", "STEPS", read_fine_tune, &q.o.fine_tune,
                 "gradient steps on the support set after generation (0); auto: by its held-out samples"),
        CLI_INT("networks", "N", &q.o.networks, "", 1, GOSS_METHOD_MAX_NETWORKS,
                "size of the ensemble, for a model with hyper.noise (as in training)"),
        CLI_TEXT("strength", "NAME=VALUE,...", &q.strengths,
                 "of regularisers that MODEL was conditioned on ([regularizer.NAME] weight = conditioned)"),
        CLI_FLAG("skip-bad", &q.skip_bad, "skip images that cannot be read, with a warning"),
    };
    const cli_verb v = {
        .name = "adapt",
        .usage = "MODEL --support DIR_OR_ZIP | --task NAME -o NET [--fine-tune STEPS] [--networks N] [--skip-bad]",
        .doc = "Turns a few labelled images of unseen classes into a network that classifies them, or a few labelled "
               "rows of\na new task (with or without the task column) into one that predicts its other rows.\nNET is "
               "self-contained: gossamer predict NET IMAGE... or NET TABLE",
        .options = options,
        .n_options = sizeof options / sizeof *options,
        .min_words = 1,
        .max_words = 1};
    if (cli_parse(&v, argc, argv) < 0) return cli_close_stdout();
    if (!q.support && !q.task) cli_usage(&v, "--support is missing (or --task NAME)");
    if (q.support && q.task) cli_usage(&v, "--support and --task: one of them");
    if (!q.out) cli_usage(&v, "-o is missing");
    q.model = argv[1], q.out = cli_output(q.out);
    goss_error err;
    cli_log_to_stderr();
    if (adapt(&q, &err) != GOSS_OK) return cli_fail(&err);
    cli_put_path(q.out);
    return cli_close_stdout();
}
