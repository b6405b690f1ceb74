/* SPDX-License-Identifier: Apache-2.0 */
/* hyper_rules.c: reads "head=class; conv4.*=lowrank 8; conv1.*=film; *=shared": which generator makes which tensor.
 *
 * The first pattern that matches wins. A pattern that matches nothing is a mistake of the writer's and is refused; "*"
 * at the end, where all tensors were taken before, is not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "hyper/hyper.h"

typedef struct rule {
    char pattern[128];
    goss__choice choice;
    bool used;
} rule;

enum { MAX_RULES = 64 };

static const struct {
    const char *word;
    goss_generator kind;
    bool needs_number, takes_number;
} words[] = {
    {"shared", GOSS_GENERATE_SHARED, false, false},  {"full", GOSS_GENERATE_FULL, false, false},
    {"chunked", GOSS_GENERATE_CHUNKED, false, true}, {"lowrank", GOSS_GENERATE_LOWRANK, true, true},
    {"film", GOSS_GENERATE_FILM, false, false},      {"class", GOSS_GENERATE_CLASS, false, false},
};

static goss_status bad(const char *text, int size, const char *why, goss_error *err) {
    return goss_error_set(
        err, GOSS_E_ARGUMENT,
        "hyper rules: \"%.*s\": %s; a rule is PATTERN=GENERATOR with one of shared, full, chunked [N], "
        "lowrank R, film, class",
        size, text, why);
}

static const char *skip_spaces(const char *s, const char *end) {
    while (s < end && (*s == ' ' || *s == '\t' || *s == '\n')) s++;
    return s;
}

static goss_status read_generator(const char *text, int size, const char *s, const char *end, goss__choice *out,
                                  goss_error *err) {
    size_t n = strcspn(s, " \t\n;,"), kinds = sizeof words / sizeof *words, k = 0;
    while (k < kinds && (strlen(words[k].word) != n || strncmp(words[k].word, s, n) != 0)) k++;
    if (k == kinds) return bad(text, size, "the generator is not known", err);
    out->kind = words[k].kind;
    s = skip_spaces(s + n, end);
    if (s == end) return words[k].needs_number ? bad(text, size, "a number is missing", err) : GOSS_OK;
    char *after;
    long number = strtol(s, &after, 10);
    if (!words[k].takes_number || after == s || number < 1 || number > 1 << 24)
        return bad(text, size, "what follows the generator is not understood", err);
    if (skip_spaces(after, end) < end) return bad(text, size, "words follow the number", err);
    out->number = (int)number;
    return GOSS_OK;
}

static goss_status read_rule(const char *text, const char *end, rule *r, goss_error *err) {
    int size = (int)(end - text);
    const char *equals = memchr(text, '=', (size_t)size), *stop = equals;
    if (!equals) return bad(text, size, "there is no =", err);
    while (stop > text && (stop[-1] == ' ' || stop[-1] == '\t')) stop--;
    if (stop == text || stop - text >= (long)sizeof r->pattern)
        return bad(text, size, "the pattern is empty or too long", err);
    snprintf(r->pattern, sizeof r->pattern, "%.*s", (int)(stop - text), text);
    return read_generator(text, size, skip_spaces(equals + 1, end), end, &r->choice, err);
}

static goss_status read_all(const char *text, rule *rules, int *count, goss_error *err) {
    for (const char *s = text; *s;) {
        const char *end = s + goss__rule_size(s), *from = skip_spaces(s, end);
        if (from < end) {
            if (*count == MAX_RULES)
                return goss_error_set(err, GOSS_E_ARGUMENT, "hyper rules: more than %d", MAX_RULES);
            GOSS_TRY(read_rule(from, end, &rules[(*count)++], err));
        }
        s = *end ? end + 1 : end;
    }
    return GOSS_OK;
}

static goss__choice choose(const char *name, rule *rules, int count) {
    for (int i = 0; i < count; i++)
        if (goss_name_matches(name, rules[i].pattern)) {
            rules[i].used = true;
            return rules[i].choice;
        }
    return (goss__choice){GOSS_GENERATE_SHARED, 0};
}

/* Switches on the site that belongs to the tensor's layer. */
static goss_status modulate(goss_hyper *h, const goss_entry *e, goss_error *err) {
    bool found = false;
    for (int i = 0; i < goss_target_sites(h->target); i++)
        if (h->site_layer[i] == e->layer) found = h->film[i] = true;
    return found ? GOSS_OK : goss__hyper_refuse("film x layer without a site", err);
}

static goss_status apply_rules(goss_hyper *h, rule *rules, int count, goss_error *err) {
    const goss_layout *l = goss_target_layout(h->target);
    for (int i = 0; i < goss_layout_count(l); i++) {
        const goss_entry *e = goss_layout_entry(l, i);
        h->choice[i] = choose(e->name, rules, count);
        bool of_head = e->layer == goss_target_layers(h->target) - 1 && goss_target_outputs(h->target) > 0;
        switch (h->choice[i].kind) {
        case GOSS_GENERATE_CLASS:
            return goss__hyper_refuse(of_head ? "class head x fixed head" : "class head x hidden layer", err);
        case GOSS_GENERATE_FILM:
            GOSS_TRY(modulate(h, e, err));
            break;
        default:
            break;
        }
        h->layers |= h->choice[i].kind != GOSS_GENERATE_SHARED;
    }
    h->class_head = choose("head", rules, count).kind == GOSS_GENERATE_CLASS;
    for (int i = 0; i < count; i++)
        if (!rules[i].used && strcmp(rules[i].pattern, "*") != 0)
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "hyper rules: %s matches no tensor that an earlier rule has left", rules[i].pattern);
    return GOSS_OK;
}

goss_status goss__hyper_read_rules(goss_hyper *h, goss_error *err) {
    rule *rules = goss__calloc(MAX_RULES, sizeof *rules);
    if (!rules) return goss_error_set(err, GOSS_E_NOMEM, "out of memory for rules");
    int count = 0;
    goss_status status = read_all(h->rules, rules, &count, err);
    if (status == GOSS_OK) status = apply_rules(h, rules, count, err);
    goss__free(rules);
    return status;
}
