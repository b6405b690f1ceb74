/* SPDX-License-Identifier: Apache-2.0 */
/* machine_runs.h: tests of forecasts through the command: two sets of machines, trainings on one of them, and what a
 * forecast by hand gives on the other. */
#ifndef MACHINE_RUNS_H
#define MACHINE_RUNS_H

#include <math.h>

#include "cli_run.h"
#include "gossamer/machines.h"

/* made/machines.csv to train on, other/machines.csv to judge on. */
static void make_machines(void) {
    static bool there;
    if (there) return;
    there = true;
    RUN(0, "data machines -o made --count 12 --steps 40 --missing .1");
    RUN(0, "data machines -o other --count 6 --steps 40 --first 50");
}

#define SMALL " data.hold_out=.2 data.window=6 task.support=3..8 train.steps=8 train.tasks=4 validate.every=4 "
#define RUN_OF(dir, more)                                                                                              \
    "train data.path=made/machines.csv data.kind=series data.task=machine data.time=time data.target=vibration "       \
    "'model.backbone=gru 6; readout last' 'hyper.rules=head.*=full; *=shared'" SMALL more " run.dir=" dir

/* rmse of "as it was last" so many steps ahead, on each other machine: the first measurement has no history, and five
 * rows are support. */
static double change_by_hand(int steps) {
    goss_machines_options o = goss_machines_defaults();
    double t[40], load[40], y[40], sum = 0;
    o.steps = 40;
    for (int k = 50; k < 56; k++) {
        double square = 0;
        const int first = 5 + steps;
        goss_machines_draw(&o, (uint64_t)k, t, load, y);
        for (int i = first; i < 40; i++) square += (y[i] - y[i - steps]) * (y[i] - y[i - steps]) / (40 - first);
        sum += sqrt(square) / 6;
    }
    return sum;
}

#endif
