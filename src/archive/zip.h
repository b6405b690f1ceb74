/* SPDX-License-Identifier: Apache-2.0 */
/* zip.h: files inside a .zip, through libzip, without unpacking it to disk.
 *
 * Where the build has no libzip, opening is GOSS_E_UNSUPPORTED with the package's name. Threads: an archive belongs to
 * one thread at a time; any number may be open on one file. */
#ifndef GOSS_ARCHIVE_ZIP_H
#define GOSS_ARCHIVE_ZIP_H

#include <stddef.h>
#include <stdint.h>

#include "gossamer/status.h"

typedef struct goss__zip goss__zip;

/* A file or folder of an archive. */
typedef struct goss__zip_entry {
    /* Its name as a path below the top, '/' between levels and behind a folder's: "." and empty levels go, ".." goes
     * with the level before it. Valid during the call. */
    const char *path;
    uint64_t index, size;
    uint32_t checksum;
    const char *locked; /* why it cannot be unpacked here although it is sound, and what to do; NULL: it can */
} goss__zip_entry;

/* Of a file, or of bytes that stay until it is closed (name: for errors). Errors: GOSS_E_FORMAT for what is damaged. */
GOSS_MUST_USE goss_status goss__zip_open(const char *path, goss__zip **out, goss_error *err);
GOSS_MUST_USE goss_status goss__zip_open_bytes(const char *name, const void *data, size_t size, goss__zip **out,
                                               goss_error *err);
void goss__zip_close(goss__zip *z); /* NULL allowed */

/* Calls `each` for every entry in the order of the directory, until one fails. Errors: its; GOSS_E_FORMAT for an entry
 * without name, size or checksum. */
typedef goss_status (*goss__zip_each_fn)(void *context, const goss__zip_entry *entry, goss_error *err);
GOSS_MUST_USE goss_status goss__zip_each(goss__zip *z, goss__zip_each_fn each, void *context, goss_error *err);

/* All of an entry that has this size, with its checksum compared. Errors (without a name in front): GOSS_E_FORMAT for
 * what is damaged, GOSS_E_UNSUPPORTED for what is locked. */
GOSS_MUST_USE goss_status goss__zip_read(goss__zip *z, uint64_t index, void *out, size_t size, goss_error *err);
/* The same into memory of its own, with a NUL behind: goss__free. */
GOSS_MUST_USE goss_status goss__zip_unpack(goss__zip *z, uint64_t index, char **out, size_t *size, goss_error *err);
/* The first bytes of an entry, at most n; how many, or -1. */
int64_t goss__zip_head(goss__zip *z, uint64_t index, void *out, size_t n);
#endif
