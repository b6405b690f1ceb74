/* SPDX-License-Identifier: Apache-2.0 */
/* Runs on tables: what every key changes, resuming to the same bits, validation in either direction, what is refused.
 * */
#include <math.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/str.h"
#include "goss_config.h"
#include "gossamer/evaluate.h"
#include "gossamer/model.h"
#include "gossamer/train.h"
#include "scratch.h"
#include "test.h"
#include "train/run.h"

enum { TASKS = 14, ROWS = 20 };

static goss_error err;
static int runs;

/* ---- a table: y = slope_t x + level_t + noise, at time; kind is a category; yes: y > 0 ---- */

static void write_table(const char *name, uint64_t seed) {
    FILE *f = fopen(scratch(name), "w");
    if (!f) exit(99);
    fputs("who,time,x,kind,code,y,yes\n", f);
    for (int t = 0; t < TASKS; t++) {
        goss__rng r = goss__rng_make(seed, (uint64_t)t);
        double slope = 1 + goss__rng_normal(&r), level = 2 * goss__rng_normal(&r);
        for (int i = 0; i < ROWS; i++) {
            double x = goss__rng_normal(&r), y = slope * x + level + 0.2 * goss__rng_normal(&r);
            fprintf(f, "p%d,%d,%.4f,%c,%d,%.4f,%s\n", t, (i * 7) % ROWS, x, "abc"[i % 3], i % 4, y,
                    y > 0 ? "yes" : "no");
        }
    }
    fclose(f);
}

static void write_lines(const char *name, const char *format, int first, int count) {
    FILE *f = fopen(scratch(name), "w");
    if (!f) exit(99);
    for (int i = first; i < first + count; i++) fprintf(f, format, i), fputc('\n', f);
    fclose(f);
}

/* Texts of the same tasks, and vectors of some of their words. */
static void write_texts(void) {
    static const char *const words[] = {"Good", "good", "bad", "BAD", "it", "is", "so", "rare", "very"};
    goss__rng rng = goss__rng_make(3, 1);
    FILE *f = fopen(scratch("says.csv"), "w");
    if (!f) exit(99);
    fputs("who,says,also,yes,part,y\n", f);
    for (int t = 0; t < TASKS; t++)
        for (int r = 0; r < 12; r++) {
            const char *w[5];
            for (int k = 0; k < 5; k++) w[k] = words[goss__rng_below(&rng, 9)];
            fprintf(f, "p%d,%s %s %s %s,%s %s,1,%s,%d\n", t, w[0], w[1], w[2], w[3], w[4], w[3],
                    r < 6 ? "support" : "query", (int)goss__rng_below(&rng, 90));
        }
    fclose(f);
    for (int i = 0; i < 2; i++) {
        if (!(f = fopen(scratch(i ? "others.vec" : "words.vec"), "w"))) exit(99);
        fprintf(f, "good %d 0.5 2\nbad -1 %d 0\nit 0.1 0.2 %d\n", 1 + i, 2 - i, i);
        fclose(f);
    }
}

static void write_inputs(void) {
    write_table("table.csv", 5), write_table("other.csv", 6);
    write_texts();
    write_lines("some.txt", "p%d", 0, 6), write_lines("held.txt", "p%d", 10, 4);
    FILE *f = fopen(scratch("about.csv"), "w");
    if (!f) exit(99);
    fputs("who,age\n", f);
    for (int t = 0; t < TASKS; t++) fprintf(f, "p%d,%d\n", t, 20 + 3 * (t * 5 % TASKS));
    fclose(f);
}

/* ---- a run and what came of it ---- */

typedef struct result {
    uint64_t weights, joint; /* of the method's own parameters; of the network for all tasks, 0: there is none */
    double validation;
    goss__str log;
} result;

static void on_line(void *to, goss_log_level level, const char *text) {
    (void)level;
    goss__str_add(to, text), goss__str_add(to, "\n");
}

/* '@' in a setting stands for the scratch folder. */
static const char *resolved(const char *setting, char out[400]) {
    const char *at = strchr(setting, '@');
    if (!at) return setting;
    snprintf(out, 400, "%.*s%s", (int)(at - setting), setting, scratch(at + 1));
    return out;
}

static goss_status run(const char *dir, const char *const *more, const goss_train_options *o,
                       goss_train_report *report) {
    static const char *const base[] = {"data.path=@table.csv", "data.task=who",      "data.target=y",
                                       "data.ignore=yes",      "task.support=4",     "model.backbone=dense 6; tanh",
                                       "train.steps=12",       "train.tasks=3",      "validate.every=4",
                                       "validate.episodes=8",  "train.log_every=2",  "run.threads=2",
                                       "optimizer.rate=0.02",  "data.hold_out=0.25", NULL};
    char pair[400];
    int n;
    goss_config *c;
    const goss_key *keys = goss_train_keys(&n);
    T_OK(goss_config_new(keys, n, &c, &err));
    for (int i = 0; base[i]; i++) T_OK(goss_config_override(c, resolved(base[i], pair), &err));
    snprintf(pair, sizeof pair, "run.dir=%s", scratch(dir));
    T_OK(goss_config_override(c, pair, &err));
    goss_status s = GOSS_OK;
    for (int i = 0; more && more[i] && s == GOSS_OK; i++) s = goss_config_override(c, resolved(more[i], pair), &err);
    if (s == GOSS_OK) s = goss_train(c, o, report, &err);
    goss_config_free(c);
    return s;
}

/* *joint may be NULL. */
static uint64_t weights_of(const char *dir, uint64_t *joint) {
    char path[300];
    goss_model *m;
    uint64_t hash = 0;
    if (joint) *joint = 0;
    snprintf(path, sizeof path, "%s/model.safetensors", scratch(dir));
    T_OK(goss_model_load(path, &m, &err));
    for (int i = 0; i < goss_method_params(goss_model_method(m)); i++) {
        goss_method_param p = goss_method_param_at(goss_model_method(m), i);
        const bool is_joint = strcmp(p.name, "joint") == 0;
        uint64_t *to = is_joint && joint ? joint : &hash;
        if (is_joint && !joint) continue;
        *to = goss__hash64(p.name, strlen(p.name), *to);
        *to = goss__hash64(goss_model_values(m, i), (size_t)goss_layout_total(p.layout) * sizeof(float), *to);
    }
    goss_model_free(m);
    return hash;
}

static goss_status observe(const char *const *setup, const char *key, const char *value, result *r) {
    const char *more[8];
    char pair[400], dir[40];
    int n = 0;
    goss_train_report report = {0};
    *r = (result){0};
    for (; setup[n]; n++) more[n] = setup[n];
    snprintf(pair, sizeof pair, "%s=%s", key, value);
    more[n++] = pair, more[n] = NULL;
    snprintf(dir, sizeof dir, "k%d", runs++);
    goss_log_set(on_line, &r->log);
    goss_status s = run(dir, more, NULL, &report);
    goss_log_set(NULL, NULL);
    if (s == GOSS_OK) r->weights = weights_of(dir, &r->joint), r->validation = report.validation;
    return s;
}

/* ---- every key ---- */

enum { WEIGHTS = 1, VALIDATION = 2, JOINT = 4, REFUSED = 8 };

#define TEXTS "data.path=@says.csv", "data.text=says"
#define IDS "model.backbone=embedding 99 4; readout mean"
#define STEPS "model.backbone=gru 4; readout last"
#define SERIES "data.kind=series", "data.time=time", STEPS

static const struct {
    const char *key, *setup[4], *a, *b;
    int effect;
} rows[] = {
    {"data.path", {0}, "@table.csv", "@other.csv", WEIGHTS},
    {"data.kind", {0}, "auto", "images", REFUSED},
    {"data.kind", {0}, "table", "arrays", REFUSED},
    {"data.task", {0}, "who", "kind", WEIGHTS},
    {"data.target", {0}, "y", "x", WEIGHTS},
    {"data.ignore", {0}, "yes", "yes,x", WEIGHTS},
    {"data.categorical", {0}, "", "code", WEIGHTS},
    {"data.missing", {0}, "", "a", WEIGHTS},
    {"data.descriptor", {"hyper.condition=descriptor"}, "@about.csv", "", REFUSED},
    {"data.train_tasks", {0}, "", "@some.txt", WEIGHTS},
    {"data.val_tasks", {0}, "", "@held.txt", WEIGHTS | VALIDATION},
    {"data.split", {0}, "", ".5,.3,.2", WEIGHTS | VALIDATION},
    {"data.hold_out", {0}, ".25", ".5", WEIGHTS | VALIDATION},
    {"task.objective", {0}, "regression", "huber", WEIGHTS},
    {"task.quantiles", {"task.objective=quantile"}, "0.1, 0.5, 0.9", "0.1, 0.5, 0.99", WEIGHTS | VALIDATION},
    {"task.metric", {0}, "rmse", "r2", VALIDATION},
    {"task.support", {0}, "4", "2..6", WEIGHTS | VALIDATION},
    {"task.order", {0}, "random", "time", WEIGHTS | VALIDATION},
    {"task.queries", {0}, "64", "3", WEIGHTS},
    {"task.thin", {"task.order=time"}, "0", "1", WEIGHTS},
    {"task.any", {"task.order=time"}, "0", "1", WEIGHTS},
    {"train.fold", {0}, "1/5", "2/5", WEIGHTS},
    {"validate.episodes", {0}, "4", "40", VALIDATION},
    {"method.joint", {0}, "auto", "no", JOINT},
    {"method.loss", {"task.support=2..6", "task.queries=64"}, "tasks", "samples", WEIGHTS},
    {"train.tasks", {"data.split=.5,.3,.2", "data.hold_out=.1"}, "2", "0", WEIGHTS},
    {"method.ridge_head", {0}, "false", "true", WEIGHTS},
    {"method.ridge", {"method.ridge_head=true"}, "1", "30", WEIGHTS},
    {"method.code_steps", {"hyper.condition=id"}, "1", "30", VALIDATION},
    {"method.code_rate", {"hyper.condition=id"}, "0.01", "0.5", VALIDATION},
    {"hyper.condition", {0}, "support", "support, id", WEIGHTS},
    {"data.role", {TEXTS, IDS, "task.support=2"}, "", "part", WEIGHTS},
    {"data.text", {"data.path=@says.csv", IDS}, "says", "also", WEIGHTS},
    {"data.tokens", {TEXTS, IDS}, "word", "char", WEIGHTS},
    {"data.fold", {TEXTS, IDS}, "case", "none", WEIGHTS},
    {"data.vocabulary", {TEXTS, IDS}, "99", "4", WEIGHTS},
    {"data.least", {TEXTS, IDS}, "1", "99", WEIGHTS},
    {"data.ngrams", {TEXTS, IDS, "data.least=1"}, "1", "2", WEIGHTS},
    {"data.length", {TEXTS, IDS}, "4", "2", WEIGHTS},
    {"data.text_as", {TEXTS, "data.vectors=@words.vec"}, "mean", "ids", REFUSED},
    {"data.buckets", {TEXTS, "data.text_as=bag"}, "64", "8", WEIGHTS},
    {"data.time", {"data.kind=series", STEPS}, "time", "x", WEIGHTS},
    {"data.series", {SERIES}, "", "kind", WEIGHTS},
    {"data.window", {SERIES}, "3", "6", WEIGHTS},
    {"data.horizon", {SERIES}, "1", "2", WEIGHTS},
    {"data.stride", {SERIES}, "1", "2", WEIGHTS},
    {"data.vectors", {TEXTS, "data.text_as=mean"}, "@words.vec", "@others.vec", WEIGHTS},
    {"hyper.rules", {0}, "auto", "*=full", WEIGHTS},
};
enum { N_ROWS = sizeof rows / sizeof *rows };

static const char *value_of(const char *text) {
    static char ring[2][300];
    static int next;
    char *out = ring[next++ % 2];
    snprintf(out, sizeof ring[0], "%s", text[0] == '@' ? scratch(text + 1) : text);
    return out;
}

TEST(a_key_changes_what_it_should) {
    write_inputs();
    for (int i = 0; i < N_ROWS; i++) {
        result a, b;
        err.text[0] = 0;
        const char *key = rows[i].key, *setup[5] = {0};
        memcpy(setup, rows[i].setup, sizeof rows[i].setup);
        if (observe(setup, key, value_of(rows[i].a), &a) != GOSS_OK) T_FAIL("%s = %s: %s", key, rows[i].a, err.text);
        if (strstr(a.log.data, "no effect")) T_FAIL("%s: the row's own setup has no effect: %s", key, a.log.data);
        goss_status s = observe(setup, key, value_of(rows[i].b), &b);
        if (rows[i].effect == REFUSED) {
            if (s == GOSS_OK) T_FAIL("%s = %s was accepted", key, rows[i].b);
        } else {
            if (s != GOSS_OK) T_FAIL("%s = %s: %s", key, rows[i].b, err.text);
            int changed = (a.weights != b.weights ? WEIGHTS : 0) | (a.validation != b.validation ? VALIDATION : 0) |
                          (a.joint != b.joint ? JOINT : 0);
            if ((changed & rows[i].effect) != rows[i].effect)
                T_FAIL("%s = %s, then %s: changed %d, not %d", key, rows[i].a, rows[i].b, changed, rows[i].effect);
        }
        goss__str_free(&a.log), goss__str_free(&b.log);
    }
}

TEST(every_key_of_tables_has_a_row) {
    int n;
    const goss_key *keys = goss_train_keys(&n);
    for (int i = 0; i < n; i++) {
        int found = !goss__key_is_of(keys[i].name, "table") || goss__key_is_of(keys[i].name, "images");
        for (int k = 0; k < N_ROWS; k++) found += strcmp(rows[k].key, keys[i].name) == 0;
        if (!found) T_FAIL("%s has no row in this test: say what it changes", keys[i].name);
    }
}

TEST(keys_of_images_are_told_to_have_no_effect) {
    result r;
    write_inputs();
    static const char *const setup[] = {"train.ways=7", NULL};
    if (observe(setup, "data.height", "32", &r) != GOSS_OK) T_FAIL("%s", err.text);
    T_CHECK(strstr(r.log.data, "train.ways = 7 has no effect: it is about classes that episodes are drawn from"));
    T_CHECK(strstr(r.log.data, "data.height = 32 has no effect: it is about images"));
    goss__str_free(&r.log);
}

/* ---- resuming ---- */

typedef struct watch {
    int64_t until;
    volatile sig_atomic_t stop;
} watch;

static void on_step(void *context, const goss_train_progress *p) {
    watch *w = context;
    if (p->step >= w->until) w->stop = 1;
}

static void check_resume(const char *name, const char *const *more) {
    char whole[60], cut[60];
    snprintf(whole, sizeof whole, "%s-whole", name), snprintf(cut, sizeof cut, "%s-cut", name);
    T_OK(run(whole, more, NULL, NULL));
    for (int64_t at = 3; at < 12; at += 4) {
        watch w = {.until = at};
        goss_train_options o = {.stop = &w.stop, .progress = on_step, .context = &w};
        if (run(cut, more, &o, NULL) != GOSS_E_INTERRUPTED) T_FAIL("%s: not stopped at %lld", name, (long long)at);
    }
    goss_train_report report;
    T_OK(run(cut, more, NULL, &report));
    T_EQ(report.step, 12);
    uint64_t joint[2];
    T_CHECK(weights_of(whole, &joint[0]) == weights_of(cut, &joint[1]));
    T_CHECK(joint[0] == joint[1] && joint[0]);
}

TEST(a_resumed_run_ends_with_the_same_bits) {
    write_inputs();
    check_resume("plain", NULL);
    check_resume("ranged", (const char *const[]){"task.support=1..6", "train.method=maml", "run.threads=1", NULL});
    check_resume("ids", (const char *const[]){"hyper.condition=support, id, descriptor, noise",
                                              "data.descriptor=@about.csv", "optimizer.ema=0.9", NULL});
    check_resume("lower", (const char *const[]){"optimizer.schedule=plateau", "optimizer.plateau=1", NULL});
    check_resume("classes", (const char *const[]){"data.target=yes", "data.ignore=y", "task.metric=auc", NULL});
}

TEST(another_table_is_not_gone_on_with) {
    write_inputs();
    T_OK(run("same", (const char *const[]){"train.steps=4", NULL}, NULL, NULL));
    T_ERR(run("same", (const char *const[]){"data.path=@other.csv", NULL}, NULL, NULL), GOSS_E_ARGUMENT,
          "holds other rows, tasks or divisions than the run");
    T_ERR(run("same", (const char *const[]){"data.val_tasks=@held.txt", NULL}, NULL, NULL), GOSS_E_ARGUMENT,
          "280 rows of 14 tasks");
    T_ERR(run("same", (const char *const[]){"task.support=5", NULL}, NULL, NULL), GOSS_E_ARGUMENT,
          "task.support = 4, not task.support = 5");
}

/* ---- validation ---- */

typedef struct seen {
    double best[8], value[8];
    int n;
} seen;

static void on_validation(void *context, const goss_train_progress *p) {
    seen *s = context;
    if (!p->validated || s->n == 8) return;
    T_CHECK(p->has_best && p->metric);
    s->best[s->n] = p->best, s->value[s->n++] = p->validation;
}

/* The best is the smallest of an error and the largest of a share of variance, and the model that is kept has it. */
static void check_best(const char *metric, bool higher) {
    char pair[60];
    seen s = {.n = 0};
    goss_train_report report;
    goss_train_options o = {.progress = on_validation, .context = &s};
    snprintf(pair, sizeof pair, "task.metric=%s", metric);
    T_OK(run(metric, (const char *const[]){pair, "train.steps=24", "optimizer.rate=0.3", NULL}, &o, &report));
    T_EQ(s.n, 6);
    double best = s.value[0];
    for (int i = 0; i < s.n; i++) {
        if (higher ? s.value[i] > best : s.value[i] < best) best = s.value[i];
        T_NEAR(s.best[i], best, 0);
    }
    T_NEAR(report.validation, best, 0);
    T_STR(report.metric->name, metric);
    T_CHECK(report.metric->higher == higher);
}

TEST(the_best_model_is_kept_by_the_metric_and_its_direction) {
    write_inputs();
    check_best("rmse", false);
    check_best("r2", true);
}

/* Without model.backbone rows get dense layers by the number of tasks; what it is is told, and is in the model. The
 * fingerprint has the words that were the default before, so that older runs go on. */
TEST(a_table_has_a_backbone_of_its_own) {
    static const char *const automatic[] = {"model.backbone=auto", NULL};
    result said, again;
    goss_model *m;
    char path[300], dir[40], *fingerprint;
    int n;
    goss_config *c;
    const goss_key *keys = goss_train_keys(&n);
    write_inputs();
    if (observe(automatic, "train.steps", "12", &said) != GOSS_OK) T_FAIL("%s", err.text);
    if (!strstr(said.log.data, "model.backbone = auto: dense 16; tanh")) T_FAIL("%s", said.log.data);
    if (observe((const char *const[]){"model.backbone=dense 16; tanh", NULL}, "train.steps", "12", &again) != GOSS_OK)
        T_FAIL("%s", err.text);
    T_CHECK(said.weights == again.weights);
    snprintf(dir, sizeof dir, "k%d", runs - 2);
    snprintf(path, sizeof path, "%s/model.safetensors", scratch(dir));
    T_OK(goss_model_load(path, &m, &err));
    T_CHECK(strstr(goss_config_text(goss_model_settings(m), "model.backbone"), "dense 16"));
    goss_model_free(m), goss__str_free(&said.log), goss__str_free(&again.log);
    T_OK(goss_config_new(keys, n, &c, &err));
    T_OK(goss__fingerprint(c, &fingerprint, &err));
    T_CHECK(strstr(fingerprint, "model.backbone = conv4 64\n"));
    goss__free(fingerprint), goss_config_free(c);
}

TEST(what_cannot_be_is_refused_by_its_key) {
    static const struct {
        const char *setting, *part;
    } cases[] = {{"data.task=whom", "who"},
                 {"data.target=z", "z"},
                 {"task.support=5..2", "task.support: \"5..2\""},
                 {"task.support=a", "task.support: \"a\""},
                 {"task.order=tim", "tim"},
                 {"task.metric=auc", "task.metric: there is no metric of regression \"auc\"; there are rmse, mae, r2"},
                 {"data.split=.5,.5", "data.split"},
                 {"train.fold=6/5", "train.fold"},
                 {"data.val_tasks=@none.txt", "data.val_tasks"},
                 {"train.method=protonet", "protonet has no meaning for regression"},
                 {"hyper.condition=descriptor", "data.descriptor"},
                 {"data.descriptor=@about.csv", "nothing reads it; add descriptor to hyper.condition"},
                 {"model.backbone=conv4 8", "model.backbone"}};
    write_inputs();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char dir[40];
        snprintf(dir, sizeof dir, "bad%zu", i);
        err.text[0] = 0;
        goss_status s = run(dir, (const char *const[]){cases[i].setting, NULL}, NULL, NULL);
        if (s == GOSS_OK) T_FAIL("%s was accepted", cases[i].setting);
        if (!strstr(err.text, cases[i].part))
            T_FAIL("%s: \"%s\" does not say \"%s\"", cases[i].setting, err.text, cases[i].part);
    }
}

/* It learns what is common to the tasks, changes nothing of the method beside it, and is what `joint` and `finetune`
 * are compared by. */
TEST(a_network_for_all_tasks_is_trained_beside_the_method) {
    static const char *const with[] = {"optimizer.clip_norm=0", "train.steps=60", NULL};
    static const char *const without[] = {"optimizer.clip_norm=0", "train.steps=60", "method.joint=no", NULL};
    char path[300];
    uint64_t joint;
    goss_model *m, *derived;
    write_inputs();
    T_OK(run("beside", with, NULL, NULL));
    T_OK(run("alone", without, NULL, NULL));
    T_CHECK(weights_of("beside", &joint) == weights_of("alone", NULL) && joint);
    snprintf(path, sizeof path, "%s/model.safetensors", scratch("beside"));
    T_OK(goss_model_load(path, &m, &err));
    T_OK(goss_contender_derive(m, "joint", &derived, &err));
    const goss_method_param p = goss_method_param_at(goss_model_method(derived), 0);
    T_STR(p.name, "target");
    const float *now = goss_model_values(derived, 0);
    for (int i = 0; i < goss_method_params(goss_model_method(m)); i++)
        if (strcmp(goss_method_param_at(goss_model_method(m), i).name, "joint") == 0)
            T_CHECK(memcmp(now, goss_model_values(m, i), (size_t)goss_layout_total(p.layout) * sizeof *now) == 0);
    float *start = calloc((size_t)goss_layout_total(p.layout), sizeof *start);
    goss_method_initialize(goss_model_method(derived), 0, 1, start);
    int moved = 0;
    for (int64_t i = 0; i < goss_layout_total(p.layout); i++) moved += start[i] != now[i];
    T_EQ(moved, (int)goss_layout_total(p.layout));
    free(start);
    goss_model_free(derived), goss_model_free(m);
}

TEST(a_model_of_a_table_keeps_names_and_how_rows_are_made_ready) {
    char path[300];
    goss_model *m;
    write_inputs();
    T_OK(run("kept", NULL, NULL, NULL));
    snprintf(path, sizeof path, "%s/model.safetensors", scratch("kept"));
    T_OK(goss_model_load(path, &m, &err));
    const goss_data_spec *d = goss_model_data(m);
    T_STR(d->kind, "table");
    T_STR(d->names[0], "y");
    T_CHECK(d->task.ids > 5 && d->task_names[0][0] == 'p' && d->transform);
    size_t n;
    goss_model_samples(m, GOSS_USE_TRAIN, &n);
    T_EQ((int)n, (int)d->task.ids * ROWS);
    T_STR(goss_model_note_of(m, "metrics.metric"), "rmse");
    goss_model_free(m);
}

TEST_MAIN()
