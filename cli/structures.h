/* SPDX-License-Identifier: Apache-2.0 */
/* structures.h: networks whose structure is generated, in the verbs: lists of budgets, what networks cost. */
#ifndef GOSS_CLI_STRUCTURES_H
#define GOSS_CLI_STRUCTURES_H

#include "gossamer/model.h"

enum { CLI_BUDGETS = 16 };

/* Budgets that eval goes along. */
typedef struct cli_budgets {
    int64_t bytes[CLI_BUDGETS];
    int n; /* 0: none was named */
} cli_budgets;

/* Forms of options (CLI_FORM) whose value is an int64_t: "8KB", "200k". */
goss_status cli_bytes_form(const char *text, void *to, goss_error *err);
goss_status cli_count_form(const char *text, void *to, goss_error *err);
/* The form of --precision: f32 or int8; a goss_weight_precision. */
goss_status cli_precision_form(const char *text, void *to, goss_error *err);
/* Reads --budget "8KB,16KB"; NULL: none. */
goss_status cli_read_budgets(const char *list, cli_budgets *out, goss_error *err);
/* Whether each network of a model has a structure that is chosen within a budget. */
bool cli_has_structures(const goss_model *m);
/* Refuses budgets and other structures for models without. path: the model's. */
goss_status cli_need_structures(const goss_model *m, const char *path, const char *option, goss_error *err);
/* Refuses the structure of another task where a model has one task: other draws of it are no other tasks. */
goss_status cli_need_others(goss_structure_source source, const char *path, int tasks, goss_error *err);
/* Refuses a mean over tasks without a budget. */
goss_status cli_check_mean(bool mean, const cli_budgets *budgets, goss_error *err);
/* Tells where a control says little. */
void cli_tell_control(bool control, const cli_budgets *budgets);
/* Pearson's correlation of x [n] and y [n] where both are numbers; NaN where one of them does not vary. */
double cli_correlation(const double *x, const double *y, int n);
/* With --mean-budget: the correlation of bytes with difficulty (the score of equal budgets, worse being more); nothing
 * for NaN (text), null (JSON). */
void cli_print_difficulty(double correlation);
void cli_json_difficulty(double correlation);
/* `, "bytes_mean": ...` in JSON; nothing without networks. */
void cli_json_figures(const goss_structure_figures *f);
/* Of `networks` networks without structures, that of a model: what it costs with so many outputs (space.h), and whether
 * that is beyond a budget in bytes. A method without a network: none. */
goss_status cli_fixed_figures(const goss_model *m, int64_t outputs, int64_t budget, int64_t networks,
                              goss_structure_figures *out, goss_error *err);
/* Tells what a network costs for one sample (space.h). */
goss_status cli_tell_costs(const goss_network *n, goss_error *err);
/* Tells what of a network takes 8 bits, what does not, and the bytes of its file's tensors. */
void cli_tell_precision(const goss_network *n);
/* A line for people. */
void cli_print_figures(int64_t budget, const goss_structure_figures *f);
#endif
