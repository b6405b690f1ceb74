/* SPDX-License-Identifier: Apache-2.0 */
/* table_predict.h: gossamer predict on rows of tables of any kind: the rows with a column of predictions behind them,
 * or a JSON object each. */
#ifndef GOSS_CLI_TABLE_PREDICT_H
#define GOSS_CLI_TABLE_PREDICT_H

#include "data_kinds.h"
#include "gossamer/table.h"

/* Rows as a network sees them; freed by goss_table_close and goss_table_rows_free. A row whose origin (`from`) is NaN
 * has nothing to be predicted from. */
typedef struct cli_rows {
    goss_table *table;
    float *x;         /* [rows, numbers of a sample] */
    int32_t *lengths; /* [rows] of sequences; NULL: they have none */
    double *from;     /* [rows] what numbers are counted from; NULL: 0 */
    /* Of several horizons: which they are [horizons], and the rows [rows, horizons] whose windows end so many steps
     * before each row, by which it is forecast; -1: there is none. horizons 0: a row is forecast by itself. */
    int horizons;
    int32_t *horizon, *source;
} cli_rows;
typedef goss_status cli_row_reader(const goss_network *n, const char *path, cli_rows *out, goss_error *err);

/* Returns the exit status; usage errors as in cli_kind.predict. */
int cli_predict_rows(const goss_network *n, const cli_verb *verb, const predict_request *q, cli_row_reader *read);
#endif
