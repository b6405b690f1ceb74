/* SPDX-License-Identifier: Apache-2.0 */
/* test_hyper.c: the product conditioner x generator x combine x target, each cell by one step and a gradient check or
 * refused by name. */
#include "hyper_cell.h"

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

TEST_MAIN()
