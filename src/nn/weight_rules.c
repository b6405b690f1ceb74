/* SPDX-License-Identifier: Apache-2.0 */
/* weight_rules.c: the reader of rules, for any grammar of words. */
#include "nn/weight_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

enum { MAX_RULES = 64 };

/* The text of one rule, for errors. */
typedef struct reading {
    const goss__rule_grammar *grammar;
    const char *text;
    int size;
    goss_error *err;
} reading;

static goss_status bad(const reading *a, const char *why) {
    return goss_error_set(a->err, GOSS_E_ARGUMENT, "%s: \"%.*s\": %s; a rule is %s", a->grammar->what, a->size, a->text,
                          why, a->grammar->form);
}

static const char *skip_spaces(const char *s, const char *end) {
    while (s < end && (*s == ' ' || *s == '\t' || *s == '\n')) s++;
    return s;
}

static goss_status unknown_word(const reading *a) {
    char why[80];
    snprintf(why, sizeof why, "the %s is not known", a->grammar->noun);
    return bad(a, why);
}

/* "lowrank 8" from s to end. */
static goss_status read_choice(const reading *a, const char *s, const char *end, goss__rule_choice *out) {
    const goss__rule_word *words = a->grammar->words;
    size_t n = strcspn(s, " \t\n;,+");
    int k = 0;
    if (s + n > end) n = (size_t)(end - s);
    while (k < a->grammar->n_words && (strlen(words[k].word) != n || strncmp(words[k].word, s, n) != 0)) k++;
    if (k == a->grammar->n_words) return unknown_word(a);
    out->word = k;
    s = skip_spaces(s + n, end);
    if (s == end) return words[k].needs_number ? bad(a, "a number is missing") : GOSS_OK;
    char *after, why[80];
    long number = strtol(s, &after, 10);
    snprintf(why, sizeof why, "what follows the %s is not understood", a->grammar->noun);
    if (!words[k].takes_number || after == s || number < 1 || number > 1 << 24) return bad(a, why);
    if (skip_spaces(after, end) < end) return bad(a, "words follow the number");
    out->number = (int)number;
    return GOSS_OK;
}

static goss_status read_choices(const reading *a, const char *s, const char *end, goss__rule *r) {
    for (;;) {
        const char *plus = memchr(s, '+', (size_t)(end - s)), *stop = plus ? plus : end;
        char why[80];
        snprintf(why, sizeof why, "more than %d are joined by +", a->grammar->most_joined);
        if (r->n == a->grammar->most_joined) return r->n > 1 ? bad(a, why) : unknown_word(a);
        GOSS_TRY(read_choice(a, skip_spaces(s, stop), stop, &r->choice[r->n++]));
        if (!plus) return GOSS_OK;
        s = plus + 1;
    }
}

static goss_status read_rule(const reading *a, goss__rule *r) {
    const char *text = a->text, *equals = memchr(text, '=', (size_t)a->size), *stop = equals;
    if (!equals) return bad(a, "there is no =");
    while (stop > text && (stop[-1] == ' ' || stop[-1] == '\t')) stop--;
    if (stop == text || stop - text >= (long)sizeof r->pattern) return bad(a, "the pattern is empty or too long");
    snprintf(r->pattern, sizeof r->pattern, "%.*s", (int)(stop - text), text);
    return read_choices(a, equals + 1, text + a->size, r);
}

goss_status goss__rules_read(const char *text, const goss__rule_grammar *grammar, goss__rules *out, goss_error *err) {
    *out = (goss__rules){.grammar = grammar, .rule = goss__calloc(MAX_RULES, sizeof *out->rule)};
    if (!out->rule) return goss_error_set(err, GOSS_E_NOMEM, "out of memory for rules");
    for (const char *s = text; *s;) {
        const char *end = s + goss__rule_size(s), *from = skip_spaces(s, end);
        if (from < end) {
            if (out->n == MAX_RULES)
                return goss_error_set(err, GOSS_E_ARGUMENT, "%s: more than %d", grammar->what, MAX_RULES);
            GOSS_TRY(read_rule(&(reading){grammar, from, (int)(end - from), err}, &out->rule[out->n++]));
        }
        s = *end ? end + 1 : end;
    }
    return GOSS_OK;
}

void goss__rules_free(goss__rules *r) {
    goss__free(r->rule);
    *r = (goss__rules){0};
}

const goss__rule *goss__rules_find(goss__rules *r, const char *name) {
    for (int i = 0; i < r->n; i++)
        if (goss_name_matches(name, r->rule[i].pattern)) {
            r->rule[i].used = true;
            return &r->rule[i];
        }
    return NULL;
}

goss_status goss__rules_all_used(const goss__rules *r, goss_error *err) {
    for (int i = 0; i < r->n; i++)
        if (!r->rule[i].used && strcmp(r->rule[i].pattern, "*") != 0)
            return goss_error_set(err, GOSS_E_ARGUMENT, "%s: %s matches no tensor that an earlier rule has left",
                                  r->grammar->what, r->rule[i].pattern);
    return GOSS_OK;
}
