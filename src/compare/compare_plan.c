/* SPDX-License-Identifier: Apache-2.0 */
/* compare_plan.c: a configuration becomes rows and cells. Everything that can be known without data is checked here. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/number.h"
#include "base/os.h"
#include "base/str.h"
#include "compare/compare.h"
#include "gossamer/train.h"
#include "io/ini.h"
#include "io/key_row.h"
#include "train/run_data.h"

/* The settings of [compare]; texts are borrowed from the configuration. */
#define GOSS__SETTINGS goss__compare_settings

static const goss_key keys[] = {
    GOSS__KEY_TEXT(
        "compare.models", models, "alone, joint",
        "Models: alone (one network a task), joint (one for all), hard, soft, dictionary, tensor_train, "
        "routing, ordering, stitch, merged, hypernet, or names of sections [model.NAME] of settings, each with all "
        "regularizers; MODEL/REGULARIZER: with that one"),
    GOSS__KEY_TEXT(
        "compare.regularizers", regularizers, "none",
        "What each model is trained with: none, early (stopping), names of sections [regularizer.NAME] or "
        "[compare.NAME], weight_decay, dropout, l1, l2, elastic, label_smoothing, augmentation, mirror, mixup, "
        "difference, trace, l21; A+B: both"),
    GOSS__KEY_TEXT("compare.strengths", strengths, ".001 .01 .1 1",
                   "What each regulariser's strength is chosen from, by validation; the same number of tries for all"),
    GOSS__KEY_TEXT("compare.closed", closed, "auto",
                   "Closed forms beside them: mean-ridge, mean-ridge-2, ridge, pooled-ridge (logistic ones for "
                   "classes); auto: all, of tables; none"),
    GOSS__KEY_TEXT("compare.noise", noise, "",
                   "Standard deviations of noise on inputs, up to 4 (standardised columns, pixels from 0 to 1): test "
                   "samples are evaluated with each, too"),
    GOSS__KEY_TEXT("compare.ranks", ranks, "",
                   "Published values (features/*, hidden/dense1, embedding/task ...), up to 4 patterns with commas "
                   "between them, whose effective rank over all test samples is a column"),
    GOSS__KEY_INT("compare.seeds", seeds, "5", 1, 10000, "seeds", "Divisions of the samples, and starting weights"),
    GOSS__KEY_INT("compare.folds", folds, "0", 0, 1000, "folds",
                  "So many test sets that do not overlap instead of one a seed, each 1 / folds of the samples; 0: one"),
    GOSS__KEY_BOOL("compare.early", early, "true",
                   "The number of steps is that of the best validation; false: train.steps, but for rows with the "
                   "regulariser early"),
    GOSS__KEY_INT("compare.jobs", jobs, "0", 0, 1024, "processes",
                  "Trainings at a time; 0: as many as the machine has cores"),
    GOSS__KEY_TEXT("compare.dir", dir, "", "Folder for what each training gave; created"),
};

const goss_key *goss_compare_keys(int *n) {
    *n = (int)(sizeof keys / sizeof *keys);
    return keys;
}

/* ---- the file ---- */

static int dots(const char *key) {
    int n = 0;
    for (; *key; key++) n += *key == '.';
    return n;
}

static bool begins(const char *key, const char *head) { return strncmp(key, head, strlen(head)) == 0; }

static bool is_own(const char *key) { return begins(key, "compare.") && dots(key) == 1; }

static bool has_key(const char *key) {
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(keys[i].name, key) == 0) return true;
    return false;
}

/* "compare.seeds" is the comparison's; "compare.dropout.train.x" and "model.mine.train.x" belong to a name. */
static goss_status put(goss_compare *c, const char *key, const char *value, int line, goss_error *err) {
    if (is_own(key)) return goss_config_set(c->own, key, value, err);
    if (begins(key, "compare.") || begins(key, "regularizer.") || (begins(key, "model.") && dots(key) > 1))
        return goss__settings_put(&c->sections, key, value, line, err);
    return goss__settings_put(&c->base, key, value, line, err);
}

static goss_status on_item(void *context, const goss__ini_item *item, goss_error *err) {
    goss_compare *c = context;
    const bool own = is_own(item->name);
    if (own ? has_key(item->name) && goss_config_is_set(c->own, item->name)
            : goss__settings_get(&c->base, item->name) || goss__settings_get(&c->sections, item->name))
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s is there twice", item->name);
    return put(c, item->name, item->text, item->line, err);
}

static goss_status read_file(goss_compare *c, goss_error *err) {
    char *text;
    size_t size;
    GOSS_TRY(goss__read_file(c->path, (size_t)1 << 20, &text, &size, err));
    goss_status s = strlen(text) == size
                        ? goss__ini_parse(text, c->path, on_item, c, err)
                        : goss_error_set(err, GOSS_E_FORMAT, "%s: is not a text file, as a configuration is", c->path);
    goss__free(text);
    return s;
}

static goss_status take_words(goss_compare *c, const char *const *settings, int n, goss_error *err) {
    for (int i = 0; i < n; i++) {
        const char *equals = strchr(settings[i], '=');
        char key[256];
        if (!equals || equals == settings[i] || (size_t)(equals - settings[i]) >= sizeof key)
            return goss_error_set(err, GOSS_E_ARGUMENT, "\"%s\" is not of the form section.key=value", settings[i]);
        snprintf(key, sizeof key, "%.*s", (int)(equals - settings[i]), settings[i]);
        GOSS_TRY(put(c, key, equals + 1, 0, err));
    }
    return GOSS_OK;
}

/* ---- lists ---- */

/* The next word of "a, b"; NULL: there are no more. In place. */
static char *next_word(char **rest) {
    static const char blanks[] = " \t\r\n";
    while (*rest) {
        char *word = strsep(rest, ",\n");
        word += strspn(word, blanks);
        for (size_t n = strlen(word); n > 0 && strchr(blanks, word[n - 1]); n--) word[n - 1] = 0;
        if (*word) return word;
    }
    return NULL;
}

static goss_status check_name(const char *key, const char *name, goss_error *err) {
    for (const char *s = name; *s; s++)
        if (!goss__ascii_is_alnum(*s) && !strchr("_-+/", *s))
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "%s: \"%.60s\" is no name: letters, digits, _ and -; a list has commas between them",
                                  key, name);
    return strlen(name) < 64 ? GOSS_OK
                             : goss_error_set(err, GOSS_E_ARGUMENT, "%s: \"%.60s...\" is too long", key, name);
}

typedef goss_status (*with_name)(goss_compare *c, const char *name, void *context, goss_error *err);

/* Each word of the list once. */
static goss_status each_name(goss_compare *c, const char *key, const char *names, with_name fn, void *context,
                             goss_error *err) {
    char *list = goss__strdup(names), *rest = list, *word;
    if (!list) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a list");
    goss_status s = GOSS_OK;
    while (s == GOSS_OK && (word = next_word(&rest))) {
        s = check_name(key, word, err);
        if (s == GOSS_OK) s = fn(c, word, context, err);
    }
    goss__free(list);
    return s;
}

/* ---- rows ---- */

static goss_status add_row(goss_compare *c, const char *name, goss__row **out, goss_error *err) {
    for (int i = 0; i < c->rows; i++)
        if (strcmp(c->row[i].name, name) == 0)
            return goss_error_set(err, GOSS_E_ARGUMENT, "[compare]: two rows are called %s", name);
    if (c->rows == c->rows_room) {
        const int room = c->rows_room ? 2 * c->rows_room : 16;
        goss__row *grown = goss__realloc(c->row, (size_t)room * sizeof *grown);
        if (!grown) return goss_error_set(err, GOSS_E_NOMEM, "no memory for rows");
        c->row = grown, c->rows_room = room;
    }
    goss__row *r = *out = &c->row[c->rows];
    *r = (goss__row){.name = goss__strdup(name), .tries = 1};
    if (!r->name) return goss_error_set(err, GOSS_E_NOMEM, "no memory for rows");
    c->rows++;
    return GOSS_OK;
}

/* "A+B" */
static goss_status take_parts(goss_compare *c, goss__row *r, const char *name, goss_error *err) {
    char list[80], *rest = list, *word;
    snprintf(list, sizeof list, "%s", name);
    while (strcmp(name, "none") != 0 && (word = strsep(&rest, "+"))) {
        if (!*word || strcmp(word, "none") == 0 || r->parts == GOSS__PARTS)
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "compare: row %s: a regulariser is none, or up to %d names with a + between", r->name,
                                  GOSS__PARTS);
        GOSS_TRY(goss__variant_part(c, word, &r->part[r->parts], err));
        for (int i = 0; i < r->parts; i++)
            if (strcmp(r->part[i]->name, word) == 0)
                return goss_error_set(err, GOSS_E_ARGUMENT, "compare.regularizers: \"%s\": %s is there twice", name,
                                      word);
        r->parts++;
    }
    return GOSS_OK;
}

static goss_status row_of(goss_compare *c, const char *regularizer, void *context, goss_error *err) {
    const goss__variant *model = context;
    char name[GOSS__ROW_NAME];
    goss__row *r;
    const bool none = strcmp(regularizer, "none") == 0;
    snprintf(name, sizeof name, none ? "%s" : "%s/%s", model->name, regularizer);
    GOSS_TRY(add_row(c, name, &r, err));
    r->model = model, r->regularizer = goss__strdup(regularizer);
    if (!r->regularizer) return goss_error_set(err, GOSS_E_NOMEM, "no memory for rows");
    GOSS_TRY(take_parts(c, r, regularizer, err));
    bool search = model->searches;
    r->plain = model->plain, r->early = c->set.early;
    for (int i = 0; i < r->parts; i++) {
        search |= r->part[i]->searches, r->plain &= r->part[i]->plain;
        r->early |= r->part[i]->early;
    }
    r->tries = search ? c->strengths : 1;
    return GOSS_OK;
}

/* "MODEL/REGULARIZER" is that row alone. */
static goss_status rows_of_model(goss_compare *c, const char *name, void *context, goss_error *err) {
    const goss__variant *model;
    char own[80];
    const size_t n = strcspn(name, "/");
    (void)context;
    snprintf(own, sizeof own, "%.*s", (int)n, name);
    GOSS_TRY(goss__variant_model(c, own, &model, err));
    if (name[n]) return row_of(c, name + n + 1, (void *)model, err);
    const int before = c->rows;
    GOSS_TRY(each_name(c, "compare.regularizers", c->set.regularizers, row_of, (void *)model, err));
    if (c->rows > before) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "compare.regularizers names nothing, and model %s gets each that it names: none is the model "
                          "without one",
                          own);
}

static goss_status closed_row(goss_compare *c, const char *name, void *context, goss_error *err) {
    goss__row *r;
    const goss__closed_form *form = goss__closed_form_find(name);
    (void)context;
    if (!form)
        return goss_error_set(err, GOSS_E_ARGUMENT, "compare.closed: there is no closed form %s; there are %s", name,
                              goss__closed_forms);
    GOSS_TRY(add_row(c, name, &r, err));
    r->regularizer = goss__strdup("none"), r->closed = form, r->plain = form->plain;
    return r->regularizer ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory for rows");
}

static goss_status closed_rows(goss_compare *c, bool table, goss_error *err) {
    const char *word = c->set.closed;
    const bool by_kind = strcmp(word, "auto") == 0;
    if (strcmp(word, "none") == 0 || (by_kind && !table)) return GOSS_OK;
    if (!table)
        return goss_error_set(err, GOSS_E_ARGUMENT, "compare.closed = %.60s: closed forms are for rows of tables",
                              word);
    return each_name(c, "compare.closed", by_kind ? goss__closed_forms : word, closed_row, NULL, err);
}

/* ---- what all rows have in common ---- */

/* Images in tasks may have a folder of test images, which no share is about. */
static bool may_have_test_folder(const goss_config *base) {
    return *goss_config_text(base, "data.tasks") || strcmp(goss_config_text(base, "data.task"), "folder") == 0;
}

static goss_status check_split(goss_compare *c, const goss_config *base, goss_error *err) {
    const char *text = goss_config_text(base, "data.split");
    const bool shares = goss__numbers_parse(text, c->split, 3) == 3 && c->split[1] > 0;
    if (!shares || !(c->split[2] > 0 || may_have_test_folder(base)))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "data.split = %.40s: a comparison trains on some samples of each task, chooses by others "
                              "and judges by others again: give three shares, as .6,.15,.25",
                              *text ? text : "(not set)");
    if (c->folds > 1 && !(c->split[2] * c->folds > .999 && c->split[2] * c->folds < 1.001))
        return goss_error_set(
            err, GOSS_E_ARGUMENT,
            "compare.folds = %d, but %g of the samples are for testing (data.split): of %d folds each "
            "has 1/%d",
            c->folds, c->split[2], c->folds, c->folds);
    return GOSS_OK;
}

/* What the comparison writes is nothing that it reads, and no table of somebody else's. */
static goss_status check_folder(const goss_compare *c, const goss_config *base, goss_error *err) {
    const char *dir = c->set.dir, *data = goss_config_text(base, "data.path");
    char tasks[4200], cells[4200];
    if (snprintf(tasks, sizeof tasks, "%s/tasks.csv", dir) >= (int)sizeof tasks)
        return goss_error_set(err, GOSS_E_ARGUMENT, "compare.dir: the path is too long");
    snprintf(cells, sizeof cells, "%s/cells", dir);
    if (*data && goss__lies_in(dir, data))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "compare.dir = %s lies in the folder of the data (data.path): name another, as "
                              "compare.dir=runs/school",
                              dir);
    const char *key = goss__run_input_at(base, tasks);
    if (key)
        return goss_error_set(
            err, GOSS_E_ARGUMENT,
            "%s: the comparison would write over %s; name another compare.dir, or a copy of that file", key, tasks);
    if (!goss__path_exists(tasks) || goss__is_dir(cells)) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "compare.dir: %s is there, a comparison writes a file of that name, and no comparison has "
                          "written this one: name another folder",
                          tasks);
}

static goss_status check_base(goss_compare *c, bool *table, goss_error *err) {
    int n;
    goss_config *base;
    goss__run_settings set;
    const goss_key *all = goss_train_keys(&n);
    GOSS_TRY(goss_config_new(all, n, &base, err));
    goss_status s = GOSS_OK;
    for (int i = 0; s == GOSS_OK && i < c->base.n; i++) {
        const goss__setting *one = &c->base.v[i];
        s = goss_config_set(base, one->key, one->value, err);
        if (one->line) s = goss_error_prefix(err, s, "%s:%d", c->path, one->line);
    }
    if (s == GOSS_OK) s = check_split(c, base, err);
    if (s == GOSS_OK) s = goss__run_settings_read(base, &set, err);
    if (s == GOSS_OK && !*set.data.path)
        s = goss_error_set(err, GOSS_E_ARGUMENT, "data.path is not set: a table or images, as data.path=school.csv");
    if (s == GOSS_OK) s = goss__run_data_is_there(&set, err);
    if (s == GOSS_OK) s = check_folder(c, base, err);
    if (s == GOSS_OK && (set.train.minutes > 0 || set.train.steps == 0))
        s = goss_error_set(err, GOSS_E_ARGUMENT,
                           "a comparison counts its budget in steps, which are the same on every machine: set "
                           "train.steps, and train.minutes=0");
    if (s == GOSS_OK && set.validate.every == 0)
        s = goss_error_set(err, GOSS_E_ARGUMENT,
                           "validate.every = 0, but strengths and steps are chosen by validation: set how many steps "
                           "are between two");
    if (s == GOSS_OK) *table = strcmp(goss__run_data_kind(&set, NULL)->name, "table") == 0;
    goss_config_free(base);
    return s;
}

static goss_status read_strengths(goss_compare *c, goss_error *err) {
    const char *text = c->set.strengths;
    c->strengths = goss__numbers_parse(text, c->strength, GOSS__STRENGTHS_MOST);
    for (int i = 0; i < c->strengths; i++)
        if (!(c->strength[i] > 0)) c->strengths = -1;
    if (c->strengths > 0) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "compare.strengths: \"%.60s\" is no list of up to %d numbers above 0, as .01 .1 1", text,
                          GOSS__STRENGTHS_MOST);
}

static goss_status read_noises(goss_compare *c, goss_error *err) {
    const char *text = c->set.noise;
    if (!*text) return GOSS_OK;
    c->noises.n = goss__numbers_parse(text, c->noises.level, GOSS__NOISES);
    for (int i = 0; i < c->noises.n; i++)
        if (!(c->noises.level[i] > 0)) c->noises.n = -1;
    if (c->noises.n > 0) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "compare.noise: \"%.60s\" is no list of up to %d numbers above 0, as .1 .3", text,
                          GOSS__NOISES);
}

static goss_status read_ranks(goss_compare *c, goss_error *err) {
    char *list = goss__strdup(c->set.ranks), *rest = list, *word;
    if (!list) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a list");
    goss_status s = GOSS_OK;
    while (s == GOSS_OK && (word = next_word(&rest))) {
        char *room = c->ranks.n < GOSS__RANKS ? c->ranks.pattern[c->ranks.n++] : NULL;
        if (!room || strlen(word) >= sizeof *c->ranks.pattern || strpbrk(word, " \t"))
            s = goss_error_set(err, GOSS_E_ARGUMENT,
                               "compare.ranks: \"%.60s\" is no list of up to %d patterns of published values, as "
                               "features/*, embedding/task",
                               c->set.ranks, GOSS__RANKS);
        else
            snprintf(room, sizeof *c->ranks.pattern, "%s", word);
    }
    goss__free(list);
    return s;
}

static bool has_variant(const goss_compare *c, const char *name, size_t n) {
    for (int k = 0; k < c->variants; k++)
        if (strlen(c->variant[k]->name) == n && strncmp(c->variant[k]->name, name, n) == 0) return true;
    return false;
}

/* Sections that no row is made of: no error, since a list on the command line may be shorter than that of the file. */
static void tell_unused(const goss_compare *c) {
    goss__str all = {0};
    size_t last = 0; /* where the last section starts in `all` */
    int n = 0;
    for (int i = 0; i < c->sections.n; i++) {
        char section[80];
        const char *key = c->sections.v[i].key, *name = strchr(key, '.') + 1;
        const size_t size = strcspn(name, ".");
        snprintf(section, sizeof section, "[%.*s]", (int)(name - key) + (int)size, key);
        if (has_variant(c, name, size) || (n && strcmp(section, all.data + last) == 0)) continue;
        if (n++) goss__str_add(&all, ", ");
        last = all.size;
        goss__str_add(&all, section);
        if (all.failed) break;
    }
    if (n && !all.failed)
        goss__log(GOSS_LOG_WARN, "%s ha%s no effect: no row of the comparison has %s", all.data, n == 1 ? "s" : "ve",
                  n == 1 ? "it" : "them");
    goss__str_free(&all);
}

static bool row_sets(const goss__row *r, const char *key) {
    bool sets = goss__settings_get(&r->model->set, key) != NULL;
    for (int i = 0; i < r->parts; i++) sets = sets || goss__settings_get(&r->part[i]->set, key);
    return sets;
}

/* Warns of keys of the command line that every row overrides. Keys of the file are exempt, since `gossamer train`
 * reads the same file. */
static void tell_replaced(const goss_compare *c) {
    for (int i = 0; i < c->base.n; i++) {
        const goss__setting *one = &c->base.v[i];
        int trained = 0, set = 0;
        for (int k = 0; k < c->rows; k++)
            if (!c->row[k].closed) trained++, set += row_sets(&c->row[k], one->key);
        if (!one->line && trained && set == trained)
            goss__log(
                GOSS_LOG_WARN,
                "%s = %.60s has no effect: each row has a value of its own; [model.NAME] %s = ... sets it for one",
                one->key, one->value, one->key);
    }
}

/* What the protocol decides: the same file may serve gossamer train, so that it is no error. */
static void tell_overruled(const goss_compare *c) {
    static const char *const keys_and_why[][2] = {
        {"run.dir", "results are in compare.dir"},
        {"run.threads", "each training has one thread, and compare.jobs of them run at a time"},
        {"method.joint", "a joint network is a row of its own"},
    };
    for (size_t i = 0; i < sizeof keys_and_why / sizeof *keys_and_why; i++)
        if (goss__settings_get(&c->base, keys_and_why[i][0]))
            goss__log(GOSS_LOG_WARN, "%s has no effect in a comparison: %s", keys_and_why[i][0], keys_and_why[i][1]);
}

static goss_status plan(goss_compare *c, goss_error *err) {
    bool table = false;
    GOSS_TRY(goss_config_bind(c->own, keys, sizeof keys / sizeof *keys, &c->set, err));
    c->seeds = c->set.seeds, c->folds = c->set.folds > 0 ? c->set.folds : 1;
    if (!*c->set.dir)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "compare.dir is not set: the folder for what each training gives, as "
                              "compare.dir=runs/school");
    GOSS_TRY(read_strengths(c, err));
    GOSS_TRY(read_noises(c, err));
    GOSS_TRY(read_ranks(c, err));
    GOSS_TRY(check_base(c, &table, err));
    if (c->folds > 1 && !table)
        return goss_error_set(err, GOSS_E_ARGUMENT, "compare.folds = %d: only rows of tables have folds", c->folds);
    GOSS_TRY(closed_rows(c, table, err));
    GOSS_TRY(each_name(c, "compare.models", c->set.models, rows_of_model, NULL, err));
    if (c->rows == 0) return goss_error_set(err, GOSS_E_ARGUMENT, "compare.models names no model");
    tell_unused(c);
    tell_replaced(c);
    tell_overruled(c);
    return GOSS_OK;
}

/* ---- life ---- */

goss_status goss_compare_open(const char *path, const char *const *settings, int n, goss_compare **out,
                              goss_error *err) {
    int count;
    const goss_key *own = goss_compare_keys(&count);
    *out = NULL;
    goss_compare *c = goss__calloc(1, sizeof *c);
    if (!c) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a comparison");
    c->path = goss__strdup(path);
    goss_status s = c->path ? goss_config_new(own, count, &c->own, err)
                            : goss_error_set(err, GOSS_E_NOMEM, "no memory for a comparison");
    if (s == GOSS_OK) s = read_file(c, err);
    if (s == GOSS_OK) s = take_words(c, settings, n, err);
    if (s == GOSS_OK) s = plan(c, err);
    if (s == GOSS_OK)
        *out = c;
    else
        goss_compare_free(c);
    return s;
}

void goss_compare_free(goss_compare *c) {
    if (!c) return;
    for (int i = 0; i < c->rows; i++) goss__free(c->row[i].name), goss__free(c->row[i].regularizer);
    for (int i = 0; i < c->variants; i++) goss__variant_free(c->variant[i]);
    goss__free(c->row);
    goss__settings_free(&c->base), goss__settings_free(&c->sections);
    goss_config_free(c->own);
    goss__free(c->path);
    goss__free(c);
}

int goss_compare_cells(const goss_compare *c) { return c->rows * c->seeds * c->folds; }
const char *goss_compare_folder(const goss_compare *c) { return c->set.dir; }
