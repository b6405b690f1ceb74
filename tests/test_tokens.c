/* SPDX-License-Identifier: Apache-2.0 */
/* Texts as ids: normal forms, words, the kinds of tokens, and their text in a model. */
#include "gossamer/text.h"
#include "gossamer/tokens.h"
#include "test.h"

static goss_error err;

static goss_tokens *fitted(const char *kind, const char *fold, int vocabulary, int least, const char *const *texts,
                           int n) {
    const goss_token_options o = {.kind = kind, .fold = fold, .vocabulary = vocabulary, .least = least};
    goss_tokens *t = NULL;
    T_OK(goss_tokens_fit(texts, n, &o, &t, &err));
    return t;
}

/* "the|cat|?": the tokens of a text by their names; ? is an unknown one. */
static const char *shown(const goss_tokens *t, const char *text) {
    static char out[500];
    char name[100];
    int32_t id[64];
    int n;
    size_t at = 0;
    T_OK(goss_tokens_ids(t, text, id, 64, &n, &err));
    out[0] = 0;
    for (int i = 0; i < n && i < 64; i++) {
        T_CHECK(id[i] >= 1 && id[i] < goss_tokens_count(t));
        goss_tokens_name(t, id[i], name, sizeof name);
        at += (size_t)snprintf(out + at, sizeof out - at, "%s%s", i ? "|" : "", id[i] == 1 ? "?" : name);
    }
    return out;
}

static const char *const ascii[] = {"The cat sat.", "the CAT didn't sit", "a dog"};

TEST(words_are_folded_counted_and_split_from_punctuation) {
    goss_tokens *t = fitted("word", "case", 100, 1, ascii, 3);
    T_STR(shown(t, "THE cat sat, didn't it?"), "the|cat|sat|?|didn't|?|?");
    T_STR(shown(t, "dog.dog"), "dog|.|dog");
    T_STR(shown(t, ""), "");
    T_STR(shown(t, " \t\n"), "");
    T_EQ(goss_tokens_count(t), 2 + 8); /* the cat sat . didn't sit a dog */
    goss_tokens_free(t);
    t = fitted("word", "none", 100, 1, ascii, 3);
    T_STR(shown(t, "The the CAT Cat"), "The|the|CAT|?");
    goss_tokens_free(t);
}

TEST(frequent_words_come_first_and_rare_ones_are_unknown) {
    goss_tokens *t = fitted("word", "case", 100, 2, ascii, 3);
    T_EQ(goss_tokens_count(t), 2 + 2); /* cat, the: twice each, by bytes */
    char name[8];
    goss_tokens_name(t, 2, name, sizeof name);
    T_STR(name, "cat");
    T_STR(shown(t, "the dog"), "the|?");
    goss_tokens_free(t);
    t = fitted("word", "case", 3, 1, ascii, 3);
    T_EQ(goss_tokens_count(t), 3);
    goss_tokens_free(t);
}

TEST(only_so_many_ids_are_written_and_all_are_counted) {
    goss_tokens *t = fitted("word", "case", 100, 1, ascii, 3);
    int32_t id[3] = {0, 0, -7};
    int n;
    T_OK(goss_tokens_ids(t, "the cat sat the cat", id, 2, &n, &err));
    T_EQ(n, 5);
    T_EQ(id[2], -7);
    goss_tokens_free(t);
}

TEST(unicode_is_folded_by_nfkc_and_case) {
    static const char *const texts[] = {"Stra\xC3\x9F"
                                        "e caf\xC3\xA9 \xEF\xBC\xA1",
                                        "\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82, \xD0\xBC\xD0\xB8\xD1\x80"};
    goss_tokens *t = fitted("word", "case", 100, 1, texts, 2);
    T_STR(shown(t, "STRASSE"), "strasse");          /* sharp s folds to ss */
    T_STR(shown(t, "cafe\xCC\x81"), "caf\xC3\xA9"); /* a combining accent composes */
    T_STR(shown(t, "a A \xEF\xBD\x81"), "a|a|a");   /* full-width letters */
    T_STR(shown(t, "\xD0\x9C\xD0\x98\xD0\xA0"), "\xD0\xBC\xD0\xB8\xD1\x80");
    T_STR(shown(t, "l\xE2\x80\x99"
                   "eau\xE2\x80\x94\xE4\xB8\xAD"),
          "?|?|?"); /* an apostrophe joins, a dash does not */
    goss_tokens_free(t);
    t = fitted("word", "nfkc", 100, 1, texts, 2);
    T_STR(shown(t, "cafe\xCC\x81 Caf\xC3\xA9"), "caf\xC3\xA9|?");
    goss_tokens_free(t);
}

TEST(characters_and_bytes) {
    static const char *const texts[] = {"na\xC3\xAFve", "ab"};
    goss_tokens *t = fitted("char", "case", 100, 1, texts, 2);
    T_STR(shown(t, "\xC3\x8F"
                   "b a!"),
          "\xC3\xAF|b|?|a|?");
    goss_tokens_free(t);
    t = fitted("byte", "none", 100, 1, texts, 2);
    T_EQ(goss_tokens_count(t), 258);
    int32_t id[4];
    int n;
    T_OK(goss_tokens_ids(t,
                         "\xFF"
                         "a",
                         id, 4, &n, &err)); /* bytes as they are need be no UTF-8 */
    T_EQ(n, 2);
    T_EQ(id[0], 2 + 255);
    T_EQ(id[1], 2 + 'a');
    goss_tokens_free(t);
}

TEST(runs_of_tokens_follow_their_last_token) {
    static const char *const texts[] = {"not good, not bad", "Not  good"};
    goss_token_options o = {.kind = "word", .fold = "case", .vocabulary = 100, .least = 2, .ngrams = 3};
    goss_tokens *t;
    T_OK(goss_tokens_fit(texts, 2, &o, &t, &err));
    T_EQ(goss_tokens_count(t), 2 + 3); /* not, good, not good: twice each and more */
    T_EQ(goss_tokens_ngrams(t), 3);
    T_STR(shown(t, "it is NOT good"), "?|?|not|good|not good");
    T_STR(shown(t, "not so good not"), "not|?|good|not");
    goss_tokens_free(t);
    o.least = 1;
    T_OK(goss_tokens_fit(texts, 2, &o, &t, &err));
    T_STR(shown(t, "not good, fine"), "not|good|not good|,|good ,|not good ,|?");
    T_STR(shown(t, "not bad not"), "not|bad|not bad|not");
    goss_tokens_free(t);
    /* Runs do not go from one text to the next, and a long one is no shorter one of other tokens. */
    static const char *const apart[] = {"ab", "bc"};
    o = (goss_token_options){.kind = "char", .fold = "none", .vocabulary = 100, .least = 1, .ngrams = 2};
    T_OK(goss_tokens_fit(apart, 2, &o, &t, &err));
    T_EQ(goss_tokens_count(t), 2 + 3 + 2);
    T_STR(shown(t, "abbc"), "a|b|ab|b|c|bc");
    goss_tokens_free(t);
    /* The vocabulary is that of tokens and runs together. */
    o = (goss_token_options){.kind = "word", .fold = "case", .vocabulary = 4, .least = 1, .ngrams = 2};
    T_OK(goss_tokens_fit(texts, 2, &o, &t, &err));
    T_STR(shown(t, "not good"), "not|good"); /* not: 3 times; good before not good: both twice */
    goss_tokens_free(t);
}

static const char *const repeated[] = {"low low low low low lower lower newest newest newest newest newest newest",
                                       "widest widest widest"};

TEST(byte_pairs_are_merged_by_frequency_as_in_the_paper) {
    /* Sennrich et al. 2016, algorithm 1: e s, es t, then l o, lo w. Words after a blank begin with it. */
    goss_tokens *t = fitted("bpe", "case", 258 + 4, 1, repeated, 2);
    char name[20];
    goss_tokens_name(t, 258, name, sizeof name);
    T_STR(name, "es");
    goss_tokens_name(t, 259, name, sizeof name);
    T_STR(name, "est");
    T_EQ(goss_tokens_count(t), 262);
    T_STR(shown(t, "lowest"), "low|est");
    goss_tokens_free(t);
    t = fitted("bpe", "case", 10000, 1, repeated, 2); /* fewer merges than there is room for: until no pair repeats */
    T_CHECK(goss_tokens_count(t) < 300);
    T_STR(shown(t, "low newest"), "low| newest");
    T_STR(shown(t, "zz"), "z|z"); /* nothing is unknown */
    goss_tokens_free(t);
}

TEST(a_tokeniser_is_the_same_after_its_text) {
    static const char *const kinds[] = {"word", "char", "byte", "bpe", "word", "char"};
    static const char *const texts[] = {"low \"lower\" \\n newest", "newest low widest"};
    for (int k = 0; k < 6; k++) {
        T_NOTE("%s", kinds[k]);
        const goss_token_options o = {kinds[k], "case", .vocabulary = 300, .least = 1, .ngrams = k < 4 ? 1 : 3};
        goss_tokens *t, *again;
        T_OK(goss_tokens_fit(texts, 2, &o, &t, &err));
        char *text, *second;
        T_OK(goss_tokens_text(t, &text, &err));
        T_OK(goss_tokens_parse(text, &again, &err));
        T_OK(goss_tokens_text(again, &second, &err));
        T_STR(second, text);
        T_EQ(goss_tokens_count(again), goss_tokens_count(t));
        int32_t a[64], b[64];
        int n, m;
        T_OK(goss_tokens_ids(t, "Lower the widest \"sky\"", a, 64, &n, &err));
        T_OK(goss_tokens_ids(again, "Lower the widest \"sky\"", b, 64, &m, &err));
        T_CHECK(n == m && memcmp(a, b, (size_t)n * sizeof *a) == 0);
        goss_text_free(text), goss_text_free(second);
        goss_tokens_free(t), goss_tokens_free(again);
    }
}

TEST(a_damaged_tokeniser_is_refused) {
    static const char *const damaged[] = {
        "{}",
        "{\"kind\": \"words\", \"fold\": \"case\", \"words\": [], \"merges\": []}",
        "{\"kind\": \"word\", \"fold\": \"cases\", \"words\": [], \"merges\": []}",
        "{\"kind\": \"word\", \"fold\": \"case\", \"words\": [\"a\", \"a\"], \"merges\": []}",
        "{\"kind\": \"word\", \"fold\": \"case\", \"ngrams\": 6, \"words\": [\"a\"], \"merges\": []}",
        "{\"kind\": \"word\", \"fold\": \"case\", \"ngrams\": \"2\", \"words\": [\"a\"], \"merges\": []}",
        "{\"kind\": \"bpe\", \"fold\": \"case\", \"ngrams\": 2, \"words\": [], \"merges\": []}",
        "{\"kind\": \"bpe\", \"fold\": \"case\", \"words\": [], \"merges\": [97]}",
        "{\"kind\": \"bpe\", \"fold\": \"case\", \"words\": [], \"merges\": [97, 256]}",
        "{\"kind\": \"bpe\", \"fold\": \"case\", \"words\": [], \"merges\": [97, 98, 97, 98]}",
        "{\"kind\": \"bpe\", \"fold\": \"case\", \"words\": [], \"merges\": [-1, 98]}",
    };
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        goss_tokens *t;
        T_NOTE("%s", damaged[i]);
        const goss_status s = goss_tokens_parse(damaged[i], &t, &err);
        if (s == GOSS_E_UNSUPPORTED) t_lacks(err.text);
        T_EQ(s, GOSS_E_FORMAT);
        T_CHECK(t == NULL);
    }
}

TEST(what_cannot_be_is_refused_by_name) {
    goss_tokens *t;
    goss_token_options o = goss_token_options_defaults();
    o.kind = "sentence";
    T_EQ(goss_tokens_fit(ascii, 3, &o, &t, &err), GOSS_E_ARGUMENT);
    T_CHECK(strstr(err.text, "word, char, byte or bpe"));
    o = goss_token_options_defaults(), o.fold = "lower";
    T_EQ(goss_tokens_fit(ascii, 3, &o, &t, &err), GOSS_E_ARGUMENT);
    o = goss_token_options_defaults(), o.kind = "bpe", o.vocabulary = 257;
    T_EQ(goss_tokens_fit(ascii, 3, &o, &t, &err), GOSS_E_ARGUMENT);
    T_CHECK(strstr(err.text, "258"));
    o = goss_token_options_defaults(), o.kind = "bpe", o.ngrams = 2;
    T_EQ(goss_tokens_fit(ascii, 3, &o, &t, &err), GOSS_E_ARGUMENT);
    T_CHECK(strstr(err.text, "not of bpe tokens"));
    o = goss_token_options_defaults(), o.ngrams = 6;
    T_EQ(goss_tokens_fit(ascii, 3, &o, &t, &err), GOSS_E_ARGUMENT);
    T_CHECK(strstr(err.text, "n-grams of 6 tokens: 5 at most"));
    static const char *const empty[] = {"", " "};
    o = goss_token_options_defaults();
    T_EQ(goss_tokens_fit(empty, 2, &o, &t, &err), GOSS_E_ARGUMENT);
    static const char *const once[] = {"one two", "three"};
    T_EQ(goss_tokens_fit(once, 2, &o, &t, &err), GOSS_E_ARGUMENT);
    T_CHECK(strstr(err.text, "no word occurs data.least = 2 times"));
    static const char *const latin[] = {"fine", "caf\xE9 noir"};
    T_EQ(goss_tokens_fit(latin, 2, &o, &t, &err), GOSS_E_FORMAT);
    T_CHECK(strstr(err.text, "text 2") && strstr(err.text, "byte 4 is 0xE9"));
}

TEST_MAIN()
