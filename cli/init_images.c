/* SPDX-License-Identifier: Apache-2.0 */
/* init_images.c: a configuration for images in classes: extents, channels, ways, shots and length from the data. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gossamer/data.h"
#include "init.h"

/* The settings of the shipped configurations, which did best on Omniglot (docs/omniglot.md), at these sizes. */
enum { SAMPLE = 64, SIDE = 16, SMALL = 40, GREY_SIDE = 28, COLOUR_SIDE = 32, STEP_IMAGES = 320, MOST_WAYS = 60 };

static const char *const unused[] = {"hyper.condition*", NULL};

typedef struct looked {
    goss_images *set;
    int height, width; /* of the largest sampled file */
    bool same_extents, colour;
    int unread;
    goss_class_list train, val; /* val: of a folder val/, may be empty */
    int least, usual;           /* images of the smallest class, and the minimum of nine in ten (2 if possible) */
} looked;

/* ---- sampling files ---- */

static bool is_coloured(const float *image) {
    int coloured = 0;
    for (int i = 0; i < SIDE * SIDE; i++) {
        const float *c = image + 3 * (size_t)i;
        coloured += fmaxf(c[0], fmaxf(c[1], c[2])) - fminf(c[0], fminf(c[1], c[2])) > .1f;
    }
    return coloured > SIDE * SIDE / 20;
}

static goss_status sample_files(const char *path, looked *l, goss_error *err) {
    const goss_image_format small = {.channels = 3, .height = SIDE, .width = SIDE};
    float pixels[3 * SIDE * SIDE];
    goss_image_files *files;
    int coloured = 0, read = 0;
    GOSS_TRY(goss_image_files_open(path, &files, err));
    const int n = goss_image_files_count(files), taken = n < SAMPLE ? n : SAMPLE;
    l->same_extents = true;
    for (int i = 0; i < taken; i++) {
        int h, w;
        goss_error why;
        if (goss_image_files_decode(files, (int)((int64_t)i * n / taken), &small, pixels, &why) != GOSS_OK) continue;
        goss_image_files_extents(files, &h, &w);
        if (read++) l->same_extents &= h == l->height && w == l->width;
        l->height = h > l->height ? h : l->height, l->width = w > l->width ? w : l->width;
        coloured += is_coloured(pixels);
    }
    goss_image_files_close(files);
    l->colour = coloured * 10 > read;
    return GOSS_OK;
}

/* ---- classes ---- */

static int ascending(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

/* Classes of the list with at least that many images. */
static int with_images(const looked *l, const goss_class_list *list, int least) {
    int n = 0, first, count;
    for (int i = 0; i < list->count; i++) {
        goss_images_class_range(l->set, list->ids[i], &first, &count);
        n += count >= least;
    }
    return n;
}

static goss_status look_at_classes(looked *l, const char *path, goss_error *err) {
    const bool parts = goss_images_class_split(l->set, 0) != GOSS_SPLIT_ALL;
    GOSS_TRY(parts ? goss_class_list_part(l->set, GOSS_SPLIT_TRAIN, &l->train, err)
                   : goss_class_list_all(l->set, &l->train, err));
    if (parts) GOSS_TRY(goss_class_list_part(l->set, GOSS_SPLIT_VAL, &l->val, err));
    const int n = l->train.count;
    int *sizes = malloc(((size_t)n + 1) * sizeof *sizes), first;
    if (!sizes) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    for (int i = 0; i < n; i++) goss_images_class_range(l->set, l->train.ids[i], &first, &sizes[i]);
    qsort(sizes, (size_t)n, sizeof *sizes, ascending);
    l->least = n ? sizes[0] : 0;
    for (int i = n / 10; i < n && l->usual < 2; i++) l->usual = sizes[i];
    free(sizes);
    if (with_images(l, &l->train, 2) >= 2) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s: fewer than two classes%s have two images: one for the support set and one query; add "
                          "images, with a folder per class",
                          path, parts ? " to train on" : "");
}

/* ---- the plan ---- */

static int at_most(int a, int b) { return a < b ? a : b; }
static int at_least(int a, int b) { return a > b ? a : b; }

static void set_pixels(init_plan *p, const looked *l) {
    const int most = at_least(l->height, l->width), side = l->colour ? COLOUR_SIDE : GREY_SIDE;
    const bool as_is = l->same_extents && most <= SMALL;
    const int h = as_is ? l->height : side, w = as_is ? l->width : side;
    init_set(p, "data.height", "%d", h);
    init_set(p, "data.width", "%d", w);
    init_set(p, "data.channels", "%d", l->colour ? 3 : 1);
    init_mark(p, "data.channels",
              l->colour ? "the images seem to be coloured; 1 if colour does not matter"
                        : "the images seem to be grey; 3 if colour matters");
    if (!as_is)
        init_mark(p, "data.height",
                  "the images are %s%d x %d and are resized to %d x %d, without keeping the aspect ratio: more costs "
                  "time, less loses detail",
                  l->same_extents ? "" : "up to ", l->height, l->width, h, w);
    if (at_most(h, w) >= 16)
        init_set(p, "model.backbone", "conv4 64");
    else if (at_most(h, w) >= 6)
        init_set(p, "model.backbone",
                 "conv 64 3 pad 1; norm batch; relu; pool max 2; conv 64 3 pad 1; norm batch; relu; flatten");
    else
        init_set(p, "model.backbone", "mlp 256 64");
}

/* Shots and queries for which nearly all classes have images. */
static void choose_shots(const looked *l, int *shots, int *queries) {
    *shots = at_least(1, at_most(5, l->usual / 2));
    *queries = at_least(1, at_most(5, l->usual - *shots));
}

/* The division of classes: `validate` ways (0: no validation), held-out groups or classes, and the number of training
 * classes guaranteed for any draw, since classes with too few images may be on either side. */
typedef struct division {
    int validate, groups, held, left;
} division;

/* Whole groups of classes, if there are at least ten and the smallest ones suffice for validation. */
static goss_status divide_groups(const looked *l, int small, division *out, goss_error *err) {
    const int groups = goss_images_alphabets(l->set), n = l->train.count, k = at_least(1, groups / 10);
    *out = (division){0};
    if (groups < 10) return GOSS_OK;
    int *sizes = calloc((size_t)groups, sizeof *sizes), fewest = -small, most = small;
    if (!sizes) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    for (int i = 0; i < n; i++) sizes[goss_images_class_alphabet(l->set, l->train.ids[i])]++;
    qsort(sizes, (size_t)groups, sizeof *sizes, ascending);
    for (int i = 0; i < k; i++) fewest += sizes[i], most += sizes[groups - 1 - i];
    free(sizes);
    if (fewest >= 5 && n - most >= 5) *out = (division){at_most(20, fewest), k, 0, n - most};
    return GOSS_OK;
}

static goss_status divide(init_plan *p, const looked *l, int needed, int queries, division *out, goss_error *err) {
    const int n = l->train.count, enough = with_images(l, &l->train, needed), small = n - enough;
    const int given = with_images(l, &l->val, 1 + queries);
    *out = (division){at_most(20, given), 0, 0, enough};
    if (given >= 2) return GOSS_OK;
    GOSS_TRY(divide_groups(l, small, out, err));
    if (out->validate) return GOSS_OK;
    const int ways = at_most(20, at_least(2, n / 5)), held = at_least(ways + small, (int)round(.1 * n));
    *out = (division){ways, 0, held, n - held - small};
    if (out->left >= 2) return GOSS_OK;
    init_set(p, "validate.every", "0");
    init_mark(p, "validate.every", "%d classes are too few to hold some out: nothing is validated", enough);
    *out = (division){0, 0, 0, enough};
    return GOSS_OK;
}

static void set_hold_out(init_plan *p, const looked *l, const division *d) {
    const int n = l->train.count;
    if (d->held) init_set(p, "data.hold_out", "%.4g", d->held == (int)round(.1 * n) ? .1 : (double)d->held / n);
    if (d->groups == 0) return;
    init_set(p, "data.hold_out_alphabets", "%d", d->groups);
    init_mark(p, "data.hold_out_alphabets",
              "the folders above the classes (%d) look like groups of classes: whole groups are held out "
              "(data.task=folder makes each group a task and trains them jointly)",
              goss_images_alphabets(l->set));
}

static void set_length(init_plan *p, const looked *l, int step_images, bool validates) {
    const int64_t images = goss_images_count(l->set), wanted = 30 * images / step_images / 100 * 100;
    const int steps = (int)(wanted < 1000 ? 1000 : wanted > 10000 ? 10000 : wanted);
    init_set(p, "train.steps", "%d", steps);
    init_set(p, "train.minutes", "30");
    init_mark(p, "train.steps", "about %lld passes over the images, 30 minutes at most; more is better",
              (long long)((int64_t)steps * step_images / images));
    if (validates) init_set(p, "validate.every", "%d", steps / 10);
}

static goss_status set_tasks(init_plan *p, const looked *l, goss_error *err) {
    int shots, queries;
    division d;
    choose_shots(l, &shots, &queries);
    const int asked = at_least(1, at_most(5, l->usual - 1));
    GOSS_TRY(divide(p, l, shots + queries, asked, &d, err));
    const int ways = at_least(2, at_most(d.left, at_most(MOST_WAYS, STEP_IMAGES / (shots + queries))));
    init_set(p, "train.ways", "%d", ways);
    init_set(p, "train.shots", "%d", shots);
    init_set(p, "train.min_shots", "%d", shots > 1 ? 1 : 0);
    init_set(p, "train.queries", "%d", queries);
    init_mark(p, "train.shots",
              "the smallest class has %d images, nine in ten have %d or more; a model works with any number of shots, "
              "best with those it was trained with",
              l->least, l->usual);
    set_hold_out(p, l, &d);
    if (d.validate) {
        init_set(p, "validate.ways", "%d", d.validate);
        init_set(p, "validate.shots", "1");
        init_set(p, "validate.queries", "%d", asked);
    }
    set_length(p, l, ways * (shots + queries), d.validate > 0);
    return GOSS_OK;
}

static void set_method(init_plan *p) {
    init_class_method(p, "0.003");
    init_set(p, "train.augment", "1");
    init_set(p, "optimizer.weight_decay", "0.0005");
    init_set(p, "optimizer.clip_norm", "5");
    init_set(p, "optimizer.ema", "0.99");
}

static goss_status fill(init_plan *p, looked *l, goss_error *err) {
    goss_images_options o = goss_images_options_defaults();
    const char *labels = goss_config_text(p->config, "data.labels");
    o.split = GOSS_SPLIT_EACH, o.skip_bad = true, o.labels = *labels ? labels : NULL;
    GOSS_TRY(goss_images_open(p->data, &o, &l->set, err));
    GOSS_TRY(goss_images_need_classes(l->set, p->data, 2, err));
    GOSS_TRY(sample_files(p->data, l, err));
    GOSS_TRY(look_at_classes(l, p->data, err));
    const goss_images_report r = goss_images_report_of(l->set);
    if (r.damaged + r.lost_classes) {
        init_set(p, "data.skip_bad", "true");
        init_mark(p, "data.skip_bad",
                  "%d images cannot be read and are skipped (gossamer check data.skip_bad=false names them)",
                  r.damaged);
    }
    set_pixels(p, l);
    if (init_is_image_tasks(p)) return init_image_tasks(p, l->set, err);
    GOSS_TRY(set_tasks(p, l, err));
    set_method(p);
    if (l->train.count < 10)
        init_mark(
            p, "data.path",
            "%d training classes are few: the model may learn these classes instead of how to distinguish new ones",
            l->train.count);
    snprintf(p->summary, sizeof p->summary, "%d images of %d classes", goss_images_count(l->set),
             goss_images_classes(l->set));
    return GOSS_OK;
}

goss_status init_images(init_plan *p, goss_error *err) {
    looked l = {0};
    p->unused = unused;
    init_set(p, "data.kind", "images");
    const goss_status s = fill(p, &l, err);
    goss_class_list_free(&l.train), goss_class_list_free(&l.val);
    goss_images_close(l.set);
    return s;
}
