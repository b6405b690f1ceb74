/* SPDX-License-Identifier: Apache-2.0 */
/* bench_prior: random tables a second on one core, by family: the median of seven blocks. Usage: bench_prior [ROWS
 * COLUMNS] (100 10). Prints {"rows":100,"columns":10,"tables_per_second":{"all":N,"mlp":N,...}}. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "gossamer/prior.h"

enum { BLOCKS = 7, TABLES = 500 };

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double measure(const goss_prior_options *o) {
    goss_error err;
    goss_prior *p;
    double seconds[BLOCKS];
    const size_t rows = (size_t)o->rows, columns = (size_t)o->columns;
    float *x = calloc(rows * columns, sizeof *x), *y = calloc(rows, sizeof *y);
    goss_prior_column *column = calloc(columns, sizeof *column);
    if (!x || !y || !column || goss_prior_create(o, &p, &err) != GOSS_OK) {
        fprintf(stderr, "bench_prior: %s\n", x && y && column ? err.text : "out of memory");
        exit(1);
    }
    for (int b = 0; b < BLOCKS; b++) {
        const clock_t begin = clock(); /* of this process: others do not count */
        for (uint64_t k = 0; k < TABLES; k++) {
            goss_prior_table t = {.x = x, .y = y, .column = column};
            goss_prior_draw(p, (uint64_t)b * TABLES + k, &t);
        }
        seconds[b] = (double)(clock() - begin) / CLOCKS_PER_SEC;
    }
    goss_prior_free(p);
    free(x), free(y), free(column);
    qsort(seconds, BLOCKS, sizeof *seconds, by_value);
    return TABLES / seconds[BLOCKS / 2];
}

int main(int argc, char **argv) {
    goss_prior_options o = goss_prior_defaults();
    o.least_rows = o.rows = argc > 2 ? atoi(argv[1]) : 100, o.least_columns = o.columns = argc > 2 ? atoi(argv[2]) : 10;
    if (argc == 2 || argc > 3) {
        fputs("usage: bench_prior [ROWS COLUMNS]\n", stderr);
        return 2;
    }
    printf("{\"rows\":%d,\"columns\":%d,\"tables_per_second\":{\"all\":%.0f", o.rows, o.columns, measure(&o));
    for (int i = 0; goss_prior_family_at(i); i++) {
        o.families = goss_prior_family_at(i)->name;
        printf(",\"%s\":%.0f", o.families, measure(&o));
    }
    printf("}}\n");
    return 0;
}
