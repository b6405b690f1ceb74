/* SPDX-License-Identifier: Apache-2.0 */
/* strengths.c: lists NAME=VALUE,... of numbers, and --strength: a model that was trained with all strengths of a
 * regulariser, at some. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "gossamer/model.h"

static goss_status set_one(char *word, cli_setter *set, void *context, goss_error *err) {
    static const goss_key number = {
        .name = "list.value", .type = GOSS_KEY_REAL, .fallback = "0", .field = {GOSS_FIELD_DOUBLE, 0}};
    char *equals = strchr(word, '=');
    double value = 0;
    if (!equals || equals == word)
        return goss_error_set(err, GOSS_E_ARGUMENT, "\"%.60s\" is not of the form NAME=VALUE", word);
    *equals = 0;
    GOSS_TRY(goss_error_prefix(err, goss_key_parse(&number, equals + 1, &value, err), "%.60s", word));
    return set(context, word, value, err);
}

/* The name of a later item is none of the items before it. */
static goss_status check_names(const char *list, goss_error *err) {
    for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',') {
        const size_t n = strcspn(at, "=,");
        for (const char *before = list; before < at; before += strcspn(before, ",") + 1)
            if (strcspn(before, "=,") == n && strncmp(before, at, n) == 0)
                return goss_error_set(err, GOSS_E_ARGUMENT, "%.*s has two values", (int)(n < 60 ? n : 60), at);
    }
    return GOSS_OK;
}

goss_status cli_set_numbers(const char *option, const char *list, cli_setter *set, void *context, goss_error *err) {
    char *text = list ? strdup(list) : NULL, *rest = text, *word;
    if (!list) return GOSS_OK;
    if (!text) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    goss_status s = check_names(list, err);
    while (s == GOSS_OK && (word = strsep(&rest, ","))) s = set_one(word, set, context, err);
    free(text);
    return goss_error_prefix(err, s, "--%s", option);
}

static goss_status set_strength(void *model, const char *name, double value, goss_error *err) {
    return goss_model_set_strength(model, name, value, err);
}

goss_status cli_set_strengths(goss_model *m, const char *list, goss_error *err) {
    return cli_set_numbers("strength", list, set_strength, m, err);
}
