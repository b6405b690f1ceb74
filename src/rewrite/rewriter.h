/* SPDX-License-Identifier: Apache-2.0 */
/* rewriter.h: rewriting expressions by rules: the same values, up to what the rules' table states, for less work.
 *
 * Builders (src/ops) emit nodes as requested; goss_grad and goss_compile rewrite them in building order, each node on
 * its rewritten operands. Results are memoised in the graph, and equal nodes are one, so that the same expression
 * yields the same nodes wherever it is rewritten. Differentiation variables are barriers: rules do not look behind
 * them. GOSSAMER_DISABLE and goss_graph_disable disable single rules by name, or all of them by "rewrite". */
#ifndef GOSS_REWRITE_REWRITER_H
#define GOSS_REWRITE_REWRITER_H

#include "graph/region.h"

/* v rewritten; invalid, with a sticky error, if memory is exhausted. */
goss_val goss__rewrite(goss_val v);
/* The same for a differentiation variable: from here on rules do not look behind it, nor rewrite it except for its
 * operands. */
goss_val goss__rewrite_variable(goss_val v);

/* Values of one graph. */
void goss__rewrite_values(goss_graph *g, goss_val *v, int n);

/* A loop's body with every value rewritten: memo->image has the replacement of each node. NULL, with a sticky error, if
 * memory is exhausted. */
const goss__region *goss__rewrite_region(goss_graph *g, const goss__region *r);

/* Declares v, on normal operands, to be normal: no rule will be tried on it. */
goss_val goss__stay(goss_val v);

/* Merging that requires the whole program. */
void goss__merge_taps(goss_graph *g, goss_val *v, int n);

/* ---- the table ---- */

typedef enum goss__rule_id {
#define RULE(id, name, what, change) GOSS__RULE_##id,
#define SWITCH(id, name, what, change) GOSS__RULE_##id,
#include "rewrite/rules.def"
#undef RULE
#undef SWITCH
    GOSS__RULE_COUNT
} goss__rule_id;

typedef struct goss__rule {
    const char *name;
    /* Whether y, a node with normal operands, is replaced by *out, which is built with public builders and rewritten in
     * turn. NULL: the name is a switch without a rule. */
    bool (*apply)(goss_val y, goss_val *out);
    const char *what, *change; /* description; what may change in a value */
} goss__rule;

#define RULE(id, name, what, change) bool goss__rule_##id(goss_val y, goss_val *out);
#define SWITCH(id, name, what, change)
#include "rewrite/rules.def"
#undef RULE
#undef SWITCH

extern const goss__rule goss__rules[GOSS__RULE_COUNT];
bool goss__rule_is_on(goss_graph *g, goss__rule_id rule);
/* "rewrite", which disables all, then the rules' names; NULL behind the last. */
const char *goss__rule_name(int i);
/* Whether a list (NULL: empty) disables that rule: by its name, or with all. */
bool goss__rule_is_listed(const char *list, const char *rule);
#endif
