/* SPDX-License-Identifier: Apache-2.0 */
/* rewrite_program.c: all that a program computes, rewritten by the rules, then by what needs to know the whole. */
#include "rewrite/rewriter.h"

goss_status goss__rewrite_program(goss_graph *g, goss_val *v, int n) {
    for (int i = 0; i < n; i++) v[i] = goss__rewrite(v[i]);
    if (goss_graph_status(g, NULL) == GOSS_OK && goss__rule_is_on(g, GOSS__RULE_merge_taps)) goss__merge_taps(g, v, n);
    return goss_graph_status(g, NULL);
}
