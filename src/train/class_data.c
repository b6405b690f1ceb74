/* SPDX-License-Identifier: Apache-2.0 */
/* class_data.c: samples in classes as the data of a run.
 *
 * Validation samples are selected by class (data.val_classes), by values of a field (data.validate = speaker=theo),
 * or as a random share of the classes (data.hold_out). data.leave_out excludes samples from the run. */
#include "train/class_data.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/rng.h"
#include "train/run.h"

static goss_status no_memory(const goss_class_set *set, goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for the division of %d %s", set->samples, set->things);
}

goss_status goss__class_data_check(const goss__run_settings *s, goss_error *err) {
    GOSS_TRY(goss__run_file_is_there("data.train_classes", s->data.train_classes, err));
    GOSS_TRY(goss__run_file_is_there("data.val_classes", s->data.val_classes, err));
    if (*s->data.val_classes && *s->data.validate)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "data.val_classes and data.validate both say what is validated on: "
                              "one of them");
    if (s->train.min_shots > s->train_episodes.shots)
        return goss_error_set(err, GOSS_E_ARGUMENT, "train.min_shots = %d is more than train.shots = %d",
                              s->train.min_shots, s->train_episodes.shots);
    return GOSS_OK;
}

/* ---- division ---- */

/* Distinct classes of the samples in use, written to out (NULL: only counted). */
static int classes_of(const goss_class_set *set, const bool *use, bool *out) {
    int n = 0;
    for (int c = 0; c < set->classes; c++) {
        bool any = false;
        for (int i = 0; i < set->samples && !any; i++) any = use[i] && set->class_of[i] == c;
        if (out) out[c] = any;
        n += any;
    }
    return n;
}

/* Moves the samples of held-out classes from training to validation. */
static void take_held(goss__class_data *c) {
    for (int i = 0; i < c->set->samples; i++) {
        c->held[i] &= c->train[i];
        c->train[i] &= !c->held[i];
    }
}

static goss_status too_few(const goss__run_settings *s, const goss_class_set *set, int n, goss_error *err) {
    char advice[160] = "";
    if (set->fields)
        snprintf(advice, sizeof advice, ", or validate on other %s of the same classes: data.validate = %.40s=%.40s",
                 set->things, set->field[0].name, set->field[0].text[0]);
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "there are %d classes: train.ways = %d and validate.ways = %d need %d, since validation is "
                          "on other classes than training. Set smaller ones, or validate.every=0%s",
                          n, s->train_episodes.ways, s->validate_episodes.ways,
                          s->train_episodes.ways + s->validate_episodes.ways, advice);
}

/* A share of the classes, at random. */
static goss_status hold_out(goss__class_data *c, const goss__run_settings *s, goss_error *err) {
    const goss_class_set *set = c->set;
    bool *has = goss__calloc((size_t)set->classes + 1, sizeof *has);
    uint32_t *order = goss__calloc((size_t)set->classes + 1, sizeof *order);
    goss_status status = has && order ? GOSS_OK : no_memory(set, err);
    if (status == GOSS_OK) {
        const int n = classes_of(set, c->train, has), least = s->validate_episodes.ways;
        const int share = (int)round(s->data.hold_out * n), held = share > least ? share : least;
        goss__rng rng = goss__rng_make(c->seed, 0x636c6173736573); /* "classes" */
        int k = 0;
        for (int i = 0; i < set->classes; i++)
            if (has[i]) order[k++] = (uint32_t)i;
        if (n - held < s->train_episodes.ways) status = too_few(s, set, n, err);
        if (status == GOSS_OK) goss__rng_shuffle(&rng, order, (uint32_t)n, (uint32_t)held);
        for (int i = 0; status == GOSS_OK && i < held; i++)
            for (int j = 0; j < set->samples; j++) c->held[j] |= set->class_of[j] == (int32_t)order[i];
    }
    goss__free(has), goss__free(order);
    return status;
}

static goss_status choose_train(goss__class_data *c, const goss__run_settings *s, goss_error *err) {
    const bool listed = *s->data.train_classes;
    for (int i = 0; i < c->set->samples; i++) c->train[i] = !listed;
    if (listed)
        GOSS_TRY(goss_error_prefix(err, goss_class_set_read_classes(c->set, s->data.train_classes, c->train, true, err),
                                   "data.train_classes"));
    if (!*s->data.leave_out) return GOSS_OK;
    return goss_error_prefix(err, goss_class_set_choose(c->set, s->data.leave_out, c->train, false, err),
                             "data.leave_out");
}

static goss_status choose_held(goss__class_data *c, const goss__run_settings *s, goss_error *err) {
    if (*s->data.validate)
        return goss_error_prefix(err, goss_class_set_choose(c->set, s->data.validate, c->held, true, err),
                                 "data.validate");
    if (*s->data.val_classes) {
        GOSS_TRY(goss_error_prefix(err, goss_class_set_read_classes(c->set, s->data.val_classes, c->held, true, err),
                                   "data.val_classes"));
        /* Classes of data.val_classes are validated on even if they are not listed for training. */
        for (int i = 0; *s->data.train_classes && i < c->set->samples; i++) {
            if (c->held[i] && c->train[i])
                return goss_error_set(err, GOSS_E_ARGUMENT,
                                      "class \"%s\" is in data.train_classes and in data.val_classes",
                                      c->set->class_name[c->set->class_of[i]]);
            c->train[i] |= c->held[i];
        }
        return *s->data.leave_out && *s->data.train_classes
                   ? goss_error_prefix(err, goss_class_set_choose(c->set, s->data.leave_out, c->train, false, err),
                                       "data.leave_out")
                   : GOSS_OK;
    }
    return s->validate.every ? hold_out(c, s, err) : GOSS_OK;
}

goss_status goss__class_data_divide(goss__class_data *c, const goss_class_set *set, const goss__run_settings *s,
                                    goss_error *err) {
    const size_t n = (size_t)set->samples + 1;
    *c = (goss__class_data){.set = set, .seed = s->run.seed};
    if (set->classes < 2)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "data.path: %d class of %s; two are the least there is to tell apart", set->classes,
                              set->things);
    c->train = goss__calloc(n, sizeof *c->train), c->held = goss__calloc(n, sizeof *c->held);
    if (!c->train || !c->held) return no_memory(set, err);
    GOSS_TRY(choose_train(c, s, err));
    GOSS_TRY(choose_held(c, s, err));
    take_held(c);
    c->classes[0] = classes_of(set, c->train, NULL), c->classes[1] = classes_of(set, c->held, NULL);
    return GOSS_OK;
}

/* ---- episodes ---- */

static goss_class_episodes episodes_of(const goss_episode_spec *e, int group, bool augment) {
    return (goss_class_episodes){
        .ways = e->ways, .shots = e->shots, .queries = e->queries, .group = group, .augment = augment, .seed = e->seed};
}

static void tell_scope(const goss__class_data *c, const char *section, int group, const bool *use,
                       const goss_class_scope *scope, int classes) {
    int n = 0;
    char of[100] = "";
    for (int i = 0; i < c->set->samples; i++) n += use[i];
    if (group >= 0)
        snprintf(of, sizeof of, ", each episode of one of %d values of %.60s", scope->groups,
                 c->set->field[group].name);
    goss__log(GOSS_LOG_INFO, "[%s] %d %s of %d classes%s", section, scope->samples, c->set->things, scope->classes, of);
    if (scope->samples < n)
        goss__log(GOSS_LOG_WARN,
                  "[%s] %d of %d %s (%d of %d classes, %d values of the group) are in no episode: too few of their "
                  "class%s",
                  section, n - scope->samples, n, c->set->things, classes - scope->classes, classes, scope->left_out,
                  group >= 0 ? ", or no value of the field" : "");
}

static goss_status open_shots(goss__class_data *c, const goss__run_settings *s, int group, bool augment,
                              goss_error *err) {
    goss_class_episodes o = episodes_of(&s->train_episodes, group, augment);
    const int most = o.shots, least = s->train.min_shots ? s->train.min_shots : most;
    goss_class_scope scope;
    char range[80] = ""; /* what was asked for, where fewer shots would do */
    c->shots = goss__calloc((size_t)(most - least + 1), sizeof *c->shots);
    if (!c->shots) return no_memory(c->set, err);
    for (o.shots = least; o.shots <= most; o.shots++) {
        GOSS_TRY(goss_error_prefix(err,
                                   goss_class_episodes_open(c->set, c->train, &o, &c->shots[c->n_shots], &scope, err),
                                   "[train]%s", range));
        if (c->n_shots++ == 0) snprintf(range, sizeof range, ", train.min_shots = %d to train.shots = %d", least, most);
    }
    tell_scope(c, "train", group, c->train, &scope, c->classes[0]);
    return GOSS_OK;
}

static goss_status open_validation(goss__class_data *c, const goss__run_settings *s, int group, goss__run_data *d,
                                   goss_error *err) {
    const goss_class_episodes o = episodes_of(&s->validate_episodes, group, false);
    goss_class_scope scope;
    if (s->validate.every == 0) return GOSS_OK;
    GOSS_TRY(goss_error_prefix(err, goss_class_episodes_open(c->set, c->held, &o, &d->validation, &scope, err),
                               "[validate]"));
    d->validates = true, d->judged = s->validate.episodes;
    tell_scope(c, "validate", group, c->held, &scope, c->classes[1]);
    return GOSS_OK;
}

/* The number of shots is drawn once a step and shared by its tasks. */
static void draw(const goss_task_source *source, uint64_t k, goss_task *task) {
    const goss__class_data *c = source->context;
    const uint64_t step = k / (uint64_t)c->tasks;
    goss__rng rng = goss__rng_make(c->seed, goss__hash64(&step, sizeof step, 0x73686f7473)); /* "shots" */
    const goss_task_source *one = &c->shots[goss__rng_below(&rng, (uint32_t)c->n_shots)];
    one->draw(one, k, task);
}

goss_status goss__class_data_open(goss__class_data *c, const goss__run_settings *s, bool augment, goss__run_data *data,
                                  goss_error *err) {
    const goss_class_set *set = c->set;
    int group = -1;
    c->tasks = data->tasks > 0 ? data->tasks : 1;
    if (*s->train.group) GOSS_TRY(goss_class_set_find_field(set, s->train.group, "train.group", &group, err));
    GOSS_TRY(open_shots(c, s, group, augment, err));
    GOSS_TRY(open_validation(c, s, group, data, err));
    data->source = (goss_task_source){.spec = c->shots[c->n_shots - 1].spec, .context = c, .draw = draw};
    snprintf(data->size, sizeof data->size, "%d of %d", set->samples, set->classes);
    snprintf(data->about, sizeof data->about, "%d %.30s of %d classes", set->samples, set->things, set->classes);
    return GOSS_OK;
}

void goss__class_data_close(goss__class_data *c) {
    for (int i = 0; i < c->n_shots; i++) goss_task_source_free(&c->shots[i]);
    goss__free(c->shots), goss__free(c->train), goss__free(c->held);
    *c = (goss__class_data){0};
}

/* ---- what a model notes ---- */

static goss_status mark_use(const goss__class_data *c, const bool *use, goss_use how, goss_model *m, goss_error *err) {
    uint64_t *hash = goss__calloc((size_t)c->set->samples + 1, sizeof *hash);
    size_t n = 0;
    if (!hash) return no_memory(c->set, err);
    for (int i = 0; i < c->set->samples; i++)
        if (use[i] && c->set->hash[i]) hash[n++] = c->set->hash[i];
    const goss_status s = goss_model_mark_samples(m, how, hash, n, err);
    goss__free(hash);
    return s;
}

goss_status goss__class_data_mark(const goss__class_data *c, goss_model *m, bool validates, goss_error *err) {
    char text[64];
    snprintf(text, sizeof text, "%d of %d", c->classes[0], c->set->classes);
    GOSS_TRY(goss_model_note(m, "data.trained_classes", text, err));
    if (!goss_method_trains(goss_model_method(m))) return GOSS_OK;
    GOSS_TRY(mark_use(c, c->train, GOSS_USE_TRAIN, m, err));
    return validates ? mark_use(c, c->held, GOSS_USE_VALIDATE, m, err) : GOSS_OK;
}

void goss__class_data_validated_on(const goss__run_data *data, const goss__run_settings *s, char *out, size_t size) {
    const goss_episode_spec *e = &s->validate_episodes;
    (void)data;
    snprintf(out, size, "%d ways, %d shots, %d queries, %d episodes%s%.40s", e->ways, e->shots, e->queries,
             s->validate.episodes, *s->train.group ? ", within one " : "", s->train.group);
}
