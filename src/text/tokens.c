/* SPDX-License-Identifier: Apache-2.0 */
/* tokens.c: tokenisers: the table of kinds, fitting, and texts as ids. */
#include "text/tokens.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "text/ngrams.h"
#include "text/tokens_text.h"

goss_token_options goss_token_options_defaults(void) {
    return (goss_token_options){.kind = "word", .fold = "case", .vocabulary = 10000, .least = 2, .ngrams = 1};
}

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "no memory for tokens"); }

void goss_tokens_free(goss_tokens *t) {
    if (!t) return;
    goss__counts_free(&t->words);
    goss__merges_free(t->merges);
    goss__free(t);
}

int goss_tokens_count(const goss_tokens *t) { return t->count; }
const char *goss_tokens_kind(const goss_tokens *t) { return t->kind->name; }
int goss_tokens_ngrams(const goss_tokens *t) { return t->ngrams; }

/* ---- word, char ---- */

static goss_status fit_counted(goss_tokens *t, goss__counts *counts, const goss_token_options *o, goss_error *err) {
    if (counts->n == 0) return goss_error_set(err, GOSS_E_ARGUMENT, "the texts have no token");
    if (!goss__counts_keep(counts, o->least, o->vocabulary - GOSS__TOKEN_FIRST)) return no_memory(err);
    if (counts->n == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "no %s occurs data.least = %d times in the texts: all would be unknown", t->kind->name,
                              o->least);
    t->words = *counts, *counts = (goss__counts){0};
    t->count = GOSS__TOKEN_FIRST + t->words.n;
    return GOSS_OK;
}

/* Words have a blank between them, which none of them has; characters have nothing: what distinguishes their runs is
 * how many they are. */
static goss__ngrams runs_of(const goss_tokens *t) {
    return (goss__ngrams){.most = t->ngrams, .gap = t->kind->next == goss__next_word ? " " : ""};
}

static goss_status ids_counted(const goss_tokens *t, const char *folded, goss__ids *out, goss_error *err) {
    goss__ngrams runs = runs_of(t);
    goss__piece p, run;
    bool ok = true;
    while (ok && t->kind->next(&folded, &p)) {
        int32_t k = goss__counts_find(&t->words, p.text, p.size);
        goss__ids_add(out, k < 0 ? GOSS__TOKEN_UNKNOWN : GOSS__TOKEN_FIRST + k);
        if (t->ngrams > 1) ok = goss__ngrams_push(&runs, &p);
        for (int n = 2; ok && goss__ngrams_last(&runs, n, &run); n++)
            if ((k = goss__counts_find(&t->words, run.text, run.size)) >= 0) goss__ids_add(out, GOSS__TOKEN_FIRST + k);
    }
    goss__ngrams_free(&runs);
    return ok ? GOSS_OK : no_memory(err);
}

/* ---- byte ---- */

static goss_status fit_bytes(goss_tokens *t, goss__counts *counts, const goss_token_options *o, goss_error *err) {
    (void)counts, (void)o, (void)err;
    t->count = GOSS__TOKEN_BYTES;
    return GOSS_OK;
}

static goss_status ids_bytes(const goss_tokens *t, const char *folded, goss__ids *out, goss_error *err) {
    (void)t, (void)err;
    for (; *folded; folded++) goss__ids_add(out, GOSS__TOKEN_FIRST + (unsigned char)*folded);
    return GOSS_OK;
}

/* ---- bpe ---- */

static goss_status fit_merged(goss_tokens *t, goss__counts *counts, const goss_token_options *o, goss_error *err) {
    if (counts->n == 0) return goss_error_set(err, GOSS_E_ARGUMENT, "the texts have no token");
    GOSS_TRY(goss__merges_fit(counts, o->vocabulary - GOSS__TOKEN_BYTES, &t->merges, err));
    t->count = GOSS__TOKEN_BYTES + goss__merges_count(t->merges);
    return GOSS_OK;
}

static goss_status ids_merged(const goss_tokens *t, const char *folded, goss__ids *out, goss_error *err) {
    goss__piece p;
    while (goss__next_word(&folded, &p)) GOSS_TRY(goss__merges_apply(t->merges, &p, out, err));
    return GOSS_OK;
}

/* ---- the table ---- */

static const goss__token_kind kinds[] = {
    {.name = "word", .next = goss__next_word, .fit = fit_counted, .ids = ids_counted},
    {.name = "char", .next = goss__next_char, .fit = fit_counted, .ids = ids_counted},
    {.name = "byte", .any = true, .fit = fit_bytes, .ids = ids_bytes},
    {.name = "bpe", .next = goss__next_word, .fit = fit_merged, .ids = ids_merged},
};

goss_status goss__token_kind_find(const char *name, const goss__token_kind **out, goss_error *err) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(name, kinds[i].name) == 0) {
            *out = &kinds[i];
            return GOSS_OK;
        }
    return goss_error_set(err, GOSS_E_ARGUMENT, "\"%.40s\" is no kind of tokens: word, char, byte or bpe", name);
}

bool goss__token_kind_merges(const goss__token_kind *k) { return k->fit == fit_merged; }

goss_status goss__tokens_check_ngrams(const goss_tokens *t, goss_error *err) {
    if (t->ngrams > GOSS_NGRAMS_MOST)
        return goss_error_set(err, GOSS_E_ARGUMENT, "data.ngrams: n-grams of %d tokens: %d at most", t->ngrams,
                              GOSS_NGRAMS_MOST);
    if (t->ngrams > 1 && t->kind->fit != fit_counted)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "data.ngrams = %d: n-grams are of words or characters (data.tokens), not of %s tokens",
                              t->ngrams, t->kind->name);
    return GOSS_OK;
}

/* ---- fit ---- */

static bool count_runs(goss__counts *c, goss__ngrams *runs, const goss__piece *p) {
    goss__piece run;
    if (runs->most < 2) return true;
    if (!goss__ngrams_push(runs, p)) return false;
    for (int n = 2; goss__ngrams_last(runs, n, &run); n++)
        if (goss__counts_add(c, run.text, run.size, 1) < 0) return false;
    return true;
}

/* A word of bpe that blanks precede begins with one. */
static bool count_piece(goss__counts *c, const goss_tokens *t, const goss__piece *p, goss__str *spaced) {
    if (!goss__token_kind_merges(t->kind) || !p->spaced) return goss__counts_add(c, p->text, p->size, 1) >= 0;
    spaced->size = 0;
    goss__str_add(spaced, " "), goss__str_addn(spaced, p->text, p->size);
    return !spaced->failed && goss__counts_add(c, spaced->data, spaced->size, 1) >= 0;
}

static goss_status count_all(const goss_tokens *t, const char *const *texts, int n, goss__counts *counts,
                             goss_error *err) {
    goss__str folded = {0}, spaced = {0};
    goss__ngrams runs = runs_of(t);
    goss_status s = GOSS_OK;
    for (int i = 0; s == GOSS_OK && t->kind->next && i < n; i++) {
        s = goss_error_prefix(err, goss__fold_text(t->fold, t->kind->any, texts[i], &folded, err), "text %d", i + 1);
        const char *at = folded.data;
        goss__piece p;
        goss__ngrams_clear(&runs);
        while (s == GOSS_OK && t->kind->next(&at, &p))
            if (!count_piece(counts, t, &p, &spaced) || !count_runs(counts, &runs, &p)) s = no_memory(err);
    }
    goss__str_free(&folded), goss__str_free(&spaced), goss__ngrams_free(&runs);
    return s;
}

static goss_status fit(goss_tokens *t, const char *const *texts, int n, const goss_token_options *o, goss_error *err) {
    goss__counts counts = {0};
    GOSS_TRY(goss__token_kind_find(o->kind, &t->kind, err));
    GOSS_TRY(goss__fold_find(o->fold, &t->fold, err));
    const int least = goss__token_kind_merges(t->kind) ? GOSS__TOKEN_BYTES : GOSS__TOKEN_FIRST + 1;
    if (t->kind->next && o->vocabulary < least)
        return goss_error_set(err, GOSS_E_ARGUMENT, "a vocabulary of %d tokens: %s needs at least %d", o->vocabulary,
                              t->kind->name, least);
    t->ngrams = o->ngrams < 2 ? 1 : o->ngrams;
    GOSS_TRY(goss__tokens_check_ngrams(t, err));
    goss_status s = count_all(t, texts, n, &counts, err);
    if (s == GOSS_OK) s = t->kind->fit(t, &counts, o, err);
    goss__counts_free(&counts);
    return s;
}

goss_status goss_tokens_fit(const char *const *texts, int n, const goss_token_options *options, goss_tokens **out,
                            goss_error *err) {
    const goss_token_options o = options ? *options : goss_token_options_defaults();
    *out = NULL;
    goss_tokens *t = goss__calloc(1, sizeof *t);
    goss_status s = t ? fit(t, texts, n, &o, err) : no_memory(err);
    if (s == GOSS_OK)
        *out = t;
    else
        goss_tokens_free(t);
    return s;
}

/* ---- use ---- */

goss_status goss_tokens_ids(const goss_tokens *t, const char *text, int32_t *ids, int most, int *n, goss_error *err) {
    goss__str folded = {0};
    goss__ids out = {.id = ids, .most = most};
    goss_status s = goss__fold_text(t->fold, t->kind->any, text, &folded, err);
    if (s == GOSS_OK && folded.size >= INT_MAX) s = no_memory(err);
    if (s == GOSS_OK) s = t->kind->ids(t, folded.data, &out, err);
    goss__str_free(&folded);
    *n = out.n;
    return s;
}

void goss_tokens_name(const goss_tokens *t, int id, char *out, size_t size) {
    const int k = id - GOSS__TOKEN_FIRST;
    out[0] = 0;
    if (k < 0 || id >= t->count) return;
    if (k < t->words.n) {
        snprintf(out, size, "%s", t->words.text[k]);
    } else if (t->merges) {
        out[goss__merges_bytes(t->merges, k, out, size - 1)] = 0;
    } else if (size > 1) {
        out[0] = (char)k, out[1] = 0;
    }
}
