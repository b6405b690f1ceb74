/* SPDX-License-Identifier: Apache-2.0 */
/* attr.c: generic access to attributes through their field tables. */
#include "graph/attr.h"

#include <string.h>

#include "base/number.h"

const goss__attr_field *goss__attr_find(const goss__attrs *attrs, const char *name) {
    for (int i = 0; attrs && i < attrs->n; i++)
        if (strcmp(attrs->field[i].name, name) == 0) return &attrs->field[i];
    return NULL;
}

/* ---- text ---- */

static void put_int(goss__str *s, const void *value, const goss__symbols *symbols) {
    goss__str_addf(s, "%lld", (long long)*(const int64_t *)value);
}

static void put_real(goss__str *s, const void *value, const goss__symbols *symbols) {
    char text[GOSS__NUMBER_TEXT];
    goss__number_print(*(const double *)value, text);
    goss__str_add(s, text);
}

static void put_bool(goss__str *s, const void *value, const goss__symbols *symbols) {
    goss__str_add(s, *(const int64_t *)value ? "true" : "false");
}

static void put_extent(goss__str *s, const void *value, const goss__symbols *symbols) {
    goss__extent_add(s, symbols, *(const goss_extent *)value);
}

static void put_axis_set(goss__str *s, const void *value, const goss__symbols *symbols) {
    const uint64_t set = (uint64_t) * (const int64_t *)value;
    const char *between = "";
    goss__str_add(s, "[");
    for (int i = 0; i < GOSS_MAX_RANK; i++)
        if (set >> i & 1) goss__str_addf(s, "%s%d", between, i), between = ",";
    goss__str_add(s, "]");
}

static void put_axis_list(goss__str *s, const void *value, const goss__symbols *symbols) {
    const goss__axis_list *list = value;
    goss__str_add(s, "[");
    for (int64_t i = 0; i < list->n; i++) goss__str_addf(s, "%s%lld", i ? "," : "", (long long)list->axis[i]);
    goss__str_add(s, "]");
}

static void put_int_list(goss__str *s, const void *value, const goss__symbols *symbols) {
    const goss__int_list *list = value;
    goss__str_add(s, "[");
    for (int64_t i = 0; i < list->n; i++) goss__str_addf(s, "%s%lld", i ? "," : "", (long long)list->item[i]);
    goss__str_add(s, "]");
}

static void put_byte_list(goss__str *s, const void *value, const goss__symbols *symbols) {
    const goss__byte_list *list = value;
    goss__str_add(s, "[");
    for (int64_t i = 0; i < list->n; i++) goss__str_addf(s, "%s%d", i ? "," : "", list->item[i]);
    goss__str_add(s, "]");
}

void goss__attrs_text(goss__str *s, const goss__attrs *attrs, const void *attr, const goss__symbols *symbols) {
    static void (*const put[])(goss__str *, const void *, const goss__symbols *) = {
        [GOSS__ATTR_INT] = put_int,           [GOSS__ATTR_REAL] = put_real,
        [GOSS__ATTR_BOOL] = put_bool,         [GOSS__ATTR_EXTENT] = put_extent,
        [GOSS__ATTR_AXIS_SET] = put_axis_set, [GOSS__ATTR_AXIS_LIST] = put_axis_list,
        [GOSS__ATTR_INT_LIST] = put_int_list, [GOSS__ATTR_BYTE_LIST] = put_byte_list};
    if (!attrs) return;
    for (int i = 0; i < attrs->n; i++) {
        const goss__attr_field *f = &attrs->field[i];
        goss__str_addf(s, "%s%s=%s", i ? ", " : "{", f->name, f->count > 1 ? "(" : "");
        for (int j = 0; j < f->count; j++) {
            if (j) goss__str_add(s, ", ");
            put[f->type](s, (const char *)attr + f->offset + (size_t)j * GOSS__ATTR_SIZE(f->type), symbols);
        }
        if (f->count > 1) goss__str_add(s, ")");
    }
    goss__str_add(s, "}");
}

/* ---- counts ---- */

bool goss__attrs_have_extents(const goss__attrs *attrs) {
    for (int i = 0; attrs && i < attrs->n; i++)
        if (attrs->field[i].type == GOSS__ATTR_EXTENT) return true;
    return false;
}

void goss__attrs_resolve(const goss__attrs *attrs, const void *attr, const int64_t *counts, void *out) {
    memcpy(out, attr, attrs->size);
    for (int i = 0; i < attrs->n; i++) {
        const goss__attr_field *f = &attrs->field[i];
        if (f->type != GOSS__ATTR_EXTENT) continue;
        goss_extent *e = (goss_extent *)(void *)((char *)out + f->offset);
        for (int j = 0; j < f->count; j++) e[j] = goss_n(goss__extent_eval(e[j], counts));
    }
}
