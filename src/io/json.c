/* SPDX-License-Identifier: Apache-2.0 */
/* json.c: jansson with our allocator, and a streaming writer.
 *
 * jansson 2.14 ignores a failed allocation while it collects a token and continues with a part missing. A failure
 * within a parse is therefore made persistent: later allocations fail too, which jansson checks, and the result is
 * discarded. */
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "io/json.h"
#include "base/number.h"

void goss__json_add_text(goss__str *s, const char *text) {
    goss__str_addn(s, "\"", 1);
    goss__str_add_escaped(s, text, GOSS_TEXT_JSON);
    goss__str_addn(s, "\"", 1);
}

void goss__json_add_number(goss__str *s, double value) {
    char text[GOSS__NUMBER_TEXT] = "null";
    if (isfinite(value)) goss__number_print(value, text);
    goss__str_add(s, text);
}

#if GOSS_HAVE_JANSSON
static _Thread_local bool parsing, starved;

static void *tree_alloc(size_t size) {
    void *p = parsing && starved ? NULL : goss__alloc(size);
    if (!p) starved = true;
    return p;
}

/* The allocation functions are process-wide: those set by the host program are kept. */
static void set_allocator(void) {
    json_malloc_t old_malloc;
    json_free_t old_free;
    json_get_alloc_funcs(&old_malloc, &old_free);
    if (old_malloc == malloc && old_free == free) json_set_alloc_funcs(tree_alloc, goss__free);
}

goss_status goss__json_parse(const char *text, size_t size, size_t at, json_t **out, goss_error *err) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    json_error_t e;
    pthread_once(&once, set_allocator);
    parsing = true, starved = false;
    *out = json_loadb(text, size, JSON_REJECT_DUPLICATES, &e);
    parsing = false;
    if (*out && !starved) return GOSS_OK;
    if (starved || json_error_code(&e) == json_error_out_of_memory) {
        json_decref(*out);
        *out = NULL;
        return goss_error_set(err, GOSS_E_NOMEM, "out of memory for %zu bytes of JSON", size);
    }
    return goss_error_set(err, GOSS_E_FORMAT, "byte %zu: %s", at + (size_t)(e.position > 0 ? e.position : 0), e.text);
}

static goss_status copy_texts(const json_t *list, goss__json_texts *out, goss_error *err) {
    size_t n = json_array_size(list);
    out->v = goss__calloc(n + 1, sizeof *out->v);
    for (; out->v && out->n < n; out->n++) {
        const char *text = json_string_value(json_array_get(list, out->n));
        if (!text) return goss_error_set(err, GOSS_E_FORMAT, "entry %zu is no text", out->n);
        if (!(out->v[out->n] = goss__strdup(text))) break;
    }
    return out->v && out->n == n ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory for %zu texts", n);
}

goss_status goss__json_texts_parse(const char *text, goss__json_texts *out, goss_error *err) {
    json_t *list;
    *out = (goss__json_texts){0};
    GOSS_TRY(goss__json_parse(text, strlen(text), 0, &list, err));
    goss_status s = copy_texts(list, out, err);
    json_decref(list);
    if (s != GOSS_OK) goss__json_texts_free(out);
    return s;
}

bool goss__json_numbers(const char *text, size_t size, const char *const *keys, int n, double *values) {
    json_t *object;
    if (goss__json_parse(text, size, 0, &object, NULL) != GOSS_OK) return false;
    bool ok = true;
    for (int i = 0; i < n; i++) {
        const json_t *value = json_object_get(object, keys[i]);
        ok &= json_is_number(value);
        values[i] = json_number_value(value);
    }
    json_decref(object);
    return ok;
}
#else
goss_status goss__json_texts_parse(const char *text, goss__json_texts *out, goss_error *err) {
    (void)text;
    *out = (goss__json_texts){0};
    return goss_error_set(err, GOSS_E_UNSUPPORTED, "this build has no jansson: " GOSS_JANSSON_GET);
}

bool goss__json_numbers(const char *text, size_t size, const char *const *keys, int n, double *values) { return false; }
#endif

void goss__json_texts_free(goss__json_texts *t) {
    for (size_t i = 0; i < t->n; i++) goss__free(t->v[i]);
    goss__free(t->v);
    *t = (goss__json_texts){0};
}
