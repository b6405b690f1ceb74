/* SPDX-License-Identifier: Apache-2.0 */
/* arena.c: chunks of growing size, newest first; a large request gets a chunk of its own. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/number.h"

struct goss__arena_chunk {
    goss__arena_chunk *next;
    size_t size, used;
    _Alignas(16) unsigned char data[];
};

static goss__arena_chunk *add_chunk(goss__arena *a, size_t need) {
    size_t size = a->chunks ? a->chunks->size * 2 : 4096, total;
    if (size > (size_t)1 << 20) size = (size_t)1 << 20;
    if (size < need) size = need;
    if (!goss__add_ok(size, sizeof(goss__arena_chunk), &total)) return NULL;
    goss__arena_chunk *c = goss__calloc(1, total);
    if (!c) return NULL;
    *c = (goss__arena_chunk){.next = a->chunks, .size = size};
    a->chunks = c;
    return c;
}

void *goss__arena_alloc(goss__arena *a, size_t size) {
    size_t need;
    if (!goss__add_ok(size ? size : 1, 15, &need)) return NULL;
    need &= ~(size_t)15;
    goss__arena_chunk *c = a->chunks;
    if (!c || c->size - c->used < need) c = add_chunk(a, need);
    if (!c) return NULL;
    void *p = c->data + c->used;
    c->used += need;
    return p;
}

char *goss__arena_strdup(goss__arena *a, const char *s) {
    size_t n = strlen(s) + 1;
    char *copy = goss__arena_alloc(a, n);
    if (copy) memcpy(copy, s, n);
    return copy;
}

char *goss__arena_printf(goss__arena *a, const char *fmt, ...) {
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = goss__vformat(NULL, 0, fmt, ap);
    va_end(ap);
    char *text = n < 0 ? NULL : goss__arena_alloc(a, (size_t)n + 1);
    if (text) goss__vformat(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}

void goss__arena_free(goss__arena *a) {
    for (goss__arena_chunk *c = a->chunks, *next; c; c = next) {
        next = c->next;
        goss__free(c);
    }
    a->chunks = NULL;
}
