/* SPDX-License-Identifier: Apache-2.0 */
/* npy_read.c: NumPy's arrays, .npy (NEP 1) and .npz, which is a .zip of them.
 *
 * The header of a .npy is a Python literal. Only the form that numpy writes is accepted: a dictionary with 'descr' (one
 * type code), 'fortran_order' and 'shape', in any order. Columns of 2-dimensional arrays are NAME_0, NAME_1, ...; the
 * arrays of an .npz are joined by row. Pickled objects are never read. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "table/cell.h"
#include "table/table_source.h"

#define COLUMNS_MAX 100000

typedef struct array {
    const char *where; /* in errors: FILE or FILE:NAME */
    const char *name;  /* of its columns */
    const uint8_t *data;
    size_t rows, columns, width; /* width: bytes per element */
    char kind;                   /* b i u f S U */
    bool big, fortran, flat;     /* flat: one column, with the plain name */
    char *owned;
} array;

/* ---- the header ---- */

typedef struct cursor {
    const char *p;
} cursor;

static void skip(cursor *c) { c->p += strspn(c->p, " \t\n\r"); }

static bool take(cursor *c, const char *text) {
    skip(c);
    size_t n = strlen(text);
    if (strncmp(c->p, text, n) != 0) return false;
    c->p += n;
    return true;
}

static bool take_quoted(cursor *c, char *out, size_t size) {
    skip(c);
    const char quote = *c->p;
    if (quote != '\'' && quote != '"') return false;
    const char *end = strchr(c->p + 1, quote);
    if (!end || (size_t)(end - c->p) > size) return false;
    memcpy(out, c->p + 1, (size_t)(end - c->p - 1));
    out[end - c->p - 1] = 0;
    c->p = end + 1;
    return true;
}

static bool take_extent(cursor *c, size_t *out) {
    skip(c);
    if (*c->p < '0' || *c->p > '9') return false;
    for (*out = 0; *c->p >= '0' && *c->p <= '9'; c->p++)
        if (!goss__mul_ok(*out, 10, out) || !goss__add_ok(*out, (size_t)(*c->p - '0'), out)) return false;
    return true;
}

static bool take_shape(cursor *c, size_t shape[8], int *rank) {
    *rank = 0;
    if (!take(c, "(")) return false;
    while (!take(c, ")")) {
        if (*rank == 8 || !take_extent(c, &shape[(*rank)++])) return false;
        if (!take(c, ",")) return take(c, ")");
    }
    return true;
}

typedef struct header {
    char descr[64];
    bool fortran;
    size_t shape[8];
    int rank;
} header;

static bool parse_header(const char *text, header *h) {
    cursor c = {text};
    unsigned seen = 0;
    if (!take(&c, "{")) return false;
    while (!take(&c, "}")) {
        char key[20];
        if (!take_quoted(&c, key, sizeof key) || !take(&c, ":")) return false;
        unsigned which;
        if (strcmp(key, "descr") == 0) {
            which = 1;
            if (!take_quoted(&c, h->descr, sizeof h->descr)) return false;
        } else if (strcmp(key, "fortran_order") == 0) {
            which = 2;
            h->fortran = take(&c, "True");
            if (!h->fortran && !take(&c, "False")) return false;
        } else if (strcmp(key, "shape") == 0) {
            which = 4;
            if (!take_shape(&c, h->shape, &h->rank)) return false;
        } else {
            return false;
        }
        if (seen & which) return false;
        seen |= which;
        if (!take(&c, ",") && !take(&c, "}")) return false;
        if (c.p[-1] == '}') break;
    }
    skip(&c);
    return *c.p == 0 && seen == 7;
}

/* ---- types ---- */

static goss_status take_type(array *a, const char *descr, goss_error *err) {
    const char order = descr[0], *known = "biufSU";
    char *end = NULL;
    unsigned long size = order ? strtoul(descr + 2 * (descr[1] != 0), &end, 10) : 0;
    a->kind = order ? descr[1] : 0;
    a->big = order == '>';
    if (a->kind == 'O')
        return goss_error_set(
            err, GOSS_E_UNSUPPORTED,
            "%s: an array of Python objects, which are never unpickled; convert it to numbers or texts (astype(str))",
            a->where);
    if (a->kind == 'M' || a->kind == 'm')
        return goss_error_set(err, GOSS_E_UNSUPPORTED,
                              "%s: dates (%s); convert them to numbers, such as days since the first", a->where, descr);
    if (a->kind == 'c')
        return goss_error_set(err, GOSS_E_UNSUPPORTED, "%s: complex numbers; store real and imaginary parts separately",
                              a->where);
    bool ok = strchr("<>|=", order) && a->kind && strchr(known, a->kind) && end && *end == 0 && size < 1 << 20;
    if (ok && a->kind == 'b') ok = size == 1;
    if (ok && strchr("iu", a->kind)) ok = size == 1 || size == 2 || size == 4 || size == 8;
    if (ok && a->kind == 'f') ok = size == 2 || size == 4 || size == 8;
    if (!ok)
        return goss_error_set(err, GOSS_E_UNSUPPORTED, "%s: elements of type %s are not supported", a->where, descr);
    a->width = a->kind == 'U' ? 4 * size : size;
    return GOSS_OK;
}

static goss_status take_extents(array *a, const header *h, size_t bytes, goss_error *err) {
    if (h->rank == 0 || h->rank > 2)
        return goss_error_set(err, GOSS_E_UNSUPPORTED,
                              "%s: the array has %d axes, and a table rows and columns; reshape it to "
                              "[rows, -1]",
                              a->where, h->rank);
    a->rows = h->shape[0], a->columns = h->rank == 2 ? h->shape[1] : 1;
    a->flat = h->rank == 1, a->fortran = h->fortran && h->rank == 2;
    size_t cells, size;
    if (!goss__mul_ok(a->rows, a->columns, &cells) || !goss__mul_ok(cells, a->width, &size) || size != bytes)
        return goss_error_set(
            err, GOSS_E_FORMAT,
            "%s: truncated or damaged: %zu bytes after the header, which states %zu x %zu elements of %zu bytes",
            a->where, bytes, a->rows, a->columns, a->width);
    if (a->rows == 0 || a->columns == 0) return goss_error_set(err, GOSS_E_FORMAT, "%s: the array is empty", a->where);
    if (a->columns > COLUMNS_MAX)
        return goss_error_set(err, GOSS_E_FORMAT, "%s: %zu columns; at most %d are read", a->where, a->columns,
                              COLUMNS_MAX);
    return GOSS_OK;
}

static bool is_npy(const goss__bytes *b) { return b->size >= 6 && memcmp(b->data, "\x93NUMPY", 6) == 0; }

/* where and name are set. */
static goss_status parse_npy(const goss__bytes *b, array *a, goss_error *err) {
    header h = {.rank = 0};
    if (!is_npy(b)) return goss_error_set(err, GOSS_E_FORMAT, "%s: no NumPy array", a->where);
    size_t prefix = b->size > 6 && b->data[6] == 1 ? 10 : 12, length = 0;
    if (b->size < prefix || b->data[6] < 1 || b->data[6] > 3)
        return goss_error_set(err, GOSS_E_FORMAT, "%s: truncated, or of an unknown version of the format", a->where);
    for (size_t i = prefix; i-- > 8;) length = length << 8 | b->data[i];
    if (length > b->size - prefix || length > 1 << 20)
        return goss_error_set(err, GOSS_E_FORMAT, "%s: the header is truncated", a->where);
    char *text = goss__alloc(length + 1);
    if (!text) return goss_error_set(err, GOSS_E_NOMEM, "%s: out of memory", a->where);
    memcpy(text, b->data + prefix, length);
    text[length] = 0;
    const bool structured = strstr(text, "'descr': [") != NULL, ok = parse_header(text, &h);
    goss__free(text);
    if (!ok && structured)
        return goss_error_set(err, GOSS_E_UNSUPPORTED,
                              "%s: a structured array; store each field as an array of an .npz", a->where);
    if (!ok) return goss_error_set(err, GOSS_E_FORMAT, "%s: the header is not as numpy writes it", a->where);
    GOSS_TRY(take_type(a, h.descr, err));
    a->data = b->data + prefix + length;
    return take_extents(a, &h, b->size - prefix - length, err);
}

/* ---- elements ---- */

static uint64_t load(const array *a, const uint8_t *p) {
    uint64_t v = 0;
    for (size_t i = 0; i < a->width; i++) v |= (uint64_t)p[i] << 8 * (a->big ? a->width - 1 - i : i);
    return v;
}

static double half(uint64_t v) {
    int exponent = (int)(v >> 10 & 31);
    double mantissa = (double)(v & 1023);
    double value = exponent == 0    ? ldexp(mantissa, -24)
                   : exponent == 31 ? (mantissa != 0 ? (double)NAN : (double)INFINITY)
                                    : ldexp(mantissa + 1024, exponent - 25);
    return v >> 15 ? -value : value;
}

static double number(const array *a, const uint8_t *p) {
    uint64_t v = load(a, p);
    if (a->kind == 'f' && a->width == 8) {
        double d;
        memcpy(&d, &v, sizeof d);
        return d;
    }
    if (a->kind == 'f' && a->width == 4) {
        uint32_t low = (uint32_t)v;
        float f;
        memcpy(&f, &low, sizeof f);
        return (double)f;
    }
    if (a->kind == 'f') return half(v);
    if (a->kind != 'i') return (double)v;
    unsigned shift = 64 - 8 * (unsigned)a->width;
    return (double)((int64_t)(v << shift) >> shift);
}

/* 64-bit integers are often identifiers, of which no digit may be lost. */
static bool is_exact(const array *a, const uint8_t *p, double v) {
    if (a->width < 8 || a->kind == 'f') return true;
    const uint64_t bits = load(a, p);
    if (a->kind == 'u') return v < 0x1p64 && (uint64_t)v == bits;
    return v < 0x1p63 && (int64_t)v == (int64_t)bits;
}

static void add_character(goss__str *s, uint32_t c) {
    char out[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n; i-- > 1; c >>= 6) out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(lead[n] | c);
    goss__str_addn(s, out, n);
}

/* Texts are padded with zeros. False: invalid characters. */
static bool add_text(const array *a, const uint8_t *p, goss__str *s) {
    const size_t step = a->kind == 'U' ? 4 : 1;
    const array character = {.width = step, .big = a->big};
    for (size_t i = 0; i < a->width; i += step) {
        uint32_t c = (uint32_t)load(&character, p + i);
        if (c == 0) break;
        if (c > 0x10ffff || c >> 11 == 0x1b || (step == 1 && c >= 0x80)) return false;
        add_character(s, c);
    }
    goss__str_addn(s, "", 1);
    return true;
}

/* ---- rows ---- */

typedef struct arrays {
    const goss__bytes *b;
    goss__sink *sink;
    goss__arena arena;
    array *array;
    int count, capacity;
    goss__column_decl *decl;
    goss__cell *cell;
    size_t *start; /* [columns] of texts in `text` */
    goss__str text;
    int columns;
    goss__zip *archive;
} arrays;

static goss_status no_memory(const arrays *s, goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to read it", s->b->name);
}

static goss_status take_cell(arrays *s, const array *a, size_t row, size_t column, int at, goss_error *err) {
    char label[GOSS__LABEL];
    const uint8_t *p = a->data + a->width * (a->fortran ? column * a->rows + row : row * a->columns + column);
    if (a->kind == 'S' || a->kind == 'U') {
        s->start[at] = s->text.size;
        s->cell[at] = (goss__cell){.kind = GOSS__CELL_EXACT};
        if (add_text(a, p, &s->text)) return s->text.failed ? no_memory(s, err) : GOSS_OK;
        return goss_error_set(err, GOSS_E_FORMAT, "%s:%zu:%s: bytes that are not text", s->b->name, row + 1,
                              goss__column_label(s->decl[at].name, label));
    }
    const double v = number(a, p);
    if (isinf(v))
        return goss_error_set(err, GOSS_E_FORMAT, "%s:%zu:%s: an infinity; numbers must be finite, or NaN if missing",
                              s->b->name, row + 1, goss__column_label(s->decl[at].name, label));
    if (fabs(v) > GOSS__CELL_LARGEST)
        return goss_error_set(err, GOSS_E_FORMAT,
                              "%s:%zu:%s: %g is beyond 1e30 (tables are computed in single precision); give it in a "
                              "larger unit, or its logarithm",
                              s->b->name, row + 1, goss__column_label(s->decl[at].name, label), v);
    if (!is_exact(a, p, v))
        return goss_error_set(err, GOSS_E_FORMAT,
                              "%s:%zu:%s: an integer that a double cannot represent; an identifier? Keep it as text",
                              s->b->name, row + 1, goss__column_label(s->decl[at].name, label));
    s->cell[at] = (goss__cell){.kind = GOSS__CELL_NUMBER, .number = v};
    return GOSS_OK;
}

static goss_status name_columns(arrays *s, goss_error *err) {
    size_t n = 0;
    bool flat = false;
    for (int i = 0; i < s->count; i++) n += s->array[i].columns, flat |= s->array[i].flat;
    if (n > COLUMNS_MAX)
        return goss_error_set(err, GOSS_E_FORMAT, "%s: %zu columns; at most %d are read", s->b->name, n, COLUMNS_MAX);
    s->decl = goss__arena_alloc(&s->arena, n * sizeof *s->decl);
    s->cell = goss__arena_alloc(&s->arena, n * sizeof *s->cell);
    s->start = goss__arena_alloc(&s->arena, n * sizeof *s->start);
    if (!s->decl || !s->cell || !s->start) return no_memory(s, err);
    for (int i = 0; i < s->count; i++)
        for (size_t k = 0; k < s->array[i].columns; k++) {
            const array *a = &s->array[i];
            const char *name = a->flat ? a->name : goss__arena_printf(&s->arena, "%s_%zu", a->name, k);
            if (!name) return no_memory(s, err);
            s->decl[s->columns++] = (goss__column_decl){.name = name, .of_matrix = flat && !a->flat};
        }
    return GOSS_OK;
}

static goss_status read_rows(arrays *s, goss_error *err) {
    const size_t rows = s->array[0].rows;
    for (int i = 1; i < s->count; i++)
        if (s->array[i].rows != rows)
            return goss_error_set(err, GOSS_E_FORMAT,
                                  "%s: array %s has %zu rows and %s %zu; a table's arrays have the same (keep "
                                  "training and test data in files of their own)",
                                  s->b->name, s->array[0].name, rows, s->array[i].name, s->array[i].rows);
    GOSS_TRY(name_columns(s, err));
    GOSS_TRY(s->sink->columns(s->sink, s->decl, s->columns, rows, err));
    for (size_t r = 0; r < rows; r++) {
        int at = 0;
        s->text.size = 0;
        for (int i = 0; i < s->count; i++)
            for (size_t k = 0; k < s->array[i].columns; k++, at++) GOSS_TRY(take_cell(s, &s->array[i], r, k, at, err));
        for (int c = 0; c < s->columns; c++)
            if (s->cell[c].kind == GOSS__CELL_EXACT) {
                s->cell[c].text = s->text.data + s->start[c];
                if (!*s->cell[c].text) s->cell[c].kind = GOSS__CELL_MISSING;
            }
        GOSS_TRY(s->sink->row(s->sink, r + 1, s->cell, err));
    }
    return GOSS_OK;
}

static void arrays_free(arrays *s) {
    for (int i = 0; i < s->count; i++) goss__free(s->array[i].owned);
    goss__free(s->array);
    goss__str_free(&s->text);
    goss__zip_close(s->archive);
    goss__arena_free(&s->arena);
}

/* ---- the two readers ---- */

static goss_status read_npy(const goss__bytes *b, goss__sink *sink, goss_error *err) {
    array a = {.where = b->name, .name = "x"};
    arrays s = {.b = b, .sink = sink, .array = &a, .count = 1};
    goss_status status = parse_npy(b, &a, err);
    if (status == GOSS_OK) status = read_rows(&s, err);
    s.array = NULL, s.count = 0;
    arrays_free(&s);
    snprintf(sink->format, sizeof sink->format, "NumPy array, %zu x %zu", a.rows, a.columns);
    return status;
}

static goss_status entry(void *context, const goss__zip_entry *e, goss_error *err) {
    arrays *s = context;
    const char *name = e->path;
    if (name[strlen(name) - 1] == '/') return GOSS_OK;
    if (!goss__ascii_ends(name, ".npy"))
        return goss_error_set(err, GOSS_E_FORMAT, "%s: %s: not an array; an .npz contains .npy files only", s->b->name,
                              name);
    if (s->count == s->capacity) {
        int capacity = s->capacity ? 2 * s->capacity : 8;
        array *grown = goss__realloc(s->array, (size_t)capacity * sizeof *grown);
        if (!grown) return no_memory(s, err);
        s->array = grown, s->capacity = capacity;
    }
    array a = {.where = goss__arena_printf(&s->arena, "%s: %s", s->b->name, name)};
    char *bare = goss__arena_strdup(&s->arena, name);
    if (!a.where || !bare) return no_memory(s, err);
    bare[strlen(bare) - 4] = 0;
    a.name = bare;
    goss__bytes b = {.name = a.where};
    GOSS_TRY(goss_error_prefix(err, goss__zip_unpack(s->archive, e->index, &a.owned, &b.size, err), "%s", a.where));
    b.data = (const uint8_t *)a.owned;
    s->array[s->count++] = a;
    return parse_npy(&b, &s->array[s->count - 1], err);
}

static goss_status read_npz(const goss__bytes *b, goss__sink *sink, goss_error *err) {
    arrays s = {.b = b, .sink = sink};
    goss_status status = goss__zip_open_bytes(b->name, b->data, b->size, &s.archive, err);
    if (status == GOSS_OK) status = goss__zip_each(s.archive, entry, &s, err);
    if (status == GOSS_OK && s.count == 0) status = goss_error_set(err, GOSS_E_FORMAT, "%s: no array in it", b->name);
    if (status == GOSS_OK) status = read_rows(&s, err);
    snprintf(sink->format, sizeof sink->format, "NumPy arrays, %d", s.count);
    arrays_free(&s);
    return status;
}

/* The name of the first entry ends in .npy. */
static bool is_npz(const goss__bytes *b) {
    if (b->size < 30 || memcmp(b->data, "PK\3\4", 4) != 0) return false;
    size_t n = (size_t)b->data[26] | (size_t)b->data[27] << 8;
    return n >= 4 && b->size - 30 >= n && memcmp(b->data + 30 + n - 4, ".npy", 4) == 0;
}

const goss__table_reader goss__read_npy = {"npy", is_npy, read_npy, " .npy"};
const goss__table_reader goss__read_npz = {"npz", is_npz, read_npz, " .npz"};
