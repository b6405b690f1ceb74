/* SPDX-License-Identifier: Apache-2.0 */
/* structures.c: budgets and costs of networks whose structure is generated. */
#include "structures.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

goss_status cli_bytes_form(const char *text, void *to, goss_error *err) {
    int64_t n;
    GOSS_TRY(goss_bytes_parse(text, &n, err));
    if (to) *(int64_t *)to = n;
    return GOSS_OK;
}

goss_status cli_count_form(const char *text, void *to, goss_error *err) {
    int64_t n;
    GOSS_TRY(goss_count_parse(text, &n, err));
    if (to) *(int64_t *)to = n;
    return GOSS_OK;
}

goss_status cli_precision_form(const char *text, void *to, goss_error *err) {
    goss_weight_precision p;
    GOSS_TRY(goss_weight_precision_find(text, &p, err));
    if (to) *(goss_weight_precision *)to = p;
    return GOSS_OK;
}

goss_status cli_read_budgets(const char *list, cli_budgets *out, goss_error *err) {
    char *text = list ? strdup(list) : NULL, *rest = text, *word;
    *out = (cli_budgets){.n = 0};
    if (!list) return GOSS_OK;
    if (!text) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    goss_status s = GOSS_OK;
    while (s == GOSS_OK && (word = strsep(&rest, ","))) {
        word += strspn(word, " ");
        if (out->n == CLI_BUDGETS)
            s = goss_error_set(err, GOSS_E_ARGUMENT, "more than %d", CLI_BUDGETS);
        else
            s = goss_bytes_parse(word, &out->bytes[out->n], err);
        for (int i = 0; s == GOSS_OK && i < out->n; i++)
            if (out->bytes[i] == out->bytes[out->n])
                s = goss_error_set(err, GOSS_E_ARGUMENT, "%lld bytes are named twice (%s)", (long long)out->bytes[i],
                                   word);
        out->n += s == GOSS_OK;
    }
    free(text);
    return goss_error_prefix(err, s, "--budget");
}

bool cli_has_structures(const goss_model *m) {
    const goss_structure_choice c = goss_method_structure(goss_model_method(m))->choose;
    return c == GOSS_STRUCTURE_BY_TASK || c == GOSS_STRUCTURE_FOR_ALL;
}

goss_status cli_need_structures(const goss_model *m, const char *path, const char *option, goss_error *err) {
    if (cli_has_structures(m)) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s: the networks of %s have no structures of their own (structure.choose in training)",
                          option, path);
}

goss_status cli_need_others(goss_structure_source source, const char *path, int tasks, goss_error *err) {
    if (source != GOSS_STRUCTURE_SHUFFLED || tasks > 1) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s: each network has the structure of another task, and %s has one task: judge it on more",
                          goss_structure_source_name(source), path);
}

goss_status cli_check_mean(bool mean, const cli_budgets *budgets, goss_error *err) {
    if (!mean || budgets->n > 0) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "--mean-budget: of which budgets the mean over tasks is (--budget)");
}

void cli_tell_control(bool control, const cli_budgets *budgets) {
    if (control && budgets->n == 0)
        cli_tell("--control without --budget judges at structure.high, where few gates are closed, so that structures "
                 "differ little: name smaller budgets");
}

static double clean_mean(const double *x, const double *other, int n, int *count) {
    double sum = 0;
    *count = 0;
    for (int i = 0; i < n; i++)
        if (isfinite(x[i]) && isfinite(other[i])) sum += x[i], ++*count;
    return *count ? sum / *count : 0;
}

double cli_correlation(const double *x, const double *y, int n) {
    int count;
    const double mx = clean_mean(x, y, n, &count), my = clean_mean(y, x, n, &count);
    double xx = 0, yy = 0, xy = 0;
    bool varies[2] = {false, false};
    for (int i = 0, first = -1; i < n; i++) {
        if (!isfinite(x[i]) || !isfinite(y[i])) continue;
        if (first < 0) first = i;
        varies[0] |= x[i] != x[first], varies[1] |= y[i] != y[first];
        xx += (x[i] - mx) * (x[i] - mx), yy += (y[i] - my) * (y[i] - my), xy += (x[i] - mx) * (y[i] - my);
    }
    return varies[0] && varies[1] ? xy / sqrt(xx * yy) : (double)NAN;
}

void cli_print_difficulty(double correlation) {
    if (isfinite(correlation)) printf("correlation of a task's bytes with its difficulty: %+.2f\n", correlation);
}

void cli_json_difficulty(double correlation) { cli_json_number(", \"bytes_difficulty_correlation\": ", correlation); }

void cli_json_figures(const goss_structure_figures *f) {
    if (f->networks == 0) return;
    cli_json_number(", \"bytes_mean\": ", f->bytes_mean);
    printf(", \"bytes_max\": %lld", (long long)f->bytes_max);
    cli_json_number(", \"macs_mean\": ", f->macs_mean);
    cli_json_number(", \"spread_tasks\": ", f->spread_tasks);
    cli_json_number(", \"spread_gates\": ", f->spread_gates);
    printf(", \"ram_max\": %lld, \"violations\": %lld", (long long)f->ram_max, (long long)f->violations);
}

goss_status cli_fixed_figures(const goss_model *m, int64_t outputs, int64_t budget, int64_t networks,
                              goss_structure_figures *out, goss_error *err) {
    const goss_method *method = goss_model_method(m);
    goss_space *s;
    *out = (goss_structure_figures){0};
    if (goss_method_params(method) == 0) return GOSS_OK;
    GOSS_TRY(goss_space_create(goss_method_target(method), &s, err));
    float *largest = calloc((size_t)goss_space_gates(s) + 1, sizeof *largest);
    if (largest) {
        goss_space_dearest(s, largest);
        const goss_space_figures f = goss_space_cost_of(s, largest, outputs);
        *out = (goss_structure_figures){.networks = networks,
                                        .bytes_mean = (double)f.bytes,
                                        .macs_mean = (double)f.macs,
                                        .bytes_max = f.bytes,
                                        .ram_max = f.ram,
                                        .violations = f.bytes > budget ? networks : 0,
                                        .spread_tasks = (double)NAN,
                                        .spread_gates = (double)NAN};
    }
    free(largest);
    goss_space_free(s);
    return largest ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "out of memory");
}

goss_status cli_tell_costs(const goss_network *n, goss_error *err) {
    goss_space *s;
    GOSS_TRY(goss_space_create_stored(goss_network_target(n), goss_network_precision(n), &s, err));
    const goss_space_figures f = goss_space_cost_of(s, NULL, 0); /* nothing is open in its text, nor are classes */
    cli_tell("%s has %lld bytes, and takes %lld multiply-accumulates and %lld bytes of RAM for a sample",
             goss_network_members(n) > 1 ? "each of them" : "it", (long long)f.bytes, (long long)f.macs,
             (long long)f.ram);
    goss_space_free(s);
    return GOSS_OK;
}

void cli_tell_precision(const goss_network *n) {
    const goss_layout *l[] = {goss_target_layout(goss_network_target(n)),
                              goss_target_statistics(goss_network_target(n))};
    long long rounded = 0, kept = 0;
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < goss_layout_count(l[i]); k++) {
            const goss_entry *e = goss_layout_entry(l[i], k);
            *(goss_entry_scales(e) ? &rounded : &kept) += (long long)e->numel;
        }
    cli_tell("%s: %lld weights take 8 bits each, %lld numbers (biases and the like) stay floats; %lld bytes in all",
             goss_weight_precision_name(goss_network_precision(n)), rounded, kept, (long long)goss_network_bytes(n));
}

void cli_print_figures(int64_t budget, const goss_structure_figures *f) {
    printf(
        "\nbudget %lld bytes: %.0f used on average, %lld at most, %.0f multiply-accumulates a sample, %lld beyond it\n",
        (long long)budget, f->bytes_mean, (long long)f->bytes_max, f->macs_mean, (long long)f->violations);
    if (isfinite(f->spread_tasks))
        printf("logits of gates: spread %.2f between tasks, %.2f between gates\n", f->spread_tasks, f->spread_gates);
}
