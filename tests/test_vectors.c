/* SPDX-License-Identifier: Apache-2.0 */
/* Word vectors: what training finds, unknown words, files. */
#include "base/rng.h"
#include "base/str.h"
#include "gossamer/log.h"
#include "gossamer/vectors.h"
#include "scratch.h"
#include "test.h"

static goss_error err;

/* Sentences of two topics: words of one never meet those of the other. */
enum { SENTENCES = 400 };
static const char *text[SENTENCES];

static const char *const *sentences(void) {
    static const char *const topic[2][6] = {{"oven", "bread", "flour", "baking", "dough", "baker"},
                                            {"engine", "wheel", "driving", "fuel", "brakes", "driver"}};
    static char line[SENTENCES][80];
    goss__rng rng = goss__rng_make(5, 1);
    for (int i = 0; i < SENTENCES && !text[i]; i++) {
        size_t at = 0;
        for (int k = 0; k < 6; k++)
            at += (size_t)snprintf(line[i] + at, sizeof line[i] - at, "%s ", topic[i % 2][goss__rng_below(&rng, 6)]);
        text[i] = line[i];
    }
    return text;
}

static goss_vectors *trained(int buckets) {
    goss_vectors_options o = goss_vectors_options_defaults();
    goss_vectors *v;
    o.width = 16, o.epochs = 20, o.sample = 0, o.buckets = buckets;
    T_OK(goss_vectors_train(sentences(), SENTENCES, &o, &v, &err));
    return v;
}

static double cosine(const goss_vectors *v, const char *a, const char *b) {
    float x[64], y[64];
    double xy = 0, xx = 0, yy = 0;
    T_CHECK(goss_vectors_of(v, a, x));
    T_CHECK(goss_vectors_of(v, b, y));
    for (int j = 0; j < goss_vectors_width(v); j++)
        xy += (double)x[j] * (double)y[j], xx += (double)x[j] * (double)x[j], yy += (double)y[j] * (double)y[j];
    return xy / sqrt(xx * yy);
}

TEST(words_that_meet_have_similar_vectors) {
    goss_vectors *v = trained(500);
    T_EQ(goss_vectors_count(v), 12);
    T_CHECK(goss_vectors_find(v, "oven") >= 0);
    T_EQ(goss_vectors_find(v, "ovens"), -1);
    T_CHECK(cosine(v, "oven", "flour") > cosine(v, "oven", "fuel") + 0.3);
    T_CHECK(cosine(v, "engine", "fuel") > cosine(v, "engine", "dough") + 0.3);
    goss_vectors_free(v);
}

TEST(an_unknown_word_is_made_of_its_n_grams) {
    goss_vectors *v = trained(2000);
    T_CHECK(cosine(v, "bakers", "oven") > cosine(v, "bakers", "fuel") + 0.3);
    goss_vectors_free(v);
    v = trained(0);
    float x[16];
    T_CHECK(!goss_vectors_of(v, "bakers", x));
    for (int j = 0; j < 16; j++) T_NEAR(x[j], 0, 0);
    goss_vectors_free(v);
}

TEST(the_same_texts_and_seed_give_the_same_bits) {
    goss_vectors *a = trained(500), *b = trained(500);
    float x[16], y[16];
    for (int i = 0; i < goss_vectors_count(a); i++) {
        T_STR(goss_vectors_word(a, i), goss_vectors_word(b, i));
        T_CHECK(goss_vectors_of(a, goss_vectors_word(a, i), x) && goss_vectors_of(b, goss_vectors_word(a, i), y));
        T_CHECK(memcmp(x, y, sizeof x) == 0);
    }
    goss_vectors_free(a), goss_vectors_free(b);
}

static void same(const goss_vectors *a, const goss_vectors *b, const char *word) {
    float x[64], y[64];
    T_CHECK(goss_vectors_of(a, word, x) && goss_vectors_of(b, word, y));
    T_CHECK(memcmp(x, y, (size_t)goss_vectors_width(a) * sizeof *x) == 0);
}

TEST(files_bring_them_back) {
    goss_vectors *v = trained(300), *w;
    const char *path = scratch("v.safetensors");
    T_OK(goss_vectors_write(v, path, &err));
    T_OK(goss_vectors_read(path, NULL, 0, NULL, NULL, &w, &err));
    same(v, w, "engine"), same(v, w, "engines");
    goss_vectors_free(w);
    T_EQ(goss_vectors_read(path, "none", 0, NULL, NULL, &w, &err), GOSS_E_ARGUMENT);
    path = scratch("v.vec");
    T_OK(goss_vectors_write(v, path, &err));
    T_OK(goss_vectors_read(path, NULL, 0, NULL, NULL, &w, &err));
    T_EQ(goss_vectors_count(w), 12);
    same(v, w, "engine");
    float x[16];
    T_CHECK(!goss_vectors_of(w, "engines", x));
    goss_vectors_free(v), goss_vectors_free(w);
}

static bool wanted(const void *context, const char *word) { return strcmp(word, context) == 0; }

static goss_status read_text(const char *content, int most, const char *also, goss_vectors **v) {
    const char *path = scratch("t.txt");
    FILE *f = fopen(path, "wb");
    T_CHECK(f && fwrite(content, 1, strlen(content), f) == strlen(content));
    fclose(f);
    return goss_vectors_read(path, "case", most, also ? wanted : NULL, also, v, &err);
}

TEST(texts_of_other_tools_are_read) {
    goss_vectors *v;
    float x[2];
    T_OK(read_text("3 2\nThe 1 2\nthe 9 9\r\ncat 3e-1 -4 \n", 0, NULL,
                   &v)); /* with a header; of equal words the first */
    T_EQ(goss_vectors_count(v), 2);
    T_CHECK(goss_vectors_of(v, "the", x) && x[0] == 1 && x[1] == 2);
    T_CHECK(goss_vectors_of(v, "cat", x) && x[0] == 0.3f && x[1] == -4);
    goss_vectors_free(v);
    T_OK(read_text("a 1 2\nb 3 4\nc 5 6\nd 7 8", 2, "d", &v)); /* without one; the first two, and what is asked for */
    T_EQ(goss_vectors_count(v), 3);
    T_CHECK(goss_vectors_of(v, "d", x) && x[1] == 8 && !goss_vectors_of(v, "c", x));
    goss_vectors_free(v);
    T_OK(read_text("\xef\xbb\xbf"
                   "2 2\nNo 1 1 2\n. . . 3 4",
                   0, NULL, &v)); /* blanks and numbers in words */
    T_EQ(goss_vectors_count(v), 2);
    T_CHECK(goss_vectors_of(v, "no 1", x) && x[0] == 1 && goss_vectors_of(v, ". . .", x) && x[1] == 4);
    goss_vectors_free(v);
}

static void keep_line(void *context, goss_log_level level, const char *line) {
    if (level == GOSS_LOG_WARN) snprintf(context, 200, "%s", line);
}

TEST(a_text_that_is_not_whole_is_told) {
    char line[200] = "";
    goss_vectors *v;
    goss_log_set(keep_line, line);
    T_OK(read_text("2 1\na 1\nb 3\n", 0, NULL, &v));
    T_STR(line, "");
    goss_vectors_free(v);
    T_OK(read_text("3 1\na 1\nb 3\n", 1, NULL, &v)); /* whatever is kept of it */
    goss_vectors_free(v);
    goss_log_set(NULL, NULL);
    T_CHECK(strstr(line, "tells of 3 words, and there are 2"));
}

TEST(a_binary_file_is_refused) {
    static const char binary[] = "2 2\na \0\0\x80?\0\0\0@\n";
    goss_vectors *v;
    FILE *f = fopen(scratch("b.vec"), "wb");
    T_CHECK(f && fwrite(binary, 1, sizeof binary - 1, f) == sizeof binary - 1);
    fclose(f);
    T_ERR(goss_vectors_read(scratch("b.vec"), NULL, 0, NULL, NULL, &v, &err), GOSS_E_FORMAT, "it has zero bytes");
}

TEST(damaged_texts_are_refused_with_their_line) {
    static const char *const damaged[][2] = {{"", "no word vectors"},
                                             {"a 1 2\nb 3\n", ":2:"},
                                             {"a 1 2\nb 3 x\n", ":2:"},
                                             {"a\n", ":1:"},
                                             {"a 1 2\n\nb nan 3\n", ":3:"},
                                             {"a 1\n\xFF 2\n", ":2: the text is not UTF-8"},
                                             {"a 1 2\nb 0.5 3 4\n", ":2: more numbers than the first line has"},
                                             {"2 2\na 0.1 0.2 0.3\n", ":2: more numbers"}};
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        goss_vectors *v;
        T_NOTE("%s", damaged[i][0]);
        T_EQ(read_text(damaged[i][0], 0, NULL, &v), GOSS_E_FORMAT);
        T_CHECK(strstr(err.text, damaged[i][1]));
        T_CHECK(v == NULL);
    }
    goss_vectors *v;
    T_EQ(goss_vectors_read(scratch("missing.vec"), NULL, 0, NULL, NULL, &v, &err), GOSS_E_IO);
}

TEST(a_rate_that_is_too_large_is_an_error) {
    goss_vectors_options o = goss_vectors_options_defaults();
    goss_vectors *v;
    o.width = 16, o.epochs = 20, o.sample = 0, o.rate = 1e6;
    T_ERR(goss_vectors_train(sentences(), SENTENCES, &o, &v, &err), GOSS_E_NUMERIC, "a rate below 1e+06 is needed");
    T_CHECK(!v);
}

TEST(options_out_of_range_are_refused) {
    goss_vectors *v;
    goss_vectors_options o = goss_vectors_options_defaults();
    o.width = 0;
    T_EQ(goss_vectors_train(sentences(), SENTENCES, &o, &v, &err), GOSS_E_ARGUMENT);
    o = goss_vectors_options_defaults(), o.grams[0] = 6;
    T_EQ(goss_vectors_train(sentences(), SENTENCES, &o, &v, &err), GOSS_E_ARGUMENT);
    o = goss_vectors_options_defaults(), o.least = 100000;
    T_EQ(goss_vectors_train(sentences(), SENTENCES, &o, &v, &err), GOSS_E_ARGUMENT);
}

TEST_MAIN()
