/* SPDX-License-Identifier: Apache-2.0 */
/* finite.c: the exponent of a number that is not finite is all ones. Blocks are scanned without branches, so that the
 * compiler vectorises the loop; the index is searched only in a block that has one. */
#include "base/finite.h"

#include <string.h>

enum { BLOCK = 1024 };

static uint32_t bits_of(const float *value) {
    uint32_t bits;
    memcpy(&bits, value, sizeof bits);
    return bits;
}

static bool ends(uint32_t bits) { return (bits & 0x7f800000u) == 0x7f800000u; }

int64_t goss__first_not_finite(const float *values, int64_t n) {
    for (int64_t at = 0; at < n; at += BLOCK) {
        int64_t count = n - at < BLOCK ? n - at : BLOCK;
        uint32_t found = 0;
        for (int64_t i = 0; i < count; i++) found |= (uint32_t)ends(bits_of(values + at + i));
        for (int64_t i = 0; found && i < count; i++)
            if (ends(bits_of(values + at + i))) return at + i;
    }
    return -1;
}
