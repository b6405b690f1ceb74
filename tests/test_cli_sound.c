/* SPDX-License-Identifier: Apache-2.0 */
/* test_cli_sound.c: recordings in the command: train, eval, adapt, predict. Words are glides between tones, said by
 * speakers of other pitch (sound_files.h). */
#include "cli_run.h"
#include "sound_files.h"

static const char pattern[] = "data.pattern={class}_{speaker}_{take}.wav";

static void make_sounds(void) {
    static bool made;
    if (made) return;
    made = true;
    tiny_set();
    put_words(tiny_path("words"), 8000, 6, 4, 6, false);
    put_words(tiny_path("support"), 16000, 3, 1, 3, true);
}

/* Leaves speaker s3 out. */
static int train_words(const char *dir, const char *more) {
    char line[1500];
    make_sounds();
    snprintf(
        line, sizeof line,
        "train data.path=words '%s' data.leave_out=speaker=s3 train.group=speaker sound.frames=20 sound.mels=16 "
        "sound.trim=30 'model.backbone=conv 8 3 stride 2; norm batch; relu; conv 16 3 stride 2; relu; flatten' "
        "train.ways=4 train.shots=2 train.min_shots=1 train.queries=2 train.tasks=4 train.steps=60 validate.every=0 "
        "optimizer.rate=0.01 run.dir=%s %s",
        pattern, dir, more);
    const int status = run(line);
    T_NOTE("%s: %s", dir, err_text);
    return status;
}

#define LEARNS "train.method=protonet augment.speed=0.1 augment.noise=20 augment.masks=0.1 "

static void need_model(void) {
    static bool made;
    if (!made) T_EQ(train_words("model", LEARNS "run.threads=1"), 0);
    made = true;
}

/* A wav file of 16 bits, mono, in the scratch folder. */
static void put_wave(const char *name, int rate, const int16_t *samples, int n) {
    FILE *f = fopen(tiny_path(name), "wb");
    T_CHECK(f);
    fwrite("RIFF", 1, 4, f), put_number(f, (uint32_t)(36 + 2 * n), 4), fwrite("WAVEfmt ", 1, 8, f);
    put_number(f, 16, 4), put_number(f, 1, 2), put_number(f, 1, 2), put_number(f, (uint32_t)rate, 4);
    put_number(f, (uint32_t)(2 * rate), 4), put_number(f, 2, 2), put_number(f, 16, 2);
    fwrite("data", 1, 4, f), put_number(f, (uint32_t)(2 * n), 4);
    for (int i = 0; i < n; i++) put_number(f, (uint16_t)samples[i], 2);
    fclose(f);
}

static double number_after(const char *text, const char *key) {
    const char *at = strstr(text, key);
    if (!at) T_FAIL("\"%.300s\" has no %s", text, key);
    return strtod(at + strlen(key), NULL);
}

/* A speaker never heard, by a model that has learned. */
TEST(words_of_a_speaker_never_heard) {
    need_model();
    RUN(1, "eval model/model.safetensors --data words --ways 5 --group speaker --episodes 50");
    SAYS(err_text, "108 of the 144 recordings to judge on were trained on");
    RUN(0, "eval model/model.safetensors --data words --ways 5 --shots 1 --queries 3 --group speaker --episodes 60 "
           "--unseen --json --methods pixels");
    SAYS(out_text, "\"group\": \"speaker\"");
    SAYS(out_text, "\"samples\": 36, \"seen\": 0");
    SAYS(out_text, "\"groups\": {\"s3\": {\"episodes\": 60");
    T_CHECK(accuracy_of("protonet") > 0.8);
    T_CHECK(accuracy_of("pixels") > 0.3); /* on the same episodes */
}

TEST(allowed_and_open_sets) {
    need_model();
    RUN(0, "eval model/model.safetensors --data words --ways 3 --shots 2 --queries 3 --group speaker --open-set 2 "
           "--episodes 40 --allow-seen --json");
    SAYS(out_text, "\"open_set\": {\"unknown\": 2, \"accuracy_at_5_far\": ");
    const double open = number_after(out_text, "accuracy_at_5_far\": ");
    SAYS(out_text, "\"silence\": true}");
    T_CHECK(open > 0.2 && open < accuracy_of("protonet"));
    T_CHECK(number_after(out_text, "\"seen\": ") == 108);
    RUN(1, "eval model/model.safetensors --data words --ways 5 --queries 3 --group speaker --open-set 2 --allow-seen");
    SAYS(err_text, "5 ways and 2 unknown classes of one speaker");
    RUN(1, "eval model/model.safetensors --data words --ways 3 --group voice --allow-seen");
    SAYS(err_text, "--group: there is no field \"voice\"; there are speaker, take");
    RUN(2, "eval model/model.safetensors --data words --support 3");
    SAYS(err_text, "--support is for ");
    SAYS(err_text, "with tasks, and model/model.safetensors is of sounds");
}

TEST(three_recordings_become_a_classifier) {
    need_model();
    RUN(0, "adapt model/model.safetensors --support support -o net.safetensors");
    SAYS(err_text, "9 recordings of 3 classes");
    RUN(0, "predict net.safetensors support --json");
    int right = 0, all = 0;
    for (const char *at = out_text; (at = strstr(at, "{\"input\": \"support/w")); all++) {
        const char word = at[strlen("{\"input\": \"support/w")];
        at = strstr(at, "\"class\": \"w");
        right += at[strlen("\"class\": \"w")] == word;
    }
    T_EQ(all, 9);
    T_EQ(right, 9);
    RUN(1, "predict net.safetensors support/w1/s0_0.wav support/none.wav support/w2/s0_0.wav");
    SAYS(out_text, "support/w1/s0_0.wav\tw1\t");
    SAYS(out_text, "support/w2/s0_0.wav\tw2\t");
    SAYS(err_text, "support/none.wav");
}

/* A recording is no table, and no result is written over one. */
TEST(recordings_are_recognised) {
    need_model();
    RUN(1, "adapt model/model.safetensors --support support -o words/w0_s0_0.wav");
    SAYS(err_text, "words/w0_s0_0.wav exists and is a WAV recording and no earlier result");
    RUN(1, "inspect words/w0_s0_0.wav");
    SAYS(err_text, "a WAV recording");
}

/* A list to be answered needs no classes; what it lists in vain is told, and the others are answered. */
TEST(lists_of_recordings_are_answered) {
    need_model();
    RUN(0, "adapt model/model.safetensors --support support -o net.safetensors");
    FILE *f = fopen(tiny_path("ask.csv"), "w");
    T_CHECK(f);
    fputs("speaker,file\na,support/w1/s0_0.wav\nb,support/none.wav\n,support/w2/s0_0.wav\n", f), fclose(f);
    RUN(1, "predict net.safetensors ask.csv");
    SAYS(out_text, "support/w1/s0_0.wav\tw1\t");
    SAYS(out_text, "support/w2/s0_0.wav\tw2\t");
    SAYS(err_text, "support/none.wav");
}

/* Words one after the other, as raw samples at another rate than the model's: a line for each, in order. */
TEST(a_stream_of_words) {
    static float word[48000];
    static const int said[5] = {2, 0, 1, 0, 2};
    need_model();
    RUN(0, "adapt model/model.safetensors --support support -o net.safetensors");
    FILE *f = fopen(tiny_path("stream.raw"), "wb");
    T_CHECK(f);
    for (int k = 0; k < 5; k++) {
        const int n = make_word(word, 16000, said[k], 0, 1 + k % 2);
        for (int i = 0; i < 8000; i++) put_number(f, (uint32_t)(i % 3), 2);
        for (int i = 0; i < n; i++) put_number(f, (uint32_t)(int32_t)lrintf(32767 * word[i]) & 0xffff, 2);
    }
    for (int i = 0; i < 8000; i++) put_number(f, 0, 2);
    fclose(f);
    RUN(0, "predict net.safetensors --stream - --rate 16000 <stream.raw");
    const char *at = out_text;
    for (int k = 0; k < 5; k++) {
        T_NOTE("event %d of\n%s", k, out_text);
        const double start = number_after(at, "{\"start\": ");
        T_CHECK(start > 0.4);
        at = strstr(at + 1, "\"class\": \"w");
        T_CHECK(at);
        T_EQ(at[strlen("\"class\": \"w")] - '0', said[k]);
    }
    T_CHECK(!strstr(at + 1, "\"class\": "));
    RUN(2, "predict net.safetensors --rate 16000 support");
    SAYS(err_text, "--rate is the rate of a --stream");
    RUN(2, "predict net.safetensors -");
    SAYS(err_text, "--stream");
    RUN(1, "predict net.safetensors --stream nowhere.raw");
    SAYS(err_text, "nowhere.raw");
    RUN(1, "predict net.safetensors --stream support/w1/s0_0.wav");
    SAYS(err_text, "begins as a sound file does (RIFF)");
    T_STR(out_text, "");
}

/* The stream of that many words of 8 kHz, with noise between them; returns its samples. */
static int words_in_noise(int words, int16_t *out) {
    static float word[48000];
    int at = 0;
    for (int k = 0; k < words; k++) {
        const int n = make_word(word, 8000, k % 3, 0, 1 + k);
        for (int i = 0; i < 4000; i++) out[at++] = (int16_t)(i % 5 - 2);
        for (int i = 0; i < n; i++) out[at++] = (int16_t)lrintf(32767 * word[i]);
    }
    for (int i = 0; i < 4000; i++) out[at++] = (int16_t)(i % 5 - 2);
    return at;
}

/* A recurrent network hears an event frame by frame, and says the same as of a recording of it. */
TEST(states_are_carried_in_a_stream) {
    static int16_t samples[200000];
    T_EQ(train_words("carried",
                     "train.method=hypernet sound.shape=sequence sound.fit=ragged sound.frames=200 "
                     "sound.normalise=none sound.trim=0 train.steps=5 'model.backbone=gru 16; readout mean'"),
         0);
    RUN(0, "adapt carried/model.safetensors --support support -o carried.net");
    const int n = words_in_noise(4, samples);
    write_file("carried.raw", samples, (size_t)n * sizeof *samples);
    RUN(0, "predict carried.net --stream carried.raw");
    SAYS(err_text, "states are carried from frame to frame");
    SAYS(err_text, "4 events, ");
    SAYS(err_text, " microseconds a frame, ");
    char *lines = strdup(out_text), *rest = lines, *line;
    for (int k = 0; k < 4; k++) {
        line = strsep(&rest, "\n");
        T_NOTE("event %d: %s", k, line);
        const int start = (int)lrint(8000 * number_after(line, "{\"start\": ")),
                  end = (int)lrint(8000 * number_after(line, "\"end\": "));
        T_CHECK(end > start + 800);
        put_wave("event.wav", 8000, samples + start, end - start);
        RUN(0, "predict carried.net event.wav --json");
        T_NEAR(number_after(out_text, "\"w1\": "), number_after(line, "\"w1\": "), 3e-6);
        T_NEAR(number_after(out_text, "\"w2\": "), number_after(line, "\"w2\": "), 3e-6);
    }
    free(lines);
    /* What sees a whole recording is told, and heard as a whole. */
    RUN(0, "predict carried.net --stream carried.raw --rate 16000");
    SAYS(err_text, "events are heard as a whole: they are resampled");
    T_EQ(train_words("both", "train.method=hypernet sound.shape=sequence sound.fit=ragged sound.frames=200 "
                             "sound.normalise=none sound.trim=0 train.steps=2 "
                             "'model.backbone=gru 8 bidirectional; readout mean'"),
         0);
    RUN(0, "adapt both/model.safetensors --support support -o both.net");
    RUN(0, "predict both.net --stream carried.raw");
    SAYS(err_text, "events are heard as a whole: stream: ");
    SAYS(err_text, "4 events, ");
}

/* Nothing to be heard is no word. */
TEST(silence_is_told) {
    static int16_t samples[4000];
    need_model();
    RUN(0, "adapt model/model.safetensors --support support -o net.safetensors");
    for (int i = 0; i < 4000; i++) samples[i] = (int16_t)(i % 7 - 3);
    put_wave("quiet.wav", 8000, samples, 4000);
    RUN(0, "predict net.safetensors quiet.wav");
    SAYS(out_text, "quiet.wav\tsilence\t1.0000\n");
    RUN(0, "predict net.safetensors quiet.wav --json");
    SAYS(out_text, "\"class\": \"silence\", \"probability\": 1.000000, \"silence\": true}");
    for (int i = 0; i < 4000; i++) samples[i] = (int16_t)(1000 * sin(i * 0.7));
    put_wave("tone.wav", 8000, samples, 4000);
    RUN(0, "predict net.safetensors tone.wav --json");
    T_CHECK(!strstr(out_text, "silence"));
}

/* A recurrent target, on sequences of different lengths: what it says of a file does not depend on the others. */
/* More than are read at a time, one of which is no recording: each in its place, as it is alone. */
TEST(many_recordings_are_answered_in_order) {
    char line[300], name[40];
    int answers = 0;
    need_model();
    RUN(0, "adapt model/model.safetensors --support support -o net.safetensors");
    FILE *f = fopen(tiny_path("words/w5_s3_9.wav"), "w");
    T_CHECK(f);
    fputs("RIFF", f), fclose(f);
    RUN(1, "predict net.safetensors words");
    remove(tiny_path("words/w5_s3_9.wav"));
    char *all = strdup(out_text);
    SAYS(err_text, "w5_s3_9.wav");
    const char *last = all;
    for (int c = 0; c < 6; c++)
        for (int s = 0; s < 4; s++)
            for (int t = 0; t < 6; t++) {
                snprintf(name, sizeof name, "words/w%d_s%d_%d.wav", c, s, t);
                const char *at = strstr(all, name);
                T_CHECK(at && (at > last || at == all));
                last = at, answers++;
                if ((c + s + t) % 9) continue;
                snprintf(line, sizeof line, "predict net.safetensors %s", name);
                T_EQ(run(line), 0);
                T_CHECK(strncmp(at, out_text, strlen(out_text)) == 0);
            }
    T_EQ(answers, 144);
    free(all);
}

TEST(sequences_with_lengths) {
    T_EQ(train_words("gru", "train.method=hypernet sound.shape=sequence sound.fit=ragged sound.frames=50 "
                            "'model.backbone=gru 16; readout mean'"),
         0);
    RUN(0, "eval gru/model.safetensors --data words --ways 5 --shots 2 --queries 3 --group speaker --episodes 30 "
           "--unseen --json");
    T_CHECK(accuracy_of("hypernet") > 0.5);
    RUN(0, "adapt gru/model.safetensors --support support --precision int8 -o gru.net");
    RUN(0, "predict gru.net support/w1");
    char *all = strdup(out_text);
    RUN(0, "predict gru.net support/w1/s0_2.wav");
    T_CHECK(strlen(out_text) > 10 && strstr(all, out_text));
    free(all);
}

/* Any number of threads ends in the same weights. */
TEST(training_repeats_itself) {
    need_model();
    T_EQ(train_words("again", LEARNS "run.threads=2"), 0);
    T_CHECK(tiny_same_files(tiny_path("model/model.safetensors"), tiny_path("again/model.safetensors")));
}

TEST(what_cannot_be_is_refused_at_the_start) {
    T_EQ(train_words("bad", "train.group=voice"), 1);
    SAYS(err_text, "train.group: there is no field \"voice\"");
    T_EQ(train_words("bad", "train.ways=7"), 1);
    SAYS(err_text, "[train]: 7 ways of one speaker");
    T_EQ(train_words("bad", "validate.every=10 validate.ways=4"), 1);
    SAYS(err_text, "data.validate = speaker=s0");
    T_EQ(train_words("bad", "data.leave_out=speaker=bob"), 1);
    SAYS(err_text, "data.leave_out: there is no speaker \"bob\"");
    T_EQ(train_words("bad", "sound.high=5000"), 1);
    SAYS(err_text, "frequencies up to 4000");
    T_EQ(train_words("bad", "augment.gain=6"), 1);
    SAYS(err_text, "augment.gain = 6 has no effect");
    T_EQ(train_words("bad", "data.pattern={word}.wav"), 1);
    SAYS(err_text, "{class}");
}

/* What init writes is checked and trained as it is; it guesses what names mean, and who speaks. */
TEST(what_init_writes_is_trained_as_it_is) {
    size_t n;
    make_sounds();
    RUN(0, "init words -o words.ini run.dir=from-init");
    SAYS(err_text, "words: 144 recordings of 6 classes");
    char *text = tiny_read(tiny_path("words.ini"), &n);
    SAYS(text, "\npattern = {class}_{speaker}_{take}.wav\n");
    SAYS(text, "\ngroup = speaker\n");
    SAYS(text, "\nrate = 8000\n");
    T_CHECK(!strstr(text, "one_alphabet") && !strstr(text, "\n[prior]\n") && !strstr(text, "\n[task]\n"));
    free(text);
    RUN(0, "check words.ini");
    SAYS(out_text, "0 errors");
    RUN(0, "train words.ini train.steps=2");
    T_CHECK(!strstr(err_text, "warning"));
    RUN(0, "init support");
    SAYS(out_text, "\npattern = \n");
    SAYS(out_text, "\nrate = 16000\n");
    T_CHECK(!strstr(out_text, "\ngroup = s"));
}

/* A recording of a speaker to validate on that is one of another class of a speaker to train on. */
TEST(check_finds_what_is_wrong) {
    static float word[48000];
    make_sounds();
    put_words(tiny_path("odd"), 8000, 5, 3, 3, false);
    put_wav(tiny_path("odd/w1_s2_0.wav"), 8000, 1, word, make_word(word, 8000, 0, 0, 1));
    put_wav(tiny_path("odd/w2_s1_0.wav"), 8000, 1, word, make_word(word, 8000, 3, 0, 1));
    RUN(0, "check run.dir=odd-run data.path=odd 'data.pattern={class}_{speaker}_{take}.wav' train.group=speaker "
           "train.ways=3 "
           "train.queries=2 validate.ways=3 validate.queries=2 validate.shots=1 sound.frames=20 "
           "'model.backbone=conv 4 3; relu; flatten' data.validate=speaker=s2");
    SAYS(out_text, "w1_s2_0.wav is w0_s0_1.wav");
    SAYS(out_text, "w2_s1_0.wav is w3_s0_1.wav");
    SAYS(out_text, "2 values of speaker to train on");
}

TEST(validation_by_speakers_and_by_words) {
    T_EQ(train_words("by-speaker", "train.method=protonet validate.every=20 data.validate=speaker=s2 validate.ways=4 "
                                   "validate.queries=2 validate.episodes=20"),
         0);
    SAYS(err_text, "[validate] 36 recordings of 6 classes, each episode of one of 1 values of speaker");
    T_EQ(train_words("by-word", "train.method=protonet validate.every=20 validate.ways=2 validate.queries=2 "
                                "validate.episodes=20"),
         0);
    SAYS(err_text, "[validate] 36 recordings of 2 classes");
}

TEST_MAIN()
