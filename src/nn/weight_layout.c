/* SPDX-License-Identifier: Apache-2.0 */
/* weight_layout.c: named tensors side by side in one slab of numbers, and how they are initialised.
 *
 * A layout says where things are, never what they hold: the same one serves shared weights, generated weights,
 * gradients and files. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/rng.h"
#include "base/str.h"
#include "nn/nn.h"

struct goss_layout {
    goss__arena names;
    goss_entry *entries;
    int count, capacity;
    int64_t total;
};

goss_status goss_layout_new(goss_layout **out, goss_error *err) {
    *out = goss__calloc(1, sizeof **out);
    return *out ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "out of memory for a layout");
}

void goss_layout_free(goss_layout *l) {
    if (!l) return;
    goss__arena_free(&l->names);
    goss__free(l->entries);
    goss__free(l);
}

static goss_status grow(goss_layout *l, goss_error *err) {
    if (l->count < l->capacity) return GOSS_OK;
    int capacity = l->capacity ? 2 * l->capacity : 16;
    goss_entry *grown = goss__realloc(l->entries, (size_t)capacity * sizeof *grown);
    if (!grown) return goss_error_set(err, GOSS_E_NOMEM, "out of memory for a layout of %d tensors", capacity);
    l->entries = grown;
    l->capacity = capacity;
    return GOSS_OK;
}

/* The number of elements, or -1 where it does not fit. */
static int64_t count_elements(const goss_entry *e) {
    int64_t n = 1;
    if (e->rank < 1 || e->rank > GOSS_MAX_RANK - 1) return -1;
    for (int i = 0; i < e->rank; i++)
        if (e->dim[i] < 1 || __builtin_mul_overflow(n, e->dim[i], &n)) return -1;
    return n;
}

goss_status goss_layout_add(goss_layout *l, const goss_entry *entry, goss_error *err) {
    if (!entry->name || !entry->name[0]) return goss_error_set(err, GOSS_E_ARGUMENT, "layout: a tensor without a name");
    if (goss_layout_find(l, entry->name) >= 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "layout: the name %s is taken", entry->name);
    int64_t numel = count_elements(entry);
    if (numel < 0 || numel > INT32_MAX - l->total)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "layout: %s: rank or extents are out of range (2^31 - 1 numbers at most)", entry->name);
    GOSS_TRY(grow(l, err));
    goss_entry *e = &l->entries[l->count];
    *e = *entry;
    e->name = goss__arena_strdup(&l->names, entry->name);
    if (!e->name) return goss_error_set(err, GOSS_E_NOMEM, "out of memory for a name");
    e->numel = numel;
    e->offset = l->total;
    l->total += numel;
    l->count++;
    return GOSS_OK;
}

int goss_layout_count(const goss_layout *l) { return l->count; }

int64_t goss_layout_total(const goss_layout *l) { return l->total; }

const goss_entry *goss_layout_entry(const goss_layout *l, int i) { return &l->entries[i]; }

int64_t goss_layout_offset(const goss_layout *l, int i) { return l->entries[i].offset; }

int goss_layout_find(const goss_layout *l, const char *name) {
    for (int i = 0; i < l->count; i++)
        if (strcmp(l->entries[i].name, name) == 0) return i;
    return -1;
}

double goss_entry_deviation(const goss_entry *e) {
    double fan_in = e->fan_in > 0 ? (double)e->fan_in : 1;
    switch (e->init) {
    case GOSS_INIT_KAIMING:
        return sqrt(2 / fan_in);
    case GOSS_INIT_LECUN:
        return sqrt(1 / fan_in);
    case GOSS_INIT_NORMAL:
        return 1;
    case GOSS_INIT_SMALL:
        return 0.01;
    case GOSS_INIT_ZEROS:
    case GOSS_INIT_ONES:
    case GOSS_INIT_CONSTANT:
        break;
    }
    return 0;
}

double goss__entry_constant(const goss_entry *e) {
    return e->init == GOSS_INIT_CONSTANT ? e->value : e->init == GOSS_INIT_ONES;
}

void goss__entry_initialize(const goss_entry *e, uint64_t seed, float *out) {
    double deviation = goss_entry_deviation(e), constant = goss__entry_constant(e);
    goss__rng r = goss__rng_make(seed, goss__hash64(e->name, strlen(e->name), 0));
    for (int64_t k = 0; k < e->numel; k++)
        out[k] = (float)(deviation > 0 ? deviation * goss__rng_normal(&r) : constant);
}

void goss_layout_initialize(const goss_layout *l, uint64_t seed, float *out) {
    for (int i = 0; i < l->count; i++) goss__entry_initialize(&l->entries[i], seed, out + l->entries[i].offset);
}

bool goss_name_matches(const char *name, const char *pattern) { return goss__name_matches(name, pattern); }
