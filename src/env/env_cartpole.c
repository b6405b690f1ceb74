/* SPDX-License-Identifier: Apache-2.0 */
/* env_cartpole.c: a pole on a cart (Barto, Sutton and Anderson 1983), with the equations and constants of Gymnasium's
 * CartPole-v1. Four lives are advanced at once, as lanes of vectors; each lane is computed as if it were alone. */
#include <math.h>
#include <string.h>

#include "env/env.h"

enum { GRAVITY, CART, POLE, LENGTH, FORCE, SIGN };
static const goss_env_parameter cartpole[] = {
    GOSS__FIXED("gravity", 9.8, 0.1, 100, "m/s^2"),
    GOSS__FIXED("cart", 1, 0.1, 10, "Mass of the cart, kg"),
    GOSS__FIXED("pole", 0.1, 0.01, 5, "Mass of the pole, kg"),
    GOSS__VARIES("length", 0.25, 1, 0.05, 5, "Half the length of the pole, m; Gymnasium: 0.5"),
    GOSS__VARIES("force", 5, 15, 0.1, 100, "Of a push, N; Gymnasium: 10"),
    GOSS__FIXED("sign", 1, -1, 1, "Below 0: the two actions are exchanged")};

static void reset_cartpole(const double *parameter, double *s, goss_env_random *r) {
    (void)parameter;
    for (int i = 0; i < 4; i++) s[i] = goss__env_between(r, -0.05, 0.05);
}

/* ---- a step ---- */

enum { LANES = 4, STATE = 4, PARAMETERS = 6 };
typedef double four __attribute__((vector_size(8 * LANES)));
typedef int64_t masks __attribute__((vector_size(8 * LANES)));
typedef float observed __attribute__((vector_size(4 * STATE)));
/* The same in arrays, with the alignment of a number. */
typedef double numbers __attribute__((vector_size(8 * LANES), aligned(8), may_alias));
typedef float seen_numbers __attribute__((vector_size(4 * STATE), aligned(4), may_alias));
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 4")

/* Rows of four numbers as columns, and back. */
INLINE void transpose(four x[4]) {
    const four a = __builtin_shufflevector(x[0], x[1], 0, 4, 2, 6), b = __builtin_shufflevector(x[0], x[1], 1, 5, 3, 7);
    const four c = __builtin_shufflevector(x[2], x[3], 0, 4, 2, 6), d = __builtin_shufflevector(x[2], x[3], 1, 5, 3, 7);
    x[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5), x[1] = __builtin_shufflevector(b, d, 0, 1, 4, 5);
    x[2] = __builtin_shufflevector(a, c, 2, 3, 6, 7), x[3] = __builtin_shufflevector(b, d, 2, 3, 6, 7);
}

INLINE void load(four x[4], const double *from, int stride) {
    UNROLL for (int i = 0; i < LANES; i++) x[i] = *(const numbers *)(from + i * stride);
    transpose(x);
}

/* The pole stands within 12 degrees while an episode lasts: Taylor polynomials, exact to the last digit up to a
 * quarter; lanes beyond go through libm. */
INLINE void sine_and_cosine(const four *x, four *sine, four *cosine) {
    const four square = *x * *x;
    const masks beyond = ~((*x <= 0.25) & (*x >= -0.25));
    four s = square * (-1.0 / 39916800) + 1.0 / 362880, c = square * (1.0 / 479001600) - 1.0 / 3628800;
    s = square * s - 1.0 / 5040, c = square * c + 1.0 / 40320;
    s = square * s + 1.0 / 120, c = square * c - 1.0 / 720;
    s = square * s - 1.0 / 6, c = square * c + 1.0 / 24;
    *sine = *x + *x * (square * s), c = square * c - 0.5;
    *cosine = 1 + square * c;
    if (!(beyond[0] | beyond[1] | beyond[2] | beyond[3])) return;
    for (int i = 0; i < LANES; i++)
        if (beyond[i]) (*sine)[i] = sin((*x)[i]), (*cosine)[i] = cos((*x)[i]);
}

/* s: position, speed, angle from upright, angular speed; explicit Euler steps of 0.02 s. */
INLINE void advance_four(const double *parameter, double *state, const float *action, bool *terminal, float *seen) {
    const double tau = 0.02, most = 12 * 2 * M_PI / 360;
    four p[4], s[4], sine, cosine;
    load(p, parameter, PARAMETERS), load(s, state, STATE);
    const double *q = parameter;
    const four force = {q[FORCE], q[FORCE + PARAMETERS], q[FORCE + 2 * PARAMETERS], q[FORCE + 3 * PARAMETERS]};
    const four sign = {q[SIGN], q[SIGN + PARAMETERS], q[SIGN + 2 * PARAMETERS], q[SIGN + 3 * PARAMETERS]};
    const four a = {(double)action[0], (double)action[1], (double)action[2], (double)action[3]};
    const masks left = (a == 1) ^ (sign >= 0); /* flips the sign of the force */
    const four push = (four)((masks)force ^ (left & INT64_MIN));
    sine_and_cosine(&s[2], &sine, &cosine);
    const four share = 1 / (p[CART] + p[POLE]), moment = p[POLE] * p[LENGTH];
    const four drive = (push + moment * (s[3] * s[3]) * sine) * share;
    const four turn =
        (p[GRAVITY] * sine - cosine * drive) / (p[LENGTH] * (4.0 / 3.0 - p[POLE] * (cosine * cosine) * share));
    const four pull = drive - moment * turn * cosine * share;
    s[0] += tau * s[1], s[1] += tau * pull, s[2] += tau * s[3], s[3] += tau * turn;
    const masks fallen = (s[0] < -2.4) | (s[0] > 2.4) | (s[2] < -most) | (s[2] > most);
    transpose(s);
    UNROLL for (int i = 0; i < LANES; i++) {
        *(numbers *)(state + i * STATE) = s[i];
        *(seen_numbers *)(seen + i * STATE) = __builtin_convertvector(s[i], observed);
        terminal[i] = fallen[i] != 0;
    }
}

/* Lives that do not fill the lanes: the others are the first one once more. */
INLINE void advance_some(int n, const double *parameter, double *state, const float *action, bool *terminal,
                         float *seen) {
    double p[LANES * PARAMETERS], s[LANES * STATE];
    float a[LANES], o[LANES * STATE];
    bool t[LANES];
    for (int i = 0; i < LANES; i++) {
        const int from = i < n ? i : 0;
        memcpy(p + i * PARAMETERS, parameter + from * PARAMETERS, PARAMETERS * sizeof *p);
        memcpy(s + i * STATE, state + from * STATE, STATE * sizeof *s), a[i] = action[from];
    }
    advance_four(p, s, a, t, o);
    memcpy(state, s, (size_t)n * STATE * sizeof *s), memcpy(seen, o, (size_t)n * STATE * sizeof *o);
    memcpy(terminal, t, (size_t)n * sizeof *t);
}

INLINE void advance(int n, const double *parameter, double *state, const float *action, double *reward, bool *terminal,
                    float *seen) {
    for (int i = 0; i < n; i++) reward[i] = 1;
    for (; n >= LANES; n -= LANES) {
        advance_four(parameter, state, action, terminal, seen);
        parameter += LANES * PARAMETERS, state += LANES * STATE, seen += LANES * STATE;
        action += LANES, terminal += LANES;
    }
    if (n) advance_some(n, parameter, state, action, terminal, seen);
}

/* The same bits: nothing is contracted. */
#if defined(__x86_64__)
__attribute__((target("avx2"))) static void advance_avx2(int n, const double *parameter, double *state,
                                                         const float *action, double *reward, bool *terminal,
                                                         float *seen) {
    advance(n, parameter, state, action, reward, terminal, seen);
}
#endif

static void steps_cartpole(int n, const double *parameter, double *state, const float *action, double *reward,
                           bool *terminal, float *seen) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        advance_avx2(n, parameter, state, action, reward, terminal, seen);
        return;
    }
#endif
    advance(n, parameter, state, action, reward, terminal, seen);
}

static double step_cartpole(const double *p, double *s, const float *action, goss_env_random *r, bool *terminal) {
    double reward;
    float seen[STATE];
    (void)r;
    steps_cartpole(1, p, s, action, &reward, terminal, seen);
    return reward;
}

/* ---- what is seen ---- */

static void see_four(const double *parameter, const double *s, float *out) {
    (void)parameter;
    for (int i = 0; i < 4; i++) out[i] = (float)s[i];
}

static void show_cartpole(const double *p, const double *s, char *canvas) {
    const goss_env_kind *k = &goss__env_cartpole;
    const double at = 30 + s[0] * 12, length = 6 * fmin(1.5, p[LENGTH] / 0.5);
    for (int c = 0; c < k->columns; c++) goss__env_put(k, canvas, k->rows - 1, c, '-');
    goss__env_line(k, canvas, k->rows - 3, at, k->rows - 3 - length * cos(s[2]), at + 2 * length * sin(s[2]), '|');
    for (int c = -2; c <= 2; c++) goss__env_put(k, canvas, k->rows - 2, (int)lround(at) + c, '#');
}

static void paint_cartpole(const double *p, const double *s, goss_env_canvas *c) {
    const double unit = c->width / 5.0, x = c->width / 2.0 + unit * s[0], y = 0.85 * c->height;
    const double length = unit * 2 * fmin(1.5, p[LENGTH]);
    goss_env_paint_line(c, 0, y, c->width, y, 1, 0x999999);
    goss_env_paint_box(c, x - 14, y - 12, x + 14, y, 0x4e79a7);
    goss_env_paint_line(c, x, y - 12, x + length * sin(s[2]), y - 12 - length * cos(s[2]), 5, 0xf28e2b);
}

const goss_env_kind goss__env_cartpole = {.name = "cartpole",
                                          .doc = "A pole on a cart that is pushed left or right; 1 a step while it "
                                                 "stands, 500 steps at most",
                                          .observations = STATE,
                                          .actions = 2,
                                          .state = STATE,
                                          .horizon = 500,
                                          .episodes = 1,
                                          .parameter = cartpole,
                                          .named = PARAMETERS,
                                          .parameters = PARAMETERS,
                                          .reset = reset_cartpole,
                                          .step = step_cartpole,
                                          .steps = steps_cartpole,
                                          .observe = see_four,
                                          .show = show_cartpole,
                                          .rows = 13,
                                          .columns = 61,
                                          .paint = paint_cartpole,
                                          .height = 120,
                                          .width = 200};
