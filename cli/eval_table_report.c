/* SPDX-License-Identifier: Apache-2.0 */
/* eval_table_report.c: the results of gossamer eval on a table: means over tasks with Student's intervals, and paired
 * differences to the first method. */
#include <math.h>
#include <stdio.h>

#include "eval_summary.h"
#include "eval_table.h"

static eval_summary summarize(const eval_table *e, const table_runner *r) {
    return eval_summarize(r->value, e->runner[0].value, e->tasks, e->field.n_judged, e->work);
}

static const char *order_of(const eval_table *e) {
    return e->order ? e->order : goss_table_transform_order(e->fold[0].fit->transform);
}

/* Of bytes with difficulty, which is what is wrong within equal budgets, if the metric tells that. */
static double difficulty(const eval_table *e) {
    if (e->metric->nominal > 0) return (double)NAN;
    for (int i = 0; i < e->field.entrants; i++)
        if (e->runner[i].structured && e->runner[i].source == GOSS_STRUCTURE_EQUAL)
            return (e->metric->higher ? -1 : 1) * cli_correlation(e->runner[0].bytes, e->runner[i].value, e->tasks);
    return (double)NAN;
}

static const char *name_at(const void *context, int method) {
    return ((const eval_table *)context)->runner[method].base.name;
}

static const double *part_at(const void *context, int method, int k) {
    const eval_table *e = context;
    return e->runner[method].part + k * e->tasks;
}

static void put_tasks(const void *context, const double *value) {
    const eval_table *e = context;
    bool any = false;
    printf(", \"per_task\": {");
    for (int i = 0; i < e->tasks; i++) {
        if (!e->judged[i]) continue;
        if (any) printf(", ");
        cli_json_name(goss_table_tasks_name(e->fold[0].tasks, i));
        cli_json_number(": ", value[i]);
        any = true;
    }
    printf("}");
}

static eval_horizons horizons_of(const eval_table *e) {
    return (eval_horizons){
        .series = goss_encoding_series(goss_table_transform_inputs(e->fold[0].fit->transform)),
        .methods = e->field.entrants,
        .tasks = e->tasks,
        .judged = e->field.n_judged,
        .work = e->work,
        .name = name_at,
        .values = part_at,
        .json_tasks = put_tasks,
        .context = e,
    };
}

/* ---- text ---- */

static void print_tasks(const eval_table *e) {
    char better[CLI_BETTER];
    printf("%d task%s (", e->field.n_judged, e->field.n_judged == 1 ? "" : "s");
    cli_put_name(goss_table_transform_task(e->fold[0].fit->transform), 0);
    printf("), %d support row%s (order: ", e->support, e->support == 1 ? "" : "s");
    cli_put_name(order_of(e), 0);
    printf("), %d draw%s a task; %s of ", e->repeats, e->repeats == 1 ? "" : "s", e->metric->name);
    cli_put_name(goss_table_transform_target(e->fold[0].fit->transform), 0);
    printf(", %s; mean over tasks, 95 %% intervals\n", cli_better(e->metric, better));
}

static void print_race(const eval_table *e, int budget) {
    const eval_horizons horizons = horizons_of(e);
    if (budget >= 0) cli_print_figures(e->budgets.bytes[budget], &e->runner[0].figures);
    if (budget >= 0 && e->rows.space) cli_print_variety(&e->variety[budget]);
    if (e->mean_budget) cli_print_difficulty(difficulty(e));
    printf("%-24s %20s %24s %10s\n", "method", e->metric->name, "difference", "ms/task");
    for (int i = 0; i < e->field.entrants; i++) {
        char value[60], gap[60] = "";
        const eval_summary s = summarize(e, &e->runner[i]);
        eval_interval(value, sizeof value, "%.5g", s.value, s.ci95);
        if (i) eval_interval(gap, sizeof gap, "%+.4g", s.difference, s.difference_ci95);
        cli_put_name(e->runner[i].base.name, 24);
        printf(" %20s %24s %10.2f", value, gap, 1000 * eval_field_seconds(&e->runner[i].base));
        if (s.undefined) printf("  (not defined for %d task%s)", s.undefined, s.undefined == 1 ? "" : "s");
        putchar('\n');
    }
    if (e->parts > 1) eval_print_horizons(&horizons);
}

/* ---- JSON ---- */

static void put_method(const eval_table *e, const table_runner *r) {
    const eval_summary s = summarize(e, r);
    printf("{\"name\": ");
    cli_json_name(r->base.name);
    eval_json_summary(&s);
    cli_json_number(", \"seconds_per_task\": ", eval_field_seconds(&r->base));
    printf(", \"undefined\": %d", s.undefined);
    cli_json_figures(&r->figures);
    put_tasks(e, r->value);
    const eval_horizons horizons = horizons_of(e);
    if (e->parts > 1) eval_json_horizons(&horizons, (int)(r - e->runner));
    printf("}");
}

static void begin_json(const eval_table *e) {
    printf("{\"tasks\": %d, \"support\": %d, ", e->field.n_judged, e->support);
    cli_json_metric(e->metric);
    printf(", \"order\": ");
    cli_json_name(order_of(e));
    printf(
        ", \"repeats\": %d, \"seed\": %llu, \"skipped\": %d, \"seen\": %d, \"validated\": %d, \"data\": ", e->repeats,
        (unsigned long long)e->seed, e->field.skipped, e->field.left_out + e->field.trained, e->field.validated);
    cli_json_name(e->data);
    printf(", \"target\": ");
    cli_json_name(goss_table_transform_target(e->fold[0].fit->transform));
    if (e->budgets.n > 0) printf(", \"budgets\": [");
}

static void put_race(const eval_table *e, int budget) {
    if (budget >= 0) printf("%s{\"budget_bytes\": %lld", budget ? ", " : "", (long long)e->budgets.bytes[budget]);
    if (budget >= 0) cli_json_figures(&e->runner[0].figures);
    if (budget >= 0 && e->rows.space) cli_json_variety(&e->variety[budget]);
    if (e->mean_budget) cli_json_difficulty(difficulty(e));
    printf(", \"methods\": [");
    for (int i = 0; i < e->field.entrants; i++) {
        if (i) printf(", ");
        put_method(e, &e->runner[i]);
    }
    printf(budget >= 0 ? "]}" : "]");
}

static void end_json(const eval_table *e) { printf(e->budgets.n > 0 ? "]}\n" : "}\n"); }

static void end_text(const eval_table *e) { (void)e; }

const eval_table_form eval_table_text = {print_tasks, print_race, end_text},
                      eval_table_json = {begin_json, put_race, end_json};
