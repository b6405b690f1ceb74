/* SPDX-License-Identifier: Apache-2.0 */
/* Implicit hypergradients: of ridge regression, where the minimum and how it moves are known in closed form; strengths
 * that a run finds, beside the best one of a grid; and what is refused. */
#include <math.h>

#include "graph_check.h"
#include "group_tasks.h"
#include "train/regularizer_implicit.h"

#define LINES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define S(...) GOSS_SHAPE(__VA_ARGS__)
#define n(x) goss_n(x)

/* ---- ridge ---- */

enum { ROWS = 12, D = 4 };

typedef struct ridge {
    double x[ROWS][D], y[ROWS], held_x[ROWS][D], held_y[ROWS];
} ridge;

static ridge make_ridge(void) {
    ridge r;
    goss__rng rng = goss__rng_make(5, 0);
    for (int i = 0; i < ROWS; i++) {
        r.y[i] = r.held_y[i] = 0;
        for (int j = 0; j < D; j++) {
            r.x[i][j] = goss__rng_normal(&rng), r.held_x[i][j] = goss__rng_normal(&rng);
            r.y[i] += (j + 1) * 0.3 * r.x[i][j], r.held_y[i] += (j + 1) * 0.3 * r.held_x[i][j];
        }
        r.y[i] += goss__rng_normal(&rng), r.held_y[i] += goss__rng_normal(&rng);
    }
    return r;
}

/* The minimum of 1/2 |X w - y|^2 + lambda/2 |w|^2: (X'X + lambda I) w = X'y, by elimination. */
static void solve(const ridge *r, double lambda, double w[D]) {
    double a[D][D + 1] = {{0}};
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < D; j++) {
            for (int k = 0; k < D; k++) a[j][k] += r->x[i][j] * r->x[i][k];
            a[j][D] += r->x[i][j] * r->y[i];
        }
    for (int j = 0; j < D; j++) a[j][j] += lambda;
    for (int j = 0; j < D; j++)
        for (int k = 0; k < D; k++) {
            const double by = k == j ? 0 : a[k][j] / a[j][j];
            for (int i = j; i <= D && k != j; i++) a[k][i] -= by * a[j][i];
        }
    for (int j = 0; j < D; j++) w[j] = a[j][D] / a[j][j];
}

static double held_loss(const ridge *r, double lambda) {
    double w[D], sum = 0;
    solve(r, lambda, w);
    for (int i = 0; i < ROWS; i++) {
        double y = 0;
        for (int j = 0; j < D; j++) y += r->held_x[i][j] * w[j];
        sum += 0.5 * (y - r->held_y[i]) * (y - r->held_y[i]);
    }
    return sum;
}

static goss_val squares(goss_val x, goss_val y, goss_val w) {
    const goss_val miss = goss_sub(goss_squeeze(goss_matmul(x, goss_unsqueeze(w, 1), false, false), 1), y);
    return goss_scale(goss_sum_all(goss_square(miss)), 0.5);
}

/* -<H^-1 grad V, grad P> at the minimum. */
static double implicit(const ridge *r, double lambda, goss__reg_solver solver, int products, double damping,
                       double size) {
    double at[D];
    solve(r, lambda, at);
    world w = world_new();
    const goss_val x = world_input(&w, "x", GOSS_REAL, S(n(ROWS), n(D)), &r->x[0][0]),
                   y = world_input(&w, "y", GOSS_REAL, S(n(ROWS)), r->y),
                   hx = world_input(&w, "hx", GOSS_REAL, S(n(ROWS), n(D)), &r->held_x[0][0]),
                   hy = world_input(&w, "hy", GOSS_REAL, S(n(ROWS)), r->held_y),
                   weights = world_input(&w, "w", GOSS_REAL, S(n(D)), at);
    const goss_val penalty = goss_scale(goss_sum_all(goss_square(weights)), 0.5);
    const goss_val total = goss_add(squares(x, y, weights), goss_scale(penalty, lambda));
    goss_val gradient, down, of_penalty, inverse = GOSS_NONE;
    T_OK(goss_grad(total, &weights, 1, &gradient));
    T_OK(goss_grad(squares(hx, hy, weights), &weights, 1, &down));
    T_OK(goss_grad(penalty, &weights, 1, &of_penalty));
    const goss__inverse h = {solver, &gradient, &weights, 1, products, damping, size};
    T_CHECK(goss__inverse_apply(w.g, &h, &down, &inverse));
    goss_val out = goss_neg(goss_sum_all(goss_mul(inverse, of_penalty)));
    if (world_compute(&w, GOSS_F64, &out, 1) != GOSS_OK) T_FAIL("%s", w.err.text);
    const double value = w.out[0][0];
    world_free(&w);
    return value;
}

TEST(the_implicit_hypergradient_of_ridge_is_the_derivative_of_its_held_loss) {
    const ridge r = make_ridge();
    static const double lambdas[] = {0.1, 1, 10, 100};
    for (int i = 0; i < 4; i++) {
        const double h = 1e-4 * lambdas[i];
        const double wanted = (held_loss(&r, lambdas[i] + h) - held_loss(&r, lambdas[i] - h)) / (2 * h);
        /* as many products as there are parameters are exact, and more change nothing */
        T_NEAR(implicit(&r, lambdas[i], GOSS__SOLVE_CG, D, 0, 0) / wanted, 1, 1e-6);
        T_NEAR(implicit(&r, lambdas[i], GOSS__SOLVE_CG, D + 5, 0, 0) / wanted, 1, 1e-6);
        T_NEAR(implicit(&r, lambdas[i], GOSS__SOLVE_NEUMANN, 800, 0, 1.0 / (40 + lambdas[i])) / wanted, 1, 1e-4);
        /* damping is a larger strength in H */
        const double damped = implicit(&r, lambdas[i], GOSS__SOLVE_CG, D, 1e6, 0);
        T_CHECK(fabs(damped) < 1e-3 * fabs(wanted));
    }
}

/* A vector that is no more there leaves 0, not NaN. */
TEST(the_inverse_of_nothing_is_nothing) {
    world w = world_new();
    const double at[D] = {1, 2, 3, 4}, zero[D] = {0};
    const goss_val weights = world_input(&w, "w", GOSS_REAL, S(n(D)), at),
                   v = world_input(&w, "v", GOSS_REAL, S(n(D)), zero);
    goss_val gradient, out;
    T_OK(goss_grad(goss_sum_all(goss_square(weights)), &weights, 1, &gradient));
    const goss__inverse h = {GOSS__SOLVE_CG, &gradient, &weights, 1, 3, 0, 0};
    T_CHECK(goss__inverse_apply(w.g, &h, &v, &out));
    if (world_compute(&w, GOSS_F64, &out, 1) != GOSS_OK) T_FAIL("%s", w.err.text);
    for (int i = 0; i < D; i++) T_NEAR(w.out[0][i], 0, 0);
    world_free(&w);
}

/* ---- in a run ---- */

#define ON "regularizer.a.on=weights/*"
#define HYPER "regularizer.a.weight=hypergradient"

/* Both solvers move a strength that begins too low or too high to where validation is better. */
TEST(a_run_finds_a_better_strength_by_what_training_ends_in) {
    static const char *const solvers[] = {"cg", "neumann"};
    static const char *const starts[] = {"0.001", "3"};
    for (int i = 0; i < 4; i++) {
        char solver[60], strength[60];
        snprintf(solver, sizeof solver, "regularizer.a.solver=%s", solvers[i / 2]);
        snprintf(strength, sizeof strength, "regularizer.a.strength=%s", starts[i % 2]);
        unlink_run("still"), unlink_run("moved");
        T_OK(group_train("still", 1, LINES(ON, strength, "train.steps=300"), NULL, NULL));
        T_OK(group_train("moved", 1, LINES(ON, HYPER, solver, strength, "regularizer.a.products=4", "train.steps=300"),
                         NULL, NULL));
        const double moved = group_metric("moved", "regularizer.a.weight"), from = strtod(starts[i % 2], NULL);
        if (i % 2 ? !(moved < from / 1.5) : !(moved > 3 * from)) T_FAIL("%s from %g: %g", solvers[i / 2], from, moved);
        T_CHECK(group_metric("moved", "validation") < group_metric("still", "validation"));
    }
}

TEST(settings_of_solvers_that_nothing_reads_are_refused) {
    static const struct {
        const char *line[3], *says;
    } rows[] = {
        {{"regularizer.a.solver=cg", NULL}, "solver: goes with weight = hypergradient"},
        {{HYPER, "regularizer.a.products=3", NULL}, "products and damping go with solver = neumann or cg"},
        {{HYPER, "regularizer.a.solver=cg", "regularizer.a.size=0.5"}, "size: goes with solver = neumann"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *const lines[] = {ON, rows[i].line[0], rows[i].line[1], rows[i].line[2], NULL};
        const goss_status s = group_train("refused", 1, lines, NULL, NULL);
        if (s == GOSS_OK || !strstr(err.text, rows[i].says)) T_FAIL("%s: %s", rows[i].says, s ? err.text : "no error");
    }
}

TEST_MAIN()
