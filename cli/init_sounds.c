/* SPDX-License-Identifier: Apache-2.0 */
/* init_sounds.c: a configuration for recordings in classes: what their names mean, episodes within a speaker, and the
 * recipe of configs/fsdd.ini. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gossamer/sound.h"
#include "init.h"

static const char *const unused[] = {"task.metric", "hyper.condition*", NULL};

enum { MOST_QUERIES = 3 };

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

/* ---- the recipe ---- */

static void set_front(init_plan *p, int rate) {
    init_set(p, "sound.rate", "%d", rate < 16000 ? rate : 16000);
    init_set(p, "sound.features", "mfcc");
    init_set(p, "sound.frames", "32");
    init_set(p, "sound.normalise", "standard");
    init_set(p, "augment.shift", "30");
    init_set(p, "augment.speed", "0.05");
    init_set(p, "augment.voice", "0.15");
    init_set(p, "augment.noise", "15");
    init_set(p, "augment.masks", "0.2");
}

static void set_method(init_plan *p) {
    init_set(p, "model.backbone",
             "conv 24 3 pad 1; norm batch; relu; pool max 2; conv 32 3 pad 1; norm batch; relu; pool max 2; conv 48 3 "
             "pad 1; norm batch; relu; pool max 2; flatten");
    init_class_method(p, "0.003");
    init_set(p, "train.tasks", "2");
    init_set(p, "train.steps", "3000");
    init_mark(p, "train.steps", "minutes on one core; more is better where there are many classes or speakers");
    init_set(p, "optimizer.weight_decay", "0.0005");
    init_set(p, "optimizer.clip_norm", "5");
    init_set(p, "optimizer.ema", "0.99");
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
    const goss_status s = init_class_tasks(p, set, init_class_group(set), MOST_QUERIES, err);
    goss_sounds_close(sounds);
    GOSS_TRY(s);
    set_front(p, rate);
    set_method(p);
    return p->status;
}
