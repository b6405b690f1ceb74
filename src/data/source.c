/* SPDX-License-Identifier: Apache-2.0 */
/* source.c: what all kinds of image sources share: which kind a path is, which files count, and the order of the list.
 * The order is by bytes, folder first, so that the images of a class are neighbours and no file system has a say in it.
 */
#include "data/source.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/os.h"
#include "base/str.h"

goss_status goss__source_add(goss__source *s, const char *path, goss__item item, goss_error *err) {
    if (s->count == s->capacity) {
        size_t capacity = s->capacity ? 2 * s->capacity : 256;
        goss__item *grown = goss__realloc(s->items, capacity * sizeof *grown);
        if (!grown) return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to list it", s->path);
        s->items = grown, s->capacity = capacity;
    }
    const char *slash = strrchr(path, '/'), *why = item.why;
    item.path = goss__arena_strdup(&s->arena, path);
    item.folder = slash ? (size_t)(slash - path) : 0;
    item.why = why ? goss__arena_strdup(&s->arena, why) : NULL;
    if (!item.path || (why && !item.why)) return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to list it", s->path);
    s->items[s->count++] = item;
    return GOSS_OK;
}

bool goss__name_hidden(const char *path) {
    for (const char *level = path; level; level = strchr(level, '/') ? strchr(level, '/') + 1 : NULL)
        if (level[0] == '.' || strncmp(level, "__MACOSX", 8) == 0) return true;
    return false;
}

goss_status goss__source_classify(goss__source *s, const char *path, goss__head_fn head, void *context,
                                  goss__item *item, goss_error *err) {
    const goss__kind *named = goss__kind_of_name(path);
    if (named && goss__kind_is_read(named)) return GOSS_OK;
    uint8_t bytes[GOSS__HEAD];
    int64_t n = head(context, bytes);
    const goss__kind *is = n > 0 ? goss__kind_of_bytes(bytes, (size_t)n) : NULL;
    if (named && (!is || !named->is)) is = named; /* a camera's raw file looks like a TIFF */
    if (is && goss__kind_is_read(is)) return GOSS_OK;
    item->flaw = is ? GOSS__UNREAD : GOSS__OTHER;
    if (!is) return GOSS_OK;
    goss_error why;
    (void)goss__kind_refuse(is, &why); /* it is the text that is wanted */
    item->why = goss__arena_strdup(&s->arena, why.text);
    return item->why ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to list it", s->path);
}

static int by_folder_and_name(const void *a, const void *b) {
    const goss__item *x = a, *y = b;
    size_t n = x->folder < y->folder ? x->folder : y->folder;
    int order = memcmp(x->path, y->path, n);
    if (order == 0 && x->folder != y->folder) return x->folder < y->folder ? -1 : 1;
    if (order == 0) order = strcmp(x->path + n, y->path + n);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* ---- what a path is ---- */

typedef enum kind { TREE, ZIP, IDX, UNKNOWN } kind;

/* labelled: a set is wanted, to which single images do not belong. */
static goss_status unknown(const goss__source *s, bool labelled, const goss__map *m, goss_error *err) {
    const goss__kind *image = goss__kind_of_bytes(m->data, m->size);
    if (image)
        return goss_error_set(err, GOSS_E_FORMAT, "%s: one image (%s); a set is a folder that has a folder a class",
                              s->path, image->name);
    const goss__known *known = goss__recognise(m->data, m->size);
    if (known) return goss__not_a(s->path, known, labelled ? GOSS__IMAGES : GOSS__PICTURES, err);
    const goss__kind *named = goss__kind_of_name(s->path);
    if (named && !goss__kind_is_read(named))
        return goss_error_prefix(err, goss__kind_refuse(named, err), "%s", s->path);
    return goss_error_set(
        err, GOSS_E_FORMAT,
        "%s: neither a folder nor a .zip of images, nor an idx image file, nor any kind of image that "
        "is known",
        s->path);
}

static goss_status kind_of(const goss__source *s, bool labelled, kind *out, goss_error *err) {
    *out = TREE;
    if (goss__is_dir(s->path)) return GOSS_OK;
    goss__map m;
    GOSS_TRY(goss__map_file(s->path, &m, err));
    *out = UNKNOWN;
    if (m.size >= 4 && (memcmp(m.data, "PK\3\4", 4) == 0 || memcmp(m.data, "PK\5\6", 4) == 0)) *out = ZIP;
    if (goss__idx_is(m.data, m.size)) *out = IDX;
    goss_status status = *out == UNKNOWN ? unknown(s, labelled, &m, err) : GOSS_OK;
    goss__unmap(&m);
    return status;
}

static goss_status list(goss__source *s, bool labelled, const char *labels, goss_error *err) {
    kind k;
    GOSS_TRY(kind_of(s, labelled, &k, err));
    if (labels && k != IDX)
        return goss_error_set(
            err, GOSS_E_ARGUMENT,
            "%s: is no idx file, so %s can not be its labels (data.labels, --labels): the class of an "
            "image is the folder it lies in",
            s->path, labels);
    if (k == TREE) GOSS_TRY(goss__source_tree(s, err));
    if (k == ZIP) GOSS_TRY(goss__source_zip(s, err));
    if (k == IDX) GOSS_TRY(goss__source_idx(s, labelled, labels, err));
    if (s->count > INT32_MAX) return goss_error_set(err, GOSS_E_FORMAT, "%s: more than 2^31 images", s->path);
    if (s->count) qsort(s->items, s->count, sizeof *s->items, by_folder_and_name);
    return GOSS_OK;
}

goss_status goss__source_list(const char *path, const char *labels, goss__source *out, goss_error *err) {
    *out = (goss__source){.path = path};
    goss_status status = list(out, true, labels, err);
    if (status != GOSS_OK) goss__source_close(out);
    return status;
}

goss_status goss__source_list_plain(const char *path, goss__source *out, goss_error *err) {
    *out = (goss__source){.path = path};
    goss_status status = list(out, false, NULL, err);
    if (status != GOSS_OK) goss__source_close(out);
    return status;
}

/* Whether a file's name says that it is a set of its own. */
static bool named_as_set(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t n = strlen(name);
    return strstr(name, "idx3") || (n > 4 && strcmp(name + n - 4, ".zip") == 0);
}

const goss__item *goss__source_set_in(const goss__source *s) {
    for (size_t i = 0; i < s->count; i++)
        if (s->items[i].flaw == GOSS__OTHER && named_as_set(s->items[i].path)) return &s->items[i];
    return NULL;
}

/* none: "no image in it (...)". */
static goss_status refuse_barren(const goss__source *s, const char *none, goss_error *err) {
    const goss__item *first = NULL, *set = goss__source_set_in(s);
    size_t others = 0;
    for (size_t i = 0; i < s->count; i++) {
        const goss__item *item = &s->items[i];
        if (item->flaw >= GOSS__DEAD_LINK)
            return goss_error_set(err, item->flaw == GOSS__UNREAD ? GOSS_E_UNSUPPORTED : GOSS_E_FORMAT,
                                  "%s: no image in it that is read; the first of %zu files: %s: %s", s->path, s->count,
                                  item->path, item->why);
        if (item->flaw == GOSS__OTHER && others++ == 0) first = item;
    }
    if (set)
        return goss_error_set(err, GOSS_E_FORMAT, "%s: %s, but %s/%s: name that file", s->path, none, s->path,
                              set->path);
    if (others == 0) return goss_error_set(err, GOSS_E_FORMAT, "%s: %s; it is empty", s->path, none);
    return goss_error_set(err, GOSS_E_FORMAT, "%s: %s; the first of %zu files that are none: %s", s->path, none, others,
                          first->path);
}

goss_status goss__source_barren(const goss__source *s, goss_error *err) {
    goss__str none = {0};
    goss__str_add(&none, "no image in it (");
    goss__kinds_read(&none);
    goss__str_add(&none, ")");
    const goss_status status = none.failed ? goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to list it", s->path)
                                           : refuse_barren(s, none.data, err);
    goss__str_free(&none);
    return status;
}

void goss__source_close(goss__source *s) {
    if (s->close) s->close(s);
    goss__free(s->items);
    goss__arena_free(&s->arena);
    *s = (goss__source){0};
}

void goss__reader_free(const goss__source *s, goss__reader *r) {
    if (s->release) s->release(r);
    goss__scratch_free(&r->encoded);
    goss__fit_free(&r->fit);
}
