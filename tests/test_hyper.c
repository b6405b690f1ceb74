/* SPDX-License-Identifier: Apache-2.0 */
/* test_hyper.c: the product conditioner x generator x combine x target, each cell by one step and a gradient check or
 * refused by name; what a set encoder must be blind to; magnitudes at step 0; the doctor. */
#include "graph_check.h"

#include "gossamer/hyper.h"

enum { TASKS = 2, SAMPLES = 3, WAYS = 3, SHOTS = 2 };

typedef struct family {
    const char *name, *text;
    int rank;
    int64_t input[3], outputs;
} family;

static const family families[] = {
    {"mlp", "dense 4\nnorm layer\nsilu\ndense 5\nsilu\nhead", 1, {6}, 3},
    {"cnn", "conv 3 3 pad 1; norm group 1; silu; pool avg 2; flatten; head", 3, {4, 4, 1}, 3},
    {"resnet", "conv 4 3 pad 1; residual { conv 4 3 pad 1; norm layer; silu }; pool global; head", 3, {4, 4, 1}, 3},
    {"cnn with batch norm", "conv 3 3 pad 1; norm batch; silu; pool avg 2; flatten; head", 3, {4, 4, 1}, 3},
    {"embedding", "dense 4\nsilu\ndense 5", 1, {6}, 0},
    {"recurrent", "gru 3 norm; norm layer; readout mean; head", 2, {4, 2}, 3},
    {"hyperlstm", "hyperlstm 2 2 1; norm layer; readout last; head", 2, {2, 2}, 3},
    {"hypergru", "hypergru 2 2 1; norm layer; readout last; head", 2, {2, 2}, 3},
    {"position",
     "hyperdense 3 2 1 position; norm layer; hyperrnn 3 2 1 position; norm layer; readout last; head",
     2,
     {2, 2},
     3},
    {"transformer", "transformer 4 2; norm layer; readout attention; head", 2, {3, 2}, 3},
    {"adapter",
     "conv1d 3 3 pad 1; lstm 2 bidirectional; residual { norm layer; dense 2; silu; dense 4 }; readout max; head",
     2,
     {3, 2},
     3},
};
static const char *const generators[] = {"head.*=shared; *=full",
                                         "head.*=shared; *=chunked 7",
                                         "*=lowrank 2",
                                         "head.*=shared; *=film",
                                         "head=class",
                                         "*=shared",
                                         "head.*=full; *=shared",
                                         "head.*=own; *=full",
                                         "*=own"};
static const struct {
    const char *name;
    unsigned bits;
    int noise;
} conditioners[] = {{"support set", GOSS_CONDITION_SUPPORT, 0},
                    {"task id", GOSS_CONDITION_TASK, 0},
                    {"descriptor", GOSS_CONDITION_DESCRIPTOR, 0},
                    {"input", GOSS_CONDITION_INPUT, 0},
                    {"noise", GOSS_CONDITION_NOISE, 3},
                    {"support set and noise", GOSS_CONDITION_SUPPORT, 3},
                    {"support set and id", GOSS_CONDITION_SUPPORT | GOSS_CONDITION_TASK, 0},
                    {"id, descriptor and noise", 2 | 4 | 16, 3},
                    {"support set, descriptor and input", 1 | 4 | 8, 0},
                    {"graph", GOSS_CONDITION_GRAPH, 0},
                    {"support set, id and graph", 1 | 2 | 32, 0},
                    {"graph and input", 8 | 32, 0},
                    {"all but a graph", GOSS_CONDITION_ALL & ~GOSS_CONDITION_GRAPH, 3}};
enum { CONDITIONERS = sizeof conditioners / sizeof *conditioners };
static const char *const combines[] = {"delta", "replace", "scale"};

enum { NODES = 3 };
static const int nodes_of_layers[64] = {1, 2, 1, 0, 2}; /* as many layers as the largest target has, and more */

static goss_hyper_options small_options(void) {
    goss_hyper_options o = goss_hyper_defaults();
    o.hidden = 5, o.embedding = 4, o.layer_embedding = 3, o.chunk = 8, o.tasks = 6, o.descriptor = 2;
    o.attention = 2, o.class_hidden = 6;
    o.nodes = NODES, o.node_numbers = 2, o.node_of = nodes_of_layers, o.rounds = 2;
    return o;
}

/* ---- one hypernetwork on numbers ---- */

typedef struct cell {
    world w;
    goss_target *target;
    goss_hyper *hyper;
    goss_condition c;
    goss_generated made;
    goss_val x, loss, param[4], grad[4];
    int n_params;
} cell;

static void cell_free(cell *c) {
    goss_generated_free(&c->made);
    if (c->w.g) world_free(&c->w);
    goss_hyper_free(c->hyper);
    goss_target_free(c->target);
    *c = (cell){0};
}

/* Class means of WAYS classes, SHOTS neighbours each. */
static goss_val assign_input(world *w, goss_extent T) {
    double v[TASKS * WAYS * WAYS * SHOTS];
    for (int i = 0; i < TASKS * WAYS * WAYS * SHOTS; i++) {
        int s = i % (WAYS * SHOTS), k = i / (WAYS * SHOTS) % WAYS;
        v[i] = s / SHOTS == k ? 1.0 / SHOTS : 0;
    }
    return world_input(w, "assign", GOSS_REAL, GOSS_SHAPE(T, goss_n(WAYS), goss_n(WAYS * SHOTS)), v);
}

static goss_shape samples_of(const family *f, goss_extent T, int64_t n) {
    goss_shape s = {.rank = 2 + f->rank, .dim = {T, goss_n(n)}};
    for (int i = 0; i < f->rank; i++) s.dim[2 + i] = goss_n(f->input[i]);
    return s;
}

static void declare_inputs(cell *c, const family *f) {
    world *w = &c->w;
    goss_extent T = world_tasks(w, TASKS);
    double ids[TASKS] = {4, 1}, descriptor[TASKS * 2] = {0.1, 0.9, 0.6, 0.3};
    const goss_hyper_options *o = goss_hyper_settings(c->hyper);
    c->x = world_normal(w, "x", samples_of(f, T, SAMPLES));
    if (o->noise > 0 && o->conditioner & GOSS_CONDITION_SUPPORT)
        c->c.noise = world_normal(w, "noise", GOSS_SHAPE(T, goss_n(o->noise)));
    if (o->conditioner & GOSS_CONDITION_SUPPORT) {
        goss_weights *base = goss_hyper_base(c->hyper, w->g);
        c->c.features =
            goss_target_features(c->target, world_normal(w, "support", samples_of(f, T, WAYS * SHOTS)), base, NULL);
        c->c.assign = assign_input(w, T);
        goss_weights_free(base);
    }
    if (o->conditioner & GOSS_CONDITION_DESCRIPTOR)
        c->c.descriptor = world_input(w, "d", GOSS_REAL, GOSS_SHAPE(T, goss_n(2)), descriptor);
    if (o->conditioner & GOSS_CONDITION_GRAPH) {
        /* The second task's network is without node 1. */
        const double nodes[TASKS * NODES * 2] = {1, .3, 1, -.7, 1, .2, 1, .3, 0, 0, 1, .9},
                                           edges[TASKS * NODES * NODES] = {0, 0, 0, 1, 0, 0, .5, .5, 0,
                                                                           0, 0, 0, 0, 0, 0, 1,  0,  0};
        c->c.nodes = world_input(w, "nodes", GOSS_REAL, GOSS_SHAPE(T, goss_n(NODES), goss_n(2)), nodes);
        c->c.edges = world_input(w, "edges", GOSS_REAL, GOSS_SHAPE(T, goss_n(NODES), goss_n(NODES)), edges);
    }
    if (o->conditioner & GOSS_CONDITION_INPUT) c->c.input = c->x;
    if (o->conditioner & (GOSS_CONDITION_TASK | GOSS_CONDITION_NOISE))
        c->c.task = world_input(w, "task", GOSS_INDEX, GOSS_SHAPE(T), ids);
}

static goss_val make_loss(cell *c) {
    goss_hyper_generate(c->hyper, c->w.g, &c->c, &c->made);
    if (goss_hyper_class_head(c->hyper)) goss_hyper_generate_head(c->hyper, c->w.g, &c->c, &c->made);
    goss_target_output y = goss_hyper_apply(c->hyper, &c->made, c->x, NULL);
    goss_val out = goss_valid(y.logits) ? y.logits : y.features;
    goss_val loss = goss_mean_all(goss_square(goss_sin(out)));
    return goss_valid(c->made.penalty) ? goss_add(loss, goss_scale(c->made.penalty, 0.01)) : loss;
}

static double *param_numbers(cell *c, const char *name, int64_t *n) {
    int i = goss_params_find(c->w.params, name);
    *n = i < 0 ? 0 : goss_params_numel(c->w.params, i);
    return i < 0 ? NULL : goss_params_data(c->w.params, i);
}

/* Starting values, plus noise of that size. */
static void initialize(cell *c, double noise) {
    const goss_layout *layout[2] = {goss_target_layout(c->target), goss_hyper_layout(c->hyper)};
    const char *names[] = {"target", "hyper", "tasks", "own"};
    for (int k = 0; k < 4; k++) {
        int64_t n;
        double *v = param_numbers(c, names[k], &n);
        goss__rng r = goss__rng_make(31, (uint64_t)k);
        float *start = calloc((size_t)n + 1, sizeof *start);
        if (k < 2 && v) goss_layout_initialize(layout[k], 3, start);
        for (int64_t i = 0; i < n; i++) v[i] = start[i] + (k == 2 ? 1 : noise) * goss__rng_normal(&r);
        free(start);
    }
}

static goss_status create(cell *c, const family *f, const goss_hyper_options *o, goss_error *err) {
    *c = (cell){0};
    GOSS_TRY(goss_target_parse(f->text, f->input, f->rank, f->outputs, &c->target, err));
    return goss_hyper_create(c->target, o, &c->hyper, err);
}

/* ---- the product ---- */

/* Gradient along a random direction of each parameter against central differences, and one step down that must lower
 * the loss. */
static void check_cell(const family *f, const goss_hyper_options *o, const char *what) {
    cell c;
    goss_error err = {0};
    T_OK(create(&c, f, o, &err));
    c.w = world_new();
    declare_inputs(&c, f);
    c.loss = make_loss(&c);
    const char *names[] = {"target", "hyper", "tasks", "own"};
    c.param[0] = goss_param(c.w.g, "target", GOSS_SHAPE(goss_n(goss_layout_total(goss_target_layout(c.target)))));
    c.param[1] = goss_param(c.w.g, "hyper", GOSS_SHAPE(goss_n(goss_layout_total(goss_hyper_layout(c.hyper)))));
    c.n_params = 2;
    if (o->conditioner & GOSS_CONDITION_TASK)
        c.param[c.n_params++] = goss_param(c.w.g, "tasks", GOSS_SHAPE(goss_n(o->tasks), goss_n(o->embedding)));
    if (goss_hyper_own(c.hyper) > 0)
        c.param[c.n_params++] = goss_param(c.w.g, "own", GOSS_SHAPE(goss_n(o->tasks), goss_n(goss_hyper_own(c.hyper))));
    if (goss_grad(c.loss, c.param, c.n_params, c.grad) != GOSS_OK) T_FAIL("%s: no gradient", what);
    goss_val out[5] = {c.loss, c.grad[0], c.grad[1], c.grad[2], c.grad[3]};
    if (world_open(&c.w, GOSS_F64, out, 1 + c.n_params, NULL, 0) != GOSS_OK) T_FAIL("%s: %s", what, c.w.err.text);
    initialize(&c, 0.2);
    double all_slopes = 0;
    for (int k = 0; k < c.n_params; k++) {
        int64_t n;
        double *v = param_numbers(&c, names[k], &n), side[2], slope = 0, eps = 1e-6;
        double *d = calloc((size_t)n, sizeof *d), *keep = calloc((size_t)n, sizeof *keep);
        goss__rng r = goss__rng_make(55, (uint64_t)k);
        if (world_run(&c.w) != GOSS_OK) T_FAIL("%s: %s", what, c.w.err.text);
        for (int64_t i = 0; i < n; i++)
            d[i] = goss__rng_normal(&r), keep[i] = v[i], slope += d[i] * c.w.out[1 + k][i],
            all_slopes += fabs(c.w.out[1 + k][i]);
        for (int j = 0; j < 2; j++) {
            for (int64_t i = 0; i < n; i++) v[i] = keep[i] + (j ? eps : -eps) * d[i];
            if (world_run(&c.w) != GOSS_OK) T_FAIL("%s: %s", what, c.w.err.text);
            side[j] = c.w.out[0][0];
        }
        if (n > 0) memcpy(v, keep, (size_t)n * sizeof *v);
        double numeric = (side[1] - side[0]) / (2 * eps);
        if (!(fabs(slope - numeric) <= 2e-6 * (1 + fabs(numeric))))
            T_FAIL("%s: %s: gradient %.9g, by differences %.9g", what, names[k], slope, numeric);
        free(d), free(keep);
    }
    if (!(all_slopes > 0 && isfinite(all_slopes))) T_FAIL("%s: gradients sum to %g", what, all_slopes);
    /* One step. */
    if (world_run(&c.w) != GOSS_OK) T_FAIL("%s: %s", what, c.w.err.text);
    double before = c.w.out[0][0], square = 0;
    for (int k = 0; k < c.n_params; k++)
        for (int64_t i = 0; i < c.w.numel[1 + k]; i++) square += c.w.out[1 + k][i] * c.w.out[1 + k][i];
    for (int k = 0; k < c.n_params; k++) {
        int64_t n;
        double *v = param_numbers(&c, names[k], &n);
        for (int64_t i = 0; i < n; i++) v[i] -= 1e-4 / square * c.w.out[1 + k][i];
    }
    if (world_run(&c.w) != GOSS_OK) T_FAIL("%s: %s", what, c.w.err.text);
    double fall = before - c.w.out[0][0];
    if (!(fall > 0.5e-4 && fall < 2e-4))
        T_FAIL("%s: a step that should lower the loss by 1e-4 lowers it by %g", what, fall);
    cell_free(&c);
}

/* The name under which this cell is refused, or NULL: written down once more here, so that a cell cannot fall silent.
 */
static const char *refused(const family *f, int conditioner, int generator, int combine) {
    bool class_head = strcmp(generators[generator], "head=class") == 0, fixed = f->outputs > 0;
    unsigned bits = conditioners[conditioner].bits;
    if (!fixed && strncmp(generators[generator], "head.", 5) == 0) return "matches no tensor";
    if (class_head && bits & GOSS_CONDITION_INPUT) return "class head x input";
    if (class_head && !(bits & GOSS_CONDITION_SUPPORT))
        return bits & GOSS_CONDITION_TASK         ? "class head x task id"
               : bits & GOSS_CONDITION_DESCRIPTOR ? "class head x descriptor"
               : bits & GOSS_CONDITION_NOISE      ? "class head x noise"
                                                  : "class head x graph";
    if (class_head && fixed) return "class head x fixed head";
    if (strstr(generators[generator], "=own") && !(bits & GOSS_CONDITION_TASK)) return "own x no task id";
    if (strstr(generators[generator], "=own") && bits & GOSS_CONDITION_INPUT) return "own x input";
    if (strstr(generators[generator], "=own") && combine == GOSS_COMBINE_REPLACE) return "own x replace";
    if (strstr(f->text, "norm batch") && bits & GOSS_CONDITION_INPUT) return "batch norm x input";
    if (bits & GOSS_CONDITION_INPUT && bits & GOSS_CONDITION_GRAPH) return "graph x input";
    /* A class head sees nothing but classes. */
    bool unseen = class_head && bits & (GOSS_CONDITION_TASK | GOSS_CONDITION_DESCRIPTOR | GOSS_CONDITION_GRAPH);
    if (strcmp(generators[generator], "*=shared") == 0 || unseen) return "conditioner x nothing generated";
    return NULL;
}

TEST(product_of_all_cells) {
    int built = 0, refusals = 0;
    for (size_t f = 0; f < sizeof families / sizeof *families; f++)
        for (int g = 0; g < (int)(sizeof generators / sizeof *generators); g++)
            for (int c = 0; c < CONDITIONERS; c++)
                for (int k = 0; k < 3; k++) {
                    goss_hyper_options o = small_options();
                    o.rules = generators[g], o.conditioner = conditioners[c].bits, o.combine = (goss_combine)k;
                    o.noise = conditioners[c].noise;
                    char what[160];
                    snprintf(what, sizeof what, "%s, %s, %s, %s", families[f].name, generators[g], conditioners[c].name,
                             combines[k]);
                    const char *name = refused(&families[f], c, g, k);
                    if (!name) {
                        check_cell(&families[f], &o, what);
                        built++;
                        continue;
                    }
                    cell none;
                    goss_error err = {0};
                    goss_status s = create(&none, &families[f], &o, &err);
                    if (s == GOSS_OK || !strstr(err.text, name))
                        T_FAIL("%s: should be refused as \"%s\", got \"%s\"", what, name, err.text);
                    cell_free(&none);
                    refusals++;
                }
    printf("  %d cells built, %d refused\n", built, refusals);
    T_CHECK(built > 250 && refusals > 50);
}

/* Row t of the table is added to the base as it is, in the order of the layout; other tasks' rows are not read. */
TEST(a_task_has_its_own_numbers) {
    static const int ids[TASKS] = {4, 1}; /* those of declare_inputs */
    goss_hyper_options o = small_options();
    o.rules = "head.*=own; *=full", o.conditioner = GOSS_CONDITION_TASK;
    cell c;
    goss_error err = {0};
    T_OK(create(&c, &families[0], &o, &err));
    c.w = world_new();
    declare_inputs(&c, &families[0]);
    goss_hyper_generate(c.hyper, c.w.g, &c.c, &c.made);
    goss_val out[2] = {goss_weights_get(c.made.net.weights, "head.w"), goss_weights_get(c.made.net.weights, "head.b")};
    T_OK(world_open(&c.w, GOSS_F64, out, 2, NULL, 0));
    initialize(&c, 0.2);
    T_OK(world_run(&c.w));
    int64_t n, at = 0, own = goss_hyper_own(c.hyper);
    const double *base = param_numbers(&c, "target", &n), *table = param_numbers(&c, "own", &n);
    T_EQ(n, o.tasks * own);
    for (int k = 0; k < 2; k++) {
        const goss_layout *l = goss_target_layout(c.target);
        const goss_entry *e = goss_layout_entry(l, goss_layout_find(l, k ? "head.b" : "head.w"));
        for (int64_t i = 0; i < TASKS * e->numel; i++)
            T_NEAR(c.w.out[k][i], base[e->offset + i % e->numel] + table[ids[i / e->numel] * own + at + i % e->numel],
                   1e-12);
        at += e->numel;
    }
    T_EQ(at, own);
    cell_free(&c);
}

TEST(every_refusal_is_on_the_list) {
    static const char *const known[] = {"class head x task id",
                                        "class head x descriptor",
                                        "class head x input",
                                        "class head x noise",
                                        "class head x graph",
                                        "class head x fixed head",
                                        "class head x hidden layer",
                                        "film x layer without a site",
                                        "own x no task id",
                                        "own x input",
                                        "own x replace",
                                        "batch norm x input",
                                        "graph x input",
                                        "conditioner x nothing generated"};
    int n;
    const goss_hyper_refusal *list = goss_hyper_refusals(&n);
    T_EQ(n, (int)(sizeof known / sizeof *known));
    for (int i = 0; i < n; i++) {
        T_STR(list[i].cell, known[i]);
        T_CHECK(strlen(list[i].reason) > 20);
    }
    cell c;
    goss_error err = {0};
    goss_hyper_options o = small_options();
    o.rules = "*=class";
    T_ERR(create(&c, &families[4], &o, &err), GOSS_E_UNSUPPORTED, "class head x hidden layer");
    cell_free(&c);
    o.rules = "*=film";
    T_ERR(create(&c, &families[0], &o, &err), GOSS_E_UNSUPPORTED, "head.w: film x layer without a site");
    cell_free(&c);
}

TEST(rules_that_cannot_be_read) {
    static const char *const bad[][2] = {{"*", "no ="},
                                         {"*=fat", "not known"},
                                         {"*=lowrank", "number is missing"},
                                         {"*=full 3", "not understood"},
                                         {"*=lowrank 0", "not understood"},
                                         {"*=lowrank 2 3", "words follow"},
                                         {"=full", "empty"},
                                         {"dense9.*=full", "dense9.* matches no tensor"},
                                         {"*=full; dense1.*=film", "dense1.* matches no tensor"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cell c;
        goss_error err = {0};
        goss_hyper_options o = small_options();
        o.rules = bad[i][0];
        T_ERR(create(&c, &families[0], &o, &err), GOSS_E_ARGUMENT, bad[i][1]);
        cell_free(&c);
    }
}

TEST(options_out_of_range) {
    cell c;
    goss_error err = {0};
    goss_hyper_options o = small_options();
    o.conditioner = GOSS_CONDITION_TASK, o.tasks = 0, o.rules = "*=full";
    T_ERR(create(&c, &families[0], &o, &err), GOSS_E_ARGUMENT, "tasks is 0");
    cell_free(&c);
    o = small_options();
    o.attention = 3;
    T_ERR(create(&c, &families[4], &o, &err), GOSS_E_ARGUMENT, "3 heads of attention do not divide an embedding of 4");
    cell_free(&c);
}

/* ---- set encoder ---- */

/* Another order of samples or of classes leaves the code and the generated weights as they are. */
TEST(set_encoder_is_blind_to_order) {
    cell c;
    goss_error err = {0};
    goss_hyper_options o = small_options();
    o.rules = "*=full", o.features = 6;
    T_OK(create(&c, &families[4], &o, &err));
    c.w = world_new();
    goss_extent T = world_tasks(&c.w, TASKS);
    c.c.features = world_normal(&c.w, "features", GOSS_SHAPE(T, goss_n(WAYS * SHOTS), goss_n(6)));
    c.c.assign = assign_input(&c.w, T);
    goss_hyper_generate(c.hyper, c.w.g, &c.c, &c.made);
    goss_val out[2] = {c.made.net.code, goss_weights_pack(c.made.net.weights)};
    if (world_open(&c.w, GOSS_F64, out, 2, NULL, 0) != GOSS_OK) T_FAIL("%s", c.w.err.text);
    initialize(&c, 0.2);
    double *features = world_numbers(&c.w, "features"), moved[TASKS * WAYS * SHOTS * 6];
    if (world_run(&c.w) != GOSS_OK) T_FAIL("%s", c.w.err.text);
    double *code = malloc((size_t)c.w.numel[0] * 8), *weights = malloc((size_t)c.w.numel[1] * 8);
    memcpy(code, c.w.out[0], (size_t)c.w.numel[0] * 8), memcpy(weights, c.w.out[1], (size_t)c.w.numel[1] * 8);
    static const int order[WAYS * SHOTS] = {5, 4, 0, 1, 3, 2}; /* classes in another order, and samples within */
    for (int t = 0; t < TASKS; t++)
        for (int s = 0; s < WAYS * SHOTS; s++)
            memcpy(moved + (t * WAYS * SHOTS + s) * 6, features + (t * WAYS * SHOTS + order[s]) * 6,
                   6 * sizeof(double));
    memcpy(features, moved, sizeof moved);
    if (world_run(&c.w) != GOSS_OK) T_FAIL("%s", c.w.err.text);
    for (int64_t i = 0; i < c.w.numel[0]; i++) T_NEAR(c.w.out[0][i], code[i], 1e-12);
    for (int64_t i = 0; i < c.w.numel[1]; i++) T_NEAR(c.w.out[1][i], weights[i], 1e-12);
    features[0] += 1;
    if (world_run(&c.w) != GOSS_OK) T_FAIL("%s", c.w.err.text);
    double change = 0;
    for (int64_t i = 0; i < c.w.numel[1]; i++) change += fabs(c.w.out[1][i] - weights[i]);
    T_CHECK(change > 1e-6);
    free(code), free(weights);
    cell_free(&c);
}

/* ---- magnitudes at step 0 ---- */

/* Base + delta starts as the base, bit by bit; replace starts with the deviation the tensor's initialiser has. */
TEST(starting_magnitudes) {
    static const family wide = {"wide", "dense 40\nrelu\ndense 30", 1, {50}, 0};
    for (int g = 0; g < 3; g++)
        for (int k = 0; k < 3; k++) {
            cell c;
            goss_error err = {0};
            goss_hyper_options o = goss_hyper_defaults();
            o.conditioner = GOSS_CONDITION_TASK, o.tasks = 6, o.chunk = 128, o.combine = (goss_combine)k;
            o.rules = (const char *[]){"*=full", "*=chunked", "*=lowrank 8"}[g];
            T_OK(create(&c, &wide, &o, &err));
            c.w = world_new();
            declare_inputs(&c, &wide);
            goss_hyper_generate(c.hyper, c.w.g, &c.c, &c.made);
            goss_weights *base = goss_hyper_base(c.hyper, c.w.g);
            goss_val out[3] = {goss_weights_get(c.made.net.weights, "dense1.w"), goss_weights_get(base, "dense1.w"),
                               goss_weights_get(c.made.net.weights, "dense1.b")};
            goss_weights_free(base);
            if (world_open(&c.w, GOSS_F64, out, 3, NULL, 0) != GOSS_OK) T_FAIL("%s", c.w.err.text);
            initialize(&c, 0);
            if (world_run(&c.w) != GOSS_OK) T_FAIL("%s", c.w.err.text);
            double power = 0;
            for (int64_t i = 0; i < c.w.numel[0]; i++) {
                power += c.w.out[0][i] * c.w.out[0][i] / (double)c.w.numel[0];
                if (k != GOSS_COMBINE_REPLACE) T_CHECK(c.w.out[0][i] == c.w.out[1][i % c.w.numel[1]]);
            }
            double wanted = pow(goss_entry_deviation(goss_layout_entry(goss_target_layout(c.target), 0)), 2);
            if (!(power > 0.6 * wanted && power < 1.6 * wanted))
                T_FAIL("%s, %s: mean square %g, wanted %g", o.rules, combines[k], power, wanted);
            for (int64_t i = 0; i < c.w.numel[2]; i++) T_CHECK(fabs(c.w.out[2][i]) <= 1);
            cell_free(&c);
        }
}

/* Gains stay in [0, 2] and biases in [-1, 1] however far the generator runs. */
TEST(gains_and_biases_are_bounded) {
    cell c;
    goss_error err = {0};
    goss_hyper_options o = small_options();
    o.conditioner = GOSS_CONDITION_TASK, o.combine = GOSS_COMBINE_REPLACE, o.rules = "norm1.*,*.b=full; dense1.w=film";
    T_OK(create(&c, &families[0], &o, &err));
    c.w = world_new();
    declare_inputs(&c, &families[0]);
    goss_hyper_generate(c.hyper, c.w.g, &c.c, &c.made);
    goss_val out[4] = {goss_weights_get(c.made.net.weights, "norm1.gain"), c.made.net.film_scale[0],
                       goss_weights_get(c.made.net.weights, "norm1.shift"), c.made.net.film_shift[0]};
    if (world_open(&c.w, GOSS_F64, out, 4, NULL, 0) != GOSS_OK) T_FAIL("%s", c.w.err.text);
    initialize(&c, 50);
    if (world_run(&c.w) != GOSS_OK) T_FAIL("%s", c.w.err.text);
    double far = 0;
    for (int k = 0; k < 4; k++)
        for (int64_t i = 0; i < c.w.numel[k]; i++) {
            double v = c.w.out[k][i] - (k < 2 ? 1 : 0);
            T_CHECK(fabs(v) <= 1);
            far = fmax(far, fabs(v));
        }
    T_CHECK(far > 0.99);
    cell_free(&c);
}

/* Task tables: a gradient by rows is what the dense gradient holds in those rows, and the others have none. */
TEST(rows_of_the_task_table) {
    cell c;
    goss_error err = {0};
    goss_hyper_options o = small_options();
    o.conditioner = GOSS_CONDITION_TASK, o.rules = "*=full";
    T_OK(create(&c, &families[0], &o, &err));
    c.w = world_new();
    declare_inputs(&c, &families[0]);
    c.loss = make_loss(&c);
    goss_val wrt[2] = {c.made.rows, goss_param(c.w.g, "tasks", GOSS_SHAPE(goss_n(6), goss_n(4)))}, grad[2];
    T_CHECK(goss_grad(c.loss, wrt, 2, grad) == GOSS_OK);
    if (world_open(&c.w, GOSS_F64, grad, 2, NULL, 0) != GOSS_OK) T_FAIL("%s", c.w.err.text);
    initialize(&c, 0.2);
    if (world_run(&c.w) != GOSS_OK) T_FAIL("%s", c.w.err.text);
    static const int ids[TASKS] = {4, 1};
    double size = 0;
    for (int row = 0; row < 6; row++)
        for (int i = 0; i < 4; i++) {
            double want = 0;
            for (int t = 0; t < TASKS; t++) want += ids[t] == row ? c.w.out[0][t * 4 + i] : 0;
            T_CHECK(c.w.out[1][row * 4 + i] == want);
            size += fabs(want);
        }
    T_CHECK(size > 0);
    cell_free(&c);
}

/* Noise: members of an ensemble for one task differ, by step and by task id; given noise is used as it is. */
TEST(noise_makes_different_networks) {
    cell c;
    goss_error err = {0};
    goss_hyper_options o = small_options();
    o.conditioner = GOSS_CONDITION_NOISE, o.rules = "*=full", o.combine = GOSS_COMBINE_REPLACE;
    T_OK(create(&c, &families[0], &o, &err));
    c.w = world_new();
    declare_inputs(&c, &families[0]);
    goss_hyper_generate(c.hyper, c.w.g, &c.c, &c.made);
    if (world_open(&c.w, GOSS_F64, &c.made.net.code, 1, NULL, 0) != GOSS_OK) T_FAIL("%s", c.w.err.text);
    initialize(&c, 0);
    goss_exec_seed(c.w.exec, 1, 0);
    if (world_run(&c.w) != GOSS_OK) T_FAIL("%s", c.w.err.text);
    double first[8], change[2] = {0, 0};
    memcpy(first, c.w.out[0], sizeof first);
    goss_exec_seed(c.w.exec, 1, 1);
    if (world_run(&c.w) != GOSS_OK) T_FAIL("%s", c.w.err.text);
    for (int i = 0; i < 4; i++) change[0] += fabs(first[i] - first[4 + i]), change[1] += fabs(first[i] - c.w.out[0][i]);
    T_CHECK(change[0] > 0.01 && change[1] > 0.01);
    goss_exec_seed(c.w.exec, 1, 0);
    if (world_run(&c.w) != GOSS_OK) T_FAIL("%s", c.w.err.text);
    T_CHECK(memcmp(first, c.w.out[0], sizeof first) == 0);
    cell_free(&c);
}

/* ---- the doctor ---- */

static goss_status bind_world(void *context, goss_exec *e, goss_error *err) {
    world *w = context;
    for (int i = 0; i < w->n_in; i++) {
        goss_error ignored;
        goss_status s = goss_exec_bind(e, w->name[i], w->bound[i], &ignored);
        if (s != GOSS_OK && s != GOSS_E_ARGUMENT) return s;
    }
    return goss_exec_count(e, "T", TASKS, err);
}

static bool diverges; /* as the last examination found */

/* Examines one hypernetwork; spoil multiplies its own weights. */
static char *examine(goss_conditioner conditioner, goss_combine combine, double spoil) {
    cell c;
    goss_error err = {0};
    goss_hyper_options o = goss_hyper_defaults();
    o.conditioner = conditioner, o.combine = combine, o.rules = "dense1.*=full; dense2.w=film; *=shared", o.tasks = 6,
    o.descriptor = 2;
    if (create(&c, &families[0], &o, &err) != GOSS_OK) return NULL;
    c.w = world_new();
    declare_inputs(&c, &families[0]);
    c.loss = make_loss(&c);
    if (world_open(&c.w, GOSS_F64, &c.loss, 1, NULL, 0) != GOSS_OK || world_run(&c.w) != GOSS_OK) return NULL;
    initialize(&c, 0);
    int64_t n;
    double *own = param_numbers(&c, "hyper", &n);
    int at = goss_layout_find(goss_hyper_layout(c.hyper), "dense1.w.full");
    const goss_entry *last = goss_layout_entry(goss_hyper_layout(c.hyper), at);
    for (int64_t i = 0; i < last->numel; i++) own[last->offset + i] *= spoil;
    goss_hyper_examination x = {.hyper = c.hyper,
                                .graph = c.w.g,
                                .condition = c.c,
                                .loss = c.loss,
                                .params = c.w.params,
                                .precision = GOSS_F64,
                                .threads = c.w.threads,
                                .bind = bind_world,
                                .context = &c.w,
                                .diverges = &diverges};
    char *text;
    if (goss_hyper_doctor(&x, &text, &err) != GOSS_OK) printf("  %s\n", err.text);
    cell_free(&c);
    return text;
}

TEST(doctor) {
    char *text = examine(GOSS_CONDITION_SUPPORT, GOSS_COMBINE_DELTA, 1);
    T_CHECK(text && strstr(text, "dense1.w") && strstr(text, "ready to train") && strstr(text, "updated first"));
    goss_text_free(text);
    text = examine(GOSS_CONDITION_INPUT, GOSS_COMBINE_REPLACE, 1);
    T_CHECK(text && strstr(text, "ready to train") && strstr(text, "|d loss / d code|") &&
            !strstr(text, "no gradient"));
    goss_text_free(text);
    text = examine(GOSS_CONDITION_TASK, GOSS_COMBINE_REPLACE, 30);
    T_CHECK(text && strstr(text, "too large") && strstr(text, "need attention"));
    goss_text_free(text);
    text = examine(GOSS_CONDITION_TASK, GOSS_COMBINE_REPLACE, 0.01);
    T_CHECK(text && strstr(text, "too small") && strstr(text, "need attention") && !diverges);
    goss_text_free(text);
    text = examine(GOSS_CONDITION_TASK, GOSS_COMBINE_REPLACE, INFINITY);
    T_CHECK(text && strstr(text, "the generator diverges at once") && diverges);
    goss_text_free(text);
}

TEST_MAIN()
