/* SPDX-License-Identifier: Apache-2.0 */
/* os.h: files, time and the machine, as much of POSIX as Gossamer needs. */
#ifndef GOSS_BASE_OS_H
#define GOSS_BASE_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossamer/status.h"

/* A read-only map of a whole file. An empty file has data NULL and size 0. */
typedef struct goss__map {
    const uint8_t *data;
    size_t size;
} goss__map;

GOSS_MUST_USE goss_status goss__map_file(const char *path, goss__map *out, goss_error *err);
void goss__unmap(goss__map *m);

/* A whole file in memory, NUL-terminated (not counted in size). Free with goss__free. Refuses files over `limit`
 * bytes. */
GOSS_MUST_USE goss_status goss__read_file(const char *path, size_t limit, char **data, size_t *size, goss_error *err);

/* Atomic output (gossamer/file.h): bytes go to a temporary file beside the target; commit does fsync, rename, fsync of
 * the folder. Until commit the old file is untouched; abandon removes the temporary one. Errors name the path as
 * given. */
typedef struct goss__writer goss__writer;
GOSS_MUST_USE goss_status goss__writer_open(const char *path, goss__writer **out, goss_error *err);
GOSS_MUST_USE goss_status goss__writer_put(goss__writer *w, const void *data, size_t size, goss_error *err);
GOSS_MUST_USE goss_status goss__writer_commit(goss__writer *w, goss_error *err); /* frees w in any case */
void goss__writer_abandon(goss__writer *w);                                      /* NULL allowed */
/* The three calls in one, for one block of bytes. */
GOSS_MUST_USE goss_status goss__write_file(const char *path, const void *data, size_t size, goss_error *err);
/* The same without syncs and without cleaning up after killed writers, for thousands of small files: call
 * goss__clean_folder for each folder before, goss__sync_many once after the last, and only then write the marker of
 * completeness. */
GOSS_MUST_USE goss_status goss__write_one_of_many(const char *path, const void *data, size_t size, goss_error *err);
GOSS_MUST_USE goss_status goss__sync_many(const char *folder, goss_error *err);
/* Removes temporary files of dead writers. */
void goss__clean_folder(const char *folder);

GOSS_MUST_USE goss_status goss__mkdirs(const char *path, goss_error *err); /* mkdir -p */
/* Removes the last component of the path, in place; false if there is no parent in it. */
bool goss__path_up(char *path);
/* Locks a folder until the process ends. Errors: GOSS_E_IO if another process holds the lock. On a file system without
 * locks: GOSS_OK and -1. */
GOSS_MUST_USE goss_status goss__lock_dir(const char *path, int *lock, goss_error *err);
void goss__unlock_dir(int lock); /* -1 allowed */
bool goss__path_exists(const char *path);
bool goss__is_dir(const char *path);
bool goss__is_file(const char *path); /* a regular one */
/* dir + "/" + name in a fresh allocation (goss__free); NULL on failure. */
char *goss__path_join(const char *dir, const char *name);

double goss__now(void); /* monotonic seconds */
/* Processors available to this process by affinity mask and cgroup CPU quota, at least 1. */
int goss__cpu_count(void);
#endif
