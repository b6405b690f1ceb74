/* SPDX-License-Identifier: Apache-2.0 */
/* eval_report.c: the results of gossamer eval, as a table or as JSON. It reports what was run, which may be less than
 * requested. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "eval.h"

/* ---- text ---- */

/* "MEAN +- HALF" in %; one episode has no interval. */
static void interval(char *out, size_t size, const char *format, double mean, double half) {
    int n = snprintf(out, size, format, 100 * mean);
    if (isnan(half))
        snprintf(out + n, size - (size_t)n, " +- n/a");
    else
        snprintf(out + n, size - (size_t)n, " +- %.2f", 100 * half);
}

static void print_protocol(const eval *e) {
    goss_sampler_scope scope = goss_sampler_scope_of(e->view[0].sampler);
    if (e->least_ways < e->most_ways)
        printf("%d to %d ways", e->least_ways, e->most_ways);
    else
        printf("%d ways", e->most_ways);
    printf(", %d shot%s, %d queries a class, %d episodes%s%s", e->spec.shots, e->spec.shots == 1 ? "" : "s",
           e->spec.queries, e->episodes, e->spec.one_alphabet ? " of one alphabet each" : "",
           e->spec.rotations ? ", rotations are classes" : "");
    if (e->spec.distinct_faces) {
        printf(", distinct faces");
        if (scope.several_faces < scope.classes)
            printf(" in %d of %d classes (the others have one face)", scope.several_faces, scope.classes);
    }
    printf("\n");
}

/* A line about contenders that have seen evaluated images. */
static void print_used(const eval *e, const char *how, bool validated, int images) {
    if (images == 0) return;
    printf("%s: %d of %d images", how, images, e->images);
    if (!validated) printf(", in %d of %d classes", e->seen_classes, e->classes_judged);
    for (int i = 0, named = 0; i < e->n; i++) {
        const goss_overlap *o = validated ? &e->runner[i].validated : &e->runner[i].trained;
        if (o->images == 0) continue;
        printf("%s ", named++ ? "," : ", by");
        cli_put_name(e->runner[i].name, 0);
    }
    printf("\n");
}

static void print_head(const eval *e) {
    print_protocol(e);
    print_used(e, "seen in training, so not unseen tasks", false, e->seen_images);
    print_used(e, "validated on, so weights were chosen by them", true, e->validated_images);
}

/* Of a network, where some are within a budget. */
static void print_bytes(const eval *e, const goss_structure_figures *f) {
    if (e->budgets.n == 0) return;
    if (f->networks > 0)
        printf(" %10.0f", f->bytes_mean);
    else
        printf(" %10s", "");
}

static void print_rows(const eval *e, const goss_score *scores) {
    printf("%-24s %18s %22s %10s%s  %s\n", "method", "accuracy %", "difference", "ms/task",
           e->budgets.n ? "      bytes" : "", "weights");
    for (int i = 0; i < e->n; i++) {
        const goss_score *s = &scores[i];
        char accuracy[40], difference[40] = "";
        interval(accuracy, sizeof accuracy, "%.2f", s->accuracy, s->ci95);
        if (i) interval(difference, sizeof difference, "%+.2f", s->difference, s->difference_ci95);
        cli_put_name(e->runner[i].name, 24);
        printf(" %18s %22s %10.2f", accuracy, difference, 1000 * s->seconds_per_task);
        print_bytes(e, &s->structure);
        printf("  ");
        cli_put_name(e->runner[i].weights, 0);
        putchar('\n');
    }
}

void eval_print_table(const eval *e, const goss_score *scores) {
    print_head(e);
    print_rows(e, scores);
}

void eval_print_budgets(const eval *e, goss_score (*scores)[EVAL_MOST]) {
    print_head(e);
    for (int i = 0; i < e->budgets.n; i++) {
        cli_print_figures(e->budgets.bytes[i], &scores[i][0].structure);
        if (e->rows.space) cli_print_variety(&e->variety[i]);
        if (e->mean_budget) cli_print_difficulty(e->difficulty[i]);
        print_rows(e, scores[i]);
    }
}

/* ---- JSON ---- */

static void put_number(const char *key, double value) {
    if (isnan(value))
        printf(", \"%s\": null", key);
    else
        printf(", \"%s\": %.6f", key, value);
}

/* null: none found, but records are incomplete. */
static void put_count(const char *key, int images, bool complete) {
    if (images == 0 && !complete)
        printf(", \"%s\": null", key);
    else
        printf(", \"%s\": %d", key, images);
}

static const char *yes_no(bool yes) { return yes ? "true" : "false"; }

static void put_protocol(const eval *e) {
    printf("{\"ways\": %d, \"shots\": %d, \"queries\": %d, \"episodes\": %d, \"rotations\": %s, \"seed\": %llu, "
           "\"data\": ",
           e->spec.ways, e->spec.shots, e->spec.queries, e->episodes, yes_no(e->spec.rotations),
           (unsigned long long)e->spec.seed);
    cli_json_name(e->data);
    goss_sampler_scope scope = goss_sampler_scope_of(e->view[0].sampler);
    printf(", \"classes\": %d, \"least_ways\": %d, \"most_ways\": %d, \"one_alphabet\": %s, \"distinct_faces\": %s",
           scope.classes, e->least_ways, e->most_ways, yes_no(e->spec.one_alphabet), yes_no(e->spec.distinct_faces));
    if (e->spec.distinct_faces) printf(", \"classes_of_several_faces\": %d", scope.several_faces);
    bool trained = true, validated = true;
    for (int i = 0; i < e->n; i++)
        trained &= e->runner[i].trained.complete, validated &= e->runner[i].validated.complete;
    printf(", \"images\": %d", e->images);
    put_count("seen", e->seen_images, trained);
    put_count("validated", e->validated_images, validated);
}

static void put_method(const eval_runner *r, const goss_score *s) {
    printf("{\"name\": ");
    cli_json_name(r->name);
    printf(", \"accuracy\": %.6f", s->accuracy);
    put_number("ci95", s->ci95);
    printf(", \"seconds_per_task\": %.6g", s->seconds_per_task);
    put_number("difference", s->difference);
    put_number("difference_ci95", s->difference_ci95);
    printf(", \"weights\": ");
    cli_json_name(r->weights);
    put_count("seen", r->trained.images, r->trained.complete);
    put_count("validated", r->validated.images, r->validated.complete);
    cli_json_figures(&s->structure);
    printf("}");
}

static void put_methods(const eval *e, const goss_score *scores) {
    printf(", \"methods\": [");
    for (int i = 0; i < e->n; i++) {
        if (i) printf(", ");
        put_method(&e->runner[i], &scores[i]);
    }
    printf("]");
}

void eval_print_json(const eval *e, const goss_score *scores) {
    put_protocol(e);
    put_methods(e, scores);
    printf("}\n");
}

void eval_print_budgets_json(const eval *e, goss_score (*scores)[EVAL_MOST]) {
    put_protocol(e);
    printf(", \"budgets\": [");
    for (int i = 0; i < e->budgets.n; i++) {
        printf("%s{\"budget_bytes\": %lld", i ? ", " : "", (long long)e->budgets.bytes[i]);
        cli_json_figures(&scores[i][0].structure);
        if (e->rows.space) cli_json_variety(&e->variety[i]);
        if (e->mean_budget) cli_json_difficulty(e->difficulty[i]);
        put_methods(e, scores[i]);
        printf("}");
    }
    printf("]}\n");
}
