/* SPDX-License-Identifier: Apache-2.0 */
/* source_tree.c: image files in a folder and the folders below it. Links are followed, to a bounded depth. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/folder.h"
#include "base/os.h"
#include "data/source.h"

enum { DEPTH_MAX = 32 };

static goss_status fetch(const goss__source *s, goss__reader *r, const goss__item *item, uint8_t *out,
                         goss_error *err) {
    char *path = goss__path_join(s->path, item->path), *data = NULL;
    size_t size = 0;
    if (!path) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a file name");
    goss_status status = goss__read_file(path, GOSS__ENCODED_MAX, &data, &size, err);
    if (status == GOSS_OK) {
        status = goss__picture_decode((uint8_t *)data, size, &r->fit, out, err);
        if (status != GOSS_OK) status = goss_error_prefix(err, status, "%s", path);
    }
    goss__free(data);
    goss__free(path);
    return status;
}

/* The first bytes of a file whose name does not tell its kind. */
static int64_t head(void *full, uint8_t *out) {
    int fd = open(full, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t n = read(fd, out, GOSS__HEAD);
    close(fd);
    return n;
}

/* A folder on the way down. */
typedef struct place {
    goss__source *source;
    const char *relative; /* "" at the top */
    int depth;
    size_t entries; /* that are not hidden */
} place;

static goss_status walk(goss__source *s, const char *relative, int depth, goss_error *err);

static goss_status add_flawed(goss__source *s, const char *relative, goss__flaw flaw, const char *why,
                              goss_error *err) {
    return goss__source_add(s, relative, (goss__item){.flaw = flaw, .why = why}, err);
}

static goss_status visit(const place *p, char *full, const char *relative, goss_error *err) {
    struct stat st;
    if (stat(full, &st) != 0) {
        if (errno == ENOENT || errno == ELOOP)
            return add_flawed(p->source, relative, GOSS__DEAD_LINK, "a link that leads nowhere", err);
        if (errno == EACCES) return add_flawed(p->source, relative, GOSS__NO_ACCESS, strerror(errno), err);
        return goss_error_set(err, GOSS_E_IO, "%s: %s", full, strerror(errno));
    }
    if (S_ISDIR(st.st_mode) && access(full, R_OK | X_OK) != 0)
        return add_flawed(p->source, relative, GOSS__NO_ACCESS, "a folder that may not be read", err);
    if (S_ISDIR(st.st_mode)) return walk(p->source, relative, p->depth + 1, err);
    if (!S_ISREG(st.st_mode))
        return add_flawed(p->source, relative, goss__kind_of_name(relative) ? GOSS__UNREAD : GOSS__OTHER,
                          "no regular file", err);
    /* The time of the last change of content or attributes cannot be set back, that of the content alone can. */
    goss__item item = {.size = (uint64_t)st.st_size,
                       .stamp = ((uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec) ^
                                ((uint64_t)st.st_ctim.tv_sec * 1000000000u + (uint64_t)st.st_ctim.tv_nsec) << 1};
    GOSS_TRY(goss__source_classify(p->source, relative, head, full, &item, err));
    return goss__source_add(p->source, relative, item, err);
}

static goss_status visit_name(void *context, const char *name, goss_error *err) {
    place *p = context;
    if (name[0] == '.' || strcmp(name, "__MACOSX") == 0) return GOSS_OK;
    p->entries++;
    char *below = p->relative[0] ? goss__path_join(p->relative, name) : goss__strdup(name);
    char *full = below ? goss__path_join(p->source->path, below) : NULL;
    goss_status status = full ? visit(p, full, below, err)
                              : goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to list it", p->source->path);
    goss__free(full);
    goss__free(below);
    return status;
}

/* An empty folder is noted as what is in it: nothing, under an empty name. */
static goss_status note_empty(goss__source *s, const char *relative, goss_error *err) {
    char *inside = goss__path_join(relative, "");
    goss_status status = inside ? add_flawed(s, inside, GOSS__FOLDER, NULL, err)
                                : goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to list it", s->path);
    goss__free(inside);
    return status;
}

static goss_status walk(goss__source *s, const char *relative, int depth, goss_error *err) {
    if (depth > DEPTH_MAX)
        return goss_error_set(err, GOSS_E_FORMAT, "%s/%s: more than %d folders deep (a link to itself?)", s->path,
                              relative, DEPTH_MAX);
    char *full = relative[0] ? goss__path_join(s->path, relative) : goss__strdup(s->path);
    if (!full) return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to list it", s->path);
    place here = {s, relative, depth, 0};
    goss_status status = goss__folder_each(full, visit_name, &here, err);
    goss__free(full);
    if (status == GOSS_OK && here.entries == 0 && relative[0]) status = note_empty(s, relative, err);
    return status;
}

goss_status goss__source_tree(goss__source *s, goss_error *err) {
    s->fetch = fetch;
    return walk(s, "", 0, err);
}
