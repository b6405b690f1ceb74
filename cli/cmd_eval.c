/* cmd_eval.c: gossamer eval: a model and other methods on the same unseen tasks, as a table or as JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "gossamer/evaluate.h"

enum { MOST = 32 };

typedef struct runner {
    char name[64];
    char weights[160]; /* where its weights come from */
    goss_model *model; /* owned, but for the first */
    int fine_tune;
} runner;

typedef struct eval {
    const char *data, *classes, *ways, *shots, *queries, *episodes, *seed, *methods, *fine_tune, *threads, *cache;
    bool rotations, distinct_faces, one_alphabet, json;
    goss_episode_spec spec;
    goss_model *model;
    goss_images *set;
    goss_class_list list;
    goss_sampler *sampler;
    goss_threads *pool;
    runner runners[MOST];
    int n;
} eval;

/* ---- who runs ---- */

/* What can be made of another model's embedding, or needs none. */
static bool needs_no_file(const char *method) {
    static const char *const names[] = {"pixels", "scratch", "protonet", "ridge", "finetune"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], method) == 0) return true;
    return false;
}

/* A method on the model's own weights as far as it shares parameters with it. */
static goss_status derive(const eval *e, runner *r, goss_error *err) {
    goss_image_format image = goss_model_image(e->model);
    if (!needs_no_file(r->name))
        return goss_error_set(err, GOSS_E_ARGUMENT, "--methods %s: needs a model of its own: --methods %s=FILE",
                              r->name, r->name);
    GOSS_TRY(goss_model_create(r->name, goss_model_settings(e->model), &image, 1, &r->model, err));
    /* What trains nothing (scratch) starts from its own values, though its parameters bear the same names. */
    bool trains = goss_method_trains(goss_model_method(r->model));
    if (trains && goss_model_copy_values(r->model, e->model) == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "--methods %s: the model has no weights for it: --methods %s=FILE",
                              r->name, r->name);
    snprintf(r->weights, sizeof r->weights, "%s", trains ? "the model's embedding" : "none");
    return GOSS_OK;
}

static goss_status add_runner(eval *e, char *word, goss_error *err) {
    if (e->n == MOST) return goss_error_set(err, GOSS_E_ARGUMENT, "--methods: more than %d", MOST);
    runner *r = &e->runners[e->n];
    char *file = strchr(word, '=');
    if (file) *file++ = 0;
    snprintf(r->name, sizeof r->name, "%s", word);
    if (!file) {
        GOSS_TRY(derive(e, r, err));
    } else {
        GOSS_TRY(goss_model_load(file, &r->model, err));
        snprintf(r->weights, sizeof r->weights, "%s", file);
    }
    e->n++;
    return GOSS_OK;
}

static goss_status gather(eval *e, const char *model, int fine_tune, goss_error *err) {
    GOSS_TRY(goss_model_load(model, &e->model, err));
    runner *first = &e->runners[e->n++];
    snprintf(first->name, sizeof first->name, "%s", goss_method_name(goss_model_method(e->model)));
    snprintf(first->weights, sizeof first->weights, "%s", model);
    first->model = e->model;
    if (fine_tune > 0) {
        runner *tuned = &e->runners[e->n++];
        *tuned = *first;
        tuned->fine_tune = fine_tune;
        snprintf(tuned->name, sizeof tuned->name, "%.40s+finetune%d", goss_method_name(goss_model_method(e->model)),
                 fine_tune);
    }
    if (!e->methods) return GOSS_OK;
    char *list = strdup(e->methods), *save = NULL;
    goss_status s = list ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    for (char *word = list ? strtok_r(list, ",", &save) : NULL; word && s == GOSS_OK; word = strtok_r(NULL, ",", &save))
        if (strcmp(word, first->name) != 0) s = add_runner(e, word, err);
    free(list);
    return s;
}

/* ---- data ---- */

static goss_status open_data(eval *e, int threads, goss_error *err) {
    goss_images_options o = goss_images_options_defaults();
    o.threads = threads, o.cache_dir = e->cache;
    GOSS_TRY(goss_model_open_images(e->model, e->data, &o, &e->set, err));
    if (e->classes) GOSS_TRY(goss_class_list_read(e->set, e->classes, &e->list, err));
    return goss_sampler_create(e->set, e->classes ? &e->list : NULL, &e->spec, &e->sampler, err);
}

/* ---- output ---- */

static void print_json(const eval *e, const goss_score *scores, int episodes) {
    printf("{\"ways\": %d, \"shots\": %d, \"queries\": %d, \"episodes\": %d, \"rotations\": %s, \"seed\": %llu, "
           "\"data\": ",
           e->spec.ways, e->spec.shots, e->spec.queries, episodes, e->spec.rotations ? "true" : "false",
           (unsigned long long)e->spec.seed);
    cli_json_text(e->data);
    printf(", \"classes\": %d, \"methods\": [", e->classes ? e->list.count : goss_images_classes(e->set));
    for (int i = 0; i < e->n; i++) {
        const goss_score *s = &scores[i];
        printf("%s{\"name\": ", i ? ", " : "");
        cli_json_text(e->runners[i].name);
        printf(", \"accuracy\": %.6f, \"ci95\": %.6f, \"seconds_per_task\": %.6g, \"difference\": %.6f, "
               "\"difference_ci95\": %.6f, \"weights\": ",
               s->accuracy, s->ci95, s->seconds_per_task, s->difference, s->difference_ci95);
        cli_json_text(e->runners[i].weights);
        printf("}");
    }
    printf("]}\n");
}

static void print_table(const eval *e, const goss_score *scores, int episodes) {
    printf("%d ways, %d shots, %d queries a class, %d episodes%s\n", e->spec.ways, e->spec.shots, e->spec.queries,
           episodes, e->spec.rotations ? ", rotations are classes" : "");
    printf("%-24s %18s %22s %10s  %s\n", "method", "accuracy %", "difference", "ms/task", "weights");
    for (int i = 0; i < e->n; i++) {
        const goss_score *s = &scores[i];
        char difference[40] = "";
        if (i) snprintf(difference, sizeof difference, "%+.2f +- %.2f", 100 * s->difference, 100 * s->difference_ci95);
        printf("%-24s %10.2f +- %.2f %22s %10.2f  %s\n", e->runners[i].name, 100 * s->accuracy, 100 * s->ci95,
               difference, 1000 * s->seconds_per_task, e->runners[i].weights);
    }
}

static void show(void *context, int which, int done, int episodes) {
    const eval *e = context;
    fprintf(stderr, "\r\033[K%s: %d of %d episodes", e->runners[which].name, done, episodes);
    if (done == episodes) fprintf(stderr, "\r\033[K");
    fflush(stderr);
}

/* ---- the verb ---- */

static goss_status judge(eval *e, const char *model, int fine_tune, int threads, int episodes, goss_error *err) {
    goss_contender contenders[MOST];
    goss_score scores[MOST];
    goss_evaluate_options o = goss_evaluate_defaults();
    GOSS_TRY(gather(e, model, fine_tune, err));
    GOSS_TRY(open_data(e, threads, err));
    GOSS_TRY(goss_threads_new(threads, &e->pool, err));
    for (int i = 0; i < e->n; i++) contenders[i] = (goss_contender){e->runners[i].model, e->runners[i].fine_tune};
    o.episodes = episodes, o.threads = e->pool;
    if (isatty(STDERR_FILENO)) o.progress = show, o.context = e;
    GOSS_TRY(goss_evaluate(contenders, e->n, e->sampler, &o, scores, NULL, err));
    (e->json ? print_json : print_table)(e, scores, episodes);
    return GOSS_OK;
}

static void free_all(eval *e) {
    goss_threads_free(e->pool);
    goss_sampler_destroy(e->sampler);
    goss_class_list_free(&e->list);
    goss_images_close(e->set);
    for (int i = 0; i < MOST; i++)
        if (e->runners[i].model != e->model) goss_model_free(e->runners[i].model);
    goss_model_free(e->model);
}

int cmd_eval(int argc, char **argv) {
    eval e = {.spec = goss_episode_spec_defaults()};
    const cli_option options[] = {
        {"data", "DATA", "folder, .zip or idx file of images in classes", &e.data, NULL},
        {"classes", "FILE", "only the classes that FILE names, one a line", &e.classes, NULL},
        {"ways", "N", "classes an episode (5)", &e.ways, NULL},
        {"shots", "K", "labelled images a class (1)", &e.shots, NULL},
        {"queries", "Q", "images a class to be classified (15)", &e.queries, NULL},
        {"episodes", "E", "(1000)", &e.episodes, NULL},
        {"seed", "S", "episode k depends on S and k alone (1)", &e.seed, NULL},
        {"rotations", NULL, "copies turned by 90, 180, 270 degrees are classes of their own", NULL, &e.rotations},
        {"distinct-faces", NULL, "support and query show different faces of a class", NULL, &e.distinct_faces},
        {"one-alphabet", NULL, "all classes of an episode are of one alphabet", NULL, &e.one_alphabet},
        {"methods", "A,B=FILE,...",
         "race these too: pixels, scratch; protonet, ridge, finetune on the model's embedding;\n"
         "                           any other, or NAME=FILE, with a model file of its own",
         &e.methods, NULL},
        {"fine-tune", "STEPS", "the model once more with gradient steps on each support set", &e.fine_tune, NULL},
        {"cache", "DIR", "keep the decoded images there; a run's folder has them already", &e.cache, NULL},
        {"threads", "N", "(all)", &e.threads, NULL},
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
    e.spec.ways = (int)cli_int(&v, "ways", e.ways, 5, 2, 1 << 20);
    e.spec.shots = (int)cli_int(&v, "shots", e.shots, 1, 1, 1 << 20);
    e.spec.queries = (int)cli_int(&v, "queries", e.queries, 15, 1, 1 << 20);
    e.spec.seed = (uint64_t)cli_int(&v, "seed", e.seed, 1, 0, INT64_MAX);
    e.spec.rotations = e.rotations, e.spec.distinct_faces = e.distinct_faces, e.spec.one_alphabet = e.one_alphabet;
    int episodes = (int)cli_int(&v, "episodes", e.episodes, 1000, 1, 100000000);
    int fine_tune = (int)cli_int(&v, "fine-tune", e.fine_tune, 0, 0, 100000),
        threads = (int)cli_int(&v, "threads", e.threads, 0, 0, 1024);
    goss_error err;
    cli_log_to_stderr();
    int status =
        judge(&e, argv[1], fine_tune, threads, episodes, &err) == GOSS_OK ? cli_close_stdout() : cli_fail(&err);
    free_all(&e);
    return status;
}
