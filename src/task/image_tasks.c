/* SPDX-License-Identifier: Apache-2.0 */
/* image_tasks.c: the images of each task, divided inside every class into those to train, to validate and to test on.
 *
 * The division of a class depends on the seed and its name alone, so that tasks which share a class agree on its
 * division, and a task does not depend on which other tasks exist. */
#include "task/image_tasks.h"

#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "task/split.h"

static const char *const part_names[GOSS__IMAGE_PARTS] = {"train", "validate", "test"};

goss_image_tasks_options goss_image_tasks_defaults(void) { return (goss_image_tasks_options){.seed = 1}; }

static goss_status no_memory(goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for the tasks of images");
}

/* ---- one class ---- */

typedef struct divider {
    const goss_images *set;
    const goss__named_classes *classes;
    const goss_image_tasks_options *o;
    double share[3];
    uint32_t *order; /* scratch: [images of the largest class] */
    uint8_t *part;   /* the same */
} divider;

/* Images in folders val and test all belong to that part. */
static bool has_folder(const divider *d, int part) { return part != GOSS_PART_TRAIN && d->classes->has[part]; }

/* How many of the n images of a class are used (thinning). */
static int taken(const divider *d, int n) { return d->o->per_class > 0 && n > d->o->per_class ? d->o->per_class : n; }

static int copy_folder(const divider *d, int cls, int32_t *out) {
    int first = 0, n = 0;
    if (cls >= 0) goss_images_class_range(d->set, cls, &first, &n);
    for (int i = 0; i < n; i++) out[i] = first + i;
    return n;
}

/* Writes the images of a class that belong to a part to out; returns how many. */
static int images_of(const divider *d, const goss__named_class *c, int part, int32_t *out) {
    int first, n, kept = 0;
    if (has_folder(d, part)) return copy_folder(d, c->cls[part], out);
    if (c->cls[GOSS_PART_TRAIN] < 0) return 0;
    goss_images_class_range(d->set, c->cls[GOSS_PART_TRAIN], &first, &n);
    goss__rng rng = goss__rng_make(d->o->seed, goss__hash64(c->name, strlen(c->name), 78));
    for (int i = 0; i < n; i++) d->order[i] = (uint32_t)i;
    goss__rng_shuffle(&rng, d->order, (uint32_t)n, (uint32_t)n);
    memset(d->part, GOSS__IMAGE_PARTS, (size_t)n); /* images left out by thinning belong to no part */
    goss__split_cut(d->share, d->order, taken(d, n), d->part);
    for (int i = 0; i < n; i++)
        if (d->part[i] == part) out[kept++] = first + i;
    return kept;
}

/* ---- shares ---- */

static bool any(const double share[3]) { return share[0] != 0 || share[1] != 0 || share[2] != 0; }

static goss_status read_shares(divider *d, goss_error *err) {
    const double *split = d->o->split;
    memcpy(d->share, split, sizeof d->share);
    if (!any(split) && !d->classes->parts)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "data.split is not set: which shares of each class's images are for training, validation "
                              "and test, as .5,.2,.3");
    if (!any(split)) d->share[0] = 1;
    GOSS_TRY(goss_error_prefix(err, goss__split_check(d->share, "images of a class", err), "data.split"));
    for (int p = GOSS_PART_VALIDATE; p < GOSS__IMAGE_PARTS; p++)
        if (has_folder(d, p) && d->share[p] > 0)
            return goss_error_set(
                err, GOSS_E_ARGUMENT,
                "data.split gives %g of the images to %s on, but data.path has a folder of such: give "
                "it 0 and the others more, as %s",
                d->share[p], part_names[p], p == GOSS_PART_TEST ? ".8,.2,0" : ".8,0,.2");
    return GOSS_OK;
}

static bool is_wanted(const divider *d, int part) { return d->share[part] > 0 || has_folder(d, part); }

static goss_status too_few(const divider *d, const char *task, const goss__named_class *c, int part, goss_error *err) {
    int n = 0, first;
    if (has_folder(d, part) || c->cls[GOSS_PART_TRAIN] < 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "task \"%.100s\": class \"%.100s\" has no images to %s on: its folder is missing below "
                              "that of other classes",
                              task, c->name, part_names[part]);
    goss_images_class_range(d->set, c->cls[GOSS_PART_TRAIN], &first, &n);
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "task \"%.100s\": class \"%.100s\" has %d image%s%s, of which data.split = %g,%g,%g leaves "
                          "none to %s on: add images, leave the class out (data.tasks), or divide otherwise",
                          task, c->name, taken(d, n), taken(d, n) == 1 ? "" : "s",
                          taken(d, n) < n ? " (data.per_class)" : "", d->share[0], d->share[1], d->share[2],
                          part_names[part]);
}

/* ---- all tasks ---- */

static goss_status fill_part(goss_image_tasks *t, const divider *d, int task, int first_member, int part,
                             goss_error *err) {
    goss__image_task *to = &t->task[task];
    to->first[part] = t->images;
    if (!is_wanted(d, part)) return GOSS_OK;
    for (int m = first_member; m < t->plan.members && t->plan.member[m].task == task; m++) {
        const goss__named_class *c = &d->classes->v[t->plan.member[m].cls];
        const int n = images_of(d, c, part, t->image + t->images);
        if (n == 0) return too_few(d, t->plan.task[task], c, part, err);
        for (int i = 0; i < n; i++) t->output[t->images + i] = t->plan.member[m].output;
        t->images += n, to->count[part] += n;
    }
    return GOSS_OK;
}

static goss_status fill(goss_image_tasks *t, const divider *d, goss_error *err) {
    for (int task = 0, m = 0, output = 0; task < t->plan.tasks; task++) {
        t->task[task].first_output = output;
        while (output < t->plan.outputs && t->plan.output_task[output] == task) output++, t->task[task].outputs++;
        for (int p = 0; p < GOSS__IMAGE_PARTS; p++) GOSS_TRY(fill_part(t, d, task, m, p, err));
        while (m < t->plan.members && t->plan.member[m].task == task) m++;
    }
    return GOSS_OK;
}

/* Images of all members, and of the largest class. */
static size_t count_images(const goss_image_tasks *t, const goss__named_classes *classes, int *largest) {
    size_t all = 0;
    int first, n;
    *largest = 0;
    for (int m = 0; m < t->plan.members; m++)
        for (int p = 0; p < GOSS__IMAGE_PARTS; p++) {
            const int cls = classes->v[t->plan.member[m].cls].cls[p];
            if (cls < 0) continue;
            goss_images_class_range(t->set, cls, &first, &n);
            all += (size_t)n, *largest = n > *largest ? n : *largest;
        }
    return all;
}

static goss_status divide(goss_image_tasks *t, const goss__named_classes *classes, const goss_image_tasks_options *o,
                          goss_error *err) {
    divider d = {.set = t->set, .classes = classes, .o = o};
    int largest;
    GOSS_TRY(read_shares(&d, err));
    const size_t all = count_images(t, classes, &largest);
    t->task = goss__calloc((size_t)t->plan.tasks + 1, sizeof *t->task);
    t->image = goss__calloc(all + 1, sizeof *t->image), t->output = goss__calloc(all + 1, sizeof *t->output);
    d.order = goss__calloc((size_t)largest + 1, sizeof *d.order), d.part = goss__calloc((size_t)largest + 1, 1);
    const bool room = t->task && t->image && t->output && d.order && d.part;
    goss_status s = room ? fill(t, &d, err) : no_memory(err);
    goss__free(d.order), goss__free(d.part);
    return s;
}

goss_status goss_image_tasks_open(const goss_images *set, const goss_image_tasks_options *options,
                                  goss_image_tasks **out, goss_error *err) {
    const goss_image_tasks_options o = options ? *options : goss_image_tasks_defaults();
    goss__named_classes classes = {0};
    *out = NULL;
    goss_image_tasks *t = goss__calloc(1, sizeof *t);
    if (!t) return no_memory(err);
    t->set = set;
    goss_status s = goss__named_classes_of(set, &classes, err);
    if (s == GOSS_OK) s = goss__image_plan_make(set, &classes, &o, &t->plan, err);
    if (s == GOSS_OK) s = divide(t, &classes, &o, err);
    goss__named_classes_free(&classes);
    if (s == GOSS_OK)
        *out = t;
    else
        goss_image_tasks_free(t);
    return s;
}

void goss_image_tasks_free(goss_image_tasks *t) {
    if (!t) return;
    goss__image_plan_free(&t->plan);
    goss__free(t->task), goss__free(t->image), goss__free(t->output);
    goss__free(t);
}

int goss_image_tasks_count(const goss_image_tasks *t) { return t->plan.tasks; }
const goss_images *goss_image_tasks_set(const goss_image_tasks *t) { return t->set; }
const char *goss_image_tasks_name(const goss_image_tasks *t, int task) { return t->plan.task[task]; }
int goss_image_tasks_outputs(const goss_image_tasks *t, int task) { return t->task[task].outputs; }

const char *goss_image_tasks_output_name(const goss_image_tasks *t, int task, int output) {
    return t->plan.output[t->task[task].first_output + output];
}

const int32_t *goss_image_tasks_images(const goss_image_tasks *t, int task, goss_row_part part, const int32_t **outputs,
                                       int *n) {
    const goss__image_task *of = &t->task[task];
    if (outputs) *outputs = t->output + of->first[part];
    *n = of->count[part];
    return t->image + of->first[part];
}

uint64_t goss_image_tasks_hash(const goss_image_tasks *t) {
    uint64_t h = goss_images_hash(t->set);
    for (int i = 0; i < t->plan.tasks; i++) {
        h = goss__hash64(t->plan.task[i], strlen(t->plan.task[i]), h);
        h = goss__hash64(&t->task[i], sizeof t->task[i], h);
    }
    for (int i = 0; i < t->plan.outputs; i++) h = goss__hash64(t->plan.output[i], strlen(t->plan.output[i]), h);
    h = goss__hash64(t->image, (size_t)t->images * sizeof *t->image, h);
    return goss__hash64(t->output, (size_t)t->images * sizeof *t->output, h);
}
