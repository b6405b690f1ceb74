/* SPDX-License-Identifier: Apache-2.0 */
/* test_sound.c: recordings: spectra against librosa's, front ends, files, and sets of recordings. */
#include "sound/mel.h"
#include "gossamer/sound.h"
#include "scratch.h"
#include "sound_files.h"

#if GOSS_HAVE_SNDFILE
#include <sndfile.h>
#endif

static goss_error err;

/* ---- librosa's values (tools/golden/sound.py) ---- */

static void golden_wave(int rate, int n, float *x) {
    static const double pi = 3.14159265358979323846;
    uint32_t state = 1;
    for (int i = 0; i < n; i++) {
        const double t = (double)i / rate;
        state = (state * 1103515245u + 12345u) & 0x7fffffff;
        double v = 0.5 * sin(2 * pi * (200 * t + 600 * t * t)) + 0.25 * sin(2 * pi * 1250 * t);
        v += 0.02 * ((double)state / (1 << 30) - 1);
        x[i] = i < n - n / 5 ? (float)v : 0;
    }
}

typedef struct spectra {
    int frames, mels, coefficients;
    float *power, *decibels, *cepstra;
} spectra;

static void make_spectra(const goss_mel_options *o, int n, int coefficients, spectra *s) {
    goss_mel *m;
    float *x = calloc((size_t)n, sizeof *x), *scratch;
    T_OK(goss_mel_new(o, &m, &err));
    T_CHECK(scratch = calloc(goss_mel_scratch(m), sizeof *scratch));
    golden_wave(o->rate, n, x);
    *s = (spectra){goss_mel_frames(m, (size_t)n), o->mels, coefficients, NULL, NULL, NULL};
    const size_t size = (size_t)(s->frames * s->mels);
    s->power = calloc(size, sizeof(float)), s->decibels = calloc(size, sizeof(float));
    s->cepstra = calloc((size_t)(s->frames * coefficients), sizeof(float));
    goss_mel_power(m, x, (size_t)n, 0, s->frames, scratch, s->power);
    memcpy(s->decibels, s->power, size * sizeof(float));
    goss_decibels(s->decibels, size, 80);
    T_OK(goss_cepstrum(s->decibels, s->frames, s->mels, coefficients, s->cepstra, &err));
    goss_mel_free(m);
    free(x), free(scratch);
}

static void free_spectra(spectra *s) { free(s->power), free(s->decibels), free(s->cepstra); }

/* A line of the file: numbers of one frame. Powers to 1e-4 of the number, decibels and cepstra to 0.002. */
static int compare_line(const char *name, const spectra *s, char *line) {
    char of[32], what[32];
    int frame, at;
    if (sscanf(line, "%31s %31s %d%n", of, what, &frame, &at) != 3 || strcmp(of, name) != 0) return 0;
    const bool power = strcmp(what, "power") == 0, cepstra = strcmp(what, "cepstra") == 0;
    const int width = cepstra ? s->coefficients : s->mels;
    const float *v = (power ? s->power : cepstra ? s->cepstra : s->decibels) + frame * width;
    T_CHECK(frame < s->frames);
    T_NOTE("%s %s of frame %d", name, what, frame);
    char *number = line + at;
    for (int i = 0; i < width; i++) {
        const double want = strtod(number, &number);
        T_NEAR((double)v[i], want, power ? 1e-4 * want + 1e-9 : 2e-3);
    }
    return 1;
}

static void compare(const char *name, const goss_mel_options *o, int n, int coefficients) {
    spectra s;
    char line[4000];
    int lines = 0;
    FILE *f = fopen("tests/golden/sound.txt", "r");
    T_CHECK(f);
    make_spectra(o, n, coefficients, &s);
    while (fgets(line, sizeof line, f)) lines += compare_line(name, &s, line);
    fclose(f);
    T_EQ(lines, 3 * ((s.frames + 6) / 7));
    free_spectra(&s);
}

TEST(spectra_are_librosas) {
    const goss_mel_options narrow = {8000, 256, 200, 80, 40, 50, 4000}, wide = {16000, 512, 400, 160, 64, 0, 8000};
    compare("narrow", &narrow, 4000, 20);
    compare("wide", &wide, 6000, 13);
}

TEST(impossible_spectra_are_refused) {
    goss_mel *m;
    const goss_mel_options good = {8000, 256, 200, 80, 40, 50, 4000};
    goss_mel_options o = good;
    o.fft = 200;
    T_ERR(goss_mel_new(&o, &m, &err), GOSS_E_ARGUMENT, "a power of two");
    o = good, o.window = 300;
    T_ERR(goss_mel_new(&o, &m, &err), GOSS_E_ARGUMENT, "a window of 300");
    o = good, o.high = 4001;
    T_ERR(goss_mel_new(&o, &m, &err), GOSS_E_ARGUMENT, "up to 4000");
    o = good, o.mels = 200;
    T_ERR(goss_mel_new(&o, &m, &err), GOSS_E_ARGUMENT, "narrower than the spectrum's steps");
}

/* ---- front ends ---- */

static float *sample_of(const goss_sound_front *f, const float *x, int n, size_t *size) {
    goss_sound_reader *r;
    int64_t extents[GOSS_TASK_MAX_RANK];
    const int rank = goss_sound_shape_of(f, extents);
    *size = 1;
    for (int i = 0; i < rank; i++) *size *= (size_t)extents[i];
    float *out = calloc(*size, sizeof *out);
    T_OK(goss_sound_reader_new(f, &r, &err));
    T_OK(goss_sound_reader_sample(r, x, (size_t)n, out, NULL, &err));
    goss_sound_reader_free(r);
    return out;
}

static double apart(const float *a, const float *b, size_t n) {
    double sum = 0, all = 0;
    for (size_t i = 0; i < n; i++) sum += pow((double)(a[i] - b[i]), 2), all += pow((double)a[i], 2);
    return sqrt(sum / (all + 1e-9));
}

/* Gain is nothing to `level` and `mean`; `none` hears it, 6.02 decibels. */
TEST(normalisation_hides_gain) {
    float x[8000], loud[8000];
    size_t size;
    const int n = make_word(x, 8000, 1, 0, 0);
    for (int i = 0; i < n; i++) loud[i] = 2 * x[i];
    for (unsigned normal = GOSS_SOUND_NONE; normal <= GOSS_SOUND_STANDARD; normal++) {
        goss_sound_front f = goss_sound_front_defaults();
        f.normal = normal;
        float *a = sample_of(&f, x, n, &size), *b = sample_of(&f, loud, n, &size);
        double most = 0;
        for (size_t i = 0; i < size; i++) most = fmax(most, fabs((double)(a[i] - b[i])));
        T_NOTE("normalisation %u", normal);
        if (normal == GOSS_SOUND_NONE)
            T_NEAR(most, 6.0206 / 20, 1e-3);
        else
            T_CHECK(most < 1e-3);
        free(a), free(b);
    }
}

/* Silence around a word is cut, so that it says nothing; without trimming it does. */
TEST(silence_is_trimmed) {
    float x[8000], padded[16000] = {0};
    size_t size;
    const int n = make_word(x, 8000, 2, 0, 0);
    memcpy(padded + 4000, x, (size_t)n * sizeof *x); /* a whole number of hops */
    goss_sound_front f = goss_sound_front_defaults();
    for (int cut = 1; cut >= 0; cut--) {
        f.trim = cut ? 25 : 0;
        float *a = sample_of(&f, x, n, &size), *b = sample_of(&f, padded, n + 8000, &size);
        T_CHECK(cut ? apart(a, b, size) < 1e-6 : apart(a, b, size) > 0.3);
        free(a), free(b);
    }
}

/* A word said at half the speed is the same sample when stretched; padded, it is longer. */
TEST(fits) {
    float x[16000], slow[16000];
    size_t size;
    goss_sound_front f = goss_sound_front_defaults();
    f.normal = GOSS_SOUND_LEVEL, f.trim = 0, f.frames = 80;
    for (int i = 0; i < 4000; i++) x[i] = sinf(0.2F * (float)i) * (i < 2000 ? 1.0F : 0.1F);
    for (int i = 0; i < 8000; i++) slow[i] = sinf(0.2F * (float)i) * (i < 4000 ? 1.0F : 0.1F);
    float *a = sample_of(&f, x, 4000, &size), *b = sample_of(&f, slow, 8000, &size);
    T_CHECK(apart(a, b, size) < 0.2); /* but for the frame in which it becomes quieter */
    free(a), free(b);
    f.fit = GOSS_SOUND_PAD;
    a = sample_of(&f, x, 4000, &size), b = sample_of(&f, slow, 8000, &size);
    T_CHECK(apart(a, b, size) > 0.4);
    free(b);
    for (int k = 0; k < f.mels; k++) T_CHECK(a[k] == 0 && a[14 * f.mels + k] >= 0 && a[79 * f.mels + k] == 0);
    double inside = 0;
    for (int k = 0; k < f.mels; k++) inside += (double)a[30 * f.mels + k];
    T_CHECK(inside > 10); /* 51 frames, from frame 14 on */
    free(a);
}

/* Ragged: as many frames as there are, in front; no more than there is room for. */
TEST(lengths) {
    float x[4000], out[100 * 40];
    int32_t steps;
    goss_sound_reader *r;
    goss_sound_front f = goss_sound_front_defaults();
    for (int i = 0; i < 4000; i++) x[i] = sinf(0.2F * (float)i);
    f.fit = GOSS_SOUND_RAGGED, f.trim = 0, f.frames = 100;
    T_ERR(goss_sound_reader_new(&f, &r, &err), GOSS_E_ARGUMENT, "an image has no length");
    f.shape = GOSS_SOUND_SEQUENCE, f.normal = GOSS_SOUND_LEVEL;
    for (int most = 100; most >= 20; most -= 80) {
        f.frames = most;
        T_OK(goss_sound_reader_new(&f, &r, &err));
        T_OK(goss_sound_reader_sample(r, x, 4000, out, &steps, &err));
        T_EQ(steps, most == 100 ? 51 : 20);
        double end = 0, behind = 0;
        for (int k = 0; k < 40; k++) end += (double)out[(steps - 1) * 40 + k];
        for (int i = steps * 40; i < most * 40; i++) behind += fabs((double)out[i]);
        T_CHECK(end > 10 && behind == 0);
        goss_sound_reader_free(r);
    }
}

TEST(front_ends_are_texts) {
    goss_sound_front f = goss_sound_front_defaults(), *back;
    char *text;
    f.pattern = "{speaker}/{class}=x_{take}.wav", f.rate = 16000, f.window = 31.7, f.fit = GOSS_SOUND_PAD;
    f.features = GOSS_SOUND_MFCC, f.normal = GOSS_SOUND_STANDARD, f.frames = 33;
    T_OK(goss_sound_front_text(&f, &text, &err));
    T_OK(goss_sound_front_parse(text, &back, &err));
    T_STR(back->pattern, f.pattern);
    T_EQ(back->rate, 16000);
    T_CHECK(back->window == f.window && back->hop == f.hop && back->low == f.low);
    T_CHECK(back->fit == f.fit && back->features == f.features && back->normal == f.normal && back->frames == 33);
    goss_sound_front_free(back);
    goss_sound_text_free(text);
    T_ERR(goss_sound_front_parse("sound.rate=much\n", &back, &err), GOSS_E_FORMAT, "damaged, or of another version");
    T_ERR(goss_sound_front_parse("sound.colour=blue\n", &back, &err), GOSS_E_FORMAT, "sound.colour");
    T_ERR(goss_sound_front_parse("sound.rate=8000\nsound.high=5000\n", &back, &err), GOSS_E_FORMAT, "up to 4000");
    T_ERR(goss_sound_front_parse("data.pattern={word}.wav\n", &back, &err), GOSS_E_FORMAT, "{class}");
}

/* ---- files ---- */

TEST(wav_files) {
    float x[8000];
    goss_wave w;
    for (int i = 0; i < 4000; i++) x[2 * i] = 0.5F, x[2 * i + 1] = i % 2 ? 0.25F : -0.25F;
    put_wav(scratch("two.wav"), 8000, 2, x, 4000);
    T_OK(goss_wave_read(scratch("two.wav"), 0, 0, &w, &err));
    T_EQ(w.n, 4000);
    T_EQ(w.rate, 8000);
    for (int i = 0; i < 4000; i++) T_NEAR((double)w.samples[i], i % 2 ? 0.375 : 0.125, 1e-4);
    goss_wave_free(&w);
    T_ERR(goss_wave_read(scratch("two.wav"), 0, 0.2, &w, &err), GOSS_E_FORMAT, "longer than 0.2 seconds");
    T_ERR(goss_wave_read(scratch("none.wav"), 0, 0, &w, &err), GOSS_E_IO, "none.wav");
    FILE *f = fopen(scratch("bad.wav"), "w");
    fputs("this is no sound", f), fclose(f);
    T_ERR(goss_wave_read(scratch("bad.wav"), 0, 0, &w, &err), GOSS_E_FORMAT, "no sound file that can be read");
    put_wav(scratch("empty.wav"), 8000, 1, x, 0);
    T_ERR(goss_wave_read(scratch("empty.wav"), 0, 0, &w, &err), GOSS_E_FORMAT, "empty.wav");
}

#if GOSS_HAVE_SNDFILE
static void put_encoded(const char *path, int format, const float *x, int n) {
    SF_INFO info = {.samplerate = 8000, .channels = 1, .format = format};
    SNDFILE *f = sf_open(path, SFM_WRITE, &info);
    if (!f) T_SKIP("this libsndfile does not write %s", path);
    T_CHECK(sf_write_float(f, x, n) == n);
    sf_close(f);
}

/* A recording is the same one in a lossless format, and nearly in a lossy one. */
TEST(flac_and_ogg_files) {
    float x[8000];
    goss_wave wav, other;
    const int n = make_word(x, 8000, 3, 1, 2);
    put_wav(scratch("a.wav"), 8000, 1, x, n);
    T_OK(goss_wave_read(scratch("a.wav"), 0, 0, &wav, &err));
    put_encoded(scratch("a.flac"), SF_FORMAT_FLAC | SF_FORMAT_PCM_16, wav.samples, n);
    T_OK(goss_wave_read(scratch("a.flac"), 0, 0, &other, &err));
    T_CHECK(other.n == wav.n && other.hash == wav.hash);
    goss_wave_free(&other);
    put_encoded(scratch("a.ogg"), SF_FORMAT_OGG | SF_FORMAT_VORBIS, wav.samples, n);
    T_OK(goss_wave_read(scratch("a.ogg"), 8000, 0, &other, &err));
    T_EQ(other.n, wav.n);
    T_CHECK(apart(wav.samples, other.samples, wav.n) < 0.5 && other.hash != wav.hash);
    goss_wave_free(&wav), goss_wave_free(&other);
}
#endif

/* A tone keeps its frequency: zero crossings a second. */
TEST(resampling) {
    float x[44100];
    goss_wave w;
    int crossings = 0;
    for (int i = 0; i < 44100; i++) x[i] = 0.5F * sinf(6.2831853F * 440 * (float)i / 44100);
    put_wav(scratch("tone.wav"), 44100, 1, x, 44100);
    T_OK(goss_wave_read(scratch("tone.wav"), 8000, 0, &w, &err));
    T_EQ(w.rate, 8000);
    T_NEAR((double)w.n, 8000, 2);
    for (size_t i = 1; i < w.n; i++) crossings += (w.samples[i] > 0) != (w.samples[i - 1] > 0);
    T_NEAR(crossings, 880, 3);
    for (size_t i = 1000; i < 7000; i++) T_CHECK(fabsf(w.samples[i]) < 0.51F);
    goss_wave_free(&w);
}

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

/* ---- episodes ---- */

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
    static const goss_sound_augment each[] = {{.shift = 100}, {.gain = 10},  {.noise = 10}, {.speed = 0.2},
                                              {.masks = 0.4}, {.warp = 0.2}, {.shift = 0}};
    for (int i = 0; i < 7; i++) {
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
        T_CHECK(i < 6 ? moved > 0.01 && moved < 1 : moved < 1e-6);
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

/* ---- streams ---- */

typedef struct event_list {
    int n;
    int64_t start[16], end[16];
    double sum[16];
} event_list;

static goss_status take_event(void *context, int64_t start, const float *samples, size_t n, goss_error *e) {
    event_list *l = context;
    (void)e;
    T_CHECK(l->n < 16);
    l->start[l->n] = start, l->end[l->n] = start + (int64_t)n, l->sum[l->n] = 0;
    for (size_t i = 0; i < n; i++) l->sum[l->n] += (double)samples[i] * (double)(i % 97);
    l->n++;
    return GOSS_OK;
}

static void find_events(const float *x, size_t n, size_t chunk, event_list *l) {
    goss_event_finder *f;
    *l = (event_list){0};
    T_OK(goss_event_finder_new(8000, NULL, &f, &err));
    for (size_t at = 0; at < n; at += chunk)
        T_OK(goss_event_finder_push(f, x + at, n - at < chunk ? n - at : chunk, take_event, l, &err));
    T_OK(goss_event_finder_end(f, take_event, l, &err));
    goss_event_finder_free(f);
}

/* Three words, and a click that is none, in faint noise: found where they are, however the stream is cut. */
TEST(events_of_a_stream) {
    enum { ALL = 40000 };
    static float x[ALL], word[8000];
    static const int at[3] = {5000, 14000, 30000};
    event_list whole, cut;
    uint32_t state = 7;
    for (int i = 0; i < ALL; i++) {
        state = state * 1103515245u + 12345u;
        x[i] = 0.002F * ((float)(state >> 16 & 0x7fff) / 16384 - 1);
    }
    for (int k = 0; k < 3; k++) {
        const int n = make_word(word, 8000, k, 0, 0);
        for (int i = 0; i < n; i++) x[at[k] + i] += word[i];
    }
    for (int i = 24000; i < 24100; i++) x[i] = 0.5F;
    find_events(x, ALL, ALL, &whole);
    T_EQ(whole.n, 3);
    for (int k = 0; k < 3; k++) { /* a word begins 400 samples after its place, and takes 2400 */
        T_CHECK(llabs(whole.start[k] - at[k]) < 500);
        T_CHECK(llabs(whole.end[k] - at[k] - 3200) < 500);
    }
    static const size_t chunks[] = {1, 79, 80, 81, 1024};
    for (int i = 0; i < 5; i++) {
        find_events(x, ALL, chunks[i], &cut);
        T_NOTE("%zu samples at a time", chunks[i]);
        T_CHECK(memcmp(&whole, &cut, sizeof cut) == 0);
    }
}

/* What does not end is cut, and then taken for noise. */
TEST(a_hum_is_no_word_for_ever) {
    enum { ALL = 80000 };
    static float x[ALL];
    event_list l;
    for (int i = 8000; i < ALL; i++) x[i] = 0.3F * sinf(0.3F * (float)i);
    find_events(x, ALL, 1000, &l);
    T_EQ(l.n, 1);
    T_NEAR((double)(l.end[0] - l.start[0]), 3 * 8000 + 400, 100);
}

TEST_MAIN()
