/* SPDX-License-Identifier: Apache-2.0 */
/* test_sound_threads.c: recordings read by several threads are the same bits as those read one after the other. */
#include "gossamer/sound.h"
#include "scratch.h"
#include "sound_files.h"

static goss_error err;
enum { MOST_THREADS = 5 };

static goss_threads *threads_of(int n) {
    goss_threads *t = NULL;
    if (n > 0) T_OK(goss_threads_new(n, &t, &err));
    return t;
}

/* ---- waveforms ---- */

enum { CLIPS = 23, MOST = 9000 };
static float clip[CLIPS][MOST];
static const float *samples[CLIPS];
static size_t length[CLIPS];

static void make_clips(void) {
    for (int i = 0; i < CLIPS; i++) {
        const int n = make_word(clip[i], 8000, i % 5, i / 5, i);
        samples[i] = clip[i], length[i] = (size_t)(n - 97 * i);
    }
}

static void read_by_threads(const goss_sound_front *f) {
    int64_t extent[GOSS_TASK_MAX_RANK];
    goss_sound_reader *r;
    const int rank = goss_sound_shape_of(f, extent);
    size_t size = 1;
    for (int i = 0; i < rank; i++) size *= (size_t)extent[i];
    float *one = calloc(CLIPS * size, sizeof *one), *all = calloc(CLIPS * size, sizeof *all);
    int32_t steps[CLIPS], of[CLIPS];
    T_OK(goss_sound_reader_new(f, &r, &err));
    for (int i = 0; i < CLIPS; i++)
        T_OK(goss_sound_reader_sample(r, samples[i], length[i], one + (size_t)i * size, &steps[i], &err));
    for (int n = 0; n <= MOST_THREADS; n++) {
        goss_threads *t = threads_of(n);
        memset(all, 0xff, CLIPS * size * sizeof *all);
        T_OK(goss_sound_reader_samples(r, samples, length, CLIPS, all, of, t, &err));
        T_NOTE("%d threads", n);
        T_CHECK(memcmp(one, all, CLIPS * size * sizeof *all) == 0);
        T_CHECK(memcmp(steps, of, sizeof of) == 0);
        T_OK(goss_sound_reader_samples(r, samples, length, 0, all, NULL, t, &err));
        goss_threads_free(t);
    }
    goss_sound_reader_free(r);
    free(one), free(all);
}

TEST(waveforms_by_threads) {
    make_clips();
    goss_sound_front f = goss_sound_front_defaults();
    f.features = GOSS_SOUND_MFCC, f.coefficients = 13, f.normal = GOSS_SOUND_STANDARD;
    read_by_threads(&f);
    f.features = GOSS_SOUND_MEL, f.normal = GOSS_SOUND_LEVEL, f.fit = GOSS_SOUND_RAGGED;
    f.shape = GOSS_SOUND_SEQUENCE, f.frames = 40;
    read_by_threads(&f);
}

/* A frame alone is that of its waveform, cepstra of one row included. */
TEST(frames_are_those_of_their_waveforms) {
    enum { COEFFICIENTS = 13, FRAMES = 120 };
    float whole[FRAMES * COEFFICIENTS], frame[COEFFICIENTS];
    int32_t steps;
    goss_sound_reader *r;
    goss_sound_front f = goss_sound_front_defaults();
    make_clips();
    f.features = GOSS_SOUND_MFCC, f.coefficients = COEFFICIENTS, f.normal = GOSS_SOUND_NONE, f.trim = 0;
    f.fit = GOSS_SOUND_RAGGED, f.shape = GOSS_SOUND_SEQUENCE, f.frames = FRAMES;
    T_OK(goss_sound_reader_new(&f, &r, &err));
    T_OK(goss_sound_reader_sample(r, samples[1], length[1], whole, &steps, &err));
    T_EQ(steps, goss_sound_reader_frames(r, length[1]));
    for (int i = 0; i < steps; i++) {
        T_OK(goss_sound_reader_frame(r, samples[1], length[1], i, frame, &err));
        T_NOTE("frame %d of %d", i, steps);
        T_CHECK(memcmp(frame, whole + i * COEFFICIENTS, sizeof frame) == 0);
    }
    goss_sound_reader_free(r);
}

/* ---- tasks ---- */

typedef struct drawn {
    float *support, *query;
    int32_t support_length[64], query_length[64];
    goss_task task;
} drawn;

static void draw_by(const goss_task_source *source, int n, drawn *d) {
    const size_t x = goss_task_input_size(&source->spec);
    goss_threads *t = threads_of(n);
    *d = (drawn){.support = calloc(64 * x, sizeof(float)), .query = calloc(64 * x, sizeof(float))};
    d->task = (goss_task){.threads = t,
                          .support = d->support,
                          .query = d->query,
                          .support_length = d->support_length,
                          .query_length = d->query_length};
    source->draw(source, 3, &d->task);
    goss_threads_free(t);
}

static void draws_by_threads(const goss_task_source *source) {
    const size_t x = 64 * goss_task_input_size(&source->spec) * sizeof(float);
    drawn one;
    draw_by(source, 0, &one);
    for (int n = 1; n <= MOST_THREADS; n++) {
        drawn other;
        draw_by(source, n, &other);
        T_NOTE("%d threads", n);
        T_EQ(one.task.supports, other.task.supports);
        T_CHECK(memcmp(one.support, other.support, x) == 0 && memcmp(one.query, other.query, x) == 0);
        T_CHECK(memcmp(one.support_length, other.support_length, sizeof one.support_length) == 0);
        T_CHECK(memcmp(one.query_length, other.query_length, sizeof one.query_length) == 0);
        free(other.support), free(other.query);
    }
    for (int i = 0; i < one.task.supports; i++) T_CHECK(one.support_length[i] > 1);
    free(one.support), free(one.query);
}

/* Episodes with augmentation, silence and lengths, and a whole support set. */
TEST(draws_by_threads) {
    put_words(scratch("threads"), 8000, 4, 1, 4, false);
    goss_sound_front f = goss_sound_front_defaults();
    const goss_sounds_options o = {.augment = {.shift = 50, .noise = 10, .speed = 0.2, .warp = 0.1, .masks = 0.2}};
    const goss_class_episodes e = {.ways = 3, .shots = 2, .queries = 2, .silence = 3, .group = -1, .augment = true};
    goss_task_source source;
    goss_sounds *s;
    f.pattern = "{class}_{speaker}_{take}.wav", f.fit = GOSS_SOUND_RAGGED, f.shape = GOSS_SOUND_SEQUENCE;
    T_OK(goss_sounds_open(scratch("threads"), &f, &o, &s, &err));
    T_OK(goss_class_episodes_open(goss_sounds_set(s), NULL, &e, &source, NULL, &err));
    draws_by_threads(&source);
    goss_task_source_free(&source);
    T_OK(goss_class_support_open(goss_sounds_set(s), &source, &err));
    draws_by_threads(&source);
    goss_task_source_free(&source);
    goss_sounds_close(s);
}

TEST_MAIN()
