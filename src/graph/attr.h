/* SPDX-License-Identifier: Apache-2.0 */
/* attr.h: attributes of operations: a C struct per kind, and a table of its fields through which text, files and
 * interfaces access it.
 *
 * A struct consists of fields of the types below only. All of them are multiples of 8 bytes, so that there is no
 * padding and attributes are hashed and compared as bytes. Unused space is 0. The structs are in ops/attrs.h. */
#ifndef GOSS_GRAPH_ATTR_H
#define GOSS_GRAPH_ATTR_H

#include <assert.h>
#include <stddef.h>

#include "base/str.h"
#include "graph/shape.h"

/* An ordered list of n axes. */
typedef struct goss__axis_list {
    int64_t n, axis[GOSS_MAX_RANK];
} goss__axis_list;

/* An ordered list of n numbers. */
#define GOSS__LONGEST_LIST 64
typedef struct goss__int_list {
    int64_t n, item[GOSS__LONGEST_LIST];
} goss__int_list;

/* A longer one of numbers from 0 to 255. */
#define GOSS__LONGEST_BYTE_LIST 256
typedef struct goss__byte_list {
    int64_t n;
    uint8_t item[GOSS__LONGEST_BYTE_LIST];
} goss__byte_list;

typedef enum goss__attr_type {
    GOSS__ATTR_INT,       /* int64_t */
    GOSS__ATTR_REAL,      /* double */
    GOSS__ATTR_BOOL,      /* int64_t, 0 or 1 */
    GOSS__ATTR_EXTENT,    /* goss_extent; resolved to a number at run time */
    GOSS__ATTR_AXIS_SET,  /* int64_t: GOSS_AXIS(i) of each axis i */
    GOSS__ATTR_AXIS_LIST, /* goss__axis_list */
    GOSS__ATTR_INT_LIST,  /* goss__int_list */
    GOSS__ATTR_BYTE_LIST  /* goss__byte_list */
} goss__attr_type;

typedef struct goss__attr_field {
    const char *name;
    goss__attr_type type;
    uint16_t offset, count; /* offset in bytes; number of elements of that type */
    int since;              /* the version of programs that brought it, whose predecessors have it 0; 0: all have it */
} goss__attr_field;

/* A kind of attributes. Operations that share it have the same pointer. */
typedef struct goss__attrs {
    const char *name;
    size_t size;
    int n;
    const goss__attr_field *field;
} goss__attrs;

#define GOSS__ATTR_SIZE(type)                                                                                          \
    ((type) == GOSS__ATTR_EXTENT      ? sizeof(goss_extent)                                                            \
     : (type) == GOSS__ATTR_AXIS_LIST ? sizeof(goss__axis_list)                                                        \
     : (type) == GOSS__ATTR_INT_LIST  ? sizeof(goss__int_list)                                                         \
     : (type) == GOSS__ATTR_BYTE_LIST ? sizeof(goss__byte_list)                                                        \
                                      : sizeof(int64_t))
/* Row of a field table: a field of the struct goss__<kind>_attr, one value or an array. */
#define GOSS__FIELD_SINCE(kind, field_, type_, since_)                                                                 \
    {                                                                                                                  \
        .name = #field_, .type = GOSS__ATTR_##type_, .offset = offsetof(goss__##kind##_attr, field_),                  \
        .count = sizeof(((goss__##kind##_attr *)0)->field_) / GOSS__ATTR_SIZE(GOSS__ATTR_##type_), .since = (since_)   \
    }
#define GOSS__FIELD(kind, field_, type_) GOSS__FIELD_SINCE(kind, field_, type_, 0)
/* goss__<kind>_attrs, from the struct and the table `fields`. */
#define GOSS__DEFINE_ATTRS(kind, fields)                                                                               \
    const goss__attrs goss__##kind##_attrs = {.name = #kind,                                                           \
                                              .size = sizeof(goss__##kind##_attr),                                     \
                                              .n = (int)(sizeof(fields) / sizeof *(fields)),                           \
                                              .field = fields}

/* The field of that name, or NULL. */
const goss__attr_field *goss__attr_find(const goss__attrs *attrs, const char *name);
/* Adds "{stride_h=2, axes=[0,2], eps=1e-05}", or nothing for attrs NULL. */
void goss__attrs_text(goss__str *s, const goss__attrs *attrs, const void *attr, const goss__symbols *symbols);
/* Whether any field is an extent. */
bool goss__attrs_have_extents(const goss__attrs *attrs);
/* Copies attributes with every extent resolved at these counts. */
void goss__attrs_resolve(const goss__attrs *attrs, const void *attr, const int64_t *counts, void *out);

static inline const void *goss__attr_checked(const goss__attrs *is, const void *attr, const goss__attrs *want) {
    assert(is == want && "attributes are read as those of the operation that they belong to");
    (void)is, (void)want;
    return attr;
}
/* The attributes of a node, a site or shapes, which must be those of an operation with goss__<kind>_attrs. */
#define GOSS__ATTR(x, kind)                                                                                            \
    ((const goss__##kind##_attr *)goss__attr_checked((x)->op->attrs, (x)->attr, &goss__##kind##_attrs))
#endif
