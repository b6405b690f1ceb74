#include "base/disable.h"

#include <stdlib.h>
#include <string.h>

#define NAMES "again batch bf16-product fuse-add fuse-addend fuse-along fuse-chain fuse-sum in-place late winograd"

/* `word` of n letters stands among `text`'s, which `separator` divides. */
static bool among(const char *text, char separator, const char *word, size_t n) {
    const char stops[] = {separator, 0};
    for (const char *at = text; at && *at;) {
        const size_t length = strcspn(at, stops);
        if (length == n && memcmp(at, word, n) == 0) return true;
        at += length + (at[length] == separator);
    }
    return false;
}

bool goss__disabled(const char *name) { return among(getenv("GOSSAMER_DISABLE"), ',', name, strlen(name)); }

goss_status goss__check_disabled(goss_error *err) {
    for (const char *at = getenv("GOSSAMER_DISABLE"); at && *at;) {
        const size_t n = strcspn(at, ",");
        if (n > 0 && !among(NAMES, ' ', at, n))
            return goss_error_set(err, GOSS_E_ARGUMENT, "GOSSAMER_DISABLE: nothing is called \"%.*s\"; there are " NAMES,
                                  n > 60 ? 60 : (int)n, at);
        at += n + (at[n] == ',');
    }
    return GOSS_OK;
}
