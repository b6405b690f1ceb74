/* SPDX-License-Identifier: Apache-2.0 */
/* Names that somebody else chose: what a terminal, a column, a file and JSON get of them (gossamer/text.h). */
#include "base/alloc.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/text.h"
#include "test.h"

static int becomes(const char *text, goss_text_form form, const char *want) {
    char *got = goss_text_escape(text, form);
    int same = got && strcmp(got, want) == 0;
    if (!same) printf("  \"%s\", not \"%s\"\n", got ? got : "(null)", want);
    goss_text_free(got);
    return same;
}

TEST(controls_are_written_not_sent) {
    T_CHECK(becomes("plain, caf\xc3\xa9, \xe6\xbc\xa2, \xf0\x9f\x98\x80", GOSS_TEXT_NAME,
                    "plain, caf\xc3\xa9, \xe6\xbc\xa2, \xf0\x9f\x98\x80"));
    T_CHECK(becomes("\x1b[31mred\x1b[0m", GOSS_TEXT_NAME, "\\x1B[31mred\\x1B[0m"));
    T_CHECK(becomes("a\tb\nc\rd\x7f", GOSS_TEXT_NAME, "a\\tb\\nc\\rd\\x7F"));
    T_CHECK(becomes("a\tb\nc\rd\x7f", GOSS_TEXT_LINE, "a\\tb\\nc\\rd\\x7F"));
    T_CHECK(becomes("a\tb\nc\x1b", GOSS_TEXT_UTF8, "a\tb\nc\x1b"));
    T_CHECK(becomes("\xc2\x9b"
                    "31m",
                    GOSS_TEXT_NAME, "\\xC2\\x9B31m")); /* C1: CSI */
    T_CHECK(becomes("\xe2\x80\xae"
                    "exe.gnp",
                    GOSS_TEXT_NAME,
                    "\\xE2\\x80\\xAE"
                    "exe.gnp")); /* right-to-left override */
    T_CHECK(
        becomes("a\xe2\x81\xa6z\xd8\x9c\xe2\x80\xa8", GOSS_TEXT_LINE, "a\\xE2\\x81\\xA6z\\xD8\\x9C\\xE2\\x80\\xA8"));
    T_CHECK(
        becomes("\xe0\xa4\x95\xe2\x80\x8d", GOSS_TEXT_NAME, "\xe0\xa4\x95\xe2\x80\x8d")); /* a joiner is a letter's */
    T_CHECK(becomes("\xef\xbb\xbf"
                    "a\xe2\x80\x8b\xe2\x81\xa0",
                    GOSS_TEXT_NAME,
                    "\\xEF\\xBB\\xBF"
                    "a\\xE2\\x80\\x8B\\xE2\\x81\\xA0")); /* no width: what looks equal is */
}

TEST(json_texts_are_json) {
    T_CHECK(becomes("a\"b\\c\td\n\x1b\x7f", GOSS_TEXT_JSON, "a\\\"b\\\\c\\td\\n\\u001b\\u007f"));
    T_CHECK(becomes("\xc2\x9b\xe2\x80\xae\xc3\xa9", GOSS_TEXT_JSON, "\\u009b\\u202e\xc3\xa9"));
    T_CHECK(becomes("caf\xe9\xff", GOSS_TEXT_JSON, "caf\\\\xE9\\\\xFF"));
}

TEST(bytes_that_are_no_utf8_stay_different) {
    T_CHECK(becomes("caf\xe9", GOSS_TEXT_NAME, "caf\\xE9"));
    T_CHECK(becomes("caf\xe8", GOSS_TEXT_UTF8, "caf\\xE8"));
    T_CHECK(becomes("caf\\xE9", GOSS_TEXT_UTF8, "caf\\\\xE9"));
    T_CHECK(becomes("caf\\xE9", GOSS_TEXT_LINE, "caf\\xE9"));
    T_CHECK(becomes("\xed\xa0\x80\xc0\x80\xf5", GOSS_TEXT_NAME, "\\xED\\xA0\\x80\\xC0\\x80\\xF5"));
    T_CHECK(becomes("\xe6\xbc", GOSS_TEXT_UTF8, "\\xE6\\xBC")); /* cut off */
    T_CHECK(becomes("", GOSS_TEXT_NAME, ""));
}

TEST(every_text_comes_back) {
    static const char letters[] = "\\xE9a\t\n\x1b\xe9\xc3\xa9\xe2\x80\xae\xff\x80\x9b";
    goss__rng r = goss__rng_make(11, 0);
    char text[24];
    for (int k = 0; k < 50000; k++) {
        size_t n = goss__rng_below(&r, sizeof text - 1);
        for (size_t i = 0; i < n; i++)
            text[i] = goss__rng_below(&r, 4) ? letters[goss__rng_below(&r, sizeof letters - 1)]
                                             : (char)(1 + goss__rng_below(&r, 255));
        text[n] = 0;
        char *kept = goss_text_escape(text, GOSS_TEXT_UTF8), *shown = goss_text_escape(text, GOSS_TEXT_NAME);
        T_CHECK(kept && shown && goss__utf8_valid(kept) && goss__utf8_valid(shown));
        for (const char *c = shown; *c; c++) T_CHECK((unsigned char)*c >= 0x20 && *c != 0x7f);
        goss__text_unescape(kept);
        T_STR(kept, text);
        goss_text_free(kept), goss_text_free(shown);
    }
}

TEST(what_is_no_escape_of_ours_stays) {
    char old[] = "C:\\dir \\x41 \\xe9 \\x8 \\";
    goss__text_unescape(old);
    T_STR(old, "C:\\dir \\x41 \\xe9 \\x8 \\");
}

TEST(long_lines_are_cut_at_a_whole_character) {
    char out[12];
    goss__text_line("12345678901", out, sizeof out);
    T_STR(out, "12345678901");
    goss__text_line("123456789012", out, sizeof out);
    T_STR(out, "12345678...");
    goss__text_line("1234567\xc3\xa9\xc3\xa9\xc3\xa9", out, sizeof out);
    T_STR(out, "1234567...");
    goss__text_line("123456\x1b\x1b", out, sizeof out);
    T_STR(out, "123456...");
    goss__text_line("12345678", out, 4);
    T_STR(out, "...");
}

static void keep(void *ctx, goss_log_level level, const char *line) { snprintf(ctx, 100, "%s", line); }

TEST(errors_and_messages_are_one_fit_line) {
    goss_error err;
    char got[100] = "";
    (void)goss_error_set(&err, GOSS_E_IO, "%s: no such file", "a\nb\x1b]0;title\x07\xe9");
    T_STR(err.text, "a\\nb\\x1B]0;title\\x07\\xE9: no such file");
    (void)goss_error_prefix(&err, GOSS_E_IO, "%s", "\xff/z");
    T_STR(err.text, "\\xFF/z: a\\nb\\x1B]0;title\\x07\\xE9: no such file");
    (void)goss_error_set(&err, GOSS_E_IO, "%s", err.text); /* its own text, again */
    T_STR(err.text, "\\xFF/z: a\\nb\\x1B]0;title\\x07\\xE9: no such file");
    goss_log_set(keep, got);
    goss__log(GOSS_LOG_WARN, "%s", "evil\rname\x1b[2J");
    goss_log_set(NULL, NULL);
    T_STR(got, "evil\\rname\\x1B[2J");
}

TEST_MAIN()
