/* SPDX-License-Identifier: Apache-2.0 */
/* check_image_tasks.c: checks of images in tasks that are trained together. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/str.h"
#include "train/run_check.h"

enum { NAMES = 3, FEW = 5 };

/* Images of each class of a task that are trained on: the fewest and the most, over all tasks. */
typedef struct extremes {
    int least, most, few; /* few: classes with fewer than FEW */
    goss__str names;
} extremes;

static void look_at_class(const goss_image_tasks *t, int task, int output, int images, extremes *e) {
    e->least = images < e->least ? images : e->least, e->most = images > e->most ? images : e->most;
    if (images >= FEW) return;
    if (e->few < NAMES)
        goss__str_addf(&e->names, "%s%.80s of %.80s: %d", e->few ? ", " : "",
                       goss_image_tasks_output_name(t, task, output), goss_image_tasks_name(t, task), images);
    e->few++;
}

static goss_status look_at_classes(const goss_image_tasks *t, extremes *e, goss_error *err) {
    for (int task = 0; task < goss_image_tasks_count(t); task++) {
        const int outputs = goss_image_tasks_outputs(t, task);
        const int32_t *output;
        int n, *of = goss__calloc((size_t)outputs, sizeof *of);
        if (!of) return goss_error_set(err, GOSS_E_NOMEM, "no memory to look at %d classes", outputs);
        goss_image_tasks_images(t, task, GOSS_PART_TRAIN, &output, &n);
        for (int i = 0; i < n; i++) of[output[i]]++;
        for (int w = 0; w < outputs; w++) look_at_class(t, task, w, of[w], e);
        goss__free(of);
    }
    return GOSS_OK;
}

static goss_status tell_classes(const goss__check *k, const goss_image_tasks *t, goss_error *err) {
    extremes e = {.least = 1 << 30};
    const goss_status s = look_at_classes(t, &e, err);
    if (s == GOSS_OK) {
        goss__check_counted(k, "class.least_train_images", e.least);
        goss__check_counted(k, "class.most_train_images", e.most);
    }
    if (s == GOSS_OK && e.few)
        goss__check_found(
            k, GOSS_CHECK_WARNING, "few-images",
            "%d class%s fewer than %d images to train on (%s%s): what is measured there is mostly chance; "
            "add images, or give training a larger share (data.split)",
            e.few, e.few == 1 ? " has" : "es have", FEW, e.names.data ? e.names.data : "",
            e.few > NAMES ? ", ..." : "");
    goss__str_free(&e.names);
    return s;
}

/* What each image is for, [images]; counts of the parts. */
static void mark(const goss__check *k, const goss_image_tasks *t, uint8_t *part) {
    static const char *const names[] = {"train.images", "validate.images", "test.images"};
    for (int p = 0; p < 3; p++) {
        int64_t all = 0;
        for (int task = 0, n; task < goss_image_tasks_count(t); task++) {
            const int32_t *image = goss_image_tasks_images(t, task, (goss_row_part)p, NULL, &n);
            for (int i = 0; i < n; i++) part[image[i]] = (uint8_t)(GOSS__TRAIN + p);
            all += n;
        }
        goss__check_counted(k, names[p], all);
    }
}

goss_status goss__check_image_tasks(const goss__check *k, const goss_image_tasks *t, goss_error *err) {
    const goss_images *set = goss_image_tasks_set(t);
    uint8_t *part = goss__calloc((size_t)goss_images_count(set) + 1, 1);
    int64_t outputs = 0;
    if (!part) return goss_error_set(err, GOSS_E_NOMEM, "no memory to look at %d images", goss_images_count(set));
    goss__check_count_images(k, set);
    goss__check_counted(k, "tasks", goss_image_tasks_count(t));
    for (int i = 0; i < goss_image_tasks_count(t); i++) outputs += goss_image_tasks_outputs(t, i);
    goss__check_counted(k, "tasks.classes", outputs);
    mark(k, t, part);
    goss_status s = tell_classes(k, t, err);
    if (s == GOSS_OK) s = goss__check_same_images(k, set, part, err);
    goss__free(part);
    return s;
}
