/* SPDX-License-Identifier: Apache-2.0 */
#include "base/disable.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[GOSS__PASS_COUNT] = {
#define PASS(id, name) [GOSS__PASS_##id] = name,
    GOSS__PASSES(PASS)
#undef PASS
};

/* The pass of that name of n letters; GOSS__PASS_COUNT: there is none. */
static int find(const char *name, size_t n) {
    int i = 0;
    while (i < GOSS__PASS_COUNT && (strlen(names[i]) != n || memcmp(names[i], name, n) != 0)) i++;
    return i;
}

goss_status goss__passes_add(goss__passes *set, const char *list, const char *source, goss_error *err) {
    goss_status s = GOSS_OK;
    for (const char *at = list; at && *at;) {
        const size_t n = strcspn(at, ",");
        const int pass = find(at, n);
        if (pass < GOSS__PASS_COUNT)
            *set |= (goss__passes)1 << pass;
        else if (n > 0)
            s = goss_error_set(err, GOSS_E_ARGUMENT,
                               "%s: nothing is called \"%.*s\"; there are"
#define PASS(id, name) " " name
                               GOSS__PASSES(PASS),
#undef PASS
                               source, n > 60 ? 60 : (int)n, at);
        at += n + (at[n] == ',');
    }
    return s;
}

goss_status goss__passes_off(goss__passes *out, goss_error *err) {
    *out = 0;
    return goss__passes_add(out, getenv("GOSSAMER_DISABLE"), "GOSSAMER_DISABLE", err);
}
