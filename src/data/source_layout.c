/* SPDX-License-Identifier: Apache-2.0 */
/* source_layout.c: from a list of files to classes: files that are no images of a class are separated and reported, a
 * tree with train/, val/ and test/ above its classes is recognised, and classes get their names.
 *
 * Nothing disappears without a word. What a set can do without (dead links, kinds that are not read, pictures beside
 * the class folders) is a warning with a count and the first names; what changes the set (a class with no image left,
 * an entry that cannot be read, a name that comes twice) is an error unless bad files are to be skipped. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "data/source.h"

enum { NAMES = 3 }; /* reported by name, of many */

/* ---- which is what ---- */

/* The later entry of a name counts, as it does when an archive is unpacked. */
static void mark_twice(goss__source *s) {
    for (size_t i = 0; i + 1 < s->count; i++)
        if (!s->items[i].flaw && strcmp(s->items[i].path, s->items[i + 1].path) == 0)
            s->items[i].flaw = GOSS__TWICE, s->items[i].why = "a name that comes twice";
}

static bool is_below(const goss__item *item, const char *folder, size_t size) {
    return item->folder > size && item->path[size] == '/' && memcmp(item->path, folder, size) == 0;
}

static bool same_folder(const goss__item *a, const goss__item *b) {
    return a->folder == b->folder && memcmp(a->path, b->path, a->folder) == 0;
}

/* Whether the list has folders below that of item i; sound_only: such with images. The folders below "a" are
 * neighbours, though "a-b" may stand between them and "a". */
static bool has_below(const goss__source *s, size_t i, bool sound_only) {
    const goss__item *item = &s->items[i];
    size_t lo = i, hi = s->count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const goss__item *m = &s->items[mid];
        size_t n = m->folder < item->folder ? m->folder : item->folder;
        int order = memcmp(m->path, item->path, n);
        /* Compares the folder of m with item's folder and a '/' behind it. */
        if (order == 0 && m->folder <= item->folder) order = -1;
        if (order == 0) order = (unsigned char)m->path[item->folder] < '/' ? -1 : 1;
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < s->count && is_below(&s->items[lo], item->path, item->folder); lo++)
        if (!sound_only || !s->items[lo].flaw) return true;
    return false;
}

/* A few names, and whether there are more. */
static void add_name(goss__str *names, size_t count, const char *name, size_t size) {
    if (count > NAMES) return;
    if (count == NAMES) goss__str_add(names, ", ...");
    if (count == NAMES) return;
    if (count) goss__str_add(names, ", ");
    goss__str_addn(names, name, size);
}

/* Folders of which no image is left, and folders that hold both images and class folders. */
static goss_status look_at_folders(goss__source *s, bool skip_bad, goss_error *err) {
    goss__str lost = {0}, mixed = {0};
    size_t n_mixed = 0;
    for (size_t i = 0, end; i < s->count; i = end) {
        size_t sound = 0;
        for (end = i; end < s->count && same_folder(&s->items[i], &s->items[end]); end++) sound += !s->items[end].flaw;
        const goss__item *f = &s->items[i];
        if (!f->folder) continue;
        if (sound == 0 && !has_below(s, i, false)) add_name(&lost, s->lost++, f->path, f->folder);
        if (sound > 0 && has_below(s, i, true)) add_name(&mixed, n_mixed++, f->path, f->folder);
    }
    goss_status status = GOSS_OK;
    if (lost.failed || mixed.failed) status = goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to list it", s->path);
    if (status == GOSS_OK && s->lost && skip_bad)
        goss__log(GOSS_LOG_WARN, "%s: %zu class folder%s without an image that is read left out: %s", s->path, s->lost,
                  s->lost > 1 ? "s" : "", lost.data);
    else if (status == GOSS_OK && s->lost)
        status =
            goss_error_set(err, GOSS_E_FORMAT,
                           "%s: %zu class folder%s no image that is read in %s: %.400s. Remove %s, or skip bad files "
                           "(data.skip_bad = yes, --skip-bad)",
                           s->path, s->lost, s->lost > 1 ? "s have" : " has", s->lost > 1 ? "them" : "it", lost.data,
                           s->lost > 1 ? "them" : "it");
    if (status == GOSS_OK && n_mixed)
        goss__log(GOSS_LOG_WARN,
                  "%s: %zu folder%s both images and folders of images; the images are a class of their "
                  "own: %s",
                  s->path, n_mixed, n_mixed > 1 ? "s hold" : " holds", mixed.data);
    goss__str_free(&lost), goss__str_free(&mixed);
    return status;
}

/* ---- reports ---- */

static const struct {
    const char *one, *many;
    goss_status status; /* the error that it is, unless bad files are skipped; GOSS_OK: none */
} words[GOSS__FLAWS] = {
    [GOSS__DEAD_LINK] = {"link that leads nowhere", "links that lead nowhere", GOSS_OK},
    [GOSS__UNREAD] = {"image of a kind that is not read", "images of kinds that are not read", GOSS_OK},
    [GOSS__STRAY] = {"image beside the class folders", "images beside the class folders", GOSS_OK},
    [GOSS__NO_ACCESS] = {"file or folder that may not be read", "files or folders that may not be read", GOSS_E_IO},
    [GOSS__LOCKED] = {"entry that cannot be unpacked", "entries that cannot be unpacked", GOSS_E_UNSUPPORTED},
    [GOSS__TWICE] = {"entry whose name comes again", "entries whose names come again", GOSS_E_FORMAT},
};

/* "3 links that lead nowhere (a/1, b/2, c/3)". */
static size_t describe(const goss__source *s, goss__flaw flaw, goss__str *out, const goss__item **first) {
    size_t n = 0;
    goss__str names = {0};
    for (size_t i = 0; i < s->count + s->flawed; i++) {
        const goss__item *item = &s->items[i];
        if (item->flaw != flaw) continue;
        if (n == 0) *first = item;
        add_name(&names, n++, item->path, strlen(item->path));
    }
    if (n)
        goss__str_addf(out, "%zu %s (%s)", n, n > 1 ? words[flaw].many : words[flaw].one, names.data ? names.data : "");
    goss__str_free(&names);
    return n;
}

/* What is an error unless bad files are skipped. */
static goss_status refuse_bad(const goss__source *s, goss_error *err) {
    goss_status status = GOSS_OK;
    for (int f = GOSS__DEAD_LINK; f < GOSS__FLAWS && status == GOSS_OK; f++) {
        goss__str text = {0};
        const goss__item *first = NULL;
        if (words[f].status != GOSS_OK && describe(s, (goss__flaw)f, &text, &first))
            status = goss_error_set(err, words[f].status,
                                    "%s: %s: %s; %.500s. Skip bad files (data.skip_bad = yes, --skip-bad) to go on "
                                    "without",
                                    s->path, first->path, first->why, text.data ? text.data : "");
        goss__str_free(&text);
    }
    return status;
}

static void tell(const goss__source *s) {
    for (int f = GOSS__DEAD_LINK; f < GOSS__FLAWS; f++) {
        goss__str text = {0};
        const goss__item *first = NULL;
        bool reason = f == GOSS__UNREAD || f == GOSS__LOCKED;
        if (describe(s, (goss__flaw)f, &text, &first))
            goss__log(GOSS_LOG_WARN, "%s: left out: %s%s%s", s->path, text.data ? text.data : "", reason ? ": " : "",
                      reason ? first->why : "");
        goss__str_free(&text);
    }
}

/* ---- order ---- */

static int compare_text(const char *a, size_t n, const char *b, size_t m) {
    int order = memcmp(a, b, n < m ? n : m);
    return order ? order : (n > m) - (n < m);
}

/* Sound ones first; of one class side by side. */
static int by_class(const void *a, const void *b) {
    const goss__item *x = a, *y = b;
    if (!x->flaw != !y->flaw) return x->flaw ? 1 : -1;
    size_t n = x->folder > x->named ? x->folder - x->named : 0, m = y->folder > y->named ? y->folder - y->named : 0;
    int order = compare_text(x->path + x->named, n, y->path + y->named, m);
    if (order == 0) order = strcmp(x->path, y->path);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

static void set_apart(goss__source *s) {
    size_t all = s->count + s->flawed;
    qsort(s->items, all, sizeof *s->items, by_class);
    for (s->count = 0; s->count < all && !s->items[s->count].flaw;) s->count++;
    s->flawed = all - s->count;
}

/* The folder that all images lie in or below: its length. They are sorted, so what the first and the last share, all
 * share. */
static size_t common_folder(const goss__item *a, const goss__item *b) {
    size_t common = 0, most = a->folder < b->folder ? a->folder : b->folder;
    for (size_t i = 0; i <= most; i++) {
        bool end_a = i == a->folder, end_b = i == b->folder;
        if ((end_a || a->path[i] == '/') && (end_b || b->path[i] == '/')) common = i;
        if (i == most || a->path[i] != b->path[i]) break;
    }
    return common;
}

/* Images beside the folders of all others have no class. Leaves s->shared: the top folders that are in no name. */
static void find_strays(goss__source *s) {
    size_t first = 0, last = s->count - 1, common;
    for (;;) {
        common = common_folder(&s->items[first], &s->items[last]);
        if (s->items[first].folder > common || s->items[last].folder == common) break;
        for (; s->items[first].folder == common; first++)
            s->items[first].flaw = GOSS__STRAY, s->items[first].why = "an image beside the class folders, in none";
    }
    s->shared = common ? common + 1 : 0;
    if (s->items[first].folder != common) return;
    /* All in one folder: its name stays. */
    while (common > 0 && s->items[first].path[common - 1] != '/') common--;
    s->shared = common;
}

/* ---- train/, val/, test/ ---- */

static bool same_letters(const char *lower, const char *name, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (goss__ascii_lower(name[i]) != lower[i]) return false;
    return true;
}

goss_split goss__split_of(const char *name, size_t size) {
    static const struct {
        const char *name;
        goss_split part;
    } rows[] = {{"train", GOSS_SPLIT_TRAIN}, {"training", GOSS_SPLIT_TRAIN}, {"val", GOSS_SPLIT_VAL},
                {"valid", GOSS_SPLIT_VAL},   {"validation", GOSS_SPLIT_VAL}, {"dev", GOSS_SPLIT_VAL},
                {"test", GOSS_SPLIT_TEST},   {"testing", GOSS_SPLIT_TEST}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strlen(rows[i].name) == size && same_letters(rows[i].name, name, size)) return rows[i].part;
    return GOSS_SPLIT_ALL;
}

/* Length of the first level after the shared folders. */
static size_t first_level(const goss__source *s, const goss__item *item) {
    const char *slash = memchr(item->path + s->shared, '/', item->folder > s->shared ? item->folder - s->shared : 0);
    return slash ? (size_t)(slash - item->path) - s->shared : item->folder > s->shared ? item->folder - s->shared : 0;
}

static goss_split part_of(const goss__source *s, const goss__item *item) {
    return goss__split_of(item->path + s->shared, first_level(s, item));
}

static bool two_parts(const bool *has) {
    return has[GOSS_SPLIT_TRAIN] && (has[GOSS_SPLIT_VAL] || has[GOSS_SPLIT_TEST]);
}

/* Whether all images lie in folders of such names, with training images and others, and classes below. */
static bool is_split(goss__source *s, bool has[GOSS__SPLITS]) {
    bool deep = false;
    memset(has, 0, GOSS__SPLITS * sizeof *has);
    for (size_t i = 0; i < s->count; i++) {
        goss_split part = part_of(s, &s->items[i]);
        if (part == GOSS_SPLIT_ALL) return false;
        has[part] = true;
        deep |= s->items[i].folder > s->shared + first_level(s, &s->items[i]);
    }
    return deep && two_parts(has);
}

static const char *part_name(goss_split part) {
    return part == GOSS_SPLIT_TRAIN ? "train/" : part == GOSS_SPLIT_VAL ? "val/" : "test/";
}

static void tell_split(const goss__source *s, const bool *has, goss_split split) {
    const char *val = has[GOSS_SPLIT_VAL] ? ", val/" : "", *test = has[GOSS_SPLIT_TEST] ? ", test/" : "";
    if (split == GOSS_SPLIT_ALL)
        goss__log(GOSS_LOG_WARN, "%s: train/%s%s stand above its classes: each class has the images of all of them",
                  s->path, val, test);
    else if (split == GOSS_SPLIT_EACH)
        goss__log(GOSS_LOG_INFO, "%s: train/%s%s stand above its classes and are used as the split", s->path, val,
                  test);
    else
        goss__log(GOSS_LOG_INFO, "%s: train/%s%s stand above its classes: %s alone is used", s->path, val, test,
                  part_name(split));
}

/* Drops from the sound ones what is not of this part: it is no flaw, only not asked for. */
static void keep_part(goss__source *s, goss_split part) {
    size_t n = 0, all = s->count + s->flawed;
    for (size_t i = 0; i < all; i++)
        if (i >= s->count || part_of(s, &s->items[i]) == part) s->items[n++] = s->items[i];
    s->count = n - s->flawed;
}

/* The part that the innermost folder of an image is. */
static goss_split innermost(const goss__source *s, const goss__item *item) {
    size_t begin = item->folder;
    while (begin > s->shared && item->path[begin - 1] != '/') begin--;
    return goss__split_of(item->path + begin, item->folder - begin);
}

/* What looks like a split and is none: its names are part of the classes' then, which is hardly what was meant. */
static void tell_no_split(const goss__source *s) {
    bool top[GOSS__SPLITS] = {false}, low[GOSS__SPLITS] = {false};
    const goss__item *other = NULL, *below = NULL;
    for (size_t i = 0; i < s->count; i++) {
        const goss__item *item = &s->items[i];
        goss_split part = part_of(s, item);
        top[part] = true, low[innermost(s, item)] = true;
        if (part == GOSS_SPLIT_ALL)
            other = item;
        else if (item->folder > s->shared + first_level(s, item))
            below = item;
    }
    if (two_parts(top) && below && other)
        goss__log(
            GOSS_LOG_WARN,
            "%s: train/ and its like are no split, since other folders with images stand beside them (%.*s): they "
            "are part of the names (%.*s); move the others away to have a split",
            s->path, (int)other->folder, other->path, (int)below->folder, below->path);
    else if (two_parts(top) && !below)
        goss__log(GOSS_LOG_WARN,
                  "%s: train/ and its like hold images and no folders of classes: each is one class; to have a split, "
                  "put the images of each class in a folder of its own in them",
                  s->path);
    else if (two_parts(low) && !low[GOSS_SPLIT_ALL])
        goss__log(
            GOSS_LOG_WARN,
            "%s: train/ and its like stand below the classes, so that each is a class of its own (%.*s); to have a "
            "split, put them above the classes",
            s->path, (int)s->items[0].folder, s->items[0].path);
}

static void use_split(goss__source *s, goss_split split) {
    bool has[GOSS__SPLITS];
    for (size_t i = 0; i < s->count; i++) s->items[i].named = s->shared;
    if (!is_split(s, has)) {
        tell_no_split(s);
        return;
    }
    for (size_t i = 0; i < s->count; i++) {
        goss__item *item = &s->items[i];
        size_t level = s->shared + first_level(s, item);
        if (item->folder == level)
            item->flaw = GOSS__STRAY, item->why = "an image beside the class folders, in none";
        else if (split != GOSS_SPLIT_EACH)
            item->named = level + 1;
    }
    set_apart(s);
    s->split_names = split == GOSS_SPLIT_EACH;
    if (split == GOSS_SPLIT_TEST && !has[split]) split = GOSS_SPLIT_VAL;
    if (split == GOSS_SPLIT_VAL && !has[split]) split = GOSS_SPLIT_TEST;
    tell_split(s, has, split);
    if (split != GOSS_SPLIT_ALL && split != GOSS_SPLIT_EACH) keep_part(s, split);
}

goss_status goss__source_arrange(goss__source *s, goss_split split, bool skip_bad, goss_error *err) {
    bool flawed = false;
    mark_twice(s);
    for (size_t i = 0; i < s->count; i++) flawed |= s->items[i].flaw != GOSS__SOUND;
    size_t sound = 0;
    for (size_t i = 0; i < s->count; i++) sound += !s->items[i].flaw;
    if (sound == 0) return goss__source_barren(s, err);
    if (!skip_bad) GOSS_TRY(refuse_bad(s, err));
    GOSS_TRY(look_at_folders(s, skip_bad, err));
    if (flawed) set_apart(s);
    find_strays(s);
    if (s->items[0].flaw) set_apart(s);
    use_split(s, split);
    tell(s);
    return GOSS_OK;
}
