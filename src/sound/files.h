/* SPDX-License-Identifier: Apache-2.0 */
/* files.h: which sound files there are below a path, and what their names, folders or a csv file say of them. */
#ifndef GOSS_SOUND_FILES_H
#define GOSS_SOUND_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "gossamer/status.h"

enum { GOSS__SOUND_FIELDS = 32 };

typedef struct goss__sound_file {
    const char *path, *name;  /* to open; for the user, and to match */
    const char *cls;          /* NULL: not known */
    const char *const *field; /* [fields]; "": not known */
    size_t line;              /* of the csv file that lists it; 0: none does */
} goss__sound_file;

typedef struct goss__sound_list {
    goss__arena arena; /* of all texts */
    goss__sound_file *file;
    int n, room;
    const char *field_name[GOSS__SOUND_FIELDS];
    int fields;
    int left_out;        /* files whose name or place says no class */
    const char *example; /* one of them */
} goss__sound_list;

/* Whether a name ends as sound files do. */
bool goss__sound_name(const char *name);
void goss__sound_endings(goss__str *s); /* adds ".wav, .flac, ..." */
/* Lists the files, in byte order of their names. pattern "": folders. unlabelled: classes are not asked for. Errors:
 * GOSS_E_IO, GOSS_E_FORMAT: no sound file, none of a class, a csv file that is not one. Owns: goss__sound_list_free, of
 * what an error leaves, too. */
goss_status goss__sound_list_read(goss__sound_list *l, const char *path, const char *pattern, bool unlabelled,
                                  goss_error *err);
void goss__sound_list_free(goss__sound_list *l);

/* ---- list_csv.c ---- */

/* Whether a file is a table of sound files, by its first lines. */
bool goss__sound_csv_is(const char *path);
/* Whether the files exist is not looked at. */
goss_status goss__sound_csv_read(goss__sound_list *l, const char *path, bool unlabelled, goss_error *err);
/* The next free file of the list; NULL: no memory. */
goss__sound_file *goss__sound_list_add(goss__sound_list *l);
#endif
