/* SPDX-License-Identifier: Apache-2.0 */
/* file_write.c: atomic file output: a temporary file in the target's folder, renamed over the target. gossamer/file.h
 * has the guarantees.
 *
 * The name of the temporary file is unpredictable and the file is opened with O_EXCL, so that nobody can have placed a
 * link there. Its writer holds a lock on it (flock), which ends with the process: a file that can be locked is
 * abandoned and is removed by the next write into its folder. Between creation and locking it may be taken for
 * abandoned; the writer detects that and creates another. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/os.h"
#include "gossamer/file.h"

#define MARK ".gossamer-"
enum { DIGITS = 16, NAME_PART = 200, TRIES = 100 };

struct goss__writer {
    int fd;
    bool durable;
    char *path;      /* as given by the user */
    char *temporary; /* NULL: the target is written to directly */
    goss__target target;
};

static goss_status io_error(goss_error *err, const char *path, const char *what) {
    return goss_error_set(err, GOSS_E_IO, "%s: %s: %s", path, what, strerror(errno));
}

static void writer_free(goss__writer *w) {
    goss__target_free(&w->target);
    goss__free(w->path), goss__free(w->temporary);
    goss__free(w);
}

/* ---- files of killed writers ---- */

static bool is_temporary(const char *name) {
    size_t n = strlen(name), tail = sizeof MARK - 1 + DIGITS;
    if (name[0] != '.' || n <= tail || memcmp(name + n - tail, MARK, sizeof MARK - 1) != 0) return false;
    return strspn(name + n - DIGITS, "0123456789abcdef") == DIGITS;
}

/* What cannot be opened, locked or removed is left alone. */
static void remove_abandoned(int folder, const char *name) {
    struct stat st;
    int fd = openat(folder, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && flock(fd, LOCK_EX | LOCK_NB) == 0)
        (void)unlinkat(folder, name, 0);
    close(fd);
}

void goss__clean_folder(const char *folder) {
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d)) != NULL;)
        if (is_temporary(e->d_name)) remove_abandoned(dirfd(d), e->d_name);
    if (d) closedir(d);
}

/* ---- opening ---- */

/* Creates and locks the temporary file; *again: the name was taken, or the file was removed as abandoned. */
static goss_status try_name(goss__writer *w, size_t size, bool *again, goss_error *err) {
    const goss__target *t = &w->target;
    uint64_t random;
    struct stat st;
    if (getentropy(&random, sizeof random) != 0) return io_error(err, w->path, "cannot generate a random name");
    snprintf(w->temporary, size, "%s/.%.*s" MARK "%0*" PRIx64, t->folder, NAME_PART, t->name, DIGITS, random);
    /* A file that will be private is private from the start. */
    w->fd = open(w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, t->exists ? 0600 : 0666);
    *again = w->fd < 0 && errno == EEXIST;
    if (w->fd < 0) return *again ? GOSS_OK : io_error(err, w->path, "cannot write");
    bool locked = flock(w->fd, LOCK_EX | LOCK_NB) == 0;
    *again = (!locked && errno == EWOULDBLOCK) || (fstat(w->fd, &st) == 0 && st.st_nlink == 0);
    if (*again) close(w->fd);
    return GOSS_OK;
}

/* Mode and owner of what is replaced. Who may not give a file away keeps it, without rights that came with its owner.
 */
static goss_status take_over(const goss__writer *w, goss_error *err) {
    const struct stat *old = &w->target.st;
    struct stat st;
    mode_t mode = old->st_mode & 07777;
    if (fstat(w->fd, &st) != 0) return io_error(err, w->path, "cannot stat");
    if (st.st_uid != old->st_uid && fchown(w->fd, old->st_uid, (gid_t)-1) != 0) mode &= (mode_t)~S_ISUID;
    if (st.st_gid != old->st_gid && fchown(w->fd, (uid_t)-1, old->st_gid) != 0) mode &= (mode_t)~S_ISGID;
    return fchmod(w->fd, mode) == 0 ? GOSS_OK : io_error(err, w->path, "cannot keep its mode");
}

static goss_status open_temporary(goss__writer *w, goss_error *err) {
    size_t size = strlen(w->target.folder) + NAME_PART + sizeof MARK + DIGITS + 3;
    bool again = true;
    w->temporary = goss__alloc(size);
    if (!w->temporary) return goss_error_set(err, GOSS_E_NOMEM, "%s: out of memory", w->path);
    for (int i = 0; i < TRIES && again; i++) GOSS_TRY(try_name(w, size, &again, err));
    if (again) return goss_error_set(err, GOSS_E_IO, "%s: no name for a temporary file is free", w->path);
    if (!w->target.exists) return GOSS_OK;
    goss_status s = take_over(w, err);
    if (s == GOSS_OK) return GOSS_OK;
    (void)unlink(w->temporary);
    close(w->fd);
    return s;
}

static goss_status open_flow(goss__writer *w, goss_error *err) {
    do w->fd = open(w->path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
    while (w->fd < 0 && errno == EINTR);
    return w->fd >= 0 ? GOSS_OK : io_error(err, w->path, "cannot open");
}

static goss_status writer_open(const char *path, bool durable, goss__writer **out, goss_error *err) {
    *out = NULL;
    goss__writer *w = goss__calloc(1, sizeof *w);
    if (w) w->path = goss__strdup(path), w->durable = durable;
    goss_status s = w && w->path ? goss__target_find(path, &w->target, err)
                                 : goss_error_set(err, GOSS_E_NOMEM, "%s: out of memory", path);
    if (s == GOSS_OK && durable && !w->target.flow) goss__clean_folder(w->target.folder);
    if (s == GOSS_OK) s = w->target.flow ? open_flow(w, err) : open_temporary(w, err);
    if (s == GOSS_OK)
        *out = w;
    else if (w)
        writer_free(w);
    return s;
}

goss_status goss__writer_open(const char *path, goss__writer **out, goss_error *err) {
    return writer_open(path, true, out, err);
}

/* ---- writing ---- */

goss_status goss__writer_put(goss__writer *w, const void *data, size_t size, goss_error *err) {
    const char *at = data;
    while (size) {
        ssize_t n = write(w->fd, at, size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return io_error(err, w->path, "cannot write");
        at += n, size -= (size_t)n;
    }
    return GOSS_OK;
}

static goss_status sync_folder(const goss__writer *w, goss_error *err) {
    int fd = open(w->target.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* A folder with write but without read permission cannot be opened; EINVAL: the file system does not support fsync
     * of folders. Both are acceptable. */
    bool synced = fd < 0 ? errno == EACCES : fsync(fd) == 0 || errno == EINVAL;
    goss_status s = synced ? GOSS_OK : io_error(err, w->path, "cannot sync its folder");
    if (fd >= 0) close(fd);
    return s;
}

static goss_status commit_flow(const goss__writer *w, goss_error *err) {
    return close(w->fd) == 0 ? GOSS_OK : io_error(err, w->path, "cannot close");
}

/* The file is closed last, which releases the lock. */
static goss_status commit_temporary(const goss__writer *w, goss_error *err) {
    goss_status s = GOSS_OK;
    if (w->durable && fsync(w->fd) != 0) s = io_error(err, w->path, "cannot sync");
    if (s == GOSS_OK && rename(w->temporary, w->target.path) != 0) s = io_error(err, w->path, "cannot replace");
    if (s != GOSS_OK) (void)unlink(w->temporary); /* the first error is reported */
    if (close(w->fd) != 0 && s == GOSS_OK) s = io_error(err, w->path, "cannot close");
    return s == GOSS_OK && w->durable ? sync_folder(w, err) : s;
}

goss_status goss__writer_commit(goss__writer *w, goss_error *err) {
    goss_status s = w->temporary ? commit_temporary(w, err) : commit_flow(w, err);
    writer_free(w);
    return s;
}

void goss__writer_abandon(goss__writer *w) {
    if (!w) return;
    if (w->temporary) (void)unlink(w->temporary);
    close(w->fd);
    writer_free(w);
}

static goss_status write_file(const char *path, bool durable, const void *data, size_t size, goss_error *err) {
    goss__writer *w;
    GOSS_TRY(writer_open(path, durable, &w, err));
    goss_status s = goss__writer_put(w, data, size, err);
    if (s == GOSS_OK) return goss__writer_commit(w, err);
    goss__writer_abandon(w);
    return s;
}

goss_status goss__write_file(const char *path, const void *data, size_t size, goss_error *err) {
    return write_file(path, true, data, size, err);
}

goss_status goss_file_write(const char *path, const void *data, size_t size, goss_error *err) {
    return goss__write_file(path, data, size, err);
}

goss_status goss__write_one_of_many(const char *path, const void *data, size_t size, goss_error *err) {
    return write_file(path, false, data, size, err);
}

goss_status goss__sync_many(const char *folder, goss_error *err) {
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    goss_status s = fd >= 0 && syncfs(fd) == 0 ? GOSS_OK : io_error(err, folder, "cannot sync");
    if (fd >= 0) close(fd);
    return s;
}
