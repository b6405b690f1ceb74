/* SPDX-License-Identifier: Apache-2.0 */
/* init_sounds.c: a configuration for recordings in classes: what their names mean, episodes within a speaker, and the
 * recipe of configs/fsdd.ini. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gossamer/sound.h"
#include "init.h"

static const char *const unused[] = {"task.metric", "hyper.condition*", NULL};

enum { MOST_WAYS = 10, MOST_SHOTS = 5, MOST_QUERIES = 3, HELD_WAYS = 5 };

/* ---- names ---- */

/* How many parts '_' divides the name of a file into, without its ending; 0: it is in a folder below. */
static int parts_of(const char *name, const char **ending) {
    int n = 1;
    *ending = strrchr(name, '.');
    for (const char *at = name; *at; at++) {
        if (*at == '/') return 0;
        n += *at == '_';
    }
    return n;
}

/* A pattern where all names at the top consist of as many parts; "": folders. */
static const char *guess_pattern(const char *data, char *const *paths, int n, char *out, size_t size) {
    static const char *const forms[] = {"", "", "{class}_{take}", "{class}_{speaker}_{take}"};
    const size_t top = strlen(data);
    const char *first, *ending;
    out[0] = 0;
    if (n == 0 || strncmp(paths[0], data, top) != 0) return out; /* a csv file */
    const int parts = parts_of(paths[0] + top + strspn(paths[0] + top, "/"), &first);
    for (int i = 0; i < n; i++) {
        const char *name = paths[i] + top + strspn(paths[i] + top, "/");
        if (parts_of(name, &ending) != parts || !ending || strcmp(ending, first) != 0) return out;
    }
    if (parts == 2 || parts == 3) snprintf(out, size, "%s%s", forms[parts], first);
    return out;
}

static goss_status find_pattern(init_plan *p, int *rate, goss_error *err) {
    char **paths, pattern[64];
    goss_wave w;
    int n;
    GOSS_TRY(goss_sound_paths(p->data, &paths, &n, err));
    guess_pattern(p->data, paths, n, pattern, sizeof pattern);
    const goss_status s = goss_wave_read(paths[0], 0, 0, &w, err);
    *rate = w.rate;
    goss_wave_free(&w);
    goss_sound_paths_free(paths, n);
    GOSS_TRY(s);
    init_set(p, "data.pattern", "%s", pattern);
    if (*pattern) init_mark(p, "data.pattern", "the names of the files look like this: what does each part mean?");
    return GOSS_OK;
}

/* ---- groups ---- */

/* Samples of the smallest class of a value of the field (-1: of all), where it has the class. */
static int least_of(const goss_class_set *set, int field) {
    const int values = field < 0 ? 1 : set->field[field].values;
    int least = set->samples, *n = calloc((size_t)(values * set->classes), sizeof *n);
    for (int i = 0; n && i < set->samples; i++)
        n[(field < 0 ? 0 : set->field[field].of[i]) * set->classes + set->class_of[i]]++;
    for (int i = 0; n && i < values * set->classes; i++)
        if (n[i] && n[i] < least) least = n[i];
    free(n);
    return least;
}

/* The field of fewest values within which classes have several recordings: who speaks. -1: none. */
static int find_group(const goss_class_set *set) {
    int best = -1;
    for (int i = 0; i < set->fields; i++) {
        const int values = set->field[i].values;
        if (values < 2 || least_of(set, i) < 3) continue;
        if (best < 0 || values < set->field[best].values) best = i;
    }
    return best;
}

/* ---- episodes ---- */

static int at_most(int n, int most) { return n < most ? n : most; }

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

static goss_status set_tasks(init_plan *p, const goss_class_set *set, goss_error *err) {
    const int group = find_group(set), least = least_of(set, group), shots = at_most(least / 2, MOST_SHOTS),
              queries = at_most(least - shots, MOST_QUERIES);
    const bool held = set->classes >= 4 * HELD_WAYS && !(group >= 0 && set->field[group].values > 4);
    const int ways = at_most(set->classes - (held ? set->classes / 10 + HELD_WAYS : 0), MOST_WAYS);
    if (least < 2)
        return goss_error_set(err, GOSS_E_FORMAT,
                              "%s: a class has a single recording: nothing is left to ask for when it has been shown; "
                              "add some, or remove the class",
                              p->data);
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

/* ---- the recipe ---- */

static void set_front(init_plan *p, int rate) {
    init_set(p, "sound.rate", "%d", at_most(rate, 16000));
    init_set(p, "sound.features", "mfcc");
    init_set(p, "sound.frames", "32");
    init_set(p, "sound.normalise", "standard");
    init_set(p, "augment.shift", "30");
    init_set(p, "augment.speed", "0.15");
    init_set(p, "augment.noise", "15");
    init_set(p, "augment.masks", "0.1");
}

static void set_method(init_plan *p) {
    init_set(p, "model.backbone",
             "conv 24 3 pad 1; norm batch; relu; pool max 2; conv 32 3 pad 1; norm batch; relu; pool max 2; conv 48 3 "
             "pad 1; norm batch; relu; pool max 2; flatten");
    init_set(p, "train.method", "hypernet");
    init_set(p, "train.tasks", "2");
    init_set(p, "train.steps", "1500");
    init_mark(p, "train.steps", "minutes on one core; more is better where there are many classes or speakers");
    init_set(p, "optimizer.rate", "0.003");
    init_set(p, "optimizer.weight_decay", "0.0005");
    init_set(p, "optimizer.clip_norm", "5");
    init_set(p, "optimizer.ema", "0.99");
    init_set(p, "hyper.rules", "head=class; *=shared");
    init_set(p, "hyper.attention", "4");
}

goss_status init_sounds(init_plan *p, goss_error *err) {
    goss_sound_front front = goss_sound_front_defaults();
    goss_sounds *sounds;
    int rate;
    p->unused = unused;
    init_set(p, "data.kind", "sound");
    GOSS_TRY(find_pattern(p, &rate, err));
    GOSS_TRY(p->status);
    front.pattern = goss_config_text(p->config, "data.pattern");
    GOSS_TRY(goss_sounds_open(p->data, &front, NULL, &sounds, err));
    const goss_class_set *set = goss_sounds_set(sounds);
    snprintf(p->summary, sizeof p->summary, "%d recordings of %d classes, %.0f seconds", set->samples, set->classes,
             goss_sounds_seconds(sounds));
    const goss_status s = set_tasks(p, set, err);
    goss_sounds_close(sounds);
    GOSS_TRY(s);
    set_front(p, rate);
    set_method(p);
    return p->status;
}
