/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_eval.c: gossamer eval: a model and other methods on the same unseen tasks. Who takes part, and the verb. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "eval.h"
#include "eval_table.h"
#include "eval_test.h"

/* ---- who runs ---- */

/* The next free place, with copies of name and weights. A report tells its rows apart by their names. */
static goss_status place(eval *e, const char *name, const char *weights, eval_runner **out, goss_error *err) {
    if (e->n == EVAL_MOST) return goss_error_set(err, GOSS_E_ARGUMENT, "--methods: more than %d", EVAL_MOST);
    for (int i = 0; i < e->n; i++)
        if (strcmp(e->runner[i].name, name) == 0)
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "--methods: two are called %s; in NAME=FILE the name may be any other", name);
    eval_runner *r = *out = &e->runner[e->n++];
    r->name = strdup(name), r->weights = strdup(weights);
    return r->name && r->weights ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "out of memory");
}

/* A method on the model's own weights. */
static goss_status derive(eval *e, const char *name, goss_error *err) {
    eval_runner *r;
    goss_model *m;
    goss_status s = goss_contender_derive(e->runner[0].model, name, &m, err);
    if (s != GOSS_OK && strpbrk(name, "./"))
        return goss_error_prefix(err, s, "--methods %s: a model file is given as NAME=%s", name, name);
    if (s != GOSS_OK) return goss_error_prefix(err, s, "--methods %s (--methods %s=FILE names a model)", name, name);
    const goss_method *method = goss_model_method(m);
    bool norms = goss_layout_count(goss_target_statistics(goss_method_target(method))) > 0;
    bool support = strcmp(goss_config_text(goss_model_settings(m), "method.norm"), "support") == 0;
    s = place(e, name,
              !goss_method_trains(method) ? "none"
              : norms && support          ? "the model's embedding, support statistics"
                                          : "the model's embedding",
              &r, err);
    if (s == GOSS_OK)
        r->model = m;
    else
        goss_model_free(m);
    return s;
}

/* The word without blanks around it, in place. */
static char *trim(char *word) {
    static const char blanks[] = " \t\n\r";
    word += strspn(word, blanks);
    for (size_t n = strlen(word); n > 0 && strchr(blanks, word[n - 1]); n--) word[n - 1] = 0;
    return word;
}

static goss_status add_runner(eval *e, char *word, goss_error *err) {
    char *name = trim(word), *file = strchr(name, '=');
    eval_runner *r;
    if (file) *file++ = 0, name = trim(name), file = trim(file);
    if (!*name || (file && !*file))
        return goss_error_set(err, GOSS_E_ARGUMENT, "--methods: an empty %s; it is a list as protonet,mine=FILE",
                              *name ? "file name" : "name");
    if (!file && strcmp(name, e->runner[0].name) == 0) return GOSS_OK; /* the model itself is that method */
    if (!file) return derive(e, name, err);
    GOSS_TRY(place(e, name, file, &r, err));
    r->file = true;
    return goss_error_prefix(err, goss_model_load(file, &r->model, err), "--methods %s", name);
}

static goss_status add_tuned(eval *e, goss_error *err) {
    const eval_runner *first = &e->runner[0];
    eval_runner *r;
    char name[100];
    snprintf(name, sizeof name, "%s+finetune%d", first->name, e->fine_tune);
    GOSS_TRY(place(e, name, first->weights, &r, err));
    r->model = first->model, r->fine_tune = e->fine_tune;
    return GOSS_OK;
}

/* Takes the model. */
static goss_status gather(eval *e, goss_model *m, const char *path, goss_error *err) {
    eval_runner *r;
    goss_status s = place(e, goss_method_name(goss_model_method(m)), path, &r, err);
    r->model = m, r->file = true;
    if (s == GOSS_OK && e->fine_tune > 0) s = add_tuned(e, err);
    if (s != GOSS_OK || !e->methods) return s;
    char *list = strdup(e->methods), *rest = list, *word;
    if (!list) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    while (s == GOSS_OK && (word = strsep(&rest, ","))) s = add_runner(e, word, err);
    free(list);
    return s;
}

/* ---- the verb ---- */

static void show(void *context, int which, int done, int episodes) {
    const eval *e = context;
    fprintf(stderr, "\r\033[K%s: %d of %d episodes", e->runner[which].name, done, episodes);
    if (done == episodes) fprintf(stderr, "\r\033[K");
    fflush(stderr);
}

static goss_status judge(eval *e, goss_score *scores, goss_error *err) {
    goss_contender contenders[EVAL_MOST];
    goss_evaluate_options o = goss_evaluate_defaults();
    for (int i = 0; i < e->n; i++)
        contenders[i] = (goss_contender){.model = e->runner[i].model,
                                         .fine_tune = e->runner[i].fine_tune,
                                         .sampler = e->view[e->runner[i].view].sampler};
    o.episodes = e->episodes;
    GOSS_TRY(goss_threads_new(e->threads, &o.threads, err));
    if (isatty(STDERR_FILENO)) o.progress = show, o.context = e;
    goss_status s = goss_evaluate(contenders, e->n, e->view[0].sampler, &o, scores, NULL, err);
    goss_threads_free(o.threads);
    return s;
}

static goss_status run(eval *e, goss_model *first, const char *model, goss_error *err) {
    goss_score scores[EVAL_MOST];
    GOSS_TRY(gather(e, first, model, err));
    GOSS_TRY(eval_open(e, err));
    GOSS_TRY(judge(e, scores, err));
    (e->json ? eval_print_json : eval_print_table)(e, scores);
    return GOSS_OK;
}

/* ---- folds ---- */

/* Nothing is trained here: what is to be run, as it could be copied. */
static int print_folds(int64_t folds, const char *run, const char *data, const char *support) {
    printf("# Each fold is trained on the tasks of the others:\n");
    for (int64_t i = 1; i <= folds; i++)
        printf("gossamer train %s --fold %lld/%lld run.dir=runs/fold%lld\n", run, (long long)i, (long long)folds,
               (long long)i);
    printf("# Judged together, each task by the model that has not seen it:\ngossamer eval");
    for (int64_t i = 1; i <= folds; i++) printf(" runs/fold%lld/model.safetensors", (long long)i);
    printf(" --data %s --support %s\n", data ? data : "DATA", support ? support : "N");
    return cli_close_stdout();
}

/* ---- images or tables ---- */

/* An option that only one of them has. A value that was not given is NULL, or false. */
typedef struct one_kind {
    const char *name;
    const char *const *text;
    const bool *flag;
} one_kind;

static void refuse_options(const cli_verb *v, const one_kind *o, int n, const char *of, const char *model) {
    for (int i = 0; i < n; i++)
        if (o[i].text ? *o[i].text != NULL : *o[i].flag)
            cli_usage(v, "--%s is for models of %s, and %s is none", o[i].name, of, model);
}

/* What is kept apart is as the model's run has divided it: nothing is left to choose. */
static void refuse_with_split(const cli_verb *v, const one_kind *o, int n) {
    for (int i = 0; i < n; i++)
        if ((o[i].text ? *o[i].text != NULL : *o[i].flag) && strcmp(o[i].name, "metric") != 0)
            cli_usage(v, "--%s has no meaning with --split test: the run of the model says what is judged", o[i].name);
}

static int run_images(eval *e, goss_model *first, const char *model) {
    goss_error err;
    const int status = run(e, first, model, &err) == GOSS_OK ? cli_close_stdout() : cli_fail(&err);
    eval_close(e);
    return status;
}

int cmd_eval(int argc, char **argv) {
    eval e = {.spec = goss_episode_spec_defaults()};
    eval_table t = {.seed = 1};
    const char *ways = NULL, *shots = NULL, *queries = NULL, *episodes = NULL, *seed = NULL, *fine_tune = NULL,
               *threads = NULL, *support = NULL, *repeats = NULL, *folds = NULL, *split = NULL, *strengths = NULL;
    const cli_option options[] = {
        {"data", "DATA", "what to judge on: images in classes (folder, .zip, idx), or a table (csv, ...; folder, .zip)",
         &e.data, NULL},
        {"split", "test", "the samples that MODEL's own run kept apart inside of its tasks (data.split)", &split, NULL},
        {"allow-seen", NULL, "judge on what was trained on, too, and say so", NULL, &e.allow_seen},
        {"methods", "A,B=FILE,...",
         "race these too. Tables: ridge, mean-ridge, nearest, line, mean, joint, finetune, scratch; any other\n"
         "                           with a file of its own (NAME=FILE; again for further folds). Images: pixels, "
         "scratch;\n"
         "                           protonet, ridge, finetune on the model's embedding; any other with a file",
         &e.methods, NULL},
        {"fine-tune", "STEPS", "the model once more with gradient steps on each support set", &fine_tune, NULL},
        {"strength", "NAME=VALUE,...",
         "a MODEL that was conditioned on strengths of [regularizer.NAME] (weight = conditioned) at these", &strengths,
         NULL},
        {"shots", "K", "images: labelled ones a class (1)", &shots, NULL},
        {"seed", "S", "what is drawn depends on S alone (1)", &seed, NULL},
        {"threads", "N", "(all)", &threads, NULL},
        {"json", NULL, "one JSON object instead of a table", NULL, &e.json},
        {"support", "N", "tables: labelled rows of each task; all its other rows are predicted", &support, NULL},
        {"order", "ORDER", "tables: random; first: in the file's order; COLUMN: ascending (the model's task.order)",
         &t.order, NULL},
        {"repeats", "R", "tables: support sets of each task (5; 1 where rows have an order)", &repeats, NULL},
        {"tasks", "FILE", "tables: only the tasks that FILE names, one a line", &t.tasks_file, NULL},
        {"metric", "NAME", "tables: another than the model's task.metric", &t.metric_name, NULL},
        {"descriptor", "FILE", "tables: a row a task, for models that want one", &t.descriptors, NULL},
        {"folds", "N", "tables: nothing is judged; prints the commands that train N folds and judge them", &folds,
         NULL},
        {"labels", "FILE", "idx: the file of labels, where it is not beside DATA", &e.labels, NULL},
        {"classes", "FILE", "images: only the classes that FILE names, one a line", &e.classes, NULL},
        {"unseen", NULL, "images: leave out classes with images that a model was trained on", NULL, &e.unseen},
        {"ways", "N", "images: classes an episode (5)", &ways, NULL},
        {"queries", "Q", "images: a class to be classified (15)", &queries, NULL},
        {"episodes", "E", "images: (1000)", &episodes, NULL},
        {"rotations", NULL, "images: copies turned by 90, 180, 270 degrees are classes of their own", NULL,
         &e.spec.rotations},
        {"distinct-faces", NULL, "images: support and query show different faces of a class", NULL,
         &e.spec.distinct_faces},
        {"one-alphabet", NULL, "images: all classes of an episode are of one alphabet, at most --ways", NULL,
         &e.spec.one_alphabet},
        {"cache", "DIR", "images: keep the decoded ones there; a run's folder has them already", &e.cache, NULL},
        {"skip-bad", NULL, "images: leave out those that cannot be read, with a warning", NULL, &e.skip_bad},
    };
    const one_kind of_tables[] = {{"support", &support, NULL},      {"order", &t.order, NULL},
                                  {"repeats", &repeats, NULL},      {"tasks", &t.tasks_file, NULL},
                                  {"metric", &t.metric_name, NULL}, {"descriptor", &t.descriptors, NULL}};
    const one_kind of_images[] = {{"labels", &e.labels, NULL},
                                  {"classes", &e.classes, NULL},
                                  {"unseen", NULL, &e.unseen},
                                  {"ways", &ways, NULL},
                                  {"shots", &shots, NULL},
                                  {"queries", &queries, NULL},
                                  {"episodes", &episodes, NULL},
                                  {"rotations", NULL, &e.spec.rotations},
                                  {"distinct-faces", NULL, &e.spec.distinct_faces},
                                  {"one-alphabet", NULL, &e.spec.one_alphabet},
                                  {"cache", &e.cache, NULL},
                                  {"skip-bad", NULL, &e.skip_bad}};
    const one_kind of_both[] = {{"seed", &seed, NULL}, {"fine-tune", &fine_tune, NULL}};
    const cli_verb v = {
        .name = "eval",
        .usage = "MODEL [MODEL2 ...] --data DATA [options], or MODEL --split test [--data DATA]",
        .doc =
            "Judges MODEL on tasks it was not trained on, with 95 % intervals: on random tasks of unseen classes of\n"
            "images, or on every unseen task of a table. Several models of tables are folds: each task is judged by\n"
            "those that have not seen it. All methods see the same tasks; differences to the first one are paired. No\n"
            "method looks at more than one query at a time. --split test judges on the tasks that MODEL was trained\n"
            "on, by the samples of them that its run kept apart, and others as --methods NAME=FILE beside it.",
        .options = options,
        .n_options = sizeof options / sizeof *options,
        .min_words = 0,
        .max_words = -1};
    const int words = cli_parse(&v, argc, argv);
    if (words < 0) return cli_close_stdout();
    if (folds)
        return print_folds(cli_int(&v, "folds", folds, 0, 2, 1000), words ? argv[1] : "RUN.ini", e.data, support);
    if (words == 0) cli_usage(&v, "MODEL is missing");
    if (split && strcmp(split, "test") != 0) cli_usage(&v, "--split %s: only test is kept apart for judging", split);
    if (split && words > 1) cli_usage(&v, "--split test judges one MODEL; --methods NAME=FILE races others");
    if (split && e.allow_seen) cli_usage(&v, "--split test and --allow-seen: one of them");
    if (split) {
        refuse_with_split(&v, of_tables, sizeof of_tables / sizeof *of_tables);
        refuse_with_split(&v, of_images, sizeof of_images / sizeof *of_images);
        refuse_with_split(&v, of_both, sizeof of_both / sizeof *of_both);
    }
    if (!split && !e.data && words > 1)
        cli_usage(&v, "\"%s\" is an extra argument, and --data DATA is missing", argv[2]);
    if (!split && !e.data) cli_usage(&v, "--data is missing");
    if (e.unseen && e.allow_seen) cli_usage(&v, "--unseen and --allow-seen: one of them");
    e.spec.ways = (int)cli_int(&v, "ways", ways, 5, 2, 1 << 20);
    e.spec.shots = (int)cli_int(&v, "shots", shots, 1, 1, 1 << 20);
    e.spec.queries = (int)cli_int(&v, "queries", queries, 15, 1, 1 << 20);
    e.spec.seed = t.seed = (uint64_t)cli_int(&v, "seed", seed, 1, 0, INT64_MAX);
    e.episodes = (int)cli_int(&v, "episodes", episodes, 1000, 1, 100000000);
    e.fine_tune = t.fine_tune = (int)cli_int(&v, "fine-tune", fine_tune, 0, 0, 100000);
    e.threads = t.threads = (int)cli_int(&v, "threads", threads, 0, 0, 1024);
    t.support = (int)cli_int(&v, "support", support, 0, 1, 1 << 30);
    t.repeats = (int)cli_int(&v, "repeats", repeats, 0, 1, 1000000);
    t.data = e.data, t.methods = e.methods, t.allow_seen = e.allow_seen, t.json = e.json;
    goss_error err;
    goss_model *first;
    cli_log_to_stderr();
    if (goss_model_load(argv[1], &first, &err) != GOSS_OK) return cli_fail(&err);
    if (cli_set_strengths(first, strengths, &err) != GOSS_OK) {
        goss_model_free(first);
        return cli_fail(&err);
    }
    if (split) {
        eval_test test = {.data = e.data, .methods = e.methods, .metric_name = t.metric_name, .threads = e.threads};
        test.json = e.json;
        return eval_test_run(&test, first);
    }
    if (strcmp(goss_model_data(first)->kind, "table") == 0) {
        refuse_options(&v, of_images, sizeof of_images / sizeof *of_images, "images", argv[1]);
        if (!support) cli_usage(&v, "--support is missing: how many labelled rows of each task a method sees");
        return eval_table_run(&t, first, argv + 1, words);
    }
    refuse_options(&v, of_tables, sizeof of_tables / sizeof *of_tables, "tables", argv[1]);
    if (words > 1) cli_usage(&v, "several models: only those of tables are folds; --methods NAME=FILE races others");
    return run_images(&e, first, argv[1]);
}
