/* SPDX-License-Identifier: Apache-2.0 */
/* search.c: opening a search, with everything that can be known to be wrong before anything is trained, running it, and
 * what came of it in order. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/os.h"
#include "base/str.h"
#include "search/search.h"

/* ---- options ---- */

static const char *const names[GOSS_SEARCH_METHODS] = {"smash", "ghn", "random", "halving"};

const char *goss_search_method_name(goss_search_method m) { return names[m]; }

goss_search_options goss_search_defaults(void) {
    goss_search_options o = {.trials = 100, .train = 10};
    o.methods[GOSS_SEARCH_SMASH] = o.methods[GOSS_SEARCH_RANDOM] = o.methods[GOSS_SEARCH_HALVING] = true;
    return o;
}

static goss_status take_method(const char *word, size_t size, goss_search_options *o, goss_error *err) {
    for (int m = 0; m < GOSS_SEARCH_METHODS; m++) {
        if (strlen(names[m]) != size || strncmp(names[m], word, size) != 0) continue;
        if (o->methods[m]) return goss_error_set(err, GOSS_E_ARGUMENT, "%s is there twice", names[m]);
        o->methods[m] = true;
        return GOSS_OK;
    }
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "\"%.*s\" is none of smash, ghn, random, halving (several with commas between them)",
                          size < 60 ? (int)size : 60, word);
}

goss_status goss_search_methods_parse(const char *text, goss_search_options *o, goss_error *err) {
    memset(o->methods, 0, sizeof o->methods);
    for (const char *s = text;; s++) {
        s += strspn(s, " ");
        size_t size = strcspn(s, ",");
        const char *end = s + size;
        while (size > 0 && s[size - 1] == ' ') size--;
        GOSS_TRY(take_method(s, size, o, err));
        if (!*(s = end)) return GOSS_OK;
    }
}

static goss_status check_options(const goss_search_options *o, goss_error *err) {
    bool any = false;
    for (int m = 0; m < GOSS_SEARCH_METHODS; m++) any |= o->methods[m];
    if (!any) return goss_error_set(err, GOSS_E_ARGUMENT, "search: no method");
    if (o->trials < 2 || o->trials > 1000000)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "trials: %d structures: 2 to 1000000 are drawn, of which the best are trained",
                              o->trials);
    if (o->train < 1 || o->train > o->trials)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "train: %d networks of %d trials: 1 to %d of the drawn ones are trained", o->train,
                              o->trials, o->trials);
    if (o->n_starts < 0 || o->n_starts > GOSS_SEARCH_STARTS)
        return goss_error_set(err, GOSS_E_ARGUMENT, "starts: %d epochs: at most %d", o->n_starts, GOSS_SEARCH_STARTS);
    for (int i = 0; i < o->n_starts; i++)
        if (!(o->starts[i] >= 0 && o->starts[i] <= 1e6) || (i > 0 && !(o->starts[i] > o->starts[i - 1])))
            return goss_error_set(err, GOSS_E_ARGUMENT, "starts: epochs ascend, from 0 on, as in 0,1,5");
    if (o->n_starts > 0 && !o->methods[GOSS_SEARCH_SMASH] && !o->methods[GOSS_SEARCH_GHN])
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "starts: neither smash nor ghn generates weights to start from: name one of them");
    return GOSS_OK;
}

/* ---- settings ---- */

static bool is_of_run(void *context, const char *key) {
    (void)context;
    return strncmp(key, "search.", 7) != 0;
}

/* A key that was left alone gets what a search is about. */
static goss_status fill_in(goss_search *s, const char *key, const char *value, goss_error *err) {
    return goss_config_is_set(s->config, key) ? GOSS_OK : goss_config_set(s->plain, key, value, err);
}

static const char *no_remark(void *context, const char *key) {
    (void)context, (void)key;
    return NULL;
}

static bool has_folder(const char *path, const char *name) {
    char below[4200];
    const int n = snprintf(below, sizeof below, "%s/%s", path, name);
    return n > 0 && (size_t)n < sizeof below && goss__is_dir(below);
}

/* A tenth of the samples to validate on and another to test on, of what has no folders for them. */
static goss_status fill_in_split(goss_search *s, goss_error *err) {
    const char *path = goss_config_text(s->plain, "data.path");
    if (goss_config_is_set(s->config, "data.split") || !*path || goss__ascii_ends(path, ".zip")) return GOSS_OK;
    if (has_folder(path, "val")) return GOSS_OK;
    const char *split = has_folder(path, "test") ? ".9,.1,0" : ".8,.1,.1";
    goss__log(GOSS_LOG_INFO, "search: data.split is not set: %s (training, validation, test)", split);
    return goss_config_set(s->plain, "data.split", split, err);
}

static goss_status read_settings(goss_search *s, goss_error *err) {
    int n;
    const goss_key *keys = goss__search_own_keys(&n);
    GOSS_TRY(goss_config_bind(s->config, keys, n, &s->own, err));
    keys = goss_train_keys(&n);
    GOSS_TRY(goss_config_new(keys, n, &s->plain, err));
    char *text = goss_config_write_with(s->config, is_of_run, no_remark, NULL);
    if (!text) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a configuration");
    goss_status status = goss_config_parse(s->plain, text, "settings", err);
    goss_config_text_free(text);
    GOSS_TRY(status);
    if (!*goss_config_text(s->plain, "data.tasks")) GOSS_TRY(fill_in(s, "data.task", "all", err));
    GOSS_TRY(fill_in_split(s, err));
    GOSS_TRY(fill_in(s, "train.method", "multitask", err));
    GOSS_TRY(fill_in(s, "task.support", "0", err));
    GOSS_TRY(goss__run_settings_read(s->plain, &s->set, err));
    return goss__method_settings_read(s->plain, &s->method, err);
}

static goss_status refuse(const char *key, const char *why, goss_error *err) {
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s: %s", key, why);
}

static goss_status check_settings(const goss_search *s, goss_error *err) {
    const goss__run_settings *r = &s->set;
    if (!*r->data.path)
        return refuse("data.path", "no data: name a folder of images in classes, an idx file or a table (--data)", err);
    if (strcmp(r->train.method, "multitask") != 0)
        return refuse("train.method", "a search trains networks by multitask, one task alone", err);
    if (r->train.steps < 1) return refuse("train.steps", "0: the cost of a search is counted in steps", err);
    if (r->train.minutes > 0)
        return refuse("train.minutes", "the cost of a search is counted in train.steps alone", err);
    if (r->train.tasks != 1) return refuse("train.tasks", "a search has one task: 1", err);
    if (r->train.micro_batch > 0) return refuse("train.micro_batch", "a search has one task a step: 0", err);
    if (*r->train.start) return refuse("train.start", "networks of a search start from initial weights", err);
    if (r->validate.every == 0)
        return refuse("validate.every", "0: there are no validation samples, by which structures are scored", err);
    if (r->validate.patience > 0)
        return refuse("validate.patience", "a search validates once, at the end of a training: 0", err);
    if (r->rate.kind == GOSS_RATE_PLATEAU)
        return refuse("optimizer.schedule", "plateau follows validations; a search has one, at the end", err);
    if (goss_config_sections(s->config, "regularizer") > 0)
        return refuse("[regularizer]", "a search trains without regularisers; the network that it writes can have some",
                      err);
    if (goss_config_is_set(s->config, "hyper.condition"))
        return refuse("hyper.condition", "its hypernetworks read structures (--method smash, ghn)", err);
    if (goss_config_is_set(s->config, "structure.choose") && s->method.structure.choose != GOSS_STRUCTURE_NONE)
        return refuse("structure.choose", "a search chooses structures itself: none", err);
    return GOSS_OK;
}

/* ---- data and space ---- */

static int count_training(const goss__run_data *d) {
    const goss_image_tasks *images = goss__data_image_tasks_of(d);
    const goss_table_data *table = goss__data_table_of(d);
    size_t rows = 0;
    int n = 0;
    if (images) goss_image_tasks_images(images, 0, GOSS_PART_TRAIN, NULL, &n);
    if (table) goss_table_data_rows(table, false, &rows);
    return table ? (int)rows : n;
}

static goss_status check_task(const goss_search *s, goss_error *err) {
    const goss__run_data *d = &s->data;
    const goss_task_spec *spec = &d->source.spec;
    if (spec->ids != 1)
        return goss_error_set(
            err, GOSS_E_ARGUMENT,
            "the data has %lld tasks, and a search has one: data.task=all takes all classes of images, "
            "or all rows of a table, as one",
            (long long)spec->ids);
    if (spec->supports > 0) return refuse("task.support", "a search has no support sets: 0", err);
    if (spec->lengths) return refuse("data.path", "sequences of several lengths are not searched yet", err);
    if (goss_task_objective(spec)->among)
        return refuse("task.objective", "objectives that rank samples are not searched", err);
    if (!d->validates)
        return refuse("data.split", "leaves no samples to validate on, by which structures are scored", err);
    return GOSS_OK;
}

/* Where nothing was kept apart there is no test. */
static goss_status read_test(goss_search *s, goss_error *err) {
    goss_task_source test;
    if (!goss__run_data_tests(&s->data)) return GOSS_OK;
    GOSS_TRY(goss__run_data_test(&s->data, &test, err));
    const goss_status status = goss__block_read(&test, s->set.run.seed, &s->test, err);
    goss_task_source_free(&test);
    return status;
}

static goss_status open_data(goss_search *s, goss_error *err) {
    const goss_task_spec *spec = &s->data.source.spec;
    GOSS_TRY(goss__run_data_is_there(&s->set, err));
    const goss__data_kind *kind = goss__run_data_kind(&s->set, NULL);
    if (kind != &goss__data_image_tasks && kind != &goss__data_table)
        return goss_error_set(err, GOSS_E_UNSUPPORTED,
                              "a search is over images in classes or the rows of a table, not over data of kind %s",
                              kind->name);
    GOSS_TRY(kind->check(&s->set, err));
    GOSS_TRY(goss__run_data_open(&s->data, &s->set, &(goss__run_place){.bare = true}, err));
    GOSS_TRY(check_task(s, err));
    s->train_samples = count_training(&s->data);
    GOSS_TRY(goss__block_read(&s->data.validation, s->set.run.seed, &s->validation, err));
    GOSS_TRY(read_test(s, err));
    GOSS_TRY(goss__assessor_init(&s->judge, &s->validation, 0, spec, s->data.metric, 1, err));
    return s->test.n > 0 ? goss__assessor_init(&s->final, &s->test, 0, spec, s->data.metric, 1, err) : GOSS_OK;
}

static goss_status open_space(goss_search *s, goss_error *err) {
    const goss_task_spec *spec = &s->data.source.spec;
    const char *text = s->method.model.backbone;
    const int width = goss_objective_width(goss_task_objective(spec), spec->outputs);
    goss_status status =
        goss_target_parse_dropout(text, spec->input, spec->input_rank, width, s->method.method.dropout, &s->whole, err);
    GOSS_TRY(goss_error_prefix(err, status, "model.backbone"));
    GOSS_TRY(goss_target_parse(text, spec->input, spec->input_rank, 0, &s->bare, err));
    if (goss_target_gates(s->whole) == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "model.backbone = %.200s leaves nothing open: a space has choices, as conv 8..32 3|5 pad "
                              "same; relu|gelu (docs/structure.md)",
                              text);
    GOSS_TRY(goss_space_create(s->whole, &s->space, err));
    return goss_space_create(s->bare, &s->bare_space, err);
}

/* The first draw says whether a network is within the limits at all. */
static goss_status open_draw(goss_search *s, goss_error *err) {
    float *structure = goss__calloc((size_t)goss_space_gates(s->space) + 1, sizeof *structure);
    if (!structure) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a structure");
    const goss_status status = goss_space_shrink(s->space, &s->o.budget, s->data.spec.task.outputs, structure, err);
    goss__free(structure);
    GOSS_TRY(status);
    GOSS_TRY(goss__search_draw(s, s->o.trials, err));
    s->drawn = s->n_trials;
    if (s->drawn < 2)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "there is one network within the limits, and so nothing to search among");
    if (s->drawn < s->o.trials)
        goss__log(GOSS_LOG_WARN, "search: only %d different structures were found within the limits, not %d", s->drawn,
                  s->o.trials);
    return GOSS_OK;
}

/* What the configuration sets and neither the search nor its networks look at. */
static goss_status tell_unused(goss_search *s, goss_error *err) {
    goss_method *m;
    goss_config *c = NULL;
    int n;
    const goss_key *key, *keys = goss_train_keys(&n);
    GOSS_TRY(goss__trial_name(s, &s->trial[0], err));
    GOSS_TRY(goss_config_new(keys, n, &c, err));
    goss_status status = goss_config_set(c, "model.backbone", s->trial[0].text, err);
    if (status == GOSS_OK) status = goss__method_from_config(c, s->set.train.method, &s->data.spec, false, &m, err);
    for (int i = 0; status == GOSS_OK && (key = goss_config_key_at(s->plain, i)); i++) {
        if (strncmp(key->name, "hyper.", 6) == 0 || strcmp(key->name, "method.penalty") == 0) continue;
        goss__tell_unused_key(&s->set, m, s->data.kind->name, key, "");
    }
    if (status == GOSS_OK) goss_method_free(m);
    goss_config_free(c);
    return status;
}

static goss_status open_all(goss_search *s, goss_error *err) {
    GOSS_TRY(check_options(&s->o, err));
    GOSS_TRY(read_settings(s, err));
    GOSS_TRY(check_settings(s, err));
    GOSS_TRY(goss_threads_new(s->set.run.threads, &s->threads, err));
    GOSS_TRY(open_data(s, err));
    GOSS_TRY(open_space(s, err));
    GOSS_TRY(open_draw(s, err));
    return tell_unused(s, err);
}

goss_status goss_search_open(const goss_config *config, const goss_search_options *options, goss_search **out,
                             goss_error *err) {
    goss_search *s = *out = goss__calloc(1, sizeof *s);
    if (!s) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a search");
    s->o = options ? *options : goss_search_defaults(), s->config = config, s->winner = -1;
    const goss_status status = open_all(s, err);
    if (status == GOSS_OK) return status;
    goss_search_free(s);
    *out = NULL;
    return status;
}

static void free_trials(goss_search *s) {
    for (int i = 0; i < s->n_trials; i++)
        goss__free(s->trial[i].structure), goss__free(s->trial[i].text), goss__free(s->trial[i].key);
    goss__free(s->trial);
}

void goss_search_free(goss_search *s) {
    if (!s) return;
    for (int i = 0; i < GOSS__SCORERS; i++) goss__scorer_free(s->scorer[i]);
    free_trials(s);
    goss__free(s->best_slab), goss__free(s->network), goss__free(s->order);
    goss__assessor_free(&s->judge), goss__assessor_free(&s->final);
    goss__block_free(&s->validation), goss__block_free(&s->test);
    goss_space_free(s->space), goss_space_free(s->bare_space);
    goss_target_free(s->whole), goss_target_free(s->bare);
    goss__run_data_close(&s->data);
    goss_threads_free(s->threads);
    goss_config_free(s->plain);
    goss__free(s);
}

/* ---- running ---- */

void goss__search_tell(const goss_search *s, const char *what, int64_t done, int64_t all) {
    if (s->o.progress) s->o.progress(s->o.context, what, done, all);
}

typedef struct place {
    const goss_search *s;
    int trial;
} place;

/* Fully trained ones first, by their metric, then those that halving stopped, then the others. */
static int by_result(const void *a, const void *b) {
    const place *x = a, *y = b;
    const goss__trial *p = &x->s->trial[x->trial], *q = &y->s->trial[y->trial];
    if (p->trained != q->trained) return p->trained ? -1 : 1;
    if (p->started != q->started) return p->started ? -1 : 1;
    const double u = p->trained ? p->validation : p->partial, v = q->trained ? q->validation : q->partial;
    if (goss__search_better(x->s, u, v)) return -1;
    if (goss__search_better(x->s, v, u)) return 1;
    return (x->trial > y->trial) - (x->trial < y->trial);
}

static goss_status list_networks(goss_search *s, goss_error *err) {
    for (int i = 0; i < s->n_trials; i++) GOSS_TRY(goss__trial_name(s, &s->trial[i], err));
    place *order = goss__calloc((size_t)s->n_trials + 1, sizeof *order);
    s->network = goss__calloc((size_t)s->n_trials + 1, sizeof *s->network);
    s->order = goss__calloc((size_t)s->n_trials + 1, sizeof *s->order);
    if (!order || !s->network || !s->order) {
        goss__free(order);
        return goss_error_set(err, GOSS_E_NOMEM, "no memory for results");
    }
    const int n = s->n_trials;
    for (int i = 0; i < n; i++) order[i] = (place){s, i};
    qsort(order, (size_t)n, sizeof *order, by_result);
    for (int i = 0; i < n; i++) {
        const goss__trial *t = &s->trial[order[i].trial];
        s->order[i] = order[i].trial;
        s->network[i] = (goss_search_network){.text = t->text,
                                              .structure = t->key,
                                              .cost = t->cost,
                                              .score = {t->score[0], t->score[1]},
                                              .validation = t->validation,
                                              .test = t->test};
    }
    s->n_networks = n;
    goss__free(order);
    return GOSS_OK;
}

/* From numbers of trials to those of networks. */
static void number_results(goss_search *s) {
    for (int i = 0; i < s->n_results; i++)
        for (int k = 0; k < s->n_networks; k++)
            if (s->order[k] == s->result[i].best) {
                s->result[i].best = k;
                break;
            }
}

goss_status goss_search_run(goss_search *s, goss_error *err) {
    if (s->n_results > 0) return goss_error_set(err, GOSS_E_ARGUMENT, "a search runs once");
    GOSS_TRY(goss__search_methods(s, err));
    if (s->winner < 0)
        return goss_error_set(err, GOSS_E_NUMERIC,
                              "no network had finite answers after training: a lower optimizer.rate may help");
    GOSS_TRY(goss__search_starts(s, err));
    GOSS_TRY(goss__search_ranks(s, err));
    GOSS_TRY(list_networks(s, err));
    number_results(s);
    return GOSS_OK;
}

/* ---- results ---- */

const goss_space *goss_search_space(const goss_search *s) { return s->space; }
const goss_metric *goss_search_metric(const goss_search *s) { return s->data.metric; }
void goss_search_samples(const goss_search *s, int out[3]) {
    out[0] = s->train_samples, out[1] = s->validation.n, out[2] = s->test.n;
}
int64_t goss_search_steps(const goss_search *s) { return s->set.train.steps; }
int goss_search_drawn(const goss_search *s) { return s->drawn; }
const goss_search_result *goss_search_result_at(const goss_search *s, int i) {
    return i >= 0 && i < s->n_results ? &s->result[i] : NULL;
}
const goss_search_network *goss_search_network_at(const goss_search *s, int i) {
    return i >= 0 && i < s->n_networks ? &s->network[i] : NULL;
}
const goss_search_rank *goss_search_rank_at(const goss_search *s, bool sample, int i) {
    return i >= 0 && i < s->n_ranks[sample] ? &s->rank[sample][i] : NULL;
}
const goss_search_start *goss_search_start_at(const goss_search *s, int i) {
    return i >= 0 && i < s->n_starts ? &s->start[i] : NULL;
}
