/* SPDX-License-Identifier: Apache-2.0 */
/* sounds.c: recordings in memory as a set of samples in classes. A sample is computed whenever it is asked for: a front
 * end takes a fraction of a millisecond, and augmentation changes waveforms. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/os.h"
#include "base/rng.h"
#include "io/same_samples.h"
#include "sound/files.h"
#include "sound/front.h"

typedef struct recording {
    float *samples;
    size_t n;
} recording;

struct goss_sounds {
    goss_class_set set;
    goss__front front;
    goss__sound_list list;
    goss__arena arena;
    recording *wave; /* [list.n] */
    uint64_t *content;
    uint64_t hash;
    double seconds;
    int bad;
};

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "no memory for recordings"); }

/* ---- texts as numbers ---- */

typedef struct text_at {
    const char *text;
    int i;
} text_at;

static int by_text(const void *a, const void *b) {
    const text_at *x = a, *y = b;
    const int c = strcmp(x->text, y->text);
    return c ? c : (x->i > y->i) - (x->i < y->i);
}

/* Numbers of n texts in byte order: of [n], names [*count]; -1 is that of an empty text. Texts are borrowed. */
static goss_status number(goss__arena *arena, const char *const *texts, int n, int32_t **of, const char ***names,
                          int *count, goss_error *err) {
    text_at *sorted = goss__calloc((size_t)n + 1, sizeof *sorted);
    *of = goss__arena_alloc(arena, ((size_t)n + 1) * sizeof **of);
    *names = goss__arena_alloc(arena, ((size_t)n + 1) * sizeof **names);
    *count = 0;
    if (!sorted || !*of || !*names) {
        goss__free(sorted);
        return no_memory(err);
    }
    for (int i = 0; i < n; i++) sorted[i] = (text_at){texts[i], i};
    qsort(sorted, (size_t)n, sizeof *sorted, by_text);
    for (int i = 0; i < n; i++) {
        const char *text = sorted[i].text;
        if (*text && (i == 0 || strcmp(text, sorted[i - 1].text) != 0)) (*names)[(*count)++] = text;
        (*of)[sorted[i].i] = *count - 1; /* empty ones come first */
    }
    goss__free(sorted);
    return GOSS_OK;
}

/* ---- reading ---- */

static bool gives_up(const goss_sounds_options *o) { return o->stop && *o->stop; }

/* Reads recording `from`, which becomes recording `to`. */
static goss_status read_one(goss_sounds *s, int from, int to, goss_error *err) {
    goss_wave w;
    GOSS_TRY(goss_wave_read(s->list.file[from].path, s->front.f.rate, 0, &w, err));
    s->list.file[to] = s->list.file[from];
    s->wave[to] = (recording){w.samples, w.n};
    s->content[to] = w.hash;
    s->seconds += (double)w.n / w.rate;
    return GOSS_OK;
}

/* Before the first is read, so that the last one of a long list is not missed after minutes. */
static goss_status find_listed(const goss_sounds *s, const char *path, goss_error *err) {
    for (int i = 0; i < s->list.n; i++) {
        const goss__sound_file *f = &s->list.file[i];
        if (f->line && !goss__is_file(f->path))
            return goss_error_set(err, GOSS_E_IO, "%s:%zu: there is no file %s", path, f->line, f->path);
    }
    return GOSS_OK;
}

static goss_status read_all(goss_sounds *s, const goss_sounds_options *o, const char *path, goss_error *err) {
    int kept = 0;
    if (!o->skip_bad) GOSS_TRY(find_listed(s, path, err));
    for (int i = 0; i < s->list.n; i++) {
        if (gives_up(o)) return goss_error_set(err, GOSS_E_INTERRUPTED, "%s: interrupted", path);
        goss_error e;
        const goss_status status = read_one(s, i, kept, &e);
        if (status == GOSS_OK) {
            kept++;
            continue;
        }
        if (!o->skip_bad || status == GOSS_E_NOMEM || status == GOSS_E_UNSUPPORTED) {
            if (err) *err = e;
            return status;
        }
        if (s->bad++ < 3) goss__log(GOSS_LOG_WARN, "left out: %s", e.text);
    }
    if (s->bad) goss__log(GOSS_LOG_WARN, "%s: %d recordings that cannot be read are left out", path, s->bad);
    s->list.n = kept;
    return kept ? GOSS_OK : goss_error_set(err, GOSS_E_FORMAT, "%s: no recording is left", path);
}

/* ---- what is told ---- */

static void tell_silent(const goss_sounds *s, const char *path) {
    int n = 0, example = 0;
    for (int i = s->list.n - 1; i >= 0; i--)
        if (!s->content[i]) n++, example = i;
    if (n)
        goss__log(GOSS_LOG_WARN, "%s: %d of %d recordings are silent throughout, as %s", path, n, s->list.n,
                  s->list.file[example].name);
}

/* ---- the set ---- */

/* Half a second of noise, white to brown (the spectrum falls by up to 6 decibels an octave), as a room has it. */
static size_t silence_size(const goss_sounds *s) { return (size_t)s->front.f.rate / 2 + 1; }
/* Floats before the front end's scratch memory. */
static size_t silence_room(const goss_sounds *s) { return (silence_size(s) + 15) / 16 * 16; }

static void make_silence(const goss_sounds *s, uint64_t random, float *samples) {
    goss__rng rng = goss__rng_make(random, 0x73696c656e6365); /* "silence" */
    const float colour = 0.95F * (float)goss__rng_uniform(&rng), level = 1e-3F;
    float v = 0;
    for (size_t i = 0; i < silence_size(s); i++) {
        v = colour * v + level * ((float)(goss__rng_u32(&rng) >> 8) * 0x1p-23F - 1);
        samples[i] = v;
    }
}

static int copy(const goss_class_set *set, int i, goss_class_random random, void *scratch, float *x) {
    static const goss_class_random as_it_is = {0};
    const goss_sounds *s = set->context;
    if (i < 0) {
        float *samples = scratch;
        make_silence(s, random.sample, samples);
        return goss__front_sample(&s->front, samples, silence_size(s), as_it_is, samples + silence_room(s), x);
    }
    return goss__front_sample(&s->front, s->wave[i].samples, s->wave[i].n, random, scratch, x);
}

/* A field that no recording has is none. */
static goss_status name_fields(goss_sounds *s, const char **texts, goss_error *err) {
    const goss__sound_list *l = &s->list;
    goss_class_field *field = goss__arena_alloc(&s->arena, (size_t)(l->fields + 1) * sizeof *field);
    if (!field) return no_memory(err);
    s->set.field = field;
    for (int k = 0; k < l->fields; k++) {
        goss_class_field *f = &field[s->set.fields];
        int32_t *of;
        const char **names;
        for (int i = 0; i < l->n; i++) texts[i] = l->file[i].field[k];
        GOSS_TRY(number(&s->arena, texts, l->n, &of, &names, &f->values, err));
        f->name = l->field_name[k], f->of = of, f->text = names;
        s->set.fields += f->values > 0;
    }
    return GOSS_OK;
}

static goss_status name_all(goss_sounds *s, const char **texts, goss_error *err) {
    int32_t *of;
    const char **names;
    const goss__sound_list *l = &s->list;
    for (int i = 0; i < l->n; i++) texts[i] = l->file[i].cls;
    GOSS_TRY(number(&s->arena, texts, l->n, &of, &names, &s->set.classes, err));
    s->set.class_of = of, s->set.class_name = names;
    GOSS_TRY(name_fields(s, texts, err));
    const char **own = goss__arena_alloc(&s->arena, ((size_t)l->n + 1) * sizeof *own);
    if (!own) return no_memory(err);
    for (int i = 0; i < l->n; i++) own[i] = l->file[i].name;
    s->set.sample_name = own;
    return GOSS_OK;
}

static uint64_t hash_text(const char *text, uint64_t h) { return goss__hash64(text, strlen(text) + 1, h); }

static void hash_all(goss_sounds *s) {
    const goss__sound_list *l = &s->list;
    uint64_t h = 0;
    for (int k = 0; k < l->fields; k++) h = hash_text(l->field_name[k], h);
    for (int i = 0; i < l->n; i++) {
        h = hash_text(l->file[i].name, h);
        h = hash_text(l->file[i].cls, h);
        for (int k = 0; k < l->fields; k++) h = hash_text(l->file[i].field[k], h);
        h = goss__hash64(&s->content[i], sizeof s->content[i], h);
    }
    s->hash = h;
}

static void describe(goss_sounds *s) {
    const size_t silence = silence_size(s);
    size_t longest = silence;
    for (int i = 0; i < s->list.n; i++) longest = s->wave[i].n > longest ? s->wave[i].n : longest;
    s->set.samples = s->list.n, s->set.things = "recordings", s->set.hash = s->content;
    s->set.input_rank = s->front.rank;
    memcpy(s->set.input, s->front.input, sizeof s->set.input);
    s->set.lengths = s->front.f.fit == GOSS_SOUND_RAGGED;
    s->set.copy = copy, s->set.context = s;
    s->set.scratch_size = goss__front_scratch(&s->front, longest) + silence_room(s) * sizeof(float);
    s->set.silence = true;
}

/* Gain that nothing hears. */
static goss_status check_augment(const goss_sound_front *f, const goss_sound_augment *a, goss_error *err) {
    static const char *const words[] = {"none", "level", "mean", "standard"};
    if (a->gain > 0 && f->normal != GOSS_SOUND_NONE)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "augment.gain = %g has no effect: sound.normalise = %s makes samples independent of gain",
                              a->gain, words[f->normal]);
    return GOSS_OK;
}

static goss_status open_all(goss_sounds *s, const char *path, const goss_sound_front *f, const goss_sounds_options *o,
                            goss_error *err) {
    GOSS_TRY(check_augment(f, &o->augment, err));
    GOSS_TRY(goss__front_init(&s->front, f, &o->augment, err));
    GOSS_TRY(goss__sound_list_read(&s->list, path, f->pattern, false, err));
    const size_t n = (size_t)s->list.n;
    s->wave = goss__calloc(n, sizeof *s->wave), s->content = goss__calloc(n, sizeof *s->content);
    if (!s->wave || !s->content) return no_memory(err);
    GOSS_TRY(read_all(s, o, path, err));
    const char **texts = goss__calloc(n, sizeof *texts);
    if (!texts) return no_memory(err);
    const goss_status named = name_all(s, texts, err);
    goss__free(texts);
    GOSS_TRY(named);
    describe(s);
    hash_all(s);
    tell_silent(s, path);
    return goss__tell_same_samples(&s->set, path, err);
}

goss_status goss_sounds_open(const char *path, const goss_sound_front *front, const goss_sounds_options *options,
                             goss_sounds **out, goss_error *err) {
    const goss_sounds_options none = {0};
    *out = NULL;
    goss_sounds *s = goss__calloc(1, sizeof *s);
    if (!s) return no_memory(err);
    const goss_status status = open_all(s, path, front, options ? options : &none, err);
    if (status == GOSS_OK)
        *out = s;
    else
        goss_sounds_close(s);
    return status;
}

void goss_sounds_close(goss_sounds *s) {
    if (!s) return;
    for (int i = 0; s->wave && i < s->list.n; i++) goss__free(s->wave[i].samples);
    goss__free(s->wave), goss__free(s->content);
    goss__sound_list_free(&s->list);
    goss__arena_free(&s->arena);
    goss__front_free(&s->front);
    goss__free(s);
}

const goss_class_set *goss_sounds_set(const goss_sounds *s) { return &s->set; }
uint64_t goss_sounds_hash(const goss_sounds *s) { return s->hash; }
double goss_sounds_seconds(const goss_sounds *s) { return s->seconds; }
int goss_sounds_left_out(const goss_sounds *s) { return s->list.left_out + s->bad; }
