/* SPDX-License-Identifier: Apache-2.0 */
/* test_hyper_made.c: what hypernetworks make: blind to the order of a support set, of the right magnitude at step 0,
 * within bounds, other for other ids and noise; and what the doctor says of it. */
#include "hyper_cell.h"

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
