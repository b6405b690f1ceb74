/* source.c: what all kinds of image sources share: which kind a path is, which names count, the order of the list and
 * the top folders that all images share. The order is by bytes, folder first, so that the images of a class are
 * neighbours and no file system has a say in it. */
#include "data/source.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/str.h"

goss_status goss__source_add(goss__source *s, const char *path, goss__item item, goss_error *err) {
    if (s->count == s->capacity) {
        size_t capacity = s->capacity ? 2 * s->capacity : 256;
        goss__item *grown = goss__realloc(s->items, capacity * sizeof *grown);
        if (!grown) return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to list it", s->path);
        s->items = grown, s->capacity = capacity;
    }
    const char *slash = strrchr(path, '/');
    item.path = goss__arena_strdup(&s->arena, path);
    item.folder = slash ? (size_t)(slash - path) : 0;
    if (!item.path) return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to list it", s->path);
    s->items[s->count++] = item;
    return GOSS_OK;
}

bool goss__name_hidden(const char *path) {
    if (strncmp(path, "__MACOSX", 8) == 0 || strstr(path, "/__MACOSX")) return true;
    return path[0] == '.' || strstr(path, "/.") != NULL;
}

bool goss__name_is_image(const char *path) {
    static const char *const ends[] = {".png", ".jpg", ".jpeg"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (goss__ascii_ends(path, ends[i]) && strlen(path) > strlen(ends[i])) return true;
    return false;
}

bool goss__bytes_are_image(const uint8_t *data, size_t size) {
    return goss__png_is(data, size) || goss__jpeg_is(data, size);
}

static int by_folder_and_name(const void *a, const void *b) {
    const goss__item *x = a, *y = b;
    size_t n = x->folder < y->folder ? x->folder : y->folder;
    int order = memcmp(x->path, y->path, n);
    if (order == 0 && x->folder != y->folder) return x->folder < y->folder ? -1 : 1;
    if (order == 0) order = strcmp(x->path + n, y->path + n);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* The items are sorted, so what the first and last folder share, all share. One level always stays. */
static size_t shared_folders(const goss__source *s) {
    const goss__item *a = &s->items[0], *b = &s->items[s->count - 1];
    size_t shared = 0, most = a->folder < b->folder ? a->folder : b->folder;
    for (size_t i = 0; i < most && a->path[i] == b->path[i]; i++)
        if (a->path[i] == '/') shared = i + 1;
    return shared;
}

typedef enum kind { TREE, ZIP, IDX, UNKNOWN } kind;

static goss_status kind_of(const char *path, kind *out, goss_error *err) {
    *out = TREE;
    if (goss__is_dir(path)) return GOSS_OK;
    goss__map m;
    GOSS_TRY(goss__map_file(path, &m, err));
    *out = UNKNOWN;
    if (m.size >= 4 && (memcmp(m.data, "PK\3\4", 4) == 0 || memcmp(m.data, "PK\5\6", 4) == 0)) *out = ZIP;
    if (m.size >= 2 && (memcmp(m.data, "\x1f\x8b", 2) == 0 || memcmp(m.data, "\0\0", 2) == 0)) *out = IDX;
    goss__unmap(&m);
    return GOSS_OK;
}

static goss_status fill(goss__source *s, const char *labels, goss_error *err) {
    kind k;
    GOSS_TRY(kind_of(s->path, &k, err));
    if (k == TREE) GOSS_TRY(goss__source_tree(s, err));
    if (k == ZIP) GOSS_TRY(goss__source_zip(s, err));
    if (k == IDX) GOSS_TRY(goss__source_idx(s, labels, err));
    if (k == UNKNOWN)
        return goss_error_set(err, GOSS_E_FORMAT, "%s: neither a folder nor a .zip of images nor an idx image file",
                              s->path);
    if (s->count == 0) return goss_error_set(err, GOSS_E_FORMAT, "%s: no PNG or JPEG image in it", s->path);
    if (s->count > INT32_MAX) return goss_error_set(err, GOSS_E_FORMAT, "%s: more than 2^31 images", s->path);
    qsort(s->items, s->count, sizeof *s->items, by_folder_and_name);
    s->shared = shared_folders(s);
    return GOSS_OK;
}

goss_status goss__source_open(const char *path, const char *labels, goss__source *out, goss_error *err) {
    *out = (goss__source){.path = path};
    goss_status status = fill(out, labels, err);
    if (status != GOSS_OK) goss__source_close(out);
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
    goss__scratch_free(&r->fit);
    goss__scratch_free(&r->picture.bytes);
}
