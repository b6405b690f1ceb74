/* SPDX-License-Identifier: Apache-2.0 */
/* os.c: files, time and the machine. Every error names the path and has the system's message. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/os.h"

static goss_status io_error(goss_error *err, const char *path, const char *what) {
    return goss_error_set(err, GOSS_E_IO, "%s: %s: %s", path, what, strerror(errno));
}

static const char *kind_of(mode_t mode) {
    return S_ISDIR(mode)    ? "a folder"
           : S_ISFIFO(mode) ? "a pipe, which can be read once"
           : S_ISSOCK(mode) ? "a socket"
                            : "a device";
}

static goss_status open_file(const char *path, int *fd, struct stat *st, goss_error *err) {
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO is refused instead of blocking */
    if (*fd < 0 && !*path) return goss_error_set(err, GOSS_E_IO, "the name of a file is empty");
    if (*fd < 0) return io_error(err, path, "cannot open");
    goss_status s = fstat(*fd, st) != 0 ? io_error(err, path, "cannot stat") : GOSS_OK;
    if (s == GOSS_OK && !S_ISREG(st->st_mode))
        s = goss_error_set(err, GOSS_E_IO, "%s: is %s, not a regular file", path, kind_of(st->st_mode));
    if (s != GOSS_OK) close(*fd);
    return s;
}

goss_status goss__map_file(const char *path, goss__map *out, goss_error *err) {
    int fd;
    struct stat st;
    *out = (goss__map){0};
    GOSS_TRY(open_file(path, &fd, &st, err));
    if (st.st_size > 0) {
        void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED) {
            goss_status s = io_error(err, path, "cannot map");
            close(fd);
            return s;
        }
        *out = (goss__map){data, (size_t)st.st_size};
    }
    close(fd);
    return GOSS_OK;
}

void goss__unmap(goss__map *m) {
    if (m->data) munmap((void *)(uintptr_t)m->data, m->size);
    *m = (goss__map){0};
}

static goss_status read_all(int fd, const char *path, char *data, size_t size, goss_error *err) {
    for (size_t at = 0; at < size;) {
        ssize_t n = read(fd, data + at, size - at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return io_error(err, path, "cannot read");
        if (n == 0) return goss_error_set(err, GOSS_E_IO, "%s was truncated while it was read", path);
        at += (size_t)n;
    }
    return GOSS_OK;
}

goss_status goss__read_file(const char *path, size_t limit, char **data, size_t *size, goss_error *err) {
    int fd;
    struct stat st;
    *data = NULL, *size = 0;
    GOSS_TRY(open_file(path, &fd, &st, err));
    goss_status s = GOSS_OK;
    if ((uint64_t)st.st_size > limit)
        s = goss_error_set(err, GOSS_E_FORMAT, "%s: %lld bytes, more than the %zu allowed here", path,
                           (long long)st.st_size, limit);
    char *text = s == GOSS_OK ? goss__alloc((size_t)st.st_size + 1) : NULL;
    if (s == GOSS_OK && !text) s = goss_error_set(err, GOSS_E_NOMEM, "%s: out of memory", path);
    if (s == GOSS_OK) s = read_all(fd, path, text, (size_t)st.st_size, err);
    close(fd);
    if (s != GOSS_OK) {
        goss__free(text);
        return s;
    }
    text[st.st_size] = 0;
    *data = text, *size = (size_t)st.st_size;
    return GOSS_OK;
}

/* ---- folders and paths ---- */

goss_status goss__mkdirs(const char *path, goss_error *err) {
    char *copy = goss__strdup(path);
    if (!copy) return goss_error_set(err, GOSS_E_NOMEM, "%s: out of memory", path);
    goss_status s = GOSS_OK;
    for (char *at = copy + (copy[0] == '/'); s == GOSS_OK; at++) {
        if (*at != '/' && *at) continue;
        char end = *at;
        *at = 0;
        if (copy[0] && mkdir(copy, 0777) != 0 && (errno != EEXIST || !goss__is_dir(copy)))
            s = io_error(err, copy, "cannot make the folder");
        *at = end;
        if (!end) break;
    }
    goss__free(copy);
    return s;
}

bool goss__path_up(char *path) {
    size_t n = strlen(path);
    while (n > 0 && path[n - 1] == '/') n--;
    while (n > 0 && path[n - 1] != '/') n--;
    while (n > 1 && path[n - 1] == '/') n--;
    path[n] = 0;
    return n > 0;
}

goss_status goss__lock_dir(const char *path, int *lock, goss_error *err) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *lock = -1;
    if (fd < 0) return io_error(err, path, "cannot open the folder");
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        *lock = fd;
        return GOSS_OK;
    }
    bool taken = errno == EWOULDBLOCK;
    close(fd);
    return taken ? goss_error_set(err, GOSS_E_IO, "%s: another process is using this folder", path) : GOSS_OK;
}

void goss__unlock_dir(int lock) {
    if (lock >= 0) close(lock);
}

bool goss__path_exists(const char *path) { return access(path, F_OK) == 0; }

bool goss__is_dir(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool goss__is_file(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

char *goss__path_join(const char *dir, const char *name) {
    size_t n = strlen(dir) + strlen(name) + 2;
    char *path = goss__alloc(n);
    if (path) snprintf(path, n, "%s/%s", dir, name);
    return path;
}

double goss__now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
