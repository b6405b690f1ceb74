/* SPDX-License-Identifier: Apache-2.0 */
/* heap.h: a worklist of values, lowest number first. */
#ifndef GOSS_SCHEDULE_HEAP_H
#define GOSS_SCHEDULE_HEAP_H

#include <stdint.h>

typedef struct goss__heap {
    uint32_t *at, n; /* at: the owner's, large enough for all elements */
} goss__heap;

static inline void goss__heap_push(goss__heap *h, uint32_t v) {
    uint32_t at = h->n++;
    for (; at > 0 && h->at[(at - 1) / 2] > v; at = (at - 1) / 2) h->at[at] = h->at[(at - 1) / 2];
    h->at[at] = v;
}

static inline uint32_t goss__heap_pop(goss__heap *h) {
    const uint32_t top = h->at[0], v = h->at[--h->n];
    uint32_t at = 0;
    for (uint32_t child; (child = 2 * at + 1) < h->n; at = child) {
        if (child + 1 < h->n && h->at[child + 1] < h->at[child]) child++;
        if (h->at[child] >= v) break;
        h->at[at] = h->at[child];
    }
    h->at[at] = v;
    return top;
}
#endif
