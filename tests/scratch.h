/* SPDX-License-Identifier: Apache-2.0 */
/* scratch.h: a folder of its own for a test program's files, removed with what is in it when the program ends. */
#ifndef GOSS_SCRATCH_H
#define GOSS_SCRATCH_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char scratch_folder[64];

/* Removes what is in a folder, folders with what is in them. */
static inline void scratch_clear(const char *folder) {
    char path[700];
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        if (snprintf(path, sizeof path, "%s/%s", folder, e->d_name) >= (int)sizeof path) continue;
        if (remove(path) == 0) continue;
        scratch_clear(path);
        remove(path);
    }
    if (d) closedir(d);
}

static inline void scratch_empty(void) { scratch_clear(scratch_folder); }

static inline void scratch_remove(void) {
    scratch_empty();
    rmdir(scratch_folder);
}

/* A path in the folder; valid until the fourth call after it. */
static inline const char *scratch(const char *name) {
    static char paths[4][192];
    static int turn;
    if (!scratch_folder[0]) {
        const char *tmp = getenv("TMPDIR");
        snprintf(scratch_folder, sizeof scratch_folder, "%s/goss-XXXXXX", tmp && strlen(tmp) < 48 ? tmp : P_tmpdir);
        if (!mkdtemp(scratch_folder)) {
            perror(scratch_folder);
            exit(2);
        }
        atexit(scratch_remove);
    }
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", scratch_folder, name);
    return path;
}

static inline int scratch_count(void) {
    int n = 0;
    DIR *d = opendir(scratch_folder);
    for (struct dirent *e; d && (e = readdir(d));) n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    if (d) closedir(d);
    return n;
}
#endif
