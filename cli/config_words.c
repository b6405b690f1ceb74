/* SPDX-License-Identifier: Apache-2.0 */
/* config_words.c: the words of a command line that make a configuration, and what is told of words that do not. */
#include "config_words.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether a run has a key of that name, or could have it in a section of its own. */
static bool is_key(const char *name) {
    int n;
    const goss_key *keys = goss_train_keys(&n);
    return goss_key_find(keys, n, name) != NULL;
}

/* What stands before a '=' is a key, unless a file bears the whole name. */
static bool is_file(const char *word) {
    const size_t size = strcspn(word, "=");
    char name[256];
    if (!word[size]) return true;
    snprintf(name, sizeof name, "%.*s", size < sizeof name ? (int)size : 0, word);
    return !is_key(name) && access(word, F_OK) == 0;
}

static bool is_folder(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_table_name(const char *end) {
    static const char *const ends[] = {".csv", ".tsv", ".tab", ".arff", ".npy", ".npz"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (strcmp(end, ends[i]) == 0) return true;
    return false;
}

/* What a word without '=' was meant to be, where it is no configuration file. */
static goss_status check_file(const char *word, const char *next, goss_error *err) {
    const char *end = strrchr(word, '.');
    if (is_key(word))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s: a setting is one word, %s=%s, with no blanks around the =", word, word,
                              next && next[next[0] == '='] ? next + (next[0] == '=') : "VALUE");
    if (is_folder(word))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s is a folder, not a configuration; data is named by data.path=%s", word, word);
    if (end && is_table_name(end))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s is a table, not a configuration: gossamer init %s -o RUN.ini writes one for it", word,
                              word);
    if (end && strcmp(end, ".safetensors") == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s is not a configuration; train.start=%s starts a run from a model's weights", word,
                              word);
    return GOSS_OK;
}

/* A file with '=' in its name that is not there is an unknown key. */
static goss_status override(goss_config *c, const char *word, goss_error *err) {
    const char *end = strrchr(word, '.');
    const goss_status s = goss_config_override(c, word, err);
    if (s == GOSS_OK || !end || strcmp(end, ".ini") != 0) return s;
    return goss_error_prefix(err, s, "there is no file %s", word);
}

goss_status cli_read_config_without(goss_config *c, const char *others, int words, char **word, goss_error *err) {
    const char *file = NULL;
    for (int i = 0; i < words; i++) {
        if (!is_file(word[i])) continue;
        GOSS_TRY(check_file(word[i], i + 1 < words ? word[i + 1] : NULL, err));
        if (file)
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "%s and %s: one configuration file only; a setting is section.key=value", file,
                                  word[i]);
        file = word[i];
    }
    goss_config_leave(c, others);
    if (file) GOSS_TRY(goss_config_read(c, file, err));
    for (int i = 0; i < words; i++)
        if (!is_file(word[i])) GOSS_TRY(override(c, word[i], err));
    return GOSS_OK;
}

goss_status cli_read_config(goss_config *c, int words, char **word, goss_error *err) {
    return cli_read_config_without(c, "compare.*,model.*.*,search.*", words, word, err);
}
