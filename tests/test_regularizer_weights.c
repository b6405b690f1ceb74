/* SPDX-License-Identifier: Apache-2.0 */
/* What the strengths of sections [regularizer.NAME] are multiplied by: schemes of several terms, shares of a training,
 * whole paths from one run, strengths and norms that are learned on rows to validate on; samples that do not count. */
#include <math.h>

#include "base/alloc.h"
#include "base/str.h"
#include "gossamer/log.h"
#include "gossamer/regularizer.h"
#include "group_tasks.h"

#define ENTROPY "regularizer.a.weight=entropy", "regularizer.b.weight=entropy", "regularizer.b.on=features/out"
#define PATH "regularizer.a.weight=conditioned", "hyper.condition=id, strength"
#define LINEAR "model.backbone="

/* ---- weights ---- */

/* Weights a over b of two sections whose representations have other entropies: the higher one gets more. */
TEST(the_higher_entropy_gets_the_weight) {
    T_OK(group_train("entropy", 1,
                     LINES(ENTROPY, KIND("activity"), "regularizer.a.on=logits", "regularizer.b.kind=activity",
                           "regularizer.a.strength=0.001", "regularizer.b.strength=0.001"),
                     NULL, NULL));
    const double a = group_metric("entropy", "regularizer.a.weight"),
                 b = group_metric("entropy", "regularizer.b.weight"),
                 ha = group_metric("entropy", "regularizer.a.entropy"),
                 hb = group_metric("entropy", "regularizer.b.entropy");
    T_NEAR(a + b, 0.002, 1e-8);
    T_CHECK(ha != hb && (a > b) == (ha > hb));
}

/* Log variances come near the logs of the terms, so that a penalty counts as much as the loss, times its strength. */
TEST(uncertainty_weighs_a_penalty_like_the_loss) {
    const char *const more[] = {"regularizer.a.on=weights/head.w",
                                "regularizer.a.weight=uncertainty",
                                "regularizer.a.strength=0.5",
                                "train.steps=1500",
                                "train.log_every=1",
                                "validate.every=0",
                                "optimizer.schedule=constant",
                                NULL};
    T_OK(group_train("uncertain", 1, more, NULL, NULL));
    const double added = group_mean("uncertain", "regularizer.a", 1000),
                 loss = group_mean("uncertain", "loss", 1000) - added;
    T_CHECK(group_metric("uncertain", "regularizer.a.weight") < 0.3); /* it began at 0.5 */
    if (!(added > 0.3 * loss && added < 0.8 * loss)) T_FAIL("it adds %g to a loss of %g", added, loss);
}

/* Gradients of a penalty of 100 and of one of 0.01 are brought nearer to each other. */
TEST(grad_norm_and_famo_balance_large_and_small_penalties) {
    static const char *const schemes[] = {"grad_norm", "famo"};
    for (int i = 0; i < 2; i++) {
        char a[80], b[80];
        snprintf(a, sizeof a, "regularizer.a.weight=%s", schemes[i]);
        snprintf(b, sizeof b, "regularizer.b.weight=%s", schemes[i]);
        T_OK(group_train(schemes[i], 1,
                         LINES(a, b, KIND("l1"), "regularizer.a.on=weights/*", "regularizer.b.kind=variance",
                               "regularizer.b.on=features/out", "train.steps=100", "validate.every=0"),
                         NULL, NULL));
        const double of_a = group_metric(schemes[i], "regularizer.a.weight"),
                     of_b = group_metric(schemes[i], "regularizer.b.weight");
        if (!(of_a < 0.9 * of_b)) T_FAIL("%s: weights %g and %g", schemes[i], of_a, of_b);
    }
}

TEST(a_resume_comes_to_the_same_bits_with_every_scheme) {
    static const char *const schemes[] = {"entropy", "uncertainty", "grad_norm", "famo", "hypergradient"};
    for (int i = 0; i < 5; i++) {
        char a[80], b[80];
        snprintf(a, sizeof a, "regularizer.a.weight=%s", schemes[i]);
        snprintf(b, sizeof b, "regularizer.b.weight=%s", schemes[i]);
        group_resumes(
            LINES(a, b, "regularizer.a.on=features/out", KIND("decorrelation"), "regularizer.b.on=weights/*"));
    }
}

static void on_line(void *to, goss_log_level level, const char *line) {
    if (level == GOSS_LOG_WARN) goss__str_addf(to, "%s\n", line);
}

/* What a run of that weight warns of; free. */
static char *warnings_of(const char *dir, const char *kind, const char *weight, const char *rate) {
    goss__str log = {0};
    goss__str_add(&log, "");
    goss_log_set(on_line, &log);
    T_OK(group_train(dir, 1, LINES("regularizer.a.on=weights/*", kind, weight, rate), NULL, NULL));
    goss_log_set(NULL, NULL);
    return log.data;
}

TEST(a_weight_that_ends_at_its_limit_is_told) {
    static const struct {
        const char *kind, *weight, *rate, *says;
    } runs[] = {{KIND("difference"), "regularizer.a.weight=famo", "regularizer.a.rate=0.025",
                 "[regularizer.a] weight = famo ended at its limit, 1000 times the strength: the penalty came near 0"},
                {KIND("l2"), "regularizer.a.weight=famo", "regularizer.a.rate=0.025", NULL},
                {KIND("l2"), "regularizer.a.weight=hypergradient", "regularizer.a.rate=50",
                 "[regularizer.a] weight = hypergradient ended at its limit, 1"},
                {KIND("l2"), "regularizer.a.weight=hypergradient", "regularizer.a.rate=0.01", NULL}};
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        char dir[20];
        snprintf(dir, sizeof dir, "limit%zu", i);
        char *text = warnings_of(dir, runs[i].kind, runs[i].weight, runs[i].rate);
        if (runs[i].says ? !strstr(text, runs[i].says) : strstr(text, "ended at its limit") != NULL)
            T_FAIL("run %zu says \"%s\"", i, text);
        goss__free(text);
    }
}

/* ---- phases ---- */

/* Until it acts nothing is different, and afterwards it is. */
TEST(a_section_acts_in_its_share_of_the_training) {
    const char *const on = "regularizer.a.on=weights/*", *log = "train.log_every=1", *from = "regularizer.a.from=0.5";
    T_OK(group_train("phase", 1, LINES(on, log, from), NULL, NULL));
    T_OK(group_train("phase-off", 1, LINES(log), NULL, NULL));
    T_NEAR(group_mean("phase", "regularizer.a", 30), group_mean("phase", "regularizer.a", 15) / 2, 1e-9);
    T_CHECK(group_mean("phase", "regularizer.a", 15) > 0);
    T_CHECK(group_weights("phase") != group_weights("phase-off"));
    group_resumes(LINES(on, from, "regularizer.b.on=features/out", "regularizer.b.until=0.4"));
}

/* ---- a whole path from one run ---- */

/* Error of a model that saw all strengths, at one of them. */
static double error_at(const char *dir, const char *name, double strength) {
    goss_model *m = group_model(dir);
    T_OK(goss_model_set_strength(m, name, strength, &err));
    const double e = group_error_of_model(m, 1, 0);
    goss_model_free(m);
    return e;
}

/* Networks of one run at three strengths against a run for each: the errors of the path are near theirs, and it has its
 * least where they have it. */
TEST(a_conditioned_run_holds_the_whole_path) {
    static const double strengths[3] = {0.01, 0.3, 10};
    const char *const on = "regularizer.a.on=weights/head.w", *kind = KIND("difference"), *none = "validate.every=0",
                      *steps = "train.steps=800";
    double path[3], alone[3];
    group_noise = 2;
    T_OK(group_train("path", 1, LINES(LINEAR, on, kind, none, PATH, "train.steps=2400", "regularizer.a.low=0.01"), NULL,
                     NULL));
    for (int i = 0; i < 3; i++) {
        char strength[60], dir[40];
        snprintf(strength, sizeof strength, "regularizer.a.strength=%g", strengths[i]);
        snprintf(dir, sizeof dir, "retrained%d", i);
        T_OK(group_train(dir, 1, LINES(LINEAR, on, kind, none, steps, strength), NULL, NULL));
        path[i] = error_at("path", "a", strengths[i]), alone[i] = group_error_of(dir, 1, 0);
        if (getenv("SHOW_GAPS"))
            printf("  strength %g: %.3f of the path, %.3f retrained\n", strengths[i], path[i], alone[i]);
    }
    group_noise = 0.5;
    for (int i = 0; i < 3; i++)
        if (!(fabs(path[i] / alone[i] - 1) < 0.15)) T_FAIL("at %g: %g, retrained %g", strengths[i], path[i], alone[i]);
    T_CHECK(path[1] < path[0] && path[1] < path[2] && alone[1] < alone[0] && alone[1] < alone[2]);
    goss_model *m = group_model("path"), *one = group_model("retrained0");
    T_ERR(goss_model_set_strength(m, "b", 1, &err), GOSS_E_ARGUMENT, "no strength of a regulariser \"b\"; it has a");
    T_ERR(goss_model_set_strength(m, "a", 11, &err), GOSS_E_ARGUMENT, "with strengths from 0.01 to 10");
    T_ERR(goss_model_set_strength(one, "a", 1, &err), GOSS_E_UNSUPPORTED, "was trained with one strength");
    goss_model_free(m), goss_model_free(one);
}

/* Its model is set to the strength that validates best, and says how it went. */
TEST(the_strength_of_a_path_is_chosen_by_validation) {
    group_noise = 2;
    T_OK(group_train("chosen", 1,
                     LINES(LINEAR, "regularizer.a.on=weights/head.w", KIND("difference"), PATH, "train.steps=800",
                           "validate.every=800", "regularizer.a.strength=0.001"),
                     NULL, NULL));
    group_noise = 0.5;
    goss_model *m = group_model("chosen");
    double strength = strtod(goss_model_note_of(m, "regularizer.a.strength"), NULL),
           chosen = strtod(goss_model_note_of(m, "metrics.validation"), NULL);
    const char *path = goss_model_note_of(m, "regularizer.a.path");
    T_CHECK(path && strncmp(path, "0.001: ", 7) == 0 && strstr(path, ", 10: "));
    T_CHECK(strength > 0.01 && strength < 5);
    T_CHECK(chosen < group_metric("chosen", "validation"));
    goss_model_free(m);
}

TEST(a_conditioned_run_resumes_to_the_same_bits) {
    group_resumes(LINES("regularizer.a.on=weights/*", PATH, "regularizer.b.on=features/out",
                        "regularizer.b.weight=conditioned", "regularizer.b.high=2"));
}

/* ---- what is learned on rows to validate on ---- */

/* Networks of their own for tasks of few rows fit their noise: a strength that begins low grows, and validation is the
 * better for it. */
TEST(a_strength_grows_where_that_helps_held_rows) {
    const char *const on = "regularizer.a.on=weights/*", *low = "regularizer.a.strength=0.001",
                      *steps = "train.steps=400";
    T_OK(group_train("low", 1, LINES(on, low, steps), NULL, NULL));
    T_OK(group_train("grown", 1, LINES(on, low, steps, "regularizer.a.weight=hypergradient"), NULL, NULL));
    T_CHECK(group_metric("grown", "regularizer.a.weight") > 0.005);
    T_CHECK(group_metric("grown", "validation") < group_metric("low", "validation"));
}

/* And one that begins where all weights are held near 0 falls. */
TEST(a_strength_falls_where_it_stands_in_the_way) {
    const char *const on = "regularizer.a.on=weights/*", *high = "regularizer.a.strength=3", *steps = "train.steps=400";
    T_OK(group_train("high", 1, LINES(on, high, steps), NULL, NULL));
    T_OK(group_train("fallen", 1, LINES(on, high, steps, "regularizer.a.weight=hypergradient"), NULL, NULL));
    T_CHECK(group_metric("fallen", "regularizer.a.weight") < 1);
    T_CHECK(group_metric("fallen", "validation") < group_metric("high", "validation"));
}

/* Rows that ride along are none of the loss's. */
TEST(held_rows_do_not_enter_the_loss) {
    const char *const on = "regularizer.a.on=weights/*", *none = "regularizer.a.strength=1e-9", *one = "train.steps=1",
                      *log = "train.log_every=1";
    T_OK(group_train("unheld", 1, LINES(on, none, one, log), NULL, NULL));
    T_OK(group_train("held", 1, LINES(on, none, one, log, "regularizer.a.weight=hypergradient"), NULL, NULL));
    T_NEAR(group_metric("held", "loss"), group_metric("unheld", "loss"), 1e-5);
    T_NEAR(group_metric("held", "rmse"), group_metric("unheld", "rmse"), 1e-5);
}

TEST(norms_are_learned_against_the_model_or_on_held_rows) {
    static const char *const fits[] = {"minmax", "validation"};
    const char *const on = "regularizer.a.on=weights/*.w", *kind = KIND("norm_hyper"), *steps = "train.steps=200";
    T_OK(group_train("no-norm", 1, LINES(steps), NULL, NULL));
    for (int i = 0; i < 2; i++) {
        char fit[60];
        snprintf(fit, sizeof fit, "regularizer.a.fit=%s", fits[i]);
        T_OK(group_train(fits[i], 1, LINES(on, kind, fit, steps), NULL, NULL));
        T_CHECK(group_metric(fits[i], "validation") < group_metric("no-norm", "validation"));
        group_resumes(LINES(on, kind, fit));
    }
    T_CHECK(group_weights("minmax") != group_weights("validation"));
}

/* ---- of samples ---- */

/* Every second task has its rows twice, and the others are padded. A loss that is a mean over rows stays as it is. */
static int doubled; /* 0 or 1: which ones */
static void draw_doubled(const goss_task_source *source, uint64_t k, goss_task *task) {
    group_draw(source, k, task);
    if (task->id % 2 != doubled) return;
    task->queries = 2 * GROUP_ROWS;
    if (task->query)
        memcpy(task->query + GROUP_ROWS * GROUP_INPUTS, task->query, GROUP_ROWS * GROUP_INPUTS * sizeof(float));
    if (task->query_target) memcpy(task->query_target + GROUP_ROWS, task->query_target, GROUP_ROWS * sizeof(float));
}
static void double_some(goss_task_source *s) { s->spec.queries = 2 * GROUP_ROWS, s->draw = draw_doubled; }

/* What a section adds that is too weak to matter, by its strength. */
static double weak_penalty(const char *dir, const char *const row[3]) {
    char kind[80], on[80], more[80];
    snprintf(kind, sizeof kind, "regularizer.a.kind=%s", row[0]);
    snprintf(on, sizeof on, "regularizer.a.on=%s", row[1]);
    snprintf(more, sizeof more, "regularizer.a.%s", row[2] ? row[2] : "from=0");
    T_OK(group_train(
        dir, 1, LINES(kind, on, more, "regularizer.a.strength=1e-6", "model.backbone=dense 5; tanh; dense 5; tanh"),
        NULL, NULL));
    return group_metric(dir, "regularizer.a") * 1e6;
}

/* Sums over samples, those of the two halves doubled in turn, are three times the sum; means stay as they are. */
TEST(padding_does_not_count) {
    static const struct {
        const char *row[3];
        double times;
    } of[] = {{{"l1", "features/out"}, 3},        {{"l2", "hidden/*"}, 3},
              {{"elastic", "logits"}, 3},         {{"exclusive", "hidden/*", "branches=yes"}, 3},
              {{"activity", "features/out"}, 2},  {{"coactivation", "hidden/*"}, 2},
              {{"decorrelation", "hidden/*"}, 2}, {{"difference", "features/out"}, 2}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        char dir[80];
        double sum = 0;
        snprintf(dir, sizeof dir, "plain-%s", of[i].row[0]);
        const double plain = weak_penalty(dir, of[i].row);
        group_change = double_some;
        for (doubled = 0; doubled < 2; doubled++) {
            snprintf(dir, sizeof dir, "doubled-%s-%d", of[i].row[0], doubled);
            sum += weak_penalty(dir, of[i].row);
        }
        group_change = NULL;
        if (!(fabs(sum / plain - of[i].times) < 1e-3))
            T_FAIL("%s on %s: %g times %g, not %g times", of[i].row[0], of[i].row[1], sum / plain, plain, of[i].times);
    }
}

TEST_MAIN()
