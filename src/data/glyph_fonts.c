/* SPDX-License-Identifier: Apache-2.0 */
/* glyph_fonts.c: which fonts there are and which script each is for, from the file names of the Noto family
 * (NotoSansArmenian-Bold.ttf: script Armenian, face sans-bold). Fonts without a script in the name hold Latin, Greek
 * and Cyrillic together; those become three scripts with the same faces. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/folder.h"
#include "base/os.h"
#include "base/str.h"
#include "data/glyph_set.h"

/* The first word of a Noto name: a style of drawing. */
static const char *const styles[] = {"Sans", "Serif", "Kufi", "Naskh", "Nastaliq", "Looped", "Rashi", "Traditional"};

/* Fonts whose script part is a variant of a script, by how it begins; the rest goes into the face. */
static const struct alias {
    const char *begins, *script;
} aliases[] = {{"Tifinagh", "Tifinagh"}, {"Adlam", "Adlam"},       {"TamilSlanted", "Tamil"},
               {"Urdu", "Arabic"},       {"DisplayCondensed", ""}, {"Display", ""}};

/* No alphabets: symbols, numbers made of bars and dots, and forms that only direction and size tell apart. */
static const char *const passed_over[] = {"Math",          "Symbols",         "Symbols2",   "Music",
                                          "SignWriting",   "TamilSupplement", "Duployan",   "IndicSiyaqNumbers",
                                          "MayanNumerals", "Emoji",           "ColorEmoji", "Mono"};

static const char *const general[] = {"Latin", "Greek", "Cyrillic"};
enum { GENERAL = 3 };

typedef struct range {
    uint32_t first, last;
    int script;
} range;

const char *goss__glyph_general_script(uint32_t code) {
    /* Letters without the long rows of accented ones. */
    static const range ranges[] = {{0x41, 0x5a, 0},   {0x61, 0x7a, 0},   {0x180, 0x1bf, 0}, {0x250, 0x2af, 0},
                                   {0x391, 0x3a9, 1}, {0x3b1, 0x3c9, 1}, {0x3d0, 0x3f3, 1}, {0x410, 0x44f, 2},
                                   {0x460, 0x482, 2}, {0x48a, 0x52f, 2}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (code >= ranges[i].first && code <= ranges[i].last) return general[ranges[i].script];
    return NULL;
}

bool goss__glyph_own_script(uint32_t code) {
    /* Latin to Cyrillic, punctuation and symbols, presentation forms, private use: in many fonts, of no script. */
    static const range others[] = {
        {0, 0x52f, 0},       {0x1ab0, 0x1aff, 0},   {0x1d00, 0x1dff, 0},   {0x1e00, 0x2bff, 0}, {0x2e00, 0x2e7f, 0},
        {0x3000, 0x303f, 0}, {0xa640, 0xa69f, 0},   {0xa700, 0xa7ff, 0},   {0xa830, 0xa83f, 0}, {0xe000, 0xf8ff, 0},
        {0xfb00, 0xffff, 0}, {0x1d000, 0x1f0ff, 0}, {0xe0000, 0x10ffff, 0}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (code >= others[i].first && code <= others[i].last) return false;
    return true;
}

/* ---- names ---- */

typedef struct parsed {
    char script[64]; /* "" for a font of several scripts */
    char face[64];
} parsed;

static void append_lower(char *face, size_t room, const char *text, size_t n) {
    size_t at = strlen(face);
    if (n > 0 && at > 0 && at + 1 < room) face[at++] = '-';
    for (size_t i = 0; i < n && at + 1 < room; i++)
        if (goss__ascii_is_alnum(text[i])) face[at++] = goss__ascii_lower(text[i]);
    face[at] = 0;
}

static const char *skip_style(const char *name, char *face, size_t room) {
    for (size_t i = 0; i < sizeof styles / sizeof *styles; i++) {
        size_t n = strlen(styles[i]);
        if (strncmp(name, styles[i], n) != 0) continue;
        append_lower(face, room, name, n);
        return name + n;
    }
    return name;
}

/* False for what is no font of letters. */
static bool parse_name(const char *file, parsed *out) {
    *out = (parsed){0};
    size_t stem = strlen(file);
    if (stem < 5 || (!goss__ascii_ends(file, ".ttf") && !goss__ascii_ends(file, ".otf"))) return false;
    stem -= 4;
    if (strncmp(file, "Noto", 4) != 0) {
        append_lower(out->face, sizeof out->face, file, stem);
        return out->face[0] != 0;
    }
    const char *end = file + stem, *dash = memchr(file, '-', stem), *script_end = dash ? dash : end;
    const char *script = skip_style(file + 4, out->face, sizeof out->face);
    size_t n = (size_t)(script_end - script);
    if (n >= sizeof out->script) return false;
    memcpy(out->script, script, n);
    for (size_t i = 0; i < sizeof passed_over / sizeof *passed_over; i++)
        if (strcmp(out->script, passed_over[i]) == 0) return false;
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        size_t k = strlen(aliases[i].begins);
        if (strncmp(script, aliases[i].begins, k) != 0) continue;
        bool renames = strcmp(aliases[i].begins, aliases[i].script) != 0;
        append_lower(out->face, sizeof out->face, renames ? script : script + k, renames ? n : n - k);
        strcpy(out->script, aliases[i].script);
        break;
    }
    if (dash && strncmp(dash + 1, "Regular", 7) != 0)
        append_lower(out->face, sizeof out->face, dash + 1, (size_t)(end - dash - 1));
    return true;
}

/* ---- grouping ---- */

typedef struct found {
    parsed name;
    char *path;
    uint64_t size;
} found;

typedef struct finds {
    found *v;
    size_t n, capacity;
    const char *dir; /* that is listed */
} finds;

static int by_script_and_face(const void *a, const void *b) {
    const found *x = a, *y = b;
    int order = strcmp(x->name.script, y->name.script); /* "" (general) comes first */
    if (order) return order;
    /* The reference is the plainest face. */
    int p = strcmp(x->name.face, "sans") == 0 ? 0 : strcmp(x->name.face, "serif") == 0 ? 1 : 2;
    int q = strcmp(y->name.face, "sans") == 0 ? 0 : strcmp(y->name.face, "serif") == 0 ? 1 : 2;
    if (p != q) return p - q;
    order = strcmp(x->name.face, y->name.face);
    return order ? order : strcmp(x->path, y->path);
}

static goss_status note(void *context, const char *file, goss_error *err) {
    finds *f = context;
    const char *dir = f->dir;
    found one = {0};
    if (!parse_name(file, &one.name)) return GOSS_OK;
    if (f->n == f->capacity) {
        size_t capacity = f->capacity ? 2 * f->capacity : 64;
        found *grown = goss__realloc(f->v, capacity * sizeof *grown);
        if (!grown) return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to list the fonts", dir);
        f->v = grown, f->capacity = capacity;
    }
    struct stat st;
    one.path = goss__path_join(dir, file);
    if (!one.path) return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to list the fonts", dir);
    one.size = stat(one.path, &st) == 0 ? (uint64_t)st.st_size : 0;
    f->v[f->n++] = one;
    return GOSS_OK;
}

static goss_status list(finds *f, const char *dir, goss_error *err) {
    f->dir = dir;
    if (!goss__is_dir(dir))
        return goss_error_set(err, GOSS_E_IO, "%s: no such folder (fonts are in the Debian package fonts-noto-core)",
                              dir);
    goss_status status = goss__folder_each(dir, note, f, err);
    if (status == GOSS_OK && f->n == 0)
        return goss_error_set(err, GOSS_E_IO, "%s: no font in it (Debian package fonts-noto-core)", dir);
    if (f->n > 1) qsort(f->v, f->n, sizeof *f->v, by_script_and_face);
    return status;
}

/* Of many faces an evenly spaced choice stays, the reference among them. */
static goss_status add_script(goss__glyph_set *set, const char *name, bool is_general, const found *fonts, int n,
                              int faces_max, goss_error *err) {
    int kept = n < faces_max ? n : faces_max;
    goss__glyph_script *s = &set->scripts[set->count++];
    s->name = goss__arena_strdup(&set->arena, name), s->general = is_general;
    s->fonts = goss__arena_alloc(&set->arena, (size_t)kept * sizeof *s->fonts);
    if (!s->name || !s->fonts) return goss_error_set(err, GOSS_E_NOMEM, "no memory for the fonts of %s", name);
    for (int i = 0; i < kept; i++) {
        const found *f = &fonts[(int64_t)i * n / kept];
        goss__glyph_font *font = &s->fonts[s->font_count++];
        *font =
            (goss__glyph_font){goss__arena_strdup(&set->arena, f->path), goss__arena_strdup(&set->arena, f->name.face)};
        if (!font->path || !font->face) return goss_error_set(err, GOSS_E_NOMEM, "no memory for the fonts of %s", name);
    }
    return GOSS_OK;
}

static goss_status group(goss__glyph_set *set, const finds *f, int faces_max, goss_error *err) {
    set->scripts = goss__arena_alloc(&set->arena, (f->n + GENERAL) * sizeof *set->scripts);
    if (!set->scripts) return goss_error_set(err, GOSS_E_NOMEM, "no memory for %zu fonts", f->n);
    for (size_t i = 0, end; i < f->n; i = end) {
        const char *name = f->v[i].name.script;
        for (end = i; end < f->n && strcmp(f->v[end].name.script, name) == 0; end++) {
        }
        int n = (int)(end - i);
        for (int g = 0; g < GENERAL && !*name; g++)
            GOSS_TRY(add_script(set, general[g], true, &f->v[i], n, faces_max, err));
        if (*name) GOSS_TRY(add_script(set, name, false, &f->v[i], n, faces_max, err));
    }
    return GOSS_OK;
}

goss_status goss__glyph_fonts(goss__glyph_set *set, const char *dir, int faces_max, goss_error *err) {
    finds f = {0};
    goss_status status = list(&f, dir, err);
    if (status == GOSS_OK) status = group(set, &f, faces_max, err);
    for (size_t i = 0; i < f.n; i++) {
        const char *slash = strrchr(f.v[i].path, '/');
        set->key = goss__hash64(slash, strlen(slash), set->key ^ f.v[i].size);
        goss__free(f.v[i].path);
    }
    goss__free(f.v);
    return status;
}

void goss__glyph_set_free(goss__glyph_set *set) {
    for (int i = 0; i < set->count; i++) goss__free(set->scripts[i].codes);
    goss__arena_free(&set->arena);
    *set = (goss__glyph_set){0};
}
