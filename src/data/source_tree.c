/* source_tree.c: image files in a folder and the folders below it. Links are followed, to a bounded depth. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/os.h"
#include "data/source.h"

enum { DEPTH_MAX = 32 };

static goss_status fetch(const goss__source *s, goss__reader *r, const goss__item *item, goss_error *err) {
    char *path = goss__path_join(s->path, item->path), *data = NULL;
    size_t size = 0;
    if (!path) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a file name");
    goss_status status = goss__read_file(path, GOSS__ENCODED_MAX, &data, &size, err);
    if (status == GOSS_OK) {
        status = goss__picture_decode((uint8_t *)data, size, &r->picture, err);
        if (status != GOSS_OK) status = goss_error_prefix(err, status, "%s", path);
    }
    goss__free(data);
    goss__free(path);
    return status;
}

/* A file whose name does not say what it is is opened to see. */
static bool is_image(const char *full) {
    if (goss__name_is_image(full)) return true;
    uint8_t head[8];
    int fd = open(full, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    ssize_t n = read(fd, head, sizeof head);
    close(fd);
    return n > 0 && goss__bytes_are_image(head, (size_t)n);
}

static goss_status walk(goss__source *s, const char *relative, int depth, goss_error *err);

static goss_status visit(goss__source *s, const char *full, const char *relative, int depth, goss_error *err) {
    struct stat st;
    if (stat(full, &st) != 0) {
        if (errno == ENOENT) return GOSS_OK; /* a link that leads nowhere */
        return goss_error_set(err, GOSS_E_IO, "%s: %s", full, strerror(errno));
    }
    if (S_ISDIR(st.st_mode)) return walk(s, relative, depth + 1, err);
    if (!S_ISREG(st.st_mode) || !is_image(full)) return GOSS_OK;
    goss__item item = {.size = (uint64_t)st.st_size,
                       .stamp = (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec};
    return goss__source_add(s, relative, item, err);
}

static goss_status visit_name(goss__source *s, const char *relative, const char *name, int depth, goss_error *err) {
    if (name[0] == '.' || strcmp(name, "__MACOSX") == 0) return GOSS_OK;
    char *below = relative[0] ? goss__path_join(relative, name) : goss__strdup(name);
    char *full = below ? goss__path_join(s->path, below) : NULL;
    goss_status status = full ? visit(s, full, below, depth, err)
                              : goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to list it", s->path);
    goss__free(full);
    goss__free(below);
    return status;
}

static goss_status walk(goss__source *s, const char *relative, int depth, goss_error *err) {
    if (depth > DEPTH_MAX)
        return goss_error_set(err, GOSS_E_FORMAT, "%s/%s: more than %d folders deep (a link to itself?)", s->path,
                              relative, DEPTH_MAX);
    char *full = goss__path_join(s->path, relative);
    DIR *dir = full ? opendir(full) : NULL;
    if (!dir) {
        goss_status status = full ? goss_error_set(err, GOSS_E_IO, "%s: %s", full, strerror(errno))
                                  : goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to list it", s->path);
        goss__free(full);
        return status;
    }
    goss_status status = GOSS_OK;
    for (struct dirent *e; status == GOSS_OK && (e = readdir(dir)) != NULL;)
        status = visit_name(s, relative, e->d_name, depth, err);
    closedir(dir);
    goss__free(full);
    return status;
}

goss_status goss__source_tree(goss__source *s, goss_error *err) {
    s->fetch = fetch;
    return walk(s, "", 0, err);
}
