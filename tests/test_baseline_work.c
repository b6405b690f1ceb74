/* SPDX-License-Identifier: Apache-2.0 */
/* How much work baselines are is told before they are fitted. */
#include "gossamer/baseline.h"
#include "test.h"

TEST(work_grows_with_rows_inputs_and_classes) {
    goss_rows rows[40];
    goss_baselines_options o = goss_baselines_defaults();
    for (int k = 0; k < 40; k++) rows[k] = (goss_rows){.n = 25};
    o.width = 10;
    const double narrow = goss_baselines_work(rows, 40, &o);
    o.width = 6000;
    const double wide = goss_baselines_work(rows, 40, &o); /* but 1,000 rows */
    for (int k = 0; k < 40; k++) rows[k].n = 250;
    const double both = goss_baselines_work(rows, 40, &o);
    o.classes = 2;
    T_CHECK(narrow > 1e7 && narrow < 1e10 && wide > narrow && wide < 1e11 && both > 1e12);
    T_CHECK(goss_baselines_work(rows, 40, &o) > 1e12 && goss_baselines_work(NULL, 0, &o) >= 0);
    /* few rows and inputs, but a number each of whose values is a class: many minutes, counted */
    for (int k = 0; k < 12; k++) rows[k].n = 60;
    o.width = 2, o.classes = 50;
    const double tens = goss_baselines_work(rows, 12, &o);
    o.classes = 700;
    T_CHECK(tens > 2e10 && tens < 3e11 && goss_baselines_work(rows, 12, &o) > 6e11);
}

TEST_MAIN()
