/* SPDX-License-Identifier: Apache-2.0 */
/* list_csv.c: recordings listed in a csv file: columns file and class (or path, label; small letters or capitals), all
 * others are fields. Whether the files are there is seen when they are read. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/str.h"
#include "sound/files.h"
#include "table/csv_dialect.h"

typedef struct reader {
    goss__sound_list *list;
    const char *path;
    char *folder; /* of the csv file; NULL: the present one */
    int columns, file, cls;
    int field[GOSS__SOUND_FIELDS]; /* columns of the fields */
    bool unlabelled;               /* classes are not asked for, nor a column of them */
    bool look;                     /* reads two lines: is this a list of sounds? */
    bool found;
} reader;

static bool is(const char *cell, const char *a, const char *b) {
    return goss__ascii_same(cell, a) || goss__ascii_same(cell, b);
}

static goss_status bad(const reader *r, size_t line, const char *why, goss_error *err) {
    return goss_error_set(err, GOSS_E_FORMAT, "%s:%zu: %s", r->path, line, why);
}

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "no memory for file names"); }

static goss_status add_field(reader *r, size_t line, int column, const char *name, goss_error *err) {
    goss__sound_list *l = r->list;
    if (l->fields == GOSS__SOUND_FIELDS) return bad(r, line, "more than 32 fields", err);
    for (int i = 0; i < l->fields; i++)
        if (strcmp(l->field_name[i], name) == 0)
            return goss_error_set(err, GOSS_E_FORMAT, "%s:%zu: the header names the column %.60s twice", r->path, line,
                                  name);
    r->field[l->fields] = column;
    l->field_name[l->fields] = goss__arena_strdup(&l->arena, name);
    return l->field_name[l->fields++] ? GOSS_OK : no_memory(err);
}

static goss_status read_header(reader *r, size_t line, const char *const *cells, int n, goss_error *err) {
    r->file = r->cls = -1;
    r->columns = n;
    for (int i = 0; i < n; i++) {
        if (r->file < 0 && is(cells[i], "file", "path"))
            r->file = i;
        else if (r->cls < 0 && is(cells[i], "class", "label"))
            r->cls = i;
        else
            GOSS_TRY(add_field(r, line, i, cells[i], err));
    }
    if (r->file < 0) return bad(r, line, "there is no column file (or path)", err);
    return r->cls >= 0 || r->unlabelled ? GOSS_OK : bad(r, line, "there is no column class (or label)", err);
}

static goss_status read_file(reader *r, size_t line, const char *const *cells, goss_error *err) {
    goss__sound_list *l = r->list;
    const char *name = cells[r->file];
    if (!*name) return bad(r, line, "no file", err);
    if (!r->unlabelled && !*cells[r->cls]) return bad(r, line, "no class", err);
    goss__sound_file *f = goss__sound_list_add(l);
    const char **field = goss__arena_alloc(&l->arena, (size_t)(l->fields + 1) * sizeof *field);
    if (!f || !field) return no_memory(err);
    f->name = goss__arena_strdup(&l->arena, name);
    f->path = *name == '/' || !r->folder ? f->name : goss__arena_printf(&l->arena, "%s/%s", r->folder, name);
    f->cls = r->unlabelled ? "" : goss__arena_strdup(&l->arena, cells[r->cls]);
    f->line = line;
    bool whole = f->name && f->path && f->cls;
    for (int i = 0; i < l->fields; i++) whole &= (field[i] = goss__arena_strdup(&l->arena, cells[r->field[i]])) != NULL;
    f->field = field;
    return whole ? GOSS_OK : no_memory(err);
}

static goss_status read_row(void *context, size_t line, const char *const *cells, int n, goss_error *err) {
    reader *r = context;
    if (!r->columns) return read_header(r, line, cells, n, err);
    if (n != r->columns)
        return goss_error_set(err, GOSS_E_FORMAT, "%s:%zu: %d cells, and the header has %d", r->path, line, n,
                              r->columns);
    if (!r->look) return read_file(r, line, cells, err);
    r->found = goss__sound_name(cells[r->file]);
    return goss_error_set(err, GOSS_E_ARGUMENT, "seen enough");
}

/* What separates the cells of the first line. */
static char separator_of(const char *data) {
    static const char candidates[] = ",;\t";
    char best = ',';
    size_t most = 0;
    for (const char *c = candidates; *c; c++) {
        size_t n = 0;
        for (const char *at = data; *at && *at != '\n'; at++) n += *at == *c;
        if (n > most) most = n, best = *c;
    }
    return best;
}

static goss_status run(reader *r, size_t limit, goss_error *err) {
    char *data;
    size_t size;
    GOSS_TRY(goss__read_file(r->path, limit, &data, &size, err));
    const size_t skip = strncmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; /* a byte order mark */
    const goss__csv_input in = {.name = r->path,
                                .data = (const uint8_t *)data + skip,
                                .size = size - skip,
                                .first_line = 1,
                                .separator = separator_of(data),
                                .row = read_row,
                                .context = r};
    goss_status s = goss__csv_check_text(&(goss__bytes){r->path, (const uint8_t *)data, size}, err);
    if (s == GOSS_OK) s = goss__csv_run(&in, err);
    goss__free(data);
    return s;
}

bool goss__sound_csv_is(const char *path) {
    enum { LIMIT = 1 << 26 };
    goss__sound_list list = {0};
    goss_error err;
    reader r = {.list = &list, .path = path, .look = true};
    if (!goss__ascii_ends(path, ".csv") && !goss__ascii_ends(path, ".tsv")) return false;
    const goss_status s = run(&r, LIMIT, &err);
    goss__sound_list_free(&list);
    return s != GOSS_OK && r.found;
}

goss_status goss__sound_csv_read(goss__sound_list *l, const char *path, bool unlabelled, goss_error *err) {
    enum { LIMIT = 1 << 28 };
    reader r = {.list = l, .path = path, .unlabelled = unlabelled};
    r.folder = goss__arena_strdup(&l->arena, path);
    if (!r.folder) return no_memory(err);
    if (!goss__path_up(r.folder)) r.folder = NULL;
    GOSS_TRY(run(&r, LIMIT, err));
    return l->n ? GOSS_OK : goss_error_set(err, GOSS_E_FORMAT, "%s: it lists no file", path);
}
