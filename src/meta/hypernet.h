/* SPDX-License-Identifier: Apache-2.0 */
/* hypernet.h: internals of the method "hypernet": conditioning (hypernet_condition.c) and generation
 * (method_hypernet.c). */
#ifndef GOSS_META_HYPERNET_H
#define GOSS_META_HYPERNET_H

#include "base/str.h"
#include "meta/method.h"

bool goss__hypernet_sees(const goss_method *m, goss_conditioner c);
/* Where outputs are fixed: numbers that the condition has of a support sample beside its embedding. */
int goss__hypernet_seen_numbers(const goss_method *m);
/* The table of codes: one for each task that has a number, and behind them that of a new task. */
goss_status goss__hypernet_plan_codes(goss_method *m, goss_error *err);

/* The condition; features: support sets embedded by the base; rows: as below. Unused parts are GOSS_NONE. */
goss_condition goss__hypernet_condition(const goss_method *m, const goss_task_batch *b, goss__solution *s,
                                        goss_val features, goss_val rows);
/* Rows [T,E + P] of the tasks by their numbers: codes, and the numbers of tensors that are a task's own. In training
 * the codes of some tasks are shown as new ones; afterwards the rows of new tasks are found by gradient steps on their
 * support sets. GOSS_NONE where ids are not seen. */
goss_val goss__hypernet_rows(const goss_method *m, const goss_task_batch *b, const goss__solution *s);
/* Replaces weights, modulation and a fixed head of a solution that has begun by those generated for the tasks. */
void goss__hypernet_generate(const goss_method *m, const goss_task_batch *b, goss_val rows, goss__solution *s);

/* ---- hypernet_rules.c ---- */
/* hyper.rules of a method whose target has a head, where none are given. */
void goss__hypernet_default_rules(const goss_method *m, const goss_hyper_options *o, goss__str *out);
#endif
