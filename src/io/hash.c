/* hash.c: the one place that uses xxhash. */
#include <stdio.h>
#include <xxhash.h>

#include "io/hash.h"


goss_status goss__hash_new(goss__hash **out, goss_error *err) {
    /* The state is its own handle: an allocation of xxhash's, which knows the alignment it needs. */
    XXH3_state_t *s = XXH3_createState();
    if (!s || XXH3_128bits_reset(s) != XXH_OK) {
        XXH3_freeState(s);
        *out = NULL;
        return goss_error_set(err, GOSS_E_NOMEM, "out of memory for a hash");
    }
    *out = (goss__hash *)s;
    return GOSS_OK;
}

void goss__hash_add(goss__hash *h, const void *data, size_t size) {
    if (size) XXH3_128bits_update((XXH3_state_t *)h, data, size);
}

void goss__hash_end(goss__hash *h, char text[GOSS__HASH_TEXT]) {
    XXH128_hash_t v = XXH3_128bits_digest((XXH3_state_t *)h);
    XXH3_freeState((XXH3_state_t *)h);
    snprintf(text, GOSS__HASH_TEXT, "%016llx%016llx", (unsigned long long)v.high64, (unsigned long long)v.low64);
}
