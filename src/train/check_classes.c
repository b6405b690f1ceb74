/* SPDX-License-Identifier: Apache-2.0 */
/* check_classes.c: checks of a run's samples in classes: counts by part, duplicates across the split or across
 * classes, and too few groups to learn what differs between them. */
#include <stdio.h>
#include <string.h>

#include "io/same_samples.h"
#include "train/run_check.h"

enum { FEW_CLASSES = 5, FEW_GROUPS = 3 };

/* ---- counts ---- */

static void count_part(const goss__check *k, const goss__class_data *c, const char *part, const bool *use,
                       int classes) {
    char name[40];
    int n = 0;
    for (int i = 0; i < c->set->samples; i++) n += use[i];
    snprintf(name, sizeof name, "%s.classes", part);
    goss__check_counted(k, name, classes);
    snprintf(name, sizeof name, "%s.samples", part);
    goss__check_counted(k, name, n);
}

static void count(const goss__check *k, const goss__class_data *c) {
    goss__check_counted(k, "samples", c->set->samples);
    goss__check_counted(k, "classes", c->set->classes);
    count_part(k, c, "train", c->train, c->classes[0]);
    if (c->classes[1]) count_part(k, c, "validate", c->held, c->classes[1]);
}

/* ---- groups and classes ---- */

static void look_at_group(const goss__check *k, const goss__class_data *c) {
    const int field = *k->set->train.group ? goss_class_set_field(c->set, k->set->train.group) : -1;
    int groups = 0;
    for (int v = 0; field >= 0 && v < c->set->field[field].values; v++) {
        bool any = false;
        for (int i = 0; i < c->set->samples && !any; i++) any = c->train[i] && c->set->field[field].of[i] == v;
        groups += any;
    }
    if (field < 0) return;
    goss__check_counted(k, "train.groups", groups);
    if (groups < FEW_GROUPS)
        goss__check_found(k, GOSS_CHECK_WARNING, "few-groups",
                          "%d value%s of %s to train on: what is learned is how to tell classes of these apart, rather "
                          "than of others; train on more",
                          groups, groups == 1 ? "" : "s", c->set->field[field].name);
}

static void look_at_classes(const goss__check *k, const goss__class_data *c) {
    if (c->classes[0] < FEW_CLASSES)
        goss__check_found(
            k, GOSS_CHECK_WARNING, "few-classes",
            "%d classes to train on are few: what is learned is these classes rather than how to tell new "
            "ones apart",
            c->classes[0]);
}

/* ---- the same sample twice ---- */

typedef struct pair {
    int n, a, b; /* how many; the first one */
} pair;

typedef struct pairs {
    const goss__class_data *data;
    pair leaks, labels; /* on both sides of the division; in two classes */
} pairs;

static void note(pair *p, int a, int b) {
    if (p->n++ == 0) p->a = a, p->b = b;
}

static void note_equal(void *context, int a, int b) {
    pairs *p = context;
    const goss__class_data *c = p->data;
    if ((c->train[a] && c->held[b]) || (c->train[b] && c->held[a]))
        note(&p->leaks, c->held[a] ? a : b, c->held[a] ? b : a);
    else if (c->set->class_of[a] != c->set->class_of[b])
        note(&p->labels, a, b);
}

static void tell(const goss__check *k, const goss_class_set *set, const pair *leaks, const pair *labels) {
    if (leaks->n)
        goss__check_found(k, GOSS_CHECK_WARNING, "leak",
                          "%d %s to validate on are trained on, too (the first: %.150s is %.150s): what is measured "
                          "there is too good; remove them from one side",
                          leaks->n, set->things, set->sample_name[leaks->a], set->sample_name[leaks->b]);
    if (labels->n)
        goss__check_found(k, GOSS_CHECK_WARNING, "duplicate",
                          "%d %s are the same as one of another class (the first: %.150s is %.150s): no network can "
                          "tell them apart; keep each under its right class",
                          labels->n, set->things, set->sample_name[labels->a], set->sample_name[labels->b]);
}

static goss_status look_at_content(const goss__check *k, const goss__class_data *c, goss_error *err) {
    pairs p = {.data = c};
    GOSS_TRY(goss__same_samples(c->set, note_equal, &p, err));
    tell(k, c->set, &p.leaks, &p.labels);
    return GOSS_OK;
}

goss_status goss__check_classes(const goss__check *k, const goss__class_data *c, goss_error *err) {
    count(k, c);
    look_at_group(k, c);
    look_at_classes(k, c);
    return look_at_content(k, c, err);
}
