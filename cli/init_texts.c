/* SPDX-License-Identifier: Apache-2.0 */
/* init_texts.c: a configuration for texts in classes: what they are divided into, how long they are, episodes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gossamer/objective.h"
#include "gossamer/table.h"
#include "gossamer/text_class.h"
#include "init.h"

static const char *const unused[] = {"task.metric", "hyper.condition*", NULL};

enum { MOST_QUERIES = 5, MOST_WORDS = 256, MOST_CHARACTERS = 64 };

/* ---- lengths ---- */

static bool is_letter(unsigned char c) {
    return c >= 0x80 || c == '\'' || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

/* Words and the signs between them, and characters, of a text of UTF-8. */
static void measure(const char *text, int *words, int *characters) {
    bool inside = false;
    *words = *characters = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        const bool letter = is_letter(*p);
        *words += letter ? !inside : *p > ' ', inside = letter;
        *characters += (*p & 0xC0) != 0x80;
    }
}

static int ascending(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

/* Lengths that 19 in 20 texts do not exceed, and the words of the middle one. */
typedef struct lengths {
    int words, characters, middle;
} lengths;

static goss_status measure_all(const char *path, const char *column, lengths *out, goss_error *err) {
    goss_table_options o = goss_table_options_defaults();
    goss_table *t;
    char buffer[GOSS_CELL_TEXT];
    o.categorical = column;
    GOSS_TRY(goss_table_open(path, &o, &t, err));
    const int c = goss_table_find(t, column), rows = goss_table_rows(t);
    int *words = calloc((size_t)rows + 1, sizeof *words), *characters = calloc((size_t)rows + 1, sizeof *characters);
    const bool room = words && characters;
    for (int r = 0; room && r < rows; r++)
        if (!goss_table_missing(t, c, r)) measure(goss_table_text(t, c, r, buffer), &words[r], &characters[r]);
    if (room) {
        qsort(words, (size_t)rows, sizeof *words, ascending);
        qsort(characters, (size_t)rows, sizeof *characters, ascending);
        *out = (lengths){words[rows * 19LL / 20], characters[rows * 19LL / 20], words[rows / 2]};
    }
    free(words), free(characters);
    goss_table_close(t);
    return room ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "out of memory");
}

static int bounded(int n, int most) { return n < 1 ? 1 : n > most ? most : n; }

/* Ids of a text of that many tokens: of them, and of all runs of 2 .. ngrams that may be known (data.ngrams). */
static int ids_of(int tokens, int ngrams) {
    int n = 0;
    for (int k = 0; k < ngrams && k < tokens; k++) n += tokens - k;
    return n;
}

/* Single words are told apart by their characters. */
static goss_status set_tokens(init_plan *p, const char *column, goss_error *err) {
    lengths l = {0};
    GOSS_TRY(measure_all(p->data, column, &l, err));
    const bool vectors = *goss_config_text(p->declared, "data.vectors"), single = l.middle <= 2 && !vectors;
    init_set(p, "data.tokens", single ? "char" : "word");
    if (single) init_mark(p, "data.tokens", "half of the texts have at most %d words", l.middle);
    const bool words = strcmp(goss_config_text(p->config, "data.tokens"), "word") == 0;
    const char *as = goss_config_text(p->config, "data.text_as");
    if (strcmp(as, "mean") == 0 || strcmp(as, "bag") == 0) return GOSS_OK; /* of any length */
    const int tokens = words ? bounded(l.words, MOST_WORDS) : bounded(l.characters, MOST_CHARACTERS);
    const int ngrams = vectors ? 1 : (int)goss_config_int(p->config, "data.ngrams");
    init_set(p, "data.length", "%d", ids_of(tokens, ngrams));
    init_mark(p, "data.length", "19 in 20 texts have at most %d %s%s; what is longer is cut",
              words ? l.words : l.characters, words ? "words and signs" : "characters",
              ngrams > 1 ? ", whose n-grams have ids, too" : "");
    return GOSS_OK;
}

/* ---- the plan ---- */

static void set_method(init_plan *p) {
    init_set(p, "model.backbone", "auto");
    init_class_method(p, "0.002");
    init_set(p, "train.tasks", "2");
    init_set(p, "train.steps", "1000");
    const bool validates = goss_config_int(p->config, "validate.every") > 0;
    init_mark(p, "train.steps", "a minute or two on one core%s",
              validates ? "; the weights with the best validation are kept" : "");
}

static const char *given(const init_plan *p, const char *key) {
    const char *text = goss_config_text(p->declared, key);
    return *text ? text : NULL;
}

goss_status init_refuses_steps(const init_plan *p, goss_error *err) {
    const char *objective = goss_config_text(p->declared, "task.objective");
    for (const goss_objective *const *o = goss_objectives(); *o; o++)
        if ((*o)->steps && strcmp((*o)->name, objective) == 0)
            return goss_error_set(err, GOSS_E_UNSUPPORTED,
                                  "%s: init does not write configurations for task.objective = %s; begin with "
                                  "configs/shakespeare.ini",
                                  p->data, objective);
    return GOSS_OK;
}

goss_status init_texts(init_plan *p, goss_error *err) {
    const goss_text_class_options o = {.path = p->data,
                                       .text = given(p, "data.text"),
                                       .target = given(p, "data.target"),
                                       .ignore = given(p, "data.ignore"),
                                       .missing = given(p, "data.missing")};
    goss_text_classes *t;
    p->unused = unused;
    GOSS_TRY(init_refuses_steps(p, err));
    GOSS_TRY(goss_text_classes_open(&o, &t, err));
    const goss_class_set *set = goss_text_classes_set(t);
    snprintf(p->summary, sizeof p->summary, "%d texts (%.100s) of %d classes (%.100s)", set->samples, o.text,
             set->classes, goss_text_classes_target(t));
    init_set(p, "data.target", "%s", goss_text_classes_target(t));
    if (!o.target) init_mark(p, "data.target", "guessed: what a text is an example of");
    goss_status s = init_class_tasks(p, set, -1, MOST_QUERIES, err);
    goss_text_classes_close(t);
    if (s == GOSS_OK) s = set_tokens(p, o.text, err);
    GOSS_TRY(s);
    set_method(p);
    return p->status;
}
