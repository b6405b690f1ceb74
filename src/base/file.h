/* SPDX-License-Identifier: Apache-2.0 */
/* file.h: what an output path refers to, and the kind of a file by its content. Writing: os.h. */
#ifndef GOSS_BASE_FILE_H
#define GOSS_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "gossamer/file.h"

/* The target of a path, with the links at its end followed. */
typedef struct goss__target {
    char *path, *folder;
    const char *name;  /* the last part of path */
    bool exists, flow; /* flow: a device or a FIFO, written to directly */
    struct stat st;    /* where it exists */
} goss__target;

/* Errors: GOSS_E_IO for what cannot be written, without trying: a folder, a block device, a file without permission, a
 * loop of links. The existence of the folder is not checked. */
GOSS_MUST_USE goss_status goss__target_find(const char *path, goss__target *out, goss_error *err);
void goss__target_free(goss__target *t);
/* Checks that files can be created in a folder, or in the nearest existing one above it. Errors: GOSS_E_IO. */
GOSS_MUST_USE goss_status goss__folder_check(const char *folder, goss_error *err);

/* Whether two paths are the same file or folder, by identity; false if one does not exist. */
bool goss__same_file(const char *a, const char *b);
/* Whether `path`, which need not exist, is the folder or below it. */
bool goss__lies_in(const char *path, const char *folder);

/* What a file was expected to be. */
typedef enum goss__wanted { GOSS__MODEL, GOSS__TABLE, GOSS__IMAGES, GOSS__PICTURES, GOSS__WANTED } goss__wanted;

/* A recognised kind of file. */
typedef struct goss__known {
    const char *what;                  /* "a PNG image": goes into "X is ..." */
    const char *advice;                /* what to do, "run git lfs pull ..."; NULL: no advice */
    const char *convert[GOSS__WANTED]; /* how to convert it to what was expected; NULL: advice */
    bool plain;                        /* a text of unknown kind: it may be a table */
    bool archive;                      /* a .zip of files that count themselves */
    const char *results;               /* endings of results that have this content, ".csv .svg"; NULL: none */
} goss__known;

/* The kind by content; NULL: not recognised. Safetensors files are not listed. */
const goss__known *goss__recognise(const void *data, size_t size);
/* What to do; NULL: no advice. */
const char *goss__known_advice(const goss__known *known, goss__wanted wanted);
/* Sets "PATH: is a PNG image, not WANTED; do this". Returns GOSS_E_FORMAT. */
goss_status goss__not_a(const char *path, const goss__known *known, goss__wanted wanted, goss_error *err);
#endif
