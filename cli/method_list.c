/* SPDX-License-Identifier: Apache-2.0 */
/* method_list.c: the list that --methods of gossamer eval takes. */
#include "method_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The word without blanks around it, in place. */
static char *trim(char *word) {
    static const char blanks[] = " \t\n\r";
    word += strspn(word, blanks);
    for (size_t n = strlen(word); n > 0 && strchr(blanks, word[n - 1]); n--) word[n - 1] = 0;
    return word;
}

static goss_status take_item(char *word, const char *example, cli_method_taker *take, void *owner, goss_error *err) {
    char *name = trim(word), *file = strchr(name, '=');
    if (file) *file++ = 0, name = trim(name), file = trim(file);
    if (*name && !(file && !*file)) return take(owner, name, file, err);
    return goss_error_set(err, GOSS_E_ARGUMENT, "--methods: an empty %s; it is a list as %s",
                          *name ? "file name" : "name", example);
}

goss_status cli_methods_each(const char *list, const char *example, cli_method_taker *take, void *owner, char **kept,
                             goss_error *err) {
    *kept = NULL;
    if (!list) return GOSS_OK;
    char *rest = *kept = strdup(list), *word;
    goss_status s = rest ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    while (s == GOSS_OK && (word = strsep(&rest, ","))) s = take_item(word, example, take, owner, err);
    return s;
}

goss_status cli_method_derives(const goss_model *m, const char *name, const char *(*baseline)(int i), goss_error *err) {
    const goss_status s = goss_contender_check(m, name, err);
    char own[300] = "";
    for (int i = 0; s != GOSS_OK && baseline && baseline(i); i++) {
        const size_t n = strlen(own);
        snprintf(own + n, sizeof own - n, "%s%s", n ? ", " : "", baseline(i));
    }
    if (s == GOSS_OK) return s;
    if (strpbrk(name, "./"))
        return goss_error_prefix(err, s, "--methods %s: a model file is given as NAME=%s", name, name);
    if (*own) return goss_error_prefix(err, s, "--methods %s (beside %s; %s=FILE is another model)", name, own, name);
    return goss_error_prefix(err, s, "--methods %s (%s=FILE is another model)", name, name);
}

goss_status cli_metric_judges(const goss_metric *metric, const goss_objective *first, const goss_objective *own,
                              goss_error *err) {
    if (!metric->variance || own == first || (own && own->variance && first->variance)) return GOSS_OK;
    if (own && (own->variance || own->levels))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "its objective is %s, and metric %s is judged as of %s: judge by --metric mae, or leave "
                              "it out",
                              own->name, metric->name, first->name);
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "it predicts numbers and does not say how sure it is, as metric %s wants: judge by --metric "
                          "rmse, or leave it out",
                          metric->name);
}
