/* SPDX-License-Identifier: Apache-2.0 */
/* method_list.h: the list that --methods of gossamer eval takes, whatever kind of data is judged on. */
#ifndef GOSS_CLI_METHOD_LIST_H
#define GOSS_CLI_METHOD_LIST_H

#include "gossamer/evaluate.h"

/* One item: NAME, or NAME=FILE (file NULL: none). Both are without blanks around them, and live as long as the list. */
typedef goss_status cli_method_taker(void *owner, const char *name, const char *file, goss_error *err);

/* Passes the items of `list` (NULL: there are none) to `take`, in order. example: of a list of this kind of data, for
 * errors. Owns: *kept, what the items point into, free. */
goss_status cli_methods_each(const char *list, const char *example, cli_method_taker *take, void *owner, char **kept,
                             goss_error *err);
/* Whether a method can take over what the model has learned (goss_contender_check). baseline: the kind's own methods by
 * number, NULL past the last, for the error, which names all there are; NULL: it has none. */
goss_status cli_method_derives(const goss_model *m, const char *name, const char *(*baseline)(int i), goss_error *err);
/* Whether a metric of the objective `first` judges the answers of `own` (NULL: numbers alone): one of variances wants
 * variances, one of quantiles those of the same levels. Errors: GOSS_E_ARGUMENT. */
goss_status cli_metric_judges(const goss_metric *metric, const goss_objective *first, const goss_objective *own,
                              goss_error *err);
#endif
