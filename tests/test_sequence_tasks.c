/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks of sequences that differ in length, from the source to the file of a network: every method and every place that
 * keeps or copies samples (batches, held-out rows, folds of support sets, files, predictors) knows their lengths. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "gossamer/model.h"
#include "gossamer/train.h"
#include "scratch.h"
#include "task/task_pack.h"
#include "test.h"

enum { STEPS = 7, WIDTH = 2, SUPPORTS = 8, QUERIES = 6, IDS = 3 };

static goss_error err;

/* What a draw depends on besides k. */
typedef struct kind {
    float padding; /* beyond a sample's length */
    bool blind;    /* the source tells no lengths, as one without them */
    int64_t room;  /* steps of its memory */
} kind;

/* Sign or size of a task's factor times the mean of the first channel over the sample's steps. */
static void draw(const goss_task_source *source, uint64_t k, goss_task *t) {
    const kind *of = source->context;
    const bool classes = goss_task_objective(&source->spec)->classes;
    goss__rng r = goss__rng_make(3, k);
    const double factor = (goss__rng_uniform(&r) < 0.5 ? -1 : 1) * (0.5 + goss__rng_uniform(&r));
    t->supports = SUPPORTS, t->queries = QUERIES, t->id = k < IDS ? (int64_t)k : -1;
    for (int i = 0; i < SUPPORTS + QUERIES; i++) {
        const bool query = i >= SUPPORTS;
        const int at = query ? i - SUPPORTS : i, length = of->blind ? STEPS : 1 + (int)goss__rng_below(&r, STEPS);
        float *x = query ? t->query : t->support, *y = query ? t->query_target : t->support_target;
        int32_t *n = query ? t->query_length : t->support_length;
        double sum = 0;
        for (int64_t s = 0; s < of->room; s++)
            for (int c = 0; c < WIDTH; c++) {
                const double v = s < length ? goss__rng_normal(&r) : (double)of->padding;
                if (x) x[(at * of->room + s) * WIDTH + c] = (float)v;
                if (c == 0 && s < length) sum += v;
            }
        if (y) y[at] = classes ? (float)(at < 2 ? at : factor * sum > 0) : (float)(factor * sum / length);
        if (n && !of->blind) n[at] = length;
    }
}

static goss_task_source source_of(const char *objective, kind *of) {
    static const float mean = 0, deviation = 0.5f;
    if (of->room == 0) of->room = STEPS;
    goss_task_source s = {.spec = {.input_rank = 2,
                                   .input = {of->room, WIDTH},
                                   .supports = SUPPORTS,
                                   .queries = QUERIES,
                                   .ids = IDS,
                                   .lengths = !of->blind,
                                   .shared_classes = true},
                          .context = of,
                          .draw = draw};
    T_OK(goss_objective_find(objective, &s.spec.objective, &err));
    s.spec.outputs = s.spec.objective->classes ? 2 : 1;
    if (!s.spec.objective->classes) s.spec.scale = (goss_target_scale){&mean, &deviation};
    return s;
}

static goss_model *model_for(const goss_task_source *source, const char *method, const char *backbone,
                             const char *const *more) {
    goss_data_spec data = goss_data_spec_tasks("sequences", &source->spec);
    int n;
    goss_config *c;
    goss_model *m = NULL;
    const goss_key *keys = goss_model_keys(&n);
    T_OK(goss_config_new(keys, n, &c, &err));
    T_OK(goss_config_set(c, "model.backbone", backbone, &err));
    for (; more && *more; more++) T_OK(goss_config_override(c, *more, &err));
    if (goss_model_create(method, c, &data, 3, &m, &err) != GOSS_OK) T_FAIL("%s: %s", method, err.text);
    goss_config_free(c);
    for (int i = 0; i < goss_method_params(goss_model_method(m)); i++) { /* nothing that is zero by design */
        goss__rng r = goss__rng_make(9, (uint64_t)i);
        const int64_t total = goss_layout_total(goss_method_param_at(goss_model_method(m), i).layout);
        for (int64_t k = 0; k < total; k++) goss_model_values(m, i)[k] += 0.2f * (float)goss__rng_normal(&r);
    }
    return m;
}

/* ---- specs and draws ---- */

TEST(lengths_are_of_sequences) {
    kind of = {0};
    goss_task_source s = source_of("classification", &of);
    T_OK(goss_task_spec_check(&s.spec, &err));
    s.spec.input_rank = 1;
    T_ERR(goss_task_spec_check(&s.spec, &err), GOSS_E_ARGUMENT, "lengths are of sequences (steps, channels)");
}

TEST(a_batch_has_lengths_and_zeros_behind_them) {
    kind of = {.padding = NAN};
    const goss_task_source s = source_of("classification", &of);
    goss__task_pack p;
    T_OK(goss__task_pack_init(&p, 2, &s.spec, NULL, &err));
    goss__task_pack_draw(&p, &s, 5, 2);
    int shorter = 0;
    for (int i = 0; i < 2 * SUPPORTS; i++) {
        T_CHECK(p.support_length[i] >= 1 && p.support_length[i] <= STEPS);
        shorter += p.support_length[i] < STEPS;
        for (int j = 0; j < p.steps * WIDTH; j++)
            T_CHECK(isfinite(p.support[i * p.steps * WIDTH + j]) &&
                    (j < p.support_length[i] * WIDTH) == (p.support[i * p.steps * WIDTH + j] != 0));
    }
    T_CHECK(shorter > 0 && p.steps <= STEPS);
    float before[QUERIES], longest = 0;
    memcpy(before, p.query_length, sizeof before);
    goss__task_pack_mix(&p, 0.4, 1, 5); /* a mixture is as long as the longer one */
    for (int i = 0; i < QUERIES; i++) {
        T_CHECK(p.query_length[i] >= before[i]);
        longest = fmaxf(longest, p.query_length[i] - before[i]);
    }
    T_CHECK(longest > 0);
    goss__task_pack_free(&p);
}

/* A batch has as many steps as its longest sample. */
static void draw_short(const goss_task_source *source, uint64_t k, goss_task *t) {
    draw(source, k, t);
    for (int i = 0; i < SUPPORTS; i++) t->support_length[i] = 1 + i % 3;
    for (int i = 0; i < QUERIES; i++) t->query_length[i] = 2;
}

TEST(a_batch_of_short_samples_is_short) {
    kind of = {.padding = 0.25f};
    goss_task_source s = source_of("classification", &of);
    goss__task_pack p;
    float first[SUPPORTS * STEPS * WIDTH], y[SUPPORTS], x[QUERIES * STEPS * WIDTH], t[QUERIES];
    int32_t lengths[2][SUPPORTS];
    s.draw(&s, 6,
           &(goss_task){.support = first,
                        .support_target = y,
                        .support_length = lengths[0],
                        .query = x,
                        .query_target = t,
                        .query_length = lengths[1]});
    s.draw = draw_short;
    T_OK(goss__task_pack_init(&p, 2, &s.spec, NULL, &err));
    goss__task_pack_draw(&p, &s, 5, 2);
    T_EQ(p.steps, 3);
    for (int i = 0; i < SUPPORTS; i++) /* of the second task */
        for (int j = 0; j < 3 * WIDTH; j++) {
            const float want = j < (1 + i % 3) * WIDTH ? first[i * STEPS * WIDTH + j] : 0;
            T_CHECK(p.support[(SUPPORTS + i) * 3 * WIDTH + j] == want);
        }
    goss__task_pack_free(&p);
}

/* A source that leaves lengths alone has samples of all steps: as one whose spec has none. */
TEST(without_lengths_all_steps_count) {
    kind of = {.blind = true};
    goss_task_source s = source_of("classification", &of);
    s.spec.lengths = true;
    goss__task_pack p;
    T_OK(goss__task_pack_init(&p, 1, &s.spec, NULL, &err));
    goss__task_pack_draw(&p, &s, 0, 1);
    for (int i = 0; i < SUPPORTS; i++) T_CHECK(p.support_length[i] == STEPS);
    goss__task_pack_free(&p);
}

/* ---- methods ---- */

/* Answers of a method to the queries of two tasks, as probabilities or standardised numbers. */
static void answers(const goss_model *m, const goss_task_source *source, float *out) {
    goss_graph *g = goss_graph_new();
    goss_task_batch b = goss_task_batch_declare(g, &source->spec, 2);
    goss_val y =
        source->spec.objective->answer(source->spec.objective, goss_method_outputs(goss_model_method(m), g, &b, 0));
    goss_schedule *program;
    goss_params *params;
    goss_threads *threads;
    goss_exec *exec;
    goss__task_pack pack;
    if (goss_compile(g, &y, 1, NULL, 0, NULL, &program, &err) != GOSS_OK) T_FAIL("%s", err.text);
    T_OK(goss_params_new(GOSS_F32, &params, &err));
    T_OK(goss_params_add(params, program, &err));
    T_OK(goss_threads_new(1, &threads, &err));
    T_OK(goss_exec_new(program, params, threads, &exec, &err));
    T_OK(goss_model_store(m, params, &err));
    T_OK(goss__task_pack_init(&pack, 2, &source->spec, NULL, &err));
    goss__task_pack_draw(&pack, source, 4, 2);
    pack.task[0] = pack.task[1] = 0;
    T_OK(goss__task_pack_bind(&pack, exec, &err));
    T_OK(goss_exec_run(exec, &err));
    memcpy(out, goss_exec_output(exec, 0, NULL), (size_t)(2 * QUERIES * source->spec.outputs) * sizeof *out);
    goss__task_pack_free(&pack);
    goss_exec_free(exec), goss_threads_free(threads), goss_params_free(params), goss_schedule_free(program);
    goss_graph_free(g);
}

static const struct {
    const char *method, *backbone;
    const char *more[4];
} ways[] = {
    {"hypernet", "gru 6; readout last", {"hyper.rules=head.*=full; gru*.w=lowrank 2; *=shared", NULL}},
    {"hypernet",
     "lstm 5 norm bidirectional; norm layer; readout attention",
     {"hyper.rules=norm*=film; *=shared", NULL}},
    {"hypernet", "transformer 6 2; norm layer; readout mean", {"hyper.rules=*.w=full; *=shared", NULL}},
    {"hypernet", "conv1d 4 3 pad 1; norm batch; relu; gru 4; readout max", {"method.norm=support", NULL}},
    {"hypernet", "dense 4; tanh; gru 4; readout mean", {"hyper.condition=input, support", NULL}},
    {"hypernet", "gru 4; readout mean", {"method.ridge_head=true", "method.inner_steps=1", NULL}},
    {"maml", "gru 4; readout last", {"method.inner_steps=2", "method.test_steps=2", NULL}},
    {"reptile", "gru 4; readout last", {"method.test_steps=2", NULL}},
    {"finetune", "attention 2; readout attention", {"method.test_steps=2", NULL}},
    {"ridge", "gru 4; readout mean", {NULL}},
    {"protonet", "gru 4; readout mean", {NULL}},
    {"protonet", "positions learned; attention 2; readout mean", {NULL}},
    {"joint", "dense 4; dropout 0.3; transformer 4 2 dropout 0.2; readout mean", {NULL}},
    {"joint", "gru 4; norm batch; readout mean", {"method.norm=running", NULL}},
};
enum { WAYS = sizeof ways / sizeof *ways };

/* The same numbers whatever is beyond lengths and however much room there is. */
TEST(no_method_sees_padding) {
    for (int i = 0; i < WAYS; i++) {
        float a[2 * QUERIES * 2], b[2 * QUERIES * 2];
        kind plain = {0}, wide = {.padding = NAN, .room = STEPS + 5};
        const goss_task_source s = source_of("classification", &plain), other = source_of("classification", &wide);
        goss_model *m = model_for(&s, ways[i].method, ways[i].backbone, ways[i].more);
        goss_model *n = model_for(&other, ways[i].method, ways[i].backbone, ways[i].more);
        for (int k = 0; k < goss_method_params(goss_model_method(m)); k++) { /* the input layer of a code is wider */
            const goss_method_param p = goss_method_param_at(goss_model_method(m), k);
            if (goss_layout_total(p.layout) != goss_layout_total(goss_method_param_at(goss_model_method(n), k).layout))
                goto next;
        }
        answers(m, &s, a), answers(n, &other, b);
        for (int k = 0; k < 2 * QUERIES * 2; k++)
            if (!(isfinite(a[k]) && fabsf(a[k] - b[k]) <= 2e-6f))
                T_FAIL("%s, %s: answer %d is %.9g, with more room %.9g", ways[i].method, ways[i].backbone, k, a[k],
                       b[k]);
    next:
        goss_model_free(m), goss_model_free(n);
    }
}

/* And lengths are seen: without them zeros count as steps. */
TEST(every_method_sees_lengths) {
    for (int i = 0; i < WAYS; i++) {
        float a[2 * QUERIES * 2], b[2 * QUERIES * 2], gap = 0;
        kind plain = {0};
        goss_task_source s = source_of("classification", &plain);
        goss_model *m = model_for(&s, ways[i].method, ways[i].backbone, ways[i].more);
        answers(m, &s, a);
        s.spec.lengths = false;
        answers(m, &s, b);
        for (int k = 0; k < 2 * QUERIES * 2; k++) gap = fmaxf(gap, fabsf(a[k] - b[k]));
        if (!(gap > 1e-4f)) T_FAIL("%s, %s: the same without lengths", ways[i].method, ways[i].backbone);
        goss_model_free(m);
    }
}

TEST(a_network_that_ends_in_steps_is_refused) {
    kind of = {0};
    const goss_task_source s = source_of("classification", &of);
    goss_data_spec data = goss_data_spec_tasks("sequences", &s.spec);
    int n;
    goss_config *c;
    goss_model *m;
    const goss_key *keys = goss_model_keys(&n);
    T_OK(goss_config_new(keys, n, &c, &err));
    T_OK(goss_config_set(c, "model.backbone", "gru 4", &err));
    T_ERR(goss_model_create("hypernet", c, &data, 3, &m, &err), GOSS_E_UNSUPPORTED,
          "put readout mean, max, last or attention");
    goss_config_free(c);
}

/* ---- networks ---- */

TEST(adapted_networks_and_their_files_know_lengths) {
    for (int i = 0; i < WAYS; i++) {
        if (strstr(ways[i].more[0] ? ways[i].more[0] : "", "input")) continue; /* no network of a task */
        kind of = {.padding = -5};
        const goss_task_source s = source_of(i % 2 ? "classification" : "regression", &of);
        if (!s.spec.objective->classes && strcmp(ways[i].method, "protonet") == 0) continue;
        goss_model *m = model_for(&s, ways[i].method, ways[i].backbone, ways[i].more), *again;
        goss_network *net, *back;
        goss_predictor *p;
        float want[2 * QUERIES * 2], got[QUERIES * 2], x[QUERIES * STEPS * WIDTH], y[QUERIES],
            support[SUPPORTS * STEPS * WIDTH], support_y[SUPPORTS];
        int32_t length[QUERIES], support_length[SUPPORTS];
        const size_t numbers = (size_t)(QUERIES * s.spec.outputs);
        goss_task t = {.support = support,
                       .support_target = support_y,
                       .support_length = support_length,
                       .query = x,
                       .query_target = y,
                       .query_length = length};
        answers(m, &s, want);
        for (size_t k = 0; k < numbers; k++)
            if (s.spec.scale.mean) want[k] = want[k] * *s.spec.scale.deviation + *s.spec.scale.mean;
        s.draw(&s, 4, &t);
        T_OK(goss_model_save(m, scratch("sequence.safetensors"), &err));
        T_OK(goss_model_load(scratch("sequence.safetensors"), &again, &err));
        T_CHECK(goss_model_data(again)->task.lengths && goss_model_data(again)->task.input_rank == 2);
        T_OK(goss_model_adapt_task(again, &s, 4, NULL, NULL, &net, &err));
        T_OK(goss_network_save(net, scratch("sequence-net.safetensors"), &err));
        T_OK(goss_network_load(scratch("sequence-net.safetensors"), &back, &err));
        T_OK(goss_network_predict_ragged(back, x, length, QUERIES, got, NULL, NULL, &err));
        for (size_t k = 0; k < numbers; k++)
            if (!(fabsf(got[k] - want[k]) < 2e-5f)) T_FAIL("%s: %.9g, not %.9g", ways[i].backbone, got[k], want[k]);
        T_OK(goss_predictor_of_model(m, &s.spec, NULL, &p, &err));
        const uint64_t before = goss__alloc_count();
        T_OK(goss_predictor_adapt(p, &s, 4, &err));
        T_OK(goss_predictor_predict_ragged(p, x, length, QUERIES, got, NULL, &err));
        T_EQ(goss__alloc_count(), before);
        for (size_t k = 0; k < numbers; k++) T_NEAR(got[k], want[k], 2e-5);
        length[3] = 0;
        T_ERR(goss_predictor_predict_ragged(p, x, length, QUERIES, got, NULL, &err), GOSS_E_ARGUMENT,
              "sample 4 has 0 steps; the network reads 1 to 7");
        length[3] = STEPS + 1;
        T_ERR(goss_predictor_predict_ragged(p, x, length, QUERIES, got, NULL, &err), GOSS_E_ARGUMENT, "8 steps");
        goss_predictor_free(p), goss_network_free(net), goss_network_free(back), goss_model_free(m),
            goss_model_free(again);
    }
}

TEST(lengths_where_there_are_none_are_refused) {
    kind of = {.blind = true}, ragged = {0};
    const goss_task_source s = source_of("classification", &of), other = source_of("classification", &ragged);
    goss_model *m = model_for(&s, "joint", "gru 4; readout mean", NULL);
    goss_network *net;
    float x[STEPS * WIDTH] = {1}, p[2], all[2];
    T_OK(goss_model_adapt_task(m, &s, 0, NULL, NULL, &net, &err));
    T_ERR(goss_network_predict_ragged(net, x, (int32_t[]){3}, 1, p, NULL, NULL, &err), GOSS_E_ARGUMENT, "have none");
    T_OK(goss_network_predict_ragged(net, x, NULL, 1, p, NULL, NULL, &err));
    T_OK(goss_network_predict(net, x, 1, all, NULL, NULL, &err));
    T_CHECK(memcmp(p, all, sizeof p) == 0);
    goss_network_free(net);
    T_ERR(goss_model_adapt_task(m, &other, 0, NULL, NULL, &net, &err), GOSS_E_ARGUMENT,
          "tasks with lengths for a model of samples that have none");
    goss_model_free(m);
}

/* Held-out quarters of the support set are judged with their own lengths. */
TEST(steps_of_fine_tuning_are_chosen_on_samples_with_lengths) {
    kind plain = {0}, wide = {.padding = NAN};
    const goss_task_source s = source_of("classification", &plain), other = source_of("classification", &wide);
    goss_model *m = model_for(&s, "maml", "gru 4; readout last", NULL);
    const goss_adapt_options o = {.fine_tune = GOSS_FINE_TUNE_AUTO};
    goss_network *a, *b;
    float x[STEPS * WIDTH] = {1, 2, 3}, p[2], q[2];
    T_OK(goss_model_adapt_task(m, &s, 4, NULL, &o, &a, &err));
    T_OK(goss_model_adapt_task(m, &other, 4, NULL, &o, &b, &err));
    T_OK(goss_network_predict_ragged(a, x, (int32_t[]){2}, 1, p, NULL, NULL, &err));
    T_OK(goss_network_predict_ragged(b, x, (int32_t[]){2}, 1, q, NULL, NULL, &err));
    T_CHECK(memcmp(p, q, sizeof p) == 0 && isfinite(p[0]));
    goss_network_free(a), goss_network_free(b), goss_model_free(m);
}

/* ---- training ---- */

static const char *const small_run[] = {"model.backbone=gru 12; readout mean", "train.tasks=8", "optimizer.rate=0.02",
                                        "hyper.rules=head.*=full; *=shared", NULL};

/* Trains on sequences; the last value of a key in metrics.jsonl. */
static double train_small(const char *dir, const char *const *settings, const goss_train_tasks *tasks,
                          const char *key) {
    int n;
    goss_config *c;
    goss_train_report report;
    char path[300], line[2000], quoted[80];
    double value = NAN;
    const goss_key *keys = goss_train_keys(&n);
    T_OK(goss_config_new(keys, n, &c, &err));
    T_OK(goss_config_set(c, "run.dir", scratch(dir), &err));
    for (int i = 0; small_run[i]; i++) T_OK(goss_config_override(c, small_run[i], &err));
    for (int i = 0; settings[i]; i++) T_OK(goss_config_override(c, settings[i], &err));
    if (goss_train(c, &(goss_train_options){.tasks = tasks}, &report, &err) != GOSS_OK) T_FAIL("%s", err.text);
    goss_config_free(c);
    snprintf(path, sizeof path, "%s/metrics.jsonl", scratch(dir)), snprintf(quoted, sizeof quoted, "\"%s\":", key);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (strstr(line, quoted)) value = atof(strstr(line, quoted) + strlen(quoted));
    if (f) fclose(f);
    return value;
}

TEST(a_run_with_dropout_learns_from_sequences) {
    kind of = {.padding = NAN};
    goss_task_source seen = source_of("regression", &of);
    seen.spec.ids = 0;
    const goss_train_tasks tasks = {.kind = "sequences", .train = &seen, .validation = &seen, .judged = 30};
    static const char *const settings[] = {
        "model.backbone=dense 8; dropout 0.1; transformer 8 2 dropout 0.1; readout mean", "train.steps=20",
        "validate.every=20", NULL};
    T_CHECK(isfinite(train_small("dropout", settings, &tasks, "loss")));
}

/* What a GRU's state costs by how it changes; a larger strength leaves less of it. */
TEST(changes_of_a_state_can_be_penalised) {
    static const char *const kinds[] = {"state_change", "state_norm"};
    kind of = {.padding = NAN};
    goss_task_source seen = source_of("regression", &of);
    seen.spec.ids = 0;
    const goss_train_tasks tasks = {.kind = "sequences", .train = &seen, .validation = &seen, .judged = 30};
    for (int k = 0; k < 2; k++) {
        double value[2];
        for (int i = 0; i < 2; i++) {
            char dir[40], kind_line[60], strength[60];
            snprintf(dir, sizeof dir, "%s-%d", kinds[k], i);
            snprintf(kind_line, sizeof kind_line, "regularizer.a.kind=%s", kinds[k]);
            snprintf(strength, sizeof strength, "regularizer.a.strength=%g", i ? 1 : 1e-4);
            const char *const settings[] = {
                kind_line,          strength, "regularizer.a.on=hidden/gru1", "train.steps=150", "train.log_every=150",
                "validate.every=0", NULL};
            value[i] = train_small(dir, settings, &tasks, "regularizer.a") / (i ? 1 : 1e-4);
        }
        if (!(isfinite(value[0]) && value[1] < 0.5 * value[0]))
            T_FAIL("%s: %g, and at a larger strength %g", kinds[k], value[0], value[1]);
    }
}

/* A GRU and a hypernetwork learn the mean of a channel, times a factor that the support set shows. */
TEST(a_run_learns_from_sequences) {
    kind of = {.padding = NAN};
    goss_task_source seen = source_of("regression", &of);
    seen.spec.ids = 0;
    const goss_train_tasks tasks = {.kind = "sequences", .train = &seen, .validation = &seen, .judged = 30};
    static const char *const settings[] = {"model.backbone=gru 12; readout mean",
                                           "train.steps=250",
                                           "train.tasks=8",
                                           "validate.every=250",
                                           "optimizer.rate=0.02",
                                           "hyper.rules=head.*=full; *=shared",
                                           "train.mixup=0",
                                           NULL};
    int n;
    goss_config *c;
    goss_train_report report;
    const goss_key *keys = goss_train_keys(&n);
    T_OK(goss_config_new(keys, n, &c, &err));
    T_OK(goss_config_set(c, "run.dir", scratch("sequences"), &err));
    for (int i = 0; settings[i]; i++)
        if (goss_config_override(c, settings[i], &err) != GOSS_OK) T_FAIL("%s: %s", settings[i], err.text);
    if (goss_train(c, &(goss_train_options){.tasks = &tasks}, &report, &err) != GOSS_OK) T_FAIL("%s", err.text);
    goss_config_free(c);
    printf("  rmse %.3f\n", report.validation);
    T_CHECK(report.validation < 0.35);
}
TEST_MAIN()
