/* SPDX-License-Identifier: Apache-2.0 */
/* weight_rules.h: reads "head=class; conv4.*=lowrank 8; *=shared": what the tensors of a target are made of.
 *
 * PATTERN=WORD [N]; ... : the first pattern that matches a tensor's name wins. Where a grammar allows several words
 * for a tensor they are joined by '+'. What the words are is the reader's grammar. */
#ifndef GOSS_NN_WEIGHT_RULES_H
#define GOSS_NN_WEIGHT_RULES_H

#include "gossamer/nn.h"

#define GOSS__RULE_WORDS 4 /* that may be joined */

typedef struct goss__rule_word {
    const char *word;
    bool needs_number, takes_number;
} goss__rule_word;

typedef struct goss__rule_grammar {
    const char *what; /* in front of errors: "hyper rules" */
    const char *form; /* how a rule is written, behind them */
    const char *noun; /* of a word: "generator" */
    const goss__rule_word *words;
    int n_words, most_joined; /* at most GOSS__RULE_WORDS */
} goss__rule_grammar;

/* A row of the grammar's words, and the number behind it: 0 where there is none. */
typedef struct goss__rule_choice {
    int word, number;
} goss__rule_choice;

typedef struct goss__rule {
    char pattern[128];
    goss__rule_choice choice[GOSS__RULE_WORDS];
    int n; /* choices */
    bool used;
} goss__rule;

typedef struct goss__rules {
    const goss__rule_grammar *grammar;
    goss__rule *rule;
    int n;
} goss__rules;

/* Errors: GOSS_E_ARGUMENT with the rule and what is wrong with it; GOSS_E_NOMEM. Free in any case. */
goss_status goss__rules_read(const char *text, const goss__rule_grammar *grammar, goss__rules *out, goss_error *err);
void goss__rules_free(goss__rules *r);
/* The rule for a name, which counts as used; NULL: none matches. */
const goss__rule *goss__rules_find(goss__rules *r, const char *name);
/* Errors: a pattern that matched nothing is a mistake of the writer's; "*" at the end, where all names were taken
 * before, is not. */
goss_status goss__rules_all_used(const goss__rules *r, goss_error *err);
#endif
