/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_init.c: gossamer init: inspects data and writes a configuration that is ready to train. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gossamer/file.h"
#include "gossamer/text.h"
#include "gossamer/train.h"
#include "init.h"
#include "data_kinds.h"

/* ---- the plan ---- */

bool init_knows(const char *key) {
    int n;
    const goss_key *keys = goss_train_keys(&n);
    for (int i = 0; i < n; i++)
        if (strcmp(keys[i].name, key) == 0) return true;
    return false;
}

void init_set(init_plan *p, const char *key, const char *fmt, ...) {
    char *value;
    va_list args;
    if (p->status != GOSS_OK || goss_config_is_set(p->declared, key)) return;
    va_start(args, fmt);
    const int n = vasprintf(&value, fmt, args); /* a list of columns may be long */
    va_end(args);
    p->status = n < 0 ? goss_error_set(p->err, GOSS_E_NOMEM, "no memory for the value of %s", key)
                      : goss_config_set(p->config, key, value, p->err);
    if (n >= 0) free(value);
}

void init_mark(init_plan *p, const char *key, const char *fmt, ...) {
    char raw[INIT_REMARK - 16];
    va_list args;
    if (p->status != GOSS_OK || p->remarks == INIT_REMARKS || goss_config_is_set(p->declared, key)) return;
    va_start(args, fmt);
    vsnprintf(raw, sizeof raw, fmt, args);
    va_end(args);
    char *line = goss_text_escape(raw, GOSS_TEXT_LINE);
    snprintf(p->remark[p->remarks].text, INIT_REMARK, "look at this: %.380s", line ? line : raw);
    snprintf(p->remark[p->remarks].key, sizeof p->remark->key, "%s", key);
    p->remarks++;
    goss_text_free(line);
}

void init_metric(init_plan *p, const char *metric) {
    if (!goss_config_is_set(p->declared, "task.objective")) init_set(p, "task.metric", "%s", metric);
}

/* ---- the file ---- */

static bool matches(const char *pattern, const char *key) {
    const size_t n = strcspn(pattern, "*");
    return strncmp(pattern, key, n) == 0 && (pattern[n] == '*' || !key[n]);
}

/* Keys without meaning for this kind of data and method are omitted, unless they were set. */
static bool is_wanted(void *context, const char *key) {
    init_plan *p = context;
    bool means = true;
    if (goss_config_is_set(p->declared, key)) return true;
    for (const char *const *pattern = p->unused; pattern && *pattern; pattern++)
        if (matches(*pattern, key) && !goss_config_is_set(p->config, key)) return false;
    if (p->status == GOSS_OK) p->status = goss_train_key_means(p->config, key, &means, p->err);
    return means;
}

static const char *remark_of(void *context, const char *key) {
    const init_plan *p = context;
    for (int i = 0; i < p->remarks; i++)
        if (strcmp(p->remark[i].key, key) == 0) return p->remark[i].text;
    return NULL;
}

/* The last component of the path, without extension, restricted to characters that need no quotes. */
static void name_of(const char *path, char *out, size_t size) {
    size_t end = strlen(path), n = 0;
    while (end > 1 && path[end - 1] == '/') end--;
    size_t begin = end;
    while (begin > 0 && path[begin - 1] != '/') begin--;
    for (size_t i = begin; i < end && n + 1 < size && !(path[i] == '.' && i > begin); i++)
        out[n++] = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", path[i]) ? path[i] : '-';
    out[n] = 0;
    if (strspn(out, "-.") == n) snprintf(out, size, "data");
}

/* A folder that does not exist yet, outside the data. */
static void choose_folder(init_plan *p) {
    char name[100], dir[160];
    const bool here = strcmp(p->data, ".") == 0 || strcmp(p->data, "./") == 0;
    name_of(p->data, name, sizeof name);
    snprintf(dir, sizeof dir, "%sruns/%s", here ? "../" : "", name);
    for (int i = 2; access(dir, F_OK) == 0 && i < 1000; i++)
        snprintf(dir, sizeof dir, "%sruns/%s-%d", here ? "../" : "", name, i);
    init_set(p, "run.dir", "%s", dir);
}

static goss_status write_plan(init_plan *p, const char *out, goss_error *err) {
    char *body = goss_config_write_with(p->config, is_wanted, remark_of, p), *text = NULL;
    char *data = goss_text_escape(p->data, GOSS_TEXT_LINE);
    const char *file = out ? out : "RUN.ini";
    int n = -1;
    if (body && data)
        n = asprintf(&text,
                     "# Written by gossamer init for %s: %s.\n# Lines with \"look at this\" are guesses: check and "
                     "correct them. Then\n#\n#   gossamer check %s\n#   gossamer train %s\n\n%s",
                     data, p->summary, file, file, body);
    goss_status s = n < 0 ? goss_error_set(err, GOSS_E_NOMEM, "no memory for the configuration's text") : p->status;
    if (s == GOSS_OK && out) s = goss_file_write(out, text, (size_t)n, err);
    if (s == GOSS_OK && !out) fputs(text, stdout);
    if (n >= 0) free(text);
    goss_text_free(data);
    goss_config_text_free(body);
    return s;
}

/* ---- the verb ---- */

/* The kind that settings name, or else that of what is there. Texts in classes are a table with data.text and without
 * tasks. */
static const cli_kind *kind_of(const init_plan *p) {
    const char *named = goss_config_text(p->declared, "data.kind");
    if (strcmp(named, "series") == 0) named = "table"; /* of which rows are steps */
    if (*goss_config_text(p->declared, "data.text") && !*goss_config_text(p->declared, "data.task")) named = "text";
    const cli_kind *kind = cli_kind_named(named);
    return kind ? kind : cli_kind_at(p->data);
}

/* The error of the last reader, images, where no reader takes it. */
static goss_status refuse_unknown(const init_plan *p, goss_status s, goss_error *err) {
    goss_error why;
    if (goss_config_is_set(p->declared, "data.kind") || goss_train_data_known(p->data, &why) == GOSS_OK) return s;
    return goss_error_set(err, why.status, "%s", why.text);
}

static goss_status fill(init_plan *p, goss_error *err) {
    init_set(p, "data.path", "%s", p->data);
    choose_folder(p);
    const cli_kind *kind = kind_of(p);
    if (!kind->init)
        return goss_error_set(err, GOSS_E_UNSUPPORTED,
                              "%s: init does not write configurations for %s; begin with one of those that are shipped "
                              "(configs/)",
                              p->data, kind->things);
    const goss_status s = kind->init(p, err);
    return s == GOSS_OK ? p->status : refuse_unknown(p, s, err);
}

static goss_status read_words(init_plan *p, int words, char **word, goss_error *err) {
    int n;
    const goss_key *keys = goss_train_keys(&n);
    GOSS_TRY(goss_config_new(keys, n, &p->declared, err));
    GOSS_TRY(goss_config_new(keys, n, &p->config, err));
    for (int i = 0; i < words; i++) {
        GOSS_TRY(goss_config_override(p->declared, word[i], err));
        GOSS_TRY(goss_config_override(p->config, word[i], err));
    }
    return GOSS_OK;
}

static goss_status check_output(const init_plan *p, const char *out, bool force, goss_error *err) {
    cli_inputs in = {0};
    cli_inputs_add(&in, p->data);
    cli_inputs_add_config(&in, p->declared);
    const goss_status s = cli_check_output("-o", out, NULL, &in, err);
    cli_inputs_free(&in);
    if (s != GOSS_OK || !out || force || access(out, F_OK) != 0) return s;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s exists and may have been edited; name another file, or overwrite it with --force", out);
}

static goss_status init(init_plan *p, int words, char **word, const char *out, bool force, goss_error *err) {
    GOSS_TRY(read_words(p, words, word, err));
    GOSS_TRY(check_output(p, out, force, err));
    GOSS_TRY(fill(p, err));
    return write_plan(p, out, err);
}

/* As in the file. */
static void value_of(const goss_config *c, const char *name, char *out, size_t size) {
    int n;
    const goss_key *keys = goss_train_keys(&n), *key = goss_key_find(keys, n, name);
    if (key->type == GOSS_KEY_INT)
        snprintf(out, size, "%lld", (long long)goss_config_int(c, name));
    else if (key->type == GOSS_KEY_REAL)
        snprintf(out, size, "%g", goss_config_real(c, name));
    else
        snprintf(out, size, "%s",
                 key->type == GOSS_KEY_TEXT  ? goss_config_text(c, name)
                 : goss_config_bool(c, name) ? "true"
                                             : "false");
}

static void tell(const init_plan *p, const char *out) {
    char value[INIT_REMARK];
    cli_tell("%s: %s", p->data, p->summary);
    for (int i = 0; i < p->remarks; i++) {
        value_of(p->config, p->remark[i].key, value, sizeof value);
        cli_tell("%s = %s: %s", p->remark[i].key, value, p->remark[i].text);
    }
    if (out) cli_put_path(out);
}

int cmd_init(int argc, char **argv) {
    const char *out = NULL;
    bool force = false;
    const cli_option options[] = {
        CLI_TEXT("o", "RUN.ini", &out, "the file to write (standard output)"),
        CLI_FLAG("force", &force, "overwrite an existing file"),
    };
    const cli_verb verb = {
        .name = "init",
        .usage = "DATA [section.key=value ...] [-o RUN.ini] [--force]",
        .doc = "Inspects DATA (a folder or .zip of images in classes, an idx file; a folder of sounds; csv, ARFF or "
               "NumPy\n"
               "tables, a folder of them; texts of a table, with data.text=COLUMN; a folder with ratings.csv) and "
               "writes a\n"
               "complete configuration, with every key explained, that is ready for gossamer train.\n"
               "It reports its guesses and marks them in the file with \"look at this\"; settings given here are kept.",
        .options = options,
        .n_options = 2,
        .min_words = 1,
        .max_words = -1};
    const int words = cli_parse(&verb, argc, argv);
    if (words < 0) return cli_close_stdout();
    goss_error err;
    init_plan p = {.data = argv[1], .err = &err};
    if (out && strcmp(out, "-") == 0) out = NULL;
    cli_log_to_stderr();
    const goss_status s = init(&p, words - 1, argv + 2, out, force, &err);
    if (s == GOSS_OK) tell(&p, out);
    goss_config_free(p.declared), goss_config_free(p.config);
    return s == GOSS_OK ? cli_close_stdout() : cli_fail(&err);
}
