/* SPDX-License-Identifier: Apache-2.0 */
/* file.h: what a path to be written to names, and what a file holds by its first bytes. Writing itself: os.h. */
#ifndef GOSS_BASE_FILE_H
#define GOSS_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "gossamer/file.h"

/* Where a path leads once the links at its end are followed. */
typedef struct goss__target {
    char *path, *folder;
    const char *name;  /* the last part of path */
    bool exists, flow; /* flow: a device or a FIFO, written to as it is */
    struct stat st;    /* where it exists */
} goss__target;

/* Errors: GOSS_E_IO for what can not be written, without having tried: a folder, a block device, a file without
 * permission, links in a circle. That the folder exists is not asked. */
GOSS_MUST_USE goss_status goss__target_find(const char *path, goss__target *out, goss_error *err);
void goss__target_free(goss__target *t);
/* Whether files can be made in a folder, or a folder that is not there yet above it. Errors: GOSS_E_IO. */
GOSS_MUST_USE goss_status goss__folder_check(const char *folder, goss_error *err);

/* The same file or folder, whatever names lead there; false when one does not exist. */
bool goss__same_file(const char *a, const char *b);
/* `path`, which need not exist yet, is the folder or lies in it, at any depth. */
bool goss__lies_in(const char *path, const char *folder);

/* What somebody wanted a file to be. */
typedef enum goss__wanted { GOSS__MODEL, GOSS__TABLE, GOSS__IMAGES, GOSS__PICTURES, GOSS__WANTED } goss__wanted;

/* A kind of file that people take for another one. */
typedef struct goss__known {
    const char *what;                  /* "a PNG image": goes into "X is ..." */
    const char *advice;                /* what to do, "run git lfs pull ..."; NULL: nothing better than another file */
    const char *convert[GOSS__WANTED]; /* how to make of it what was wanted; NULL: advice */
    bool plain;                        /* a text of which no more is known: it may be a table */
} goss__known;

/* By content. NULL: not recognised. Safetensors files are not on the list. */
const goss__known *goss__recognise(const void *data, size_t size);
/* What to do; NULL: nothing better than another file. */
const char *goss__known_advice(const goss__known *known, goss__wanted wanted);
/* Sets "PATH: is a PNG image, not WANTED; do this". Returns GOSS_E_FORMAT. */
goss_status goss__not_a(const char *path, const goss__known *known, goss__wanted wanted, goss_error *err);
#endif
