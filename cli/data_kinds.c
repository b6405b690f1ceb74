/* SPDX-License-Identifier: Apache-2.0 */
/* data_kinds.c: the table of the kinds of data. The verbs look a row up and call its function; none of them knows a
 * kind. */
#include "data_kinds.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gossamer/train.h"
#include "init.h"

static const cli_kind kinds[] = {
    {"sound", "sounds", KIND_SOUNDS, eval_sounds, adapt_sounds, predict_sounds, NULL, init_sounds, false},
    {"ratings", "ratings", KIND_RATINGS, eval_ratings, adapt_ratings, predict_ratings, inspect_ratings, init_ratings,
     false},
    {"text", "texts", KIND_TEXTS, eval_texts, adapt_texts, predict_texts, NULL, init_texts, false},
    {"table", "tables with tasks", KIND_TABLES, eval_tables, adapt_table, predict_table, cli_inspect_table, init_table,
     false},
    {"tables", "any table (the model tables)", KIND_ANY_TABLE, eval_whole_tables, adapt_any_table, NULL, NULL, NULL,
     true},
    {"images", "images", KIND_IMAGES, eval_images, adapt_images, predict_images, NULL, init_images, false},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

goss_status cli_kind_of(const goss_data_spec *data, const char *file, const cli_kind **out, goss_error *err) {
    for (int i = 0; i < KINDS; i++)
        if (strcmp(kinds[i].name, data->kind) == 0) {
            *out = &kinds[i];
            return GOSS_OK;
        }
    return goss_error_set(err, GOSS_E_UNSUPPORTED,
                          "%s: its data is of kind \"%s\", which the program that trained it can read, and this "
                          "command cannot",
                          file, data->kind);
}

const cli_kind *cli_kind_alone(const char *word) {
    for (int i = 0; i < KINDS; i++)
        if (kinds[i].alone && strcmp(kinds[i].name, word) == 0 && access(word, F_OK) != 0) return &kinds[i];
    return NULL;
}

const cli_kind *cli_kind_named(const char *name) {
    for (int i = 0; i < KINDS; i++)
        if (!kinds[i].alone && strcmp(kinds[i].name, name) == 0) return &kinds[i];
    return NULL;
}

const cli_kind *cli_kind_at(const char *path) { return cli_kind_named(goss_train_data_kind(path)); }

/* "images and sounds". */
static void name_kinds(unsigned bits, char *out, size_t size) {
    int left = 0;
    size_t at = 0;
    for (int i = 0; i < KINDS; i++) left += (kinds[i].bit & bits) != 0;
    out[0] = 0;
    for (int i = 0; i < KINDS && at < size; i++) {
        if (!(kinds[i].bit & bits)) continue;
        left--;
        const int n = snprintf(out + at, size - at, "%s%s", kinds[i].things, left > 1 ? ", " : left ? " and " : "");
        at += n > 0 ? (size_t)n : 0;
    }
}

void cli_refuse_other_kinds(const cli_verb *verb, const cli_kind *kind, const char *file) {
    char things[200];
    const cli_option *o = cli_first_outside(verb, KINDS_ALL, kind->bit);
    if (!o) return;
    name_kinds(o->group, things, sizeof things);
    cli_usage(verb, "%s%s is for %s, and %s is of %s", o->name[1] ? "--" : "-", o->name, things, file, kind->things);
}
