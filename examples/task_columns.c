/* SPDX-License-Identifier: Apache-2.0 */
/* task_columns.c: prints a table on which one structure for all tasks must fail: each task's target is a sum of a few
 * of the columns, its own, with noise.
 *
 *     task_columns TASKS SEED [LEAST MOST] > table.csv      tasks of LEAST to MOST columns (3 3) of 20, 60 rows each
 *
 * docs/structure.md has what comes of it. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { COLUMNS = 20, ROWS = 60 };
static uint64_t state;

/* In (0, 1): the high bits of a linear congruential generator. */
static double uniform(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return ((double)(state >> 33) + 0.5) / 2147483648.0;
}

static double normal(void) {
    const double radius = sqrt(-2 * log(uniform()));
    return radius * cos(6.283185307179586 * uniform());
}

/* A column that has no weight yet gets one of .5 to 1.5, of either sign. */
static void choose_columns(double *weight, int many) {
    for (int i = 0; i < COLUMNS; i++) weight[i] = 0;
    while (many > 0) {
        double *w = &weight[(int)(uniform() * COLUMNS)];
        const double size = 0.5 + uniform();
        if (*w != 0) continue;
        *w = uniform() < 0.5 ? -size : size;
        many--;
    }
}

static void print_row(int task, const double *weight) {
    double y = 0.1 * normal();
    printf("t%d", task);
    for (int i = 0; i < COLUMNS; i++) {
        const double x = normal();
        printf(",%.4f", x);
        y += weight[i] * x;
    }
    printf(",%.4f\n", y);
}

int main(int argc, char **argv) {
    const int tasks = argc > 2 ? atoi(argv[1]) : 0;
    const int least = argc > 4 ? atoi(argv[3]) : 3, most = argc > 4 ? atoi(argv[4]) : 3;
    if ((argc != 3 && argc != 5) || tasks < 1 || least < 1 || most < least || most > COLUMNS)
        return fprintf(stderr, "usage: task_columns TASKS SEED [LEAST MOST] (columns, 1 to %d)\n", COLUMNS), 2;
    const int seed = atoi(argv[2]);
    state = 1 + 2 * (uint64_t)(unsigned)seed;
    for (int i = 0; i < 16; i++) uniform();
    printf("task");
    for (int i = 0; i < COLUMNS; i++) printf(",c%d", i);
    printf(",y\n");
    for (int task = 0; task < tasks; task++) {
        double weight[COLUMNS];
        choose_columns(weight, least + (int)(uniform() * (most - least + 1)));
        for (int row = 0; row < ROWS; row++) print_row(seed * 100000 + task, weight);
    }
    return 0;
}
