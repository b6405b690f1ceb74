/* SPDX-License-Identifier: Apache-2.0 */
/* shape.h: a table of symbols, and what builders, operation rules and the schedule ask of extents and shapes. */
#ifndef GOSS_GRAPH_SHAPE_H
#define GOSS_GRAPH_SHAPE_H

#include "base/str.h"
#include "gossamer/graph.h"

#define GOSS__MAX_SYMBOLS 32 /* of a graph, and of a program made from it */

/* Symbol i has byte i + 1 in an extent. */
typedef struct goss__symbols {
    int n;
    struct {
        const char *name;
        int64_t maximum;
    } symbol[GOSS__MAX_SYMBOLS];
} goss__symbols;

/* a / b when b divides a as a monomial. */
bool goss__extent_div(goss_extent a, goss_extent b, goss_extent *out);
/* The product of dims [from, to). */
goss_extent goss__shape_product(const goss_shape *s, int from, int to);
/* Value at given symbol counts (counts[i] of symbol i), at most the maxima; e: a product of extents of one node's
 * shape. */
int64_t goss__extent_eval(goss_extent e, const int64_t *counts);
/* The same for any e and counts; false where there is no such number. */
bool goss__extent_try(goss_extent e, const int64_t *counts, int64_t *out);
/* Whether e is valid, and has symbols of this table alone, none of them with the maximum 1 (which is the extent 1). */
bool goss__extent_known(const goss__symbols *symbols, goss_extent e);
/* The maximum of each symbol; 1 for those that do not exist. */
void goss__symbol_maxima(const goss__symbols *symbols, int64_t counts[GOSS__MAX_SYMBOLS]);
/* goss__extent_try at the planned maxima. */
bool goss__extent_most(const goss__symbols *symbols, goss_extent e, int64_t *out);
/* Elements of a tensor at the planned maxima: whatever they are multiplied with on the way to bytes, 63 bits hold it.
 */
#define GOSS__MOST_ELEMENTS ((int64_t)1 << 44)
/* "[T,25,64]" and "25*T" into a buffer; return it. */
const char *goss__shape_text(const goss__symbols *symbols, const goss_shape *s, char *buf, size_t size);
#define GOSS__SHAPE_TEXT 256
const char *goss__extent_text(const goss__symbols *symbols, goss_extent e, char *buf, size_t size);
#define GOSS__EXTENT_TEXT 64
/* Adds the same, however long it is. */
void goss__extent_add(goss__str *s, const goss__symbols *symbols, goss_extent e);
void goss__shape_add(goss__str *s, const goss__symbols *symbols, const goss_shape *shape);
/* A symbol's name is a letter or '_' and up to 62 letters, digits, '_' and '.': it stands in texts without quotes. */
bool goss__symbol_name_ok(const char *name);
#endif
