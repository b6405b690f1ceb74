/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of recordings: classes and fields by names, lists and folders, episodes, silence, augmentation. */
#include <unistd.h>

#include "gossamer/sound.h"
#include "scratch.h"
#include "sound/mel.h"
#include "sound_files.h"

static goss_error err;

/* ---- sets ---- */

static goss_sounds *open_words(const char *folder, const char *pattern) {
    goss_sound_front f = goss_sound_front_defaults();
    goss_sounds *s;
    f.pattern = pattern;
    T_OK(goss_sounds_open(folder, &f, NULL, &s, &err));
    return s;
}

TEST(names_say_classes_and_fields) {
    put_words(scratch("flat"), 8000, 3, 2, 4, false);
    T_CHECK(goss_sounds_is(scratch("flat")));
    goss_sounds *s = open_words(scratch("flat"), "{class}_{speaker}_{take}.wav");
    const goss_class_set *set = goss_sounds_set(s);
    T_EQ(set->samples, 24);
    T_EQ(set->classes, 3);
    T_EQ(set->fields, 2);
    T_STR(set->class_name[1], "w1");
    T_STR(set->sample_name[9], "w1_s0_1.wav");
    T_EQ(set->class_of[9], 1);
    const int speaker = goss_class_set_field(set, "speaker");
    T_STR(set->field[speaker].text[set->field[speaker].of[13]], "s1");
    T_EQ(goss_class_set_field(set, "colour"), -1);
    bool use[24] = {false};
    T_OK(goss_class_set_choose(set, "speaker=s1", use, true, &err));
    for (int i = 0; i < 24; i++) T_EQ(use[i], i / 4 % 2);
    T_ERR(goss_class_set_choose(set, "speaker=s7", use, true, &err), GOSS_E_ARGUMENT, "no speaker \"s7\"");
    T_OK(goss_class_set_choose(set, "class=w0,w2", use, true, &err));
    for (int i = 0; i < 24; i++) T_EQ(use[i], i / 4 % 2 || i / 8 != 1);
    T_ERR(goss_class_set_choose(set, "class=w3", use, true, &err), GOSS_E_ARGUMENT, "no class \"w3\"");
    T_ERR(goss_class_set_choose(set, "voice=s1", use, true, &err), GOSS_E_ARGUMENT, "no field \"voice\"");
    T_ERR(goss_class_set_choose(set, "s1", use, true, &err), GOSS_E_ARGUMENT, "FIELD=VALUE");
    goss_sounds_close(s);
}

TEST(folders_and_lists_say_the_same) {
    put_words(scratch("deep"), 8000, 3, 2, 2, true);
    goss_sounds *s = open_words(scratch("deep"), ""), *list;
    const goss_class_set *set = goss_sounds_set(s);
    T_EQ(set->samples, 12);
    T_STR(set->class_name[2], "w2");
    FILE *f = fopen(scratch("list.csv"), "w");
    fputs("speaker,file,class\n", f);
    for (int i = 0; i < set->samples; i++)
        fprintf(f, "s%d,deep/%s,%s\n", i / 2 % 2, set->sample_name[i], set->class_name[set->class_of[i]]);
    fclose(f);
    list = open_words(scratch("list.csv"), "");
    T_CHECK(goss_sounds_is(scratch("list.csv")));
    const goss_class_set *same = goss_sounds_set(list);
    T_EQ(same->samples, 12);
    T_EQ(same->fields, 1);
    for (int i = 0; i < 12; i++) {
        T_CHECK(set->hash[i] == same->hash[i] && set->hash[i] != 0);
        T_EQ(set->class_of[i], same->class_of[i]);
    }
    goss_sounds_close(s), goss_sounds_close(list);
    T_ERR(goss_sounds_open(scratch("flat"), &(goss_sound_front){.pattern = ""}, NULL, &s, &err), GOSS_E_ARGUMENT, "");
}

static goss_status open_front(const char *path, const char *pattern, bool skip_bad) {
    goss_sound_front f = goss_sound_front_defaults();
    goss_sounds_options o = {.skip_bad = skip_bad};
    goss_sounds *s;
    f.pattern = pattern;
    const goss_status status = goss_sounds_open(path, &f, &o, &s, &err);
    goss_sounds_close(s);
    return status;
}

TEST(bad_sets_are_refused) {
    put_words(scratch("some"), 8000, 2, 1, 2, false);
    T_ERR(open_front(scratch("some"), "", false), GOSS_E_FORMAT, "no class for any of 4 sound files");
    T_ERR(open_front(scratch("some"), "{class}_{speaker.wav", false), GOSS_E_ARGUMENT, "brace");
    T_ERR(open_front(scratch("some"), "{class}{take}.wav", false), GOSS_E_ARGUMENT, "side by side");
    T_ERR(open_front(scratch("some"), "{word}.wav", false), GOSS_E_ARGUMENT, "{class}");
    T_ERR(open_front(scratch("nowhere"), "", false), GOSS_E_IO, "nowhere");
    FILE *f = fopen(scratch("some/w0_s0_9.wav"), "w");
    fputs("RIFF", f), fclose(f);
    T_ERR(open_front(scratch("some"), "{class}_{speaker}_{take}.wav", false), GOSS_E_FORMAT, "w0_s0_9.wav");
    T_EQ(open_front(scratch("some"), "{class}_{speaker}_{take}.wav", true), GOSS_OK);
    goss_sound_front by_name = goss_sound_front_defaults();
    goss_sounds *none;
    by_name.pattern = "{class}_{speaker}_{take}.wav";
    T_EQ(goss_sounds_open(scratch("some"), &by_name, NULL, &none, NULL), GOSS_E_FORMAT); /* nobody wants the text */
    f = fopen(scratch("wrong.csv"), "w");
    fputs("file,class\nsome/w0_s0_0.wav,a\nsome/w7.wav,b\n", f), fclose(f);
    T_ERR(open_front(scratch("wrong.csv"), "", false), GOSS_E_IO, "wrong.csv:3: there is no file");
    f = fopen(scratch("wrong.csv"), "w");
    fputs("file,speaker\nsome/w0_s0_0.wav,a\n", f), fclose(f);
    T_ERR(open_front(scratch("wrong.csv"), "", false), GOSS_E_FORMAT, "wrong.csv:1: there is no column class");
    T_CHECK(!goss_sounds_is(scratch("nowhere")) && !goss_sounds_is(scratch("wrong.csv")));
}

static void put_list(const char *header, const char *more, size_t size) {
    FILE *f = fopen(scratch("odd.csv"), "w");
    T_CHECK(f);
    fprintf(f, "%s\nsome/w0_s0_0.wav,a,x\nsome/w0_s0_1.wav,b,\nsome/w1_s0_0.wav,a,x\n", header);
    fwrite(more, 1, size, f);
    fclose(f);
}

TEST(odd_lists) {
    put_words(scratch("some"), 8000, 2, 1, 2, false);
    remove(scratch("some/w0_s0_9.wav"));
    put_list("File,Label,speaker", "", 0); /* capitals */
    goss_sounds *s = open_words(scratch("odd.csv"), "");
    const goss_class_set *set = goss_sounds_set(s);
    T_EQ(set->samples, 3);
    T_EQ(set->field[0].values, 1); /* an empty cell is no speaker */
    T_EQ(set->field[0].of[0], 0);
    T_EQ(set->field[0].of[1], -1);
    goss_sounds_close(s);
    put_list("file,label,file", "", 0); /* the second is a field */
    s = open_words(scratch("odd.csv"), "");
    T_STR(goss_sounds_set(s)->field[0].name, "file");
    goss_sounds_close(s);
    put_list("file,label,speaker", "some/no.wav,a,x\n", 16);
    T_ERR(open_front(scratch("odd.csv"), "", false), GOSS_E_IO, "odd.csv:5: there is no file");
    T_EQ(open_front(scratch("odd.csv"), "", true), GOSS_OK);
    put_list("file,label,speaker", "some/w\0.wav,a,x\n", 16);
    T_ERR(open_front(scratch("odd.csv"), "", false), GOSS_E_FORMAT, "odd.csv:5: a zero byte");
    FILE *f = fopen(scratch("odd.csv"), "w");
    fputs("file,class,speaker,speaker\nsome/w0_s0_0.wav,a,x,y\n", f), fclose(f);
    T_ERR(open_front(scratch("odd.csv"), "", false), GOSS_E_FORMAT,
          "odd.csv:1: the header names the column speaker twice");
    char **paths;
    int n;
    f = fopen(scratch("odd.csv"), "w");
    fputs("file\nsome/w0_s0_0.wav\nsome/no.wav\n", f), fclose(f);
    T_OK(goss_sound_paths(scratch("odd.csv"), &paths, &n, &err)); /* without classes */
    T_EQ(n, 2);
    goss_sound_paths_free(paths, n);
    T_ERR(open_front(scratch("odd.csv"), "", false), GOSS_E_FORMAT, "there is no column class");
    T_EQ(symlink("nowhere", scratch("some/w1_s0_8.wav")), 0);
    T_ERR(open_front(scratch("some"), "{class}_{speaker}_{take}.wav", false), GOSS_E_IO, "w1_s0_8.wav");
    T_EQ(open_front(scratch("some"), "{class}_{speaker}_{take}.wav", true), GOSS_OK);
    remove(scratch("some/w1_s0_8.wav"));
}

/* ---- episodes ---- */

/* Recordings of no speaker are in no episode of one. */
TEST(unknown_values_are_in_no_group) {
    put_words(scratch("some"), 8000, 2, 2, 3, false);
    FILE *f = fopen(scratch("who.csv"), "w");
    fputs("file,class,speaker\n", f);
    for (int i = 0; i < 12; i++)
        fprintf(f, "some/w%d_s%d_%d.wav,w%d,%s\n", i / 6, i / 3 % 2, i % 3, i / 6, i / 3 % 2 ? "" : "s0");
    fclose(f);
    goss_sounds *s = open_words(scratch("who.csv"), "");
    goss_class_episodes o = goss_class_episodes_defaults();
    goss_task_source source;
    goss_class_scope scope;
    o.ways = 2, o.queries = 2, o.group = goss_class_set_field(goss_sounds_set(s), "speaker");
    T_OK(goss_class_episodes_open(goss_sounds_set(s), NULL, &o, &source, &scope, &err));
    T_EQ(scope.groups, 1);
    T_EQ(scope.samples, 6);
    goss_task_source_free(&source);
    goss_sounds_close(s);
}

typedef struct drawn {
    float *support, *query, support_target[64], query_target[64], query_weight[64];
    int32_t support_rows[64], query_rows[64];
    goss_task task;
} drawn;

static void draw(const goss_task_source *source, uint64_t k, drawn *d) {
    const size_t x = goss_task_input_size(&source->spec);
    *d = (drawn){.support = calloc(64 * x, sizeof(float)), .query = calloc(64 * x, sizeof(float))};
    for (int i = 0; i < 64; i++) d->query_weight[i] = 1;
    d->task = (goss_task){.support = d->support,
                          .query = d->query,
                          .support_target = d->support_target,
                          .query_target = d->query_target,
                          .query_weight = d->query_weight,
                          .support_rows = d->support_rows,
                          .query_rows = d->query_rows};
    source->draw(source, k, &d->task);
}

static void free_drawn(drawn *d) { free(d->support), free(d->query); }

TEST(episodes_within_a_speaker) {
    put_words(scratch("many"), 8000, 4, 3, 4, false);
    goss_sounds *s = open_words(scratch("many"), "{class}_{speaker}_{take}.wav");
    const goss_class_set *set = goss_sounds_set(s);
    const int speaker = goss_class_set_field(set, "speaker");
    goss_class_episodes o = goss_class_episodes_defaults();
    goss_task_source source;
    goss_class_scope scope;
    int seen[3] = {0};
    o.ways = 2, o.shots = 2, o.queries = 2, o.unknown = 1, o.group = speaker;
    T_OK(goss_class_episodes_open(set, NULL, &o, &source, &scope, &err));
    T_EQ(scope.groups, 3);
    T_EQ(scope.samples, 48);
    T_EQ(scope.least, 4);
    for (uint64_t k = 0; k < 30; k++) {
        drawn d, again;
        draw(&source, k, &d), draw(&source, k, &again);
        T_EQ(d.task.supports, 4);
        T_EQ(d.task.queries, 6);
        T_EQ(d.task.outputs, 2);
        const int who = set->field[speaker].of[d.support_rows[0]];
        seen[who]++;
        for (int i = 0; i < 4; i++) T_EQ(set->field[speaker].of[d.support_rows[i]], who);
        int class_of[2] = {set->class_of[d.support_rows[0]], set->class_of[d.support_rows[2]]};
        T_CHECK(class_of[0] != class_of[1]);
        for (int i = 0; i < 6; i++) {
            T_EQ(set->field[speaker].of[d.query_rows[i]], who);
            const int cls = set->class_of[d.query_rows[i]], w = i < 2 ? 0 : i < 4 ? 1 : -1;
            T_EQ((int)d.query_target[i], w);
            T_EQ((int)d.query_weight[i], w >= 0);
            T_CHECK(w >= 0 ? cls == class_of[w] : cls != class_of[0] && cls != class_of[1]);
            for (int j = 0; j < 4; j++) T_CHECK(d.query_rows[i] != d.support_rows[j]);
        }
        T_CHECK(memcmp(d.query, again.query, 6 * 64 * 40 * sizeof(float)) == 0);
        free_drawn(&d), free_drawn(&again);
    }
    T_CHECK(seen[0] > 3 && seen[1] > 3 && seen[2] > 3);
    goss_task_source_free(&source);
    o.ways = 4;
    T_ERR(goss_class_episodes_open(set, NULL, &o, &source, NULL, &err), GOSS_E_ARGUMENT, "of one speaker");
    o.ways = 2, o.shots = 3;
    T_ERR(goss_class_episodes_open(set, NULL, &o, &source, NULL, &err), GOSS_E_ARGUMENT, "at least 5 recordings");
    goss_sounds_close(s);
}

/* Queries of silence: noise, another one each, behind all others, of no class; what else is drawn does not change. */
TEST(silence_in_episodes) {
    put_words(scratch("still"), 8000, 2, 1, 4, false);
    goss_sound_front f = goss_sound_front_defaults();
    f.pattern = "{class}_{speaker}_{take}.wav";
    goss_class_episodes o = {.ways = 2, .shots = 2, .queries = 2, .group = -1};
    goss_task_source plain, still;
    goss_sounds *s;
    T_OK(goss_sounds_open(scratch("still"), &f, NULL, &s, &err));
    T_OK(goss_class_episodes_open(goss_sounds_set(s), NULL, &o, &plain, NULL, &err));
    o.silence = 3;
    T_OK(goss_class_episodes_open(goss_sounds_set(s), NULL, &o, &still, NULL, &err));
    T_EQ(still.spec.queries, 4 + 3);
    const size_t x = 64 * 40;
    float *query = calloc(7 * x, sizeof *query), *other = calloc(4 * x, sizeof *other), target[7], weight[7];
    int32_t rows[7];
    for (int i = 0; i < 7; i++) weight[i] = 1;
    still.draw(&still, 5,
               &(goss_task){.query = query, .query_target = target, .query_weight = weight, .query_rows = rows});
    plain.draw(&plain, 5, &(goss_task){.query = other});
    T_CHECK(memcmp(query, other, 4 * x * sizeof *query) == 0);
    for (int i = 4; i < 7; i++) {
        T_CHECK(target[i] < 0 && weight[i] == 0 && rows[i] == -1);
        for (int k = 0; k < i; k++)
            T_CHECK(memcmp(query + (size_t)i * x, query + (size_t)k * x, x * sizeof *query) != 0);
    }
    free(query), free(other);
    o.silence = -1;
    goss_task_source none;
    T_ERR(goss_class_episodes_open(goss_sounds_set(s), NULL, &o, &none, NULL, &err), GOSS_E_ARGUMENT, "silence");
    goss_task_source_free(&plain), goss_task_source_free(&still);
    goss_sounds_close(s);
}

/* Augmented copies are other ones of the same choice, the same at every draw. */
TEST(augmentation) {
    put_words(scratch("aug"), 8000, 2, 1, 4, false);
    goss_sound_front f = goss_sound_front_defaults();
    f.pattern = "{class}_{speaker}_{take}.wav", f.normal = GOSS_SOUND_NONE;
    static const goss_sound_augment each[] = {{.shift = 100}, {.gain = 10},  {.noise = 10},  {.speed = 0.2},
                                              {.masks = 0.4}, {.warp = 0.2}, {.voice = 0.2}, {.shift = 0}};
    for (int i = 0; i < 8; i++) {
        goss_sounds_options so = {.augment = each[i]};
        goss_class_episodes o = {.ways = 2, .shots = 2, .queries = 2, .group = -1};
        goss_task_source plain, changed;
        goss_sounds *s;
        drawn a, b, c;
        T_NOTE("augmentation %d", i);
        T_OK(goss_sounds_open(scratch("aug"), &f, &so, &s, &err));
        T_OK(goss_class_episodes_open(goss_sounds_set(s), NULL, &o, &plain, NULL, &err));
        o.augment = true;
        T_OK(goss_class_episodes_open(goss_sounds_set(s), NULL, &o, &changed, NULL, &err));
        draw(&plain, 3, &a), draw(&changed, 3, &b), draw(&changed, 3, &c);
        T_CHECK(memcmp(a.support_rows, b.support_rows, sizeof a.support_rows) == 0);
        const double moved = apart(a.support, b.support, 4 * 64 * 40);
        T_CHECK(i < 7 ? moved > 0.01 && moved < 1 : moved < 1e-6);
        T_CHECK(memcmp(b.query, c.query, 4 * 64 * 40 * sizeof(float)) == 0);
        free_drawn(&a), free_drawn(&b), free_drawn(&c);
        goss_task_source_free(&plain), goss_task_source_free(&changed);
        goss_sounds_close(s);
    }
    f.normal = GOSS_SOUND_MEAN;
    goss_sounds *s;
    const goss_sounds_options deaf = {.augment = {.gain = 10}};
    T_ERR(goss_sounds_open(scratch("aug"), &f, &deaf, &s, &err), GOSS_E_ARGUMENT, "augment.gain = 10 has no effect");
}

/* A voice is of an episode: whatever differs between copies otherwise, it changes all of them alike. */
TEST(a_voice_is_of_an_episode) {
    put_words(scratch("voice"), 8000, 2, 1, 4, false);
    goss_sound_front f = goss_sound_front_defaults();
    f.pattern = "{class}_{speaker}_{take}.wav";
    const goss_sounds_options o = {.augment = {.voice = 0.2}};
    goss_sounds *s;
    T_OK(goss_sounds_open(scratch("voice"), &f, &o, &s, &err));
    const goss_class_set *set = goss_sounds_set(s);
    const size_t n = (size_t)(set->input[0] * set->input[1] * (set->input_rank > 2 ? set->input[2] : 1));
    static const goss_class_random of[] = {{5, 7}, {6, 7}, {5, 8}};
    void *scratch_memory = aligned_alloc(64, (set->scratch_size + 63) / 64 * 64);
    float *x[3];
    for (int i = 0; i < 3; i++) {
        x[i] = calloc(n, sizeof *x[i]);
        set->copy(set, 0, of[i], scratch_memory, x[i]);
    }
    T_CHECK(memcmp(x[0], x[1], n * sizeof **x) == 0);
    T_CHECK(memcmp(x[0], x[2], n * sizeof **x) != 0);
    for (int i = 0; i < 3; i++) free(x[i]);
    free(scratch_memory);
    goss_sounds_close(s);
}

/* A tone is heard where its frequency times the factor is, and nothing moves by a factor of 1. */
TEST(a_vocal_tract_moves_frequencies) {
    enum { RATE = 8000, N = 2000, MELS = 60, FFT = 1024 };
    const goss_mel_options o = {
        .rate = RATE, .fft = FFT, .window = 400, .hop = 80, .mels = MELS, .low = 50, .high = 4000};
    static const double factor[] = {1, 0.8, 1.25};
    static float samples[N], scratch_fft[48 * FFT], power[MELS], of[MELS], room[MELS];
    goss_mel *m;
    T_OK(goss_mel_new(&o, &m, &err));
    T_CHECK(goss_mel_scratch(m) <= 48 * FFT);
    for (int i = 0; i < 3; i++) {
        int most = 0, expected = 0;
        for (int n = 0; n < N; n++) samples[n] = (float)sin(2 * 3.14159265358979 * 1200 * n / RATE);
        goss_mel_power(m, samples, N, 10, 1, scratch_fft, power);
        goss__mel_warp(m, factor[i], power, 1, room);
        for (int n = 0; n < N; n++) samples[n] = (float)sin(2 * 3.14159265358979 * 1200 * factor[i] * n / RATE);
        goss_mel_power(m, samples, N, 10, 1, scratch_fft, of);
        for (int k = 1; k < MELS; k++) {
            if (power[k] > power[most]) most = k;
            if (of[k] > of[expected]) expected = k;
        }
        T_NOTE("factor %g: band %d, of the tone itself %d", factor[i], most, expected);
        T_CHECK(abs(most - expected) <= 1);
        if (i == 0) T_CHECK(memcmp(power, of, sizeof of) == 0);
    }
    goss_mel_free(m);
}

TEST_MAIN()
