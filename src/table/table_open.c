/* SPDX-License-Identifier: Apache-2.0 */
/* table_open.c: opens tables: the registry of readers, and the passes over the files. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/os.h"
#include "table/csv_dialect.h"
#include "table/table_build.h"
#include "table/table_source.h"

/* The order matters: csv accepts any text. */
static const goss__table_reader *const readers[] = {&goss__read_npz, &goss__read_npy, &goss__read_arff,
                                                    &goss__read_csv};
enum { READERS = sizeof readers / sizeof *readers };

const goss__table_reader *goss__table_reader_for(const goss__bytes *b) {
    for (int i = 0; i < READERS; i++)
        if (readers[i]->is(b)) return readers[i];
    return NULL;
}

bool goss__table_name_fits(const char *name) {
    for (int i = 0; i < READERS; i++) {
        for (const char *p = readers[i]->endings; *p;) {
            char end[16];
            size_t n = strcspn(++p, " ");
            memcpy(end, p, n);
            end[n] = 0;
            if (goss__ascii_ends(name, end)) return true;
            p += n;
        }
    }
    return false;
}

/* The most usual first. */
void goss__table_endings(goss__str *s) {
    for (int i = READERS - 1; i >= 0; i--)
        for (const char *p = readers[i]->endings; *p; p += strcspn(p, " "))
            p++, goss__str_addf(s, "%s%.*s", i < READERS - 1 || p > readers[i]->endings + 1 ? ", " : "",
                                (int)strcspn(p, " "), p);
}

/* The kind of a file that cannot be csv; NULL: a text, or unknown. */
static const goss__known *foreign(const goss__bytes *b) {
    const goss__known *known = b->size ? goss__recognise(b->data, b->size) : NULL;
    return known && known->plain ? NULL : known;
}

/* ---- passes ---- */

/* The class of a text is its folder; NULL: it is in none. */
static goss_status read_text(goss__build *b, int file, const char *name, const goss__bytes *bytes, goss_error *err) {
    const char *slash = strrchr(name, '/');
    char *class = slash ? goss__strdup(name) : NULL;
    if (slash && !class) return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to read it", bytes->name);
    if (class) class[slash - name] = 0;
    if (file == 0)
        snprintf(b->t->format, sizeof b->t->format, "texts in a file each%s", slash ? ", in folders of classes" : "");
    goss_status s = goss__build_file(b, file, name, err);
    b->sink.name = bytes->name;
    if (s == GOSS_OK) s = goss__read_text_file(bytes, class, &b->sink, err);
    goss__free(class);
    return s;
}

/* Length of a name's first folder if it is a division of the data, with folders of classes in it; 0: it is none. */
static int division_of(const char *name) {
    static const char *const divisions[] = {"train", "training", "test",       "testing",
                                            "val",   "valid",    "validation", "dev"};
    const char *slash = strchr(name, '/');
    for (size_t i = 0; slash && strchr(slash + 1, '/') && i < sizeof divisions / sizeof *divisions; i++)
        if (strlen(divisions[i]) == (size_t)(slash - name) && strncmp(name, divisions[i], (size_t)(slash - name)) == 0)
            return (int)(slash - name);
    return 0;
}

/* train/CLASS/NAME.txt and test/CLASS/NAME.txt: the classes of both would be taken for different ones. */
static goss_status check_texts(const goss__parts *p, goss_error *err) {
    for (size_t i = 0; p->texts && i < p->count; i++) {
        const int n = division_of(p->part[i].name);
        if (n > 0)
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "%s: %.*s in it is a part of the data and no class: give such a folder, as %s/%.*s",
                                  p->path, n, p->part[i].name, p->path, n, p->part[i].name);
    }
    if (p->texts && p->inner_others > 0)
        goss__log(GOSS_LOG_WARN, "%s: %zu files that are no texts (.txt) are left out of its folders, as %s", p->path,
                  p->inner_others, p->stray);
    if (p->passed_over > 0)
        goss__log(GOSS_LOG_WARN, "%s: %zu texts (.txt) in it are left out: %s", p->path, p->passed_over,
                  p->texts ? "they are in no folder of a class" : "there are tables");
    return GOSS_OK;
}

static goss_status read_bytes(goss__build *b, int file, const char *name, const goss__bytes *bytes, goss_error *err) {
    const goss__table_reader *reader = goss__table_reader_for(bytes);
    GOSS_TRY(goss__build_file(b, file, name, err));
    b->sink.name = bytes->name;
    const goss__known *other = reader == &goss__read_csv ? foreign(bytes) : NULL;
    if (other) return goss__not_a(bytes->name, other, GOSS__TABLE, err);
    GOSS_TRY(reader->read(bytes, &b->sink, err));
    if (file == 0 && !b->texts) {
        b->t->decimal = b->sink.decimal;
        memcpy(b->t->format, b->sink.format, sizeof b->t->format);
    }
    return GOSS_OK;
}

typedef goss_status (*pass)(goss__build *b, const void *what, goss_error *err);

static goss_status parts_pass(goss__build *b, const void *what, goss_error *err) {
    const goss__parts *p = what;
    for (size_t i = 0; i < p->count; i++) {
        goss__part_bytes bytes;
        GOSS_TRY(goss__part_load(p, i, &bytes, err));
        goss_status s = (p->texts ? read_text : read_bytes)(b, (int)i, p->part[i].name, &bytes.bytes, err);
        goss__part_drop(&bytes);
        GOSS_TRY(s);
    }
    return GOSS_OK;
}

static goss_status bytes_pass(goss__build *b, const void *what, goss_error *err) {
    const goss__bytes *bytes = what;
    return read_bytes(b, 0, bytes->name, bytes, err);
}

static goss_status passes(goss__build *b, pass run, const void *what, goss_error *err) {
    bool again;
    GOSS_TRY(run(b, what, err));
    GOSS_TRY(goss__build_types(b, &again, err));
    if (again) {
        const int rows = b->t->rows;
        b->texts = true, b->t->rows = 0;
        GOSS_TRY(run(b, what, err));
        if (b->t->rows != rows)
            return goss_error_set(err, GOSS_E_IO, "%s: the file changed while it was read", goss_table_path(b->t));
    }
    return goss__build_end(b, err);
}

static goss_status check_options(const goss_table_options *o, goss_error *err) {
    if (o->separator && !strchr(",;\t| ", o->separator))
        return goss_error_set(err, GOSS_E_ARGUMENT, "separator '%c': one of , ; | tab and blank", o->separator);
    if (o->decimal && o->decimal != '.' && o->decimal != ',')
        return goss_error_set(err, GOSS_E_ARGUMENT, "decimal sign '%c': . or ,", o->decimal);
    if (o->decimal == ',' && o->separator == ',')
        return goss_error_set(err, GOSS_E_ARGUMENT, "the comma is the separator and the decimal sign");
    return GOSS_OK;
}

static goss_status build(const goss_table_options *options, size_t files, const char *folder, pass run,
                         const void *what, goss_table **out, goss_error *err) {
    const goss_table_options defaults = goss_table_options_defaults();
    goss__build b = {.options = options ? options : &defaults, .folder = folder};
    *out = NULL;
    GOSS_TRY(check_options(b.options, err));
    if (!goss__missing_words_set(&b.missing, b.options->missing))
        return goss_error_set(err, GOSS_E_ARGUMENT, "the list of missing values is longer than 250 bytes");
    b.t = goss__calloc(1, sizeof *b.t);
    if (b.t) b.t->file = goss__calloc(files, sizeof *b.t->file);
    goss_status s = b.t && b.t->file ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory for a table");
    if (s == GOSS_OK && folder && !(b.t->folder = goss__arena_strdup(&b.t->arena, folder)))
        s = goss_error_set(err, GOSS_E_NOMEM, "no memory for a table");
    if (s == GOSS_OK && b.options->missing && !(b.t->missing = goss__arena_strdup(&b.t->arena, b.options->missing)))
        s = goss_error_set(err, GOSS_E_NOMEM, "no memory for a table");
    if (s == GOSS_OK) {
        b.t->files = (int)files, b.t->file_column = -1;
        s = passes(&b, run, what, err);
    }
    if (s == GOSS_OK)
        *out = b.t;
    else
        goss_table_close(b.t);
    goss__build_free(&b);
    return s;
}

goss_status goss_table_open(const char *path, const goss_table_options *options, goss_table **out, goss_error *err) {
    goss__parts p;
    *out = NULL;
    GOSS_TRY(goss__parts_open(path, &p, err));
    goss_status s = check_texts(&p, err);
    if (s == GOSS_OK) s = build(options, p.count, p.folder || p.zip ? path : NULL, parts_pass, &p, out, err);
    goss__parts_close(&p);
    return s;
}

goss_status goss_table_read(const void *data, size_t size, const char *name, const goss_table_options *options,
                            goss_table **out, goss_error *err) {
    const goss__bytes b = {.name = name, .data = data, .size = size};
    return build(options, 1, NULL, bytes_pass, &b, out, err);
}

bool goss_table_becomes(const char *path) {
    goss__map m;
    if (goss__is_dir(path) || goss__map_file(path, &m, NULL) != GOSS_OK) return false;
    const goss__bytes b = {.name = path, .data = m.data, .size = m.size};
    const goss__known *known = goss__table_reader_for(&b) == &goss__read_csv ? foreign(&b) : NULL;
    const bool becomes = known && goss__known_advice(known, GOSS__TABLE) && !goss__known_advice(known, GOSS__MODEL);
    goss__unmap(&m);
    return becomes;
}

bool goss_table_is(const char *path) {
    goss__parts p;
    goss_error err;
    if (goss__parts_open(path, &p, &err) != GOSS_OK) return false;
    bool is = p.images == 0;
    if (is && !p.folder && !p.zip) {
        const goss__bytes b = {.name = path, .data = p.map.data, .size = p.map.size};
        is = goss__table_name_fits(path) || goss__table_reader_for(&b) != &goss__read_csv ||
             (b.size > 0 && !foreign(&b) && goss__csv_likely(&b));
    }
    goss__parts_close(&p);
    return is;
}
