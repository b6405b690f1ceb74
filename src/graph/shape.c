/* shape.c: extents (a number times a product of symbols) and shapes.
 *
 * The symbols of an extent are up to four bytes, kept sorted in descending order from the lowest byte, so that equal extents have equal
 * bits. Everything the builders and the schedule need of run-time counts is decided on these monomials. */
#include <stdio.h>
#include <string.h>

#include "graph/node.h"

goss_extent goss_n(int64_t count) { return (goss_extent){count, 0}; }

bool goss_extent_equal(goss_extent a, goss_extent b) { return a.count == b.count && a.symbols == b.symbols; }

bool goss_extent_is(goss_extent a, int64_t count) { return a.count == count && a.symbols == 0; }

static void unpack(uint32_t symbols, uint8_t out[4]) {
    for (int i = 0; i < 4; i++) out[i] = (uint8_t)(symbols >> (8 * i));
}

static uint32_t pack_sorted(uint8_t *s, int n) {
    for (int i = 1; i < n; i++)
        for (int j = i; j > 0 && s[j] > s[j - 1]; j--) {
            uint8_t t = s[j];
            s[j] = s[j - 1], s[j - 1] = t;
        }
    uint32_t packed = 0;
    for (int i = 0; i < n && i < 4; i++) packed |= (uint32_t)s[i] << (8 * i);
    return packed;
}

/* A product of more than four symbols has no name; it becomes the extent 0, which no builder accepts as a dimension of
 * its own accord and which shows up in the error text. */
goss_extent goss_extent_mul(goss_extent a, goss_extent b) {
    uint8_t s[8];
    unpack(a.symbols, s), unpack(b.symbols, s + 4);
    goss_extent out = {0, 0};
    if (__builtin_mul_overflow(a.count, b.count, &out.count)) return goss_n(0);
    int used = 0;
    for (int i = 0; i < 8; i++) used += s[i] != 0;
    if (used > 4) return goss_n(0);
    out.symbols = pack_sorted(s, 8);
    return out;
}

bool goss__extent_div(goss_extent a, goss_extent b, goss_extent *out) {
    if (b.count == 0 || a.count % b.count != 0) return false;
    uint8_t s[4], d[4];
    unpack(a.symbols, s), unpack(b.symbols, d);
    for (int i = 0; i < 4 && d[i]; i++) {
        int j = 0;
        while (j < 4 && s[j] != d[i]) j++;
        if (j == 4) return false;
        s[j] = 0;
    }
    *out = (goss_extent){a.count / b.count, pack_sorted(s, 4)};
    return true;
}

int64_t goss__extent_eval(goss_extent e, const int64_t *counts) {
    int64_t v = e.count;
    for (uint32_t s = e.symbols; s & 0xff; s >>= 8)
        if (__builtin_mul_overflow(v, counts[(s & 0xff) - 1], &v)) return INT64_MAX;
    return v;
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
        if (goss_extent_is(whole, 0)) return 0;
        if (goss__extent_div(whole, L, rest)) return goss__extent_div(L, before, &quotient) ? p : 0;
    }
    return 0;
}

static int put_extent(const goss_graph *g, goss_extent e, char *buf, size_t size) {
    int n = 0;
    if (e.count != 1 || e.symbols == 0) n = snprintf(buf, size, "%lld", (long long)e.count);
    for (uint32_t s = e.symbols; (s & 0xff) && (size_t)n < size; s >>= 8)
        n += snprintf(buf + n, size - (size_t)n, "%s%s", n ? "*" : "", g->symbols[(s & 0xff) - 1].name);
    return n;
}

const char *goss__shape_text(const goss_graph *g, const goss_shape *s, char *buf, size_t size) {
    size_t at = (size_t)snprintf(buf, size, "[");
    for (int i = 0; i < s->rank && at + 1 < size; i++) {
        if (i) at += (size_t)snprintf(buf + at, size - at, ",");
        if (at + 1 < size) at += (size_t)put_extent(g, s->dim[i], buf + at, size - at);
    }
    if (at + 1 < size) snprintf(buf + at, size - at, "]");
    return buf;
}
