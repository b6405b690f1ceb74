/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_eval.c: gossamer eval: a model and other methods on the same unseen tasks. Who takes part, and the verb. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "eval.h"

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

static goss_status gather(eval *e, const char *path, goss_error *err) {
    eval_runner *r;
    goss_model *m;
    GOSS_TRY(goss_model_load(path, &m, err));
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

static goss_status run(eval *e, const char *model, goss_error *err) {
    goss_score scores[EVAL_MOST];
    GOSS_TRY(gather(e, model, err));
    GOSS_TRY(eval_open(e, err));
    GOSS_TRY(judge(e, scores, err));
    (e->json ? eval_print_json : eval_print_table)(e, scores);
    return GOSS_OK;
}

int cmd_eval(int argc, char **argv) {
    eval e = {.spec = goss_episode_spec_defaults()};
    const char *ways = NULL, *shots = NULL, *queries = NULL, *episodes = NULL, *seed = NULL, *fine_tune = NULL,
               *threads = NULL;
    const cli_option options[] = {
        {"data", "DATA", "folder, .zip or idx file of images in classes", &e.data, NULL},
        {"labels", "FILE", "idx: the file of labels, where it is not beside DATA", &e.labels, NULL},
        {"classes", "FILE", "only the classes that FILE names, one a line", &e.classes, NULL},
        {"unseen", NULL, "leave out classes with images that a model was trained on", NULL, &e.unseen},
        {"allow-seen", NULL, "judge on them, too, and say so; without either they are refused", NULL, &e.allow_seen},
        {"ways", "N", "classes an episode (5)", &ways, NULL},
        {"shots", "K", "labelled images a class (1)", &shots, NULL},
        {"queries", "Q", "images a class to be classified (15)", &queries, NULL},
        {"episodes", "E", "(1000)", &episodes, NULL},
        {"seed", "S", "episode k depends on S and k alone (1)", &seed, NULL},
        {"rotations", NULL, "copies turned by 90, 180, 270 degrees are classes of their own", NULL, &e.spec.rotations},
        {"distinct-faces", NULL, "support and query show different faces of a class", NULL, &e.spec.distinct_faces},
        {"one-alphabet", NULL, "all classes of an episode are of one alphabet, at most --ways", NULL,
         &e.spec.one_alphabet},
        {"methods", "A,B=FILE,...",
         "race these too: pixels, scratch; protonet, ridge, finetune on the model's embedding, each\n"
         "                           with its own default settings; any other, or NAME=FILE, with a model file of its "
         "own",
         &e.methods, NULL},
        {"fine-tune", "STEPS", "the model once more with gradient steps on each support set", &fine_tune, NULL},
        {"cache", "DIR", "keep the decoded images there; a run's folder has them already", &e.cache, NULL},
        {"skip-bad", NULL, "leave out images that cannot be read, with a warning", NULL, &e.skip_bad},
        {"threads", "N", "(all)", &threads, NULL},
        {"json", NULL, "one JSON object instead of a table", NULL, &e.json},
    };
    const cli_verb v = {
        .name = "eval",
        .usage = "MODEL --data DATA [options]",
        .doc =
            "Judges MODEL on random tasks of classes it was not trained on, with 95 % intervals. All methods see the\n"
            "same tasks; differences to the first one are paired. No method looks at more than one query at a time.",
        .options = options,
        .n_options = sizeof options / sizeof *options,
        .min_words = 1,
        .max_words = 1};
    if (cli_parse(&v, argc, argv) < 0) return cli_close_stdout();
    if (!e.data) cli_usage(&v, "--data is missing");
    if (e.unseen && e.allow_seen) cli_usage(&v, "--unseen and --allow-seen: one of them");
    e.spec.ways = (int)cli_int(&v, "ways", ways, 5, 2, 1 << 20);
    e.spec.shots = (int)cli_int(&v, "shots", shots, 1, 1, 1 << 20);
    e.spec.queries = (int)cli_int(&v, "queries", queries, 15, 1, 1 << 20);
    e.spec.seed = (uint64_t)cli_int(&v, "seed", seed, 1, 0, INT64_MAX);
    e.episodes = (int)cli_int(&v, "episodes", episodes, 1000, 1, 100000000);
    e.fine_tune = (int)cli_int(&v, "fine-tune", fine_tune, 0, 0, 100000);
    e.threads = (int)cli_int(&v, "threads", threads, 0, 0, 1024);
    goss_error err;
    cli_log_to_stderr();
    int status = run(&e, argv[1], &err) == GOSS_OK ? cli_close_stdout() : cli_fail(&err);
    eval_close(&e);
    return status;
}
