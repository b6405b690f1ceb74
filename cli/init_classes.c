/* SPDX-License-Identifier: Apache-2.0 */
/* init_classes.c: episodes for samples in classes of any kind: as many ways, shots and queries as there are samples
 * for, and what is validated on. */
#include <stdlib.h>

#include "init.h"

enum { MOST_WAYS = 10, MOST_SHOTS = 5, HELD_WAYS = 5 };

static int at_most(int n, int most) { return n < most ? n : most; }

static int ascending(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

/* The samples that nine in ten classes of a value of the field have (-1: of all), where it has the class; 0: out of
 * memory. Episodes leave out classes that are smaller. */
static int usual_of(const goss_class_set *set, int field) {
    const int values = field < 0 ? 1 : set->field[field].values, cells = values * set->classes;
    int *n = calloc((size_t)cells + 1, sizeof *n), first = 0;
    if (!n) return 0;
    for (int i = 0; i < set->samples; i++) {
        const int value = field < 0 ? 0 : set->field[field].of[i];
        if (value >= 0) n[value * set->classes + set->class_of[i]]++;
    }
    qsort(n, (size_t)cells, sizeof *n, ascending);
    while (first < cells && n[first] == 0) first++;
    const int usual = n[first + (cells - first) / 10];
    free(n);
    return usual;
}

int init_class_group(const goss_class_set *set) {
    int best = -1;
    for (int i = 0; i < set->fields; i++) {
        const int values = set->field[i].values;
        if (values < 2 || usual_of(set, i) < 3) continue;
        if (best < 0 || values < set->field[best].values) best = i;
    }
    return best;
}

static void set_validation(init_plan *p, const goss_class_set *set, int group, int ways, int queries) {
    if (group >= 0 && set->field[group].values > 4) {
        const goss_class_field *f = &set->field[group];
        init_set(p, "data.validate", "%s=%s", f->name, f->text[f->values - 1]);
        init_mark(p, "data.validate", "the last of %d values of %s: more of them say more", f->values, f->name);
        init_set(p, "validate.ways", "%d", ways);
    } else if (set->classes >= 4 * HELD_WAYS) {
        init_set(p, "validate.ways", "%d", HELD_WAYS);
    } else {
        init_set(p, "validate.every", "0");
        init_mark(p, "validate.every", "%d classes are too few to hold some out: nothing is validated", set->classes);
        return;
    }
    init_set(p, "validate.every", "300");
    init_set(p, "validate.shots", "1");
    init_set(p, "validate.queries", "%d", queries);
}

goss_status init_class_tasks(init_plan *p, const goss_class_set *set, int group, int most_queries, goss_error *err) {
    const int usual = usual_of(set, group), shots = at_most(usual / 2, MOST_SHOTS),
              queries = at_most(usual - shots, most_queries);
    const bool held = set->classes >= 4 * HELD_WAYS && !(group >= 0 && set->field[group].values > 4);
    const int ways = at_most(set->classes - (held ? set->classes / 10 + HELD_WAYS : 0), MOST_WAYS);
    if (set->classes < 2)
        return goss_error_set(err, GOSS_E_FORMAT, "%s: %d class of %s: two are the least there is to tell apart",
                              p->data, set->classes, set->things);
    if (usual < 2)
        return goss_error_set(err, GOSS_E_FORMAT,
                              "%s: a tenth of the classes or more have a single one of the %s: nothing is left to ask "
                              "for when it has been shown; add some, or remove these classes",
                              p->data, set->things);
    if (group >= 0) {
        init_set(p, "train.group", "%s", set->field[group].name);
        init_mark(p, "train.group", "each episode is of one %s (%d of them), as in use", set->field[group].name,
                  set->field[group].values);
    }
    init_set(p, "train.ways", "%d", ways);
    init_set(p, "train.shots", "%d", shots);
    init_set(p, "train.min_shots", "%d", shots > 1 ? 1 : 0);
    init_set(p, "train.queries", "%d", queries);
    set_validation(p, set, group, ways, queries);
    return GOSS_OK;
}

void init_class_method(init_plan *p, const char *rate) {
    init_set(p, "train.method", "hypernet");
    init_set(p, "optimizer.rate", "%s", rate);
    init_set(p, "hyper.rules", "head=class; *=shared");
    init_set(p, "hyper.attention", "4");
}
