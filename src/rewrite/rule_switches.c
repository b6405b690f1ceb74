/* SPDX-License-Identifier: Apache-2.0 */
/* rule_switches.c: which rules of the table are enabled in a graph. */
#include "rewrite/rewriter.h"

#define ALL "rewrite"

const char *goss__rule_name(int i) {
    if (i == 0) return ALL;
    return i <= GOSS__RULE_COUNT ? goss__rules[i - 1].name : NULL;
}

bool goss__rule_is_listed(const char *list, const char *rule) {
    return goss__is_listed(list, ALL) || goss__is_listed(list, rule);
}

static void read_switches(goss_graph *g) {
    for (int i = 0; i < GOSS__RULE_COUNT; i++)
        if (goss__rule_is_listed(g->disabled, goss__rules[i].name)) g->rules_off[i / 64] |= (uint64_t)1 << i % 64;
    g->rules_read = true;
}

static goss_status check_names(const char *names, goss_error *err) {
    static const goss__name_table rules[] = {goss__rule_name};
    const char *name, *at = names;
    for (size_t n; goss__name_next(&at, &name, &n);)
        if (goss__in_table(goss__pass_name, name, n))
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "goss_graph_disable: %.*s is of schedules: goss_schedule_options.disable", (int)n,
                                  name);
    return goss__names_known(names, "goss_graph_disable", rules, 1, err);
}

void goss_graph_disable(goss_graph *g, const char *names) {
    goss_error err;
    if (g->n_nodes > 1 || g->rules_read)
        goss_graph_fail(g, GOSS_E_ARGUMENT, "goss_graph_disable: something is built in the graph already");
    else if (check_names(names, &err) != GOSS_OK)
        goss_graph_fail(g, err.status, "%s", err.text);
    else if (!goss__graph_switch_off(g, names))
        goss_graph_fail(g, GOSS_E_NOMEM, "out of memory");
}

bool goss__rule_is_on(goss_graph *g, goss__rule_id rule) {
    if (!g->rules_read) read_switches(g);
    return !(g->rules_off[rule / 64] >> rule % 64 & 1);
}
