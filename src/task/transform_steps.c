/* SPDX-License-Identifier: Apache-2.0 */
/* transform_steps.c: targets at each step of a text: the token that follows, or labels that stand in a column, divided
 * by blanks, one for each token. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "task/table_task.h"
#include "task/transform_text.h"

static goss_status no_memory(goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for the targets of texts");
}

int goss__target_size(const goss_table_transform *f) {
    if (f->objective->steps) return goss_encoding_width(f->inputs);
    return f->classes ? 1 : goss_table_transform_outputs(f);
}

/* ---- fit ---- */

/* n-grams are not tokens at a position of the text. */
static goss_status check_order(const goss_table_transform *f, goss_error *err) {
    goss_text_shape shape = {0};
    if (!goss_encoding_texts(f->inputs, &shape) || shape.ngrams < 2) return GOSS_OK;
    return goss_error_set(
        err, GOSS_E_ARGUMENT,
        "data.ngrams = %d: with task.objective = %s each id is a token in its place (data.ngrams = 1)", shape.ngrams,
        f->objective->name);
}

goss_status goss__fit_tokens(goss_table_transform *f, goss_error *err) {
    static const char *const reserved[] = {"(padding)", "(unknown)"};
    goss_text_shape shape = {0};
    char name[64];
    GOSS_TRY(check_order(f, err));
    if (!goss_encoding_texts(f->inputs, &shape) || shape.tokens < 2)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "task.objective = language is about the next token of a text: data.text names the "
                              "column, and data.text_as = ids is what it becomes");
    for (int id = 0; id < shape.tokens; id++) {
        goss_encoding_token(f->inputs, id, name, sizeof name);
        if (!goss__add_name(&f->class_name, &f->classes, id < 2 ? reserved[id] : name)) return no_memory(err);
    }
    return GOSS_OK;
}

static int find_label(const goss_table_transform *f, const char *label, size_t size) {
    for (int c = 0; c < f->classes; c++)
        if (strlen(f->class_name[c]) == size && memcmp(f->class_name[c], label, size) == 0) return c;
    return -1;
}

/* The next label of a text; NULL: there is none. */
static const char *next_label(const char **at, size_t *size) {
    static const char blanks[] = " \t\r\n";
    const char *label = *at + strspn(*at, blanks);
    *size = strcspn(label, blanks);
    *at = label + *size;
    return *size ? label : NULL;
}

goss_status goss__fit_labels(goss_table_transform *f, const goss_table *t, int column, const int32_t *rows, int n,
                             goss_error *err) {
    char buffer[GOSS_CELL_TEXT], name[128];
    GOSS_TRY(check_order(f, err));
    for (int i = 0; i < n; i++) {
        const char *at = goss_table_text(t, column, rows[i], buffer), *label;
        size_t size;
        while ((label = next_label(&at, &size))) {
            if (find_label(f, label, size) >= 0) continue;
            if (size >= sizeof name || f->classes == 1000)
                return goss_error_set(err, GOSS_E_ARGUMENT,
                                      "%s: the labels of %s are more than 1000, or longer than 127 bytes: a label for "
                                      "each token, divided by blanks",
                                      goss_table_path(t), f->target);
            snprintf(name, sizeof name, "%.*s", (int)size, label);
            if (!goss__add_name(&f->class_name, &f->classes, name)) return no_memory(err);
        }
    }
    if (f->classes >= 2) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s: the target %s has %d label in the rows to train on: two are needed", goss_table_path(t),
                          f->target, f->classes);
}

/* ---- apply ---- */

void goss__shift_tokens(const goss_table_transform *f, float *x, int n) {
    const size_t steps = (size_t)goss_encoding_width(f->inputs);
    for (int i = 0; i < n; i++, x += steps) {
        size_t tokens = steps;
        while (tokens > 1 && x[tokens - 1] == 0) tokens--;
        memmove(x + 1, x, (tokens - 1) * sizeof *x); /* nothing follows the last */
        x[0] = 0;                                    /* where a text begins */
    }
}

/* Ids as targets: -1 behind the last. */
goss_status goss__next_tokens(const goss_table_transform *f, const goss_table *table, const int32_t *rows, int n,
                              float *out, goss_error *err) {
    const int steps = goss_encoding_width(f->inputs);
    int32_t *length = goss__calloc((size_t)n + 1, sizeof *length);
    goss_status s = length ? goss_encoding_apply(f->inputs, table, rows, n, out, NULL, err) : no_memory(err);
    if (s == GOSS_OK) goss_encoding_lengths(f->inputs, out, n, length);
    for (int i = 0; s == GOSS_OK && i < n; i++)
        for (int k = length[i]; k < steps; k++) out[(size_t)i * (size_t)steps + (size_t)k] = -1;
    goss__free(length);
    return s;
}

/* How many tokens a text has is known by its ids: one that is cut has labels that are cut, too. */
static goss_status labels_of(const goss_table_transform *f, const goss_table *table, int column, int row, int tokens,
                             float *out, goss_error *err) {
    char buffer[GOSS_CELL_TEXT], place[GOSS__PLACE];
    const char *at = goss_table_text(table, column, row, buffer), *label;
    const int steps = goss_encoding_width(f->inputs);
    size_t size;
    int n = 0;
    for (int k = 0; k < steps; k++) out[k] = -1;
    for (; (label = next_label(&at, &size)); n++) {
        const int c = find_label(f, label, size);
        if (c < 0)
            return goss_error_set(err, GOSS_E_ARGUMENT, "%s:%s: label \"%.*s\" is none of the %d that were trained on",
                                  goss__row_place(table, row, place), f->target, (int)(size < 60 ? size : 60), label,
                                  f->classes);
        if (n < steps) out[n] = (float)c;
    }
    if (n == tokens || (n > steps && tokens == steps)) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s:%s: %d labels for a text of %d%s tokens: one for each is needed, divided by blanks",
                          goss__row_place(table, row, place), f->target, n, tokens, tokens == steps ? " or more" : "");
}

goss_status goss__step_labels(const goss_table_transform *f, const goss_table *table, int column, const int32_t *rows,
                              int n, float *out, goss_error *err) {
    const size_t steps = (size_t)goss_encoding_width(f->inputs);
    int32_t *length = goss__calloc((size_t)n + 1, sizeof *length);
    goss_status s = length ? goss_encoding_apply(f->inputs, table, rows, n, out, NULL, err) : no_memory(err);
    if (s == GOSS_OK) goss_encoding_lengths(f->inputs, out, n, length);
    for (int i = 0; s == GOSS_OK && i < n; i++)
        s = labels_of(f, table, column, rows ? rows[i] : i, length[i], out + (size_t)i * steps, err);
    goss__free(length);
    return s;
}
