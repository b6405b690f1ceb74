/* SPDX-License-Identifier: Apache-2.0 */
/* Training steps: the whole batch and micro-batches, penalties from outside, gradients combined across processes, and
 * what is refused. */
#include "base/alloc.h"
#include "gossamer/regularizer.h"
#include "step_tasks.h"

static const char *const net = "dense 8; tanh; dropout 0.2; dense 6; relu; head";
static const char *const plain = "dense 8; tanh; head"; /* draws nothing */

/* ---- micro-batches ---- */

/* The same bits for every micro-batch size, with 1 and 2 threads, whatever the optimiser. */
TEST(every_micro_batch_size_gives_the_same_bits) {
    static const int64_t sizes[] = {1, 2, 3, 4, 6, 12};
    static const goss_optimizer_kind kinds[] = {GOSS_SGD, GOSS_ADAMW};
    for (int k = 0; k < 2; k++) {
        problem p[2];
        goss_step *first = NULL, *s;
        goss_step_result a, b;
        for (int threads = 1; threads <= 2; threads++) problem_begin(&p[threads - 1], net, threads);
        for (size_t i = 0; i < 2 * (sizeof sizes / sizeof *sizes); i++) {
            goss_step_options o = step_of(TASKS, sizes[i / 2]);
            o.optimizer.kind = kinds[k], o.optimizer.ema_decay = 0.9, o.optimizer.clip_norm = 0.5;
            o.optimizer.weight_decay = 0.1;
            T_OK(begin_step(&p[i % 2], &o, &s));
            steps(s, TASKS, 0, 5, &b);
            T_NOTE("micro-batches of %d, %d threads", (int)sizes[i / 2], (int)(i % 2) + 1);
            T_CHECK(b.applied);
            if (first) T_CHECK(same_params(first, s) && memcmp(&a, &b, sizeof a) == 0);
            if (first)
                goss_step_free(s);
            else
                first = s, a = b;
        }
        goss_step_free(first);
        problem_end(&p[0]), problem_end(&p[1]);
    }
}

/* Another size of micro-batches, and another process, go on with the same bits. */
TEST(a_resume_may_change_the_micro_batch) {
    problem p;
    goss_step *whole, *begun, *resumed;
    goss_step_result r;
    problem_begin(&p, net, 2);
    goss_step_options two = step_of(TASKS, 2), four = step_of(TASKS, 4);
    T_OK(begin_step(&p, &two, &whole));
    steps(whole, TASKS, 0, 6, &r);
    T_OK(begin_step(&p, &two, &begun));
    steps(begun, TASKS, 0, 3, &r);
    T_OK(begin_step(&p, &four, &resumed));
    goss_params *from = goss_step_params(begun), *to = goss_step_params(resumed);
    for (int i = 0; i < goss_params_count(from); i++)
        memcpy(goss_params_data(to, goss_params_find(to, goss_params_name(from, i))), goss_params_data(from, i),
               (size_t)goss_params_numel(from, i) * sizeof(float));
    steps(resumed, TASKS, 3, 6, &r);
    T_CHECK(same_params(whole, resumed));
    T_CHECK(!same_params(whole, begun));
    goss_step_free(whole), goss_step_free(begun), goss_step_free(resumed);
    problem_end(&p);
}

/* In exact arithmetic both forms are the same step. */
static void compare_forms(const char *text, bool ends) {
    problem p;
    goss_step *whole, *micro;
    goss_step_result a, b;
    problem_begin(&p, text, 2);
    p.ends = ends;
    goss_step_options one = step_of(TASKS, 0), parts = step_of(TASKS, 3);
    one.optimizer.kind = parts.optimizer.kind = GOSS_SGD;
    T_OK(begin_step(&p, &one, &whole));
    T_OK(begin_step(&p, &parts, &micro));
    steps(whole, TASKS, 0, 3, &a), steps(micro, TASKS, 0, 3, &b);
    T_NEAR(a.loss, b.loss, 1e-6);
    T_NEAR(a.measure[0], b.measure[0], 1e-6);
    T_NEAR(a.gradient_norm, b.gradient_norm, 1e-5);
    static const char *const names[] = {"net", "mean", "sgd.m.net"};
    for (int k = 0; k < 3; k++)
        for (int64_t i = 0; i < numel_of(whole, names[k]); i++)
            T_NEAR(param_of(whole, names[k])[i], param_of(micro, names[k])[i], 1e-6);
    goss_step_free(whole), goss_step_free(micro);
    problem_end(&p);
}

TEST(micro_batches_compute_what_the_whole_batch_does) { compare_forms(net, false); }
TEST(parameters_with_ends_move_towards_their_mean) { compare_forms(plain, true); }

/* The last batch may have fewer tasks; sums and means are then of those. */
TEST(a_step_may_have_fewer_tasks) {
    problem p;
    goss_step *whole, *micro;
    goss_step_result a, b;
    problem_begin(&p, plain, 1);
    goss_step_options one = step_of(TASKS, 0), parts = step_of(TASKS, 2);
    T_OK(begin_step(&p, &one, &whole));
    T_OK(begin_step(&p, &parts, &micro));
    steps(whole, 4, 0, 1, &a), steps(micro, 4, 0, 1, &b);
    T_NEAR(a.loss, b.loss, 1e-6);
    T_NEAR(a.gradient_norm, b.gradient_norm, 1e-6);
    T_ERR(goss_step_run(micro, 3, 0.01, 9, 1, &b, &err), GOSS_E_ARGUMENT, "3 tasks is not made of micro-batches of 2");
    T_ERR(goss_step_run(micro, TASKS + 2, 0.01, 9, 1, &b, &err), GOSS_E_ARGUMENT, "1 to 12 were planned");
    T_ERR(goss_step_run(whole, 0, 0.01, 9, 1, &b, &err), GOSS_E_ARGUMENT, "1 to 12 were planned");
    goss_step_free(whole), goss_step_free(micro);
    problem_end(&p);
}

TEST(a_step_that_is_not_finite_is_skipped) {
    for (int micro = 0; micro <= 4; micro += 4) {
        problem p;
        goss_step *s;
        goss_step_result r;
        problem_begin(&p, plain, 2);
        goss_step_options o = step_of(TASKS, micro);
        T_OK(begin_step(&p, &o, &s));
        steps(s, TASKS, 0, 1, &r);
        const size_t size = (size_t)numel_of(s, "net") * sizeof(float);
        float before[200], mean[FEATURES], last = p.x[TASKS * SAMPLES * FEATURES - 1];
        memcpy(before, param_of(s, "net"), size), memcpy(mean, param_of(s, "mean"), sizeof mean);
        p.x[TASKS * SAMPLES * FEATURES - 1] = INFINITY;
        steps(s, TASKS, 1, 2, &r);
        T_CHECK(!r.applied && *param_of(s, "optimizer.skipped") == 1);
        T_CHECK(memcmp(before, param_of(s, "net"), size) == 0 && memcmp(mean, param_of(s, "mean"), sizeof mean) == 0);
        p.x[TASKS * SAMPLES * FEATURES - 1] = last; /* the slab has nothing of it any more */
        steps(s, TASKS, 2, 3, &r);
        T_CHECK(r.applied && memcmp(before, param_of(s, "net"), size) != 0);
        goss_step_free(s);
        problem_end(&p);
    }
}

/* What a step holds grows with the micro-batch, not with the batch. */
TEST(memory_is_that_of_the_micro_batch) {
    problem p;
    size_t bytes[3];
    problem_begin(&p, "dense 64; tanh; head", 1);
    for (int i = 0; i < 3; i++) {
        goss_step *s;
        goss_step_options o = step_of(i == 0 ? TASKS : 3 * TASKS, i == 2 ? 4 : 2);
        T_OK(begin_step(&p, &o, &s));
        bytes[i] = goss_step_memory(s);
        goss_step_free(s);
    }
    T_EQ(bytes[0], bytes[1]);
    T_CHECK(bytes[2] > bytes[1]);
    problem_end(&p);
}

TEST(a_step_allocates_nothing) {
    for (int micro = 0; micro <= 3; micro++) {
        if (micro == 2) continue;
        problem p;
        goss_step *s;
        goss_step_result r;
        problem_begin(&p, net, 2);
        goss_step_options o = step_of(TASKS, micro);
        T_OK(begin_step(&p, &o, &s));
        steps(s, TASKS, 0, 2, &r);
        const uint64_t before = goss__alloc_count();
        steps(s, TASKS, 2, 6, &r);
        T_EQ(goss__alloc_count() - before, 0);
        goss_step_free(s);
        problem_end(&p);
    }
}

TEST(a_step_that_can_not_be_had_leaves_nothing) {
    for (int micro = 0; micro <= 2; micro += 2) {
        problem p;
        goss_step *s;
        problem_begin(&p, plain, 1);
        goss_step_options o = step_of(4, micro);
        goss_step_source source = problem_source(&p);
        uint64_t n = 1;
        goss_status status = GOSS_E_NOMEM;
        for (; status != GOSS_OK; n++) {
            goss__alloc_fail_at(n);
            status = goss_step_new(&source, &o, p.threads, &s, &err);
            goss__alloc_fail_at(0);
            if (status != GOSS_OK && (status != GOSS_E_NOMEM || s)) T_FAIL("allocation %d: %s", (int)n, err.text);
        }
        T_CHECK(n > 20);
        goss_step_free(s);
        problem_end(&p);
    }
}

/* ---- processes ---- */

/* Two halves of a batch, one after the other: the first keeps its slab for the second. */
typedef struct rank {
    float sum[1000];
    int64_t n;
    int calls;
    bool fails;
} rank;

static goss_status add_other(void *context, float *slab, int64_t n, goss_error *e) {
    rank *other = context;
    other->calls++;
    if (other->fails) return goss_error_set(e, GOSS_E_IO, "the other process is gone");
    T_CHECK(n < 1000);
    for (int64_t i = 0; i < n; i++) slab[i] += other->n ? other->sum[i] : 0;
    memcpy(other->sum, slab, (size_t)n * sizeof *slab), other->n = n;
    return GOSS_OK;
}

static goss_status nothing(void *context, float *slab, int64_t n, goss_error *e) { return GOSS_OK; }

TEST(slabs_of_processes_are_added) {
    problem p;
    goss_step *alone, *half, *silent;
    goss_step_result a, b;
    rank other = {.n = 0};
    problem_begin(&p, plain, 2);
    goss_step_options o = step_of(TASKS, 2);
    T_OK(begin_step(&p, &o, &alone));
    steps(alone, TASKS, 0, 1, &a);
    o.combine = nothing;
    T_OK(begin_step(&p, &o, &silent));
    steps(silent, TASKS, 0, 1, &b);
    T_CHECK(same_params(alone, silent));
    o.combine = add_other, o.combine_context = &other, o.tasks = TASKS / 2;
    for (int i = 0; i < 2; i++) { /* the second process sees the sum of both */
        p.first = i * TASKS / 2;
        T_OK(begin_step(&p, &o, &half));
        steps(half, TASKS / 2, 0, 1, &b);
        if (i == 0) goss_step_free(half);
    }
    T_EQ(other.calls, 2);
    T_EQ(other.sum[other.n - 1], TASKS);
    T_NEAR(a.loss, b.loss, 1e-6);
    T_NEAR(a.gradient_norm, b.gradient_norm, 1e-6);
    for (int64_t i = 0; i < numel_of(alone, "net"); i++)
        T_NEAR(param_of(alone, "net")[i], param_of(half, "net")[i], 1e-5);
    for (int i = 0; i < FEATURES; i++) T_NEAR(param_of(alone, "mean")[i], param_of(half, "mean")[i], 1e-6);
    other.fails = true;
    float before = *param_of(half, "net");
    T_ERR(goss_step_run(half, TASKS / 2, 0.01, 9, 1, &b, &err), GOSS_E_IO, "the other process is gone");
    T_CHECK(*param_of(half, "net") == before && *param_of(half, "optimizer.step") == 1);
    goss_step_free(alone), goss_step_free(silent), goss_step_free(half);
    problem_end(&p);
}

TEST(a_batch_that_can_not_be_bound_changes_nothing) {
    for (int micro = 0; micro <= 3; micro += 3) {
        problem p;
        goss_step *s, *same;
        goss_step_result r;
        problem_begin(&p, plain, 1);
        goss_step_options o = step_of(TASKS, micro);
        T_OK(begin_step(&p, &o, &s));
        T_OK(begin_step(&p, &o, &same));
        p.fail_at = micro ? 5 : 1;
        T_ERR(goss_step_run(s, TASKS, 0.01, 9, 0, &r, &err), GOSS_E_IO, micro ? "task 4 is gone" : "task 0 is gone");
        T_CHECK(same_params(s, same));
        p.fail_at = 0;
        steps(s, TASKS, 0, 1, &r), steps(same, TASKS, 0, 1, &r);
        T_CHECK(same_params(s, same));
        goss_step_free(s), goss_step_free(same);
        problem_end(&p);
    }
}

/* ---- penalties ---- */

typedef struct attached {
    const char *on, *kind;
    double strength;
    int graphs; /* that it was asked for */
} attached;

static goss_val penalty(void *context, goss_graph *g, goss_step_loss *loss) {
    attached *a = context;
    goss_published_value found[16];
    goss_val tensor[16];
    goss_reg_options o = goss_reg_defaults();
    goss_error why;
    int n;
    a->graphs++;
    goss_status s = goss_published(g, a->on, found, 16, &n, &why);
    if (s != GOSS_OK) return goss_graph_fail(g, s, "%s", why.text);
    o.strength = a->strength;
    if (a->strength == 0) return GOSS_NONE;
    for (int i = 0; i < n; i++) tensor[i] = goss_reg_build(a->kind, &found[i].value, 1, &o);
    for (int i = 1; i < n; i++) tensor[0] = goss_add(tensor[0], tensor[i]);
    return tensor[0];
}

/* One step of plain descent at rate 1 from the same start: loss, and what it moved the network by. */
static goss_step_result one_step(problem *p, attached *a, int64_t micro, float *moved) {
    goss_step *s;
    goss_step_result r;
    goss_step_options o = step_of(TASKS, micro);
    o.optimizer.kind = GOSS_SGD, o.optimizer.momentum = 0;
    if (a) o.penalty = penalty, o.penalty_context = a;
    T_OK(begin_step(p, &o, &s));
    const int64_t n = numel_of(s, "net");
    T_CHECK(n < 200);
    for (int64_t i = 0; i < n; i++) moved[i] = param_of(s, "net")[i];
    T_OK(goss_step_run(s, TASKS, 1, 9, 0, &r, &err));
    for (int64_t i = 0; i < n; i++) moved[i] -= param_of(s, "net")[i];
    goss_step_free(s);
    return r;
}

/* The gradient with a penalty is the one without plus strength times the penalty's own, in both forms. */
TEST(a_penalty_on_features_adds_its_gradient) {
    for (int micro = 0; micro <= 3; micro += 3) {
        problem p;
        float without[200], once[200], twice[200];
        attached a = {"features/*", "l2", 0.05, 0}, b = {"features/*", "l2", 0.1, 0};
        problem_begin(&p, plain, 2);
        goss_step_result r = one_step(&p, NULL, micro, without), x = one_step(&p, &a, micro, once),
                         y = one_step(&p, &b, micro, twice);
        T_CHECK(x.loss > r.loss + 1e-3);
        T_NEAR(y.loss - r.loss, 2 * (x.loss - r.loss), 1e-5);
        double largest = 0;
        for (int i = 0; i < (int)goss_layout_total(goss_target_layout(p.net)); i++) {
            T_NEAR(twice[i] - without[i], 2 * (once[i] - without[i]), 1e-5);
            largest = fmax(largest, fabs(once[i] - without[i]));
        }
        T_CHECK(largest > 1e-3);
        T_EQ(a.graphs, micro ? 2 : 1); /* with micro-batches one look whether it ties tasks */
        problem_end(&p);
    }
}

/* The mean over tasks of 1/2 strength |features|^2, computed by hand from what a penalised step reports. */
TEST(a_penalty_is_the_mean_over_tasks) {
    problem p;
    float moved[200];
    attached a = {"weights/dense1.w", "l1", 0.5, 0};
    problem_begin(&p, plain, 1);
    goss_step_result r = one_step(&p, NULL, 2, moved), x = one_step(&p, &a, 2, moved);
    float start[200];
    double sum = 0;
    goss_layout_initialize(goss_target_layout(p.net), 5, start);
    for (int i = 0; i < FEATURES * 8; i++) sum += fabs(start[i]); /* dense1.w is the first tensor */
    T_NEAR(x.loss - r.loss, 0.5 * sum, 1e-4);
    problem_end(&p);
}

TEST(micro_batches_with_a_penalty_give_the_same_bits) {
    problem p;
    goss_step *a, *b;
    goss_step_result r;
    attached on = {"hidden/*,weights/*", "l1", 0.1, 0};
    problem_begin(&p, net, 2);
    goss_step_options o = step_of(TASKS, 1);
    o.penalty = penalty, o.penalty_context = &on;
    T_OK(begin_step(&p, &o, &a));
    o.micro_batch = 4;
    T_OK(begin_step(&p, &o, &b));
    steps(a, TASKS, 0, 4, &r), steps(b, TASKS, 0, 4, &r);
    T_CHECK(same_params(a, b));
    goss_step_free(a), goss_step_free(b);
    problem_end(&p);
}

TEST(a_penalty_of_nothing_is_none) {
    problem p;
    float with[200], without[200];
    attached a = {"features/*", "l2", 0, 0};
    problem_begin(&p, plain, 1);
    one_step(&p, NULL, 0, without), one_step(&p, &a, 0, with);
    T_CHECK(memcmp(with, without, (size_t)goss_layout_total(goss_target_layout(p.net)) * sizeof(float)) == 0);
    problem_end(&p);
}

/* Where a parameter has an end, the penalty's gradient is added to the way there. */
TEST(a_penalty_acts_on_parameters_with_ends) {
    for (int micro = 0; micro <= 3; micro += 3) {
        problem p;
        float with[200], without[200], start[200];
        attached a = {"weights/dense1.w", "l2", 0.3, 0};
        problem_begin(&p, plain, 1);
        p.ends = true;
        one_step(&p, NULL, micro, without), one_step(&p, &a, micro, with);
        goss_layout_initialize(goss_target_layout(p.net), 5, start);
        const double twice = with[0] - without[0]; /* l2 is strength |w|^2 or half of it: the same for all */
        T_CHECK(fabs(twice) > 1e-4);
        for (int i = 1; i < FEATURES * 8; i++) T_NEAR((with[i] - without[i]) * start[0], twice * start[i], 1e-4);
        T_NEAR(with[FEATURES * 8], without[FEATURES * 8], 0); /* a bias has no penalty */
        problem_end(&p);
    }
}

/* A number that is trained to 3, one that counts steps, and what they are. */
static goss_val with_its_own(void *layout, goss_graph *g, goss_step_loss *loss) {
    goss_val own = goss_param(g, "own", GOSS_SHAPE(goss_n(1))), count = goss_param(g, "count", GOSS_SHAPE(goss_n(1)));
    loss->param[loss->n_params++] = (goss_step_param){.name = "own", .layout = layout, .param = own};
    loss->state[loss->n_states++] = (goss_step_state){"count", count, goss_shift(count, 1)};
    loss->measure[loss->n_measures++] = (goss_step_measure){"own number", goss_sum_all(own)};
    return goss_norm2(goss_shift(own, -3));
}

TEST(a_penalty_may_bring_parameters_states_and_measures) {
    problem p;
    goss_step *s, *plain_step;
    goss_step_result r, without;
    goss_layout *layout;
    problem_begin(&p, plain, 1);
    T_OK(goss_layout_new(&layout, &err));
    T_OK(goss_layout_add(layout, &(goss_entry){.name = "number", .rank = 1, .dim = {1}, .role = GOSS_ROLE_BIAS}, &err));
    goss_step_options o = step_of(TASKS, 0);
    T_OK(begin_step(&p, &o, &plain_step));
    o.penalty = with_its_own, o.penalty_context = layout;
    T_OK(begin_step(&p, &o, &s));
    steps(s, TASKS, 0, 7, &r), steps(plain_step, TASKS, 0, 7, &without);
    T_NEAR(param_of(s, "count")[0], 7, 0);
    T_CHECK(param_of(s, "own")[0] > 0.05f && param_of(s, "own")[0] < 0.08f); /* Adam's seven steps of 0.01 */
    T_STR(goss_step_measure_name(s, 0), "off");
    T_STR(goss_step_measure_name(s, 1), "own number");
    T_CHECK(!goss_step_measure_name(s, 2) && !goss_step_measure_name(plain_step, 1));
    T_NEAR(r.measure[1], (double)param_of(s, "own")[0], 0.011); /* of before the update */
    T_NEAR(r.measure[0], without.measure[0], 0.01);
    goss_step_free(s), goss_step_free(plain_step);
    o = step_of(TASKS, 2), o.penalty = with_its_own, o.penalty_context = layout;
    T_ERR(begin_step(&p, &o, &s), GOSS_E_ARGUMENT, "the penalty has parameters or states of its own");
    goss_layout_free(layout);
    problem_end(&p);
}

static goss_val matrix_penalty(void *context, goss_graph *g, goss_step_loss *loss) {
    return goss_published_get(g, "features/out");
}
static goss_val centred(void *context, goss_graph *g, goss_step_loss *loss) {
    goss_val x = goss_mean(goss_published_get(g, "features/out"), GOSS_AXIS(1) | GOSS_AXIS(2), false);
    return goss_square(goss_sub(x, goss_mean(x, GOSS_AXIS(0), true)));
}

TEST(what_can_not_be_is_refused) {
    problem p;
    goss_step *s;
    problem_begin(&p, plain, 1);
    goss_step_options o = step_of(TASKS, 5);
    T_ERR(begin_step(&p, &o, &s), GOSS_E_ARGUMENT, "micro-batches of 5 tasks do not make up a step's 12");
    o = step_of(0, 0);
    T_ERR(begin_step(&p, &o, &s), GOSS_E_ARGUMENT, "a step of 0 tasks");
    o = step_of(TASKS, 0), o.combine = nothing;
    T_ERR(begin_step(&p, &o, &s), GOSS_E_ARGUMENT, "with micro-batches only");
    attached tied = {"features/out", "difference", 0.1, 0}, unknown = {"feature/out", "l2", 0.1, 0};
    o = step_of(TASKS, 2), o.penalty = penalty, o.penalty_context = &tied;
    T_ERR(begin_step(&p, &o, &s), GOSS_E_ARGUMENT, "the penalty ties tasks together");
    o.penalty = centred;
    T_ERR(begin_step(&p, &o, &s), GOSS_E_ARGUMENT, "the penalty ties tasks together");
    o = step_of(TASKS, 0), o.penalty = penalty, o.penalty_context = &tied;
    T_OK(begin_step(&p, &o, &s)); /* a whole batch has all tasks */
    goss_step_free(s);
    for (int micro = 0; micro <= 2; micro += 2) {
        o = step_of(TASKS, micro), o.penalty = penalty, o.penalty_context = &unknown;
        T_ERR(begin_step(&p, &o, &s), GOSS_E_ARGUMENT, "did you mean features/out?");
        T_CHECK(!s);
        o.penalty = matrix_penalty;
        T_ERR(begin_step(&p, &o, &s), GOSS_E_SHAPE, "this one has rank 3");
    }
    problem_end(&p);
}

TEST(programs_can_be_read) {
    problem p;
    goss_step *s;
    problem_begin(&p, plain, 1);
    for (int micro = 0; micro <= 2; micro += 2) {
        goss_step_options o = step_of(TASKS, micro);
        T_OK(begin_step(&p, &o, &s));
        char *main = goss_step_text(s, 0), *apply = goss_step_text(s, 1);
        T_CHECK(main && (apply != NULL) == (micro > 0) && !goss_step_text(s, 2));
        T_CHECK((strstr(main, "optimizer") != NULL) == (micro == 0));
        if (apply) T_CHECK(strstr(apply, "in place of net") && strstr(apply, "in place of mean"));
        if (apply) T_CHECK(!strstr(apply, "matmul") && !strstr(main, "in place of"));
        goss_text_free(main), goss_text_free(apply);
        T_CHECK(goss_step_exec(s));
        goss_step_free(s);
    }
    problem_end(&p);
}

TEST_MAIN()
