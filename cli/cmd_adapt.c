/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_adapt.c: gossamer adapt: a few labelled samples of a task become a network file. What a kind of data does with
 * its support set is in its own file (data_kinds.h). */
#include <stdio.h>
#include <string.h>

#include "gossamer/file.h"
#include "gossamer/image_task.h"
#include "gossamer/table_network.h"
#include "agents.h"
#include "data_kinds.h"
#include "structures.h"

/* ---- a task that was trained on, by its name ---- */

static goss_status find_task(const goss_data_spec *d, const adapt_request *q, int64_t *id, goss_error *err) {
    for (*id = 0; d->task_names && *id < d->task.ids; ++*id)
        if (strcmp(d->task_names[*id], q->task) == 0) return GOSS_OK;
    const bool some = d->task_names && d->task.ids > 0;
    return goss_error_set(err, GOSS_E_ARGUMENT, "--task %.100s: %s was not trained on a task of that name%s%.60s%s",
                          q->task, q->model, some ? "; gossamer inspect shows them (" : "",
                          some ? d->task_names[0] : "", some ? ", ...)" : "");
}

static goss_status adapt_known(const goss_model *m, const adapt_request *q, goss_network **out, goss_error *err) {
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

static goss_status adapt_shown(const goss_model *m, const adapt_request *q, const cli_verb *verb, goss_network **out,
                               goss_error *err) {
    const cli_kind *kind;
    GOSS_TRY(cli_kind_of(goss_model_data(m), q->model, &kind, err));
    cli_refuse_other_kinds(verb, kind, q->model);
    if (!q->support && kind->bit != KIND_RATINGS) cli_usage(verb, "--support is missing (or --task NAME)");
    if (kind->adapt) return kind->adapt(m, q, out, err);
    return goss_error_set(err, GOSS_E_UNSUPPORTED, "%s: its data is of kind \"%s\", and this command cannot adapt it",
                          q->model, kind->name);
}

static goss_status check_limits(const goss_model *m, const adapt_request *q, goss_error *err) {
    const goss_space_budget *b = &q->o.budget;
    const bool bytes = b->bytes && !goss_table_network_is(m); /* which have no structures, but ranks */
    const char *option = bytes ? "--budget" : b->macs ? "--max-macs" : b->ram ? "--max-ram" : NULL;
    return option ? cli_need_structures(m, q->model, option, err) : GOSS_OK;
}

static goss_status adapt(const adapt_request *q, const cli_verb *verb, goss_error *err) {
    goss_model *m = NULL;
    goss_network *n = NULL;
    goss_status s = goss_output_check(q->out, GOSS_OUTPUT_MODEL,
                                      (const char *[]){q->model, q->support, q->labels, q->descriptor}, 4, err);
    if (s == GOSS_OK && (s = goss_model_load(q->model, &m, err)) != GOSS_OK) cli_model_missing(q->model);
    if (s == GOSS_OK) s = check_limits(m, q, err);
    if (s == GOSS_OK) s = cli_set_strengths(m, q->strengths, err);
    if (s == GOSS_OK) s = q->task ? adapt_known(m, q, &n, err) : adapt_shown(m, q, verb, &n, err);
    if (s == GOSS_OK && cli_has_structures(m)) s = cli_tell_costs(n, err);
    if (s == GOSS_OK && q->o.precision != GOSS_WEIGHTS_F32) cli_tell_precision(n);
    if (s == GOSS_OK && !goss_network_note_of(n, "model.file")) s = goss_network_note(n, "model.file", q->model, err);
    if (s == GOSS_OK) s = goss_network_save(n, q->out, err);
    goss_network_free(n);
    goss_model_free(m);
    return s;
}

int cmd_adapt(int argc, char **argv) {
    goss_error absent;
    if (cli_has_agent(argc, argv)) return cli_adapt_agent(argc, argv);
    if (cli_model_is_absent(argc, argv, &absent)) return cli_fail(&absent);
    adapt_request q = {0};
    const cli_option options[] = {
        CLI_TEXT("support", "DATA", &q.support,
                 "labelled images or sounds, a folder per class (images: or a .zip); or a table: the rows (texts, "
                 "ratings) of one "
                 "task"),
        CLI_TEXT("task", "NAME", &q.task, "instead of a support set: the name of a task that MODEL was trained on"),
        CLI_TEXT_OF(KIND_IMAGES, "labels", "FILE", &q.labels,
                    "idx: the file of labels, if it is not beside the images"),
        CLI_TEXT_OF(KIND_TABLES | KIND_RATINGS, "descriptor", "FILE", &q.descriptor,
                    "table, ratings: the task's or person's row, for a model conditioned on descriptors (ratings: "
                    "--support may then be left out)"),
        CLI_TEXT_OF(KIND_ANY_TABLE, "target", "COLUMN", &q.table.target,
                    "any table: the column to predict (the last one)"),
        CLI_TEXT_OF(KIND_ANY_TABLE, "ignore", "A,B", &q.table.ignore, ANY_TABLE_IGNORE),
        CLI_TEXT_OF(KIND_ANY_TABLE, "categorical", "A,B", &q.table.categorical, ANY_TABLE_CATEGORICAL),
        CLI_TEXT_OF(KIND_ANY_TABLE, "missing", "A,B", &q.table.missing, ANY_TABLE_MISSING),
        CLI_TEXT_OF(KIND_ANY_TABLE, "objective", "WORD", &q.objective,
                    "any table: classification or regression (by the column's values)"),
        CLI_TEXT("o", "NET", &q.out, "the network file to write"),
        CLI_FORM("fine-tune", "STEPS", cli_read_fine_tune, &q.o.fine_tune,
                 "gradient steps on the support set after generation (0); auto: by its held-out samples"),
        CLI_FORM("budget", "BYTES", cli_bytes_form, &q.o.budget.bytes,
                 "for a model that generates structures, and of any table: most bytes of the network's tensors, as 8KB "
                 "(KB = 1024)"),
        CLI_FORM("max-macs", "N", cli_count_form, &q.o.budget.macs,
                 "generated structures: most multiply-accumulates for one sample, as 200k"),
        CLI_FORM("max-ram", "BYTES", cli_bytes_form, &q.o.budget.ram,
                 "generated structures: most bytes of activations for one sample"),
        CLI_FORM("precision", "TYPE", cli_precision_form, &q.o.precision,
                 "int8: the network's weights take 8 bits each, and a scale an output (f32)"),
        CLI_INT("networks", "N", &q.o.networks, "", 1, GOSS_METHOD_MAX_NETWORKS,
                "size of the ensemble, for a model with hyper.noise (as in training), or tables (1)"),
        CLI_FLAG_OF(KIND_ANY_TABLE, "no-estimate", &q.no_estimate,
                    "any table: does not say how good the network is on rows held out (which takes four more of them)"),
        CLI_FLAG_OF(KIND_ANY_TABLE, "distil", &q.distil,
                    "any table: the ensemble (of 8, or N; of a number 2) becomes one network by gradient steps"),
        CLI_TEXT("strength", "NAME=VALUE,...", &q.strengths,
                 "of regularisers that MODEL was conditioned on ([regularizer.NAME] weight = conditioned)"),
        CLI_FLAG_OF(KIND_IMAGES | KIND_SOUNDS, "skip-bad", &q.skip_bad,
                    "skip images or sounds that cannot be read, with a warning"),
    };
    const cli_verb v = {
        .name = "adapt",
        .usage = "MODEL --support DATA | --task NAME -o NET [options]",
        .doc =
            "Turns a few labelled images, sounds or texts of unseen classes into a network that classifies them, or a "
            "few\n"
            "labelled rows of a new task (with or without the task column) into one that predicts its other rows, or\n"
            "a few ratings of a new user into one that ranks items.\nA model "
            "trained on tables of a prior (tables comes with the program) does so with the rows of any table.\nNET is "
            "self-contained: gossamer predict NET IMAGE..., NET SOUND..., NET TABLE, or NET --top N (ratings)",
        .options = options,
        .n_options = sizeof options / sizeof *options,
        .min_words = 1,
        .max_words = 1};
    if (cli_parse(&v, argc, argv) < 0) return cli_close_stdout();
    if (!q.support && !q.task && !q.descriptor) cli_usage(&v, "--support is missing (or --task NAME)");
    if (q.support && q.task) cli_usage(&v, "--support and --task: one of them");
    if (q.task && q.descriptor) cli_usage(&v, "--task and --descriptor: one of them");
    if (!q.out) cli_usage(&v, "-o is missing");
    char path[CLI_MODEL_PATH];
    q.model = cli_model_path(argv[1], path), q.out = cli_output(q.out);
    goss_error err;
    cli_log_once_to_stderr();
    if (adapt(&q, &v, &err) != GOSS_OK) return cli_fail(&err);
    cli_put_path(q.out);
    return cli_close_stdout();
}
