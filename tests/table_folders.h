/* SPDX-License-Identifier: Apache-2.0 */
/* table_folders.h: small tables of tasks, for tests of the command. */
#ifndef GOSS_TEST_TABLE_FOLDERS_H
#define GOSS_TEST_TABLE_FOLDERS_H

#include "cli_run.h"

/* What a school's rows say: y = slope x + level + 0.1 sex with some noise, slope and level of its own. */
static inline int school_rows(char *text, size_t size, int school, int rows, bool names) {
    uint32_t random = 17u * (uint32_t)school + 3;
    const double slope = tiny_random(&random) % 100 / 50.0, level = tiny_random(&random) % 100 / 10.0;
    int n = 0;
    for (int r = 0; r < rows; r++) {
        const double x = tiny_random(&random) % 1000 / 500.0 - 1, noise = tiny_random(&random) % 100 / 1000.0;
        const int sex = tiny_random(&random) % 2;
        if (names) n += snprintf(text + n, size - (size_t)n, "s%02d,", school);
        n += snprintf(text + n, size - (size_t)n, "%.3f,%s,%.4f\n", x, sex ? "F" : "M",
                      slope * x + level + .1 * sex + noise);
    }
    return n;
}

/* NAME: columns school, x, sex, y; `schools` tasks of `rows` rows. */
static inline void school_table(const char *name, int schools, int rows) {
    static char text[1 << 17];
    int n = snprintf(text, sizeof text, "school,x,sex,y\n");
    for (int s = 0; s < schools; s++) n += school_rows(text + n, sizeof text - (size_t)n, s, rows, true);
    write_file(name, text, (size_t)n);
}

/* NAME: rows of one school without its column. */
static inline void one_school(const char *name, int school, int rows) {
    char text[1 << 13];
    int n = snprintf(text, sizeof text, "x,sex,y\n");
    n += school_rows(text + n, sizeof text - (size_t)n, school, rows, false);
    write_file(name, text, (size_t)n);
}
#endif
