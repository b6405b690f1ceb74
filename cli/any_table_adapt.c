/* SPDX-License-Identifier: Apache-2.0 */
/* any_table_adapt.c: gossamer adapt with a model of any table: its labelled rows become a network. */
#include "data_kinds.h"
#include "gossamer/table_network.h"

/* What is not declared is inferred, except the target: it is the last column. */
static goss_status roles_of(const goss_table *table, const adapt_request *q, goss_roles *out, goss_error *err) {
    const goss_roles_declared declared = {
        .target = q->target ? q->target : goss_table_name(table, goss_table_columns(table) - 1), .task = ""};
    return goss_error_prefix(err, goss_table_roles(table, &declared, out, err), "%s", q->support);
}

/* Columns that are no inputs, though nobody said so. */
static void tell_unused(const goss_table *table, const goss_roles *roles) {
    for (int c = 0; c < roles->columns; c++)
        if (roles->role[c] != GOSS_ROLE_INPUT && c != roles->target)
            cli_tell("column %s is no input: %s", goss_table_name(table, c), roles->reason[c]);
}

static void tell(const goss_network *n, const goss_table *table, const goss_roles *roles) {
    const int members = goss_network_members(n);
    int inputs = 0;
    for (int c = 0; c < roles->columns; c++) inputs += roles->role[c] == GOSS_ROLE_INPUT;
    cli_tell("%s rows of %d columns became %d network%s of %lld weights for %s (%d classes)",
             goss_network_note_of(n, "support.samples"), inputs, members, members == 1 ? "" : "s",
             (long long)goss_layout_total(goss_target_layout(goss_network_target(n))),
             goss_table_name(table, roles->target), goss_network_classes(n));
}

goss_status adapt_any_table(const goss_model *m, const adapt_request *q, goss_network **out, goss_error *err) {
    goss_table *table;
    goss_roles roles = {0};
    const goss_table_network_options o = {
        .networks = q->o.networks, .fine_tune = q->o.fine_tune, .threads = q->o.threads};
    *out = NULL;
    GOSS_TRY(goss_table_open(q->support, NULL, &table, err));
    goss_status s = roles_of(table, q, &roles, err);
    if (s == GOSS_OK) {
        tell_unused(table, &roles);
        s = goss_table_network_adapt(m, table, &roles, NULL, 0, &o, out, err);
    }
    if (s == GOSS_OK) tell(*out, table, &roles);
    goss_roles_free(&roles);
    goss_table_close(table);
    return s;
}
