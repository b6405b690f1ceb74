/* SPDX-License-Identifier: Apache-2.0 */
/* rewriter.h: rewrites expressions by rules: what an expression becomes is the same numbers, but for what the rules'
 * table says, for less work.
 *
 * Builders (src/ops) make the nodes that they are asked for; goss_grad and goss_compile rewrite them, each node on its
 * rewritten operands, in the order of building. What a node becomes is memoised in the graph, and equal nodes are one:
 * the same expression becomes the same nodes wherever it is rewritten. Values that a gradient is taken by are barriers:
 * rules do not look behind them. GOSSAMER_DISABLE switches off single rules by name and, as "rewrite", all of them. */
#ifndef GOSS_REWRITE_REWRITER_H
#define GOSS_REWRITE_REWRITER_H

#include "graph/region.h"

/* v as the rules make it; invalid, with a sticky error, where memory runs out. */
goss_val goss__rewrite(goss_val v);
/* The same of a v that will be differentiated by: from here on rules do not look behind it, nor rewrite it but for its
 * operands. */
goss_val goss__rewrite_variable(goss_val v);

/* Values of one graph. */
void goss__rewrite_values(goss_graph *g, goss_val *v, int n);

/* A loop's body as the rules make it, every value of it: memo->image says what each node becomes. NULL, with a sticky
 * error, where memory runs out. */
const goss__region *goss__rewrite_region(goss_graph *g, const goss__region *r);

/* v, on normal operands, is normal: no rule will be tried on it. */
goss_val goss__stay(goss_val v);

/* What is merged once all of a program is known. */
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
    /* Whether y, a node of normal operands, becomes *out, which is made with public builders; they need not know what
     * else is to be rewritten. NULL: what the name switches is not a rule. */
    bool (*apply)(goss_val y, goss_val *out);
    const char *what, *change; /* what it does; what may change in a value */
} goss__rule;

#define RULE(id, name, what, change) bool goss__rule_##id(goss_val y, goss_val *out);
#define SWITCH(id, name, what, change)
#include "rewrite/rules.def"
#undef RULE
#undef SWITCH

extern const goss__rule goss__rules[GOSS__RULE_COUNT];
bool goss__rule_is_on(goss_graph *g, goss__rule_id rule);
/* "rewrite", which switches all off, then the rules'; NULL behind the last. */
const char *goss__rule_name(int i);
#endif
