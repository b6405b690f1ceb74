/* SPDX-License-Identifier: Apache-2.0 */
/* data_guess.c: data.kind = auto: the reader that takes what is at a path, and the error where there is none. Each row
 * of the table says what its reader reads, from the reader's own list. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/os.h"
#include "base/str.h"
#include "data/source.h"
#include "gossamer/sound.h"
#include "gossamer/table.h"
#include "gossamer/train.h"
#include "recommend/recommend.h"
#include "sound/files.h"
#include "table/table.h"
#include "train/run_data.h"

/* In this order. Ratings come before tables: a folder with ratings.csv is one of csv files, too. The last one is tried
 * on what none takes. */
static const struct {
    const goss__data_kind *kind;
    const char *things;
    bool (*is)(const char *path);
    void (*list)(goss__str *s); /* what its files are called, or are */
} readers[] = {
    {&goss__data_sound, "sounds", goss_sounds_is, goss__sound_endings},
    {&goss__data_ratings, "ratings", goss_ratings_is, goss__rating_files},
    {&goss__data_table, "tables", goss_table_is, goss__table_endings},
    {&goss__data_images, "images", NULL, goss__kinds_read},
};
enum { READERS = sizeof readers / sizeof *readers, ENDINGS = 32, ENDINGS_SHOWN = 6 };

const goss__data_kind *goss__data_guess(const char *path) {
    int i = 0;
    while (i < READERS - 1 && !readers[i].is(path)) i++;
    return readers[i].kind;
}

const char *goss_train_data_kind(const char *path) { return goss__data_guess(path)->name; }

/* "images, tables, ratings or sounds", each with its list if `files`. */
static void name_readers(goss__str *s, bool files) {
    for (int i = READERS - 1; i >= 0; i--) {
        goss__str_add(s, readers[i].things);
        if (files) {
            goss__str_add(s, " (");
            readers[i].list(s);
            goss__str_add(s, ")");
        }
        goss__str_add(s, i > 1 ? ", " : i == 1 ? " or " : "");
    }
}

/* Takes the text. */
static goss_status refuse(goss__str *text, goss_error *err) {
    const goss_status s = text->failed ? goss_error_set(err, GOSS_E_NOMEM, "no memory for a message")
                                       : goss_error_set(err, GOSS_E_FORMAT, "%s", text->data);
    goss__str_free(text);
    return s;
}

/* ---- files ---- */

/* The advice for images names tables, too, where a format holds either. */
static const char *advice_for(const goss__known *known) {
    if (known->plain) return "a table with one column is called .csv; of images and sounds name the folder";
    return goss__known_advice(known, known->convert[GOSS__IMAGES] ? GOSS__IMAGES : GOSS__TABLE);
}

static goss_status refuse_file(const char *path, const goss__known *known, goss_error *err) {
    goss__str s = {0};
    goss__str_addf(&s, known ? "%s: is %s, not " : "%s: neither a folder nor a file of a kind that is read: ", path,
                   known ? known->what : "");
    name_readers(&s, !known);
    if (known && advice_for(known)) goss__str_addf(&s, "; %s", advice_for(known));
    return refuse(&s, err);
}

/* ---- folders and archives ---- */

typedef struct ending {
    char text[20];
    size_t files;
} ending;

typedef struct census {
    ending of[ENDINGS];
    int n;
    size_t files, others; /* others: of endings beyond those */
    const goss__item *first;
} census;

static int by_files(const void *a, const void *b) {
    const ending *x = a, *y = b;
    if (x->files != y->files) return x->files > y->files ? -1 : 1;
    return strcmp(x->text, y->text);
}

static void count_file(census *c, const goss__item *item) {
    const char *slash = strrchr(item->path, '/'), *dot = strrchr(slash ? slash : item->path, '.');
    char text[sizeof c->of->text];
    int i = 0;
    snprintf(text, sizeof text, "%s", dot && strlen(dot) < sizeof text ? dot : "of other names");
    for (char *at = text; *at; at++) *at = goss__ascii_lower(*at);
    if (!c->first || (item->why && !c->first->why)) c->first = item;
    c->files++;
    while (i < c->n && strcmp(c->of[i].text, text) != 0) i++;
    if (i == ENDINGS) {
        c->others++;
        return;
    }
    if (i == c->n) snprintf(c->of[c->n++].text, sizeof text, "%s", text);
    c->of[i].files++;
}

/* "2 .pdf, 1 .md" */
static void name_endings(goss__str *s, census *c) {
    qsort(c->of, (size_t)c->n, sizeof *c->of, by_files);
    for (int i = 0; i < c->n && i < ENDINGS_SHOWN; i++)
        goss__str_addf(s, "%s%zu %s", i ? ", " : "", c->of[i].files, c->of[i].text);
    for (int i = ENDINGS_SHOWN; i < c->n; i++) c->others += c->of[i].files;
    if (c->others) goss__str_addf(s, ", %zu others", c->others);
}

/* What one of the files is, and what to do with it. */
static void name_first(goss__str *s, const char *folder, const goss__item *first) {
    goss_error none;
    goss__map m;
    goss__str_add(s, first->path);
    if (first->why) goss__str_addf(s, ": %s", first->why);
    char *path = first->why || !goss__is_dir(folder) ? NULL : goss__path_join(folder, first->path);
    if (path && goss__map_file(path, &m, &none) == GOSS_OK) {
        const goss__known *known = goss__recognise(m.data, m.size);
        const char *advice = known && !known->plain ? advice_for(known) : NULL;
        if (known) goss__str_addf(s, ": %s%s%s", known->what, advice ? "; " : "", advice ? advice : "");
        goss__unmap(&m);
    }
    goss__free(path);
}

static goss_status refuse_folder(const goss__source *in, goss_error *err) {
    census c = {.n = 0};
    goss__str s = {0};
    for (size_t i = 0; i < in->count; i++) {
        if (in->items[i].flaw == GOSS__SOUND) return GOSS_OK;
        if (in->items[i].flaw != GOSS__FOLDER) count_file(&c, &in->items[i]);
    }
    if (goss__source_set_in(in)) return GOSS_OK; /* the reader of images names it */
    goss__str_addf(&s, "%s: holds nothing that is read", in->path);
    if (c.files == 0) goss__str_add(&s, "; it is empty");
    if (c.files) {
        goss__str_addf(&s, ": %zu file%s (", c.files, c.files == 1 ? "" : "s");
        name_endings(&s, &c);
        goss__str_add(&s, c.files == 1 ? "), " : "), as ");
        name_first(&s, in->path, c.first);
    }
    goss__str_add(&s, ". What is read: ");
    name_readers(&s, true);
    return refuse(&s, err);
}

static goss_status look_inside(const char *path, goss_error *err) {
    goss__source in;
    if (goss__source_list_plain(path, &in, err) != GOSS_OK) return GOSS_OK; /* the reader says why */
    const goss_status s = refuse_folder(&in, err);
    goss__source_close(&in);
    return s;
}

static goss_status look_at_file(const char *path, const goss__map *m, goss_error *err) {
    const goss__known *known = m->size ? goss__recognise(m->data, m->size) : NULL;
    if (goss__kind_of_bytes(m->data, m->size) || goss__idx_is(m->data, m->size)) return GOSS_OK;
    return known && known->archive ? look_inside(path, err) : refuse_file(path, known, err);
}

goss_status goss_train_data_known(const char *path, goss_error *err) {
    goss__map m;
    if (!goss__path_exists(path) || goss__data_guess(path) != readers[READERS - 1].kind) return GOSS_OK;
    if (goss__is_dir(path)) return look_inside(path, err);
    if (goss__map_file(path, &m, err) != GOSS_OK) return GOSS_OK;
    const goss_status s = look_at_file(path, &m, err);
    goss__unmap(&m);
    return s;
}
