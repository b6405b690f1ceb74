/* SPDX-License-Identifier: Apache-2.0 */
/* word_counts.c: a hash table of counted texts. */
#include "text/word_counts.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"

void goss__counts_free(goss__counts *c) {
    goss__free(c->text), goss__free(c->count), goss__free(c->slot);
    goss__arena_free(&c->arena);
    *c = (goss__counts){0};
}

static bool same(const char *known, const char *text, size_t size) {
    return strncmp(known, text, size) == 0 && known[size] == 0;
}

/* The slot of a text, or the free one where it belongs. */
static int32_t *find(const goss__counts *c, const char *text, size_t size) {
    const uint32_t mask = (uint32_t)c->slots - 1;
    for (uint32_t i = (uint32_t)goss__hash64(text, size, 0) & mask;; i = (i + 1) & mask)
        if (!c->slot[i] || same(c->text[c->slot[i] - 1], text, size)) return &c->slot[i];
}

int32_t goss__counts_find(const goss__counts *c, const char *text, size_t size) {
    return c->slots ? *find(c, text, size) - 1 : -1;
}

static bool widen(goss__counts *c) {
    const int32_t slots = c->slots ? 2 * c->slots : 1024;
    int32_t *old = c->slot, *slot = goss__calloc((size_t)slots, sizeof *slot);
    if (!slot) return false;
    c->slot = slot, c->slots = slots;
    for (int32_t k = 0; k < c->n; k++) *find(c, c->text[k], strlen(c->text[k])) = k + 1;
    goss__free(old);
    return true;
}

static bool extend(goss__counts *c) {
    const int32_t capacity = c->capacity ? 2 * c->capacity : 512;
    const char **text = goss__realloc(c->text, (size_t)capacity * sizeof *text);
    if (text) c->text = text;
    int64_t *count = goss__realloc(c->count, (size_t)capacity * sizeof *count);
    if (count) c->count = count;
    if (text && count) c->capacity = capacity;
    return text && count;
}

int32_t goss__counts_add(goss__counts *c, const char *text, size_t size, int64_t by) {
    if (c->n > INT32_MAX / 4 || (2 * c->n >= c->slots && !widen(c))) return -1;
    int32_t *slot = find(c, text, size);
    if (*slot) return c->count[*slot - 1] += by, *slot - 1;
    if (c->n == c->capacity && !extend(c)) return -1;
    char *own = goss__arena_alloc(&c->arena, size + 1);
    if (!own) return -1;
    memcpy(own, text, size);
    c->text[c->n] = own, c->count[c->n] = by, *slot = ++c->n;
    return c->n - 1;
}

int64_t goss__counts_total(const goss__counts *c) {
    int64_t sum = 0;
    for (int32_t i = 0; i < c->n; i++) sum += c->count[i];
    return sum;
}

typedef struct ranked {
    const char *text;
    int64_t count;
} ranked;

static int by_rank(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    return strcmp(x->text, y->text); /* all differ */
}

bool goss__counts_keep(goss__counts *c, int64_t least, int32_t most) {
    goss__counts kept = {0};
    ranked *all = goss__calloc((size_t)c->n + 1, sizeof *all);
    bool ok = all != NULL;
    int32_t n = 0;
    for (int32_t i = 0; ok && i < c->n; i++)
        if (c->count[i] >= least) all[n++] = (ranked){c->text[i], c->count[i]};
    if (ok) qsort(all, (size_t)n, sizeof *all, by_rank);
    for (int32_t i = 0; ok && i < n && i < most; i++)
        ok = goss__counts_add(&kept, all[i].text, strlen(all[i].text), all[i].count) >= 0;
    goss__free(all);
    goss__counts_free(ok ? c : &kept);
    if (ok) *c = kept;
    return ok;
}
