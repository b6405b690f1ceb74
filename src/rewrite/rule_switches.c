/* SPDX-License-Identifier: Apache-2.0 */
/* rule_switches.c: which rules of the table are enabled in a graph. */
#include "rewrite/rewriter.h"

#define ALL "rewrite"

const char *goss__rule_name(int i) {
    if (i == 0) return ALL;
    return i <= GOSS__RULE_COUNT ? goss__rules[i - 1].name : NULL;
}

static void read_switches(goss_graph *g) {
    const bool all = goss__is_listed(g->disabled, ALL);
    for (int i = 0; i < GOSS__RULE_COUNT; i++)
        if (all || goss__is_listed(g->disabled, goss__rules[i].name)) g->rules_off[i / 64] |= (uint64_t)1 << i % 64;
    g->rules_read = true;
}

bool goss__rule_is_on(goss_graph *g, goss__rule_id rule) {
    if (!g->rules_read) read_switches(g);
    return !(g->rules_off[rule / 64] >> rule % 64 & 1);
}
