/* SPDX-License-Identifier: Apache-2.0 */
/* What a table becomes (method tables): numbers with their deviations, many classes by output coding, an ensemble
 * distilled into one network, gradient steps that end by rows held out. */
#include "gossamer/distil.h"
#include "scratch.h"
#include "table_networks.h"

/* ---- numbers ---- */

enum { MEASURED = 160 };

/* y by a and b, in units of `unit`, with noise that grows with a. */
static goss_table *measured(int from, double unit, bool turned) {
    char text[1 << 14];
    size_t at = (size_t)sprintf(text, turned ? "b,y,a\n" : "a,b,y\n");
    for (int i = from; i < from + MEASURED; i++) {
        const double a = i * 37 % 101 / 50.0 - 1, b = i * 53 % 89 / 44.0 - 1,
                     noise = sin(i * 12.9898) * (1.05 + a) * 0.3;
        const double y = unit * (5 + a + 0.5 * b + noise);
        at += (size_t)(turned ? sprintf(text + at, "%.4f,%.6g,%.4f\n", b, y, a)
                              : sprintf(text + at, "%.4f,%.4f,%.6g\n", a, b, y));
    }
    goss_table *t;
    T_OK(goss_table_read(text, at, "measured.csv", NULL, &t, &err));
    return t;
}

/* Predictions and deviations of its rows, [MEASURED] each. */
static void numbers_of(const goss_network *n, const goss_table *t, float *y, float *deviation) {
    goss_table_fit *fit;
    float x[MEASURED * 2];
    T_OK(goss_table_fit_parse(goss_network_data(n)->transform, &fit, &err));
    T_EQ(goss_encoding_width(goss_table_transform_inputs(fit->transform)), 2);
    T_OK(goss_table_transform_apply(fit->transform, t, NULL, 0, x, NULL, &err));
    T_OK(goss_network_predict(n, x, MEASURED, y, deviation, NULL, &err));
    goss_table_fit_free(fit);
}

/* The share of the variance that is explained, and of rows within 1.96 deviations; *more: how much larger deviations
 * are where noise is large (a > .3, not < -.3). */
static double explained(const goss_table *t, const float *y, const float *deviation, double *within, double *more) {
    const int at = goss_table_find(t, "y"), a = goss_table_find(t, "a");
    double mean = 0, all = 0, left = 0, sum[2] = {0}, count[2] = {0};
    *within = 0;
    for (int i = 0; i < MEASURED; i++) mean += goss_table_number(t, at, i) / MEASURED;
    for (int i = 0; i < MEASURED; i++) {
        const double off = goss_table_number(t, at, i) - (double)y[i], v = goss_table_number(t, a, i);
        all += pow(goss_table_number(t, at, i) - mean, 2), left += off * off;
        *within += (fabs(off) < 1.96 * (double)deviation[i]) / (double)MEASURED;
        if (fabs(v) > 0.3) sum[v > 0] += (double)deviation[i], count[v > 0]++;
    }
    *more = sum[1] / count[1] / (sum[0] / count[0]);
    return 1 - left / all;
}

TEST(a_number_is_predicted_with_its_deviation_in_any_unit) {
    float y[MEASURED], d[MEASURED], z[MEASURED], e[MEASURED];
    double within, more;
    goss_table *t = measured(0, 1, false), *u = measured(0, 1000, true), *later = measured(500, 1, false);
    goss_network *n = network_of(t, NULL), *m = network_of(u, NULL);
    T_EQ(goss_network_classes(n), 0);
    T_STR(goss_network_output_name(n, 0), "y");
    numbers_of(n, later, y, d);
    const double share = explained(later, y, d, &within, &more);
    T_NOTE("explained %.3f, within %.3f, deviations %.2f times as large", share, within, more);
    T_CHECK(share > 0.7 && within > 0.88 && within <= 1 && more > 1.3);
    numbers_of(n, t, y, d), numbers_of(m, u, z, e);
    for (int i = 0; i < MEASURED; i++) T_NEAR((double)z[i] / 1000, (double)y[i], 2e-3);
    for (int i = 0; i < MEASURED; i++) T_NEAR((double)e[i] / 1000, (double)d[i], 2e-3);
    goss_network_free(n), goss_network_free(m);
    goss_table_close(t), goss_table_close(u), goss_table_close(later);
}

TEST(an_ensemble_for_a_number_is_told_it_upside_down) {
    float y[MEASURED], d[MEASURED], z[MEASURED], e[MEASURED];
    double within, more, apart = 0;
    goss_table *t = measured(0, 1, false), *later = measured(500, 1, false);
    goss_network *one = network_of(t, NULL), *two = network_of(t, &(goss_table_network_options){.networks = 2}), *read;
    numbers_of(one, later, y, d), numbers_of(two, later, z, e);
    for (int i = 0; i < MEASURED; i++) apart = fmax(apart, fabs((double)y[i] - (double)z[i]));
    T_CHECK(apart > 1e-4);
    T_CHECK(explained(later, z, e, &within, &more) > 0.7);
    T_OK(goss_network_save(two, scratch("two.net"), &err));
    T_OK(goss_network_load(scratch("two.net"), &read, &err));
    numbers_of(read, later, y, d);
    for (int i = 0; i < MEASURED; i++) T_CHECK(y[i] == z[i] && d[i] == e[i]);
    goss_network_free(one), goss_network_free(two), goss_network_free(read);
    goss_table_close(t), goss_table_close(later);
}

/* ---- many classes ---- */

/* Points around the `classes` places of a grid. */
static goss_table *grid(int classes, int rows) {
    char *text = malloc((size_t)rows * 40 + 100);
    size_t at = (size_t)sprintf(text, "a,b,y\n");
    for (int i = 0; i < rows; i++) {
        const int c = i % classes;
        at += (size_t)sprintf(text + at, "%.3f,%.3f,place %d\n", c % 10 + 0.2 * sin(i * 1.7),
                              c / 10 + 0.2 * cos(i * 2.9), c);
    }
    goss_table *t;
    T_OK(goss_table_read(text, at, "grid.csv", NULL, &t, &err));
    free(text);
    return t;
}

/* Attention has seen all of the rows: each class's own row is not what tells. */
TEST(a_hundred_classes_are_told_apart_by_output_coding) {
    enum { PLACES = 100, ALL = 800 };
    static float p[ALL * PLACES];
    goss_table *t = grid(PLACES, ALL);
    for (int members = 0; members < 2; members++) {
        goss_network *n = network_of(t, &(goss_table_network_options){.networks = members});
        int near = 0;
        T_EQ(goss_network_classes(n), PLACES);
        T_EQ(goss_network_members(n), members ? 1 : 4);
        answers(n, t, p);
        for (int i = 0; i < ALL; i++) {
            double sum = 0;
            int above = 0;
            const float own = p[i * PLACES + class_of(n, goss_table_category(t, 2, goss_table_code(t, 2, i)))];
            for (int c = 0; c < PLACES; c++) sum += (double)p[i * PLACES + c], above += p[i * PLACES + c] > own;
            T_NEAR(sum, 1, 1e-4);
            near += above < 10;
        }
        T_NOTE("%d networks: %d of %d among the ten likeliest", goss_network_members(n), near, ALL);
        T_CHECK(near > ALL * 8 / 10);
        goss_network_free(n);
    }
    goss_table_close(t);
}

/* ---- distillation ---- */

/* The rows of a table as a network reads them. */
static float *inputs_of(const goss_network *n, const goss_table *t) {
    goss_table_fit *fit;
    T_OK(goss_table_fit_parse(goss_network_data(n)->transform, &fit, &err));
    float *x =
        calloc((size_t)goss_table_rows(t) * (size_t)goss_encoding_width(goss_table_transform_inputs(fit->transform)),
               sizeof *x);
    T_CHECK(x);
    T_OK(goss_table_transform_apply(fit->transform, t, NULL, 0, x, NULL, &err));
    goss_table_fit_free(fit);
    return x;
}

/* A network, its ensemble, and what that becomes: how far numbers [n] are from the ensemble's. */
static void check_distilled(goss_table *t, goss_network *first, goss_network *ensemble, int outputs) {
    static float all[MEASURED * 3], own[MEASURED * 3], said[MEASURED * 3], again[MEASURED * 3];
    const int rows = goss_table_rows(t), n = rows * outputs;
    const goss_distil_options o = {.steps = 150, .pool = 1024};
    float *x = inputs_of(ensemble, t);
    goss_network *one, *two, *none;
    double before, after, far = 0, near = 0;
    T_OK(goss_network_distil(ensemble, x, rows, &o, &before, &after, &one, &err));
    T_OK(goss_network_distil(ensemble, x, rows, &o, NULL, NULL, &two, &err));
    T_EQ(goss_network_members(one), 1);
    T_STR(goss_network_output_name(one, 0), goss_network_output_name(ensemble, 0));
    T_STR(goss_network_note_of(one, "support.samples"), goss_network_note_of(ensemble, "support.samples"));
    T_OK(goss_network_predict(ensemble, x, rows, all, NULL, NULL, &err));
    T_OK(goss_network_predict(first, x, rows, own, NULL, NULL, &err));
    T_OK(goss_network_predict(one, x, rows, said, NULL, NULL, &err));
    T_OK(goss_network_predict(two, x, rows, again, NULL, NULL, &err));
    for (int i = 0; i < n; i++) {
        far += fabs((double)all[i] - (double)own[i]), near += fabs((double)all[i] - (double)said[i]);
        T_CHECK(said[i] == again[i]);
    }
    T_NOTE("divergence %.3g, then %.3g; %.3g from the ensemble, the first member %.3g", before, after, near / n,
           far / n);
    T_CHECK(after < before / 4 && after >= -1e-6 && near < far / 2);
    T_ERR(goss_network_distil(first, x, rows, &o, NULL, NULL, &none, &err), GOSS_E_ARGUMENT, "a single network");
    T_ERR(goss_network_distil(ensemble, x, 0, &o, NULL, NULL, &none, &err), GOSS_E_ARGUMENT, "no samples");
    T_ERR(goss_network_distil(ensemble, x, rows, &(goss_distil_options){.steps = -1}, NULL, NULL, &none, &err),
          GOSS_E_ARGUMENT, "-1 steps");
    goss_network_free(one), goss_network_free(two), goss_network_free(first), goss_network_free(ensemble);
    goss_table_close(t);
    free(x);
}

TEST(an_ensemble_becomes_one_network) {
    cell_text t[ROWS];
    make(t, usual);
    goss_table *a = table_of(t, ROWS, false), *b = measured(0, 1000, false);
    check_distilled(a, network_of(a, NULL), network_of(a, &(goss_table_network_options){.networks = 5}), 3);
    check_distilled(b, network_of(b, NULL), network_of(b, &(goss_table_network_options){.networks = 2}), 1);
}

/* ---- fine-tuning ---- */

/* Rows held out choose how many steps; as many without them end at the same weights. */
TEST(steps_are_as_many_as_rows_held_out_want) {
    enum { N = MEASURED, HELD = 40 };
    goss_table *t = measured(0, 1000, false);
    float y[N];
    int taken;
    double loss[2];
    goss_network *n = network_of(t, &(goss_table_network_options){.networks = 2});
    goss_network *m = network_of(t, &(goss_table_network_options){.networks = 2});
    float *x = inputs_of(n, t), p[N], q[N];
    for (int i = 0; i < N; i++) y[i] = (float)goss_table_number(t, goss_table_find(t, "y"), i);
    const goss_labelled_rows shown = {x, y, N - HELD}, held = {x + 2 * (N - HELD), y + N - HELD, HELD};
    const goss_tune_options o = {.steps = 100, .batch = 32, .rate = 0.001, .seed = 5};
    T_OK(goss_network_tune(n, &shown, &held, &o, &taken, loss, &err));
    T_NOTE("%d steps, loss %g, then %g", taken, loss[0], loss[1]);
    T_CHECK((taken == 16 || taken == 32 || taken == 64 || taken == 100) && loss[1] < loss[0] - 0.01);
    goss_tune_options as_many = o;
    as_many.steps = taken;
    T_OK(goss_network_tune(m, &shown, NULL, &as_many, NULL, NULL, &err));
    T_OK(goss_network_predict(n, x, N, p, NULL, NULL, &err));
    T_OK(goss_network_predict(m, x, N, q, NULL, NULL, &err));
    for (int i = 0; i < N; i++) T_CHECK(p[i] == q[i]);
    /* of noise, a network that is sure of other labels learns how large it is alone: its loss is 12, the noise's 7 */
    for (int i = 0; i < N; i++) y[i] = 5000 + 1000 * (float)sin(i * i * 12.9898);
    goss_tune_options none = o;
    none.steps = 4096, none.rate = 0.01;
    T_OK(goss_network_tune(n, &shown, &held, &none, &taken, loss, &err));
    T_NOTE("noise: %d steps, loss %g, then %g", taken, loss[0], loss[1]);
    T_CHECK(taken < 4096 && loss[1] <= loss[0]); /* nothing but how large they are */
    T_ERR(goss_network_tune(n, &(goss_labelled_rows){x, y, 0}, NULL, &o, NULL, NULL, &err), GOSS_E_ARGUMENT, "no rows");
    none.steps = -3;
    T_ERR(goss_network_tune(n, &shown, NULL, &none, NULL, NULL, &err), GOSS_E_ARGUMENT, "-3 steps");
    goss_network_free(n), goss_network_free(m);
    goss_table_close(t);
    free(x);
}

/* A network of labels that are noise has nothing to learn; one of other labels first unlearns how sure it was. */
TEST(steps_on_noise_end_early) {
    enum { N = MEASURED, HELD = 40, MOST = 4096 };
    char text[1 << 14];
    size_t at = (size_t)sprintf(text, "a,b,y\n");
    float y[N];
    uint32_t state = 11;
    for (int i = 0; i < N; i++) {
        state = state * 1664525u + 1013904223u;
        y[i] = 4000 + 2000 * ((float)(state >> 8) / (1 << 24));
        at += (size_t)sprintf(text + at, "%.4f,%.4f,%.9g\n", i * 37 % 101 / 50.0 - 1, i * 53 % 89 / 44.0 - 1,
                              (double)y[i]);
    }
    goss_table *t;
    T_OK(goss_table_read(text, at, "noise.csv", NULL, &t, &err));
    goss_network *n = network_of(t, &(goss_table_network_options){.networks = 2});
    float *x = inputs_of(n, t);
    const goss_labelled_rows shown = {x, y, N - HELD}, held = {x + 2 * (N - HELD), y + N - HELD, HELD};
    const goss_tune_options o = {.steps = MOST, .batch = 32, .rate = 0.01, .seed = 5};
    int taken;
    double loss[2];
    T_OK(goss_network_tune(n, &shown, &held, &o, &taken, loss, &err));
    T_NOTE("%d steps, loss %g, then %g", taken, loss[0], loss[1]);
    T_CHECK(taken < 512 && loss[1] <= loss[0]);
    goss_network_free(n);
    goss_table_close(t);
    free(x);
}

TEST_MAIN()
