#include "base/disable.h"

#include <stdlib.h>
#include <string.h>

bool goss__disabled(const char *name) {
    const size_t length = strlen(name);
    for (const char *at = getenv("GOSSAMER_DISABLE"); at && *at;) {
        const size_t n = strcspn(at, ",");
        if (n == length && memcmp(at, name, n) == 0) return true;
        at += n + (at[n] == ',');
    }
    return false;
}
