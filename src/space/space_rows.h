/* SPDX-License-Identifier: Apache-2.0 */
/* space_rows.h: a structure as rows of a drawing. */
#ifndef GOSS_SPACE_SPACE_ROWS_H
#define GOSS_SPACE_SPACE_ROWS_H

#include "space/space.h"

#define GOSS__ROW_CELLS 64

/* One layer of the space. */
typedef struct goss__row {
    int depth;       /* braces around it */
    char label[120]; /* its text */
    char kept[64];   /* what the structure keeps of it; "": there is no choice */
    bool there;      /* false: the part that it is in is dropped */
    int cells;       /* of its units; 0: they do not vary */
    float cell[GOSS__ROW_CELLS];
    int64_t bytes, macs, all_bytes, all_macs; /* all: with everything open */
} goss__row;

typedef struct goss__rows {
    goss__row *row;
    int n;
    goss_space_figures sum, all; /* of the structure, of the dearest one */
} goss__rows;

/* The rows of a structure; false: no memory. Owns: goss__free(rows->row). */
bool goss__space_rows(const goss_space *s, const float *structure, int64_t outputs, goss__rows *rows);
#endif
