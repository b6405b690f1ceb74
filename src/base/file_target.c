/* SPDX-License-Identifier: Apache-2.0 */
/* file_target.c: resolving an output path, and protecting files from being overwritten. Files are compared by identity
 * (device and inode), never by name. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/os.h"
#include "base/str.h"

enum { MOST_LINKS = 40 }; /* the kernel's limit */

static goss_status io_error(goss_error *err, const char *path, const char *what) {
    return goss_error_set(err, GOSS_E_IO, "%s: %s: %s", path, what, strerror(errno));
}

static goss_status no_memory(goss_error *err, const char *path) {
    return goss_error_set(err, GOSS_E_NOMEM, "%s: out of memory", path);
}

/* ---- identity ---- */

static bool same(const struct stat *a, const struct stat *b) {
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

bool goss__same_file(const char *a, const char *b) {
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && same(&x, &y);
}

/* Walks up from an open folder to the given one or the root. Closes it. */
static bool climbs_to(int fd, const struct stat *folder) {
    struct stat here, above;
    bool found = false;
    while (fd >= 0 && !found && fstat(fd, &here) == 0) {
        found = same(&here, folder);
        int up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        close(fd);
        fd = up;
        if (fd < 0 || fstat(fd, &above) != 0 || same(&here, &above)) break;
    }
    if (fd >= 0) close(fd);
    return found;
}

/* "a/b" becomes "a", "/a" becomes "/", "a" becomes ".". */
static void cut_last(char *path) {
    size_t n = strlen(path);
    while (n > 0 && path[n - 1] == '/') n--;
    while (n > 0 && path[n - 1] != '/') n--;
    while (n > 1 && path[n - 1] == '/') n--;
    if (n == 0) path[n++] = '.';
    path[n] = 0;
}

/* The nearest existing folder at or above a path, in which missing ones would be created. false: the path is too
 * long. */
static bool nearest_folder(const char *path, char at[PATH_MAX]) {
    if (snprintf(at, PATH_MAX, "%s", *path ? path : ".") >= PATH_MAX) return false;
    while (!goss__is_dir(at) && strcmp(at, ".") != 0 && strcmp(at, "/") != 0) cut_last(at);
    return true;
}

bool goss__lies_in(const char *path, const char *folder) {
    struct stat top;
    char at[PATH_MAX];
    if (stat(folder, &top) != 0 || !S_ISDIR(top.st_mode) || !nearest_folder(path, at)) return false;
    return climbs_to(open(at, O_PATH | O_DIRECTORY | O_CLOEXEC), &top);
}

/* ---- where a path leads ---- */

static goss_status read_link(const char *path, char **out, goss_error *err) {
    char text[PATH_MAX];
    ssize_t n = readlink(path, text, sizeof text - 1);
    if (n < 0) return io_error(err, path, "cannot read the link");
    text[n] = 0;
    const char *slash = text[0] == '/' ? NULL : strrchr(path, '/');
    size_t folder = slash ? (size_t)(slash - path) + 1 : 0, size = folder + (size_t)n + 1;
    *out = goss__alloc(size);
    if (!*out) return no_memory(err, path);
    snprintf(*out, size, "%.*s%s", (int)folder, path, text);
    return GOSS_OK;
}

/* Follows the links at the end of a path, including a dangling one. */
static goss_status follow(const char *path, char **out, goss_error *err) {
    char *at = goss__strdup(path), *next;
    struct stat st;
    *out = NULL;
    for (int links = 0; at && lstat(at, &st) == 0 && S_ISLNK(st.st_mode); links++) {
        goss_status s = links < MOST_LINKS ? read_link(at, &next, err)
                                           : goss_error_set(err, GOSS_E_IO, "%s: links in a circle", path);
        goss__free(at);
        GOSS_TRY(s);
        at = next;
    }
    *out = at;
    return at ? GOSS_OK : no_memory(err, path);
}

static goss_status check_kind(const char *path, const goss__target *t, goss_error *err) {
    const char *what = S_ISDIR(t->st.st_mode)    ? "a folder"
                       : S_ISBLK(t->st.st_mode)  ? "a block device"
                       : S_ISSOCK(t->st.st_mode) ? "a socket"
                                                 : NULL;
    if (what) return goss_error_set(err, GOSS_E_IO, "%s: is %s: name a file", path, what);
    if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) != 0) return io_error(err, path, "cannot write");
    return GOSS_OK;
}

static goss_status look(const char *path, goss__target *t, goss_error *err) {
    struct stat end;
    size_t n = strlen(path);
    if (n == 0) return goss_error_set(err, GOSS_E_IO, "the name of the file to write is empty");
    if (path[n - 1] == '/') return goss_error_set(err, GOSS_E_IO, "%s is the name of a folder: name a file", path);
    t->exists = stat(path, &t->st) == 0;
    if (!t->exists && errno != ENOENT) return io_error(err, path, "cannot write");
    if (t->exists) GOSS_TRY(check_kind(path, t, err));
    t->flow = t->exists && !S_ISREG(t->st.st_mode);
    GOSS_TRY(follow(path, &t->path, err));
    /* A link in /proc refers to an open file; its text need not be a path. */
    if (t->exists && !t->flow && (lstat(t->path, &end) != 0 || !same(&end, &t->st)))
        return goss_error_set(err, GOSS_E_IO, "%s refers to a file without a name: name a file", path);
    const char *slash = strrchr(t->path, '/');
    t->name = slash ? slash + 1 : t->path;
    t->folder = goss__strdup(slash ? t->path : ".");
    if (!t->folder) return no_memory(err, path);
    if (slash) t->folder[slash == t->path ? 1 : slash - t->path] = 0;
    return GOSS_OK;
}

goss_status goss__target_find(const char *path, goss__target *out, goss_error *err) {
    *out = (goss__target){0};
    goss_status s = look(path, out, err);
    if (s != GOSS_OK) goss__target_free(out);
    return s;
}

void goss__target_free(goss__target *t) {
    goss__free(t->path), goss__free(t->folder);
    *t = (goss__target){0};
}

goss_status goss__folder_check(const char *folder, goss_error *err) {
    char at[PATH_MAX];
    if (goss__path_exists(folder) && !goss__is_dir(folder))
        return goss_error_set(err, GOSS_E_IO, "%s exists and is not a folder", folder);
    if (!nearest_folder(folder, at)) return goss_error_set(err, GOSS_E_IO, "%.100s...: the path is too long", folder);
    if (faccessat(AT_FDCWD, at, W_OK | X_OK, AT_EACCESS) == 0) return GOSS_OK;
    return io_error(err, at, "cannot create files in this folder");
}

/* ---- checks before the work ---- */

/* `path` as given by the user resolves to `target`. */
static goss_status check_inputs(const char *path, const char *target, const char *const *inputs, int n,
                                goss_error *err) {
    for (int i = 0; i < n; i++) {
        if (!inputs[i]) continue;
        if (goss__same_file(target, inputs[i]))
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "%s is the input %s itself, which writing would destroy; name another file", path,
                                  inputs[i]);
        if (goss__lies_in(target, inputs[i]))
            return goss_error_set(err, GOSS_E_ARGUMENT, "%s is inside the input %s: name a file outside", path,
                                  inputs[i]);
    }
    return GOSS_OK;
}

/* Whether one of the words of a list is what `is` says. */
static bool any_word(const char *list, bool (*is)(const void *context, const char *word, size_t n),
                     const void *context) {
    for (const char *at = list; *at;) {
        const size_t n = strcspn(at, " ");
        if (n > 0 && is(context, at, n)) return true;
        at += n + (at[n] == ' ');
    }
    return false;
}

typedef struct earlier {
    const char *path;
    const goss__known *known;
    const goss__map *content;
} earlier;

/* ".csv": the name ends so, and the content is of that kind. */
static bool has_ending(const earlier *e, const char *word, size_t n) {
    const size_t length = strlen(e->path);
    char ending[16];
    if (n >= sizeof ending || length < n) return false;
    memcpy(ending, word, n), ending[n] = 0;
    return goss__ascii_ends(e->path, ending) && e->known->results && strstr(e->known->results, ending);
}

/* "prediction": a text whose first line, at commas and tabs, has a field of that name. */
static bool has_column(const earlier *e, const char *word, size_t n) {
    const char *at = (const char *)e->content->data;
    const char *line = at && e->known->plain ? memchr(at, '\n', e->content->size) : NULL;
    while (line && at < line) {
        const char *stop = at;
        while (stop < line && !memchr(",\t\r", *stop, 3)) stop++;
        if ((size_t)(stop - at) == n && memcmp(at, word, n) == 0) return true;
        at = stop + 1;
    }
    return false;
}

static bool is_earlier(const void *context, const char *word, size_t n) {
    return *word == '.' ? has_ending(context, word, n) : has_column(context, word, n);
}

/* Other kinds are recognised by their first bytes; a model is what is not recognised. */
static goss_status check_content(const char *path, const char *results, goss_error *err) {
    const bool model = strcmp(results, GOSS_OUTPUT_MODEL) == 0;
    goss__map m;
    if (goss__map_file(path, &m, NULL) != GOSS_OK) return GOSS_OK; /* may be written, not read */
    const goss__known *known = model && m.size == 0 ? NULL : goss__recognise(m.data, m.size);
    const earlier e = {path, known, &m};
    const bool replaced = known ? !model && any_word(results, is_earlier, &e) : model;
    goss__unmap(&m);
    if (replaced) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s exists and is %s and no earlier result of this kind, which alone is overwritten; remove "
                          "it or name another file",
                          path, known ? known->what : "of an unknown kind");
}

/* In a sticky folder (/tmp) files of others may be written, but not replaced. */
static goss_status check_replace(const char *path, const goss__target *t, goss_error *err) {
    struct stat folder;
    const uid_t user = geteuid();
    if (!t->exists || user == 0 || stat(t->folder, &folder) != 0 || !(folder.st_mode & S_ISVTX)) return GOSS_OK;
    if (folder.st_uid == user || t->st.st_uid == user) return GOSS_OK;
    return goss_error_set(
        err, GOSS_E_IO,
        "%s belongs to another user, in a folder where only its owner may replace it; name another file", path);
}

static goss_status check_target(const char *path, const goss__target *t, const char *const *inputs, int n,
                                goss_error *err) {
    if (t->flow) return GOSS_OK;
    if (!goss__is_dir(t->folder)) return goss_error_set(err, GOSS_E_IO, "%s: there is no folder %s", path, t->folder);
    GOSS_TRY(goss_error_prefix(err, goss__folder_check(t->folder, err), "%s", path));
    GOSS_TRY(check_replace(path, t, err));
    return check_inputs(path, t->path, inputs, n, err);
}

goss_status goss_output_check(const char *path, const char *results, const char *const *inputs, int n,
                              goss_error *err) {
    goss__target t;
    GOSS_TRY(goss__target_find(path, &t, err));
    goss_status s = check_target(path, &t, inputs, n, err);
    if (s == GOSS_OK && t.exists && !t.flow && results) s = check_content(path, results, err);
    goss__target_free(&t);
    return s;
}
