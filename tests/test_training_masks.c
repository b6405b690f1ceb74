/* SPDX-License-Identifier: Apache-2.0 */
/* test_training_masks.c: what training must not see (padded samples, queries and classes, whatever they hold) and what
 * it alone does (dropout): losses, accuracies, gradients and running statistics of every method. */
#include "few_shot.h"

static const few_counts room = {2, 4, 2, 2}, plain = {2, 3, 2, 2};
enum { LOGITS = 2 * 4 * 2 * 4 }; /* of `room` */

typedef struct variant {
    const char *method, *rules; /* rules: of the hypernet; NULL: defaults */
    goss_method_norm norm;
    int steps;
} variant;

static const variant variants[] = {
    {"hypernet", NULL, GOSS_METHOD_NORM_RUNNING, 0},
    {"hypernet", NULL, GOSS_METHOD_NORM_SUPPORT, 2},
    {"hypernet", "head=class; *=film", GOSS_METHOD_NORM_RUNNING, 0},
    {"hypernet", "head=class; conv2.*=lowrank 2; *=shared", GOSS_METHOD_NORM_RUNNING, 0},
    {"protonet", NULL, GOSS_METHOD_NORM_RUNNING, 0},
    {"protonet", NULL, GOSS_METHOD_NORM_SUPPORT, 0},
    {"ridge", NULL, GOSS_METHOD_NORM_RUNNING, 0},
    {"maml", NULL, GOSS_METHOD_NORM_RUNNING, 2},
    {"fomaml", NULL, GOSS_METHOD_NORM_RUNNING, 2},
    {"learned", NULL, GOSS_METHOD_NORM_RUNNING, 2},
    {"anil", NULL, GOSS_METHOD_NORM_RUNNING, 2},
    {"reptile", NULL, GOSS_METHOD_NORM_RUNNING, 3},
    {"finetune", NULL, GOSS_METHOD_NORM_RUNNING, 0},
};
enum { VARIANTS = sizeof variants / sizeof *variants };

static goss_method_options options_of(const variant *v, goss_hyper_options *h) {
    goss_method_options o = goss_method_defaults();
    *h = goss_hyper_defaults();
    if (v->rules) h->rules = v->rules;
    h->hidden = 6, h->embedding = 8, h->class_hidden = 9, h->attention = 2;
    o.hyper = h;
    o.norm = v->norm, o.inner_steps = v->steps;
    o.label_smoothing = 0.1, o.penalty = 0.5;
    return o;
}

/* The tasks of `plain` with a class that is none: images of any size at its samples and queries, and at every place of
 * its own. */
static void fill_padded(few *f) {
    few_fill(f, room, 0, NULL);
    const int S = room.W * room.K, Q = room.W * room.Q, W = room.W, none = room.W - 1;
    goss__rng r = goss__rng_make(99, 0);
    for (int t = 0; t < room.T; t++) {
        f->class_mask[t * W + none] = 0;
        for (int s = none * room.K; s < S; s++) {
            f->support_target[(t * S + s) * W + none] = f->assign[(t * W + none) * S + s] = 0;
            for (int i = 0; i < FEW_IMAGE; i++) f->support[(t * S + s) * FEW_IMAGE + i] = 30 * goss__rng_normal(&r);
        }
        for (int q = none * room.Q; q < Q; q++) {
            f->query_target[(t * Q + q) * W + none] = f->query_weight[t * Q + q] = 0;
            for (int i = 0; i < FEW_IMAGE; i++) f->query[(t * Q + q) * FEW_IMAGE + i] = 30 * goss__rng_normal(&r);
        }
    }
}

/* Outputs one after the other, then the running statistics that the run left. */
static int64_t results(few *f, double *out) {
    int64_t n = 0, numel;
    for (int i = 0; i < 2 + f->loss.n_params; i++) {
        const double *v = goss_exec_output(f->exec, i, &numel);
        memcpy(out + n, v, (size_t)numel * sizeof *v);
        n += numel;
    }
    int at = goss_params_find(f->params, "running");
    if (at < 0 || f->loss.n_states == 0) return n;
    memcpy(out + n, goss_params_data(f->params, at), (size_t)goss_params_numel(f->params, at) * sizeof(double));
    return n + goss_params_numel(f->params, at);
}

TEST(padding_is_nothing_in_training) {
    static double without[1 << 16], with[1 << 16];
    for (int k = 0; k < VARIANTS; k++) {
        const variant *v = &variants[k];
        goss_hyper_options h;
        const goss_method_options o = options_of(v, &h);
        few f;
        if (few_train(&f, v->method, few_backbone, &o, room) != GOSS_OK) T_FAIL("%s: %s", v->method, f.err.text);
        int64_t n = 0;
        for (int padded = 0; padded < 2; padded++) {
            few_initialize(&f);
            few_shake(&f, 0.05);
            if (padded)
                fill_padded(&f);
            else
                few_fill(&f, plain, 0, NULL);
            if (few_run(&f) != GOSS_OK) T_FAIL("%s: %s", v->method, f.err.text);
            n = results(&f, padded ? with : without);
        }
        T_CHECK(n > 2 && n < (1 << 16));
        for (int64_t i = 0; i < n; i++)
            if (!(fabs(with[i] - without[i]) <= 1e-9 * (1 + fabs(without[i]))))
                T_FAIL("%s (%s, norm %d): number %lld is %.12g with padding, %.12g without", v->method,
                       v->rules ? v->rules : "", v->norm, (long long)i, with[i], without[i]);
        few_free(&f);
    }
}

/* A conditioner that sees a set without classes takes the mean of the samples that are there. */
TEST(a_set_without_classes_has_padding_too) {
    goss_error err = {0};
    goss_target *t;
    goss_hyper *h;
    goss_hyper_options o = goss_hyper_defaults();
    o.rules = "*=full", o.features = 3, o.hidden = 5, o.embedding = 4, o.attention = 0;
    const int64_t input[] = {2};
    T_OK(goss_target_parse("dense 3; relu", input, 1, 1, &t, &err));
    T_OK(goss_hyper_create(t, &o, &h, &err));
    double code[2][4];
    for (int padded = 0; padded < 2; padded++) {
        goss_graph *g = goss_graph_new();
        goss_extent S = goss_symbol(g, "S", 4);
        goss_condition c = {.features = goss_input(g, "features", GOSS_REAL, GOSS_SHAPE(goss_n(1), S, goss_n(3)))};
        c.sample_weight = goss_input(g, "weight", GOSS_REAL, GOSS_SHAPE(goss_n(1), S));
        goss_generated made;
        goss_hyper_generate(h, g, &c, &made);
        goss_schedule_options options = goss_schedule_defaults();
        options.precision = GOSS_F64;
        goss_schedule *p;
        goss_params *params;
        goss_threads *threads;
        goss_exec *e;
        T_OK(goss_compile(g, &made.net.code, 1, NULL, 0, &options, &p, &err));
        T_OK(goss_params_new(GOSS_F64, &params, &err));
        T_OK(goss_params_add(params, p, &err));
        for (int i = 0; i < goss_params_count(params); i++) {
            double *v = goss_params_data(params, i);
            goss__rng r = goss__rng_make(5, (uint64_t)i);
            for (int64_t j = 0; j < goss_params_numel(params, i); j++) v[j] = goss__rng_normal(&r);
        }
        T_OK(goss_threads_new(1, &threads, &err));
        T_OK(goss_exec_new(p, params, threads, &e, &err));
        const double x[] = {1, 2, 3, -1, 0, 2, 500, -900, 7, 80, 20, -3000}, weight[] = {1, 1, 0, 0};
        T_OK(goss_exec_bind(e, "features", x, &err));
        T_OK(goss_exec_bind(e, "weight", weight, &err));
        T_OK(goss_exec_count(e, "S", padded ? 4 : 2, &err));
        T_OK(goss_exec_run(e, &err));
        memcpy(code[padded], goss_exec_output(e, 0, NULL), sizeof code[0]);
        goss_exec_free(e), goss_threads_free(threads), goss_params_free(params), goss_schedule_free(p);
        goss_generated_free(&made);
        goss_graph_free(g);
    }
    for (int i = 0; i < 4; i++) T_NEAR(code[1][i], code[0][i], 1e-12);
    goss_hyper_free(h);
    goss_target_free(t);
}

/* ---- dropout ---- */

/* The backbone of the other tests with dropout in its middle. */
static void dropout_text(char *out, size_t size, double rate) {
    snprintf(out, size,
             "conv 4 3 pad 1; norm batch; silu; pool avg 2; dropout %g; conv 6 3 pad 1; norm batch; silu; pool avg 3; "
             "flatten",
             rate);
}

static goss_status loss_with(const variant *v, double rate, uint64_t seed, double *out, goss_error *err) {
    char text[200];
    goss_hyper_options h;
    const goss_method_options o = options_of(v, &h);
    few f;
    dropout_text(text, sizeof text, rate);
    goss_status s = few_train(&f, v->method, text, &o, room);
    if (s == GOSS_OK) {
        few_shake(&f, 0.05);
        s = few_counts_set(&f);
        goss_exec_seed(f.exec, seed, 7);
        if (s == GOSS_OK) s = goss_exec_run(f.exec, &f.err);
        if (s == GOSS_OK) *out = few_output(&f, 0)[0];
    }
    *err = f.err;
    few_free(&f);
    return s;
}

TEST(dropout_acts_in_training) {
    goss_error err;
    for (int k = 0; k < VARIANTS; k++) {
        double none, some, again, more, other;
        if (loss_with(&variants[k], 0, 1, &none, &err) != GOSS_OK ||
            loss_with(&variants[k], 0.3, 1, &some, &err) != GOSS_OK ||
            loss_with(&variants[k], 0.3, 1, &again, &err) != GOSS_OK ||
            loss_with(&variants[k], 0.6, 1, &more, &err) != GOSS_OK ||
            loss_with(&variants[k], 0.3, 2, &other, &err) != GOSS_OK)
            T_FAIL("%s: %s", variants[k].method, err.text);
        if (some == none || more == some || more == none)
            T_FAIL("%s: the loss is %g whatever is dropped", variants[k].method, some);
        if (again != some) T_FAIL("%s: the same seed and step gave %.17g and %.17g", variants[k].method, some, again);
        if (other == some) T_FAIL("%s: another seed drops the same", variants[k].method);
    }
}

static goss_status logits_with(const char *method, double rate, int threads, double *out, goss_error *err) {
    char text[200];
    goss_method_options o = goss_method_defaults();
    o.test_steps = strcmp(method, "hypernet") ? 3 : 0; /* which would fit it, too */
    few f;
    dropout_text(text, sizeof text, rate);
    goss_status s = few_test(&f, method, text, &o, room, 0, threads);
    for (int run = 0; run < 2 && s == GOSS_OK; run++) {
        if (run == 0) few_shake(&f, 0.05);
        s = few_run(&f);
        if (s == GOSS_OK) memcpy(out + run * LOGITS, few_output(&f, 0), LOGITS * sizeof(double));
    }
    *err = f.err;
    few_free(&f);
    return s;
}

/* Judged networks drop nothing. Where gradient steps on the support set fit them, these steps are training: their draws
 * are the same at every run, with any number of threads. */
TEST(dropout_is_off_in_predictions) {
    static const struct {
        const char *name;
        bool fits;
    } all[] = {{"hypernet", false}, {"protonet", false}, {"ridge", false},  {"anil", false},
               {"finetune", false}, {"maml", true},      {"reptile", true}, {"scratch", true}};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        goss_error err;
        double none[2 * LOGITS], some[2 * LOGITS], two[2 * LOGITS];
        if (logits_with(all[k].name, 0, 1, none, &err) != GOSS_OK ||
            logits_with(all[k].name, 0.5, 1, some, &err) != GOSS_OK ||
            logits_with(all[k].name, 0.5, 2, two, &err) != GOSS_OK)
            T_FAIL("%s: %s", all[k].name, err.text);
        if (memcmp(some, some + LOGITS, LOGITS * sizeof *some) != 0) T_FAIL("%s: two runs differ", all[k].name);
        if (memcmp(some, two, sizeof some) != 0) T_FAIL("%s: other bits with two threads", all[k].name);
        if ((memcmp(none, some, LOGITS * sizeof *some) != 0) != all[k].fits)
            T_FAIL("%s: dropout %s", all[k].name,
                   all[k].fits ? "does nothing in the steps that fit it" : "acts on what is judged");
    }
}

TEST_MAIN()
