/* SPDX-License-Identifier: Apache-2.0 */
/* data_images.c: images in classes as the data of a run: split by its configuration, and samplers over them. */
#include "train/run_data.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/os.h"
#include "base/rng.h"
#include "base/str.h"
#include "gossamer/episode.h"
#include "meta/settings.h"
#include "train/run.h"

typedef struct images {
    goss_images *set;
    goss_class_list train, held;
    goss_sampler **samplers; /* one for each number of shots, min_shots ascending */
    int n_samplers;
    goss_sampler *validation; /* NULL: none */
    uint64_t seed;
    int tasks;
} images;

/* Uses a tree's own train/ and val/ if no setting defines the split; test images are never used for training. */
static goss_split part_wanted(const goss__run_settings *s) {
    bool said = *s->data.train_classes || *s->data.val_classes || s->data.hold_out_alphabets > 0;
    return said ? GOSS_SPLIT_TRAIN : GOSS_SPLIT_EACH;
}

/* data.kind = idx holds for no folder and no archive. */
static goss_status check_kind(goss__data_word kind, const char *path, goss_error *err) {
    goss__map m;
    bool other = goss__is_dir(path);
    if (kind != GOSS__DATA_IDX) return GOSS_OK;
    if (!other && goss__map_file(path, &m, NULL) == GOSS_OK) { /* a file that cannot be opened is refused below */
        other = m.size >= 2 && memcmp(m.data, "PK", 2) == 0;
        goss__unmap(&m);
    }
    if (!other) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "data.kind = idx, but data.path = %s is a folder or .zip: use data.kind = images or auto",
                          path);
}

goss_status goss__run_open_images(const goss__run_settings *s, const goss__run_place *p, goss_split split,
                                  goss_images **set, goss_error *err) {
    const char *path = s->data.path, *cache = s->data.cache;
    GOSS_TRY(check_kind(s->data.kind, path, err));
    goss_images_options o = s->images;
    o.split = split;
    o.cache_dir = strcmp(cache, "none") == 0 ? NULL : *cache ? cache : p->dir;
    o.stop = p->stop;
    if (o.cache_dir) GOSS_TRY(goss__mkdirs(o.cache_dir, err));
    const goss_status opened = goss_images_open(path, &o, set, err);
    if (opened == GOSS_E_INTERRUPTED) return opened;
    GOSS_TRY(goss_error_prefix(err, opened, "data.path"));
    return goss_images_need_classes(*set, path, 2, err);
}

/* ---- classes ---- */

static bool holds(const goss_class_list *l, int32_t id) {
    for (int i = 0; i < l->count; i++)
        if (l->ids[i] == id) return true;
    return false;
}

static goss_status check_apart(const images *d, goss_error *err) {
    for (int i = 0; i < d->held.count; i++)
        if (holds(&d->train, d->held.ids[i]))
            return goss_error_set(err, GOSS_E_ARGUMENT, "class \"%s\" is in data.train_classes and in data.val_classes",
                                  goss_images_class_name(d->set, d->held.ids[i]));
    return GOSS_OK;
}

/* Set difference: removes the entries of the other list. */
static void take_away(goss_class_list *from, const goss_class_list *other) {
    int n = 0;
    for (int i = 0; i < from->count; i++)
        if (!holds(other, from->ids[i])) from->ids[n++] = from->ids[i];
    from->count = n;
}

/* Number of classes that episodes are drawn from: with rotations each counts as four. */
static int needed(const goss_episode_spec *e) {
    const int turns = e->rotations ? 4 : 1;
    return (e->ways + turns - 1) / turns;
}

/* How many of n classes are held out: their share, but enough for validate.ways. */
static goss_status count_held(const goss__run_settings *s, int n, int *held, goss_error *err) {
    const int validate = needed(&s->validate_episodes), train = needed(&s->train_episodes),
              half = n / 2 < 2 ? 2 : n / 2;
    const double share = round(s->data.hold_out * n);
    *held = share > validate ? (int)share : validate;
    if (n < 3)
        return goss_error_set(
            err, GOSS_E_ARGUMENT,
            "data.path has %d class%s to train on and to validate on (a class is a folder of images): "
            "at least three are needed, or two with validate.every=0",
            n, n == 1 ? "" : "es");
    if (n - *held >= (s->train_episodes.one_alphabet ? 1 : train)) return GOSS_OK;
    char advice[160];
    if (n - half < 2) /* at least two to train on and two to validate on */
        snprintf(advice, sizeof advice,
                 "Set validate.every=0 train.ways=%d to train without validation, or add classes",
                 train < n ? train : n);
    else
        snprintf(advice, sizeof advice,
                 "Set smaller ones, as train.ways=%d validate.ways=%d, or validate.every=0 to train without validation",
                 n - half, half);
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "there are %d classes: data.hold_out = %g and validate.ways = %d hold out %d of them, and "
                          "train.ways = %d needs %d more. %s",
                          n, s->data.hold_out, s->validate_episodes.ways, *held, s->train_episodes.ways, train, advice);
}

static goss_status hold_out(images *d, const goss__run_settings *s, const goss_class_list *pool, goss_error *err) {
    const int alphabets = s->data.hold_out_alphabets;
    int held;
    if (alphabets > 0)
        return goss_error_prefix(err,
                                 goss_class_list_hold_out(d->set, pool, alphabets, d->seed, &d->train, &d->held, err),
                                 "data.hold_out_alphabets");
    GOSS_TRY(count_held(s, pool->count, &held, err));
    return goss_class_list_split(d->set, pool, (double)held / pool->count, d->seed, &d->train, &d->held, err);
}

static goss_status read_list(const images *d, const char *key, const char *path, goss_class_list *out,
                             goss_error *err) {
    return goss_error_prefix(err, goss_class_list_read(d->set, path, out, err), "%s", key);
}

/* Classes of val/ that share a name with a class of train/. */
static int same_names(const images *d) {
    int n = 0;
    for (int i = 0; i < d->held.count; i++) {
        const char *name = strchr(goss_images_class_name(d->set, d->held.ids[i]), '/');
        for (int k = 0; k < d->train.count; k++)
            if (strcmp(strchr(goss_images_class_name(d->set, d->train.ids[k]), '/'), name) == 0) {
                n++;
                break;
            }
    }
    return n;
}

/* Validates on the set's own val/, if it has one. */
static goss_status use_parts(images *d, const goss__run_settings *s, goss_error *err) {
    goss_class_list val;
    GOSS_TRY(goss_class_list_part(d->set, GOSS_SPLIT_VAL, &val, err));
    if (val.count == 0) {
        goss_class_list_free(&val);
        return GOSS_OK;
    }
    d->held = val;
    goss__tell_key_unused(s->config, "data.hold_out", "val/ of data.path is what is validated on");
    int same = same_names(d);
    if (same)
        goss__log(GOSS_LOG_WARN,
                  "%d of %d classes of val/ are classes of train/: validation is on other images of classes that are "
                  "trained on, not on new classes",
                  same, d->held.count);
    return GOSS_OK;
}

static goss_status choose_train(images *d, const char *list, goss_error *err) {
    if (*list) return read_list(d, "data.train_classes", list, &d->train, err);
    if (goss_images_class_split(d->set, 0) == GOSS_SPLIT_ALL) return goss_class_list_all(d->set, &d->train, err);
    return goss_class_list_part(d->set, GOSS_SPLIT_TRAIN, &d->train, err);
}

static goss_status split(images *d, const goss__run_settings *set, goss_error *err) {
    const char *train = set->data.train_classes, *val = set->data.val_classes;
    goss_class_list pool = {0};
    GOSS_TRY(choose_train(d, train, err));
    if (set->validate.every == 0 && !*val) return GOSS_OK;
    if (goss_images_class_split(d->set, 0) != GOSS_SPLIT_ALL) GOSS_TRY(use_parts(d, set, err));
    if (d->held.count) return GOSS_OK;
    if (*val) {
        GOSS_TRY(read_list(d, "data.val_classes", val, &d->held, err));
        if (*train) return check_apart(d, err);
        take_away(&d->train, &d->held);
        return GOSS_OK;
    }
    pool = d->train;
    d->train = (goss_class_list){0};
    goss_status s = hold_out(d, set, &pool, err);
    goss_class_list_free(&pool);
    return s;
}

/* Removes classes with too few images for an episode; the log names them. */
static goss_status leave_out_small(const images *d, goss_class_list *list, const goss_episode_spec *e, const char *what,
                                   goss_error *err) {
    goss_class_list dropped;
    goss__str names = {0};
    int least = e->shots + e->queries, all = list->count;
    GOSS_TRY(goss_class_list_drop_small(d->set, least, list, &dropped, err));
    for (int i = 0; i < dropped.count && i < 3; i++) {
        int first, count;
        goss_images_class_range(d->set, dropped.ids[i], &first, &count);
        goss__str_addf(&names, "%s%s: %d", i ? ", " : "", goss_images_class_name(d->set, dropped.ids[i]), count);
    }
    if (dropped.count)
        goss__log(
            GOSS_LOG_WARN,
            "[%s] %d of %d classes have fewer than the %d images that %d shots and %d queries need and are left out "
            "(%s%s)",
            what, dropped.count, all, least, e->shots, e->queries, names.data ? names.data : "",
            dropped.count > 3 ? ", ..." : "");
    goss_status status = GOSS_OK;
    if (dropped.count && list->count == 0)
        status = goss_error_set(err, GOSS_E_ARGUMENT,
                                "[%s] none of %d classes has the %d images that %d shots and %d queries need (%s); set "
                                "fewer, or add images",
                                what, all, least, e->shots, e->queries, names.data ? names.data : "");
    goss__str_free(&names);
    goss_class_list_free(&dropped);
    return status;
}

static goss_status leave_out_all_small(images *d, const goss__run_settings *s, goss_error *err) {
    GOSS_TRY(leave_out_small(d, &d->train, &s->train_episodes, "train", err));
    if (d->held.count == 0) return GOSS_OK;
    return leave_out_small(d, &d->held, &s->validate_episodes, "validate", err);
}

/* ---- samplers ---- */

/* Prefixes an episode's error with the settings concerned. */
static goss_status about(const goss_episode_spec *e, const char *section, goss_status s, goss_error *err) {
    return goss_error_prefix(err, s, "[%s] ways = %d, shots = %d, queries = %d", section, e->ways, e->shots,
                             e->queries);
}

/* The number of shots is drawn once a step and shared by its tasks. */
static void draw_task(const goss_task_source *source, uint64_t k, goss_task *task) {
    const images *d = source->context;
    uint64_t step = k / (uint64_t)d->tasks;
    goss__rng rng = goss__rng_make(d->seed, goss__hash64(&step, sizeof step, 0x73686f7473)); /* "shots" */
    goss_task_source one = goss_sampler_source(d->samplers[goss__rng_below(&rng, (uint32_t)d->n_samplers)]);
    one.draw(&one, k, task);
}

static goss_status make_train(images *d, const goss__run_settings *set, goss_error *err) {
    goss_episode_spec spec = set->train_episodes;
    const int shots = spec.shots, least = set->train.min_shots ? set->train.min_shots : shots;
    if (least > shots)
        return goss_error_set(err, GOSS_E_ARGUMENT, "train.min_shots = %d is more than train.shots = %d", least, shots);
    d->samplers = goss__calloc((size_t)(shots - least + 1), sizeof *d->samplers);
    if (!d->samplers) return goss_error_set(err, GOSS_E_NOMEM, "no memory for samplers");
    for (spec.shots = least; spec.shots <= shots; spec.shots++) {
        goss_status s = goss_sampler_create(d->set, &d->train, &spec, &d->samplers[d->n_samplers], err);
        if (s != GOSS_OK) return about(&set->train_episodes, "train", s, err);
        d->n_samplers++;
    }
    return GOSS_OK;
}

static goss_status make_validation(images *d, const goss__run_settings *set, goss_error *err) {
    if (set->validate.every == 0) return GOSS_OK;
    const goss_episode_spec *spec = &set->validate_episodes;
    goss_status s = goss_sampler_create(d->set, &d->held, spec, &d->validation, err);
    return about(spec, "validate", s, err);
}

static void tell(const images *d) {
    goss_image_format f = goss_images_format(d->set);
    goss__log(GOSS_LOG_INFO, "data: %d images of %d classes, %d x %d x %d%s; %d classes to train on, %d to validate on",
              goss_images_count(d->set), goss_images_classes(d->set), f.height, f.width, f.channels,
              f.invert ? ", inverted" : "", d->train.count, d->held.count);
}

/* Warns where episodes are smaller than requested. */
static void tell_scope(const char *section, const goss_sampler *s) {
    goss_episode_spec spec = goss_sampler_spec(s);
    goss_sampler_scope scope = goss_sampler_scope_of(s);
    if (spec.one_alphabet && scope.least_ways < spec.ways)
        goss__log(GOSS_LOG_INFO, "[%s] one alphabet an episode: %d to %d ways (%d asked for), of %d classes", section,
                  scope.least_ways, goss_sampler_limits(s).ways, spec.ways, scope.classes);
    if (spec.distinct_faces && scope.several_faces < scope.classes)
        goss__log(GOSS_LOG_INFO, "[%s] distinct faces in %d of %d classes; the others have one", section,
                  scope.several_faces, scope.classes);
}

static goss_status open_all(images *d, const goss__run_settings *s, const goss__run_place *p, goss_error *err) {
    GOSS_TRY(goss__run_open_images(s, p, part_wanted(s), &d->set, err));
    GOSS_TRY(split(d, s, err));
    GOSS_TRY(leave_out_all_small(d, s, err));
    tell(d);
    GOSS_TRY(make_train(d, s, err));
    tell_scope("train", d->samplers[0]);
    GOSS_TRY(make_validation(d, s, err));
    if (d->validation) tell_scope("validate", d->validation);
    return GOSS_OK;
}

/* ---- as a kind of data ---- */

goss_status goss__run_image_format(const goss__run_settings *s, goss_image_format *out, goss_error *err) {
    *out = (goss_image_format){.height = s->images.height, .width = s->images.width, .channels = s->images.channels};
    if (out->channels != 2) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "data.channels: 2 is neither grey (1) nor colour (3)");
}

/* Wrong file names and backbones are found before any image is decoded. */
static goss_status check(const goss__run_settings *set, goss_error *err) {
    goss_method *m;
    goss_image_format f;
    GOSS_TRY(goss__run_file_is_there("data.train_classes", set->data.train_classes, err));
    GOSS_TRY(goss__run_file_is_there("data.val_classes", set->data.val_classes, err));
    GOSS_TRY(goss__run_file_is_there("data.labels", set->images.labels, err));
    GOSS_TRY(goss__run_image_format(set, &f, err));
    if (f.height == 0 || f.width == 0) return GOSS_OK; /* not known yet */
    goss_data_spec data = goss_data_spec_images(f);
    GOSS_TRY(goss__method_from_config(set->config, set->train.method, &data, false, &m, err));
    goss_status s = goss_method_trains(m) ? goss__rates_check(set->rates, m, err) : GOSS_OK;
    goss_method_free(m);
    return s;
}

static void close_images(goss__run_data *data) {
    images *d = data->own;
    if (!d) return;
    for (int i = 0; i < d->n_samplers; i++) goss_sampler_destroy(d->samplers[i]);
    goss__free(d->samplers);
    goss_sampler_destroy(d->validation);
    goss_class_list_free(&d->train);
    goss_class_list_free(&d->held);
    goss_images_close(d->set);
    goss__free(d);
    data->own = NULL;
}

static goss_status open_images(goss__run_data *data, const goss__run_settings *s, const goss__run_place *p,
                               goss_error *err) {
    images *d = data->own = goss__calloc(1, sizeof *d);
    if (!d) return goss_error_set(err, GOSS_E_NOMEM, "no memory for images");
    d->seed = data->seed, d->tasks = data->tasks;
    GOSS_TRY(open_all(d, s, p, err));
    data->spec = goss_data_spec_images(goss_images_format(d->set));
    data->source = goss_sampler_source(d->samplers[d->n_samplers - 1]);
    data->source.context = d, data->source.draw = draw_task;
    data->validates = d->validation != NULL;
    if (d->validation) data->validation = goss_sampler_source(d->validation);
    data->judged = s->validate.episodes;
    data->hash = goss_images_hash(d->set);
    int n = goss_images_count(d->set), classes = goss_images_classes(d->set);
    snprintf(data->size, sizeof data->size, "%d of %d", n, classes);
    snprintf(data->about, sizeof data->about, "%d images of %d classes", n, classes);
    return GOSS_OK;
}

static goss_status note_classes(const images *d, goss_model *m, goss_error *err) {
    char text[64];
    snprintf(text, sizeof text, "%d of %d", d->train.count, goss_images_classes(d->set));
    GOSS_TRY(goss_model_note(m, "data.trained_classes", text, err));
    uint64_t hash = 0;
    for (int i = 0; i < d->train.count; i++) {
        const char *name = goss_images_class_name(d->set, d->train.ids[i]);
        hash = goss__hash64(name, strlen(name), hash);
    }
    snprintf(text, sizeof text, "%016llx", (unsigned long long)hash);
    return goss_model_note(m, "data.trained_classes_hash", text, err);
}

static goss_status mark(const goss__run_data *data, goss_model *m, goss_error *err) {
    const images *d = data->own;
    GOSS_TRY(note_classes(d, m, err));
    if (!goss_method_trains(goss_model_method(m))) return GOSS_OK;
    GOSS_TRY(goss_model_mark(m, GOSS_USE_TRAIN, d->set, &d->train, err));
    return d->validation ? goss_model_mark(m, GOSS_USE_VALIDATE, d->set, &d->held, err) : GOSS_OK;
}

static void validated_on(const goss__run_data *data, const goss__run_settings *s, char *out, size_t size) {
    const goss_episode_spec *e = &s->validate_episodes;
    (void)data;
    snprintf(out, size, "%d ways, %d shots, %d queries, %d episodes%s%s", e->ways, e->shots, e->queries,
             s->validate.episodes, e->rotations ? ", rotations" : "", e->distinct_faces ? ", distinct faces" : "");
}

/* ---- checkpoints: the classes of the set, by number ---- */

static const char train_tensor[] = "classes.train", held_tensor[] = "classes.held";

static goss_status add_classes(goss_tensor_file *file, const char *name, const goss_class_list *l, goss_error *err) {
    const int64_t n = l->count;
    return n ? goss_tensor_file_add(file, name, "I32", 1, &n, l->ids, err) : GOSS_OK;
}

static goss_status keep(const goss__run_data *data, goss_tensor_file *file, goss_error *err) {
    const images *d = data->own;
    GOSS_TRY(add_classes(file, train_tensor, &d->train, err));
    return add_classes(file, held_tensor, &d->held, err);
}

static goss_status other_classes(const images *d, const goss_class_list *now, const int32_t *then, int n,
                                 const char *what, const char *dir, goss_error *err) {
    int i = 0, k = 0;
    while (i < now->count && k < n && now->ids[i] == then[k]) i++, k++;
    const bool added = i < now->count && (k == n || now->ids[i] < then[k]);
    const int32_t id = added ? now->ids[i] : then[k];
    const char *name = id >= 0 && id < goss_images_classes(d->set) ? goss_images_class_name(d->set, id) : "?";
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "the run in %s was started with %d classes to %s on, now there are %d (data.train_classes, "
                          "data.val_classes): \"%s\" is %s. Give it the classes it had, or name another run.dir for "
                          "a run of its own (train.start=%s/model.safetensors begins with what this one has learned)",
                          dir, n, what, now->count, name, added ? "new" : "gone", dir);
}

static goss_status same_classes(const images *d, const goss_safetensors *f, const char *tensor,
                                const goss_class_list *now, const char *what, const char *dir, goss_error *err) {
    const goss_file_tensor *t = goss_safetensors_find(f, tensor);
    if (t && (strcmp(t->dtype, "I32") != 0 || t->rank != 1 || t->shape[0] > INT32_MAX))
        return goss_error_set(err, GOSS_E_FORMAT, "tensor \"%s\" is no list of classes", tensor);
    const int n = t ? (int)t->shape[0] : 0;
    if (n == now->count && (n == 0 || memcmp(t->data, now->ids, (size_t)n * sizeof *now->ids) == 0)) return GOSS_OK;
    int32_t *then = goss__alloc((size_t)n * sizeof *then + 1);
    if (!then) return goss_error_set(err, GOSS_E_NOMEM, "no memory for %d classes", n);
    if (n) memcpy(then, t->data, (size_t)n * sizeof *then);
    goss_status s = other_classes(d, now, then, n, what, dir, err);
    goss__free(then);
    return s;
}

static goss_status compare(const goss__run_data *data, const goss_safetensors *f, const char *dir, goss_error *err) {
    const images *d = data->own;
    GOSS_TRY(same_classes(d, f, train_tensor, &d->train, "train", dir, err));
    return same_classes(d, f, held_tensor, &d->held, "validate", dir, err);
}

const goss_images *goss__data_images_set(const goss__run_data *d) {
    return d->kind == &goss__data_images && d->own ? ((const images *)d->own)->set : NULL;
}

const goss_class_list *goss__data_images_classes(const goss__run_data *d, bool validated) {
    const images *own = d->kind == &goss__data_images ? d->own : NULL;
    return !own ? NULL : validated ? &own->held : &own->train;
}

const goss__data_kind goss__data_images = {.name = "images",
                                           .check = check,
                                           .open = open_images,
                                           .close = close_images,
                                           .mark = mark,
                                           .keep = keep,
                                           .compare = compare,
                                           .validated_on = validated_on,
                                           .things = "images"};
