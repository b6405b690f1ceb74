/* SPDX-License-Identifier: Apache-2.0 */
/* table_source.c: the files of a path. In a folder or .zip these are the ones with a table's extension, or texts in
 * folders of their classes, in byte order of their names, independent of the file system. */
#include "table/table_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/folder.h"

static bool is_text_name(const char *name) { return goss__ascii_ends(name, ".txt"); }

static goss_status add(goss__parts *p, const char *name, uint64_t index, goss_error *err) {
    if (p->count == p->capacity) {
        size_t capacity = p->capacity ? 2 * p->capacity : 16;
        goss__part *grown = goss__realloc(p->part, capacity * sizeof *grown);
        if (!grown) return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to list it", p->path);
        p->part = grown, p->capacity = capacity;
    }
    p->part[p->count] =
        (goss__part){.name = goss__arena_strdup(&p->arena, name), .index = index, .text = is_text_name(name)};
    if (!p->part[p->count].name) return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to list it", p->path);
    p->count++;
    return GOSS_OK;
}

static bool is_image_name(const char *name) {
    static const char *const ends[] = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (goss__ascii_ends(name, ends[i])) return true;
    return false;
}

static bool is_wanted(const char *name) { return goss__table_name_fits(name) || is_text_name(name); }

static goss_status pass_over(goss__parts *p, const char *name, goss_error *err) {
    p->others++, p->images += is_image_name(name);
    if (!strchr(name, '/') || p->inner_others++ > 0) return GOSS_OK;
    p->stray = goss__arena_strdup(&p->arena, name);
    return p->stray ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to list it", p->path);
}

enum { A_TABLE, CLASSED, PLAIN }; /* a text in the folder of its class, or beside such folders */
static int kind_of(const goss__part *part) { return !part->text ? A_TABLE : strchr(part->name, '/') ? CLASSED : PLAIN; }

/* Files that got among texts are few; where they are many, as recordings are, texts are notes beside them. */
static bool are_strays(size_t others, size_t texts) { return others * 20 <= texts; }

/* Notes beside tables are not texts, nor are those beside other things in folders of classes. Texts of no class are to
 * be predicted: a folder of them alone. */
static void choose_texts(goss__parts *p) {
    size_t n[3] = {0}, kept = 0;
    for (size_t i = 0; i < p->count; i++) n[kind_of(&p->part[i])]++;
    const bool classed = n[A_TABLE] == 0 && n[CLASSED] > 0 && are_strays(p->inner_others, n[CLASSED]);
    const bool plain = n[A_TABLE] + n[CLASSED] == 0 && p->others == 0;
    const int keep = classed ? CLASSED : plain ? PLAIN : A_TABLE;
    p->texts = keep != A_TABLE && n[keep] > 0;
    p->passed_over = classed ? n[PLAIN] : n[A_TABLE] > 0 ? n[CLASSED] : 0;
    p->others += p->count - n[keep];
    if (classed) p->images = 0;
    for (size_t i = 0; i < p->count; i++)
        if (kind_of(&p->part[i]) == keep) p->part[kept++] = p->part[i];
    p->count = kept;
}

/* ---- folders ---- */

typedef struct level {
    goss__parts *p;
    const char *relative; /* to the top folder; "" for itself */
    int depth;
} level;

static goss_status walk(const level *l, goss_error *err);

static goss_status visit(void *context, const char *name, goss_error *err) {
    const level *l = context;
    goss__parts *p = l->p;
    if (name[0] == '.') return GOSS_OK;
    char *inner =
        *l->relative ? goss__arena_printf(&p->arena, "%s/%s", l->relative, name) : goss__arena_strdup(&p->arena, name);
    char *path = inner ? goss__path_join(p->path, inner) : NULL;
    if (!path) return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to list it", p->path);
    struct stat st;
    const bool there = stat(path, &st) == 0;
    goss_status s = GOSS_OK;
    if (there && S_ISDIR(st.st_mode))
        s = walk(&(level){p, inner, l->depth + 1}, err);
    else if (!is_wanted(inner))
        s = pass_over(p, inner, err);
    else if (!there)
        s = goss_error_set(err, GOSS_E_IO, "%s: %s", path, strerror(errno));
    else
        s = add(p, inner, 0, err);
    goss__free(path);
    return s;
}

static goss_status walk(const level *l, goss_error *err) {
    if (l->depth > 32)
        return goss_error_set(err, GOSS_E_FORMAT, "%s/%s: folders nested too deeply", l->p->path, l->relative);
    char *path = *l->relative ? goss__path_join(l->p->path, l->relative) : goss__strdup(l->p->path);
    if (!path) return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to list it", l->p->path);
    goss_status s = goss__folder_each(path, visit, (void *)l, err);
    goss__free(path);
    return s;
}

/* ---- .zip ---- */

/* Office documents are .zip files, too. */
static goss_status refuse_document(const char *path, const char *name, goss_error *err) {
    if (strcmp(name, "xl/workbook.xml") == 0 || strcmp(name, "content.xml") == 0)
        return goss_error_set(err, GOSS_E_UNSUPPORTED, "%s: a spreadsheet; save its sheet as csv (UTF-8)", path);
    return GOSS_OK;
}

static goss_status zip_entry(void *context, const goss__zip_entry *e, goss_error *err) {
    goss__parts *p = context;
    const char *name = e->path;
    if (name[strlen(name) - 1] == '/') return GOSS_OK;
    GOSS_TRY(refuse_document(p->path, name, err));
    if (name[0] == '.' || strncmp(name, "__MACOSX", 8) == 0 || strstr(name, "/.")) return GOSS_OK;
    if (is_wanted(name) && e->locked)
        return goss_error_set(err, GOSS_E_UNSUPPORTED, "%s: %s: %s", p->path, name, e->locked);
    if (is_wanted(name)) return add(p, name, e->index, err);
    return pass_over(p, name, err);
}

static bool is_zip(const goss__map *m) {
    return m->size >= 4 && (memcmp(m->data, "PK\3\4", 4) == 0 || memcmp(m->data, "PK\5\6", 4) == 0);
}

static int by_name(const void *a, const void *b) {
    const goss__part *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static goss_status list(goss__parts *p, goss_error *err) {
    if (goss__is_dir(p->path)) {
        p->folder = true;
        return walk(&(level){p, "", 0}, err);
    }
    GOSS_TRY(goss__map_file(p->path, &p->map, err));
    const goss__bytes b = {.name = p->path, .data = p->map.data, .size = p->map.size};
    p->zip = is_zip(&p->map) && !goss__read_npz.is(&b);
    if (!p->zip) return add(p, p->path, 0, err);
    GOSS_TRY(goss__zip_open_bytes(b.name, b.data, b.size, &p->archive, err));
    return goss__zip_each(p->archive, zip_entry, p, err);
}

static goss_status refuse_empty(const goss__parts *p, goss_error *err) {
    goss__str endings = {0};
    goss__table_endings(&endings);
    const goss_status s = endings.failed
                              ? goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to list it", p->path)
                              : goss_error_set(err, GOSS_E_FORMAT,
                                               "%s: no table in it (%s), nor texts alone (CLASS/NAME.txt), but %zu "
                                               "other files",
                                               p->path, endings.data, p->others);
    goss__str_free(&endings);
    return s;
}

goss_status goss__parts_open(const char *path, goss__parts *p, goss_error *err) {
    *p = (goss__parts){.path = path};
    goss_status s = list(p, err);
    if (s == GOSS_OK && (p->folder || p->zip)) choose_texts(p);
    if (s == GOSS_OK && p->count == 0) s = refuse_empty(p, err);
    if (s == GOSS_OK && p->count > INT32_MAX) s = goss_error_set(err, GOSS_E_FORMAT, "%s: more than 2^31 files", path);
    if (s != GOSS_OK) {
        goss__parts_close(p);
        return s;
    }
    qsort(p->part, p->count, sizeof *p->part, by_name);
    for (size_t i = 1; i < p->count && s == GOSS_OK; i++)
        if (strcmp(p->part[i].name, p->part[i - 1].name) == 0)
            s = goss_error_set(err, GOSS_E_FORMAT, "%s: two files in it are called %s", path, p->part[i].name);
    if (s != GOSS_OK) goss__parts_close(p);
    return s;
}

void goss__parts_close(goss__parts *p) {
    goss__zip_close(p->archive);
    goss__unmap(&p->map);
    goss__free(p->part);
    goss__arena_free(&p->arena);
    *p = (goss__parts){0};
}

/* ---- bytes ---- */

/* Errors call a file in a folder FOLDER/NAME, one in a .zip FILE.zip/NAME. */
goss_status goss__part_load(const goss__parts *p, size_t i, goss__part_bytes *b, goss_error *err) {
    *b = (goss__part_bytes){0};
    if (!p->folder && !p->zip) {
        b->bytes = (goss__bytes){.name = p->path, .data = p->map.data, .size = p->map.size};
        return GOSS_OK;
    }
    b->path = goss__path_join(p->path, p->part[i].name);
    if (!b->path) return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to read it", p->path);
    goss_status s;
    if (p->folder) {
        s = goss__map_file(b->path, &b->map, err);
        b->bytes = (goss__bytes){.name = b->path, .data = b->map.data, .size = b->map.size};
    } else {
        size_t size = 0;
        s = goss_error_prefix(err, goss__zip_unpack(p->archive, p->part[i].index, &b->owned, &size, err), "%s: %s",
                              p->path, p->part[i].name);
        b->bytes = (goss__bytes){.name = b->path, .data = (const uint8_t *)b->owned, .size = size};
    }
    if (s != GOSS_OK) goss__part_drop(b);
    return s;
}

void goss__part_drop(goss__part_bytes *b) {
    goss__unmap(&b->map);
    goss__free(b->owned);
    goss__free(b->path);
    *b = (goss__part_bytes){0};
}
