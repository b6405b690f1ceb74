/* SPDX-License-Identifier: Apache-2.0 */
/* files.c: sound files in a folder and the folders below it (links are followed, to a bounded depth; hidden files are
 * passed over), with the class and the fields that a pattern or the folders give them. */
#include "sound/files.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/folder.h"
#include "base/log.h"
#include "base/os.h"
#include "base/str.h"
#include "gossamer/sound.h"
#include "sound/pattern.h"

enum { DEPTH_MAX = 32 };

static const char *const endings[] = {".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff",
                                      ".aif", ".aifc", ".au",  ".snd", ".caf",  ".w64"};
enum { ENDINGS = sizeof endings / sizeof *endings };

bool goss__sound_name(const char *name) {
    for (int i = 0; i < ENDINGS; i++)
        if (goss__ascii_ends(name, endings[i])) return true;
    return false;
}

void goss__sound_endings(goss__str *s) {
    for (int i = 0; i < ENDINGS; i++) goss__str_addf(s, "%s%s", i ? ", " : "", endings[i]);
}

static bool image_name(const char *name) {
    static const char *const ends[] = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (goss__ascii_ends(name, ends[i])) return true;
    return false;
}

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "no memory for file names"); }

goss__sound_file *goss__sound_list_add(goss__sound_list *l) {
    if (l->n == l->room) {
        const int room = l->room ? 2 * l->room : 256;
        goss__sound_file *grown = goss__realloc(l->file, (size_t)room * sizeof *grown);
        if (!grown) return NULL;
        l->file = grown, l->room = room;
    }
    l->file[l->n] = (goss__sound_file){0};
    return &l->file[l->n++];
}

void goss__sound_list_free(goss__sound_list *l) {
    goss__free(l->file);
    goss__arena_free(&l->arena);
    *l = (goss__sound_list){0};
}

/* ---- what is there ---- */

typedef struct walk {
    void *to;
    /* A file that is not hidden. */
    goss_status (*found)(void *to, const char *path, const char *name, goss_error *err);
    const char *path, *relative; /* the folder; from the top, "" there */
    int depth;
} walk;

static goss_status enter(const walk *w, goss_error *err);

static goss_status look_at(const walk *w, const char *path, const char *name, goss_error *err) {
    struct stat st;
    if (stat(path, &st) != 0) {
        /* A link to nowhere: who reads it says so. What is no sound by its name is nobody's business. */
        return goss__sound_name(name) ? w->found(w->to, path, name, err) : GOSS_OK;
    }
    if (!S_ISDIR(st.st_mode)) return w->found(w->to, path, name, err);
    if (w->depth == DEPTH_MAX)
        return goss_error_set(err, GOSS_E_IO, "%s: more than %d folders deep", path, (int)DEPTH_MAX);
    walk below = *w;
    below.path = path, below.relative = name, below.depth++;
    return enter(&below, err);
}

static goss_status visit(void *context, const char *entry, goss_error *err) {
    const walk *w = context;
    if (*entry == '.' || strcmp(entry, "__MACOSX") == 0) return GOSS_OK;
    char *path = goss__path_join(w->path, entry);
    char *name = *w->relative ? goss__path_join(w->relative, entry) : goss__strdup(entry);
    goss_status s = path && name ? look_at(w, path, name, err) : no_memory(err);
    goss__free(path), goss__free(name);
    return s;
}

static goss_status enter(const walk *w, goss_error *err) {
    walk here = *w;
    return goss__folder_each(w->path, visit, &here, err);
}

static goss_status keep(void *to, const char *path, const char *name, goss_error *err) {
    goss__sound_list *l = to;
    if (!goss__sound_name(name)) return GOSS_OK;
    goss__sound_file *f = goss__sound_list_add(l);
    if (!f) return no_memory(err);
    f->path = goss__arena_strdup(&l->arena, path), f->name = goss__arena_strdup(&l->arena, name);
    return f->path && f->name ? GOSS_OK : no_memory(err);
}

typedef struct census {
    bool sounds;
} census;

/* An image ends the search: folders of those are not of sounds. */
static goss_status count(void *to, const char *path, const char *name, goss_error *err) {
    (void)path;
    if (image_name(name)) return goss_error_set(err, GOSS_E_FORMAT, "an image");
    ((census *)to)->sounds |= goss__sound_name(name);
    return GOSS_OK;
}

bool goss_sounds_is(const char *path) {
    census c = {false};
    goss_error err;
    const walk w = {.to = &c, .found = count, .path = path, .relative = ""};
    if (!goss__is_dir(path)) return goss__is_file(path) && (goss__sound_name(path) || goss__sound_csv_is(path));
    return enter(&w, &err) == GOSS_OK && c.sounds;
}

/* ---- classes ---- */

static const char *copy(goss__sound_list *l, goss__span s) {
    return goss__arena_printf(&l->arena, "%.*s", (int)s.n, s.at);
}

static goss_status take_match(goss__sound_list *l, const goss__pattern *p, goss__sound_file *f, const goss__span *value,
                              goss_error *err) {
    const char **field = goss__arena_alloc(&l->arena, (size_t)(l->fields + 1) * sizeof *field);
    f->cls = copy(l, value[p->at_class]);
    if (!field || !f->cls) return no_memory(err);
    for (int i = 0, k = 0; i < p->n; i++)
        if (i != p->at_class && !(field[k++] = copy(l, value[i]))) return no_memory(err);
    f->field = field;
    return GOSS_OK;
}

/* *matched: files that the pattern fits. */
static goss_status classify_by_pattern(goss__sound_list *l, const goss__pattern *p, int *matched, goss_error *err) {
    goss__span value[GOSS__PATTERN_MOST];
    *matched = 0;
    for (int i = 0; i < p->n; i++)
        if (i != p->at_class && !(l->field_name[l->fields++] = goss__arena_strdup(&l->arena, p->name[i])))
            return no_memory(err);
    for (int i = 0; i < l->n; i++) {
        if (!goss__pattern_match(p, l->file[i].name, value)) continue;
        ++*matched;
        GOSS_TRY(take_match(l, p, &l->file[i], value, err));
    }
    return GOSS_OK;
}

static goss_status classify_by_folder(goss__sound_list *l, goss_error *err) {
    l->fields = 0;
    for (int i = 0; i < l->n; i++) {
        const char *end = strrchr(l->file[i].name, '/');
        if (!end) continue;
        l->file[i].cls = copy(l, (goss__span){l->file[i].name, (size_t)(end - l->file[i].name)});
        if (!l->file[i].cls) return no_memory(err);
    }
    return GOSS_OK;
}

static goss_status classify(goss__sound_list *l, const char *path, const char *pattern, goss_error *err) {
    goss__pattern p;
    int matched = 0;
    if (!*pattern) return classify_by_folder(l, err);
    GOSS_TRY(goss__pattern_parse(pattern, &p, err));
    const goss_status s = classify_by_pattern(l, &p, &matched, err);
    goss__pattern_free(&p);
    if (s != GOSS_OK || matched) return s;
    goss__log(GOSS_LOG_INFO, "%s: no name is as data.pattern = %s says: the folders are the classes", path, pattern);
    return classify_by_folder(l, err);
}

/* Files without a class leave the list. */
static goss_status leave_out(goss__sound_list *l, const char *path, const char *pattern, goss_error *err) {
    int kept = 0;
    for (int i = 0; i < l->n; i++) {
        if (l->file[i].cls)
            l->file[kept++] = l->file[i];
        else if (l->left_out++ == 0)
            l->example = l->file[i].name;
    }
    l->n = kept;
    if (kept == 0)
        return goss_error_set(err, GOSS_E_FORMAT,
                              "%s: no class for any of %d sound files, as %s: put those of a class into a folder, say "
                              "what names mean by data.pattern = {class}_{speaker}_{take}.wav, or list them in a csv "
                              "file with columns file and class",
                              path, l->left_out, l->example);
    if (l->left_out)
        goss__log(GOSS_LOG_WARN, "%s: %d of %d sound files are left out, as %s: %s", path, l->left_out,
                  kept + l->left_out, l->example,
                  *pattern && l->fields ? "their names are not as data.pattern says"
                                        : "they are in no folder of a class");
    return GOSS_OK;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const goss__sound_file *)a)->name, ((const goss__sound_file *)b)->name);
}

static goss_status read_folder(goss__sound_list *l, const char *path, const char *pattern, bool unlabelled,
                               goss_error *err) {
    const walk w = {.to = l, .found = keep, .path = path, .relative = ""};
    GOSS_TRY(enter(&w, err));
    if (l->n == 0)
        return goss_error_set(err, GOSS_E_FORMAT, "%s: no sound file (wav, flac, ogg, ...) in it or below", path);
    qsort(l->file, (size_t)l->n, sizeof *l->file, by_name);
    if (unlabelled) return GOSS_OK;
    GOSS_TRY(classify(l, path, pattern, err));
    return leave_out(l, path, pattern, err);
}

goss_status goss__sound_list_read(goss__sound_list *l, const char *path, const char *pattern, bool unlabelled,
                                  goss_error *err) {
    *l = (goss__sound_list){0};
    if (!goss__path_exists(path)) return goss_error_set(err, GOSS_E_IO, "%s: there is no such file or folder", path);
    if (goss__is_dir(path)) return read_folder(l, path, pattern, unlabelled, err);
    if (!goss__sound_name(path) || goss__sound_csv_is(path)) return goss__sound_csv_read(l, path, unlabelled, err);
    if (!unlabelled)
        return goss_error_set(err, GOSS_E_FORMAT, "%s: a single recording; wanted are a folder of them, or a csv file",
                              path);
    return keep(l, path, path, err);
}

/* ---- paths alone ---- */

static goss_status copy_paths(const goss__sound_list *l, char **paths, goss_error *err) {
    for (int i = 0; i < l->n; i++)
        if (!(paths[i] = goss__strdup(l->file[i].path))) return no_memory(err);
    return GOSS_OK;
}

goss_status goss_sound_paths(const char *path, char ***paths, int *n, goss_error *err) {
    goss__sound_list l;
    *paths = NULL, *n = 0;
    goss_status s = goss__sound_list_read(&l, path, "", true, err);
    if (s == GOSS_OK && !(*paths = goss__calloc((size_t)l.n + 1, sizeof **paths))) s = no_memory(err);
    if (s == GOSS_OK) *n = l.n, s = copy_paths(&l, *paths, err);
    goss__sound_list_free(&l);
    if (s == GOSS_OK) return s;
    goss_sound_paths_free(*paths, *n);
    *paths = NULL, *n = 0;
    return s;
}

void goss_sound_paths_free(char **paths, int n) {
    for (int i = 0; paths && i < n; i++) goss__free(paths[i]);
    goss__free(paths);
}
