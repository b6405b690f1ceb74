/* SPDX-License-Identifier: Apache-2.0 */
/* table_net.h: networks for tables: adapting to the rows of a task, and predicting others. */
#ifndef GOSS_CLI_TABLE_NET_H
#define GOSS_CLI_TABLE_NET_H

#include "gossamer/model.h"

bool cli_is_table_model(const goss_data_spec *data);
/* Reports its origin on stderr. Owns: *out goss_network_free. */
goss_status cli_adapt_table(const goss_model *m, const char *support, const char *descriptor,
                            const goss_adapt_options *options, goss_network **out, goss_error *err);

typedef struct cli_table_prediction {
    const char *network;    /* its file, which is not overwritten */
    const char *path, *out; /* out NULL: standard output */
    bool json;
} cli_table_prediction;
goss_status cli_predict_table(const goss_network *n, const cli_table_prediction *what, goss_error *err);
#endif
