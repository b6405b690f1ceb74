/* SPDX-License-Identifier: Apache-2.0 */
/* test_sound.c: recordings: spectra against librosa's, front ends, files, streams. */
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

/* The header's size of the samples, written over. */
static void say_size(const char *path, uint32_t size) {
    FILE *f = fopen(path, "r+b");
    T_CHECK(f && fseek(f, 40, SEEK_SET) == 0);
    put_number(f, size, 4);
    T_CHECK(fclose(f) == 0);
}

/* Files whose end is missing, and those of writers to pipes, which do not know their size. */
TEST(truncated_wav_files) {
    static const uint32_t open_ended[] = {0x7fffff00, 0x80000000, 0xffffffff};
    float x[400];
    goss_wave w;
    for (int i = 0; i < 400; i++) x[i] = (float)(i % 9) / 20;
    put_wav(scratch("cut.wav"), 8000, 1, x, 400);
    say_size(scratch("cut.wav"), 802);
    T_ERR(goss_wave_read(scratch("cut.wav"), 0, 0, &w, &err), GOSS_E_FORMAT, "truncated: it has 800 of 802 bytes");
    for (size_t i = 0; i < sizeof open_ended / sizeof *open_ended; i++) {
        say_size(scratch("cut.wav"), open_ended[i]);
        T_OK(goss_wave_read(scratch("cut.wav"), 0, 0, &w, &err));
        T_EQ(w.n, 400);
        goss_wave_free(&w);
    }
}

static void put_floats(const char *path, const float *x, int n) {
    FILE *f = fopen(path, "wb");
    T_CHECK(f);
    fputs("RIFF", f), put_number(f, (uint32_t)(36 + 4 * n), 4), fputs("WAVEfmt ", f), put_number(f, 16, 4);
    put_number(f, 3, 2), put_number(f, 1, 2), put_number(f, 8000, 4), put_number(f, 32000, 4), put_number(f, 4, 2);
    put_number(f, 32, 2), fputs("data", f), put_number(f, (uint32_t)(4 * n), 4);
    T_CHECK(fwrite(x, 4, (size_t)n, f) == (size_t)n && fclose(f) == 0);
}

/* Finite samples whose spectrum is not. */
TEST(samples_out_of_range) {
    float x[400];
    goss_wave w;
    for (int i = 0; i < 400; i++) x[i] = 2e9F * (float)(i % 9 - 4) / 4; /* whole numbers of 32 bits */
    put_floats(scratch("loud.wav"), x, 400);
    T_OK(goss_wave_read(scratch("loud.wav"), 0, 0, &w, &err));
    goss_wave_free(&w);
    x[7] = -1e30F;
    put_floats(scratch("loud.wav"), x, 400);
    T_ERR(goss_wave_read(scratch("loud.wav"), 0, 0, &w, &err), GOSS_E_FORMAT, "sample 7 is -1e+30");
    x[7] = (float)NAN;
    put_floats(scratch("loud.wav"), x, 400);
    T_ERR(goss_wave_read(scratch("loud.wav"), 0, 0, &w, &err), GOSS_E_FORMAT, "sample 7 is not finite");
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
