/* SPDX-License-Identifier: Apache-2.0 */
/* Method multitask: one network a task is what separate runs train; runs on tables: keys, resume, threads,
 * micro-batches, new tasks, what is refused. */
#include "base/alloc.h"
#include "base/rng.h"
#include "base/str.h"
#include "gossamer/evaluate.h"
#include "gossamer/log.h"
#include "gossamer/model.h"
#include "gossamer/safetensors.h"
#include "gossamer/table_data.h"
#include "gossamer/train.h"
#include "scratch.h"
#include "task/task_pack.h"
#include "test.h"

enum { TASKS = 4, ROWS = 24 };

static goss_error err;

/* ---- steps against steps of each task alone ---- */

enum { STEPS = 6, QUERIES = 7 };

/* Task k: its number, and rows of y = slope x + level. */
static void draw(const goss_task_source *source, uint64_t k, goss_task *t) {
    const int id = (int)(k % TASKS);
    goss__rng r = goss__rng_make(7, k), own = goss__rng_make(8, (uint64_t)id);
    const double slope = goss__rng_normal(&own), level = goss__rng_normal(&own);
    (void)source;
    t->supports = 0, t->queries = QUERIES - id % 3, t->id = id;
    for (int i = 0; i < t->queries; i++) {
        t->query[2 * i] = (float)goss__rng_normal(&r), t->query[2 * i + 1] = (float)goss__rng_normal(&r);
        t->query_target[i] = (float)(slope * (double)t->query[2 * i] + level + 0.1 * goss__rng_normal(&r));
    }
}

static const goss_task_source lines = {
    .spec = {.input_rank = 1, .input = {2}, .outputs = 1, .queries = QUERIES, .ids = TASKS, .known = true},
    .draw = draw,
    .tasks = TASKS};

typedef struct stepping {
    goss_method *method;
    goss_task_spec spec;
    goss__task_pack pack;
    goss_threads *threads;
    goss_step *step;
} stepping;

static goss_status build_loss(void *context, goss_graph *g, int64_t tasks, goss_step_loss *out, goss_error *e) {
    stepping *s = context;
    goss_task_batch b = goss_task_batch_declare(g, &s->spec, tasks);
    *out = goss_method_train(s->method, g, &b);
    return goss_graph_status(g, e);
}

static goss_status bind_tasks(void *context, goss_exec *exec, int64_t first, int64_t tasks, goss_error *e) {
    stepping *s = context;
    return goss__task_pack_bind_some(&s->pack, (int)first, (int)tasks, exec, e);
}

static void begin(stepping *s, const char *method, const goss_share_options *share, int tasks) {
    goss_method_options o = goss_method_defaults();
    goss_step_options step = goss_step_defaults();
    const goss_objective *objective;
    T_OK(goss_objective_find("regression", &objective, &err));
    *s = (stepping){.spec = lines.spec};
    s->spec.objective = objective;
    o.objective = objective, o.share = share;
    step.tasks = tasks, step.optimizer.kind = GOSS_SGD, step.optimizer.momentum = 0.5;
    T_OK(goss_method_create(method, "dense 5; tanh", s->spec.input, 1, &o, &s->method, &err));
    T_OK(goss__task_pack_init(&s->pack, tasks, &s->spec, NULL, &err));
    T_OK(goss_threads_new(1, &s->threads, &err));
    T_OK(goss_step_new(&(goss_step_source){build_loss, bind_tasks, s}, &step, s->threads, &s->step, &err));
    const goss_method_param p = goss_method_param_at(s->method, 0);
    goss_params *params = goss_step_params(s->step);
    goss_method_initialize(s->method, 0, 5, goss_params_data(params, goss_params_find(params, p.name)));
}

static const float *values(const stepping *s) {
    goss_params *params = goss_step_params(s->step);
    return goss_params_data(params, goss_params_find(params, goss_method_param_at(s->method, 0).name));
}

/* first: of the tasks of a step; 1 task or all. */
static void run_steps(stepping *s, int first, int tasks, double rate) {
    goss_step_result r;
    goss_task_source source = lines;
    source.spec = s->spec;
    for (int k = 0; k < STEPS; k++) {
        goss__task_pack_draw(&s->pack, &source, (uint64_t)(k * TASKS + first), tasks);
        T_OK(goss_step_run(s->step, tasks, rate, 9, (uint64_t)k, &r, &err));
    }
}

static void end(stepping *s) {
    goss_step_free(s->step);
    goss_threads_free(s->threads);
    goss__task_pack_free(&s->pack);
    goss_method_free(s->method);
}

/* Steps of all tasks at once with one network each are, bit by bit, the steps of each network by itself: the mean over
 * 4 tasks is a power of two, which the rate makes up for. */
TEST(one_network_a_task_is_what_separate_training_gives) {
    stepping all, one;
    goss_share_options share = goss_share_defaults();
    share.tasks = TASKS, share.preset = "alone";
    begin(&all, "multitask", &share, TASKS);
    run_steps(&all, 0, TASKS, 0.2);
    for (int t = 0; t < TASKS; t++) {
        begin(&one, "joint", NULL, 1);
        run_steps(&one, t, 1, 0.2 / TASKS);
        const goss_layout *l = goss_method_param_at(one.method, 0).layout,
                          *own = goss_method_param_at(all.method, 0).layout;
        for (int i = 0; i < goss_layout_count(l); i++) {
            const goss_entry *e = goss_layout_entry(l, i);
            char name[80];
            snprintf(name, sizeof name, "%s.own", e->name);
            const goss_entry *rows = goss_layout_entry(own, goss_layout_find(own, name));
            T_NOTE("task %d, %s", t, e->name);
            T_CHECK(memcmp(values(&one) + e->offset, values(&all) + rows->offset + t * e->numel,
                           (size_t)e->numel * sizeof(float)) == 0);
        }
        end(&one);
    }
    end(&all);
}

/* And one network for all is the method joint. */
TEST(one_network_for_all_is_the_method_joint) {
    stepping a, b;
    goss_share_options share = goss_share_defaults();
    share.tasks = TASKS, share.preset = "joint";
    begin(&a, "multitask", &share, TASKS), begin(&b, "joint", NULL, TASKS);
    run_steps(&a, 0, TASKS, 0.1), run_steps(&b, 0, TASKS, 0.1);
    const goss_layout *l = goss_method_param_at(a.method, 0).layout;
    T_EQ(goss_layout_total(l), goss_layout_total(goss_method_param_at(b.method, 0).layout));
    T_CHECK(memcmp(values(&a), values(&b), (size_t)goss_layout_total(l) * sizeof(float)) == 0);
    end(&a), end(&b);
}

/* Every allocation of building a method and its graphs fails once: a status or the graph's error says so, and nothing
 * leaks or crashes. */
TEST(failing_allocations) {
    static const char *const rules[] = {"head.*=own+dictionary; *=routing+stitch+ordering", "*=shared+tensor_train"};
    const goss_gate_options gates = goss_gate_defaults(GOSS_GATE_HARD_CONCRETE);
    goss_share_options share = goss_share_defaults();
    goss_method_options o = goss_method_defaults();
    goss_task_spec spec = lines.spec;
    T_OK(goss_objective_find("regression", &spec.objective, &err));
    spec.supports = 3, spec.known = false;
    share.tasks = TASKS, share.gates = &gates;
    o.objective = spec.objective, o.share = &share, o.test_steps = 1;
    for (size_t k = 0; k < sizeof rules / sizeof *rules; k++) {
        bool through = false;
        int refused = 0;
        share.rules = rules[k];
        for (uint64_t n = 1; !through; n += n < 300 ? 1 : n / 12) {
            goss_graph *g = goss_graph_new();
            goss_method *m = NULL;
            goss_adapted a = {0};
            T_CHECK(g);
            const uint64_t before = goss__alloc_count();
            goss__alloc_fail_at(n);
            goss_status s =
                goss_method_create("multitask", "dense 3; tanh; dense 3; tanh", spec.input, 1, &o, &m, &err);
            if (s == GOSS_OK) {
                goss_task_batch b = goss_task_batch_declare(g, &spec, 2);
                goss_method_train(m, g, &b);
                goss_method_outputs(m, g, &b, 0);
                s = goss_method_adapt(m, g, &b, 1, 0, 0, &a, &err);
            }
            through = goss__alloc_count() - before < n;
            goss__alloc_fail_at(0);
            if (through && s != GOSS_OK) T_FAIL("%s: %s", rules[k], err.text);
            if (s != GOSS_OK && s != GOSS_E_NOMEM)
                T_FAIL("%s: allocation %d: %s: %s", rules[k], (int)n, goss_status_name(s), err.text);
            refused += s == GOSS_E_NOMEM;
            goss_target_free(a.target);
            goss_method_free(m);
            goss_graph_free(g);
        }
        T_CHECK(refused > 50);
    }
}

/* ---- runs on a table ---- */

static void write_table(const char *name, int first, int tasks) {
    FILE *f = fopen(scratch(name), "w");
    if (!f) exit(99);
    fputs("who,x,z,y,yes\n", f);
    for (int t = first; t < first + tasks; t++) {
        goss__rng r = goss__rng_make(3, (uint64_t)t);
        const double slope = 1 + goss__rng_normal(&r), level = 2 * goss__rng_normal(&r);
        for (int i = 0; i < ROWS; i++) {
            const double x = goss__rng_normal(&r), y = slope * x + level + 0.2 * goss__rng_normal(&r);
            fprintf(f, "p%d,%.4f,%.4f,%.4f,%s\n", t, x, goss__rng_normal(&r), y, y > 0 ? "yes" : "no");
        }
    }
    fclose(f);
}

static const char *resolved(const char *setting, char out[400]) {
    const char *at = strchr(setting, '@');
    if (!at) return setting;
    snprintf(out, 400, "%.*s%s", (int)(at - setting), setting, scratch(at + 1));
    return out;
}

static goss_status run(const char *dir, const char *const *more, const goss_train_options *o,
                       goss_train_report *report) {
    static const char *const base[] = {"data.path=@table.csv",
                                       "data.task=who",
                                       "data.target=y",
                                       "data.ignore=yes",
                                       "task.support=0",
                                       "data.split=.6,.2,.2",
                                       "train.tasks=0",
                                       "train.method=multitask",
                                       "train.steps=12",
                                       "model.backbone=dense 6; tanh; dense 6; tanh",
                                       "validate.every=4",
                                       "optimizer.rate=0.02",
                                       "run.threads=2",
                                       "train.log_every=2",
                                       NULL};
    char pair[400];
    int n;
    goss_config *c;
    const goss_key *keys = goss_train_keys(&n);
    T_OK(goss_config_new(keys, n, &c, &err));
    for (int i = 0; base[i]; i++) T_OK(goss_config_override(c, resolved(base[i], pair), &err));
    snprintf(pair, sizeof pair, "run.dir=%s", scratch(dir));
    T_OK(goss_config_override(c, pair, &err));
    goss_status s = GOSS_OK;
    for (int i = 0; s == GOSS_OK && more && more[i]; i++) s = goss_config_override(c, resolved(more[i], pair), &err);
    if (s == GOSS_OK) s = goss_train(c, o, report, &err);
    goss_config_free(c);
    return s;
}

static goss_model *model_of(const char *dir) {
    char path[300];
    goss_model *m;
    snprintf(path, sizeof path, "%s/model.safetensors", scratch(dir));
    T_OK(goss_model_load(path, &m, &err));
    return m;
}

static uint64_t weights_of(const char *dir) {
    goss_model *m = model_of(dir);
    uint64_t hash = 0;
    for (int i = 0; i < goss_method_params(goss_model_method(m)); i++) {
        const int64_t n = goss_layout_total(goss_method_param_at(goss_model_method(m), i).layout);
        hash = goss__hash64(goss_model_values(m, i), (size_t)n * sizeof(float), hash);
    }
    goss_model_free(m);
    return hash;
}

static void on_line(void *to, goss_log_level level, const char *text) {
    (void)level;
    goss__str_add(to, text), goss__str_add(to, "\n");
}

TEST(a_key_changes_what_it_should) {
    static const struct {
        const char *key, *setup[2], *a, *b;
        bool refused;
    } rows[] = {{"share.preset", {0}, "hard", "alone", false},
                {"share.preset", {"share.rules=*=own"}, "", "alone", true},
                {"share.rules", {0}, "*=own", "*=shared+own", false},
                {"share.size", {"share.preset=dictionary"}, "4", "2", false},
                {"share.gates", {"share.rules=*=shared+own"}, "none", "softmax", false},
                {"share.gates", {"share.rules=*=own"}, "none", "softmax", true},
                {"share.gate_temperature", {"share.rules=*=shared+own", "share.gates=sigmoid"}, "0", "3", false},
                {"share.temperature", {"share.preset=ordering"}, "1", "3", false},
                {"share.anneal", {"share.preset=routing"}, "1", "0.2", false},
                {"share.anneal_steps", {"share.preset=ordering", "share.anneal=0.2"}, "1000", "3", false},
                {"share.hard", {"share.preset=routing"}, "false", "true", false}};
    int n;
    const goss_key *keys = goss_train_keys(&n);
    write_table("table.csv", 0, TASKS);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        goss__str log = {0};
        uint64_t hash[2];
        for (int k = 0; k < 2; k++) {
            char pair[200], dir[40];
            snprintf(pair, sizeof pair, "%s=%s", rows[i].key, k ? rows[i].b : rows[i].a);
            snprintf(dir, sizeof dir, "key%zu-%d", i, k);
            const char *const more[] = {pair, rows[i].setup[0], rows[i].setup[0] ? rows[i].setup[1] : NULL, NULL};
            goss_log_set(on_line, &log);
            const goss_status s = run(dir, more, NULL, NULL);
            goss_log_set(NULL, NULL);
            if (k && rows[i].refused) {
                if (s == GOSS_OK || !strstr(err.text, "[share]")) T_FAIL("%s: %s", pair, err.text);
                hash[1] = !hash[0];
                continue;
            }
            if (s != GOSS_OK) T_FAIL("%s: %s", pair, err.text);
            hash[k] = weights_of(dir);
        }
        if (hash[0] == hash[1]) T_FAIL("%s changes nothing", rows[i].key);
        if (strstr(log.data, "no effect")) T_FAIL("%s: %s", rows[i].key, log.data);
        goss__str_free(&log);
    }
    for (int i = 0; i < n; i++) {
        /* Heads of their own are for tasks with classes of their own: test_multitask_images.c */
        int found = strncmp(keys[i].name, "share.", 6) != 0 || strcmp(keys[i].name, "share.own_heads") == 0;
        for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) found += strcmp(rows[k].key, keys[i].name) == 0;
        if (!found) T_FAIL("%s has no row in this test: say what it changes", keys[i].name);
    }
}

TEST(a_key_without_effect_is_told) {
    static const char *const settings[] = {
        "share.size=2",    "share.own_heads=false", "share.gate_temperature=2", "share.temperature=2",
        "share.hard=true", "share.anneal=2",        "share.anneal_steps=2",     NULL};
    goss__str log = {0};
    char says[80];
    write_table("table.csv", 0, TASKS);
    goss_log_set(on_line, &log);
    T_OK(run("unused", settings, NULL, NULL)); /* hard sharing */
    goss_log_set(NULL, NULL);
    for (int i = 0; settings[i]; i++) {
        const int size = (int)strcspn(settings[i], "=");
        snprintf(says, sizeof says, "%.*s = %s has no effect", size, settings[i], settings[i] + size + 1);
        if (!strstr(log.data, says)) T_FAIL("\"%s\" is not told: %s", says, log.data);
    }
    T_CHECK(!strstr(log.data, "method.joint"));
    goss__str_free(&log);
}

/* Every preset learns: its validation error is well below that of no steps. */
TEST(every_preset_learns_and_is_read_back) {
    int n;
    const goss_share_preset *p = goss_share_presets(&n);
    write_table("table.csv", 0, TASKS);
    for (int i = 0; i < n; i++) {
        char preset[60], dir[40];
        goss_train_report first, last;
        snprintf(preset, sizeof preset, "share.preset=%s", p[i].name);
        snprintf(dir, sizeof dir, "first-%s", p[i].name);
        T_OK(run(dir, (const char *const[]){preset, "train.steps=1", "validate.every=1", NULL}, NULL, &first));
        snprintf(dir, sizeof dir, "learn-%s", p[i].name);
        T_OK(run(dir, (const char *const[]){preset, "train.steps=150", "validate.every=50", NULL}, NULL, &last));
        const double share = strcmp(p[i].name, "joint") == 0 ? 0.95 : 0.6;
        if (!(last.validation < share * first.validation))
            T_FAIL("%s: rmse %g after %g", p[i].name, last.validation, first.validation);
        goss_model *m = model_of(dir);
        T_STR(goss_method_name(goss_model_method(m)), "multitask");
        T_STR(goss_config_text(goss_model_settings(m), "share.preset"), p[i].name);
        goss_model_free(m);
    }
}

typedef struct watch {
    int64_t until;
    volatile sig_atomic_t stop;
} watch;

static void on_step(void *context, const goss_train_progress *p) {
    watch *w = context;
    if (p->step >= w->until) w->stop = 1;
}

TEST(a_resumed_run_and_any_number_of_threads_give_the_same_bits) {
    static const char *const rules[] = {"share.rules=head.*=shared+own; *=routing+stitch", "share.preset=ordering",
                                        "share.rules=*=shared+own+dictionary"};
    write_table("table.csv", 0, TASKS);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        char dir[3][40];
        static const char *const kinds[] = {"whole", "single", "cut"};
        const char *const more[] = {rules[i], i == 2 ? "share.gates=gumbel" : "train.micro_batch=0",
                                    i == 2 ? "share.anneal=0.1" : NULL, NULL};
        const char *const single[] = {more[0], more[1], "run.threads=1", more[2], NULL};
        for (int k = 0; k < 3; k++) snprintf(dir[k], sizeof dir[k], "%s%zu", kinds[k], i);
        T_OK(run(dir[0], more, NULL, NULL));
        T_OK(run(dir[1], single, NULL, NULL));
        watch w = {.until = 5};
        goss_train_options o = {.stop = &w.stop, .progress = on_step, .context = &w};
        if (run(dir[2], more, &o, NULL) != GOSS_E_INTERRUPTED) T_FAIL("not stopped: %s", err.text);
        T_OK(run(dir[2], more, NULL, NULL));
        T_NOTE("%s", rules[i]);
        T_CHECK(weights_of(dir[0]) == weights_of(dir[1]));
        T_CHECK(weights_of(dir[0]) == weights_of(dir[2]));
    }
}

TEST(every_micro_batch_size_gives_the_same_bits) {
    write_table("table.csv", 0, TASKS);
    const char *const rules = "share.rules=*=shared+own+routing", *const cools = "share.anneal=0.2";
    T_OK(run("micro1", (const char *const[]){rules, cools, "train.micro_batch=1", NULL}, NULL, NULL));
    T_OK(run("micro2", (const char *const[]){rules, cools, "train.micro_batch=2", NULL}, NULL, NULL));
    T_CHECK(weights_of("micro1") == weights_of("micro2"));
}

/* A file of a task that was trained on gets that task's network; one of a new task is fitted to its rows. */
TEST(a_known_task_has_its_network_and_a_new_one_is_adapted_to) {
    char path[300];
    goss_table_fit *fit;
    float row[2] = {0.3f, -0.4f}, out[3];
    write_table("table.csv", 0, TASKS), write_table("known.csv", 2, 1), write_table("new.csv", TASKS, 1);
    T_OK(run("both", (const char *const[]){"share.preset=alone", "train.steps=200", "validate.every=100", NULL}, NULL,
             NULL));
    goss_model *m = model_of("both");
    T_OK(goss_table_fit_parse(goss_model_data(m)->transform, &fit, &err));
    for (int k = 0; k < 3; k++) { /* known, known with steps, new */
        goss_task_source source;
        goss_network *net;
        goss_adapt_options o = {.fine_tune = k == 1 ? 5 : 0};
        snprintf(path, sizeof path, "%s", scratch(k == 2 ? "new.csv" : "known.csv"));
        T_OK(goss_table_fit_support(fit, path, NULL, &source, NULL, &err));
        T_OK(goss_model_adapt_task(m, &source, 0, NULL, &o, &net, &err));
        T_OK(goss_network_predict(net, row, 1, &out[k], NULL, NULL, &err));
        if (k == 0) { /* the network is the task's row of what was learned */
            const goss_layout *l = goss_method_param_at(goss_model_method(m), 0).layout;
            const goss_entry *e = goss_layout_entry(l, goss_layout_find(l, "head.b.own"));
            float want[1];
            memcpy(want, goss_model_values(m, 0) + e->offset + 2, sizeof want);
            snprintf(path, sizeof path, "%s", scratch("net.safetensors"));
            T_OK(goss_network_save(net, path, &err));
            goss_safetensors *f;
            T_OK(goss_safetensors_open(path, &f, &err));
            T_CHECK(memcmp(goss_safetensors_find(f, "head.b")->data, want, sizeof want) == 0);
            goss_safetensors_close(f);
        }
        goss_network_free(net), goss_task_source_free(&source);
    }
    T_CHECK(out[0] != out[1] && out[0] != out[2]);
    goss_table_fit_free(fit), goss_model_free(m);
}

/* A run starts from another one's networks, and from nothing else; a joint network is not to be had of several. */
TEST(networks_are_taken_over_whole_or_not_at_all) {
    static const char *const joint[] = {"train.method=joint", "train.start=@start-a/model.safetensors", NULL};
    static const char *const other[] = {"train.start=@start-j/model.safetensors", NULL};
    static const char *const again[] = {"train.start=@start-a/model.safetensors", "optimizer.rate=0",
                                        "validate.every=0", NULL};
    static const char *const none[] = {"validate.every=0", NULL};
    goss_model *m, *derived;
    write_table("table.csv", 0, TASKS);
    T_OK(run("start-a", none, NULL, NULL));
    T_OK(run("start-j", (const char *const[]){"train.method=joint", NULL}, NULL, NULL));
    T_ERR(run("start-b", joint, NULL, NULL), GOSS_E_ARGUMENT, "method multitask has no network that could be taken");
    T_ERR(run("start-c", other, NULL, NULL), GOSS_E_ARGUMENT, "method joint has no networks of many tasks");
    T_OK(run("start-d", again, NULL, NULL));
    T_CHECK(weights_of("start-d") == weights_of("start-a"));
    m = model_of("start-a");
    T_ERR(goss_contender_derive(m, "joint", &derived, &err), GOSS_E_ARGUMENT,
          "method multitask has no network that could be taken over");
    goss_model_free(m);
}

TEST(what_cannot_be_is_refused) {
    static const struct {
        const char *setting, *part;
    } cases[] = {{"share.preset=alon", "share.preset: there is no preset \"alon\"; did you mean alone?"},
                 {"share.rules=*=ow", "[share]: share rules: \"*=ow\": the part is not known"},
                 {"share.rules=body.*=own; *=shared", "body.* matches no tensor"},
                 {"share.size=0", "share.size"},
                 {"share.gates=soft", "share.gates"},
                 {"model.backbone=conv 4 3", "model.backbone"}};
    write_table("table.csv", 0, TASKS);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char dir[40];
        snprintf(dir, sizeof dir, "bad%zu", i);
        err.text[0] = 0;
        if (run(dir, (const char *const[]){cases[i].setting, NULL}, NULL, NULL) == GOSS_OK)
            T_FAIL("%s was accepted", cases[i].setting);
        if (!strstr(err.text, cases[i].part))
            T_FAIL("%s: \"%s\" does not say \"%s\"", cases[i].setting, err.text, cases[i].part);
    }
}

TEST_MAIN()
