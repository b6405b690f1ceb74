/* SPDX-License-Identifier: Apache-2.0 */
/* table_source.h: the files of a table: one, those of a folder, or those of a .zip. */
#ifndef GOSS_TABLE_SOURCE_H
#define GOSS_TABLE_SOURCE_H

#include "archive/zip.h"
#include "base/os.h"
#include "table/table.h"

typedef struct goss__part {
    const char *name; /* relative to the folder or .zip; the path itself for a single file */
    uint64_t index;   /* of the .zip's entry */
    bool text;        /* a .txt file */
} goss__part;

typedef struct goss__parts {
    const char *path;
    goss__arena arena;
    goss__part *part;                       /* sorted by name */
    size_t count, capacity, others, images; /* others: files that are not tables; images: those among them */
    size_t inner_others;                    /* others in folders within it */
    bool folder, zip;
    bool texts;         /* there are no tables but texts: each part is one, CLASS/NAME.txt, or NAME.txt of no class */
    size_t passed_over; /* texts that are no parts: of classes beside tables, of no class beside such */
    const char *stray;  /* one of the inner others; NULL: none */
    goss__map map;      /* of a single file or .zip */
    goss__zip *archive;
} goss__parts;

/* Lists. Errors: GOSS_E_IO; GOSS_E_FORMAT when there is no table. Nothing to free after a failure. */
GOSS_MUST_USE goss_status goss__parts_open(const char *path, goss__parts *out, goss_error *err);
void goss__parts_close(goss__parts *p);

/* The bytes of a part, valid until goss__part_drop. */
typedef struct goss__part_bytes {
    goss__bytes bytes;
    goss__map map;
    char *owned, *path;
} goss__part_bytes;
GOSS_MUST_USE goss_status goss__part_load(const goss__parts *p, size_t i, goss__part_bytes *out, goss_error *err);
void goss__part_drop(goss__part_bytes *b);
#endif
