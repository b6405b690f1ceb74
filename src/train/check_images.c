/* SPDX-License-Identifier: Apache-2.0 */
/* check_images.c: checks of a run's images. Images are compared by decoded content. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "train/run_check.h"

typedef struct image_set {
    const goss_images *set;
    const goss_class_list *train, *held;
} image_set;

enum { NAMES = 3, FEW_CLASSES = 10, UNREADABLE_NAMED = 50 };

/* ---- counts ---- */

enum { PARTS = GOSS__TEST + 1 };
static const char *const part_names[PARTS] = {"unused", "train", "validate", "test"};

static void mark(const goss_class_list *l, goss__image_part p, uint8_t *part_of) {
    for (int i = 0; i < l->count; i++) part_of[l->ids[i]] = (uint8_t)p;
}

/* [classes] the part of each. */
static uint8_t *parts_of(const image_set *d) {
    const int classes = goss_images_classes(d->set);
    uint8_t *out = goss__calloc((size_t)classes, 1);
    for (int c = 0; out && c < classes; c++)
        if (goss_images_class_split(d->set, c) == GOSS_SPLIT_TEST) out[c] = GOSS__TEST;
    if (out) mark(d->train, GOSS__TRAIN, out), mark(d->held, GOSS__VALIDATE, out);
    return out;
}

void goss__check_count_images(const goss__check *k, const goss_images *set) {
    const goss_image_format f = goss_images_format(set);
    goss__check_counted(k, "images", goss_images_count(set));
    goss__check_counted(k, "classes", goss_images_classes(set));
    goss__check_counted(k, "alphabets", goss_images_alphabets(set));
    goss__check_counted(k, "image.height", f.height), goss__check_counted(k, "image.width", f.width);
    goss__check_counted(k, "image.channels", f.channels);
}

static void count(const goss__check *k, const image_set *d, const uint8_t *part_of) {
    int64_t classes[PARTS] = {0}, images[PARTS] = {0};
    char name[40];
    for (int c = 0; c < goss_images_classes(d->set); c++) {
        int first, n;
        goss_images_class_range(d->set, c, &first, &n);
        classes[part_of[c]]++, images[part_of[c]] += n;
    }
    goss__check_count_images(k, d->set);
    for (int p = GOSS__TRAIN; p <= PARTS; p++) {
        const goss__image_part at = p == PARTS ? GOSS__UNUSED : (goss__image_part)p;
        if (at != GOSS__TRAIN && classes[at] == 0) continue;
        snprintf(name, sizeof name, "%s.classes", part_names[at]);
        goss__check_counted(k, name, classes[at]);
        snprintf(name, sizeof name, "%s.images", part_names[at]);
        goss__check_counted(k, name, images[at]);
    }
}

/* ---- classes ---- */

static void add_name(goss__str *names, int n, const char *name) {
    if (n < NAMES) goss__str_addf(names, "%s%.100s", n ? ", " : "", name);
    if (n == NAMES) goss__str_add(names, ", ...");
}

static void look_at_classes(const goss__check *k, const image_set *d) {
    goss__str names = {0};
    int single = 0, least = 1 << 30, most = 0;
    for (int c = 0; c < goss_images_classes(d->set); c++) {
        int first, n;
        goss_images_class_range(d->set, c, &first, &n);
        if (n == 1) add_name(&names, single++, goss_images_class_name(d->set, c));
        least = n < least ? n : least, most = n > most ? n : most;
    }
    goss__check_counted(k, "class.least_images", least), goss__check_counted(k, "class.most_images", most);
    if (single)
        goss__check_found(k, GOSS_CHECK_WARNING, "rare-class",
                          "%d class%s one image (%s): nothing is left to ask for when it has been shown; add images or "
                          "remove the class",
                          single, single == 1 ? " has" : "es have", names.data ? names.data : "");
    goss__str_free(&names);
    if (d->train->count < FEW_CLASSES)
        goss__check_found(k, GOSS_CHECK_WARNING, "few-classes",
                          "%d classes to train on are few: what is learned from them is these classes rather than how "
                          "to tell new ones apart; for new classes train on dozens of others",
                          d->train->count);
}

/* ---- the same image twice ---- */

typedef struct seen {
    uint64_t hash;
    int32_t image;
    int32_t cls;
} seen;

static int by_hash(const void *a, const void *b) {
    const seen *x = a, *y = b;
    return x->hash != y->hash ? (x->hash > y->hash) - (x->hash < y->hash)
                              : (x->image > y->image) - (x->image < y->image);
}

typedef struct pairs {
    int count;
    int32_t image, other; /* the first pair */
} pairs;

static void note(pairs *p, const seen *a, const seen *b) {
    if (p->count++ == 0) p->image = a->image, p->other = b->image;
}

/* Images of one group have the same pixels. Each is counted once, against the first it repeats. */
static void look_at_group(const seen *g, size_t n, const uint8_t *part_of, pairs *leaks, pairs *labels) {
    for (size_t i = 0; i < n; i++) {
        bool leaked = false, other = false;
        for (size_t j = 0; j < n && !(leaked && other); j++) {
            const goss__image_part mine = (goss__image_part)part_of[g[i].image],
                                   theirs = (goss__image_part)part_of[g[j].image];
            if (!leaked && mine > GOSS__TRAIN && theirs == GOSS__TRAIN) note(leaks, &g[i], &g[j]), leaked = true;
            const bool apart = mine != theirs && mine != GOSS__UNUSED && theirs != GOSS__UNUSED;
            if (!other && j < i && !apart && g[i].cls != g[j].cls) note(labels, &g[i], &g[j]), other = true;
        }
    }
}

static void tell_pairs(const goss__check *k, const goss_images *set, const pairs *leaks, const pairs *labels) {
    if (leaks->count)
        goss__check_found(k, GOSS_CHECK_WARNING, "leak",
                          "%d image%s to validate or test on %s trained on, too (the first: %.150s is %.150s): what is "
                          "measured there is too good; remove them from one side",
                          leaks->count, leaks->count == 1 ? "" : "s", leaks->count == 1 ? "is" : "are",
                          goss_images_name(set, leaks->image), goss_images_name(set, leaks->other));
    if (labels->count)
        goss__check_found(k, GOSS_CHECK_WARNING, "duplicate",
                          "%d image%s the same as one of another class (the first: %.150s is %.150s): no network can "
                          "tell them apart; keep each under its right class",
                          labels->count, labels->count == 1 ? " is" : "s are", goss_images_name(set, labels->image),
                          goss_images_name(set, labels->other));
}

goss_status goss__check_same_images(const goss__check *k, const goss_images *set, const uint8_t *part_of,
                                    goss_error *err) {
    const int images = goss_images_count(set);
    seen *all = goss__alloc((size_t)images * sizeof *all);
    if (!all) return goss_error_set(err, GOSS_E_NOMEM, "no memory to compare %d images", images);
    pairs leaks = {0}, labels = {0};
    size_t n = 0;
    for (int i = 0; i < images; i++) {
        const uint64_t hash = goss_images_sample(set, i);
        if (hash) all[n++] = (seen){hash, i, goss_images_class_of(set, i)}; /* 0: constant image, reported elsewhere */
    }
    qsort(all, n, sizeof *all, by_hash);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && all[end].hash == all[i].hash;) end++;
        if (end > i + 1) look_at_group(all + i, end - i, part_of, &leaks, &labels);
    }
    goss__free(all);
    tell_pairs(k, set, &leaks, &labels);
    return GOSS_OK;
}

/* An image's part follows from its class. */
static goss_status look_at_content(const goss__check *k, const image_set *d, const uint8_t *part_of, goss_error *err) {
    const int images = goss_images_count(d->set);
    uint8_t *part = goss__calloc((size_t)images + 1, 1);
    if (!part) return goss_error_set(err, GOSS_E_NOMEM, "no memory to compare %d images", images);
    for (int i = 0; i < images; i++) part[i] = part_of[goss_images_class_of(d->set, i)];
    const goss_status s = goss__check_same_images(k, d->set, part, err);
    goss__free(part);
    return s;
}

goss_status goss__check_images(const goss__check *k, const goss__run_data *data, goss_error *err) {
    const image_set d = {goss__data_images_set(data), goss__data_images_classes(data, false),
                         goss__data_images_classes(data, true)};
    uint8_t *part_of = parts_of(&d);
    if (!part_of) return goss_error_set(err, GOSS_E_NOMEM, "no memory to look at the classes");
    count(k, &d, part_of);
    look_at_classes(k, &d);
    const goss_status s = look_at_content(k, &d, part_of, err);
    goss__free(part_of);
    return s;
}

/* ---- files that cannot be read ---- */

int goss__check_unreadable(const goss__check *k) {
    const goss_image_format tiny = {.channels = 1, .height = 1, .width = 1};
    goss_image_files *files;
    goss_error why;
    float pixel;
    int bad = 0;
    if (goss_image_files_open(k->set->data.path, &files, &why) != GOSS_OK) return 0;
    const int n = goss_image_files_count(files);
    for (int i = 0; i < n; i++) {
        if (goss_image_files_decode(files, i, &tiny, &pixel, &why) == GOSS_OK) continue;
        if (bad++ < UNREADABLE_NAMED) goss__check_found(k, GOSS_CHECK_ERROR, "unreadable", "%s", why.text);
    }
    goss_image_files_close(files);
    if (bad > UNREADABLE_NAMED)
        goss__check_found(k, GOSS_CHECK_ERROR, "unreadable", "%d more files cannot be read", bad - UNREADABLE_NAMED);
    if (bad)
        goss__check_found(k, GOSS_CHECK_INFO, "unreadable",
                          "%d of %d images cannot be read: repair or remove them, or set data.skip_bad=true to train "
                          "without",
                          bad, n);
    return bad;
}
