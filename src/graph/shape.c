/* SPDX-License-Identifier: Apache-2.0 */
/* shape.c: extents (a number times a product of symbols) and shapes.
 *
 * The symbols of an extent are up to eight bytes, kept sorted in descending order from the lowest byte, so that equal
 * extents have equal bits. Everything the builders and the schedule need of run-time counts is decided on these
 * monomials.
 *
 * A product that cannot be written so (nine symbols, a number beyond 63 bits) is no extent: its count is below 1, which
 * that of an extent never is, it is equal to nothing, itself included, and every product with it is none either. So are
 * bytes in another order, or with a gap (a caller's own): goss_extent_valid. Whether a graph has the symbols is checked
 * where an extent or a shape enters it (goss__extent_ok, goss__shape_ok). A
 * node's whole shape is one product that can be written (goss__shape_ok, asked by emit), and so is the product of any
 * of its extents. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "graph/op.h"

enum { SYMBOLS = GOSS_MAX_SYMBOLS };
static const goss_extent none = {-1, 0};

goss_extent goss_n(int64_t count) { return (goss_extent){count, 0}; }

/* In descending order from the lowest byte, without a gap. */
static bool is_sorted(uint64_t symbols) {
    for (; symbols > 0xff; symbols >>= 8)
        if ((symbols & 0xff) < (symbols >> 8 & 0xff)) return false;
    return true;
}

bool goss_extent_valid(goss_extent e) { return e.count >= 1 && is_sorted(e.symbols); }

bool goss_extent_equal(goss_extent a, goss_extent b) {
    return goss_extent_valid(a) && a.count == b.count && a.symbols == b.symbols;
}

bool goss_extent_is(goss_extent a, int64_t count) { return a.count == count && a.symbols == 0; }

static void unpack(uint64_t symbols, uint8_t out[SYMBOLS]) {
    for (int i = 0; i < SYMBOLS; i++) out[i] = (uint8_t)(symbols >> (8 * i));
}

static uint64_t pack_sorted(uint8_t *s, int n) {
    for (int i = 1; i < n; i++)
        for (int j = i; j > 0 && s[j] > s[j - 1]; j--) {
            uint8_t t = s[j];
            s[j] = s[j - 1], s[j - 1] = t;
        }
    uint64_t packed = 0;
    for (int i = 0; i < n && i < SYMBOLS; i++) packed |= (uint64_t)s[i] << (8 * i);
    return packed;
}

goss_extent goss_extent_mul(goss_extent a, goss_extent b) {
    uint8_t s[2 * SYMBOLS];
    goss_extent out = {0, 0};
    if (!goss_extent_valid(a) || !goss_extent_valid(b) || __builtin_mul_overflow(a.count, b.count, &out.count))
        return none;
    unpack(a.symbols, s), unpack(b.symbols, s + SYMBOLS);
    int used = 0;
    for (int i = 0; i < 2 * SYMBOLS; i++) used += s[i] != 0;
    if (used > SYMBOLS) return none;
    out.symbols = pack_sorted(s, 2 * SYMBOLS);
    return out;
}

bool goss__extent_div(goss_extent a, goss_extent b, goss_extent *out) {
    if (!goss_extent_valid(a) || !goss_extent_valid(b) || a.count % b.count != 0) return false;
    uint8_t s[SYMBOLS], d[SYMBOLS];
    unpack(a.symbols, s), unpack(b.symbols, d);
    for (int i = 0; i < SYMBOLS && d[i]; i++) {
        int j = 0;
        while (j < SYMBOLS && s[j] != d[i]) j++;
        if (j == SYMBOLS) return false;
        s[j] = 0;
    }
    *out = (goss_extent){a.count / b.count, pack_sorted(s, SYMBOLS)};
    return true;
}

bool goss__extent_try(goss_extent e, const int64_t *counts, int64_t *out) {
    *out = e.count;
    bool ok = goss_extent_valid(e);
    for (uint64_t s = e.symbols; ok && s & 0xff; s >>= 8)
        ok = !__builtin_mul_overflow(*out, counts[(s & 0xff) - 1], out);
    return ok;
}

bool goss__extent_known(const goss__symbols *symbols, goss_extent e) {
    bool known = goss_extent_valid(e);
    for (uint64_t s = e.symbols; known && s; s >>= 8)
        known = (int)(s & 0xff) <= symbols->n && symbols->symbol[(s & 0xff) - 1].maximum != 1;
    return known;
}

int64_t goss__extent_eval(goss_extent e, const int64_t *counts) {
    int64_t v;
    const bool ok = goss__extent_try(e, counts, &v);
    assert(ok && "extents of nodes are products that fit, and counts are at most the maxima they were checked with");
    (void)ok;
    return v;
}

void goss__symbol_maxima(const goss__symbols *symbols, int64_t counts[GOSS__MAX_SYMBOLS]) {
    for (int i = 0; i < GOSS__MAX_SYMBOLS; i++) counts[i] = i < symbols->n ? symbols->symbol[i].maximum : 1;
}

bool goss__extent_most(const goss__symbols *symbols, goss_extent e, int64_t *out) {
    int64_t counts[GOSS__MAX_SYMBOLS];
    goss__symbol_maxima(symbols, counts);
    return goss__extent_try(e, counts, out);
}

goss_shape goss_shape_make(int rank, const goss_extent *dims) {
    goss_shape s = {.rank = rank};
    if (rank > 0 && rank <= GOSS_MAX_RANK) memcpy(s.dim, dims, (size_t)rank * sizeof *dims);
    return s;
}

bool goss_shape_equal(goss_shape a, goss_shape b) {
    if (a.rank != b.rank) return false;
    for (int i = 0; i < a.rank; i++)
        if (!goss_extent_equal(a.dim[i], b.dim[i])) return false;
    return true;
}

goss_extent goss__shape_product(const goss_shape *s, int from, int to) {
    goss_extent p = goss_n(1);
    for (int i = from; i < to; i++) p = goss_extent_mul(p, s->dim[i]);
    return p;
}

int goss__cut_prefix(const goss_shape *s, goss_extent L, goss_extent *rest) {
    goss_extent whole = goss_n(1), quotient;
    if (goss_extent_is(L, 1)) return 0;
    for (int p = 1; p <= s->rank; p++) {
        goss_extent before = whole;
        whole = goss_extent_mul(whole, s->dim[p - 1]);
        if (goss__extent_div(whole, L, rest)) return goss__extent_div(L, before, &quotient) ? p : 0;
    }
    return 0;
}

static int put_extent(const goss__symbols *symbols, goss_extent e, char *buf, size_t size) {
    int n = 0;
    if (e.count != 1 || e.symbols == 0) n = snprintf(buf, size, "%lld", (long long)e.count);
    for (uint64_t s = e.symbols; (s & 0xff) && (size_t)n < size; s >>= 8)
        n += snprintf(buf + n, size - (size_t)n, "%s%s", n ? "*" : "", symbols->symbol[(s & 0xff) - 1].name);
    return n;
}

const char *goss__extent_text(const goss__symbols *symbols, goss_extent e, char *buf, size_t size) {
    put_extent(symbols, e, buf, size);
    return buf;
}

const char *goss__shape_text(const goss__symbols *symbols, const goss_shape *s, char *buf, size_t size) {
    size_t at = (size_t)snprintf(buf, size, "[");
    for (int i = 0; i < s->rank && at + 1 < size; i++) {
        if (i) at += (size_t)snprintf(buf + at, size - at, ",");
        if (at + 1 < size) at += (size_t)put_extent(symbols, s->dim[i], buf + at, size - at);
    }
    if (at + 1 < size) snprintf(buf + at, size - at, "]");
    return buf;
}

void goss__extent_add(goss__str *s, const goss__symbols *symbols, goss_extent e) {
    const bool number = e.count != 1 || e.symbols == 0;
    if (number) goss__str_addf(s, "%lld", (long long)e.count);
    for (uint64_t left = e.symbols; left & 0xff; left >>= 8)
        goss__str_addf(s, "%s%s", number || left != e.symbols ? "*" : "", symbols->symbol[(left & 0xff) - 1].name);
}

void goss__shape_add(goss__str *s, const goss__symbols *symbols, const goss_shape *shape) {
    goss__str_add(s, "[");
    for (int i = 0; i < shape->rank; i++) {
        if (i) goss__str_add(s, ",");
        goss__extent_add(s, symbols, shape->dim[i]);
    }
    goss__str_add(s, "]");
}

bool goss__symbol_name_ok(const char *name) {
    enum { MOST = 63 };
    const size_t n = strlen(name);
    if (n < 1 || n > MOST || (name[0] != '_' && (!goss__ascii_is_alnum(name[0]) || (name[0] >= '0' && name[0] <= '9'))))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!goss__ascii_is_alnum(name[i]) && name[i] != '_' && name[i] != '.') return false;
    return true;
}
