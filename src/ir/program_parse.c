/* SPDX-License-Identifier: Apache-2.0 */
/* program_parse.c: the parser of programs (docs/program.md has the grammar).
 *
 * The text is untrusted: every number is range-checked before use, and the result is verified by program_verify.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "base/text.h"
#include "ir/program_lex.h"
#include "ir/program_results.h"
#include "ir/program_retired.h"
#include "ir/program_text.h"
#include "ops/ops.h"

/* ---- extents, types ---- */

static bool read_symbol(goss__lex *l, const goss__symbols *symbols, uint64_t *symbol) {
    char name[GOSS__WORD];
    if (!goss__lex_word(l, "the name of a symbol", name)) return false;
    for (int i = 0; i < symbols->n; i++)
        if (strcmp(symbols->symbol[i].name, name) == 0) {
            *symbol = (uint64_t)i + 1;
            return true;
        }
    return goss__lex_fail(l, "there is no symbol %s", name);
}

/* 25*T*N */
static bool read_extent(goss__lex *l, const goss__symbols *symbols, goss_extent *out) {
    *out = goss_n(1);
    do {
        goss_extent factor = goss_n(1);
        if (goss__lex_is_digit(l)) {
            if (!goss__lex_int(l, &factor.count)) return false;
        } else if (!read_symbol(l, symbols, &factor.symbols)) {
            return false;
        }
        *out = goss_extent_mul(*out, factor);
        if (!goss_extent_valid(*out))
            return goss__lex_fail(l, "an extent is at least 1, at most 2^63 - 1, and has at most 8 symbols");
    } while (goss__lex_take(l, '*'));
    return true;
}

/* real[T,5] */
static bool read_type(goss__lex *l, const goss__symbols *symbols, goss_type *type, goss_shape *shape) {
    char name[GOSS__WORD];
    *shape = (goss_shape){0};
    if (!goss__lex_word(l, "a type", name)) return false;
    if (strcmp(name, "real") != 0 && strcmp(name, "index") != 0)
        return goss__lex_fail(l, "there is no type %s: real or index", name);
    *type = name[0] == 'r' ? GOSS_REAL : GOSS_INDEX;
    if (!goss__lex_expect(l, '[')) return false;
    while (!goss__lex_take(l, ']')) {
        if (shape->rank > 0 && !goss__lex_expect(l, ',')) return false;
        if (shape->rank == GOSS_MAX_RANK) return goss__lex_fail(l, "more than %d extents", GOSS_MAX_RANK);
        if (!read_extent(l, symbols, &shape->dim[shape->rank++])) return false;
    }
    return true;
}

/* ---- attributes ---- */

static bool read_axes(goss__lex *l, goss__axis_list *list) {
    *list = (goss__axis_list){0};
    if (!goss__lex_expect(l, '[')) return false;
    while (!goss__lex_take(l, ']')) {
        if (list->n > 0 && !goss__lex_expect(l, ',')) return false;
        if (list->n == GOSS_MAX_RANK) return goss__lex_fail(l, "more than %d axes", GOSS_MAX_RANK);
        if (!goss__lex_int(l, &list->axis[list->n])) return false;
        if (list->axis[list->n] >= GOSS_MAX_RANK || list->axis[list->n] < 0)
            return goss__lex_fail(l, "an axis is 0 to %d", GOSS_MAX_RANK - 1);
        list->n++;
    }
    return true;
}

static bool read_axis_list(goss__lex *l, const goss__symbols *symbols, void *to) { return read_axes(l, to); }

static bool read_axis_set(goss__lex *l, const goss__symbols *symbols, void *to) {
    goss__axis_list list;
    int64_t set = 0;
    if (!read_axes(l, &list)) return false;
    for (int64_t i = 0; i < list.n; i++) {
        if (set >> list.axis[i]) return goss__lex_fail(l, "axes of a set are in ascending order");
        set |= (int64_t)GOSS_AXIS(list.axis[i]);
    }
    *(int64_t *)to = set;
    return true;
}

static bool read_int_list(goss__lex *l, const goss__symbols *symbols, void *to) {
    goss__int_list *list = to;
    if (!goss__lex_expect(l, '[')) return false;
    while (!goss__lex_take(l, ']')) {
        if (list->n > 0 && !goss__lex_expect(l, ',')) return false;
        if (list->n == GOSS__LONGEST_LIST) return goss__lex_fail(l, "more than %d numbers", GOSS__LONGEST_LIST);
        if (!goss__lex_int(l, &list->item[list->n++])) return false;
    }
    return true;
}

static bool read_byte_list(goss__lex *l, const goss__symbols *symbols, void *to) {
    goss__byte_list *list = to;
    int64_t item;
    if (!goss__lex_expect(l, '[')) return false;
    while (!goss__lex_take(l, ']')) {
        if (list->n > 0 && !goss__lex_expect(l, ',')) return false;
        if (list->n == GOSS__LONGEST_BYTE_LIST)
            return goss__lex_fail(l, "more than %d numbers", GOSS__LONGEST_BYTE_LIST);
        if (!goss__lex_int(l, &item)) return false;
        if (item < 0 || item > UINT8_MAX) return goss__lex_fail(l, "a number of this list is 0 to 255");
        list->item[list->n++] = (uint8_t)item;
    }
    return true;
}

static bool read_int(goss__lex *l, const goss__symbols *symbols, void *to) { return goss__lex_int(l, to); }
static bool read_real(goss__lex *l, const goss__symbols *symbols, void *to) { return goss__lex_real(l, to); }
static bool read_extent_to(goss__lex *l, const goss__symbols *symbols, void *to) { return read_extent(l, symbols, to); }

static bool read_bool(goss__lex *l, const goss__symbols *symbols, void *to) {
    char word[GOSS__WORD];
    if (!goss__lex_word(l, "true or false", word)) return false;
    *(int64_t *)to = strcmp(word, "true") == 0;
    return *(int64_t *)to || strcmp(word, "false") == 0 || goss__lex_fail(l, "true or false, not %s", word);
}

static bool read_field(goss__lex *l, const goss__symbols *symbols, const goss__attr_field *f, char *attr) {
    static bool (*const read[])(goss__lex *, const goss__symbols *, void *) = {
        [GOSS__ATTR_INT] = read_int,           [GOSS__ATTR_REAL] = read_real,
        [GOSS__ATTR_BOOL] = read_bool,         [GOSS__ATTR_EXTENT] = read_extent_to,
        [GOSS__ATTR_AXIS_SET] = read_axis_set, [GOSS__ATTR_AXIS_LIST] = read_axis_list,
        [GOSS__ATTR_INT_LIST] = read_int_list, [GOSS__ATTR_BYTE_LIST] = read_byte_list};
    char name[GOSS__WORD];
    if (!goss__lex_word(l, "the name of an attribute", name)) return false;
    if (strcmp(name, f->name) != 0) return goss__lex_fail(l, "the next attribute is %s, not %s", f->name, name);
    if (!goss__lex_expect(l, '=') || (f->count > 1 && !goss__lex_expect(l, '('))) return false;
    for (int i = 0; i < f->count; i++) {
        if (i > 0 && !goss__lex_expect(l, ',')) return false;
        if (!read[f->type](l, symbols, attr + f->offset + (size_t)i * GOSS__ATTR_SIZE(f->type))) return false;
    }
    return f->count == 1 || goss__lex_expect(l, ')');
}

/* All attributes of an operation, in order. */
static bool read_attributes(goss__lex *l, int version, const goss__symbols *symbols, const goss__attrs *attrs,
                            void *attr) {
    if (!attrs) return true;
    if (!goss__lex_expect(l, '{')) return false;
    for (int i = 0; i < attrs->n; i++) {
        if (attrs->field[i].since > version) continue; /* 0 */
        if (i > 0 && !goss__lex_expect(l, ',')) return false;
        if (!read_field(l, symbols, &attrs->field[i], attr)) return false;
    }
    return goss__lex_expect(l, '}');
}

/* ---- operations ---- */

enum { MOST_RESULTS = GOSS__MAX_IN + GOSS__LONGEST_BYTE_LIST, MOST_REGIONS = 4, ATTR_BYTES = 2048 };

/* The values of a program or region, by number in the text: a retired operation expands to several. */
typedef struct numbering {
    struct text_value *at;
    int n, capacity;
} numbering;
typedef struct text_value {
    int value;        /* of the program */
    numbering inside; /* of its operation's region */
} text_value;

static void free_numbering(numbering *v) {
    for (int i = 0; i < v->n; i++) free_numbering(&v->at[i].inside); /* as deep as regions are nested */
    goss__free(v->at);
    *v = (numbering){0};
}

/* The program or region being parsed. */
typedef struct body {
    goss_program *p;
    int version; /* of the language */
    numbering values;
} body;

static bool add_value(goss__lex *l, numbering *v, int value) {
    if (v->n == v->capacity) {
        if (v->capacity > INT32_MAX / 2 / (int)sizeof *v->at) return goss__lex_no_memory(l);
        const int capacity = v->capacity ? 2 * v->capacity : 64;
        text_value *moved = goss__realloc(v->at, (size_t)capacity * sizeof *moved);
        if (!moved) return goss__lex_no_memory(l);
        v->at = moved, v->capacity = capacity;
    }
    v->at[v->n++] = (text_value){.value = value};
    return true;
}

/* The operation being parsed. */
typedef struct reading {
    goss__operation_proto o;
    const goss__retired *retired; /* that it is read as; NULL: a current operation */
    int operands[GOSS__MAX_IN];
    goss_type *types;   /* of the results */
    goss_shape *shapes; /* likewise */
    goss_program *regions[MOST_REGIONS];
    numbering inside; /* of the last region */
    int first;        /* operand, by number in the text */
    int64_t attr[ATTR_BYTES / sizeof(int64_t)];
    goss__str name, scope;
} reading;

/* A value, by its number in the text. */
static bool read_number(goss__lex *l, const body *b, int *number) {
    int64_t v;
    if (!goss__lex_expect(l, '%') || !goss__lex_int(l, &v)) return false;
    if (v < 0 || v >= b->values.n) return goss__lex_fail(l, "%%%lld is not defined yet", (long long)v);
    *number = (int)v;
    return true;
}

/* %3, %4 = */
static bool read_results(goss__lex *l, const body *b, reading *r) {
    while (goss__lex_peek(l) == '%') {
        int64_t v;
        if (r->o.n_results == MOST_RESULTS) return goss__lex_fail(l, "more than %d results", MOST_RESULTS);
        if (!goss__lex_expect(l, '%') || !goss__lex_int(l, &v)) return false;
        if (v != (int64_t)b->values.n + r->o.n_results)
            return goss__lex_fail(l, "the next value is %%%d, not %%%lld", b->values.n + r->o.n_results, (long long)v);
        r->o.n_results++;
        if (!goss__lex_take(l, ',')) return goss__lex_expect(l, '=');
    }
    return r->o.n_results == 0 || goss__lex_fail(l, "a value is expected after the comma");
}

static bool read_operands(goss__lex *l, const body *b, reading *r) {
    int number;
    if (!goss__lex_take(l, '(')) return true;
    do {
        if (r->o.n_operands == GOSS__MAX_IN) return goss__lex_fail(l, "more than %d operands", GOSS__MAX_IN);
        if (!read_number(l, b, &number)) return false;
        if (r->o.n_operands == 0) r->first = number;
        r->operands[r->o.n_operands++] = b->values.at[number].value;
    } while (goss__lex_take(l, ','));
    return goss__lex_expect(l, ')');
}

static bool read_types(goss__lex *l, const goss_program *p, reading *r) {
    r->types = goss__calloc((size_t)r->o.n_results + 1, sizeof *r->types);
    r->shapes = goss__calloc((size_t)r->o.n_results + 1, sizeof *r->shapes);
    if (!r->types || !r->shapes) return goss__lex_no_memory(l);
    for (int i = 0; i < r->o.n_results; i++) {
        if (!goss__lex_expect(l, i ? ',' : ':')) return false;
        if (!read_type(l, &p->symbols, &r->types[i], &r->shapes[i])) return false;
    }
    return true;
}

static bool read_body(goss__lex *l, int version, goss_program *p, numbering *values);

/* ({ ... }, { ... }) */
static bool read_regions(goss__lex *l, const body *b, reading *r) {
    const goss_program *p = b->p;
    if (!goss__lex_take(l, '(')) return true;
    do {
        if (r->o.n_regions == MOST_REGIONS) return goss__lex_fail(l, "more than %d regions", MOST_REGIONS);
        if (p->depth + 1 >= GOSS__PROGRAM_DEPTH)
            return goss__lex_fail(l, "more than %d nested regions", GOSS__PROGRAM_DEPTH - 1);
        goss_program *region = goss__program_new(&p->symbols);
        if (!region) return goss__lex_no_memory(l);
        r->regions[r->o.n_regions++] = region;
        region->depth = p->depth + 1;
        free_numbering(&r->inside);
        if (!goss__lex_expect(l, '{') || !goss__lex_end_line(l, NULL) ||
            !read_body(l, b->version, region, &r->inside) || !goss__lex_expect(l, '}'))
            return false;
    } while (goss__lex_take(l, ','));
    return goss__lex_expect(l, ')');
}

static bool read_kind(goss__lex *l, reading *r) {
    char kind[GOSS__WORD];
    if (!goss__lex_word(l, "the name of an operation", kind)) return false;
    for (int i = 0; goss__op_all[i] && !r->o.op; i++)
        if (strcmp(goss__op_all[i]->name, kind) == 0) r->o.op = goss__op_all[i];
    if (!r->o.op && (r->retired = goss__retired_find(kind))) r->o.op = goss__retired_op(r->retired);
    if (!r->o.op) return goss__lex_fail(l, "there is no operation %s", kind);
    return !r->o.op->attrs || r->o.op->attrs->size <= sizeof r->attr ||
           goss__lex_fail(l, "%s has too many attributes", kind);
}

/* What a selector of a loop of version 1 stacks is a value of the loop's region, by its number in the text. (Others
 * are for the verifier.) */
static void renumber_stacked(const body *b, reading *r) {
    goss__scan_result_attr *a = (goss__scan_result_attr *)(void *)r->attr;
    if (r->o.op != &goss__op_scan_result || r->o.n_operands == 0 || a->kind == GOSS__SCAN_LAST) return;
    const numbering *inside = &b->values.at[r->first].inside;
    if (inside->n > 0) a->index = a->index >= 0 && a->index < inside->n ? inside->at[a->index].value : -1;
}

/* Appends what has been parsed to the program. */
static bool add_operation(goss__lex *l, body *b, reading *r) {
    const goss__operation_proto o = r->o;
    if (r->retired && (o.n_operands != r->retired->operands || o.n_results != 1 || o.n_regions != 0))
        return goss__lex_fail(l, "%s has %d operands, one result and no region", r->retired->name,
                              r->retired->operands);
    r->o.n_regions = 0; /* owned by the program from here on */
    if (!(r->retired ? goss__retired_add(b->p, r->retired, &o) : goss__program_add(b->p, &o)))
        return goss__lex_no_memory(l);
    for (int i = 0; i < o.n_results; i++)
        if (!add_value(l, &b->values, b->p->n_values - o.n_results + i)) return false;
    if (o.n_results > 0) b->values.at[b->values.n - 1].inside = r->inside, r->inside = (numbering){0};
    return true;
}

static bool read_operation_into(goss__lex *l, body *b, reading *r) {
    const goss__symbols *symbols = &b->p->symbols;
    if (!read_results(l, b, r) || !read_kind(l, r)) return false;
    if (goss__lex_peek(l) == '"') {
        if (!goss__lex_string(l, &r->name)) return false;
        r->o.name = r->name.data;
    }
    if (!read_operands(l, b, r) || !read_attributes(l, b->version, symbols, r->o.op->attrs, r->attr) ||
        !read_types(l, b->p, r) || !read_regions(l, b, r) || !goss__lex_end_line(l, &r->scope))
        return false;
    r->o.operands = r->operands, r->o.types = r->types, r->o.shapes = r->shapes, r->o.regions = r->regions;
    renumber_stacked(b, r);
    r->o.attr = r->attr, r->o.scope = r->scope.data ? r->scope.data : "";
    return add_operation(l, b, r);
}

static bool read_operation(goss__lex *l, body *b) {
    reading *r = goss__calloc(1, sizeof *r); /* too large for the stack with nested regions */
    if (!r) return goss__lex_no_memory(l);
    const bool ok = read_operation_into(l, b, r);
    for (int i = 0; i < r->o.n_regions; i++) goss_program_free(r->regions[i]);
    goss__str_free(&r->name), goss__str_free(&r->scope);
    free_numbering(&r->inside);
    goss__free(r->types), goss__free(r->shapes), goss__free(r);
    return ok;
}

/* return %3 "loss", %4 "logits" */
static bool read_outputs(goss__lex *l, const body *b) {
    do {
        int number;
        goss__str name = {0};
        if (!read_number(l, b, &number)) return false;
        const bool ok =
            goss__lex_string(l, &name) &&
            (goss__program_add_output(b->p, b->values.at[number].value, name.data) || goss__lex_no_memory(l));
        goss__str_free(&name);
        if (!ok) return false;
    } while (goss__lex_take(l, ','));
    return goss__lex_end_line(l, NULL);
}

/* Operations and the final outputs, up to a closing brace or the end of the text. */
static bool read_lines(goss__lex *l, body *b) {
    while (goss__lex_next_line(l) && goss__lex_peek(l) != '}') {
        if (goss__lex_take_word(l, "return")) return read_outputs(l, b) && (goss__lex_next_line(l), true);
        if (!read_operation(l, b)) return false;
    }
    return true;
}

/* values: receives its numbering, on an error, too. */
static bool read_body(goss__lex *l, int version, goss_program *p, numbering *values) {
    body b = {.p = p, .version = version};
    const bool ok = read_lines(l, &b);
    *values = b.values;
    return ok;
}

/* ---- the whole ---- */

static bool read_head(goss__lex *l, int *version) {
    int64_t written;
    goss__lex_next_line(l);
    if (!goss__lex_take_word(l, GOSS__PROGRAM_WORD))
        return goss__lex_fail(l, "this is not a program, which begins with \"%s %d\"", GOSS__PROGRAM_WORD,
                              GOSS__PROGRAM_VERSION);
    if (!goss__lex_int(l, &written) || !goss__lex_end_line(l, NULL)) return false;
    if (written < 1 || written > GOSS__PROGRAM_VERSION)
        return goss__lex_unsupported(l, "version %lld of the language; this build reads versions up to %d",
                                     (long long)written, GOSS__PROGRAM_VERSION);
    *version = (int)written;
    return true;
}

/* symbol T = 32 */
static bool read_symbols(goss__lex *l, goss_program *p) {
    goss__symbols *s = &p->symbols;
    while (goss__lex_next_line(l) && goss__lex_take_word(l, "symbol")) {
        char name[GOSS__WORD];
        int64_t maximum;
        if (s->n == GOSS__MAX_SYMBOLS) return goss__lex_fail(l, "more than %d symbols", GOSS__MAX_SYMBOLS);
        if (!goss__lex_word(l, "the name of a symbol", name) || !goss__lex_expect(l, '=') ||
            !goss__lex_int(l, &maximum) || !goss__lex_end_line(l, NULL))
            return false;
        s->symbol[s->n].maximum = maximum;
        s->symbol[s->n].name = goss__arena_strdup(&p->arena, name);
        if (!s->symbol[s->n++].name) return goss__lex_no_memory(l);
    }
    return true;
}

goss_status goss_program_parse(const char *text, goss_program **out, goss_error *err) {
    *out = NULL;
    goss_error local;
    goss__lex l = goss__lex_begin(text, err ? err : &local);
    goss_program *p = goss__program_new(&(goss__symbols){0});
    if (!p) return goss_error_set(err, GOSS_E_NOMEM, "program: out of memory");
    int version = GOSS__PROGRAM_VERSION;
    numbering values = {0};
    goss_status s =
        read_head(&l, &version) && read_symbols(&l, p) && read_body(&l, version, p, &values) ? GOSS_OK : l.err->status;
    free_numbering(&values);
    if (s == GOSS_OK && goss__lex_next_line(&l)) {
        goss__lex_fail(&l, "nothing may follow here");
        s = l.err->status;
    }
    if (s == GOSS_OK && version == 1) s = goss__program_join(&p, err);
    if (s == GOSS_OK) s = goss_program_verify(p, err);
    if (s == GOSS_OK)
        *out = p;
    else
        goss_program_free(p);
    return s;
}
