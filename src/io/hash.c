/* SPDX-License-Identifier: Apache-2.0 */
/* hash.c: the one place that uses xxhash. */
#include <stdio.h>

#include "base/alloc.h"
#include "goss_config.h"
#include "io/hash.h"

#if GOSS_HAVE_XXHASH
#define XXH_STATIC_LINKING_ONLY /* the state is a member of our struct */
#include <xxhash.h>

struct goss__hash {
    XXH3_state_t state;
};

goss_status goss__hash_new(goss__hash **out, goss_error *err) {
    *out = goss__alloc_aligned(sizeof **out);
    if (!*out) return goss_error_set(err, GOSS_E_NOMEM, "out of memory for a hash");
    XXH3_INITSTATE(&(*out)->state);
    (void)XXH3_128bits_reset(&(*out)->state); /* fails for NULL only */
    return GOSS_OK;
}

void goss__hash_add(goss__hash *h, const void *data, size_t size) {
    if (size) (void)XXH3_128bits_update(&h->state, data, size);
}

void goss__hash_end(goss__hash *h, char text[GOSS__HASH_TEXT]) {
    XXH128_hash_t v = XXH3_128bits_digest(&h->state);
    snprintf(text, GOSS__HASH_TEXT, "%016llx%016llx", (unsigned long long)v.high64, (unsigned long long)v.low64);
    goss__free(h);
}
#else
goss_status goss__hash_new(goss__hash **out, goss_error *err) {
    *out = NULL;
    return goss_error_set(err, GOSS_E_UNSUPPORTED, "this build has no xxhash: " GOSS_XXHASH_GET);
}
void goss__hash_add(goss__hash *h, const void *data, size_t size) { (void)h, (void)data, (void)size; }
void goss__hash_end(goss__hash *h, char text[GOSS__HASH_TEXT]) {
    (void)h;
    text[0] = 0;
}
#endif
