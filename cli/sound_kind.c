/* SPDX-License-Identifier: Apache-2.0 */
/* sound_kind.c: recordings in the command: eval and adapt. A model's text says how a recording becomes a sample. */
#include <stdio.h>

#include "eval_classes.h"
#include "gossamer/sound.h"

static goss_status front_of(const goss_data_spec *d, goss_sound_front **out, goss_error *err) {
    if (!d->transform)
        return goss_error_set(err, GOSS_E_FORMAT, "the model does not say how a recording becomes a sample");
    return goss_sound_front_parse(d->transform, out, err);
}

static goss_status open_sounds(const goss_model *m, const char *path, bool skip_bad, goss_sounds **out,
                               goss_error *err) {
    const goss_sounds_options o = {.skip_bad = skip_bad};
    goss_sound_front *front;
    GOSS_TRY(front_of(goss_model_data(m), &front, err));
    const goss_status s = goss_sounds_open(path, front, &o, out, err);
    goss_sound_front_free(front);
    return s;
}

/* ---- eval ---- */

static goss_status open_set(const goss_model *m, const char *path, bool skip_bad, const goss_class_set **set,
                            void **own, goss_error *err) {
    goss_sounds *s;
    GOSS_TRY(open_sounds(m, path, skip_bad, &s, err));
    *set = goss_sounds_set(s), *own = s;
    return GOSS_OK;
}

static void close_set(void *own) { goss_sounds_close(own); }

int eval_sounds(const eval_request *q, const cli_verb *verb, goss_model *first, char **words, int n) {
    static const class_opener opener = {"sound", open_set, close_set};
    return eval_classes_run(&opener, q, verb, first, words, n);
}

/* ---- adapt ---- */

static void tell(const goss_network *n, const goss_class_set *set) {
    cli_tell("%d %s of %d classes became a network of %lld weights", set->samples, set->things, set->classes,
             (long long)goss_layout_total(goss_target_layout(goss_network_target(n))));
}

static goss_status note(goss_network *n, const goss_sounds *s, goss_error *err) {
    char text[32];
    snprintf(text, sizeof text, "%016llx", (unsigned long long)goss_sounds_hash(s));
    return goss_network_note(n, "support.hash", text, err);
}

goss_status adapt_sounds(const goss_model *m, const adapt_request *q, goss_network **out, goss_error *err) {
    goss_sounds *sounds;
    goss_task_source source;
    *out = NULL;
    GOSS_TRY(open_sounds(m, q->support, q->skip_bad, &sounds, err));
    const goss_class_set *set = goss_sounds_set(sounds);
    goss_status s = goss_error_prefix(err, goss_class_support_open(set, &source, err), "%s", q->support);
    if (s == GOSS_OK) {
        s = goss_model_adapt_task(m, &source, 0, set->class_name, &q->o, out, err);
        goss_task_source_free(&source);
    }
    if (s == GOSS_OK) s = note(*out, sounds, err);
    if (s == GOSS_OK) tell(*out, set);
    goss_sounds_close(sounds);
    return s;
}
