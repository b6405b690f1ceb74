/* SPDX-License-Identifier: Apache-2.0 */
/* class_list.c: some classes of a set: all, those of a part or with enough images, or the parts of a seeded split.
 * Lists ascend, so that the same classes are the same list wherever they came from. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "data/class_list.h"

void goss_class_list_free(goss_class_list *list) {
    goss__free(list->ids);
    *list = (goss_class_list){0};
}

goss_status goss__class_list_alloc(goss_class_list *out, int count, goss_error *err) {
    *out = (goss_class_list){.ids = goss__calloc((size_t)count + 1, sizeof *out->ids)};
    return out->ids ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory for a list of %d classes", count);
}

goss_status goss_class_list_all(const goss_images *set, goss_class_list *out, goss_error *err) {
    GOSS_TRY(goss__class_list_alloc(out, goss_images_classes(set), err));
    while (out->count < goss_images_classes(set)) out->ids[out->count] = out->count, out->count++;
    return GOSS_OK;
}

goss_status goss_class_list_part(const goss_images *set, goss_split part, goss_class_list *out, goss_error *err) {
    GOSS_TRY(goss__class_list_alloc(out, goss_images_classes(set), err));
    for (int c = 0; c < goss_images_classes(set); c++)
        if (goss_images_class_split(set, c) == part) out->ids[out->count++] = c;
    return GOSS_OK;
}

goss_status goss_class_list_drop_small(const goss_images *set, int least, goss_class_list *list,
                                       goss_class_list *dropped, goss_error *err) {
    int n = 0;
    GOSS_TRY(goss__class_list_alloc(dropped, list->count, err));
    for (int i = 0; i < list->count; i++) {
        int first, count;
        goss_images_class_range(set, list->ids[i], &first, &count);
        goss_class_list *to = count < least ? dropped : NULL;
        if (to)
            to->ids[to->count++] = list->ids[i];
        else
            list->ids[n++] = list->ids[i];
    }
    list->count = n;
    return GOSS_OK;
}

/* ---- splits ---- */

static int compare_ids(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* Deals the classes of `from` to the two lists: held where group_held[group[i]]. */
static goss_status deal(const goss_class_list *from, const uint32_t *group, const uint8_t *group_held,
                        goss_class_list *kept, goss_class_list *held, goss_error *err) {
    *held = (goss_class_list){0};
    GOSS_TRY(goss__class_list_alloc(kept, from->count, err));
    goss_status status = goss__class_list_alloc(held, from->count, err);
    if (status != GOSS_OK) {
        goss_class_list_free(kept);
        return status;
    }
    for (int i = 0; i < from->count; i++) {
        goss_class_list *to = group_held[group[i]] ? held : kept;
        to->ids[to->count++] = from->ids[i];
    }
    qsort(kept->ids, (size_t)kept->count, sizeof *kept->ids, compare_ids);
    qsort(held->ids, (size_t)held->count, sizeof *held->ids, compare_ids);
    return GOSS_OK;
}

/* Draws `hold` of `groups` groups. group[i] is the group of from->ids[i]. */
static goss_status split_groups(const goss_class_list *from, const uint32_t *group, uint32_t groups, uint32_t hold,
                                uint64_t seed, goss_class_list *kept, goss_class_list *held, goss_error *err) {
    uint32_t *order = goss__calloc(groups, sizeof *order);
    uint8_t *group_held = goss__calloc(groups, 1);
    goss_status status = GOSS_OK;
    if (order && group_held) {
        goss__rng rng = goss__rng_make(seed, goss__hash64("class split", 11, 0));
        for (uint32_t g = 0; g < groups; g++) order[g] = g;
        goss__rng_shuffle(&rng, order, groups, hold);
        for (uint32_t i = 0; i < hold; i++) group_held[order[i]] = 1;
        status = deal(from, group, group_held, kept, held, err);
    } else {
        status = goss_error_set(err, GOSS_E_NOMEM, "no memory to split %u groups", groups);
    }
    goss__free(order);
    goss__free(group_held);
    return status;
}

/* The groups of a split: every class its own, or its alphabet. Alphabets are numbered as they come in `from`. */
static uint32_t group_classes(const goss_images *set, const goss_class_list *from, bool alphabets, uint32_t *group,
                              uint32_t *seen) {
    uint32_t groups = 0;
    for (int i = 0; i < from->count; i++) {
        uint32_t *s = alphabets ? &seen[goss_images_class_alphabet(set, from->ids[i])] : NULL;
        group[i] = s && *s ? *s - 1 : groups++;
        if (s) *s = group[i] + 1;
    }
    return groups;
}

static goss_status split(const goss_images *set, const goss_class_list *from, bool alphabets, double fraction,
                         int count, uint64_t seed, goss_class_list *kept, goss_class_list *held, goss_error *err) {
    uint32_t *group = goss__calloc((size_t)from->count, sizeof *group);
    uint32_t *seen = goss__calloc((size_t)goss_images_alphabets(set), sizeof *seen);
    goss_status status = group && seen ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory to split classes");
    if (status == GOSS_OK) {
        uint32_t groups = group_classes(set, from, alphabets, group, seen);
        long hold = alphabets ? count : lround(fraction * groups);
        if (!alphabets && hold < 1) hold = 1;
        if (!alphabets && groups > 1 && hold > (long)groups - 1) hold = (long)groups - 1;
        if (hold < 1 || hold >= (long)groups)
            status = goss_error_set(err, GOSS_E_ARGUMENT, "cannot hold out %ld of %u %s: at least one on each side",
                                    hold, groups, alphabets ? "alphabets" : "classes");
        else
            status = split_groups(from, group, groups, (uint32_t)hold, seed, kept, held, err);
    }
    goss__free(group);
    goss__free(seen);
    return status;
}

static goss_status split_from(const goss_images *set, const goss_class_list *from, bool alphabets, double fraction,
                              int count, uint64_t seed, goss_class_list *kept, goss_class_list *held, goss_error *err) {
    *kept = *held = (goss_class_list){0};
    if (from) return split(set, from, alphabets, fraction, count, seed, kept, held, err);
    goss_class_list all;
    GOSS_TRY(goss_class_list_all(set, &all, err));
    goss_status status = split(set, &all, alphabets, fraction, count, seed, kept, held, err);
    goss_class_list_free(&all);
    return status;
}

goss_status goss_class_list_split(const goss_images *set, const goss_class_list *from, double fraction, uint64_t seed,
                                  goss_class_list *kept, goss_class_list *held, goss_error *err) {
    if (!(fraction > 0 && fraction < 1)) {
        *kept = *held = (goss_class_list){0};
        return goss_error_set(err, GOSS_E_ARGUMENT, "fraction %g to hold out: must lie between 0 and 1", fraction);
    }
    return split_from(set, from, false, fraction, 0, seed, kept, held, err);
}

goss_status goss_class_list_hold_out(const goss_images *set, const goss_class_list *from, int alphabets, uint64_t seed,
                                     goss_class_list *kept, goss_class_list *held, goss_error *err) {
    return split_from(set, from, true, 0, alphabets, seed, kept, held, err);
}
