/* SPDX-License-Identifier: Apache-2.0 */
/* Structures that are generated: gates in training are those of the budget, networks keep within what is asked, and
 * what follows from a structure is the same however it is computed. */
#include <math.h>

#include "few_shot.h"
#include "gossamer/structure.h"
#include "meta/judge.h"
#include "meta/model.h"
#include "meta/structure.h"

static goss_error err;

static const char space_text[] =
    "conv 4..12/4 3 pad 1; norm layer; relu; pool avg 2; conv 4..8/2 1|3 pad same; relu|silu; pool avg 3; flatten";

/* ---- numbers as people write them ---- */

TEST(bytes_and_counts_are_read) {
    static const struct {
        const char *text;
        int64_t bytes, count;
    } rows[] = {{"512", 512, 512},    {"8KB", 8192, -1},     {"1.5MB", 1572864, -1}, {"7B", 7, -1},
                {"200k", -1, 200000}, {"1.5M", -1, 1500000}, {"", -1, -1},           {"KB", -1, -1},
                {"8 KB", -1, -1},     {"-8KB", -1, -1},      {"0", -1, -1},          {"0.5B", -1, -1},
                {"8KBs", -1, -1},     {"1..5KB", -1, -1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t n = -1;
        const bool bytes = goss_bytes_parse(rows[i].text, &n, &err) == GOSS_OK;
        if (bytes != (rows[i].bytes > 0) || (bytes && n != rows[i].bytes))
            T_FAIL("\"%s\" as bytes: %lld", rows[i].text, (long long)n);
        const bool count = goss_count_parse(rows[i].text, &n, &err) == GOSS_OK;
        if (count != (rows[i].count > 0) || (count && n != rows[i].count))
            T_FAIL("\"%s\" as a count: %lld", rows[i].text, (long long)n);
    }
}

/* ---- methods ---- */

static goss_status create(const char *name, const char *text, goss_structure_options *o, goss_method **out) {
    goss_method_options m = goss_method_defaults();
    m.structure = o;
    return goss_method_create(name, text, few_input, 3, &m, out, &err);
}

TEST(what_does_not_go_together_is_refused) {
    static const char fixed[] = "conv 4 3 pad 1; relu; flatten", running[] = "conv 4..8/4 3; norm batch; relu; flatten";
    goss_structure_options o = goss_structure_defaults();
    goss_method *m;
    T_ERR(create("hypernet", space_text, &o, &m), GOSS_E_ARGUMENT, "structure.choose says who chooses");
    T_ERR(create("protonet", space_text, NULL, &m), GOSS_E_ARGUMENT, "structure.choose");
    o.choose = GOSS_STRUCTURE_BY_TASK;
    T_ERR(create("hypernet", fixed, &o, &m), GOSS_E_ARGUMENT, "leaves nothing to choose");
    T_ERR(create("protonet", space_text, &o, &m), GOSS_E_UNSUPPORTED, "method protonet generates no structures");
    T_ERR(create("hypernet", running, &o, &m), GOSS_E_UNSUPPORTED, "running statistics");
    o.low = 1 << 20;
    T_ERR(create("hypernet", space_text, &o, &m), GOSS_E_ARGUMENT, "structure.low is 1048576 bytes");
    o.low = 8, o.high = 16; /* below all networks */
    T_ERR(create("hypernet", space_text, &o, &m), GOSS_E_ARGUMENT, "structure.low is 8 bytes and structure.high 16");
    o.low = o.high = 0, o.distill = 2;
    T_ERR(create("hypernet", space_text, &o, &m), GOSS_E_ARGUMENT, "distill");
    o = goss_structure_defaults(), o.choose = GOSS_STRUCTURE_LARGEST;
    T_OK(create("protonet", space_text, &o, &m));
    goss_method_free(m);
}

/* ---- gates in training ---- */

enum { TASKS = 6, WAYS = 3, SAMPLES = WAYS * 2 };

typedef struct trained {
    goss_method *method;
    goss_graph *graph;
    goss_task_batch batch;
    goss_val gates, bytes, budget;
    goss_step_loss loss;
} trained;

static void open_training(trained *x, goss_structure_options *o) {
    const goss_task_spec spec = {
        .input_rank = 3, .input = {FEW_SIDE, FEW_SIDE, 1}, .supports = SAMPLES, .queries = SAMPLES, .outputs = WAYS};
    *x = (trained){0};
    T_OK(create("hypernet", space_text, o, &x->method));
    T_CHECK((x->graph = goss_graph_new()) != NULL);
    x->batch = goss_task_batch_declare(x->graph, &spec, TASKS);
    x->loss = goss_method_train(x->method, x->graph, &x->batch);
    x->gates = goss_published_get(x->graph, "gates/structure");
    T_OK(goss_graph_status(x->graph, &err));
}

static void close_training(trained *x) {
    goss_graph_free(x->graph);
    goss_method_free(x->method);
}

/* Two samples of each class, for support and queries alike. */
static struct {
    double x[2][TASKS * SAMPLES * FEW_IMAGE], target[TASKS * SAMPLES * WAYS], assign[TASKS * WAYS * SAMPLES],
        weight[TASKS * SAMPLES], mask[TASKS * WAYS];
    int32_t id[TASKS];
} data;

static void fill(void) {
    for (int t = 0; t < TASKS; t++) {
        data.id[t] = t;
        for (int w = 0; w < WAYS; w++) data.mask[t * WAYS + w] = 1;
        for (int i = 0; i < SAMPLES; i++) {
            const int at = t * SAMPLES + i, w = i / 2;
            for (int query = 0; query < 2; query++) few_image(data.x[query] + at * FEW_IMAGE, t, w, 10 * query + i % 2);
            data.target[at * WAYS + w] = data.weight[at] = 1;
            data.assign[(t * WAYS + w) * SAMPLES + i] = 0.5;
        }
    }
}

/* Runs outputs of a training graph at a moment of the training. */
static void observe(trained *x, const goss_val *outputs, int n, double progress, uint64_t step, double *const *to,
                    const int64_t *numel) {
    const struct {
        const char *name;
        const void *data;
    } input[] = {{"support", data.x[0]},        {"query", data.x[1]},    {"support_target", data.target},
                 {"query_target", data.target}, {"assign", data.assign}, {"query_weight", data.weight},
                 {"class_mask", data.mask},     {"task", data.id}};
    goss_schedule_options o = goss_schedule_defaults();
    goss_schedule *program;
    goss_params *params;
    goss_exec *e;
    goss_threads *threads;
    o.precision = GOSS_F64;
    fill();
    T_OK(goss_compile(x->graph, outputs, n, NULL, 0, &o, &program, &err));
    T_OK(goss_params_new(GOSS_F64, &params, &err));
    T_OK(goss_params_add(params, program, &err));
    T_OK(goss_threads_new(1, &threads, &err));
    T_OK(goss_exec_new(program, params, threads, &e, &err));
    for (int i = 0; i < goss_method_params(x->method); i++) {
        const goss_method_param p = goss_method_param_at(x->method, i);
        const int at = goss_params_find(params, p.name);
        const int64_t size = goss_layout_total(p.layout);
        float *v = malloc((size_t)size * sizeof *v);
        goss_method_initialize(x->method, i, 3, v);
        for (int64_t k = 0; k < size && at >= 0; k++) ((double *)goss_params_data(params, at))[k] = v[k];
        free(v);
    }
    const int at = goss_params_find(params, GOSS__STRUCTURE_PROGRESS);
    if (at >= 0) *(double *)goss_params_data(params, at) = progress;
    for (size_t i = 0; i < sizeof input / sizeof *input; i++) {
        const goss_status s = goss_exec_bind(e, input[i].name, input[i].data, &err);
        T_CHECK(s == GOSS_OK || s == GOSS_E_ARGUMENT);
    }
    goss_exec_seed(e, 11, step);
    T_OK(goss_exec_run(e, &err));
    for (int i = 0; i < n; i++) {
        int64_t count;
        const double *v = goss_exec_output(e, i, &count);
        T_EQ(count, numel[i]);
        memcpy(to[i], v, (size_t)count * sizeof *v);
    }
    goss_exec_free(e), goss_params_free(params), goss_schedule_free(program), goss_threads_free(threads);
}

/* Each drawn structure is one of the space and within its task's budget, or the cheapest; budgets differ. */
TEST(structures_in_training_are_within_their_budgets) {
    enum { MOST = 64 };
    goss_structure_options o = goss_structure_defaults();
    trained x;
    double gates[TASKS * MOST], high = 0, low = 1e9;
    float structure[MOST], cheapest[MOST];
    o.choose = GOSS_STRUCTURE_BY_TASK, o.low = 1000, o.high = 3000;
    open_training(&x, &o);
    const goss_space *s = goss_method_space(x.method);
    const int G = goss_space_gates(s);
    T_CHECK(G <= MOST);
    goss_space_cheapest(s, cheapest);
    for (uint64_t step = 0; step < 8; step++) {
        observe(&x, &x.gates, 1, 1, step, (double *[]){gates}, (int64_t[]){TASKS * G});
        for (int t = 0; t < TASKS; t++) {
            for (int i = 0; i < G; i++) {
                structure[i] = (float)gates[t * G + i];
                T_CHECK(structure[i] == 0 || structure[i] == 1);
            }
            T_OK(goss_space_check(s, structure, &err));
            const double bytes = (double)goss_space_cost_of(s, structure, WAYS).bytes;
            if (bytes > 3000) T_FAIL("step %d, task %d: %g bytes", (int)step, t, bytes);
            if (bytes > high) high = bytes;
            if (bytes < low) low = bytes;
        }
    }
    if (high < 2000 || low > 1500)
        T_FAIL("structures have %g to %g bytes: budgets from 1000 to 3000 are not used", low, high);
    close_training(&x);
}

TEST(the_largest_network_is_trained_first) {
    goss_structure_options o = goss_structure_defaults();
    trained x;
    double gates[TASKS * 64];
    o.choose = GOSS_STRUCTURE_BY_TASK, o.low = 1000, o.high = 1500;
    open_training(&x, &o);
    const goss_space *s = goss_method_space(x.method);
    const int G = goss_space_gates(s);
    observe(&x, &x.gates, 1, 0.05, 3, (double *[]){gates}, (int64_t[]){TASKS * G});
    for (int i = 0; i < TASKS * G; i++)
        if (goss_space_gate(s, i % G).of != GOSS_GATE_CHOICE && gates[i] != 1)
            T_FAIL("%s is closed in the warm-up", goss_space_gate(s, i % G).name);
    observe(&x, &x.gates, 1, 0.5, 3, (double *[]){gates}, (int64_t[]){TASKS * G});
    int closed = 0;
    for (int i = 0; i < TASKS * G; i++) closed += gates[i] == 0;
    T_CHECK(closed > TASKS * 2);
    close_training(&x);
}

/* The gradient of the price makes gates pay for their bytes: the directions in which logits change leave the expected
 * bytes as they are, so that a loss that is bytes alone has none. */
TEST(logits_gain_nothing_by_a_larger_structure) {
    goss_structure_options o = goss_structure_defaults();
    trained x;
    o.choose = GOSS_STRUCTURE_BY_TASK, o.low = 1200, o.high = 2400, o.temperature_end = 1;
    o.gradient = GOSS_STRUCTURE_THROUGH;
    open_training(&x, &o);
    const goss_space *s = goss_method_space(x.method);
    const goss_val logits = goss_published_get(x.graph, "generated/structure");
    const goss_val bytes = goss_sum_all(goss_space_cost(s, x.gates, WAYS).bytes), units = goss_sum_all(x.gates);
    goss_val by_bytes, by_units;
    T_OK(goss_grad(bytes, &logits, 1, &by_bytes));
    T_OK(goss_grad(units, &logits, 1, &by_units));
    const goss_val out[] = {goss_sum_all(goss_square(by_bytes)), goss_sum_all(goss_square(by_units))};
    double sum_bytes, sum_units;
    observe(&x, out, 2, 1, 5, (double *[]){&sum_bytes, &sum_units}, (int64_t[]){1, 1});
    if (!(sum_units > 1e-6)) T_FAIL("gates have no gradient: %g", sum_units);
    if (!(sum_bytes < 1e-6 * sum_units)) T_FAIL("bytes have a gradient of %g (gates %g)", sum_bytes, sum_units);
    close_training(&x);
}

static void check_that_all_learn(goss_structure_gradient gradient) {
    goss_structure_options o = goss_structure_defaults();
    trained x;
    o.choose = GOSS_STRUCTURE_BY_TASK, o.low = 1000, o.high = 3000, o.gradient = gradient;
    open_training(&x, &o);
    goss_val param[GOSS_STEP_PARAMS], grad[GOSS_STEP_PARAMS], norm[GOSS_STEP_PARAMS];
    double value[GOSS_STEP_PARAMS], *to[GOSS_STEP_PARAMS];
    int64_t one[GOSS_STEP_PARAMS];
    for (int i = 0; i < x.loss.n_params; i++) param[i] = x.loss.param[i].param;
    T_OK(goss_grad(x.loss.loss, param, x.loss.n_params, grad));
    for (int i = 0; i < x.loss.n_params; i++)
        norm[i] = goss_sum_all(goss_square(grad[i])), to[i] = &value[i], one[i] = 1;
    observe(&x, norm, x.loss.n_params, 0.9, 2, to, one);
    for (int i = 0; i < x.loss.n_params; i++)
        if (!(value[i] > 0 && value[i] < 1e12)) T_FAIL("%s: %g", x.loss.param[i].name, value[i]);
    close_training(&x);
}

TEST(every_parameter_learns) {
    check_that_all_learn(GOSS_STRUCTURE_THROUGH);
    check_that_all_learn(GOSS_STRUCTURE_SCORE);
}

/* Logits of all tasks at a moment of the training, [TASKS,G]; G. */
static int observe_logits(goss_structure_options *o, double progress, double *logits, double *loss) {
    trained x;
    open_training(&x, o);
    const int G = goss_space_gates(goss_method_space(x.method));
    const goss_val out[] = {goss_published_get(x.graph, "generated/structure"), x.loss.loss};
    observe(&x, out, 2, progress, 2, (double *[]){logits, loss}, (int64_t[]){TASKS * G, 1});
    close_training(&x);
    return G;
}

TEST(logits_of_tasks_are_the_same_until_they_may_differ) {
    goss_structure_options o = goss_structure_defaults();
    double before[TASKS * 64], after[TASKS * 64], without[TASKS * 64], loss;
    o.choose = GOSS_STRUCTURE_BY_TASK;
    observe_logits(&o, 0.9, without, &loss);
    o.common = 0.5;
    const int G = observe_logits(&o, 0.49, before, &loss);
    observe_logits(&o, 0.9, after, &loss);
    double apart = 0;
    for (int i = 0; i < TASKS * G; i++) {
        T_CHECK(before[i] == 3.5);
        T_CHECK(after[i] == without[i]);
        apart = fmax(apart, fabs(after[i] - after[i % G]));
    }
    if (!(apart > 0.01)) T_FAIL("tasks' logits differ by %g at most at the end", apart);
}

TEST(tied_logits_pay_for_what_they_differ_by) {
    goss_structure_options o = goss_structure_defaults();
    double logits[TASKS * 64], free, tied, sum = 0;
    o.choose = GOSS_STRUCTURE_BY_TASK, o.tie = 0;
    observe_logits(&o, 0.9, logits, &free);
    o.tie = 0.25;
    const int G = observe_logits(&o, 0.9, logits, &tied);
    for (int i = 0; i < TASKS * G; i++) sum += (logits[i] - 3.5) * (logits[i] - 3.5); /* of all tasks: at the start */
    T_CHECK(sum > 0);
    T_NEAR(tied - free, 0.25 * sum / (TASKS * G), 1e-9);
}

/* ---- models ---- */

static void draw_few(const goss_task_source *source, uint64_t k, goss_task *task) {
    double image[FEW_IMAGE];
    (void)source;
    for (int query = 0; query < 2; query++) {
        float *x = query ? task->query : task->support, *target = query ? task->query_target : task->support_target;
        for (int i = 0; i < SAMPLES; i++) {
            few_image(image, (int)k, i / 2, 10 * query + i % 2);
            for (int j = 0; j < FEW_IMAGE && x; j++) x[i * FEW_IMAGE + j] = (float)image[j];
            if (target) target[i] = (float)(i / 2);
        }
    }
    task->supports = task->queries = SAMPLES, task->outputs = WAYS, task->id = -1;
}

static const goss_task_source few_source = {.spec = {.input_rank = 3,
                                                     .input = {FEW_SIDE, FEW_SIDE, 1},
                                                     .supports = SAMPLES,
                                                     .queries = SAMPLES,
                                                     .outputs = WAYS},
                                            .draw = draw_few};

/* A hypernetwork none of whose numbers is what it is at the start, so that tasks have structures of their own. */
static goss_model *open_model(void) {
    static const char *const set[] = {"model.backbone=conv 4..12/4 3 pad 1; norm layer; relu; pool avg 2; conv 4..8/2 "
                                      "1|3 pad same; relu|silu; optional { conv 4..8/2 3 pad same; relu }; pool avg 3; "
                                      "flatten",
                                      "structure.choose=task", "structure.low=1KB",
                                      "hyper.rules=head=class; norm*=film; conv2.w=lowrank 2; *=shared"};
    int n;
    goss_config *c;
    goss_model *m;
    const goss_key *keys = goss_model_keys(&n);
    const goss_data_spec of = goss_data_spec_tasks("own", &few_source.spec);
    T_OK(goss_config_new(keys, n, &c, &err));
    for (size_t i = 0; i < sizeof set / sizeof *set; i++) T_OK(goss_config_override(c, set[i], &err));
    T_OK(goss_model_create("hypernet", c, &of, 3, &m, &err));
    goss_config_free(c);
    goss__rng r = goss__rng_make(5, 1);
    for (int i = 0; i < goss_method_params(goss_model_method(m)); i++) {
        const goss_method_param p = goss_method_param_at(goss_model_method(m), i);
        for (int e = 0; e < goss_layout_count(p.layout); e++) {
            const bool delta = strcmp(goss_layout_entry(p.layout, e)->name, "structure.delta") == 0;
            float *v = goss_model_values(m, i) + goss_layout_offset(p.layout, e);
            for (int64_t k = 0; k < goss_layout_entry(p.layout, e)->numel; k++)
                v[k] += (float)((delta ? 8 : 0.3) * goss__rng_normal(&r));
        }
    }
    return m;
}

/* Class probabilities [TASKS][SAMPLES][WAYS] of masked networks, as eval and validation run them. */
static void judge_masked(const goss_model *m, int64_t bytes, goss_weight_precision p, int batch, float *out,
                         char gates[TASKS][80]) {
    const goss_structure_ask ask = {.budget = {.bytes = bytes}, .stored = p};
    goss__judge j;
    goss__task_pack pack;
    goss_threads *threads;
    double ignored[TASKS];
    T_OK(goss_threads_new(2, &threads, &err));
    T_OK(goss__task_pack_init(&pack, batch, &few_source.spec, NULL, &err));
    const goss__forward_options o = {.max_tasks = batch, .spec = &pack.spec, .precision = p, .ask = &ask};
    T_OK(goss__judge_init(&j, m->method, &o, goss_task_objective(&pack.spec)->metrics[0], threads, &err));
    T_OK(goss_model_store(m, j.forward.params, &err));
    for (int k = 0; k < TASKS; k += batch) {
        goss__task_pack_draw(&pack, &few_source, (uint64_t)k, batch);
        T_OK(goss__judge_run(&j, &pack, ignored, NULL, &err));
        for (int t = 0; t < batch; t++) {
            const goss_answers a = goss__judge_answers(&j, &pack, t);
            char *text = goss_space_write(m->method->space, j.forward.planner.structure + t * j.forward.planner.gates);
            snprintf(gates[k + t], 80, "%s", text);
            goss_text_free(text);
            for (int i = 0; i < SAMPLES; i++) {
                const float *y = a.output + i * a.stride;
                double sum = 0;
                for (int w = 0; w < WAYS; w++) sum += exp(y[w] - y[0]);
                for (int w = 0; w < WAYS; w++)
                    out[((k + t) * SAMPLES + i) * WAYS + w] = (float)(exp(y[w] - y[0]) / sum);
            }
        }
    }
    const goss_structure_figures f = goss__planner_figures(&j.forward.planner);
    T_EQ(f.networks, TASKS);
    T_EQ(f.violations, 0);
    T_CHECK(f.bytes_max <= bytes);
    goss__judge_free(&j), goss__task_pack_free(&pack), goss_threads_free(threads);
}

/* What adapt writes is the network that was judged, whatever is left of it; tasks of a batch do not matter. */
TEST(a_compacted_network_answers_as_the_masked_one) {
    static const int64_t budgets[] = {1500, 2500, 4000, 9000};
    goss_model *m = open_model();
    int different = 0;
    for (size_t b = 0; b < sizeof budgets / sizeof *budgets; b++) {
        float masked[TASKS * SAMPLES * WAYS], alone[TASKS * SAMPLES * WAYS], answer[SAMPLES * WAYS];
        float x[SAMPLES * FEW_IMAGE];
        char gates[TASKS][80], again[TASKS][80];
        judge_masked(m, budgets[b], GOSS_WEIGHTS_F32, TASKS, masked, gates);
        judge_masked(m, budgets[b], GOSS_WEIGHTS_F32, 1, alone, again);
        for (int k = 0; k < TASKS; k++) T_CHECK(strcmp(gates[k], again[k]) == 0);
        T_CHECK(memcmp(masked, alone, sizeof masked) == 0);
        for (int k = 0; k < TASKS; k++) {
            goss_network *n;
            goss_task drawn = {.query = x};
            const goss_adapt_options o = {.budget = {.bytes = budgets[b]}};
            T_OK(goss_model_adapt_task(m, &few_source, (uint64_t)k, NULL, &o, &n, &err));
            draw_few(&few_source, (uint64_t)k, &drawn);
            T_OK(goss_network_predict(n, x, SAMPLES, answer, NULL, NULL, &err));
            T_CHECK(4 * goss_layout_total(goss_target_layout(goss_network_target(n))) <= budgets[b]);
            if (strcmp(goss_network_note_of(n, "structure.gates"), gates[k]) != 0)
                T_FAIL("task %d: %s, not %s", k, goss_network_note_of(n, "structure.gates"), gates[k]);
            for (int i = 0; i < SAMPLES * WAYS; i++)
                if (fabs(answer[i] - masked[k * SAMPLES * WAYS + i]) > 2e-5)
                    T_FAIL("%d bytes, task %d, answer %d: %g, masked %g", (int)budgets[b], k, i, answer[i],
                           masked[k * SAMPLES * WAYS + i]);
            different += k > 0 && strcmp(gates[k], gates[0]) != 0;
            goss_network_free(n);
        }
    }
    if (different < 3) T_FAIL("%d structures differ from the first task's", different);
    goss_model_free(m);
}

/* In 8 bits a budget holds for the bytes that are written, and scales are those of what is left of a network: what eval
 * rounds in masked networks is what adapt writes, but for a code or two where a weight is between two. */
TEST(budgets_count_what_is_written_in_8_bits) {
    static const int64_t budgets[] = {900, 1500, 2500};
    goss_model *m = open_model();
    int larger = 0, far = 0;
    for (size_t b = 0; b < sizeof budgets / sizeof *budgets; b++) {
        float masked[TASKS * SAMPLES * WAYS], answer[SAMPLES * WAYS], x[SAMPLES * FEW_IMAGE];
        char gates[TASKS][80];
        judge_masked(m, budgets[b], GOSS_WEIGHTS_INT8, TASKS, masked, gates);
        for (int k = 0; k < TASKS; k++) {
            goss_network *n, *floats = NULL;
            goss_task drawn = {.query = x};
            goss_adapt_options o = {.budget = {.bytes = budgets[b]}, .precision = GOSS_WEIGHTS_INT8};
            T_OK(goss_model_adapt_task(m, &few_source, (uint64_t)k, NULL, &o, &n, &err));
            T_CHECK(goss_network_bytes(n) <= budgets[b]);
            T_STR(goss_network_note_of(n, "structure.gates"), gates[k]);
            draw_few(&few_source, (uint64_t)k, &drawn);
            T_OK(goss_network_predict(n, x, SAMPLES, answer, NULL, NULL, &err));
            for (int i = 0; i < SAMPLES * WAYS; i++) far += fabs(answer[i] - masked[k * SAMPLES * WAYS + i]) > 2e-5;
            o.precision = GOSS_WEIGHTS_F32;
            if (goss_model_adapt_task(m, &few_source, (uint64_t)k, NULL, &o, &floats, &err) == GOSS_OK)
                larger += goss_layout_total(goss_target_layout(goss_network_target(n))) >
                          goss_layout_total(goss_target_layout(goss_network_target(floats)));
            goss_network_free(n), goss_network_free(floats);
        }
    }
    if (far > 3 * SAMPLES * WAYS) T_FAIL("%d answers differ", far);
    T_CHECK(larger >= TASKS);
    goss_model_free(m);
}

/* Without a limit in bytes structures are those of floats. */
TEST(without_a_budget_8_bits_change_no_structure) {
    goss_model *m = open_model();
    goss_network *n, *floats;
    goss_adapt_options o = {.precision = GOSS_WEIGHTS_INT8};
    goss_predictor *p;
    T_OK(goss_model_adapt_task(m, &few_source, 0, NULL, &o, &n, &err));
    T_OK(goss_model_adapt_task(m, &few_source, 0, NULL, NULL, &floats, &err));
    T_STR(goss_network_note_of(n, "structure.gates"), goss_network_note_of(floats, "structure.gates"));
    T_ERR(goss_predictor_of_model(m, &few_source.spec, &o, &p, &err), GOSS_E_UNSUPPORTED, "int8");
    goss_network_free(n), goss_network_free(floats);
    goss_model_free(m);
}

/* A predictor compiles one network and runs every structure as its mask. */
TEST(a_predictor_serves_every_structure) {
    goss_model *m = open_model();
    const goss_adapt_options o = {.budget = {.bytes = 2500}};
    goss_predictor *p;
    float x[SAMPLES * FEW_IMAGE], masked[SAMPLES * WAYS], small[SAMPLES * WAYS];
    T_OK(goss_predictor_of_model(m, &few_source.spec, &o, &p, &err));
    for (int k = 0; k < TASKS; k++) {
        goss_network *n;
        goss_task drawn = {.query = x};
        T_OK(goss_predictor_adapt(p, &few_source, (uint64_t)k, &err));
        T_CHECK(goss_predictor_network(p) == NULL);
        T_OK(goss_model_adapt_task(m, &few_source, (uint64_t)k, NULL, &o, &n, &err));
        draw_few(&few_source, (uint64_t)k, &drawn);
        T_OK(goss_predictor_predict(p, x, SAMPLES, masked, NULL, &err));
        T_OK(goss_network_predict(n, x, SAMPLES, small, NULL, NULL, &err));
        for (int i = 0; i < SAMPLES * WAYS; i++)
            if (fabs(masked[i] - small[i]) > 2e-5) T_FAIL("task %d, answer %d: %g, not %g", k, i, masked[i], small[i]);
        goss_network_free(n);
    }
    goss_predictor_free(p);
    goss_model_free(m);
}
TEST_MAIN()
