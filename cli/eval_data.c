/* SPDX-License-Identifier: Apache-2.0 */
/* eval_data.c: the images of gossamer eval in each contender's format, and which of them contenders have seen. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "eval.h"

/* ---- sets ---- */

static bool same_format(goss_image_format a, goss_image_format b) {
    return a.height == b.height && a.width == b.width && a.channels == b.channels && a.invert == b.invert;
}

static goss_status open_view(const eval *e, const goss_model *m, eval_view *v, goss_error *err) {
    goss_images_options o = goss_images_options_defaults();
    o.threads = e->threads, o.cache_dir = e->cache, o.labels = e->labels;
    o.split = GOSS_SPLIT_TEST, o.skip_bad = e->skip_bad;
    v->format = goss_model_image(m);
    o.stop = cli_catch_signals();
    goss_status s = goss_model_open_images(m, e->data, &o, &v->set, err);
    cli_release_signals();
    GOSS_TRY(s);
    GOSS_TRY(goss_images_need_classes(v->set, e->data, 2, err));
    return e->classes ? goss_class_list_read(v->set, e->classes, &v->list, err)
                      : goss_class_list_all(v->set, &v->list, err);
}

/* A set for every image format of a model. */
static goss_status open_views(eval *e, goss_error *err) {
    for (int i = 0; i < e->n; i++) {
        eval_runner *r = &e->runner[i];
        goss_image_format f = goss_model_image(r->model);
        for (r->view = 0; r->view < e->views && !same_format(e->view[r->view].format, f);) r->view++;
        if (r->view < e->views) continue;
        goss_status s = open_view(e, r->model, &e->view[e->views++], err);
        if (s != GOSS_OK) return e->views == 1 ? s : goss_error_prefix(err, s, "the images of %s", r->name);
    }
    return GOSS_OK;
}

/* ---- seen images ---- */

/* Counts the entries of `marks` in the classes of the list. */
static int marked(const eval *e, const bool *marks, int i, int *example) {
    int first, count, n = 0;
    goss_images_class_range(e->view[0].set, e->view[0].list.ids[i], &first, &count);
    for (int k = first + count - 1; k >= first; k--)
        if (marks[k]) n++, *example = k;
    return n;
}

static void count_images(eval *e, const bool *trained, const bool *validated) {
    int example;
    e->images = e->seen_images = e->seen_classes = e->validated_images = 0;
    for (int i = 0; i < e->view[0].list.count; i++) {
        int first, count, seen = marked(e, trained, i, &example);
        goss_images_class_range(e->view[0].set, e->view[0].list.ids[i], &first, &count);
        e->images += count, e->seen_images += seen, e->seen_classes += seen > 0;
        e->validated_images += marked(e, validated, i, &example);
    }
    e->classes_judged = e->view[0].list.count;
}

/* Up to three of the marked classes, each with one of its images. */
static void name_examples(const eval *e, const bool *marks, char *out, size_t size) {
    int named = 0;
    size_t at = 0;
    out[0] = 0;
    for (int i = 0, k = 0; i < e->view[0].list.count && named < 3 && at < size; i++) {
        if (marked(e, marks, i, &k) == 0) continue;
        const char *image = goss_images_name(e->view[0].set, k);
        int n = snprintf(out + at, size - at, "%s%.100s", named++ ? ", " : "", image);
        at += n > 0 ? (size_t)n : 0;
    }
}

static goss_status refuse(const eval *e, const bool *marks, goss_error *err) {
    char examples[400];
    const eval_runner *r = e->runner;
    while (r->trained.images == 0) r++;
    name_examples(e, marks, examples, sizeof examples);
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s was trained on %d of the %d images to judge on, in %d of %d classes (%s). --classes FILE "
                          "names other classes, --unseen leaves these out, --allow-seen judges on them and says so",
                          r->weights, r->trained.images, e->images, r->trained.classes, e->classes_judged, examples);
}

static goss_status leave_out(eval *e, const bool *marks, goss_error *err) {
    int kept = 0, example, of = e->view[0].list.count;
    for (int i = 0; i < of; i++) {
        if (marked(e, marks, i, &example) > 0) continue;
        for (int v = 0; v < e->views; v++) e->view[v].list.ids[kept] = e->view[v].list.ids[i];
        kept++;
    }
    for (int v = 0; v < e->views; v++) e->view[v].list.count = kept;
    fprintf(stderr, "--unseen: %d of %d classes have images that a model was trained on; %d are left\n", of - kept, of,
            kept);
    if (kept > 0) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "--unseen: every class has images that a model was trained on");
}

static void tell_unknown(const eval *e) {
    for (int i = 0; i < e->n; i++) {
        const eval_runner *r = &e->runner[i];
        if ((r->file || i == 0) && !r->trained.complete)
            fprintf(
                stderr,
                "note: %s does not say all that it was trained on (it or what it started from is an older file, or of "
                "another image format): whether it has seen these images is not known\n",
                r->weights);
    }
}

/* marks: [2][images of the set], trained on and validated on. */
static goss_status take_stock(eval *e, bool *marks, goss_error *err) {
    size_t n = (size_t)goss_images_count(e->view[0].set);
    memset(marks, 0, 2 * n * sizeof *marks);
    for (int i = 0; i < e->n; i++) {
        eval_runner *r = &e->runner[i];
        const eval_view *v = &e->view[r->view];
        GOSS_TRY(goss_model_overlap(r->model, GOSS_USE_TRAIN, v->set, &v->list, marks, &r->trained, err));
        GOSS_TRY(goss_model_overlap(r->model, GOSS_USE_VALIDATE, v->set, &v->list, marks + n, &r->validated, err));
    }
    count_images(e, marks, marks + n);
    return GOSS_OK;
}

static goss_status look(eval *e, bool *marks, goss_error *err) {
    GOSS_TRY(take_stock(e, marks, err));
    tell_unknown(e);
    if (e->seen_images == 0 || e->allow_seen) return GOSS_OK;
    if (!e->unseen) return refuse(e, marks, err);
    GOSS_TRY(leave_out(e, marks, err));
    return take_stock(e, marks, err);
}

/* Images correspond by number: the sets of all formats list the same files. */
static goss_status look_for_seen(eval *e, goss_error *err) {
    size_t n = (size_t)goss_images_count(e->view[0].set);
    for (int v = 1; v < e->views; v++)
        if ((size_t)goss_images_count(e->view[v].set) != n)
            return goss_error_set(err, GOSS_E_IO, "%s changed while it was read", e->data);
    bool *marks = calloc(2 * n, sizeof *marks);
    if (!marks) return goss_error_set(err, GOSS_E_NOMEM, "no memory for marks on %zu images", n);
    goss_status s = look(e, marks, err);
    free(marks);
    return s;
}

/* ---- samplers ---- */

/* Prefixes an error by the options that it concerns. */
static goss_status open_sampler(const eval *e, eval_view *v, goss_error *err) {
    goss_status s = goss_sampler_create(v->set, &v->list, &e->spec, &v->sampler, err);
    if (s != GOSS_E_ARGUMENT) return s;
    return goss_error_prefix(err, s, "--ways %d --shots %d --queries %d", e->spec.ways, e->spec.shots, e->spec.queries);
}

/* With one alphabet per episode a sampler yields fewer ways if necessary, which would make the report misleading. */
static goss_status check_ways(const eval *e, goss_error *err) {
    int most = goss_sampler_limits(e->view[0].sampler).ways;
    if (most >= e->spec.ways) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "--one-alphabet --ways %d: the largest alphabet has %d classes%s",
                          e->spec.ways, most, e->spec.rotations ? " (rotations counted)" : "");
}

/* The fewest and most ways of the episodes. */
static void count_ways(eval *e) {
    e->least_ways = e->most_ways = e->spec.ways;
    if (!e->spec.one_alphabet) return;
    e->most_ways = 0;
    for (int k = 0; k < e->episodes; k++) {
        goss_episode drawn = {0};
        goss_sampler_draw(e->view[0].sampler, (uint64_t)k, &drawn);
        if (drawn.ways < e->least_ways) e->least_ways = drawn.ways;
        if (drawn.ways > e->most_ways) e->most_ways = drawn.ways;
    }
}

goss_status eval_open(eval *e, goss_error *err) {
    /* Decoding may take minutes: wrong names are reported before. */
    if (e->classes && *e->classes && access(e->classes, R_OK) != 0)
        return goss_error_set(err, GOSS_E_IO, "--classes: %s: %s", e->classes, strerror(errno));
    GOSS_TRY(open_views(e, err));
    GOSS_TRY(look_for_seen(e, err));
    for (int v = 0; v < e->views; v++) GOSS_TRY(open_sampler(e, &e->view[v], err));
    GOSS_TRY(check_ways(e, err));
    count_ways(e);
    return GOSS_OK;
}

void eval_close(eval *e) {
    for (int v = 0; v < e->views; v++) {
        goss_sampler_destroy(e->view[v].sampler);
        goss_class_list_free(&e->view[v].list);
        goss_images_close(e->view[v].set);
    }
    eval_free_runners(e->runner);
}
