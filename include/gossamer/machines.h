/* SPDX-License-Identifier: Apache-2.0 */
/* machines.h: a made-up family of machines that wear out, as series to try methods on (gossamer data machines).
 *
 * A machine is an oscillator of van der Pol (1926),
 *
 *     x'' = mu (1 - x^2) x' - w(t)^2 x,     w(t) = (2 pi / P) (1 + s load(t)) (1 - wear (t / T)^2),
 *
 * whose vibration y = level + gain x + noise is measured at times t of about one a step, up to T. Drawn for each
 * machine are the period P (6 to 20 steps, log-uniform), mu (.1 to 4, log-uniform: from nearly a sine to jumps), how
 * strongly a load of other settings every 10 to 40 steps (-1 to 1) makes it faster (s, -.25 to .25), wear (0 to .5),
 * level (0 to 10), gain (.5 to 2, log-uniform), noise (.02 to .1 of the gain), and where it starts. So the next
 * values of a new machine cannot be told without having seen it run, and a few periods of it tell a lot.
 *
 *     goss_machines_options o = goss_machines_defaults();
 *     double time[120], load[120], vibration[120];
 *     for (uint64_t k = 0; k < 100; k++) goss_machines_draw(&o, k, time, load, vibration);
 *
 * The equation is integrated by the classical Runge-Kutta method with 20 steps between two measurements, in units of
 * the machine's own time (mu means the same for fast and slow ones), after a run-in of 40 steps, so that what is
 * measured begins on the limit cycle.
 *
 * Machine k is a pure function of (options, k). Threads: any. */
#ifndef GOSSAMER_MACHINES_H
#define GOSSAMER_MACHINES_H

#include <stdint.h>

#include "gossamer/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is drawn; defaults in brackets. */
typedef struct goss_machines_options {
    int steps;        /* measurements of a machine, at least 2 (120) */
    double irregular; /* times are moved by up to this share of half a step, 0 to .9 (0) */
    double missing;   /* the share of vibrations that were not measured, 0 to .9 (0) */
    uint64_t seed;    /* of all draws; other seeds give other machines (1) */
} goss_machines_options;
/* The defaults: regular times, nothing missing. */
GOSS_API goss_machines_options goss_machines_defaults(void);

/* Draws machine k. Shapes: time, load, vibration [steps]. time: in steps, increasing from about 0; load: the setting in
 * -1 .. 1 that holds since the measurement before; vibration: y, NaN where it was not measured. Options are not
 * checked: they are in the ranges above. Allocates nothing. */
GOSS_API void goss_machines_draw(const goss_machines_options *options, uint64_t k, double *time, double *load,
                                 double *vibration);

#ifdef __cplusplus
}
#endif
#endif
