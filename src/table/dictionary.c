/* SPDX-License-Identifier: Apache-2.0 */
/* dictionary.c: interned texts: an array by code, and a hash table of codes that is never more than half full. */
#include "table/dictionary.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "base/rng.h"

/* The slot with the text, or the free one for it. */
static int32_t *place(const goss__dictionary *d, const char *text) {
    uint32_t mask = (uint32_t)d->slots - 1, at = (uint32_t)goss__hash64(text, strlen(text), 0) & mask;
    while (d->slot[at] && strcmp(d->text[d->slot[at] - 1], text) != 0) at = (at + 1) & mask;
    return &d->slot[at];
}

static void fill_slots(goss__dictionary *d) {
    memset(d->slot, 0, (size_t)d->slots * sizeof *d->slot);
    for (int32_t i = 0; i < d->count; i++) *place(d, d->text[i]) = i + 1;
}

static bool grow(goss__dictionary *d) {
    if (d->capacity > INT32_MAX / 4) return false;
    int32_t capacity = d->capacity ? 2 * d->capacity : 8;
    const char **text = goss__realloc(d->text, (size_t)capacity * sizeof *text);
    if (!text) return false;
    d->text = text;
    int32_t *slot = goss__realloc(d->slot, 2 * (size_t)capacity * sizeof *slot);
    if (!slot) return false;
    d->slot = slot, d->slots = 2 * capacity, d->capacity = capacity;
    fill_slots(d);
    return true;
}

int32_t goss__dictionary_find(const goss__dictionary *d, const char *text) {
    return d->slots ? *place(d, text) - 1 : -1;
}

int32_t goss__dictionary_add(goss__dictionary *d, const char *text) {
    if (d->count == d->capacity) {
        int32_t known = goss__dictionary_find(d, text);
        if (known >= 0) return known;
        if (!grow(d)) return -1;
    }
    int32_t *at = place(d, text);
    if (*at) return *at - 1;
    const char *copy = goss__arena_strdup(&d->arena, text);
    if (!copy) return -1;
    d->text[d->count] = copy;
    *at = ++d->count;
    return *at - 1;
}

/* ---- order ---- */

typedef struct entry {
    const char *text;
    double value;
    int32_t code;
} entry;

static int by_bytes(const void *a, const void *b) { return strcmp(((const entry *)a)->text, ((const entry *)b)->text); }

static int by_value(const void *a, const void *b) {
    const entry *x = a, *y = b;
    int order = (x->value > y->value) - (x->value < y->value);
    return order ? order : strcmp(x->text, y->text);
}

bool goss__dictionary_sort(goss__dictionary *d, int32_t *code) {
    entry *e = goss__alloc((size_t)d->count * sizeof *e);
    bool numbers = true;
    if (!e) return false;
    for (int32_t i = 0; i < d->count; i++) {
        e[i] = (entry){.text = d->text[i], .code = i};
        numbers = numbers && goss__number_parse(d->text[i], &e[i].value);
    }
    qsort(e, (size_t)d->count, sizeof *e, numbers ? by_value : by_bytes);
    for (int32_t i = 0; i < d->count; i++) {
        d->text[i] = e[i].text;
        code[e[i].code] = i;
    }
    if (d->slots) fill_slots(d);
    goss__free(e);
    return true;
}

void goss__dictionary_free(goss__dictionary *d) {
    goss__arena_free(&d->arena);
    goss__free(d->text);
    goss__free(d->slot);
    *d = (goss__dictionary){0};
}
