/* SPDX-License-Identifier: Apache-2.0 */
/* rules.c: the table of rewrite rules. */
#include "rewrite/rewriter.h"

const goss__rule goss__rules[GOSS__RULE_COUNT] = {
#define RULE(id, name, what, change) {name, goss__rule_##id, what, change},
#define SWITCH(id, name, what, change) {name, NULL, what, change},
#include "rewrite/rules.def"
#undef RULE
#undef SWITCH
};
_Static_assert(GOSS__RULE_COUNT <= 64 * GOSS__RULE_WORDS, "GOSS__RULE_WORDS is too small");
