/* SPDX-License-Identifier: Apache-2.0 */
/* test_io_metrics.c: metrics.jsonl through kills, resumes and full disks; numbers and texts as JSON; the hash. */
#include <signal.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/rng.h"
#include "io/hash.h"
#include "base/text.h"
#include "io/json.h"
#include "io/metrics.h"
#include "base/number.h"
#include "scratch.h"
#include "test.h"

static goss_error err;

static goss_status put_line(goss__metrics *m, int step, double loss) {
    goss__metrics_begin(m, step);
    goss__metrics_number(m, "loss", loss);
    return goss__metrics_end(m, &err);
}

/* The file's text, valid until the next call. */
static const char *text_of(const char *path) {
    static char *text;
    size_t size;
    goss__free(text);
    text = NULL;
    return goss__read_file(path, 1 << 24, &text, &size, &err) == GOSS_OK ? text : err.text;
}

#define LINE0 "{\"step\":0,\"loss\":0}\n"
#define LINE1 "{\"step\":1,\"loss\":0.5}\n"
#define LINE2 "{\"step\":2,\"loss\":null}\n"

static goss_status write_four(const char *path) {
    goss__metrics *m;
    GOSS_TRY(goss__metrics_open(path, -1, &m, &err));
    goss_status s = GOSS_OK;
    for (int i = 0; i < 4 && s == GOSS_OK; i++) s = put_line(m, i, i == 2 ? NAN : 0.5 * i);
    goss__metrics_close(m);
    return s;
}

TEST(a_resume_drops_later_and_broken_lines) {
    static const char *const tails[] = {"",
                                        "{\"step\":4,\"lo",
                                        "{\"step\":2,\"loss\":1}",
                                        "{\"step\":2,\"lo\n",
                                        "nonsense\n",
                                        "{\"step\":,\"a\":1}\n",
                                        "{\"step\":1x}\n",
                                        "\n",
                                        "}\n",
                                        "{\"step\":99999999999999999999}\n"};
    const char *path = scratch("m.jsonl");
    goss__metrics *m;
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        T_OK(write_four(path));
        FILE *f = fopen(path, "a");
        fputs(tails[i], f);
        fclose(f);
        T_OK(goss__metrics_open(path, 2, &m, &err));
        T_STR(text_of(path), LINE0 LINE1 LINE2);
        T_OK(put_line(m, 3, 7));
        goss__metrics_close(m);
        T_STR(text_of(path), LINE0 LINE1 LINE2 "{\"step\":3,\"loss\":7}\n");
    }
    T_OK(goss__metrics_open(path, -1, &m, &err));
    T_STR(text_of(path), "");
    goss__metrics_close(m);
    goss__metrics_close(NULL);
}

TEST(zeros_after_a_power_cut_are_dropped) {
    const char *path = scratch("m.jsonl");
    goss__metrics *m;
    T_OK(goss__write_file(path, LINE0 "\0\0\0\0\n" LINE1 "\0\0\0", strlen(LINE0 LINE1) + 8, &err));
    T_OK(goss__metrics_open(path, 5, &m, &err));
    goss__metrics_close(m);
    T_STR(text_of(path), LINE0 LINE1);
}

TEST(a_line_may_be_cut_anywhere) {
    const char *path = scratch("m.jsonl");
    const char whole[] = LINE0 LINE1;
    for (size_t cut = 0; cut < sizeof whole; cut++) {
        goss__metrics *m;
        T_OK(goss__write_file(path, whole, cut, &err));
        T_OK(goss__metrics_open(path, 9, &m, &err));
        goss__metrics_close(m);
        T_STR(text_of(path), cut < strlen(LINE0) ? "" : cut < strlen(whole) ? LINE0 : whole);
    }
}

TEST(values_of_all_kinds) {
    const char *path = scratch("m.jsonl");
    goss__metrics *m;
    T_OK(goss__metrics_open(path, -1, &m, &err));
    goss__metrics_begin(m, 1LL << 60);
    goss__metrics_number(m, "a", 0.1), goss__metrics_number(m, "b", -INFINITY), goss__metrics_number(m, "c", 1e300);
    goss__metrics_text(m, "t\"", "line\nx\x01\\ \xc3\xa4 \xff\xc3");
    T_OK(goss__metrics_end(m, &err));
    goss__metrics_close(m);
    T_STR(text_of(path), "{\"step\":1152921504606846976,\"a\":0.1,\"b\":null,\"c\":1e+300,"
                         "\"t\\\"\":\"line\\nx\\u0001\\\\ \xc3\xa4 \\\\xFF\\\\xC3\"}\n");
}

TEST(lines_allocate_nothing_after_the_first) {
    goss__metrics *m;
    T_OK(goss__metrics_open(scratch("m.jsonl"), -1, &m, &err));
    T_OK(put_line(m, 0, -1.2345678901234567e-300));
    uint64_t before = goss__alloc_count();
    for (int i = 1; i < 100; i++) T_OK(put_line(m, i, 1.0 / i));
    T_EQ(goss__alloc_count(), before);
    goss__metrics_close(m);
}

TEST(a_full_disk_leaves_whole_lines) {
    const char *path = scratch("m.jsonl");
    struct rlimit old, small;
    goss__metrics *m;
    T_OK(goss__metrics_open(path, -1, &m, &err));
    T_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old, small.rlim_cur = 50;
    signal(SIGXFSZ, SIG_IGN);
    T_OK(put_line(m, 0, 0));
    T_OK(put_line(m, 1, 0.5));
    T_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    goss_status s = put_line(m, 2, 0.25);
    setrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, SIG_DFL);
    T_EQ(s, GOSS_E_IO);
    T_CHECK(strstr(err.text, "m.jsonl: cannot write: File too large"));
    T_STR(text_of(path), LINE0 LINE1);
    T_OK(put_line(m, 2, NAN));
    goss__metrics_close(m);
    T_STR(text_of(path), LINE0 LINE1 LINE2);
}

TEST(metrics_errors) {
    goss__metrics *m;
    T_ERR(goss__metrics_open(scratch("no/such"), -1, &m, &err), GOSS_E_IO, "No such file");
    T_CHECK(!m);
    for (uint64_t n = 1; n < 20; n++) {
        goss__alloc_fail_at(n);
        goss_status s = goss__metrics_open(scratch("m.jsonl"), 3, &m, &err);
        if (s == GOSS_OK) s = put_line(m, 1, 1);
        goss__alloc_fail_at(0);
        T_CHECK(s == GOSS_OK || s == GOSS_E_NOMEM);
        if (m && s != GOSS_OK) T_OK(put_line(m, 2, 2)); /* goes on after a lost line */
        goss__metrics_close(m);
    }
}

TEST(numbers_read_back_as_the_same_double) {
    goss__rng r = goss__rng_make(1, 1);
    char text[GOSS__NUMBER_TEXT];
    double back;
    for (int i = 0; i < 100000; i++) {
        union {
            uint64_t bits;
            double value;
        } x = {(uint64_t)goss__rng_u32(&r) << 32 | goss__rng_u32(&r)};
        if (i % 2) x.value = ldexp((double)(int32_t)x.bits, (int)(x.bits >> 60) - 8);
        if (!isfinite(x.value)) continue;
        goss__number_print(x.value, text);
        if (!goss__number_parse(text, &back) || back != x.value) T_FAIL("%a became %s", x.value, text);
    }
    const char *const shown[] = {"0.1", "1e-05", "1000000", "0.3", "123456.789", "-2.5"};
    for (int i = 0; i < 6; i++) {
        T_CHECK(goss__number_parse(shown[i], &back));
        goss__number_print(back, text);
        T_STR(text, shown[i]);
    }
    const char *const no[] = {"", " 1", "1 ", "0x1", "nan", "inf", "1e999", "--1", "1..2", "e5", "+", "1,5", "1.5."};
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) T_CHECK(!goss__number_parse(no[i], &back));
}

/* Short ones do not go through strtod. */
TEST(numbers_are_read_as_strtod_does) {
    goss__rng r = goss__rng_make(3, 1);
    for (int i = 0; i < 200000; i++) {
        char text[64];
        double back;
        int n = snprintf(text, sizeof text, "%s", i % 3 ? "" : i % 2 ? "-" : "+");
        int digits = 1 + (int)goss__rng_below(&r, 18), point = (int)goss__rng_below(&r, 24);
        for (int k = 0; k < digits; k++) {
            if (k == point) text[n++] = '.';
            text[n++] = (char)('0' + goss__rng_below(&r, 10));
        }
        text[n] = 0;
        if (i % 4 == 0) snprintf(text + n, sizeof text - (size_t)n, "e%d", (int)goss__rng_below(&r, 60) - 30);
        if (!goss__number_parse(text, &back) || back != strtod(text, NULL)) T_FAIL("%s became %a", text, back);
    }
    T_CHECK(goss__number_parse("-0", &(double){1}));
    double zero;
    T_CHECK(goss__number_parse("-0.0", &zero) && signbit(zero));
    const char *const no[] = {"1e", "1e+", "1e5.", ".", "-.", "1e5e5", "1 2", "12a"};
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) T_CHECK(!goss__number_parse(no[i], &zero));
}

TEST(utf8_is_checked) {
    const char *const yes[] = {
        "", "abc", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf", "\xef\xbf\xbf"};
    const char *const no[] = {"\x80",
                              "\xc3",
                              "\xc0\x80",
                              "\xc1\xbf",
                              "\xe0\x80\x80",
                              "\xed\xa0\x80",
                              "\xf0\x80\x80\x80",
                              "\xf4\x90\x80\x80",
                              "\xf5\x80\x80\x80",
                              "\xff",
                              "a\xe2\x82",
                              "\xc3\x28"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) T_CHECK(goss__utf8_valid(yes[i]));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) T_CHECK(!goss__utf8_valid(no[i]));
}

#if GOSS_HAVE_JANSSON
TEST(json_errors_count_bytes_of_the_file) {
    json_t *v;
    T_OK(goss__json_parse("{\"a\":[1,2]}", 11, 0, &v, &err));
    T_EQ(json_array_size(json_object_get(v, "a")), 2);
    json_decref(v);
    T_ERR(goss__json_parse("{\"a\":!}", 7, 100, &v, &err), GOSS_E_FORMAT, "byte 10");
    T_ERR(goss__json_parse("{\"a\":1,\"a\":2}", 13, 0, &v, &err), GOSS_E_FORMAT, "duplicate");
    T_CHECK(!v);
}

/* Tokens longer than jansson's first buffer: a failed growth must not go unnoticed. */
TEST(json_out_of_memory) {
    char text[3000];
    memset(text, 'k', sizeof text);
    memcpy(text, "{\"", 2), memcpy(text + 2990, "\":{\"x\":1}}", 10);
    int failed = 0;
    for (uint64_t n = 1; n < 60; n++) {
        json_t *v;
        goss__alloc_fail_at(n);
        goss_status s = goss__json_parse(text, sizeof text, 0, &v, &err);
        goss__alloc_fail_at(0);
        T_CHECK(s == GOSS_E_NOMEM || (s == GOSS_OK && strlen(json_object_iter_key(json_object_iter(v))) == 2988));
        T_CHECK((v != NULL) == (s == GOSS_OK));
        failed += s != GOSS_OK;
        json_decref(v);
    }
    T_CHECK(failed > 5);
}
#endif

#if GOSS_HAVE_XXHASH
/* Known answers: XXH3_128bits of nothing, and pieces against the whole. */
TEST(hash_known_answers) {
    goss__hash *h;
    char text[GOSS__HASH_TEXT], pieces[GOSS__HASH_TEXT];
    T_OK(goss__hash_new(&h, &err));
    goss__hash_end(h, text);
    T_STR(text, "99aa06d3014798d86001c324468d497f");
    static unsigned char data[5000];
    for (size_t i = 0; i < sizeof data; i++) data[i] = (unsigned char)(i * 7);
    T_OK(goss__hash_new(&h, &err));
    goss__hash_add(h, data, sizeof data);
    goss__hash_end(h, text);
    T_OK(goss__hash_new(&h, &err));
    for (size_t i = 0; i < sizeof data; i += 50) goss__hash_add(h, data + i, 50), goss__hash_add(h, NULL, 0);
    goss__hash_end(h, pieces);
    T_STR(text, pieces);
    goss__alloc_fail_at(1);
    T_ERR(goss__hash_new(&h, &err), GOSS_E_NOMEM, "out of memory");
}
#endif

TEST_MAIN()
