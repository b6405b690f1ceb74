/* SPDX-License-Identifier: Apache-2.0 */
/* machines.c: oscillators that wear out (gossamer/machines.h), by Runge and Kutta's fourth-order method. */
#include "gossamer/machines.h"

#include <math.h>

#include "base/rng.h"

enum { PARTS = 20 /* of a step */ };

typedef struct machine {
    double base, mu, sensitivity, wear, level, gain, noise; /* base: 2 pi / P */
    double end;
} machine;

typedef struct state {
    double x, v;
} state;

goss_machines_options goss_machines_defaults(void) { return (goss_machines_options){.steps = 120, .seed = 1}; }

static double between(goss__rng *rng, double low, double high) { return low + (high - low) * goss__rng_uniform(rng); }

static double log_between(goss__rng *rng, double low, double high) { return exp(between(rng, log(low), log(high))); }

static machine draw_machine(goss__rng *rng, int steps) {
    machine m = {.end = steps};
    m.base = 2 * M_PI / log_between(rng, 6, 20);
    m.mu = log_between(rng, .1, 4);
    m.sensitivity = between(rng, -.25, .25);
    m.wear = between(rng, 0, .5);
    m.level = between(rng, 0, 10);
    m.gain = log_between(rng, .5, 2);
    m.noise = m.gain * between(rng, .02, .1);
    return m;
}

/* ---- motion ---- */

static state slope(const machine *m, double t, double load, state s) {
    const double worn = t / m->end, w = m->base * (1 + m->sensitivity * load) * (1 - m->wear * worn * worn);
    /* In units of the machine's own time, so that mu means the same for fast and slow ones. */
    return (state){s.v, m->mu * m->base * (1 - s.x * s.x) * s.v - w * w * s.x};
}

static state moved(state s, state d, double h) { return (state){s.x + h * d.x, s.v + h * d.v}; }

static state advance(const machine *m, double t, double h, double load, state s) {
    const state a = slope(m, t, load, s), b = slope(m, t + h / 2, load, moved(s, a, h / 2));
    const state c = slope(m, t + h / 2, load, moved(s, b, h / 2)), d = slope(m, t + h, load, moved(s, c, h));
    return (state){s.x + h / 6 * (a.x + 2 * b.x + 2 * c.x + d.x), s.v + h / 6 * (a.v + 2 * b.v + 2 * c.v + d.v)};
}

static state run(const machine *m, double from, double to, double load, state s) {
    const double h = (to - from) / PARTS;
    for (int i = 0; i < PARTS; i++) s = advance(m, from + i * h, h, load, s);
    return s;
}

/* ---- a machine ---- */

void goss_machines_draw(const goss_machines_options *o, uint64_t k, double *time, double *load, double *vibration) {
    goss__rng rng = goss__rng_make(o->seed, goss__hash64(&k, sizeof k, 31));
    const machine m = draw_machine(&rng, o->steps);
    state s = {between(&rng, -2, 2), m.base * between(&rng, -2, 2)};
    double at = -40, setting = between(&rng, -1, 1);
    int left = 10 + (int)goss__rng_below(&rng, 31);
    /* It runs for a while before it is measured: what is seen is its cycle. */
    for (; at < -.5; at++) s = run(&m, at < 0 ? 0 : at, at < 0 ? 1 : at + 1, setting, s);
    for (int i = 0; i < o->steps; i++, left--) {
        if (left == 0) setting = between(&rng, -1, 1), left = 10 + (int)goss__rng_below(&rng, 31);
        const double next = i + o->irregular * between(&rng, -.5, .5), noise = m.noise * goss__rng_normal(&rng);
        if (i > 0) s = run(&m, at, next, setting, s);
        at = next;
        time[i] = at, load[i] = setting, vibration[i] = m.level + m.gain * s.x + noise;
        if (goss__rng_uniform(&rng) < o->missing) vibration[i] = (double)NAN;
    }
}
