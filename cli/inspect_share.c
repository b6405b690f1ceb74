/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_share.c: what tasks share, as it was learned: for each layer the coefficients that its parts are mixed by,
 * and the gates of its parts. People see what is usual and which tasks are not; --json has every task. */
#include "inspect_share.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { WIDTH = 28, MOST_COLUMNS = 8 };

/* Codes or gates of one layer, [tasks, columns]. */
typedef struct mixing {
    const char *name;
    int64_t tasks, columns;
    float *row; /* free */
} mixing;

/* The learned numbers of parameter "share". */
static const float *values_of(const goss_model *m) {
    const goss_method *method = goss_model_method(m);
    for (int i = 0; i < goss_method_params(method); i++)
        if (strcmp(goss_method_param_at(method, i).name, "share") == 0) return goss_model_values((goss_model *)m, i);
    return NULL;
}

/* The next entry from *at on that mixes; false: there is none. */
static bool next_mixing(const goss_model *m, int *at, mixing *out) {
    const goss_share *s = goss_method_share(goss_model_method(m));
    const goss_layout *l = goss_share_layout(s);
    while (*at < goss_layout_count(l) && !goss_share_is_mixing(s, *at)) ++*at;
    if (*at == goss_layout_count(l)) return false;
    const goss_entry *e = goss_layout_entry(l, *at);
    *out = (mixing){e->name, e->dim[0], e->dim[1], calloc((size_t)e->numel, sizeof *out->row)};
    if (out->row) goss_share_mixing(s, (*at)++, values_of(m), out->row);
    return out->row != NULL;
}

/* ---- for people ---- */

static void range_of(const mixing *x, int64_t column, double *least, double *mean, double *most) {
    *least = INFINITY, *most = -INFINITY, *mean = 0;
    for (int64_t t = 0; t < x->tasks; t++) {
        const double v = (double)x->row[t * x->columns + column];
        *least = fmin(*least, v), *most = fmax(*most, v), *mean += v / (double)x->tasks;
    }
}

/* The task whose row is farthest from the mean row. */
static int64_t farthest(const mixing *x) {
    int64_t best = 0;
    double far = -1;
    for (int64_t t = 0; t < x->tasks; t++) {
        double d = 0, least, mean, most;
        for (int64_t k = 0; k < x->columns; k++) {
            range_of(x, k, &least, &mean, &most);
            d += pow((double)x->row[t * x->columns + k] - mean, 2);
        }
        if (d > far) far = d, best = t;
    }
    return best;
}

static void put_task(const goss_model *m, int64_t task) {
    const goss_data_spec *data = goss_model_data(m);
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)task);
    cli_put_name(data->task_names ? data->task_names[task] : number, 0);
}

static void print_mixing(const goss_model *m, const mixing *x) {
    const int64_t shown = x->columns < MOST_COLUMNS ? x->columns : MOST_COLUMNS;
    printf("  ");
    cli_put_name(x->name, WIDTH);
    for (int64_t k = 0; k < shown; k++) {
        double least, mean, most;
        range_of(x, k, &least, &mean, &most);
        printf("  %.3g [%.3g, %.3g]", mean, least, most);
    }
    if (shown < x->columns) printf("  and %lld more", (long long)(x->columns - shown));
    printf("; least usual: ");
    put_task(m, farthest(x));
    printf("\n");
}

void cli_print_share(const goss_model *m) {
    mixing x;
    printf("\nshared by %lld tasks: ", (long long)goss_share_settings(goss_method_share(goss_model_method(m)))->tasks);
    cli_put_text(goss_share_rules(goss_method_share(goss_model_method(m))));
    printf("\n");
    for (int at = 0, n = 0; next_mixing(m, &at, &x); n++) {
        if (n == 0)
            printf("codes and gates of layers: mean over tasks [least, most] of each (--json has every task)\n");
        print_mixing(m, &x);
        free(x.row);
    }
    cli_print_ranks(m);
}

/* ---- for programs ---- */

static void json_rows(const mixing *x) {
    for (int64_t t = 0; t < x->tasks; t++) {
        printf("%s[", t ? ", " : "");
        for (int64_t k = 0; k < x->columns; k++) printf("%s%.6g", k ? ", " : "", (double)x->row[t * x->columns + k]);
        printf("]");
    }
}

void cli_json_share(const goss_model *m) {
    mixing x;
    printf("{\"rules\": ");
    cli_json_text(goss_share_rules(goss_method_share(goss_model_method(m))));
    printf(", \"mixing\": [");
    for (int at = 0, n = 0; next_mixing(m, &at, &x); n++) {
        printf("%s{\"name\": ", n ? ", " : "");
        cli_json_text(x.name);
        printf(", \"tasks\": [");
        json_rows(&x);
        printf("]}");
        free(x.row);
    }
    printf("]");
    cli_json_ranks(m);
    printf("}");
}
