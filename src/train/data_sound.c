/* SPDX-License-Identifier: Apache-2.0 */
/* data_sound.c: recordings in classes as the data of a run. */
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/rng.h"
#include "gossamer/sound.h"
#include "meta/settings.h"
#include "train/class_data.h"
#include "train/run.h"

typedef struct sounds {
    goss_sounds *set;
    goss__class_data classes;
    char *transform;
} sounds;

static bool is_augmented(const goss_sound_augment *a) {
    return a->shift > 0 || a->gain > 0 || a->noise > 0 || a->speed > 0 || a->warp > 0 || a->voice > 0 || a->masks > 0;
}

static goss_data_spec spec_of(const goss_task_spec *tasks, const char *transform) {
    goss_data_spec d = goss_data_spec_tasks("sound", tasks);
    d.transform = transform;
    return d;
}

/* What does not fit the front end is found before recordings are read. */
static goss_status check(const goss__run_settings *s, goss_error *err) {
    goss_method *m;
    goss_task_spec tasks = {.outputs = s->train_episodes.ways};
    GOSS_TRY(goss__class_data_check(s, err));
    GOSS_TRY(goss_sound_front_check(&s->sound, err));
    tasks.input_rank = goss_sound_shape_of(&s->sound, tasks.input);
    tasks.lengths = s->sound.fit == GOSS_SOUND_RAGGED;
    const goss_data_spec data = spec_of(&tasks, NULL);
    GOSS_TRY(goss__method_from_config(s->config, s->train.method, &data, false, &m, err));
    const goss_status status = goss_method_trains(m) ? goss__rates_check(s->rates, m, err) : GOSS_OK;
    goss_method_free(m);
    return status;
}

static void close_sounds(goss__run_data *data) {
    sounds *d = data->own;
    if (!d) return;
    goss__class_data_close(&d->classes);
    goss_sounds_close(d->set);
    goss_sound_text_free(d->transform);
    goss__free(d);
    data->own = NULL;
}

static goss_status open_set(sounds *d, const goss__run_settings *s, const goss__run_place *p, goss_error *err) {
    const goss_sounds_options o = {.augment = s->augment, .skip_bad = s->images.skip_bad, .stop = p->stop};
    const goss_status opened = goss_sounds_open(s->data.path, &s->sound, &o, &d->set, err);
    if (opened == GOSS_E_INTERRUPTED) return opened;
    return goss_error_prefix(err, opened, "data.path");
}

static void tell(const goss_sounds *s, const goss_sound_front *f) {
    const goss_class_set *set = goss_sounds_set(s);
    goss__log(GOSS_LOG_INFO, "data: %d recordings of %d classes, %.0f seconds, as %d frames of %lld %s", set->samples,
              set->classes, goss_sounds_seconds(s), f->frames, (long long)set->input[1],
              f->features == GOSS_SOUND_MFCC ? "cepstral coefficients" : "mels");
}

/* The division is part of what a run may not change: its folder keeps this hash. */
static uint64_t hash_of(const sounds *d) {
    const size_t n = (size_t)goss_sounds_set(d->set)->samples;
    uint64_t h = goss_sounds_hash(d->set);
    h = goss__hash64(d->classes.train, n * sizeof *d->classes.train, h);
    return goss__hash64(d->classes.held, n * sizeof *d->classes.held, h);
}

static goss_status open_sounds(goss__run_data *data, const goss__run_settings *s, const goss__run_place *p,
                               goss_error *err) {
    sounds *d = data->own = goss__calloc(1, sizeof *d);
    if (!d) return goss_error_set(err, GOSS_E_NOMEM, "no memory for recordings");
    GOSS_TRY(open_set(d, s, p, err));
    tell(d->set, &s->sound);
    GOSS_TRY(goss__class_data_divide(&d->classes, goss_sounds_set(d->set), s, err));
    GOSS_TRY(goss__class_data_open(&d->classes, s, is_augmented(&s->augment), data, err));
    GOSS_TRY(goss_sound_front_text(&s->sound, &d->transform, err));
    data->spec = spec_of(&data->source.spec, d->transform);
    data->hash = hash_of(d);
    return GOSS_OK;
}

static goss_status mark(const goss__run_data *data, goss_model *m, goss_error *err) {
    const sounds *d = data->own;
    return goss__class_data_mark(&d->classes, m, data->validates, err);
}

static const goss__class_data *classes(const goss__run_data *data) { return &((const sounds *)data->own)->classes; }

const goss__data_kind goss__data_sound = {.name = "sound",
                                          .check = check,
                                          .open = open_sounds,
                                          .close = close_sounds,
                                          .mark = mark,
                                          .validated_on = goss__class_data_validated_on,
                                          .classes = classes,
                                          .things = "recordings, classes or divisions"};
